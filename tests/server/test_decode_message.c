/* Decode, the generic part: a message with a field of every type and kind is unpacked as protobuf-c
 * does, and fields that come again mean what the format says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <recount/v1/calendar.pb-c.h>
#include <recount/v1/funnel.pb-c.h>

#include "server/decode/decode.h"
#include "server/decode/wire.h"
#include "tests/server/wire_build.h"

/* One field of each type, a list of each, and one of each of which only one may be set. */
#define TYPES ((uint32_t)PROTOBUF_C_TYPE_MESSAGE + 1)
#define KINDS 3u
#define SLOT_BYTES 16u
#define FIELDS (TYPES * KINDS)

enum kind { SINGLE, LIST, ONE_OF };

static ProtobufCFieldDescriptor fields[FIELDS];
static ProtobufCMessageDescriptor every;
static const ProtobufCIntRange ranges[] = {{1, 0}, {0, FIELDS}};

/* The members: a slot a field, quantifiers, and the oneof's slot and case. */
struct slots {
    ProtobufCMessage base;
    _Alignas(16) unsigned char values[FIELDS][SLOT_BYTES];
    size_t counts[FIELDS];
    _Alignas(16) unsigned char one[SLOT_BYTES];
    uint32_t which;
};

static void
init(ProtobufCMessage *message)
{
    memset(message, 0, sizeof(struct slots));
    message->descriptor = &every;
    for (uint32_t i = 0; i < FIELDS; i++)
        if (fields[i].type == PROTOBUF_C_TYPE_STRING && i / TYPES == SINGLE)
            *(const char **)((struct slots *)message)->values[i] = protobuf_c_empty_string;
}

static const void *
descriptor_of(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_ENUM      ? (const void *)&recount__v1__time_unit__descriptor
           : type == PROTOBUF_C_TYPE_MESSAGE ? (const void *)&every
                                             : NULL;
}

static int
set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FIELDS; i++) {
        const enum kind kind = (enum kind)(i / TYPES);
        const ProtobufCType type = (ProtobufCType)(i % TYPES);
        fields[i] = (ProtobufCFieldDescriptor){
            .name = "field",
            .id = i + 1,
            .label = kind == LIST ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_NONE,
            .type = type,
            .quantifier_offset = (unsigned)(kind == LIST     ? offsetof(struct slots, counts[i])
                                            : kind == ONE_OF ? offsetof(struct slots, which)
                                                             : 0),
            .offset = (unsigned)(kind == ONE_OF ? offsetof(struct slots, one)
                                                : offsetof(struct slots, values[i])),
            .descriptor = descriptor_of(type),
            .default_value = type == PROTOBUF_C_TYPE_STRING ? protobuf_c_empty_string : NULL,
            .flags = kind == ONE_OF ? PROTOBUF_C_FIELD_FLAG_ONEOF : 0,
        };
    }
    every = (ProtobufCMessageDescriptor){
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .name = "Every",
        .short_name = "Every",
        .sizeof_message = sizeof(struct slots),
        .n_fields = FIELDS,
        .fields = fields,
        .n_field_ranges = 1,
        .field_ranges = ranges,
        .message_init = init,
    };
    return 0;
}

