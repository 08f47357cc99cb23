/*
 * Decode, the generic part: one pass over a message's bytes, by its descriptor, that checks and
 * unpacks it.
 *
 * What comes out is what protobuf-c makes of the same bytes. Its own unpacking is not used: it goes
 * over each message three times, has no bound on depth, cuts texts at a NUL and keeps fields that
 * nobody knows, so that all had to be checked before it.
 *
 * The pass recurses as the message does, so its depth is bounded first of all. The first of a
 * repeated field counts those that follow, so that its array is made once. A field that should come
 * once and comes again means what the format says: the last number or text counts, messages are
 * merged.
 *
 * The path of an error is built as the recursion returns; the place in a repeated field is found by
 * counting again, so that good messages pay nothing for it.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "server/decode/decode.h"
#include "server/decode/wire.h"

/* What a field takes besides its content: a pointer in an array, and the rounding of its block. */
#define FIELD_BYTES 24u

/* Of one element, by its type. */
static const struct {
    uint8_t wire;
    uint8_t size;
} types[] = {
    [PROTOBUF_C_TYPE_INT32] = {RC_WIRE_VARINT, 4},
    [PROTOBUF_C_TYPE_SINT32] = {RC_WIRE_VARINT, 4},
    [PROTOBUF_C_TYPE_SFIXED32] = {RC_WIRE_32, 4},
    [PROTOBUF_C_TYPE_INT64] = {RC_WIRE_VARINT, 8},
    [PROTOBUF_C_TYPE_SINT64] = {RC_WIRE_VARINT, 8},
    [PROTOBUF_C_TYPE_SFIXED64] = {RC_WIRE_64, 8},
    [PROTOBUF_C_TYPE_UINT32] = {RC_WIRE_VARINT, 4},
    [PROTOBUF_C_TYPE_FIXED32] = {RC_WIRE_32, 4},
    [PROTOBUF_C_TYPE_UINT64] = {RC_WIRE_VARINT, 8},
    [PROTOBUF_C_TYPE_FIXED64] = {RC_WIRE_64, 8},
    [PROTOBUF_C_TYPE_FLOAT] = {RC_WIRE_32, sizeof(float)},
    [PROTOBUF_C_TYPE_DOUBLE] = {RC_WIRE_64, sizeof(double)},
    [PROTOBUF_C_TYPE_BOOL] = {RC_WIRE_VARINT, sizeof(protobuf_c_boolean)},
    [PROTOBUF_C_TYPE_ENUM] = {RC_WIRE_VARINT, sizeof(int)},
    [PROTOBUF_C_TYPE_STRING] = {RC_WIRE_BYTES, sizeof(char *)},
    [PROTOBUF_C_TYPE_BYTES] = {RC_WIRE_BYTES, sizeof(ProtobufCBinaryData)},
    [PROTOBUF_C_TYPE_MESSAGE] = {RC_WIRE_BYTES, sizeof(ProtobufCMessage *)},
};

struct unpacker {
    struct rc_arena *arena;
    uint64_t unpacked_bytes; /* How much it takes so far. */
    struct rc_error *error;
};

/* A message on its way. */
struct level {
    struct rc_reader reader;
    ProtobufCMessage *message;
    uint64_t has_room; /* A bit for each field whose array has room for all that come. */
    uint32_t depth;
};

static enum rc_status
unpack_message(struct unpacker *unpacker,
               const ProtobufCMessageDescriptor *descriptor,
               struct rc_bytes bytes,
               uint32_t depth,
               ProtobufCMessage **message);

static void *
member_at(ProtobufCMessage *message, unsigned offset)
{
    return (char *)message + offset;
}

static enum rc_status
fail_for_memory(const struct unpacker *unpacker)
{
    return rc_error_set(unpacker->error, RC_NO_MEMORY, "no memory for the message");
}

/* Whether there is room for so many bytes more in what a message may take. */
static enum rc_status
count_bytes(struct unpacker *unpacker, uint64_t bytes)
{
    unpacker->unpacked_bytes += bytes;
    if (unpacker->unpacked_bytes <= RC_DECODE_BYTES_MAX)
        return RC_OK;
    return rc_error_field(unpacker->error, RC_INVALID, "",
                          "the message takes more than %u MiB once it is unpacked",
                          (unsigned)(RC_DECODE_BYTES_MAX >> 20));
}

/* ---- One value ------------------------------------------------------------------------------- */

static enum rc_status
check_enum(const ProtobufCFieldDescriptor *field, uint64_t value, struct rc_error *error)
{
    if (protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(int64_t)value) != NULL)
        return RC_OK;
    return rc_error_field(error, RC_INVALID, "", "%lld is no value of this enum",
                          (long long)(int64_t)value);
}

static uint64_t
unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

