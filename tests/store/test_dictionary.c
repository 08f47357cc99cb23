/* Dictionaries: against a naive table, read while written, out of memory, stored and read back. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/store/dictionary/dictionary.h"
#include "tests/store/slab_rig.h"

#define SEED 31337u
#define KEYS_MAX 3000u
#define CONCURRENT_KEYS 60000u

static struct rc_bytes
random_key(uint64_t *seed, char buffer[400])
{
    const uint64_t word = rig_random(seed);
    const size_t size = word % 50 == 0 ? 300 : word % 9;
    for (size_t i = 0; i < size; i++)
        buffer[i] = (char)(word >> (8 * (i % 4)) & 3);
    return (struct rc_bytes){buffer, size};
}

static void
test_against_a_naive_table(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    static struct {
        char bytes[400];
        size_t size;
    } naive[KEYS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < 20000 && count < KEYS_MAX; i++) {
        char buffer[400];
        const struct rc_bytes key = random_key(&seed, buffer);
        uint32_t expected = 0;
        while (expected < count && (naive[expected].size != key.size ||
                                    memcmp(naive[expected].bytes, key.data, key.size) != 0))
            expected++;
        const uint32_t found = rc_dictionary_find(dictionary, key);
        assert_int_equal(found, expected < count ? expected : RC_CODE_NONE);
        uint32_t code;
        if (i % 500 == 7) /* Room for more, less, or what there is. */
            assert_int_equal(rc_dictionary_expect(dictionary, i % 7 * count / 2), RC_OK);
        assert_int_equal(rc_dictionary_intern(dictionary, key, &code), RC_OK);
        assert_int_equal(code, expected);
        if (expected == count) {
            naive[count].size = key.size;
            memcpy(naive[count++].bytes, key.data, key.size);
        }
        assert_int_equal(rc_dictionary_count(dictionary), count);
    }
    assert_true(count > 500);
    for (uint32_t code = 0; code < count; code++)
        assert_true(rc_bytes_equal(rc_dictionary_key(dictionary, code),
                                   (struct rc_bytes){naive[code].bytes, naive[code].size}));
    assert_int_equal(rc_dictionary_check(dictionary, rc_dictionary_count(dictionary), NULL), RC_OK);
}

static struct rc_bytes
numbered_key(uint32_t number, char buffer[40])
{
    const int size = snprintf(buffer, 40, "%08x-0000-4000-8000-00000000%04x", number, number % 977);
    return (struct rc_bytes){buffer, (size_t)size};
}

static void
test_overhead_is_small(void **state)
{
    (void)state;
    struct rc_account account = {0};
    struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(&account, &dictionary), RC_OK);
    assert_true(rc_account_used(&account) < 2048);
    uint64_t key_bytes = 0;
    for (uint32_t i = 0; i < 300000; i++) {
        char buffer[40];
        const struct rc_bytes key = numbered_key(i, buffer);
        uint32_t code;
        assert_int_equal(rc_dictionary_intern(dictionary, key, &code), RC_OK);
        key_bytes += key.size;
        if (i > 1000 && i % 50000 == 0)
            print_message("%u keys: %.1f bytes each\n", i,
                          (double)(rc_account_used(&account) - key_bytes) / i);
    }
    assert_true(rc_account_used(&account) - key_bytes <= 300000 * (uint64_t)24);
    assert_true(rc_dictionary_memory_bytes(dictionary) <= rc_account_used(&account));
    assert_true(rc_dictionary_memory_bytes(dictionary) > key_bytes);
    rc_dictionary_free(dictionary);
    assert_int_equal(rc_account_used(&account), 0);
}

/* Codes of 3,000 numbered keys, the newest of each; RC_CODE_NONE: forgotten. */
#define FORGET_KEYS 3000u

static void
test_forget_and_come_back(void **state)
{
    (void)state;
    static uint32_t codes[FORGET_KEYS];
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    memset(codes, 0xff, sizeof(codes));
    uint32_t absent = 0;
    for (uint32_t i = 0; i < 60000; i++) {
        char buffer[40];
        const uint32_t number = (uint32_t)(rig_random(&seed) % FORGET_KEYS);
        const struct rc_bytes key = numbered_key(number, buffer);
        assert_int_equal(rc_dictionary_find(dictionary, key), codes[number]);
        if (codes[number] == RC_CODE_NONE) {
            const uint32_t next = rc_dictionary_count(dictionary);
            assert_int_equal(rc_dictionary_intern(dictionary, key, &codes[number]), RC_OK);
            assert_int_equal(codes[number], next);
        } else if (rig_random(&seed) % 3 == 0) {
            rc_dictionary_forget(dictionary, codes[number]);
            rc_dictionary_forget(dictionary, codes[number]); /* Once is enough. */
            assert_true(rc_bytes_equal(rc_dictionary_key(dictionary, codes[number]), key));
            assert_true(rc_dictionary_has(dictionary, codes[number]));
            codes[number] = RC_CODE_NONE;
            absent++;
        }
        assert_int_equal(rc_dictionary_count(dictionary) - rc_dictionary_entry_count(dictionary),
                         absent);
    }
    assert_true(absent > 1000);
    assert_int_equal(rc_dictionary_check(dictionary, rc_dictionary_count(dictionary), NULL), RC_OK);
}

