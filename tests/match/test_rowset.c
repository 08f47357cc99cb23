/* Rowset: every form against a naive bitmap, block boundaries included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/match/rows/rowset.h"
#include "tests/match/match_rig.h"

static uint32_t
block_count_of(uint32_t row_count)
{
    return (row_count + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS;
}

static struct rc_rowset *
build(const uint64_t *words, uint32_t row_count, struct rc_account *account, bool skip_empty)
{
    static const uint64_t zeros[RC_BLOCK_WORDS];
    struct rc_rowset_builder *builder = NULL;
    struct rc_rowset *set = NULL;
    enum rc_status status = rc_rowset_builder_new(row_count, account, &builder);
    for (uint32_t block = 0; status == RC_OK && block < block_count_of(row_count); block++) {
        const uint64_t *from = words + (size_t)block * RC_BLOCK_WORDS;
        const bool empty = memcmp(from, zeros, sizeof(zeros)) == 0;
        status = rc_rowset_builder_append(builder, empty && skip_empty ? NULL : from);
    }
    if (status == RC_OK)
        status = rc_rowset_builder_finish(builder, &set);
    rc_rowset_builder_free(builder);
    assert_true(status == RC_OK || status == RC_NO_MEMORY);
    assert_true((set != NULL) == (status == RC_OK));
    return set;
}

static bool
has(const uint64_t *words, uint32_t row)
{
    return (words[row / 64] >> (row % 64) & 1) != 0;
}

static void
expect_blocks(const struct rc_rowset *set, const uint64_t *words, uint32_t row_count)
{
    uint64_t *scratch = malloc(RC_BLOCK_WORDS * sizeof(*scratch));
    for (uint32_t block = 0; block < block_count_of(row_count); block++) {
        const uint64_t *expected = words + (size_t)block * RC_BLOCK_WORDS;
        const uint64_t *found = NULL;
        const enum rc_block_kind kind = rc_rowset_block(set, block, scratch, &found);
        const uint32_t begin = block * RC_BLOCK_ROWS;
        if (kind == RC_BLOCK_MIXED) {
            assert_memory_equal(found, expected, RC_BLOCK_WORDS * sizeof(*found));
            continue;
        }
        for (uint32_t row = begin; row < begin + RC_BLOCK_ROWS && row < row_count; row++)
            assert_int_equal(has(words, row), kind == RC_BLOCK_FULL);
    }
    free(scratch);
}

static void
expect_reads(uint64_t *random,
             const struct rc_rowset *set,
             const uint64_t *words,
             uint32_t row_count)
{
    uint32_t rows[700];
    for (int i = 0; i < 30; i++) {
        uint32_t begin = rig_below(random, row_count + 1);
        uint32_t end = begin + rig_below(random, row_count + 10 - begin);
        if (i % 3 == 0) { /* Near the edges of blocks. */
            begin = begin / RC_BLOCK_ROWS * RC_BLOCK_ROWS;
            end = begin + RC_BLOCK_ROWS * rig_below(random, 2) + rig_below(random, 3);
        }
        const uint32_t capacity = 1 + rig_below(random, 700);
        uint32_t cursor = begin;
        uint32_t next = begin;
        uint64_t total = 0;
        while (cursor < end) {
            const uint32_t count = rc_rowset_read(set, &cursor, end, rows, capacity);
            for (uint32_t k = 0; k < count; k++) {
                for (; next < rows[k]; next++)
                    assert_false(has(words, next));
                assert_true(rows[k] < end && has(words, rows[k]));
                next = rows[k] + 1;
            }
            total += count;
            assert_true(count > 0 || cursor == end);
        }
        for (; next < end && next < row_count; next++)
            assert_false(has(words, next));
        assert_int_equal(rc_rowset_count_range(set, begin, end), total);
    }
}

