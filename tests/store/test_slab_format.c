/* The stored form of a slab, byte by byte: a change here is a new format version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/slab_format.h"
#include "tests/store/slab_rig.h"

#define ROWS 40u

/* The bytes from an offset on, as hexadecimal digits; all bytes that no line names are zero. */
struct golden_line {
    uint32_t offset;
    const char *hex;
};

static const struct golden_line golden[] = {
#include "golden_slab.h"
};

#define GOLDEN_LINES (sizeof(golden) / sizeof(*golden))

/* Four users of ten rows; ids of all three kinds; a column of each form. */
static struct rc_slab *
make_slab(void)
{
    static const uint32_t properties[] = {2, 5, 9};
    static char texts[ROWS][8];
    uint32_t users[ROWS];
    int64_t times_ms[ROWS];
    struct rc_event_id ids[ROWS];
    rc_cell cells[3][ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        users[i] = 3 + i / 10 * 4;
        times_ms[i] = RIG_WINDOW_MS + 1000 * (int64_t)(i % 10) + 5;
        ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = 1000 + i};
        if (i % 5 == 4) {
            (void)snprintf(texts[i], sizeof(texts[i]), "e%u", i);
            ids[i] = rc_event_id_of_text(rc_bytes_of(texts[i]));
        } else if (i % 7 == 6) {
            ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_DERIVED, .number = 0xabcdef + i};
        }
        cells[0][i] = rc_cell_of_code(3);
        cells[1][i] = i % 3 == 0 ? RC_CELL_NULL : (rc_cell)(100 - i % 3) << 3 | RC_CELL_INT;
        cells[2][i] = i == 17 ? (rc_cell)1 << 3 | RC_CELL_BOOL : RC_CELL_NULL;
    }
    const rc_cell *columns[] = {cells[0], cells[1], cells[2]};
    const struct rc_row_source rows = {.row_count = ROWS,
                                       .users = users,
                                       .times_ms = times_ms,
                                       .ids = ids,
                                       .column_count = 3,
                                       .column_properties = properties,
                                       .column_cells = columns};
    const struct rc_slab_source source = {.rows = &rows};
    return rig_build(&source, 1, RIG_WINDOW_MS);
}

/* On a difference, all lines as they would be written now. */
static void
print_bytes(struct rc_bytes bytes)
{
    for (size_t at = 0; at < bytes.size; at += 32) {
        char line[65] = {0};
        bool zero = true;
        for (size_t i = 0; i < 32 && at + i < bytes.size; i++) {
            const unsigned char byte = (unsigned char)bytes.data[at + i];
            (void)snprintf(line + 2 * i, 3, "%02x", byte);
            zero &= byte == 0;
        }
        if (!zero)
            print_message("{%zu, \"%s\"},\n", at, line);
    }
}

static void
test_golden_bytes(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab();
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    unsigned char *expected = calloc(1, bytes.size);
    assert_non_null(expected);
    for (size_t i = 0; i < GOLDEN_LINES; i++) {
        const char *hex = golden[i].hex;
        for (size_t at = golden[i].offset; *hex != '\0'; at++, hex += 2) {
            unsigned byte = 0;
            assert_true(at < bytes.size && sscanf(hex, "%2x", &byte) == 1);
            expected[at] = (unsigned char)byte;
        }
    }
    if (memcmp(expected, bytes.data, bytes.size) != 0)
        print_bytes(bytes);
    assert_memory_equal(bytes.data, expected, bytes.size);
    free(expected);
    rc_slab_unref(slab);
}

static void
test_forms_of_the_columns(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab();
    struct rc_column_view view;
    assert_true(rc_slab_column(slab, 2, &view));
    assert_int_equal(view.form, RC_COLUMN_RUNS);
    assert_int_equal(view.code_count, 1);
    assert_int_equal(view.positions[1], ROWS);
    assert_true(rc_slab_column(slab, 5, &view));
    assert_int_equal(view.form, RC_COLUMN_PLAIN);
    assert_int_equal(view.dictionary_count, 3);
    assert_int_equal(view.dictionary[0], RC_CELL_NULL);
    assert_true(rc_slab_column(slab, 9, &view));
    assert_int_equal(view.form, RC_COLUMN_SPARSE);
    assert_int_equal(view.positions[0], 17);
    assert_int_equal(rc_column_code(&view, 16), RC_CODE_NONE);
    assert_int_equal(rc_column_code(&view, 17), 0);
    assert_int_equal(rc_column_cell(&view, 18), RC_CELL_NULL);
    assert_false(rc_slab_column(slab, 3, &view));
    assert_false(rc_slab_column(slab, 10, &view));
    rc_slab_unref(slab);
}

static void
test_users_and_rows(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab();
    assert_int_equal(rc_slab_get_info(slab)->user_count, 4);
    assert_int_equal(rc_slab_user_lower_bound(slab, 0), 0);
    assert_int_equal(rc_slab_user_lower_bound(slab, 4), 1);
    assert_int_equal(rc_slab_user_lower_bound(slab, 15), 3);
    assert_int_equal(rc_slab_user_lower_bound(slab, 16), 4);
    for (uint32_t row = 0; row < ROWS; row++)
        assert_int_equal(rc_slab_user_index_of_row(slab, row), row / 10);
    struct rc_event_id id = rc_event_id_of_text(rc_bytes_of("e14"));
    uint32_t found = 0;
    assert_true(rc_slab_find_event(slab, 7, &id, &found));
    assert_int_equal(found, 14);
    assert_false(rc_slab_find_event(slab, 3, &id, &found));
    assert_false(rc_slab_find_event(slab, 8, &id, &found));
    id = rc_slab_event_id(slab, 6);
    assert_int_equal(id.kind, RC_EVENT_ID_DERIVED);
    assert_false(rc_slab_find_event(slab, 3, &id, &found));
    rc_slab_unref(slab);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_forms_of_the_columns),
        cmocka_unit_test(test_users_and_rows),
    };
    return cmocka_run_group_tests_name("slab_format", tests, NULL, NULL);
}
