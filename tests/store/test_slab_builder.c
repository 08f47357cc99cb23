/* The slab builder against its slow twin (slab_rig.h): random rows, every kind of source
 * and path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "tests/store/slab_rig.h"

#define SEED 20240607u
#define PARTS 5

static struct rig_options
usual_options(uint32_t row_count)
{
    return (struct rig_options){.row_count = row_count,
                                .user_count = row_count / 8 + 1,
                                .time_count = 50,
                                .time_from_ms = RIG_WINDOW_MS,
                                .text_ids = true,
                                .derived_ids = true,
                                .wide_cells = 1000};
}

static void
test_head_becomes_slab(void **state)
{
    (void)state;
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < 60; round++) {
        struct rig_options options = usual_options(1 + (uint32_t)(rig_random(&seed) % 900));
        options.text_ids = round % 2 == 0;
        options.derived_ids = round % 3 == 0;
        struct rig_rows rows;
        rig_rows_make(&seed, &options, &rows);
        uint64_t *dead = rig_dead_make(&seed, options.row_count, 5);
        const struct rc_slab_source source = {.rows = &rows.source,
                                              .dead = round % 4 == 0 ? dead : NULL};
        struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
        rig_expect(&source, 1, RIG_WINDOW_MS, slab);
        rc_slab_unref(slab);
        free(dead);
        rig_rows_free(&rows);
    }
}

static void
test_every_form_and_width(void **state)
{
    (void)state;
    uint64_t seed = SEED + 1;
    struct rig_options options = usual_options(140000);
    options.wide_cells = 90000;
    options.time_count = 1000000;
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    struct rc_slab *slab = rig_build(&source, 1, RIG_WINDOW_MS);
    rig_expect(&source, 1, RIG_WINDOW_MS, slab);
    static const struct {
        uint32_t property;
        enum rc_column_form form;
        uint32_t width;
    } expected[] = {
        {3, RC_COLUMN_MARKED_RUNS, 1},  {10, RC_COLUMN_PLAIN, 1}, {11, RC_COLUMN_PLAIN, 2},
        {20, RC_COLUMN_SPARSE, 1},      {30, RC_COLUMN_PLAIN, 4}, {40, RC_COLUMN_PLAIN, 4},
        {50, RC_COLUMN_PLAIN, 1},       {51, RC_COLUMN_PLAIN, 4}, {60, RC_COLUMN_MARKED_RUNS, 2},
        {61, RC_COLUMN_MARKED_ROWS, 2}, {62, RC_COLUMN_RUNS, 1},
    };
    const size_t count = sizeof(expected) / sizeof(*expected);
    assert_int_equal(rc_slab_get_info(slab)->column_count, count);
    for (size_t i = 0; i < count; i++) {
        struct rc_column_view view;
        rc_slab_column_at(slab, (uint32_t)i, &view);
        assert_int_equal(view.property, expected[i].property);
        assert_int_equal(view.form, expected[i].form);
        assert_int_equal(view.code_width, expected[i].width);
    }
    rc_slab_unref(slab);
    rig_rows_free(&rows);
}

/* Slabs of parts of rows, in order of arrival. */
static void
seal_parts(const struct rig_rows *rows, struct rc_slab **slabs)
{
    const uint32_t count = rows->source.row_count;
    for (uint32_t i = 0; i < PARTS; i++) {
        const rc_cell *cells[RIG_COLUMNS];
        const struct rc_row_source part =
            rig_rows_part(rows, count * i / PARTS, count * (i + 1) / PARTS, cells);
        const struct rc_slab_source source = {.rows = &part};
        slabs[i] = rig_build(&source, 1, RIG_WINDOW_MS);
    }
}

/* The slab of all rows, whose cells lie in parts; a part that has only nulls may have none. */
static struct rc_slab *
seal_in_parts(const struct rig_rows *rows)
{
    const uint32_t count = rows->source.row_count;
    uint32_t ends[PARTS];
    const rc_cell *cells[RIG_COLUMNS * PARTS];
    for (uint32_t i = 0; i < PARTS; i++) {
        const uint32_t begin = count * i / PARTS;
        ends[i] = count * (i + 1) / PARTS;
        for (uint32_t column = 0; column < RIG_COLUMNS; column++) {
            const rc_cell *whole = rows->source.column_cells[column];
            bool any = false;
            for (uint32_t row = begin; whole != NULL && row < ends[i]; row++)
                any = any || whole[row] != RC_CELL_NULL;
            cells[column * PARTS + i] = any ? whole + begin : NULL;
        }
    }
    struct rc_row_source parted = rows->source;
    parted.part_count = PARTS;
    parted.part_ends = ends;
    parted.column_cells = cells;
    const struct rc_slab_source source = {.rows = &parted};
    return rig_build(&source, 1, RIG_WINDOW_MS);
}