/* What is not live is a hole when it is read back, and its code is given to nobody else. */
static void
test_holes(void **state)
{
    (void)state;
    uint64_t live[16] = {0};
    uint64_t seed = SEED;
    char buffer[40];
    uint32_t code = 0;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *back = NULL;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    assert_int_equal(rc_dictionary_new(NULL, &back), RC_OK);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(rc_dictionary_intern(dictionary, numbered_key(i, buffer), &code), RC_OK);
    for (size_t i = 0; i < 16; i++)
        live[i] = rig_random(&seed);
    for (size_t i = 0; i < 16; i++) /* One bit in four is left. */
        live[i] &= rig_random(&seed);
    rc_dictionary_write(dictionary, 1000, live, &writer);
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_dictionary_read(back, &reader, NULL), RC_OK);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_int_equal(rc_dictionary_count(back), 1000);
    assert_int_equal(rc_dictionary_check(back, rc_dictionary_count(back), NULL), RC_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        const bool kept = (live[i / 64] >> (i % 64) & 1) != 0;
        const struct rc_bytes key = numbered_key(i, buffer);
        assert_int_equal(rc_dictionary_has(back, i), kept);
        assert_int_equal(rc_dictionary_find(back, key), kept ? i : RC_CODE_NONE);
        if (!kept)
            assert_int_equal(rc_dictionary_key(back, i).size, 0);
        rc_dictionary_forget(back, i);
        assert_int_equal(rc_dictionary_intern(back, key, &code), RC_OK);
        assert_int_equal(code, 1000 + i);
    }
    assert_int_equal(rc_dictionary_count(back) - rc_dictionary_entry_count(back), 1000);
    assert_int_equal(rc_dictionary_check(back, rc_dictionary_count(back), NULL), RC_OK);
    for (size_t size = 0; size < writer.size; size++) {
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *cut = NULL;
        assert_int_equal(rc_dictionary_new(NULL, &cut), RC_OK);
        reader = rc_reader_of(writer.data, size);
        assert_int_equal(rc_dictionary_read(cut, &reader, NULL), RC_CORRUPT);
    }
}

/* What is withdrawn is a hole: its key comes back under another code, and is read by nobody. */
static void
test_withdrawn_and_filled(void **state)
{
    (void)state;
    char buffer[40];
    uint32_t code = 0;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *after = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(rc_dictionary_intern(dictionary, numbered_key(i, buffer), &code), RC_OK);
    const uint64_t bytes = rc_dictionary_key_bytes(dictionary);
    for (uint32_t kept = 5000; kept > 0; kept = kept * 2 / 3) {
        rc_dictionary_withdraw(dictionary, kept);
        assert_int_equal(rc_dictionary_count(dictionary), 5000);
        assert_int_equal(rc_dictionary_entry_count(dictionary), kept);
        assert_int_equal(rc_dictionary_check(dictionary, 5000, NULL), RC_OK);
        for (uint32_t i = 0; i < 5000; i++) {
            const struct rc_bytes key = numbered_key(i, buffer);
            assert_int_equal(rc_dictionary_find(dictionary, key), i < kept ? i : RC_CODE_NONE);
            assert_int_equal(rc_dictionary_has(dictionary, i), i < kept);
        }
    }
    assert_int_equal(rc_dictionary_new_after(dictionary, &after), RC_OK);
    assert_int_equal(rc_dictionary_generation(after), rc_dictionary_generation(dictionary) + 1);
    assert_int_equal(rc_dictionary_skip(after, 5000), RC_OK);
    for (uint32_t i = 0; i < 5000; i++) /* In any order; 7919 is prime. */
        assert_int_equal(
            rc_dictionary_fill(after, i * 7919 % 5000, numbered_key(i * 7919 % 5000, buffer)),
            RC_OK);
    assert_int_equal(rc_dictionary_check(after, 5000, NULL), RC_OK);
    assert_int_equal(rc_dictionary_key_bytes(after), bytes);
    for (uint32_t i = 0; i < 5001; i++) {
        assert_int_equal(rc_dictionary_intern(after, numbered_key(i, buffer), &code), RC_OK);
        assert_int_equal(code, i);
    }
}