static uint64_t
random_of(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

/* Numbers of all lengths. */
static uint64_t
random_number(uint64_t *seed)
{
    const uint64_t bits = random_of(seed, UINT32_MAX) << 32 | random_of(seed, UINT32_MAX);
    return bits >> random_of(seed, 64);
}

static uint32_t
wire_of(ProtobufCType type)
{
    static const uint32_t wires[TYPES] = {
        [PROTOBUF_C_TYPE_SFIXED32] = RC_WIRE_32,  [PROTOBUF_C_TYPE_FIXED32] = RC_WIRE_32,
        [PROTOBUF_C_TYPE_FLOAT] = RC_WIRE_32,     [PROTOBUF_C_TYPE_SFIXED64] = RC_WIRE_64,
        [PROTOBUF_C_TYPE_FIXED64] = RC_WIRE_64,   [PROTOBUF_C_TYPE_DOUBLE] = RC_WIRE_64,
        [PROTOBUF_C_TYPE_STRING] = RC_WIRE_BYTES, [PROTOBUF_C_TYPE_BYTES] = RC_WIRE_BYTES,
        [PROTOBUF_C_TYPE_MESSAGE] = RC_WIRE_BYTES};
    return wires[type];
}

/* A number as it is sent, without its tag. */
static void
put_value(struct rc_writer *writer, ProtobufCType type, uint64_t *seed)
{
    const uint64_t number = random_number(seed);
    if (type == PROTOBUF_C_TYPE_ENUM)
        rc_write_varint(writer, random_of(seed, 3));
    else if (wire_of(type) == RC_WIRE_VARINT)
        rc_write_varint(writer, number);
    else
        rc_write_raw(writer, &number, wire_of(type) == RC_WIRE_64 ? 8 : 4);
}

static struct rc_writer
random_message(uint64_t *seed, uint32_t depth);

static void
put_field(struct rc_writer *writer, uint32_t i, bool packed, uint64_t *seed, uint32_t depth)
{
    static const char text[] = "caf\xc3\xa9 and a longer text of more than sixteen bytes";
    const ProtobufCType type = fields[i].type;
    struct rc_writer inner = {.data = NULL};
    if (type == PROTOBUF_C_TYPE_MESSAGE) {
        inner = random_message(seed, depth + 1);
        put_message(writer, i + 1, &inner);
    } else if (wire_of(type) == RC_WIRE_BYTES) {
        put_bytes(writer, i + 1, (struct rc_bytes){text, random_of(seed, 2) * (sizeof(text) - 1)});
    } else if (packed) {
        for (uint64_t count = random_of(seed, 4); count > 0; count--)
            put_value(&inner, type, seed);
        put_message(writer, i + 1, &inner);
    } else {
        rc_write_varint(writer, (uint64_t)(i + 1) << 3 | wire_of(type));
        put_value(writer, type, seed);
    }
}

/* Some fields in any order; of single ones no message twice, which protobuf-c merges otherwise
 * where a number is zero. */
static struct rc_writer
random_message(uint64_t *seed, uint32_t depth)
{
    struct rc_writer writer = {.data = NULL};
    bool had_message = false;
    for (uint64_t count = random_of(seed, depth == 0 ? 40 : 8); count > 0; count--) {
        const uint32_t i = (uint32_t)random_of(seed, FIELDS);
        const bool list = i / TYPES == LIST;
        if (fields[i].type == PROTOBUF_C_TYPE_MESSAGE && (depth > 3 || (!list && had_message)))
            continue;
        had_message |= fields[i].type == PROTOBUF_C_TYPE_MESSAGE && !list;
        put_field(&writer, i, list && random_of(seed, 2) == 0, seed, depth);
    }
    return writer;
}

static struct rc_bytes
packed(const ProtobufCMessage *message, struct rc_arena *arena)
{
    const size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = rc_arena_alloc(arena, size + 1);
    assert_int_equal(protobuf_c_message_pack(message, bytes), size);
    return (struct rc_bytes){(const char *)bytes, size};
}

static void
is_what_protobuf_c_makes_of_it(void **state)
{
    uint64_t seed = 20261201;
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = random_message(&seed, 0);
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const struct rc_bytes bytes = bytes_of(&writer);
        struct rc_error error = {.status = RC_OK};
        ProtobufCMessage *ours = NULL;
        assert_int_equal(rc_decode_message(&every, bytes, arena, &ours, &error), RC_OK);
        ProtobufCMessage *theirs =
            protobuf_c_message_unpack(&every, NULL, bytes.size, (const uint8_t *)bytes.data);
        assert_non_null(theirs);
        const struct rc_bytes a = packed(ours, arena);
        const struct rc_bytes b = packed(theirs, arena);
        protobuf_c_message_free_unpacked(theirs, NULL);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
    }
}

/* Two copies of a step, sent for the one that a message has: lists are joined, the last of the
 * others counts, also where it is zero. */