static void
expect(uint64_t *random, const struct rc_rowset *set, const uint64_t *words, uint32_t row_count)
{
    struct rc_error error = {0};
    uint64_t cardinality = 0;
    assert_int_equal(rc_rowset_check(set, &error), RC_OK);
    for (uint32_t row = 0; row < row_count; row++) {
        cardinality += has(words, row);
        if (row % 97 == 0)
            assert_int_equal(rc_rowset_contains(set, row), has(words, row));
    }
    assert_false(rc_rowset_contains(set, row_count));
    assert_int_equal(rc_rowset_row_count(set), row_count);
    assert_int_equal(rc_rowset_cardinality(set), cardinality);
    expect_blocks(set, words, row_count);
    expect_reads(random, set, words, row_count);
}

/* Sets about one row in odds, in runs of up to run rows; odds 0: all. */
static uint64_t *
random_words(uint64_t *random, uint32_t row_count, uint32_t odds, uint32_t run)
{
    uint64_t *words = calloc((size_t)block_count_of(row_count) * RC_BLOCK_WORDS, sizeof(*words));
    uint32_t left = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        if (left == 0 && (odds == 0 || rig_below(random, odds * run) == 0))
            left = 1 + rig_below(random, run);
        if (left > 0) {
            left--;
            words[row / 64] |= (uint64_t)1 << (row % 64);
        }
    }
    return words;
}

static void
random_sets(void **state)
{
    (void)state;
    static const uint32_t row_counts[] = {1,     63,    64,     65,     65535,
                                          65536, 65537, 131072, 200000, 400001};
    static const uint32_t odds[] = {0, 1, 3, 30, 63, 64, 65, 100, 1000, 20000, 4000000};
    uint64_t random = rig_seed();
    struct rc_account account = {0};
    for (size_t i = 0; i < sizeof(row_counts) / sizeof(row_counts[0]); i++) {
        for (size_t k = 0; k < sizeof(odds) / sizeof(odds[0]); k++) {
            const uint32_t run = rig_below(&random, 3) == 0 ? 200 : 1;
            uint64_t *words = random_words(&random, row_counts[i], odds[k], run);
            struct rc_rowset *set = build(words, row_counts[i], &account, k % 2 == 0);
            expect(&random, set, words, row_counts[i]);
            assert_true(rc_rowset_memory_bytes(set) > 0);
            rc_rowset_unref(set);
            free(words);
        }
    }
    assert_int_equal(rc_account_used(&account), 0);
}

static void
one_row(void **state)
{
    (void)state;
    static const uint32_t edges[] = {0, 63, 64, 65535, 65536, 131071, 131072, 199999};
    uint64_t random = 1;
    struct rc_account account = {0};
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        uint64_t *words = calloc((size_t)4 * RC_BLOCK_WORDS, sizeof(*words));
        words[edges[i] / 64] |= (uint64_t)1 << (edges[i] % 64);
        struct rc_rowset *set = build(words, 200000, &account, true);
        expect(&random, set, words, 200000);
        rc_rowset_unref(rc_rowset_unref(rc_rowset_ref(set)));
        rc_rowset_unref(set);
        free(words);
    }
    assert_int_equal(rc_account_used(&account), 0);
}

static void
sparse_is_small(void **state)
{
    (void)state;
    uint64_t random = 7;
    struct rc_account account = {0};
    uint64_t *words = random_words(&random, 1000000, 1000, 1);
    struct rc_rowset *set = build(words, 1000000, &account, true);
    assert_true(rc_rowset_memory_bytes(set) < 1800); /* About 1,000 rows of 12 bits. */
    rc_rowset_unref(set);
    free(words);
}

