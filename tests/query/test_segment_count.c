/* Counting the rows of a sparse set by user: by times that are kept beside it, and by reading each
 * row's, against a slow twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/segment/segment_count.h"

#define ROWS 150000u
#define USERS 3000u

static uint64_t random_state = 5;
static uint32_t times[ROWS];
static uint32_t starts[USERS + 1];
static uint32_t users[USERS];
static uint64_t dead[ROWS / 64 + 1];
static uint64_t skip[2 * USERS / 64 + 1];
static uint64_t words[ROWS / 64 + RC_BLOCK_WORDS];

static uint32_t
below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % limit);
}

static bool
has(const uint64_t *bits, uint32_t at)
{
    return (bits[at / 64] >> (at % 64) & 1) != 0;
}

/* Users of some rows each, times of a few halves, or of many. */
static void
make_rows(void)
{
    const uint32_t spread = below(2) == 0 ? 1u << 18 : 1u << 30;
    memset(dead, 0, sizeof(dead));
    memset(skip, 0, sizeof(skip));
    for (uint32_t user = 0; user < USERS; user++) {
        users[user] = 2 * user + below(2);
        starts[user] = user * (ROWS / USERS) + (user == 0 ? 0 : below(ROWS / USERS));
        skip[users[user] / 64] |= (uint64_t)(below(4) == 0) << (users[user] % 64);
    }
    starts[USERS] = ROWS;
    for (uint32_t row = 0; row < ROWS; row++) {
        times[row] = below(spread);
        dead[row / 64] |= (uint64_t)(below(8) == 0) << (row % 64);
    }
}

/* One row in odds, as one that the cache has too. */
static struct rc_rowset *
random_set(uint32_t odds)
{
    struct rc_rowset_builder *builder;
    struct rc_rowset *set;
    memset(words, 0, sizeof(words));
    assert_int_equal(rc_rowset_builder_new(ROWS, &rc_account_process, &builder), RC_OK);
    for (uint32_t row = 0; row < ROWS; row++)
        words[row / 64] |= (uint64_t)(below(odds) == 0) << (row % 64);
    for (uint32_t begin = 0; begin < ROWS; begin += RC_BLOCK_ROWS)
        assert_int_equal(rc_rowset_builder_append(builder, words + begin / 64), RC_OK);
    assert_int_equal(rc_rowset_builder_finish(builder, &set), RC_OK);
    rc_rowset_builder_free(builder);
    return rc_rowset_ref(set);
}

static bool
counts(const struct rc_segment_counting *counting, uint32_t row, uint32_t user)
{
    return has(words, row) && (counting->dead == NULL || !has(dead, row)) &&
           (counting->skip == NULL || !has(skip, users[user])) &&
           (counting->times == NULL ||
            (times[row] >= counting->from_ms && times[row] <= counting->last_ms));
}

/* Holds the numbers of all users against those of a slow twin. */
static void
compare(struct rc_segment_counting counting, struct rc_rowset *set, uint32_t begin, uint32_t end)
{
    const struct rc_behaviour behaviour = {.comparison = RC_GE, .n = 3};
    struct rc_segment_numbers numbers;
    uint64_t expected = 0;
    assert_int_equal(
        rc_segment_numbers_open(&numbers, &behaviour, 2 * USERS, NULL, &rc_account_process), RC_OK);
    counting.numbers = &numbers;
    const uint64_t counted = rc_segment_count_sparse(&counting, set, begin, end);
    for (uint32_t user = 0; user < USERS; user++) {
        uint32_t own = 0;
        for (uint32_t row = starts[user]; row < starts[user + 1]; row++)
            own += row >= begin && row < end && counts(&counting, row, user);
        assert_int_equal(numbers.bytes[users[user]], own);
        expected += own;
    }
    assert_int_equal(counted, expected);
    rc_segment_numbers_close(&numbers);
}

static void
a_window_counts_the_same(void **state)
{
    (void)state;
    uint32_t kept = 0;
    for (uint32_t round = 0; round < 60; round++) {
        make_rows();
        struct rc_rowset *set = random_set(100 + below(1000));
        const uint32_t user = below(2) == 0 ? 0 : below(USERS);
        const uint32_t end = below(2) == 0 ? ROWS : starts[user] + below(ROWS - starts[user]);
        /* From the time of a row to that of another, which lie within halves. */
        struct rc_segment_counting counting = {.skip = below(2) == 0 ? NULL : skip,
                                               .dead = below(2) == 0 ? NULL : dead,
                                               .times = below(8) == 0 ? NULL : times,
                                               .from_ms = times[below(ROWS)],
                                               .last_ms = times[below(ROWS)],
                                               .starts = starts,
                                               .users = users,
                                               .user_count = USERS,
                                               .user = user};
        compare(counting, set, starts[user], end);
        counting.from_ms = below(2) == 0 ? 0 : counting.from_ms;
        counting.last_ms = UINT32_MAX;
        compare(counting, set, starts[user], end);
        kept += rc_rowset_times(set) != NULL;
        rc_rowset_unref(set);
        rc_rowset_unref(set);
    }
    assert_in_range(kept, 20, 55);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_counts_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
