/*
 * Texts against a sorted array: what is written is read back in order, found by search and by
 * prefix; damaged bytes are named or harmless (run under the address sanitizer to mean it).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/builder/text_sort.h"
#include "engine/store/texts/text_writer.h"
#include "engine/store/value/value_key.h"
#include "tests/store/slab_rig.h"

#define SEED 424242u
#define COUNT_MAX 1200u

/* Distinct keys, ascending, and the same as texts. */
struct sample {
    struct rc_text_item items[COUNT_MAX];
    uint32_t count;
    struct rc_texts texts;
    struct rc_arena *arena;
};

/* A string's key: few beginnings, long ones too, any bytes above NUL. */
static struct rc_bytes
random_key(uint64_t *seed, struct rc_arena *arena)
{
    static const char *const beginnings[] = {"", "/", "/shop/", "/shop/item-", "/shop/item-9/",
                                             "z"};
    char key[700];
    size_t size = 0;
    key[size++] = (char)RC_VALUE_STRING;
    const char *beginning = beginnings[rig_random(seed) % 6];
    memcpy(key + size, beginning, strlen(beginning));
    size += strlen(beginning);
    const uint64_t long_one = rig_random(seed) % 20;
    if (long_one < 3) {
        memset(key + size, 'l', 300 + 100 * long_one);
        size += 300 + 100 * long_one;
    }
    const uint64_t rest = rig_random(seed) % 5;
    for (uint64_t i = 0; i < rest; i++)
        key[size++] = (char)('a' + rig_random(seed) % 3);
    char *copy = rc_arena_copy(arena, key, size);
    assert_non_null(copy);
    return (struct rc_bytes){copy, size};
}

static int
compare_items(const void *a, const void *b)
{
    const struct rc_text_item *x = a;
    const struct rc_text_item *y = b;
    return rc_bytes_compare(x->key, y->key);
}

static void
write_texts(struct sample *sample)
{
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer writer;
    rc_text_writer_open(&writer, NULL);
    for (uint32_t i = 0; i < sample->count; i++)
        assert_int_equal(rc_text_writer_put(&writer, sample->items[i].key), RC_OK);
    uint64_t *starts = RC_ARENA_ARRAY(sample->arena, uint64_t, rc_texts_block_count(sample->count));
    /* A block of its own, so that a read behind it is seen. */
    unsigned char *bytes = malloc(writer.byte_count + 1);
    assert_true(starts != NULL && bytes != NULL);
    const uint64_t byte_count = writer.byte_count;
    rc_text_writer_restart(&writer, starts, bytes);
    for (uint32_t i = 0; i < sample->count; i++) {
        assert_false(rc_text_writer_is_last(&writer, sample->items[i].key));
        assert_int_equal(rc_text_writer_put(&writer, sample->items[i].key), RC_OK);
        assert_true(rc_text_writer_is_last(&writer, sample->items[i].key));
    }
    assert_int_equal(writer.byte_count, byte_count);
    assert_int_equal(writer.count, sample->count);
    sample->texts = (struct rc_texts){
        .count = sample->count, .byte_count = byte_count, .block_starts = starts, .bytes = bytes};
}

static struct sample *
make_sample(uint64_t *seed, uint32_t wanted)
{
    struct sample *sample = calloc(1, sizeof(*sample));
    assert_non_null(sample);
    sample->arena = rc_arena_new(NULL, 0);
    assert_non_null(sample->arena);
    uint32_t count = 0;
    for (uint32_t i = 0; i < wanted; i++)
        sample->items[count++].key = random_key(seed, sample->arena);
    qsort(sample->items, count, sizeof(sample->items[0]), compare_items);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || compare_items(&sample->items[i], &sample->items[sample->count - 1]) != 0)
            sample->items[sample->count++] = sample->items[i];
    write_texts(sample);
    return sample;
}

static void
free_sample(struct sample *sample)
{
    free((void *)(uintptr_t)sample->texts.bytes);
    rc_arena_free(sample->arena);
    free(sample);
}

static void
test_cursor_walks_and_seeks(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < 60; round++) {
        struct sample *sample = make_sample(&seed, 1 + (uint32_t)(rig_random(&seed) % COUNT_MAX));
        RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
        struct rc_error error;
        assert_int_equal(rc_texts_check(&sample->texts, &error), RC_OK);
        rc_text_cursor_open(&cursor, &sample->texts, NULL);
        for (uint32_t i = 0; i < sample->count; i++) {
            assert_int_equal(rc_text_cursor_next(&cursor), RC_OK);
            assert_int_equal(cursor.number, i);
            assert_true(rc_bytes_equal(cursor.key, sample->items[i].key));
        }
        assert_int_equal(rc_text_cursor_next(&cursor), RC_NOT_FOUND);
        for (uint32_t i = 0; i < 200; i++) {
            const uint32_t number = (uint32_t)(rig_random(&seed) % sample->count);
            assert_int_equal(rc_text_cursor_seek(&cursor, number), RC_OK);
            assert_int_equal(cursor.number, number);
            assert_true(rc_bytes_equal(cursor.key, sample->items[number].key));
        }
        for (uint32_t number = 0; number < sample->count; number += 3) {
            assert_int_equal(rc_text_cursor_seek(&cursor, number), RC_OK);
            assert_true(rc_bytes_equal(cursor.key, sample->items[number].key));
        }
        free_sample(sample);
    }
}

