/* Counting rows by the times that are kept beside a set, against reading each row's time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/series/series_count.h"

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
        assert_non_null(rc_rowset_keep_times(set, times));
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
                rc_series_count_singly(&piece, set, gone, begin, end);
            else
                rc_series_count_kept(&piece, set, gone, begin, end);
        }
        assert_memory_equal(counters[0], counters[1], table.bucket_count * sizeof(counters[0][0]));
        rc_rowset_unref(set);
        rc_rowset_unref(set);
        rc_arena_free(arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_times_count_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