static void
expect_same_bytes(const struct rc_slab *a, const struct rc_slab *b)
{
    assert_int_equal(rc_slab_bytes(a).size, rc_slab_bytes(b).size);
    assert_memory_equal(rc_slab_bytes(a).data, rc_slab_bytes(b).data, rc_slab_bytes(a).size);
}

static void
test_any_path_gives_the_same_bytes(void **state)
{
    (void)state;
    RC_CLEANUP(rc_workers_freep) struct rc_workers *workers = NULL;
    assert_int_equal(rc_workers_new(3, RC_URGENCY_PLAIN, &workers, NULL), RC_OK);
    uint64_t seed = SEED + 2;
    for (uint32_t round = 0; round < 30; round++) {
        const struct rig_options options =
            usual_options(PARTS + (uint32_t)(rig_random(&seed) % 3000));
        struct rig_rows rows;
        rig_rows_make(&seed, &options, &rows);
        struct rc_slab *parts[PARTS];
        seal_parts(&rows, parts);

        const struct rc_slab_source whole = {.rows = &rows.source};
        const struct rc_slab_source all[PARTS] = {
            {.slab = parts[0]}, {.slab = parts[1]}, {.slab = parts[2]},
            {.slab = parts[3]}, {.slab = parts[4]},
        };
        struct rc_slab *direct = rig_build(&whole, 1, RIG_WINDOW_MS);
        struct rc_slab *in_parts = seal_in_parts(&rows);
        struct rc_slab *at_once = rig_build(all, PARTS, RIG_WINDOW_MS);
        struct rc_slab *first = rig_build(all, 2, RIG_WINDOW_MS);
        struct rc_slab *rest = rig_build(all + 2, 3, RIG_WINDOW_MS);
        const struct rc_slab_source pair[2] = {{.slab = first}, {.slab = rest}};
        struct rc_slab *in_tiers = rig_build(pair, 2, RIG_WINDOW_MS);
        const rc_cell *cells[RIG_COLUMNS];
        const struct rc_row_source tail =
            rig_rows_part(&rows, options.row_count * 2 / PARTS, options.row_count, cells);
        const struct rc_slab_source mixed_sources[2] = {{.slab = first}, {.rows = &tail}};
        struct rc_slab *mixed = rig_build(mixed_sources, 2, RIG_WINDOW_MS);
        struct rc_slab *helped = NULL;
        assert_int_equal(rc_slab_build(all, PARTS, rc_window_longest(RIG_WINDOW_MS), workers, NULL,
                                       NULL, &helped, NULL),
                         RC_OK);

        rig_expect(all, PARTS, RIG_WINDOW_MS, at_once);
        expect_same_bytes(direct, at_once);
        expect_same_bytes(direct, in_parts);
        expect_same_bytes(direct, in_tiers);
        expect_same_bytes(direct, mixed);
        expect_same_bytes(direct, helped);
        struct rc_slab *made[] = {direct, in_parts, at_once, first, rest, in_tiers, mixed, helped};
        for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
            rc_slab_unref(made[i]);
        for (uint32_t i = 0; i < PARTS; i++)
            rc_slab_unref(parts[i]);
        rig_rows_free(&rows);
    }
}

static void
test_dead_rows_and_other_windows_are_left_out(void **state)
{
    (void)state;
    uint64_t seed = SEED + 3;
    for (uint32_t round = 0; round < 40; round++) {
        struct rig_options options = usual_options(PARTS + (uint32_t)(rig_random(&seed) % 1500));
        options.time_count = 5000;
        struct rig_rows rows;
        rig_rows_make(&seed, &options, &rows);
        struct rc_slab *parts[PARTS];
        seal_parts(&rows, parts);
        struct rc_slab_source sources[PARTS];
        uint64_t *dead[PARTS];
        for (uint32_t i = 0; i < PARTS; i++) {
            const uint32_t row_count = rc_slab_get_info(parts[i])->row_count;
            dead[i] = rig_dead_make(&seed, row_count, 1 + round % 5);
            sources[i] = (struct rc_slab_source){.slab = parts[i], .dead = i == 2 ? NULL : dead[i]};
        }
        /* A window that begins inside the rows' times, or ends there. */
        const int64_t shift = (int64_t)(round % 3) * 1700;
        const int64_t window =
            round % 2 == 0 ? RIG_WINDOW_MS + shift : RIG_WINDOW_MS - RC_WINDOW_MS + 1 + shift;
        struct rc_slab *slab = rig_build(sources, PARTS, window);
        rig_expect(sources, PARTS, window, slab);
        struct rc_slab *none = rig_build(sources, PARTS, RIG_WINDOW_MS + 2 * RC_WINDOW_MS);
        assert_null(none);
        rc_slab_unref(slab);
        for (uint32_t i = 0; i < PARTS; i++) {
            rc_slab_unref(parts[i]);
            free(dead[i]);
        }
        rig_rows_free(&rows);
    }
}