static bool
begins_with(struct rc_bytes key, struct rc_bytes prefix)
{
    return prefix.size == 0 ||
           (key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0);
}

/* One key, as a whole and as a prefix, against the array. */
static void
expect_search(const struct sample *sample, struct rc_bytes key)
{
    uint32_t number = UINT32_MAX;
    uint32_t end = UINT32_MAX;
    bool equal = false;
    uint32_t below = 0;
    uint32_t with = 0;
    bool has = false;
    for (uint32_t i = 0; i < sample->count; i++) {
        below += rc_bytes_compare(sample->items[i].key, key) < 0;
        with += begins_with(sample->items[i].key, key);
        has |= rc_bytes_equal(sample->items[i].key, key);
    }
    assert_int_equal(rc_texts_lower_bound(&sample->texts, key, &number, &equal), RC_OK);
    assert_int_equal(number, below);
    assert_int_equal(equal, has);
    assert_int_equal(rc_texts_prefix_range(&sample->texts, key, &number, &end), RC_OK);
    assert_int_equal(number, below);
    assert_int_equal(end - number, with);
}

static void
test_search_finds_what_is_there(void **state)
{
    (void)state;
    uint64_t seed = SEED + 1;
    for (uint32_t round = 0; round < 30; round++) {
        struct sample *sample = make_sample(&seed, 1 + (uint32_t)(rig_random(&seed) % 300));
        for (uint32_t i = 0; i < sample->count; i++) {
            struct rc_bytes key = sample->items[i].key;
            expect_search(sample, key);
            key.size -= rig_random(&seed) % key.size;
            expect_search(sample, key);
        }
        for (uint32_t i = 0; i < 100; i++)
            expect_search(sample, random_key(&seed, sample->arena));
        expect_search(sample, (struct rc_bytes){NULL, 0});
        expect_search(sample, RC_BYTES_LITERAL("\xff"));
        expect_search(sample, RC_BYTES_LITERAL("\1"));
        free_sample(sample);
    }
    const struct rc_texts none = {0};
    uint32_t number = 7;
    bool equal = true;
    assert_int_equal(rc_texts_lower_bound(&none, RC_BYTES_LITERAL("a"), &number, &equal), RC_OK);
    assert_int_equal(number, 0);
    assert_false(equal);
}

static void
test_sort(void **state)
{
    (void)state;
    uint64_t seed = SEED + 2;
    for (uint32_t round = 0; round < 60; round++) {
        const uint32_t wanted = (uint32_t)(rig_random(&seed) % COUNT_MAX) + 1;
        struct sample *sample = make_sample(&seed, wanted);
        struct rc_text_item *mixed = rc_arena_alloc(sample->arena, sizeof(sample->items));
        assert_non_null(mixed);
        memcpy(mixed, sample->items, sizeof(sample->items));
        for (uint32_t i = 0; i < sample->count; i++)
            mixed[i].value = i;
        for (uint32_t i = sample->count; i-- > 1;) {
            const uint32_t other = (uint32_t)(rig_random(&seed) % (i + 1));
            const struct rc_text_item item = mixed[i];
            mixed[i] = mixed[other];
            mixed[other] = item;
        }
        assert_int_equal(rc_text_sort(mixed, sample->count, sample->arena), RC_OK);
        for (uint32_t i = 0; i < sample->count; i++)
            assert_int_equal(mixed[i].value, i);
        free_sample(sample);
    }
}

/* Keys that differ only in how many zero bytes they end with: a word of eight bytes is not enough
 * to tell them apart. */
static void
test_sort_of_zeros(void **state)
{
    (void)state;
    static const char zeros[200];
    struct rc_text_item items[150];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (uint32_t i = 0; i < 150; i++)
        items[i] = (struct rc_text_item){.key = {zeros, 150 - i}, .value = 149 - i};
    assert_int_equal(rc_text_sort(items, 150, arena), RC_OK);
    for (uint32_t i = 0; i < 150; i++)
        assert_int_equal(items[i].value, i);
}