struct readers {
    const struct rc_dictionary *dictionary;
    _Atomic(bool) done;
    _Atomic uint32_t failures;
};

static void *
read_while_written(void *argument)
{
    struct readers *readers = argument;
    uint64_t seed = SEED;
    while (!atomic_load(&readers->done)) {
        const uint32_t count = rc_dictionary_count(readers->dictionary);
        if (count == 0)
            continue;
        const uint32_t code = (uint32_t)(rig_random(&seed) % count);
        char buffer[40];
        const struct rc_bytes expected = numbered_key(code, buffer);
        const bool right = rc_bytes_equal(rc_dictionary_key(readers->dictionary, code), expected) &&
                           rc_dictionary_find(readers->dictionary, expected) == code;
        const struct rc_bytes stranger = numbered_key(CONCURRENT_KEYS + code, buffer);
        const bool none = rc_dictionary_find(readers->dictionary, stranger) == RC_CODE_NONE;
        if (!right || !none)
            atomic_fetch_add(&readers->failures, 1);
    }
    return NULL;
}

static void
test_read_while_written(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    struct readers readers = {.dictionary = dictionary};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_while_written, &readers), 0);
    for (uint32_t i = 0; i < CONCURRENT_KEYS; i++) {
        char buffer[40];
        uint32_t code;
        assert_int_equal(rc_dictionary_intern(dictionary, numbered_key(i, buffer), &code), RC_OK);
        assert_int_equal(code, i);
    }
    atomic_store(&readers.done, true);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(readers.failures, 0);
}

static void
test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 40; n++) {
        struct rc_account account = {0};
        struct rc_dictionary *dictionary = NULL;
        rc_alloc_fail_at(n);
        if (rc_dictionary_new(&account, &dictionary) == RC_OK) {
            for (uint32_t i = 0; i < 1000; i++) {
                char buffer[40];
                uint32_t code;
                const struct rc_bytes key = numbered_key(i, buffer);
                const uint32_t count = rc_dictionary_count(dictionary);
                if (rc_dictionary_intern(dictionary, key, &code) != RC_OK) {
                    assert_int_equal(rc_dictionary_count(dictionary), count);
                    assert_int_equal(rc_dictionary_find(dictionary, key), RC_CODE_NONE);
                    assert_int_equal(rc_dictionary_intern(dictionary, key, &code), RC_OK);
                }
                assert_int_equal(code, i);
            }
            assert_int_equal(rc_dictionary_check(dictionary, rc_dictionary_count(dictionary), NULL),
                             RC_OK);
        }
        rc_alloc_fail_at(0);
        rc_dictionary_free(dictionary);
        assert_int_equal(rc_account_used(&account), 0);
    }
}

static void
test_stored_form(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    uint64_t seed = SEED;
    for (uint32_t i = 0; i < 500; i++) {
        char buffer[400];
        uint32_t code;
        const struct rc_bytes key = random_key(&seed, buffer);
        if (key.size > 0) /* A stored dictionary has no empty key. */
            assert_int_equal(rc_dictionary_intern(dictionary, key, &code), RC_OK);
    }
    const uint32_t count = rc_dictionary_count(dictionary);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_dictionary_write(dictionary, count, NULL, &writer);
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *back = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &back), RC_OK);
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    assert_int_equal(rc_dictionary_read(back, &reader, NULL), RC_OK);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_int_equal(rc_dictionary_count(back), count);
    for (uint32_t code = 0; code < count; code++)
        assert_true(
            rc_bytes_equal(rc_dictionary_key(dictionary, code), rc_dictionary_key(back, code)));
    static const char *const broken[] = {"\x02\x01"
                                         "a"
                                         "\x01"
                                         "a",
                                         "\x02\x01"
                                         "a",
                                         "\x01\x05"
                                         "a"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *empty = NULL;
        struct rc_error error;
        assert_int_equal(rc_dictionary_new(NULL, &empty), RC_OK);
        reader = rc_reader_of(broken[i], strlen(broken[i]));
        assert_int_equal(rc_dictionary_read(empty, &reader, &error), RC_CORRUPT);
    }
}