static void
test_one_user_with_one_time(void **state)
{
    (void)state;
    uint64_t seed = SEED + 4;
    struct rig_options options = usual_options(60000);
    options.user_count = 1;
    options.time_count = 1;
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    struct rc_slab *parts[PARTS];
    seal_parts(&rows, parts);
    struct rc_slab_source sources[PARTS];
    for (uint32_t i = 0; i < PARTS; i++)
        sources[i] = (struct rc_slab_source){.slab = parts[i]};
    struct rc_slab *slab = rig_build(sources, PARTS, RIG_WINDOW_MS);
    assert_int_equal(rc_slab_check(slab, NULL), RC_OK);
    assert_int_equal(rc_slab_get_info(slab)->row_count, 60000);
    rc_slab_unref(slab);
    for (uint32_t i = 0; i < PARTS; i++)
        rc_slab_unref(parts[i]);
    rig_rows_free(&rows);
}

static void
test_nothing_gives_no_slab(void **state)
{
    (void)state;
    const struct rc_row_source none = {0};
    const struct rc_slab_source source = {.rows = &none};
    assert_null(rig_build(NULL, 0, RIG_WINDOW_MS));
    assert_null(rig_build(&source, 1, RIG_WINDOW_MS));
}

static void
test_cancel_keeps_nothing(void **state)
{
    (void)state;
    uint64_t seed = SEED + 5;
    const struct rig_options options = usual_options(100);
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    const _Atomic(bool) cancel = true;
    struct rc_account account = {0};
    struct rc_slab *slab = NULL;
    assert_int_equal(rc_slab_build(&source, 1, rc_window_longest(RIG_WINDOW_MS), NULL, &account,
                                   &cancel, &slab, NULL),
                     RC_CANCELLED);
    assert_null(slab);
    assert_int_equal(rc_account_used(&account), 0);
    rig_rows_free(&rows);
}

static void
fail_every_allocation(struct rc_workers *workers)
{
    uint64_t seed = SEED + 6;
    const struct rig_options options = usual_options(700);
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    struct rc_slab *parts[PARTS];
    seal_parts(&rows, parts);
    uint64_t *dead = rig_dead_make(&seed, 700, 3);
    const struct rc_slab_source sources[3] = {
        {.slab = parts[0]}, {.slab = parts[1], .dead = dead}, {.rows = &rows.source, .dead = dead}};
    const uint64_t used_before = rc_account_used(&rc_account_process);
    struct rc_account account = {.parent = &rc_account_process};
    struct rc_slab *slab = NULL;
    enum rc_status status = RC_NO_MEMORY;
    uint32_t n = 0;
    for (; status != RC_OK && n < 10000; n++) {
        rc_alloc_fail_at(n + 1);
        status = rc_slab_build(sources, 3, rc_window_longest(RIG_WINDOW_MS), workers, &account,
                               NULL, &slab, NULL);
        rc_alloc_fail_at(0);
        assert_true(status == RC_OK || status == RC_NO_MEMORY);
        if (status == RC_OK)
            break;
        assert_null(slab);
        assert_int_equal(rc_account_used(&account), 0);
        assert_int_equal(rc_account_used(&rc_account_process), used_before);
    }
    assert_int_equal(status, RC_OK);
    assert_true(n > 20);
    rig_expect(sources, 3, RIG_WINDOW_MS, slab);
    rc_slab_unref(slab);
    assert_int_equal(rc_account_used(&rc_account_process), used_before);
    for (uint32_t i = 0; i < PARTS; i++)
        rc_slab_unref(parts[i]);
    free(dead);
    rig_rows_free(&rows);
}

static void
test_every_allocation_may_fail(void **state)
{
    (void)state;
    RC_CLEANUP(rc_workers_freep) struct rc_workers *workers = NULL;
    assert_int_equal(rc_workers_new(3, RC_URGENCY_PLAIN, &workers, NULL), RC_OK);
    fail_every_allocation(NULL);
    fail_every_allocation(workers);
}