/* All that can be done with texts that nobody checked. */
static void
touch(const struct rc_texts *texts, struct rc_bytes key)
{
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    uint32_t first = 0;
    uint32_t end = 0;
    bool equal = false;
    rc_text_cursor_open(&cursor, texts, NULL);
    while (rc_text_cursor_next(&cursor) == RC_OK)
        assert_true(cursor.key.size > 0 && cursor.key.size <= RC_TEXT_BYTES_MAX);
    if (rc_texts_lower_bound(texts, key, &first, &equal) == RC_OK)
        assert_true(first <= texts->count);
    if (rc_texts_prefix_range(texts, key, &first, &end) == RC_OK)
        assert_true(first <= end && end <= texts->count);
}

static void
test_damage_is_named_and_harmless(void **state)
{
    (void)state;
    uint64_t seed = SEED + 3;
    struct sample *sample = make_sample(&seed, 60);
    const size_t byte_count = (size_t)sample->texts.byte_count;
    const uint32_t block_count = rc_texts_block_count(sample->count);
    assert_true(block_count > 2);
    for (size_t at = 0; at < byte_count; at++) {
        /* Each byte to a few others: sizes that are too large, too small, of another form. */
        static const unsigned char masks[] = {0x80, 0x01, 0xff, 0x10};
        for (size_t m = 0; m < sizeof(masks); m++) {
            unsigned char *bytes = malloc(byte_count);
            assert_non_null(bytes);
            memcpy(bytes, sample->texts.bytes, byte_count);
            bytes[at] ^= masks[m];
            struct rc_texts texts = sample->texts;
            texts.bytes = bytes;
            touch(&texts, sample->items[at % sample->count].key);
            const enum rc_status status = rc_texts_check(&texts, NULL);
            assert_true(status == RC_OK || status == RC_CORRUPT);
            free(bytes);
        }
    }
    for (uint32_t block = 0; block < block_count; block++) {
        static const uint64_t wrong[] = {0, 1, UINT64_MAX, 1000000, UINT32_MAX};
        uint64_t *starts = malloc(block_count * sizeof(*starts));
        assert_non_null(starts);
        for (size_t w = 0; w < sizeof(wrong) / sizeof(*wrong); w++) {
            memcpy(starts, sample->texts.block_starts, block_count * sizeof(*starts));
            if (starts[block] == wrong[w])
                continue;
            starts[block] = wrong[w];
            struct rc_texts texts = sample->texts;
            texts.block_starts = starts;
            touch(&texts, sample->items[block].key);
            assert_int_equal(rc_texts_check(&texts, NULL), RC_CORRUPT);
        }
        free(starts);
    }
    free_sample(sample);
}

/* Forms that decode well and are still not the one form. */
static void
test_check_wants_the_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint64_t size;
        uint32_t count;
        enum rc_status status;
    } cases[] = {
        {"\2\4a\2\1b", 6, 2, RC_OK},
        {"\2\4a\1\2\4b", 7, 2, RC_CORRUPT},   /* Not what the prefix says. */
        {"\2\4a\1\1b", 6, 2, RC_OK},          /* "a" and "b" share the kind. */
        {"\2\4a\1\1a", 6, 2, RC_CORRUPT},     /* Twice, and shares more than is said. */
        {"\2\4b\1\1a", 6, 2, RC_CORRUPT},     /* Descending. */
        {"\2\4a\2\0", 5, 2, RC_CORRUPT},      /* Twice. */
        {"\2\4a\x81\0\1b", 7, 2, RC_CORRUPT}, /* A longer varint than is needed. */
        {"\2\4a\2\1bX", 7, 2, RC_CORRUPT},    /* Bytes behind the last. */
        {"\2\4a\3\1b", 6, 2, RC_CORRUPT},     /* Shares more than there is. */
        {"\2\4\xff", 3, 1, RC_CORRUPT},       /* No text. */
        {"\2\1a", 3, 1, RC_CORRUPT},          /* No value that needs a key. */
        {"\0", 1, 1, RC_CORRUPT},             /* Empty. */
        {"\1\4", 2, 1, RC_OK},                /* The empty string. */
        {"\xff\xff\xff\xff\x7f\4", 6, 1, RC_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        static const uint64_t start = 0;
        const struct rc_texts texts = {
            .count = cases[i].count,
            .byte_count = cases[i].size,
            .block_starts = &start,
            .bytes = (const unsigned char *)cases[i].bytes,
        };
        if (rc_texts_check(&texts, NULL) != cases[i].status)
            fail_msg("case %zu", i);
    }
}