static void
what_comes_again_is_merged(void **state)
{
    const uint32_t message = 1 + PROTOBUF_C_TYPE_MESSAGE;
    const uint32_t number = 1 + PROTOBUF_C_TYPE_INT32;
    const uint32_t text = 1 + PROTOBUF_C_TYPE_STRING;
    const uint32_t numbers = number + TYPES * LIST;
    const uint32_t texts = text + TYPES * LIST;
    const uint32_t one_number = number + TYPES * ONE_OF;
    const uint32_t one_text = text + TYPES * ONE_OF;
    RC_CLEANUP(rc_writer_close) struct rc_writer whole = {.data = NULL};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_writer first = {.data = NULL};
    struct rc_writer second = {.data = NULL};
    struct rc_error error = {.status = RC_OK};
    ProtobufCMessage *decoded = NULL;
    (void)state;
    put_number(&first, number, 7);
    put_number(&first, numbers, 1);
    put_bytes(&first, texts, RC_BYTES_LITERAL("a"));
    put_bytes(&first, text, RC_BYTES_LITERAL("before"));
    put_bytes(&first, one_text, RC_BYTES_LITERAL("before"));
    put_number(&second, numbers, 2);
    put_bytes(&second, numbers, RC_BYTES_LITERAL("\3\4"));
    put_number(&second, number, 0);
    put_bytes(&second, text, RC_BYTES_LITERAL("after"));
    put_bytes(&second, texts, RC_BYTES_LITERAL("b"));
    put_number(&second, one_number, 5);
    put_message(&whole, message, &first);
    put_message(&whole, message, &second);
    assert_int_equal(rc_decode_message(&every, bytes_of(&whole), arena, &decoded, &error), RC_OK);
    const struct slots *outer = (const struct slots *)decoded;
    const struct slots *inner = *(const struct slots *const *)outer->values[message - 1];
    const int32_t *list = *(const int32_t *const *)inner->values[numbers - 1];
    const char *const *words = *(const char *const *const *)inner->values[texts - 1];
    assert_int_equal(*(const int32_t *)inner->values[number - 1], 0);
    assert_string_equal(*(const char *const *)inner->values[text - 1], "after");
    assert_int_equal(inner->counts[numbers - 1], 4);
    for (int32_t i = 0; i < 4; i++)
        assert_int_equal(list[i], i + 1);
    assert_int_equal(inner->counts[texts - 1], 2);
    assert_string_equal(words[0], "a");
    assert_string_equal(words[1], "b");
    assert_int_equal(inner->which, one_number);
    assert_int_equal(*(const int32_t *)inner->one, 5);
}

/* A list that is joined again and again is copied each time: that counts as what a message takes.
 */
static void
merging_is_bounded(void **state)
{
    const uint32_t message = 1 + PROTOBUF_C_TYPE_MESSAGE;
    const uint32_t numbers = 1 + PROTOBUF_C_TYPE_INT64 + TYPES * LIST;
    RC_CLEANUP(rc_writer_close) struct rc_writer whole = {.data = NULL};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_error error = {.status = RC_OK};
    ProtobufCMessage *decoded = NULL;
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        struct rc_writer inner = {.data = NULL};
        put_number(&inner, numbers, i);
        put_message(&whole, message, &inner);
    }
    assert_int_equal(rc_decode_message(&every, bytes_of(&whole), arena, &decoded, &error),
                     RC_INVALID);
    assert_non_null(strstr(error.message, "unpacked"));
}

static void
numbers_that_are_cut_off_are_refused(void **state)
{
    static const struct {
        ProtobufCType type;
        struct rc_bytes bytes;
    } cases[] = {
        {PROTOBUF_C_TYPE_INT32, RC_BYTES_LITERAL("\1\x80")},
        {PROTOBUF_C_TYPE_ENUM, RC_BYTES_LITERAL("\1\x80")},
        {PROTOBUF_C_TYPE_DOUBLE, RC_BYTES_LITERAL("123456789")},
        {PROTOBUF_C_TYPE_FIXED32, RC_BYTES_LITERAL("123")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_error error = {.status = RC_OK};
        ProtobufCMessage *decoded = NULL;
        put_bytes(&writer, 1 + (uint32_t)cases[i].type + TYPES * LIST, cases[i].bytes);
        assert_int_equal(rc_decode_message(&every, bytes_of(&writer), arena, &decoded, &error),
                         RC_INVALID);
        assert_string_equal(error.field, "field[0]");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_protobuf_c_makes_of_it),
        cmocka_unit_test(what_comes_again_is_merged),
        cmocka_unit_test(merging_is_bounded),
        cmocka_unit_test(numbers_that_are_cut_off_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