static void
test_bounds(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    static const struct {
        struct rc_dictionary_bounds bounds;
        enum rc_status of_new;
    } cases[] = {
        {{2, 2, 6}, RC_OK}, /* Nothing is in it yet: "aaa" comes, */
        {{2, 2, 4}, RC_OK}, /* "bbb" as well, */
        {{2, 9, 9}, RC_LIMIT_EXCEEDED},
        {{9, 2, 9}, RC_LIMIT_EXCEEDED},
        {{9, 9, 6}, RC_LIMIT_EXCEEDED},
        {{3, 3, 7}, RC_OK},
    };
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        static const char *const keys[] = {"aaa", "bbb", "ccc"};
        const struct rc_bytes fresh = rc_bytes_of(keys[count]);
        uint32_t code = 77;
        for (uint32_t known = 0; known < count; known++) {
            const struct rc_bytes key = rc_bytes_of(keys[known]);
            assert_int_equal(rc_dictionary_intern_within(dictionary, key, rc_dictionary_hash(key),
                                                         &cases[i].bounds, &code),
                             RC_OK);
            assert_int_equal(code, known);
        }
        code = 77;
        assert_int_equal(rc_dictionary_intern_within(dictionary, fresh, rc_dictionary_hash(fresh),
                                                     &cases[i].bounds, &code),
                         cases[i].of_new);
        assert_int_equal(code, cases[i].of_new == RC_OK ? count : 77);
        count += cases[i].of_new == RC_OK;
        assert_int_equal(rc_dictionary_entry_count(dictionary), count);
        assert_int_equal(rc_dictionary_key_bytes(dictionary), 3 * count);
    }
}

/* The limits of an event property's dictionary, reached and passed. */
static void
test_limits(void **state)
{
    (void)state;
    static const struct rc_dictionary_bounds bounds = {
        RC_DICTIONARY_ENTRIES_MAX, RC_DICTIONARY_CODES_MAX, RC_DICTIONARY_BYTES_MAX};
    static char large[RC_VALUE_BYTES_MAX];
    const uint32_t large_count = (uint32_t)(RC_DICTIONARY_BYTES_MAX / sizeof(large));
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *of_many = NULL;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *of_large = NULL;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *of_codes = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &of_many), RC_OK);
    assert_int_equal(rc_dictionary_new(NULL, &of_large), RC_OK);
    assert_int_equal(rc_dictionary_new(NULL, &of_codes), RC_OK);
    for (uint32_t i = 0; i <= RC_DICTIONARY_ENTRIES_MAX; i++) {
        char buffer[40];
        uint32_t code = 0;
        const struct rc_bytes key = numbered_key(i, buffer);
        assert_int_equal(
            rc_dictionary_intern_within(of_many, key, rc_dictionary_hash(key), &bounds, &code),
            i < RC_DICTIONARY_ENTRIES_MAX ? RC_OK : RC_LIMIT_EXCEEDED);
    }
    for (uint32_t i = 0; i <= large_count; i++) {
        uint32_t code = 0;
        const struct rc_bytes key = {large, sizeof(large)};
        memcpy(large, &i, sizeof(i));
        assert_int_equal(
            rc_dictionary_intern_within(of_large, key, rc_dictionary_hash(key), &bounds, &code),
            i < large_count ? RC_OK : RC_LIMIT_EXCEEDED);
    }
    assert_int_equal(rc_dictionary_skip(of_codes, RC_DICTIONARY_CODES_MAX - 1), RC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t code = 0;
        const struct rc_bytes key = {large, i + 1};
        assert_int_equal(
            rc_dictionary_intern_within(of_codes, key, rc_dictionary_hash(key), &bounds, &code),
            i == 0 ? RC_OK : RC_LIMIT_EXCEEDED);
    }
}

/* A dictionary of numbered keys, of which the codes that divide by gap are left. */
static struct rc_dictionary *
make_rebuilt(uint32_t count, uint32_t gap)
{
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *dictionary = NULL;
    struct rc_dictionary *rebuilt = NULL;
    uint64_t *live = calloc(count / 64 + 1, sizeof(*live));
    assert_non_null(live);
    assert_int_equal(rc_dictionary_new(NULL, &dictionary), RC_OK);
    for (uint32_t i = 0; i < count; i++) {
        char buffer[400];
        uint32_t code = 0;
        assert_int_equal(rc_dictionary_intern(dictionary, numbered_key(i, buffer), &code), RC_OK);
        if (i % gap == 0)
            live[i / 64] |= (uint64_t)1 << (i % 64);
    }
    assert_int_equal(rc_dictionary_rebuild(dictionary, live, &rebuilt), RC_OK);
    assert_int_equal(rc_dictionary_generation(rebuilt), rc_dictionary_generation(dictionary) + 1);
    free(live);
    return rebuilt;
}

