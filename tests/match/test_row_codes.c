/*
 * Row codes: slabs whose columns take every form, read in stretches and one row after the other,
 * mostly ascending, against the look-up of each row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/match/rows/row_codes.h"
#include "engine/store/builder/slab_builder.h"
#include "match_rig.h"
#include "tests/base/environment.h"

#define ROWS 6000u
#define COLUMNS 6u
#define ROUNDS 30u
#define FORMS 5u
#define WINDOW_MS ((int64_t)1709251200000 / RC_WINDOW_MS * RC_WINDOW_MS)

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

/* Values that stay for some rows, of which some have none. */
static void
fill_column(rc_cell *cells, uint32_t run_rows, uint32_t one_in)
{
    const uint32_t values = 1 + below(600);
    rc_cell cell = RC_CELL_NULL;
    for (uint32_t row = 0; row < ROWS; row++) {
        if (below(run_rows) == 0)
            cell = below(one_in) == 0 ? (rc_cell)below(values) << 3 | RC_CELL_INT : RC_CELL_NULL;
        cells[row] = cell;
        if (one_in > 1 && run_rows == 1 && below(one_in) != 0)
            cells[row] = RC_CELL_NULL;
    }
}

static struct rc_slab *
make_slab(void)
{
    static uint32_t users[ROWS];
    static int64_t times_ms[ROWS];
    static struct rc_event_id ids[ROWS];
    static rc_cell cells[COLUMNS][ROWS];
    static const uint32_t properties[COLUMNS] = {0, 1, 2, 3, 4, 5};
    const rc_cell *columns[COLUMNS];
    struct rc_slab *slab;
    for (uint32_t row = 0; row < ROWS; row++) { /* In the order of a slab. */
        users[row] = row / 50;
        times_ms[row] = WINDOW_MS + row;
        ids[row] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = row};
    }
    fill_column(cells[0], 1, 1);
    fill_column(cells[1], 100 + below(300), 1);
    fill_column(cells[2], 2 + below(4), 1);
    fill_column(cells[3], 1, 2 + below(4));
    fill_column(cells[4], 1, 20 + below(30));
    fill_column(cells[5], 1 + below(40), 1 + below(20));
    for (uint32_t i = 0; i < COLUMNS; i++)
        columns[i] = cells[i];
    const struct rc_row_source source = {.row_count = ROWS,
                                         .users = users,
                                         .times_ms = times_ms,
                                         .ids = ids,
                                         .column_count = COLUMNS,
                                         .column_properties = properties,
                                         .column_cells = columns};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    assert_int_equal(rc_slab_build(sources, 1, rc_window_longest(WINDOW_MS), NULL,
                                   &rc_account_process, NULL, &slab, NULL),
                     RC_OK);
    return slab;
}

static void
read_rows(const struct rc_column_view *column)
{
    uint32_t position = 0;
    for (uint32_t row = 0, i = 0; i < 2 * ROWS; i++) {
        assert_int_equal(rc_row_codes_near(column, row, &position), rc_column_code(column, row));
        row += below(10) == 0 ? below(500) : below(3);
        if (row >= ROWS || below(50) == 0) /* Back. */
            row = below(row < ROWS ? row + 1 : ROWS);
    }
}

static void
read_stretches(const struct rc_column_view *column)
{
    static uint32_t codes[ROWS];
    uint32_t position = 0;
    for (uint32_t begin = 0, count; begin < ROWS; begin += count + below(100)) {
        count = 1 + below(ROWS - begin < 300 ? ROWS - begin : 300);
        rc_row_codes(column, begin, count, &position, codes);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(codes[i], rc_column_code(column, begin + i));
    }
}

static void
every_form(void **state)
{
    (void)state;
    uint32_t met = 0;
    random_state = test_number("RC_TEST_SEED", 8);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct rc_slab *slab = make_slab();
        for (uint32_t i = 0; i < rc_slab_get_info(slab)->column_count; i++) {
            struct rc_column_view column;
            rc_slab_column_at(slab, i, &column);
            met |= 1u << column.form;
            read_rows(&column);
            read_stretches(&column);
        }
        rc_slab_unref(slab);
    }
    print_message("forms met: %x\n", met);
    assert_int_equal(__builtin_popcount(met), FORMS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
