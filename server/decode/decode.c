/*
 * Decode, the generic part: scan, unpack, and the path of the place at fault.
 *
 * The scan recurses as the message does, so its depth is bounded first of all; protobuf-c recurses
 * in the same way and has no bound of its own. The path of an error is built as the recursion
 * returns; the place in a repeated field is found by counting again, so that good messages pay
 * nothing for it.
 */
#include "server/decode/decode.h"

#include <stdio.h>

#include "server/decode/wire.h"

/* What a field takes besides its content: a pointer in an array, and the rounding of its block. */
#define FIELD_BYTES 24u

static uint32_t
wire_of_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return RC_WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return RC_WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return RC_WIRE_BYTES;
    default:
        return RC_WIRE_VARINT;
    }
}

/* One scan: how much unpacking will take so far, and where to say what is wrong. */
struct scanner {
    uint64_t unpacked_bytes;
    struct rc_error *error;
};

static enum rc_status
scan(struct scanner *scanner,
     const ProtobufCMessageDescriptor *descriptor,
     struct rc_bytes bytes,
     uint32_t depth);

static enum rc_status
check_enum(const ProtobufCFieldDescriptor *field, uint64_t value, struct rc_error *error)
{
    if (protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(int64_t)value) != NULL)
        return RC_OK;
    return rc_error_field(error, RC_INVALID, "", "%lld is no value of this enum",
                          (long long)(int64_t)value);
}

static enum rc_status
check_packed(const ProtobufCFieldDescriptor *field, struct rc_bytes bytes, struct rc_error *error)
{
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (field->type == PROTOBUF_C_TYPE_ENUM && rc_reader_left(&reader) > 0) {
        const uint64_t value = rc_read_varint(&reader);
        if (reader.bad)
            return rc_error_field(error, RC_INVALID, "", "a packed number is cut off");
        RC_TRY(check_enum(field, value, error));
    }
    return RC_OK;
}

static enum rc_status
check_field(const ProtobufCFieldDescriptor *field,
            const struct rc_wire_field *view,
            uint32_t depth,
            struct scanner *scanner)
{
    struct rc_error *error = scanner->error;
    const uint32_t wire = wire_of_type(field->type);
    const bool packed = field->label == PROTOBUF_C_LABEL_REPEATED && wire != RC_WIRE_BYTES &&
                        view->wire == RC_WIRE_BYTES;
    if (packed) {
        scanner->unpacked_bytes += view->bytes.size * sizeof(uint64_t);
        return check_packed(field, view->bytes, error);
    }
    if (view->wire != wire)
        return rc_error_field(error, RC_INVALID, "", "the field is sent with wire type %u, not %u",
                              view->wire, wire);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan(scanner, field->descriptor, view->bytes, depth + 1);
    if (field->type == PROTOBUF_C_TYPE_STRING && !rc_bytes_is_text(view->bytes))
        return rc_error_field(error, RC_INVALID, "", "the text is not UTF-8, or holds NUL");
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        return check_enum(field, view->varint, error);
    return RC_OK;
}

/* How many fields of this number come before the one that ends at end. */
static uint32_t
place_of(struct rc_bytes bytes, uint32_t number, const unsigned char *end)
{
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    struct rc_wire_field view;
    uint32_t count = 0;
    while (reader.at < end && rc_wire_next(&reader, &view))
        count += view.number == number && reader.at < end;
    return count;
}

static enum rc_status
scan(struct scanner *scanner,
     const ProtobufCMessageDescriptor *descriptor,
     struct rc_bytes bytes,
     uint32_t depth)
{
    struct rc_error *error = scanner->error;
    if (depth > RC_DECODE_DEPTH_MAX)
        return rc_error_field(error, RC_INVALID, "", "messages are nested more than %u deep",
                              RC_DECODE_DEPTH_MAX);
    scanner->unpacked_bytes += descriptor->sizeof_message + FIELD_BYTES;
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (rc_reader_left(&reader) > 0) {
        struct rc_wire_field view;
        scanner->unpacked_bytes += FIELD_BYTES;
        if (scanner->unpacked_bytes + bytes.size > RC_DECODE_BYTES_MAX)
            return rc_error_field(error, RC_INVALID, "",
                                  "the message takes more than %u MiB once it is unpacked",
                                  (unsigned)(RC_DECODE_BYTES_MAX >> 20));
        if (!rc_wire_next(&reader, &view))
            return rc_error_field(error, RC_INVALID, "", "the bytes are no %s message",
                                  descriptor->short_name);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(descriptor, view.number);
        if (field == NULL)
            return rc_error_field(error, RC_UNSUPPORTED, "",
                                  "field %u of %s is not known to this server", view.number,
                                  descriptor->short_name);
        const enum rc_status status = check_field(field, &view, depth, scanner);
        if (status == RC_OK)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            rc_error_prefix(error, "%s[%u]", field->name, place_of(bytes, view.number, reader.at));
        else
            rc_error_prefix(error, "%s", field->name);
        return status;
    }
    return RC_OK;
}

