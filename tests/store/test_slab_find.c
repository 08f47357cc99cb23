/* Finding an event in a slab, by time and id and by id alone, against a look at every row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/slab/event_index.h"
#include "engine/store/slab/slab_find.h"
#include "tests/store/slab_rig.h"

#define SEED 77u

/* Whether row's event is what is looked for; time INT64_MIN: any. */
static bool
is_it(const struct rc_slab *slab, uint32_t row, int64_t time_ms, const struct rc_event_id *id)
{
    const struct rc_event_id other = rc_slab_event_id(slab, row);
    return (time_ms == INT64_MIN || rc_slab_time_ms(slab, row) == time_ms) &&
           rc_event_id_replaces(&other, id);
}

/* Whether some row of a user is; *ret_row is looked at too. */
static bool
naive_has(const struct rc_slab *slab, uint32_t user, int64_t time_ms, const struct rc_event_id *id)
{
    const uint32_t *starts = rc_slab_starts(slab);
    for (uint32_t i = 0; i < rc_slab_get_info(slab)->user_count; i++)
        for (uint32_t row = starts[i]; rc_slab_users(slab)[i] == user && row < starts[i + 1]; row++)
            if (is_it(slab, row, time_ms, id))
                return true;
    return false;
}

static void
expect_found(struct rc_event_index *index,
             const struct rc_slab *slab,
             uint64_t slab_id,
             uint32_t user,
             int64_t time_ms,
             const struct rc_event_id *id)
{
    uint32_t row = 0;
    const bool at = rc_slab_find_event_at(slab, user, time_ms, id, &row);
    assert_int_equal(at, naive_has(slab, user, time_ms, id));
    if (at)
        assert_true(is_it(slab, row, time_ms, id) &&
                    rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)] == user);
    const bool anywhere = rc_event_index_find(index, slab, slab_id, user, id, &row);
    assert_int_equal(anywhere, naive_has(slab, user, INT64_MIN, id));
    if (anywhere)
        assert_true(is_it(slab, row, INT64_MIN, id) &&
                    rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)] == user);
}

static void
test_against_every_row(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    struct rc_account account = {0};
    struct rc_event_index index;
    rc_event_index_open(&index, &account);
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < 24; round++) {
        /* Some users have thousands of rows, so that they get tables. */
        const struct rig_options options = {.row_count = 4000,
                                            .user_count = round % 2 == 0 ? 2 : 300,
                                            .time_count = round % 3 == 0 ? 1 : 500,
                                            .time_from_ms = RIG_WINDOW_MS,
                                            .text_ids = round % 4 < 2,
                                            .derived_ids = round % 3 == 1,
                                            .wide_cells = 10};
        struct rig_rows rows;
        rig_rows_make(&seed, &options, &rows);
        const struct rc_slab_source source = {.rows = &rows.source};
        struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
        const uint32_t row_count = rc_slab_get_info(slab)->row_count;
        for (uint32_t i = 0; i < 150; i++) {
            const uint32_t row = (uint32_t)(rig_random(&seed) % row_count);
            const uint32_t user = rc_slab_users(slab)[rc_slab_user_index_of_row(slab, row)];
            const struct rc_event_id id = rc_slab_event_id(slab, row);
            const struct rc_event_id other = {.kind = RC_EVENT_ID_INT,
                                              .number = rig_random(&seed) % 5000};
            const int64_t time_ms = rc_slab_time_ms(slab, row);
            expect_found(&index, slab, round + 1, user, time_ms, &id);
            expect_found(&index, slab, round + 1, user, time_ms + 1, &id);
            expect_found(&index, slab, round + 1, user + 1, time_ms, &id);
            expect_found(&index, slab, round + 1, user, time_ms, &other);
            expect_found(&index, slab, round + 1, user, time_ms - ((int64_t)1 << 40), &id);
        }
        rc_slab_unref(slab);
        rig_rows_free(&rows);
    }
    assert_true(index.bytes > 0);
    assert_true(rc_account_used(&account) >= index.bytes); /* Blocks have headers. */
    rc_event_index_clear(&index);
    assert_int_equal(rc_account_used(&account), 0);
}

/* More tables than there is room for: the oldest go. */
static void
test_tables_are_bounded(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    struct rc_account account = {0};
    struct rc_event_index index;
    rc_event_index_open(&index, &account);
    const struct rig_options options = {.row_count = 3000,
                                        .user_count = 1,
                                        .time_count = 10,
                                        .time_from_ms = RIG_WINDOW_MS,
                                        .wide_cells = 10};
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
    const struct rc_event_id id = rc_slab_event_id(slab, 7);
    uint32_t row = 0;
    for (uint64_t slab_id = 1; slab_id <= RC_EVENT_INDEX_TABLES * 3; slab_id++)
        assert_true(rc_event_index_find(&index, slab, slab_id, rc_slab_users(slab)[0], &id, &row));
    uint32_t tables = 0;
    for (uint32_t i = 0; i < RC_EVENT_INDEX_TABLES; i++)
        tables += index.tables[i].slab_id > RC_EVENT_INDEX_TABLES * 2;
    assert_int_equal(tables, RC_EVENT_INDEX_TABLES);
    /* Without memory it still finds. */
    rc_event_index_clear(&index);
    rc_alloc_fail_at(1);
    assert_true(rc_event_index_find(&index, slab, 1, rc_slab_users(slab)[0], &id, &row));
    rc_alloc_fail_at(0);
    assert_int_equal(rc_account_used(&account), 0);
    rc_slab_unref(slab);
    rig_rows_free(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_every_row),
        cmocka_unit_test(test_tables_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
