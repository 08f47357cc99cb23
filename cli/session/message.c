/* Message: see message.h. */
#include "cli/session/message.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/session/exit_code.h"
#include "engine/base/assert.h"

void *
rc_need(void *pointer)
{
    if (pointer == NULL) {
        fputs("recount: there is not enough memory\n", stderr);
        exit(RC_EXIT_INTERNAL);
    }
    return pointer;
}

void *
rc_message_member(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    RC_ASSERT(field != NULL);
    return (char *)message + field->offset;
}

void
rc_pointer_list_add(struct rc_arena *arena, struct rc_pointer_list *list, void *item)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        void **items = rc_need(RC_ARENA_ARRAY(arena, void *, capacity));
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

char *
rc_text_copy(struct rc_arena *arena, const char *text)
{
    return rc_need(rc_arena_string(arena, text, strlen(text)));
}

char *
rc_text_format(struct rc_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = rc_need(rc_arena_alloc(arena, (size_t)size + 1));
    va_start(arguments, format);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

struct rc_bytes
rc_message_pack(struct rc_arena *arena, const void *message)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = rc_need(rc_arena_alloc(arena, size + 1));
    protobuf_c_message_pack(message, data);
    return (struct rc_bytes){(const char *)data, size};
}