enum rc_status
rc_decode_scan(const ProtobufCMessageDescriptor *descriptor,
               struct rc_bytes bytes,
               struct rc_error *reterr_error)
{
    struct scanner scanner = {.error = reterr_error};
    return scan(&scanner, descriptor, bytes, 1);
}

static void *
arena_take(void *context, size_t size)
{
    return rc_arena_alloc(context, size);
}

static void
arena_give(void *context, void *block)
{
    (void)context;
    (void)block; /* The arena goes as a whole. */
}

enum rc_status
rc_decode_message(const ProtobufCMessageDescriptor *descriptor,
                  struct rc_bytes bytes,
                  struct rc_arena *arena,
                  ProtobufCMessage **ret_message,
                  struct rc_error *reterr_error)
{
    RC_TRY(rc_decode_scan(descriptor, bytes, reterr_error));
    ProtobufCAllocator allocator = {
        .alloc = arena_take, .free = arena_give, .allocator_data = arena};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.size, (const uint8_t *)bytes.data);
    if (message == NULL)
        return rc_error_set(reterr_error, RC_INVALID,
                            "the bytes are no %s message, or it takes too much memory",
                            descriptor->short_name);
    *ret_message = message;
    return RC_OK;
}

/* ---- Path ------------------------------------------------------------------------------------ */

/* What of a text fits behind the path. */
static void
put_path(struct rc_decode *decode, const char *text, size_t size)
{
    const size_t room = sizeof(decode->path) - 1 - decode->path_size;
    memcpy(decode->path + decode->path_size, text, size < room ? size : room);
    decode->path_size += size < room ? size : room;
    decode->path[decode->path_size] = '\0';
}

size_t
rc_decode_enter(struct rc_decode *decode, const char *name)
{
    const size_t mark = decode->path_size;
    if (mark > 0)
        put_path(decode, ".", 1);
    put_path(decode, name, strlen(name));
    return mark;
}

size_t
rc_decode_enter_item(struct rc_decode *decode, const char *list, size_t place)
{
    const size_t mark = decode->path_size;
    if (mark > 0 && list[0] != '\0')
        put_path(decode, ".", 1);
    rc_error_item(decode->path + decode->path_size, sizeof(decode->path) - decode->path_size, list,
                  place, "");
    decode->path_size += strlen(decode->path + decode->path_size);
    return mark;
}

void
rc_decode_leave(struct rc_decode *decode, size_t mark)
{
    decode->path_size = mark;
    decode->path[mark] = '\0';
}

enum rc_status
rc_decode_fail(struct rc_decode *decode,
               enum rc_status status,
               const char *field,
               const char *format,
               ...)
{
    char message[RC_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    (void)rc_error_field(decode->error, status, field, "%s", message);
    if (decode->path_size > 0)
        rc_error_prefix(decode->error, "%s", decode->path);
    return status;
}

enum rc_status
rc_decode_unsupported(struct rc_decode *decode, const char *field)
{
    return rc_decode_fail(decode, RC_UNSUPPORTED, field, "%s is not supported yet",
                          field[0] != '\0' ? field : "this");
}

enum rc_status
rc_decode_no_memory(struct rc_decode *decode)
{
    return rc_error_set(decode->error, RC_NO_MEMORY, "no memory for the request");
}

enum rc_status
rc_decode_texts(struct rc_decode *decode,
                char *const *in,
                size_t count,
                const struct rc_bytes **ret_texts,
                uint32_t *ret_count)
{
    struct rc_bytes *texts = RC_ARENA_ARRAY(decode->arena, struct rc_bytes, count + 1);
    if (texts == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < count; i++)
        texts[i] = rc_bytes_of(in[i]);
    *ret_texts = texts;
    *ret_count = (uint32_t)count;
    return RC_OK;
}
