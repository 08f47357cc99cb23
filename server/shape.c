/*
 * Shape: one walk over the message by its descriptor. A list of numbers, of strings or of values is
 * one "?" whatever its length, so that sets of different sizes are one shape; lists of other
 * messages (steps, series, children of AND) are written out.
 */
#include "server/shape.h"

#include <recount/v1/calendar.pb-c.h>
#include <recount/v1/scope.pb-c.h>
#include <recount/v1/value.pb-c.h>
#include <string.h>

#include "engine/base/hash.h"

#define ROOM_FIRST 512u

struct writing {
    struct rc_arena *arena;
    char *data; /* NULL: no memory. */
    size_t size;
    size_t capacity;
};

static void
put(struct writing *out, const char *text, size_t size)
{
    if (out->data != NULL && out->size + size > out->capacity) {
        const size_t capacity = 2 * out->capacity + size;
        char *data = rc_arena_alloc(out->arena, capacity);
        if (data != NULL)
            memcpy(data, out->data, out->size);
        out->data = data;
        out->capacity = capacity;
    }
    if (out->data == NULL)
        return;
    memcpy(out->data + out->size, text, size);
    out->size += size;
}

static void
put_text(struct writing *out, const char *text)
{
    put(out, text, strlen(text));
}

static bool
ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text);
    const size_t end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Whether a string names something that the question is about, and is no constant. */
static bool
is_name(const char *field)
{
    return ends_with(field, "property") || ends_with(field, "properties") ||
           strcmp(field, "definition") == 0 || strcmp(field, "segment") == 0 ||
           strcmp(field, "expression") == 0 || strcmp(field, "selector") == 0;
}

static bool
is_constant(const ProtobufCMessageDescriptor *descriptor)
{
    return descriptor == &recount__v1__value__descriptor ||
           descriptor == &recount__v1__time_range__descriptor;
}

static void
put_message(struct writing *out, const ProtobufCMessage *message);

static void
put_member(struct writing *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    const ProtobufCEnumValue *value;
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        put_text(out, *(const protobuf_c_boolean *)at ? "true" : "false");
        return;
    case PROTOBUF_C_TYPE_ENUM:
        value = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)at);
        put_text(out, value == NULL ? "?" : value->name);
        return;
    case PROTOBUF_C_TYPE_STRING:
        put_text(out, is_name(field->name) ? *(char *const *)at : "?");
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(out, *(ProtobufCMessage *const *)at);
        return;
    default:
        put_text(out, "?");
    }
}

static void
put_list(struct writing *out, const ProtobufCFieldDescriptor *field, const char *base)
{
    const size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
    const void *const *items = *(const void *const *const *)(const void *)(base + field->offset);
    const bool written_out =
        (field->type == PROTOBUF_C_TYPE_MESSAGE && !is_constant(field->descriptor)) ||
        (field->type == PROTOBUF_C_TYPE_STRING && is_name(field->name));
    put_text(out, "[");
    for (size_t i = 0; written_out && i < count; i++) {
        put_text(out, i == 0 ? "" : ", ");
        put_member(out, field, &items[i]);
    }
    put_text(out, written_out ? "]" : "?]");
}

/* Whether a field says something. A number that is 0 is one that was not given. */
static bool
is_set(const ProtobufCFieldDescriptor *field, const char *base)
{
    const void *at = base + field->offset;
    const void *quantifier = base + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)quantifier > 0;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)quantifier == field->id;
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(const ProtobufCMessage *const *)at != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)at)[0] != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len > 0;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return *(const uint64_t *)at != 0;
    default:
        return *(const uint32_t *)at != 0;
    }
}

/* How a question is run, which project it is for and where a page begins are not its shape. */
static bool
is_aside(const ProtobufCFieldDescriptor *field)
{
    return (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            field->descriptor == &recount__v1__query_hints__descriptor) ||
           strcmp(field->name, "project") == 0 || strcmp(field->name, "parent") == 0 ||
           strcmp(field->name, "page_token") == 0;
}

static void
put_message(struct writing *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    const char *base = (const char *)message;
    bool first = true;
    if (is_constant(descriptor)) {
        put_text(out, "?");
        return;
    }
    put_text(out, "{");
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!is_set(field, base) || is_aside(field))
            continue;
        put_text(out, first ? "" : ", ");
        first = false;
        put_text(out, field->name);
        put_text(out, ": ");
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(out, field, base);
        else
            put_member(out, field, base + field->offset);
    }
    put_text(out, "}");
}

struct rc_shape
rc_shape_of(const char *call, const ProtobufCMessage *message, struct rc_arena *arena)
{
    struct writing out = {.arena = arena, .capacity = ROOM_FIRST};
    out.data = rc_arena_alloc(arena, ROOM_FIRST);
    put_text(&out, call);
    put_message(&out, message);
    if (out.data == NULL)
        return (struct rc_shape){.text = {"", 0}, .fingerprint = rc_hash(call, strlen(call))};
    size_t shown = out.size;
    if (shown > RC_SHAPE_BYTES_MAX) {
        shown = RC_SHAPE_BYTES_MAX;
        while (shown > 0 && ((unsigned char)out.data[shown] & 0xC0) == 0x80)
            shown--;
    }
    return (struct rc_shape){.text = {out.data, shown}, .fingerprint = rc_hash(out.data, out.size)};
}