static enum rc_status
unpack_varint(const struct unpacker *unpacker,
              const ProtobufCFieldDescriptor *field,
              uint64_t value,
              void *member)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        RC_TRY(check_enum(field, value, unpacker->error));
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        value = value != 0;
    else if (field->type == PROTOBUF_C_TYPE_SINT32)
        value = unzigzag(value & UINT32_MAX);
    else if (field->type == PROTOBUF_C_TYPE_SINT64)
        value = unzigzag(value);
    if (types[field->type].size == sizeof(uint32_t))
        *(uint32_t *)member = (uint32_t)value;
    else
        *(uint64_t *)member = value;
    return RC_OK;
}

/* A value that stands by itself. The member holds the one before it, or zeros. */
static enum rc_status
unpack_value(struct unpacker *unpacker,
             const ProtobufCFieldDescriptor *field,
             const struct rc_wire_field *view,
             uint32_t depth,
             void *member)
{
    const struct rc_bytes bytes = view->bytes;
    if (view->wire != types[field->type].wire)
        return rc_error_field(unpacker->error, RC_INVALID, "",
                              "the field is sent with wire type %u, not %u", view->wire,
                              types[field->type].wire);
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return unpack_message(unpacker, field->descriptor, bytes, depth + 1, member);
    case PROTOBUF_C_TYPE_STRING:
        if (!rc_bytes_is_text(bytes))
            return rc_error_field(unpacker->error, RC_INVALID, "",
                                  "the text is not UTF-8, or holds NUL");
        *(char **)member = rc_arena_string(unpacker->arena, bytes.data, bytes.size);
        return *(char **)member == NULL ? fail_for_memory(unpacker) : RC_OK;
    case PROTOBUF_C_TYPE_BYTES: {
        uint8_t *copy = NULL;
        if (bytes.size > 0)
            copy = rc_arena_copy(unpacker->arena, bytes.data, bytes.size);
        *(ProtobufCBinaryData *)member = (ProtobufCBinaryData){.len = bytes.size, .data = copy};
        return copy == NULL && bytes.size > 0 ? fail_for_memory(unpacker) : RC_OK;
    }
    default:
        if (view->wire == RC_WIRE_VARINT)
            return unpack_varint(unpacker, field, view->varint, member);
        memcpy(member, bytes.data, bytes.size); /* Little-endian, as the machine. */
        return RC_OK;
    }
}

/* ---- Repeated fields ------------------------------------------------------------------------- */

/* Whether the field's numbers stand together, without tags. */
static bool
is_packed(const ProtobufCFieldDescriptor *field, const struct rc_wire_field *view)
{
    return view->wire == RC_WIRE_BYTES && types[field->type].wire != RC_WIRE_BYTES;
}

static size_t
count_elements(const ProtobufCFieldDescriptor *field, const struct rc_wire_field *view)
{
    if (!is_packed(field, view))
        return 1;
    if (types[field->type].wire != RC_WIRE_VARINT)
        return view->bytes.size / types[field->type].size;
    size_t count = 0;
    for (size_t i = 0; i < view->bytes.size; i++)
        count += (view->bytes.data[i] & 0x80) == 0;
    return count;
}

/* Makes room for what this field and all that follow it hold. */
static enum rc_status
make_room(struct unpacker *unpacker,
          struct level *level,
          const ProtobufCFieldDescriptor *field,
          const struct rc_wire_field *view)
{
    const size_t count = *(size_t *)member_at(level->message, field->quantifier_offset);
    void **array = member_at(level->message, field->offset);
    const size_t size = types[field->type].size;
    struct rc_reader reader = level->reader;
    struct rc_wire_field next;
    size_t more = count_elements(field, view);
    while (rc_reader_left(&reader) > 0 && rc_wire_next(&reader, &next))
        more += next.number == field->id ? count_elements(field, &next) : 0;
    if (count > 0) /* A message that comes again: the array is copied each time. */
        RC_TRY(count_bytes(unpacker, count * size));
    char *room = rc_arena_array(unpacker->arena, count + more, size);
    if (room == NULL)
        return fail_for_memory(unpacker);
    if (count > 0)
        memcpy(room, *array, count * size);
    *array = room;
    return RC_OK;
}

static enum rc_status
unpack_packed(struct unpacker *unpacker,
              const ProtobufCFieldDescriptor *field,
              struct rc_bytes bytes,
              char *array,
              size_t *count)
{
    const size_t size = types[field->type].size;
    struct rc_reader reader = rc_reader_of(bytes.data, bytes.size);
    while (rc_reader_left(&reader) > 0) {
        char *member = array + *count * size;
        if (types[field->type].wire == RC_WIRE_VARINT) {
            const uint64_t value = rc_read_varint(&reader);
            if (!reader.bad)
                RC_TRY(unpack_varint(unpacker, field, value, member));
        } else {
            const struct rc_bytes raw = rc_read_raw(&reader, size);
            if (!reader.bad)
                memcpy(member, raw.data, size);
        }
        if (reader.bad)
            return rc_error_field(unpacker->error, RC_INVALID, "", "a packed number is cut off");
        ++*count;
    }
    return RC_OK;
}