static void
test_limit_of_the_account_is_named(void **state)
{
    (void)state;
    uint64_t seed = SEED + 7;
    struct rig_options options = usual_options(5000);
    struct rig_rows rows;
    rig_rows_make(&seed, &options, &rows);
    struct rc_slab *parts[PARTS];
    seal_parts(&rows, parts);
    struct rc_slab_source sources[PARTS];
    uint64_t size = 0;
    for (uint32_t i = 0; i < PARTS; i++) {
        sources[i] = (struct rc_slab_source){.slab = parts[i]};
        size += rc_slab_get_info(parts[i])->size_bytes;
    }
    /* Where the limit bites first depends on it; the slab itself must be one of the places. */
    uint32_t refused_as_limit = 0;
    struct rc_slab *slab = NULL;
    for (uint64_t limit = size / 8; slab == NULL; limit += size / 16) {
        struct rc_account account = {.limit_bytes = limit};
        struct rc_error error;
        const enum rc_status status = rc_slab_build(
            sources, PARTS, rc_window_longest(RIG_WINDOW_MS), NULL, &account, NULL, &slab, &error);
        refused_as_limit += status == RC_LIMIT_EXCEEDED;
        assert_true(status == RC_OK || status == RC_LIMIT_EXCEEDED || status == RC_NO_MEMORY);
        assert_true(status == RC_OK || error.message[0] != '\0');
        assert_true(limit < size * 8);
        if (status == RC_OK)
            slab = rc_slab_unref(slab);
        assert_int_equal(rc_account_used(&account), 0);
        if (status == RC_OK)
            break;
    }
    assert_true(refused_as_limit > 0);
    for (uint32_t i = 0; i < PARTS; i++)
        rc_slab_unref(parts[i]);
    rig_rows_free(&rows);
}

/* The rows of a long window by the shorter ones in it, from rows and from slabs alike, before 1970
 * too: each part is what the twin makes of it, and together they are all rows. */
static void
test_a_window_is_divided(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {28, 7, 1};
    uint64_t seed = SEED + 11;
    for (uint32_t round = 0; round < 12; round++) {
        const struct rc_window whole = {((int64_t)(round % 4) - 2) * RC_WINDOW_MS, 28};
        struct rig_options options = usual_options(1 + (uint32_t)(rig_random(&seed) % 2000));
        options.time_from_ms = whole.start_ms;
        options.time_count = (uint32_t)RC_WINDOW_MS;
        struct rig_rows rows;
        rig_rows_make(&seed, &options, &rows);
        uint64_t *dead = rig_dead_make(&seed, options.row_count, 5);
        const struct rc_slab_source unsorted = {.rows = &rows.source};
        struct rc_slab *slab = rig_build_in(&unsorted, 1, whole);
        const struct rc_slab_source source = {.slab = slab, .dead = round % 2 == 0 ? dead : NULL};
        struct rc_slab *expected = rig_build_in(&source, 1, whole);
        const uint32_t days = lengths[round % 3];
        uint32_t sum = 0;
        for (int64_t at_ms = whole.start_ms; at_ms < rc_window_end_ms(whole);
             at_ms += days * RC_DAY_MS) {
            const struct rc_window window = rc_window_of(at_ms + RC_DAY_MS / 2, days);
            assert_int_equal(window.start_ms, at_ms);
            struct rc_slab *part = rig_build_in(&source, 1, window);
            rig_expect_in(&source, 1, window, part);
            sum += part == NULL ? 0 : rc_slab_get_info(part)->row_count;
            if (part != NULL)
                assert_int_equal(rc_slab_get_info(part)->window_days, days);
            rc_slab_unref(part);
        }
        assert_int_equal(sum, expected == NULL ? 0 : rc_slab_get_info(expected)->row_count);
        rc_slab_unref(expected);
        rc_slab_unref(slab);
        free(dead);
        rig_rows_free(&rows);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_becomes_slab),
        cmocka_unit_test(test_every_form_and_width),
        cmocka_unit_test(test_any_path_gives_the_same_bytes),
        cmocka_unit_test(test_dead_rows_and_other_windows_are_left_out),
        cmocka_unit_test(test_a_window_is_divided),
        cmocka_unit_test(test_one_user_with_one_time),
        cmocka_unit_test(test_nothing_gives_no_slab),
        cmocka_unit_test(test_cancel_keeps_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_limit_of_the_account_is_named),
    };
    return cmocka_run_group_tests_name("slab_builder", tests, NULL, NULL);
}
