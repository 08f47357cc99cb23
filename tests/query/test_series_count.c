/* Counting rows by the times that are kept beside a set, against reading each row's time; and runs
 * of a column against its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/series/series_count.h"
#include "engine/store/slab/marks.h"

#define ROWS 200000u
#define BUCKETS_MAX 64u

static uint64_t random_state = 99;

static uint32_t
below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % limit);
}

/* One row in odds. */
static struct rc_rowset *
random_set(uint32_t odds)
{
    struct rc_rowset_builder *builder;
    struct rc_rowset *set;
    uint64_t words[RC_BLOCK_WORDS];
    assert_int_equal(rc_rowset_builder_new(ROWS, &rc_account_process, &builder), RC_OK);
    for (uint32_t begin = 0; begin < ROWS; begin += RC_BLOCK_ROWS) {
        memset(words, 0, sizeof(words));
        for (uint32_t row = begin; row < begin + RC_BLOCK_ROWS && row < ROWS; row++)
            if (below(odds) == 0)
                words[(row - begin) / 64] |= (uint64_t)1 << (row % 64);
        assert_int_equal(rc_rowset_builder_append(builder, words), RC_OK);
    }
    assert_int_equal(rc_rowset_builder_finish(builder, &set), RC_OK);
    rc_rowset_builder_free(builder);
    return set;
}

/* Buckets one behind the other, of which the first and the last may be cut; some are shorter than a
 * slot. */
static void
random_table(struct rc_arena *arena, struct rc_bucket_table *table)
{
    struct rc_bucket_map *map = rc_arena_zero(arena, sizeof(*map));
    struct rc_bucket buckets[BUCKETS_MAX];
    const uint32_t count = 1 + below(below(2) == 0 ? 2 : BUCKETS_MAX);
    int64_t at_ms = (int64_t)below(1u << 30);
    assert_non_null(map);
    for (uint32_t i = 0; i < count; i++) {
        buckets[i].start_ms = at_ms;
        at_ms += 1 + (int64_t)below(below(2) == 0 ? 1u << 19 : 1u << 27);
        buckets[i].end_ms = at_ms;
    }
    assert_int_equal(rc_bucket_map_make(buckets, count, arena, map), RC_OK);
    table->bucket_count = count;
    table->map = map;
    table->from_ms = buckets[0].start_ms + below(1000);
    table->until_ms = buckets[count - 1].end_ms;
    if (table->until_ms > table->from_ms + 1000)
        table->until_ms -= below(1000);
    assert_int_equal(rc_bucket_table_make(table, arena), RC_OK);
}

static void
kept_times_count_the_same(void **state)
{
    (void)state;
    static uint32_t times[ROWS];
    static uint64_t dead[ROWS / 64 + 1];
    const uint32_t first = 0;
    for (uint32_t round = 0; round < 60; round++) {
        struct rc_arena *arena = rc_arena_new(NULL, 0);
        uint32_t counters[2][BUCKETS_MAX + 1] = {{0}};
        struct rc_bucket_table table = {.time_min_ms = INT64_MAX, .time_max_ms = INT64_MIN};
        for (uint32_t row = 0; row < ROWS; row++) {
            times[row] = below(round % 2 == 0 ? 1u << 31 : 1u << 22);
            table.time_min_ms = times[row] < table.time_min_ms ? times[row] : table.time_min_ms;
            table.time_max_ms = times[row] > table.time_max_ms ? times[row] : table.time_max_ms;
        }
        for (uint32_t word = 0; word <= ROWS / 64; word++)
            dead[word] = (uint64_t)1 << below(64);
        random_table(arena, &table);
        if (table.from_ms > table.time_max_ms || table.until_ms <= table.time_min_ms) {
            rc_arena_free(arena);
            continue; /* No plan asks for such a slab. */
        }
        struct rc_rowset *set = rc_rowset_ref(random_set(3000));
        assert_non_null(rc_rowset_keep_times(set, times, RC_ROWSET_TIMES_SHARE));
        const uint32_t begin = below(2) == 0 ? 0 : below(ROWS);
        const uint32_t end = below(2) == 0 ? ROWS : begin + below(ROWS - begin);
        for (uint32_t way = 0; way < 2; way++) {
            const struct rc_series_piece piece = {.table = &table,
                                                  .slots = table.slots,
                                                  .times = times,
                                                  .counters = &first,
                                                  .narrow = counters[way]};
            const uint64_t *gone = round % 3 == 0 ? NULL : dead;
            if (way == 0)
                rc_series_count_singly(&piece, set, gone, NULL, begin, end);
            else
                rc_series_count_kept(&piece, set, gone, NULL, begin, end);
        }
        assert_memory_equal(counters[0], counters[1], table.bucket_count * sizeof(counters[0][0]));
        rc_rowset_unref(set);
        rc_rowset_unref(set);
        rc_arena_free(arena);
    }
}

static bool
has(const uint64_t *bits, uint32_t at)
{
    return (bits[at / 64] >> (at % 64) & 1) != 0;
}