static void
expect_holes(const struct rc_dictionary *dictionary, uint32_t count, uint32_t gap)
{
    assert_int_equal(rc_dictionary_check(dictionary, rc_dictionary_count(dictionary), NULL), RC_OK);
    assert_int_equal(rc_dictionary_count(dictionary), count);
    assert_int_equal(rc_dictionary_entry_count(dictionary), (count + gap - 1) / gap);
    for (uint32_t i = 0; i < count; i++) {
        char buffer[400];
        const struct rc_bytes key = numbered_key(i, buffer);
        const bool lives = i % gap == 0;
        assert_int_equal(rc_dictionary_has(dictionary, i), lives);
        assert_int_equal(rc_dictionary_find(dictionary, key), lives ? i : RC_CODE_NONE);
        if (lives)
            assert_true(rc_bytes_equal(rc_dictionary_key(dictionary, i), key));
        else
            assert_null(rc_dictionary_key(dictionary, i).data);
    }
}

static void
test_rebuilt_keeps_codes(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 16, 63, 4096 * 3 + 5, 60000};
    static const uint32_t gaps[] = {1, 2, 7, 20000};
    for (size_t c = 0; c < 5; c++) {
        for (size_t g = 0; g < 4; g++) {
            RC_CLEANUP(rc_dictionary_freep)
            struct rc_dictionary *rebuilt = make_rebuilt(counts[c], gaps[g]);
            expect_holes(rebuilt, counts[c], gaps[g]);
            uint32_t code = 0;
            assert_int_equal(
                rc_dictionary_intern(rebuilt, RC_BYTES_LITERAL("something new"), &code), RC_OK);
            assert_int_equal(code, counts[c]); /* No hole is filled. */
        }
    }
}

static void
test_stored_holes(void **state)
{
    (void)state;
    for (uint32_t gap = 1; gap < 400; gap += 57) {
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *rebuilt = make_rebuilt(5000, gap);
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *back = NULL;
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        rc_dictionary_write(rebuilt, 5000, NULL, &writer);
        assert_int_equal(rc_dictionary_new(NULL, &back), RC_OK);
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        assert_int_equal(rc_dictionary_read(back, &reader, NULL), RC_OK);
        assert_int_equal(rc_reader_left(&reader), 0);
        expect_holes(back, 5000, gap);
    }
    static const struct rc_bytes broken[] = {
        RC_BYTES_LITERAL("\x02\x00"), /* No number of holes. */
        RC_BYTES_LITERAL("\x02\x00\x00\x01"
                         "a"),                                    /* None. */
        RC_BYTES_LITERAL("\x02\x00\x03"),                         /* More than there are codes. */
        RC_BYTES_LITERAL("\xff\xff\xff\x7f\x00\xff\xff\xff\x7f"), /* More than there may be. */
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *empty = NULL;
        assert_int_equal(rc_dictionary_new(NULL, &empty), RC_OK);
        struct rc_reader reader = rc_reader_of(broken[i].data, broken[i].size);
        assert_int_equal(rc_dictionary_read(empty, &reader, NULL), RC_CORRUPT);
    }
}

/* Holes take next to nothing, however many there are. */
static void
test_holes_are_cheap(void **state)
{
    (void)state;
    struct rc_account account = {0};
    struct rc_dictionary *dictionary = NULL;
    uint32_t code = 0;
    assert_int_equal(rc_dictionary_new(&account, &dictionary), RC_OK);
    assert_int_equal(rc_dictionary_skip(dictionary, 60000000), RC_OK);
    assert_int_equal(rc_dictionary_intern(dictionary, RC_BYTES_LITERAL("a"), &code), RC_OK);
    assert_int_equal(code, 60000000);
    assert_true(rc_account_used(&account) < 100000);
    assert_int_equal(rc_dictionary_find(dictionary, RC_BYTES_LITERAL("a")), code);
    assert_int_equal(rc_dictionary_skip(dictionary, UINT32_MAX - 60000000), RC_LIMIT_EXCEEDED);
    struct rc_dictionary *other = rc_dictionary_ref(dictionary);
    assert_null(rc_dictionary_free(dictionary));
    assert_int_equal(rc_dictionary_find(other, RC_BYTES_LITERAL("a")), code);
    rc_dictionary_free(other);
    assert_int_equal(rc_account_used(&account), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_naive_table),
        cmocka_unit_test(test_forget_and_come_back),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_withdrawn_and_filled),
        cmocka_unit_test(test_overhead_is_small),
        cmocka_unit_test(test_read_while_written),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_stored_form),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rebuilt_keeps_codes),
        cmocka_unit_test(test_stored_holes),
        cmocka_unit_test(test_holes_are_cheap),
    };
    return cmocka_run_group_tests_name("dictionary", tests, NULL, NULL);
}
