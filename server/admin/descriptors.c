/*
 * Descriptors. The set is small and asked for rarely, so every question walks it anew; there is no
 * index to keep right. The numbers are those of the fields in descriptor.proto.
 */
#include "server/admin/descriptors.h"

#include <stdio.h>

#include "server/decode/wire.h"

/* clang-format off */
__asm__(".section .rodata\n"
        ".balign 16\n"
        "rc_descriptor_set_start:\n"
        ".incbin \"" RC_DESCRIPTOR_SET_PATH "\"\n"
        "rc_descriptor_set_end:\n"
        ".byte 0\n"
        ".previous\n");
/* clang-format on */

extern const char rc_descriptor_set_start[];
extern const char rc_descriptor_set_end[];

enum { SET_FILE = 1 };
enum {
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
};
enum { NAME = 1 }; /* Of messages, fields, enums, services, methods. */
enum { MESSAGE_FIELD = 2, MESSAGE_NESTED = 3, MESSAGE_ENUM = 4 };
enum { SERVICE_METHOD = 2 };

static struct rc_reader
set_reader(void)
{
    return rc_reader_of(rc_descriptor_set_start,
                        (size_t)(rc_descriptor_set_end - rc_descriptor_set_start));
}

/* The next field of this number, as bytes. */
static bool
next_bytes(struct rc_reader *reader, uint32_t number, struct rc_bytes *ret_bytes)
{
    struct rc_wire_field field;
    while (rc_reader_left(reader) > 0 && rc_wire_next(reader, &field))
        if (field.number == number && field.wire == RC_WIRE_BYTES) {
            *ret_bytes = field.bytes;
            return true;
        }
    return false;
}

static struct rc_bytes
first_bytes(struct rc_bytes message, uint32_t number)
{
    struct rc_reader reader = rc_reader_of(message.data, message.size);
    struct rc_bytes bytes = {"", 0};
    (void)next_bytes(&reader, number, &bytes);
    return bytes;
}

static void
add_file(struct rc_bytes name, struct rc_descriptor_list *list)
{
    struct rc_reader reader = set_reader();
    struct rc_bytes file;
    for (uint32_t i = 0; i < list->count; i++)
        if (rc_bytes_equal(first_bytes(list->files[i], FILE_NAME), name))
            return;
    while (next_bytes(&reader, SET_FILE, &file))
        if (rc_bytes_equal(first_bytes(file, FILE_NAME), name)) {
            if (list->count < RC_DESCRIPTOR_FILES_MAX)
                list->files[list->count++] = file;
            return;
        }
}

void
rc_descriptors_of_file(struct rc_bytes name, struct rc_descriptor_list *ret_list)
{
    ret_list->count = 0;
    add_file(name, ret_list);
    for (uint32_t i = 0; i < ret_list->count; i++) {
        struct rc_reader reader = rc_reader_of(ret_list->files[i].data, ret_list->files[i].size);
        struct rc_bytes dependency;
        while (next_bytes(&reader, FILE_DEPENDENCY, &dependency))
            add_file(dependency, ret_list);
    }
}

/* Takes "name." (or the whole of name) off the front of *path. */
static bool
step(struct rc_bytes *path, struct rc_bytes name)
{
    if (path->size < name.size || memcmp(path->data, name.data, name.size) != 0)
        return false;
    if (path->size > name.size && path->data[name.size] != '.')
        return false;
    const size_t taken = path->size == name.size ? name.size : name.size + 1;
    path->data += taken;
    path->size -= taken;
    return true;
}

/* Whether one of the parts of message that have this number declares path; how says where to look
 * on. */
static bool
declares(struct rc_bytes message,
         uint32_t number,
         struct rc_bytes path,
         bool (*inside)(struct rc_bytes part, struct rc_bytes path))
{
    struct rc_reader reader = rc_reader_of(message.data, message.size);
    struct rc_bytes part;
    while (next_bytes(&reader, number, &part)) {
        struct rc_bytes rest = path;
        if (step(&rest, first_bytes(part, NAME)) &&
            (rest.size == 0 || (inside != NULL && inside(part, rest))))
            return true;
    }
    return false;
}

/* Inside a message: fields, enums, messages. Types of the contract nest a level or two. */
static bool
in_message(struct rc_bytes message, struct rc_bytes path)
{
    return declares(message, MESSAGE_FIELD, path, NULL) ||
           declares(message, MESSAGE_ENUM, path, NULL) ||
           declares(message, MESSAGE_NESTED, path, in_message);
}

static bool
in_service(struct rc_bytes service, struct rc_bytes path)
{
    return declares(service, SERVICE_METHOD, path, NULL);
}

void
rc_descriptors_of_symbol(struct rc_bytes symbol, struct rc_descriptor_list *ret_list)
{
    struct rc_reader reader = set_reader();
    struct rc_bytes file;
    ret_list->count = 0;
    while (next_bytes(&reader, SET_FILE, &file)) {
        struct rc_bytes path = symbol;
        if (!step(&path, first_bytes(file, FILE_PACKAGE)) || path.size == 0)
            continue;
        if (declares(file, FILE_MESSAGE, path, in_message) ||
            declares(file, FILE_ENUM, path, NULL) ||
            declares(file, FILE_SERVICE, path, in_service)) {
            rc_descriptors_of_file(first_bytes(file, FILE_NAME), ret_list);
            return;
        }
    }
}

void
rc_descriptors_services(void (*visit)(void *context, const char *name), void *context)
{
    struct rc_reader reader = set_reader();
    struct rc_bytes file;
    while (next_bytes(&reader, SET_FILE, &file)) {
        const struct rc_bytes package = first_bytes(file, FILE_PACKAGE);
        struct rc_reader inside = rc_reader_of(file.data, file.size);
        struct rc_bytes service;
        while (next_bytes(&inside, FILE_SERVICE, &service)) {
            const struct rc_bytes name = first_bytes(service, NAME);
            char text[256];
            (void)snprintf(text, sizeof(text), "%.*s.%.*s", (int)package.size, package.data,
                           (int)name.size, name.data);
            visit(context, text);
        }
    }
}