static enum rc_status
unpack_repeated(struct unpacker *unpacker,
                struct level *level,
                const ProtobufCFieldDescriptor *field,
                const struct rc_wire_field *view)
{
    const uint64_t bit = (uint64_t)1 << (field - level->message->descriptor->fields);
    size_t *count = member_at(level->message, field->quantifier_offset);
    if ((level->has_room & bit) == 0)
        RC_TRY(make_room(unpacker, level, field, view));
    level->has_room |= bit;
    char *array = *(char **)member_at(level->message, field->offset);
    if (is_packed(field, view)) {
        RC_TRY(count_bytes(unpacker, view->bytes.size * sizeof(uint64_t)));
        return unpack_packed(unpacker, field, view->bytes, array, count);
    }
    RC_TRY(unpack_value(unpacker, field, view, level->depth,
                        array + *count * types[field->type].size));
    ++*count;
    return RC_OK;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static enum rc_status
unpack_field(struct unpacker *unpacker,
             struct level *level,
             const ProtobufCFieldDescriptor *field,
             const struct rc_wire_field *view)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return unpack_repeated(unpacker, level, field, view);
    void *member = member_at(level->message, field->offset);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t *which = member_at(level->message, field->quantifier_offset);
        if (*which != field->id)
            memset(member, 0, types[field->type].size);
        *which = field->id;
    }
    return unpack_value(unpacker, field, view, level->depth, member);
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
unpack_next(struct unpacker *unpacker, struct level *level, struct rc_bytes bytes)
{
    const ProtobufCMessageDescriptor *descriptor = level->message->descriptor;
    struct rc_error *error = unpacker->error;
    struct rc_wire_field view;
    RC_TRY(count_bytes(unpacker, FIELD_BYTES));
    if (!rc_wire_next(&level->reader, &view))
        return rc_error_field(error, RC_INVALID, "", "the bytes are no %s message",
                              descriptor->short_name);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(descriptor, view.number);
    if (field == NULL)
        return rc_error_field(error, RC_UNSUPPORTED, "",
                              "field %u of %s is not known to this server", view.number,
                              descriptor->short_name);
    const enum rc_status status = unpack_field(unpacker, level, field, &view);
    if (status == RC_OK || status == RC_NO_MEMORY)
        return status;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        rc_error_prefix(error, "%s[%u]", field->name,
                        place_of(bytes, view.number, level->reader.at));
    else
        rc_error_prefix(error, "%s", field->name);
    return status;
}

/* Into *message, which is made if there is none. */
static enum rc_status
unpack_message(struct unpacker *unpacker,
               const ProtobufCMessageDescriptor *descriptor,
               struct rc_bytes bytes,
               uint32_t depth,
               ProtobufCMessage **message)
{
    RC_ASSERT(descriptor->n_fields <= 64); /* The bits of a level. */
    if (depth > RC_DECODE_DEPTH_MAX)
        return rc_error_field(unpacker->error, RC_INVALID, "",
                              "messages are nested more than %u deep", RC_DECODE_DEPTH_MAX);
    RC_TRY(count_bytes(unpacker, descriptor->sizeof_message + FIELD_BYTES));
    if (*message == NULL) {
        ProtobufCMessage *made = rc_arena_alloc(unpacker->arena, descriptor->sizeof_message);
        if (made == NULL)
            return fail_for_memory(unpacker);
        descriptor->message_init(made);
        *message = made;
    }
    struct level level = {
        .reader = rc_reader_of(bytes.data, bytes.size), .message = *message, .depth = depth};
    while (rc_reader_left(&level.reader) > 0)
        RC_TRY(unpack_next(unpacker, &level, bytes));
    return RC_OK;
}

enum rc_status
rc_decode_message(const ProtobufCMessageDescriptor *descriptor,
                  struct rc_bytes bytes,
                  struct rc_arena *arena,
                  ProtobufCMessage **ret_message,
                  struct rc_error *reterr_error)
{
    struct unpacker unpacker = {.arena = arena, .error = reterr_error};
    ProtobufCMessage *message = NULL;
    /* What texts take is bounded by the bytes that they came in. */
    RC_TRY(count_bytes(&unpacker, bytes.size));
    RC_TRY(unpack_message(&unpacker, descriptor, bytes, 1, &message));
    *ret_message = message;
    return RC_OK;
}