static void
test_a_writer_wants_order(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        enum rc_status status;
    } cases[] = {
        {"a", "ab", RC_OK},           {"ab", "b", RC_OK},      {"a\x7f", "a\x80", RC_OK},
        {"a", "a", RC_CORRUPT},       {"ab", "a", RC_CORRUPT}, {"b", "ab", RC_CORRUPT},
        {"\x80", "\x7f", RC_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        RC_CLEANUP(rc_text_writer_close) struct rc_text_writer writer;
        rc_text_writer_open(&writer, NULL);
        assert_int_equal(rc_text_writer_put(&writer, rc_bytes_of(cases[i].first)), RC_OK);
        assert_int_equal(rc_text_writer_put(&writer, rc_bytes_of(cases[i].second)),
                         cases[i].status);
        assert_int_equal(writer.count, cases[i].status == RC_OK ? 2 : 1);
    }
}

/* The longest text there can be, and one that says to be longer. */
static void
test_the_longest_text(void **state)
{
    (void)state;
    static char key[RC_TEXT_BYTES_MAX];
    static unsigned char bytes[sizeof(key) * 2 + 16];
    uint64_t start = 0;
    memset(key, 'x', sizeof(key));
    RC_CLEANUP(rc_text_writer_close) struct rc_text_writer writer;
    rc_text_writer_open(&writer, NULL);
    rc_text_writer_restart(&writer, &start, bytes);
    for (size_t size = sizeof(key) - 1; size <= sizeof(key); size++)
        assert_int_equal(rc_text_writer_put(&writer, (struct rc_bytes){key, size}), RC_OK);
    struct rc_texts texts = {.count = 2, .block_starts = &start, .bytes = bytes};
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    texts.byte_count = writer.byte_count;
    rc_text_cursor_open(&cursor, &texts, NULL);
    assert_int_equal(rc_text_cursor_seek(&cursor, 1), RC_OK);
    assert_int_equal(cursor.key.size, sizeof(key));
    rc_text_cursor_close(&cursor);
    bytes[writer.byte_count - 2]++; /* The size of the rest: two bytes, of which one is there. */
    bytes[writer.byte_count] = 'x';
    texts.byte_count++;
    rc_text_cursor_open(&cursor, &texts, NULL);
    assert_int_equal(rc_text_cursor_seek(&cursor, 1), RC_CORRUPT);
}

static void
test_a_cursor_pays_its_account(void **state)
{
    (void)state;
    uint64_t seed = SEED + 4;
    struct sample *sample = make_sample(&seed, 300);
    struct rc_account account = {.limit_bytes = 400};
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    enum rc_status status;
    rc_text_cursor_open(&cursor, &sample->texts, &account);
    while ((status = rc_text_cursor_next(&cursor)) == RC_OK)
        ;
    assert_int_equal(status, RC_NO_MEMORY); /* A key of 300 bytes and more. */
    rc_text_cursor_close(&cursor);
    assert_int_equal(rc_account_used(&account), 0);
    free_sample(sample);
}

static void
test_keys_of_values(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_bytes items[] = {RC_BYTES_LITERAL("b"), RC_BYTES_LITERAL("")};
    char *large = rc_arena_zero(arena, 5000);
    memset(large, 'x', 5000);
    const struct rc_value values[] = {
        rc_value_string(RC_BYTES_LITERAL("")),
        rc_value_string(RC_BYTES_LITERAL("a")),
        rc_value_string((struct rc_bytes){large, 5000}),
        {.kind = RC_VALUE_LIST, .item_count = 2, .items = items},
        {.kind = RC_VALUE_DOUBLE, .real = 1e300},
        {.kind = RC_VALUE_INT, .integer = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        RC_CLEANUP(rc_value_key_close) struct rc_value_key key;
        struct rc_value back;
        assert_int_equal(rc_value_key_open(&key, values[i]), RC_OK);
        assert_int_equal(key.bytes.data[0], values[i].kind);
        assert_int_equal(rc_value_key_check(key.bytes, arena), RC_OK);
        assert_int_equal(rc_value_of_key(key.bytes, arena, &back), RC_OK);
        assert_true(rc_value_same(values[i], back));
    }
    struct rc_value value;
    assert_int_equal(rc_value_of_key((struct rc_bytes){NULL, 0}, arena, &value), RC_CORRUPT);
    assert_int_equal(rc_value_key_check((struct rc_bytes){NULL, 0}, arena), RC_CORRUPT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor_walks_and_seeks),
        cmocka_unit_test(test_search_finds_what_is_there),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_sort_of_zeros),
        cmocka_unit_test(test_damage_is_named_and_harmless),
        cmocka_unit_test(test_check_wants_the_one_form),
        cmocka_unit_test(test_a_writer_wants_order),
        cmocka_unit_test(test_the_longest_text),
        cmocka_unit_test(test_a_cursor_pays_its_account),
        cmocka_unit_test(test_keys_of_values),
    };
    return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
