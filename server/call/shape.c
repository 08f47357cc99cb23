/*
 * Shape: one walk over the message by its descriptor. A list of numbers, of strings or of values is
 * one "?" whatever its length, so that sets of different sizes are one shape; lists of other
 * messages (steps, series, children of AND) are written out.
 */
#include "server/call/shape.h"

#include <recount/v1/calendar.pb-c.h>
#include <recount/v1/scope.pb-c.h>
#include <recount/v1/value.pb-c.h>
#include <string.h>

#include "engine/base/hash.h"

#define HASHED_BYTES 256u

/* What a shape is written to: either a text, or bytes that are hashed whenever they are many. The
 * bytes say what the text says, in fewer: fields and values of enums by their numbers, a mark for
 * each thing that begins or ends, texts with their NUL. So they can be read in one way only, and
 * two shapes have the same bytes exactly if they have the same text. */
struct writing {
    char *text; /* NULL: bytes are hashed. Has room for TEXT_BYTES. */
    size_t size;
    uint64_t hash;
    char bytes[HASHED_BYTES];
};

/* One more than is shown tells whether the last letter is whole. */
#define TEXT_BYTES (RC_SHAPE_BYTES_MAX + 1)

static void
put_text(struct writing *out, const char *text)
{
    if (out->text == NULL)
        return;
    const size_t size = strlen(text);
    const size_t room = TEXT_BYTES - out->size;
    memcpy(out->text + out->size, text, size < room ? size : room);
    out->size += size < room ? size : room;
}

static void
hash_bytes(struct writing *out)
{
    out->hash = rc_hash_seeded(out->bytes, out->size, out->hash);
    out->size = 0;
}

static void
put_bytes(struct writing *out, const void *bytes, size_t size)
{
    if (out->text != NULL)
        return;
    while (size > 0) {
        if (out->size == HASHED_BYTES)
            hash_bytes(out);
        const size_t room = HASHED_BYTES - out->size;
        const size_t taken = size < room ? size : room;
        memcpy(out->bytes + out->size, bytes, taken);
        out->size += taken;
        bytes = (const char *)bytes + taken;
        size -= taken;
    }
}

/* Something that one byte stands for. */
static void
put_mark(struct writing *out, char mark, const char *text)
{
    put_text(out, text);
    put_bytes(out, &mark, 1);
}

static void
put_name(struct writing *out, const char *name)
{
    put_text(out, name);
    put_bytes(out, name, strlen(name) + 1);
}

/* A number that has a name. */
static void
put_number(struct writing *out, uint32_t number, const char *name)
{
    put_text(out, name);
    if (out->text == NULL && HASHED_BYTES - out->size > sizeof(number)) { /* Mostly. */
        memcpy(out->bytes + out->size, &number, sizeof(number));
        out->size += sizeof(number);
    } else {
        put_bytes(out, &number, sizeof(number));
    }
}

static void
put_constant(struct writing *out)
{
    put_mark(out, '?', "?");
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
        if (*(const protobuf_c_boolean *)at)
            put_mark(out, '1', "true");
        else
            put_mark(out, '0', "false");
        return;
    case PROTOBUF_C_TYPE_ENUM:
        value = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)at);
        put_number(out, (uint32_t) * (const int *)at, value == NULL ? "?" : value->name);
        return;
    case PROTOBUF_C_TYPE_STRING:
        if (is_name(field->name))
            put_name(out, *(char *const *)at);
        else
            put_constant(out);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(out, *(ProtobufCMessage *const *)at);
        return;
    default:
        put_constant(out);
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
    if (!written_out) {
        put_mark(out, '?', "[?]");
        return;
    }
    put_text(out, "[");
    for (size_t i = 0; i < count; i++) {
        put_mark(out, '+', i == 0 ? "" : ", ");
        put_member(out, field, &items[i]);
    }
    put_mark(out, ']', "]");
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
           (field->type == PROTOBUF_C_TYPE_STRING &&
            (strcmp(field->name, "project") == 0 || strcmp(field->name, "parent") == 0 ||
             strcmp(field->name, "page_token") == 0));
}

static void
put_message(struct writing *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    const char *base = (const char *)message;
    bool first = true;
    if (is_constant(descriptor)) {
        put_constant(out);
        return;
    }
    put_text(out, "{");
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!is_set(field, base) || is_aside(field))
            continue;
        put_text(out, first ? "" : ", ");
        first = false;
        put_number(out, field->id, field->name);
        put_text(out, ": ");
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            put_list(out, field, base);
        else
            put_member(out, field, base + field->offset);
    }
    put_number(out, 0, "}"); /* No field has it. */
}

struct rc_shape
rc_shape_of(const char *call, const ProtobufCMessage *message)
{
    struct writing out;
    out.text = NULL;
    out.size = 0;
    out.hash = 0;
    put_name(&out, call);
    put_message(&out, message);
    hash_bytes(&out);
    return (struct rc_shape){.call = call, .message = message, .fingerprint = out.hash};
}

struct rc_bytes
rc_shape_text(const struct rc_shape *shape, struct rc_arena *arena)
{
    struct writing out = {.text = rc_arena_alloc(arena, TEXT_BYTES)};
    if (out.text == NULL)
        return (struct rc_bytes){"", 0};
    put_name(&out, shape->call);
    put_message(&out, shape->message);
    if (out.size > RC_SHAPE_BYTES_MAX) {
        out.size = RC_SHAPE_BYTES_MAX;
        while (out.size > 0 && ((unsigned char)out.text[out.size] & 0xC0) == 0x80)
            out.size--;
    }
    return (struct rc_bytes){out.text, out.size};
}