/* Rows of some users alone, by what is kept and by looking for each one's, against a slow twin. */
static void
asked_users_count_alone(void **state)
{
    enum { USERS = 3000 };
    static uint32_t times[ROWS];
    static uint32_t starts[USERS + 1];
    static uint32_t users[USERS];
    static uint64_t persons[2 * USERS / 64 + 1];
    static uint64_t skip[2 * USERS / 64 + 1];
    const uint32_t first = 0;
    (void)state;
    for (uint32_t round = 0; round < 30; round++) {
        struct rc_arena *arena = rc_arena_new(NULL, 0);
        uint32_t counters[3][BUCKETS_MAX + 1] = {{0}};
        struct rc_bucket_table table = {.time_min_ms = 0, .time_max_ms = INT32_MAX};
        memset(persons, 0, sizeof(persons));
        memset(skip, 0, sizeof(skip));
        for (uint32_t i = 0; i < USERS; i++) {
            users[i] = 2 * i + below(2);
            starts[i] = i * (ROWS / USERS) + (i == 0 ? 0 : below(ROWS / USERS));
            persons[users[i] / 64] |= (uint64_t)below(2) << (users[i] % 64);
            skip[users[i] / 64] |= (uint64_t)(below(8) == 0) << (users[i] % 64);
        }
        starts[USERS] = ROWS;
        for (uint32_t row = 0; row < ROWS; row++)
            times[row] = below(1u << 31);
        random_table(arena, &table);
        struct rc_rowset *set = rc_rowset_ref(random_set(3000));
        const struct rc_series_asked asked = {.persons = persons,
                                              .skip = round % 3 == 0 ? NULL : skip,
                                              .owners = {starts, users, USERS}};
        const struct rc_series_piece piece = {
            .table = &table, .slots = table.slots, .times = times, .counters = &first};
        struct rc_series_piece ways[2] = {piece, piece};
        const uint32_t begin = starts[below(2) == 0 ? 0 : below(USERS)];
        const uint32_t end = below(2) == 0 ? ROWS : begin + below(ROWS - begin);
        assert_non_null(rc_rowset_keep_times(set, times, RC_ROWSET_TIMES_SHARE));
        assert_non_null(rc_rowset_keep_users(set, &asked.owners, RC_ROWSET_TIMES_SHARE));
        ways[0].narrow = counters[0];
        ways[1].narrow = counters[1];
        rc_series_count_singly(&ways[0], set, NULL, &asked, begin, end);
        rc_series_count_kept(&ways[1], set, NULL, &asked, begin, end);
        for (uint32_t row = begin, user = 0; row < end; row++) {
            while (starts[user + 1] <= row)
                user++;
            if (rc_rowset_contains(set, row) && has(persons, users[user]) &&
                (asked.skip == NULL || !has(skip, users[user])))
                counters[2][rc_bucket_table_find(&table, times[row])]++;
        }
        for (uint32_t way = 0; way < 2; way++)
            assert_memory_equal(counters[way], counters[2],
                                table.bucket_count * sizeof(counters[0][0]));
        rc_rowset_unref(set);
        rc_rowset_unref(set);
        rc_arena_free(arena);
    }
}

/* Whole runs and pieces of them, of each width of codes, against a look at each row's code. */
static void
runs_count_as_rows(void **state)
{
    (void)state;
    static uint64_t marks[ROWS / 64 + 1];
    static uint32_t ranks[ROWS / RC_MARKS_RANK_ROWS + 2];
    static uint8_t narrow[ROWS];
    static uint16_t middle[ROWS];
    static uint32_t wide[ROWS];
    static uint32_t codes[ROWS];
    static uint32_t counters[2][257];
    for (uint32_t round = 0; round < 60; round++) {
        const uint32_t odds = 1 + below(below(2) == 0 ? 3 : 300);
        struct rc_column_view column = {.form = RC_COLUMN_MARKED_RUNS,
                                        .code_width = 1u << round % 3,
                                        .marks = marks,
                                        .ranks = ranks};
        column.codes = column.code_width == 1   ? (const void *)narrow
                       : column.code_width == 2 ? (const void *)middle
                                                : (const void *)wide;
        memset(marks, 0, sizeof(marks));
        for (uint32_t row = 0; row < ROWS; row++) {
            if (row % RC_MARKS_RANK_ROWS == 0)
                ranks[row / RC_MARKS_RANK_ROWS] = column.code_count;
            if (row > 0 && below(odds) != 0) {
                codes[row] = codes[row - 1];
                continue;
            }
            codes[row] = below(256);
            marks[row / 64] |= (uint64_t)1 << (row % 64);
            narrow[column.code_count] = (uint8_t)codes[row];
            middle[column.code_count] = (uint16_t)codes[row];
            wide[column.code_count++] = codes[row];
        }
        ranks[ROWS / RC_MARKS_RANK_ROWS + 1] = column.code_count;
        memset(counters, 0, sizeof(counters));
        for (uint32_t piece = 0; piece < 40; piece++) {
            const uint32_t begin = piece == 0 ? 0 : below(ROWS);
            const uint32_t left = ROWS - begin;
            const uint32_t end = piece == 1 ? ROWS : begin + 1 + below(left < 5000 ? left : 5000);
            for (uint32_t row = begin; row < end; row++)
                counters[0][codes[row] + 1]++;
            rc_series_count_runs(counters[1], &column, begin, end);
        }
        assert_memory_equal(counters[0], counters[1], sizeof(counters[0]));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_times_count_the_same),
        cmocka_unit_test(asked_users_count_alone),
        cmocka_unit_test(runs_count_as_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