/* Times are kept beside sets that somebody else has too, and are those of their rows. */
static void
times_are_kept(void **state)
{
    (void)state;
    enum { ROWS = 300000 };
    uint64_t random = 11;
    struct rc_account account = {0};
    uint32_t *times = malloc(ROWS * sizeof(*times));
    for (uint32_t row = 0; row < ROWS; row++)
        times[row] = (uint32_t)rig_random(&random);
    for (uint32_t odds = 20; odds < 100000; odds = odds * 3 + 1) {
        uint64_t *words = random_words(&random, ROWS, odds, 1);
        struct rc_rowset *set = build(words, ROWS, &account, true);
        const uint64_t bytes = rc_rowset_memory_bytes(set);
        const uint32_t count = (uint32_t)rc_rowset_cardinality(set);
        const uint32_t share = odds % 2 == 0 ? rc_rowset_window_share : RC_ROWSET_TIMES_SHARE;
        assert_null(rc_rowset_keep_times(set, times, share)); /* It is nobody else's. */
        (void)rc_rowset_ref(set);
        const uint16_t *kept = rc_rowset_keep_times(set, times, share);
        assert_int_equal(kept != NULL, count > 0 && count <= ROWS / share);
        assert_ptr_equal(rc_rowset_keep_times(set, times, share), kept);
        assert_ptr_equal(rc_rowset_times(set), kept);
        assert_int_equal(rc_rowset_memory_bytes(set),
                         bytes + (kept == NULL ? 0 : count * sizeof(*kept)));
        for (uint32_t row = 0, index = 0; kept != NULL && row < ROWS; row++) {
            if (!has(words, row))
                continue;
            assert_int_equal(rc_rowset_row(set, index), row);
            assert_int_equal(kept[index++], times[row] >> RC_ROWSET_TIME_SHIFT);
        }
        rc_rowset_unref(set);
        rc_rowset_unref(set);
        free(words);
    }
    free(times);
    assert_int_equal(rc_account_used(&account), 0);
}

/* The same of users. */
static void
users_are_kept(void **state)
{
    (void)state;
    enum { ROWS = 300000, USERS = 5000 };
    uint64_t random = 13;
    struct rc_account account = {0};
    static uint32_t starts[USERS + 1];
    static uint32_t users[USERS];
    for (uint32_t i = 0; i < USERS; i++) {
        users[i] = 3 * i + (uint32_t)(rig_random(&random) % 3);
        starts[i + 1] = starts[i] + 1 + (uint32_t)(rig_random(&random) % (2 * ROWS / USERS - 2));
    }
    const uint32_t row_count = starts[USERS];
    const struct rc_row_owners owners = {starts, users, USERS};
    for (uint32_t odds = 20; odds < 100000; odds = odds * 3 + 1) {
        uint64_t *words = random_words(&random, row_count, odds, 1);
        struct rc_rowset *set = build(words, row_count, &account, true);
        const uint64_t bytes = rc_rowset_memory_bytes(set);
        const uint32_t count = (uint32_t)rc_rowset_cardinality(set);
        assert_null(rc_rowset_keep_users(set, &owners, rc_rowset_window_share));
        (void)rc_rowset_ref(set);
        const uint32_t *kept = rc_rowset_keep_users(set, &owners, rc_rowset_window_share);
        assert_int_equal(kept != NULL, count > 0 && count <= row_count / rc_rowset_window_share);
        assert_ptr_equal(rc_rowset_keep_users(set, &owners, rc_rowset_window_share), kept);
        assert_ptr_equal(rc_rowset_users(set), kept);
        assert_int_equal(rc_rowset_memory_bytes(set),
                         bytes + (kept == NULL ? 0 : count * sizeof(*kept)));
        for (uint32_t row = 0, user = 0, index = 0; kept != NULL && row < row_count; row++) {
            user += row == starts[user + 1];
            if (has(words, row))
                assert_int_equal(kept[index++], users[user]);
        }
        rc_rowset_unref(set);
        rc_rowset_unref(set);
        free(words);
    }
    assert_int_equal(rc_account_used(&account), 0);
}

static void
memory_refused(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (uint32_t odds = 2; odds <= 200; odds *= 10) {
        uint64_t *words = random_words(&random, 300000, odds, 1);
        for (uint64_t limit = 64; limit < 100000; limit += limit / 3) {
            struct rc_account account = {.limit_bytes = limit};
            struct rc_rowset *set = build(words, 300000, &account, true);
            assert_true(rc_account_used(&account) <= limit);
            rc_rowset_unref(set);
            assert_int_equal(rc_account_used(&account), 0);
        }
        free(words);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sets),     cmocka_unit_test(one_row),
        cmocka_unit_test(sparse_is_small), cmocka_unit_test(times_are_kept),
        cmocka_unit_test(users_are_kept),  cmocka_unit_test(memory_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
