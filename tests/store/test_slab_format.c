/* The stored form of a slab, byte by byte: a change here is a new format version. Bytes of every
 * version that was ever written are kept, and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/slab/slab_format.h"
#include "tests/store/slab_rig.h"

#define ROWS 40u

/* The bytes from an offset on, as hexadecimal digits; all bytes that no line names are zero. */
struct golden_line {
    uint32_t offset;
    const char *hex;
};

/* The columns 2, 5 and 9 of make_slab. */
static const struct golden_line golden_v1[] = {
#include "golden_slab_v1.h"
};
#define COLUMNS_V1 3u

/* And the columns 12 and 13. */
static const struct golden_line golden_v2[] = {
#include "golden_slab_v2.h"
};
#define COLUMNS_V2 5u

/* All of its columns. */
static const struct golden_line golden_v3[] = {
#include "golden_slab_v3.h"
};

/* The same rows in a window of seven days. */
static const struct golden_line golden_v4[] = {
#include "golden_slab_v4.h"
};

#define LINES(golden) (sizeof(golden) / sizeof(*(golden)))
#define COLUMNS 7u
#define BYTES_MAX ((size_t)16384)

/* A cell of a text: one of 23 paths, of which some begin as others do. */
static rc_cell
text_cell(struct rc_dictionary *values, uint32_t number)
{
    char key[32];
    uint32_t code = 0;
    const int size = snprintf(key, sizeof(key), "%c/p/%u", RC_VALUE_STRING, number * 7 % 23);
    assert_int_equal(rc_dictionary_intern(values, (struct rc_bytes){key, (size_t)size}, &code),
                     RC_OK);
    return rc_cell_of_text(code);
}

/* Four users of ten rows; ids of all three kinds; columns of each form, and two with texts. */
static struct rc_slab *
make_slab_in(uint32_t column_count, struct rc_window window)
{
    static const uint32_t properties[COLUMNS] = {2, 5, 9, 12, 13, 20, 21};
    static char texts[ROWS][8];
    uint32_t users[ROWS];
    int64_t times_ms[ROWS];
    struct rc_event_id ids[ROWS];
    rc_cell cells[COLUMNS][ROWS];
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *values = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &values), RC_OK);
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
        cells[3][i] = i % 9 == 8   ? RC_CELL_NULL
                      : i % 2 == 0 ? rc_cell_of_code(i % 3)
                                   : text_cell(values, i);
        cells[4][i] = i % 30 == 1 ? text_cell(values, i) : RC_CELL_NULL;
        cells[5][i] = rc_cell_of_code(i / 6 % 4);
        cells[6][i] = i % 5 == 2 ? (rc_cell)i << 3 | RC_CELL_INT : RC_CELL_NULL;
    }
    const rc_cell *columns[] = {cells[0], cells[1], cells[2], cells[3],
                                cells[4], cells[5], cells[6]};
    const struct rc_dictionary *column_texts[] = {NULL, NULL, NULL, values, values, NULL, NULL};
    const struct rc_row_source rows = {.row_count = ROWS,
                                       .users = users,
                                       .times_ms = times_ms,
                                       .ids = ids,
                                       .column_count = column_count,
                                       .column_properties = properties,
                                       .column_cells = columns,
                                       .column_texts = column_texts};
    const struct rc_slab_source source = {.rows = &rows};
    return rig_build_in(&source, 1, window);
}

static struct rc_slab *
make_slab(uint32_t column_count)
{
    return make_slab_in(column_count, rc_window_longest(RIG_WINDOW_MS));
}

static struct rc_slab *
make_short_slab(void)
{
    return make_slab_in(COLUMNS, rc_window_of(RIG_WINDOW_MS, RC_WINDOW_DAYS_MIDDLE));
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

/* The bytes of golden lines, as many as their header says; an rc_alloc block. */
static unsigned char *
bytes_of_lines(const struct golden_line *lines, size_t line_count, size_t *ret_size)
{
    static unsigned char room[BYTES_MAX];
    memset(room, 0, sizeof(room));
    for (size_t i = 0; i < line_count; i++) {
        const char *hex = lines[i].hex;
        for (size_t at = lines[i].offset; *hex != '\0'; at++, hex += 2) {
            unsigned byte = 0;
            assert_true(at < sizeof(room) && sscanf(hex, "%2x", &byte) == 1);
            room[at] = (unsigned char)byte;
        }
    }
    uint64_t size;
    memcpy(&size, room + offsetof(struct rc_slab_header, size), sizeof(size));
    assert_true(size <= sizeof(room));
    unsigned char *bytes = rc_alloc(size);
    assert_non_null(bytes);
    memcpy(bytes, room, size);
    *ret_size = (size_t)size;
    return bytes;
}

/* Frees the slab. */
static void
expect_bytes(struct rc_slab *slab, const struct golden_line *lines, size_t line_count)
{
    const struct rc_bytes bytes = rc_slab_bytes(slab);
    size_t size;
    unsigned char *expected = bytes_of_lines(lines, line_count, &size);
    if (size != bytes.size || memcmp(expected, bytes.data, size) != 0)
        print_bytes(bytes);
    assert_int_equal(size, bytes.size);
    assert_memory_equal(bytes.data, expected, bytes.size);
    rc_alloc_free(expected);
    rc_slab_unref(slab);
}

static void
test_golden_bytes(void **state)
{
    (void)state;
    expect_bytes(make_slab(COLUMNS), golden_v3, LINES(golden_v3));
    expect_bytes(make_short_slab(), golden_v4, LINES(golden_v4));
}

static void
expect_same_ids(const struct rc_slab *a, const struct rc_slab *b)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct rc_event_id x = rc_slab_event_id(a, row);
        const struct rc_event_id y = rc_slab_event_id(b, row);
        assert_int_equal(x.kind, y.kind);
        assert_int_equal(rc_event_id_compare(&x, &y), 0);
    }
}

/* Same columns, cell by cell. */
static void
expect_same_columns(const struct rc_slab *a, const struct rc_slab *b)
{
    assert_int_equal(rc_slab_get_info(a)->column_count, rc_slab_get_info(b)->column_count);
    for (uint32_t i = 0; i < rc_slab_get_info(a)->column_count; i++) {
        struct rc_column_view x;
        struct rc_column_view y;
        rc_slab_column_at(a, i, &x);
        rc_slab_column_at(b, i, &y);
        assert_int_equal(x.property, y.property);
        assert_int_equal(x.dictionary_count, y.dictionary_count);
        assert_memory_equal(x.dictionary, y.dictionary, x.dictionary_count * sizeof(rc_cell));
        assert_int_equal(x.texts.count, y.texts.count);
        assert_int_equal(x.texts.byte_count, y.texts.byte_count);
        if (x.texts.count > 0)
            assert_memory_equal(x.texts.bytes, y.texts.bytes, x.texts.byte_count);
        for (uint32_t row = 0; row < ROWS; row++)
            assert_int_equal(rc_column_code(&x, row), rc_column_code(&y, row));
    }
}

/* A slab of an earlier version says what today's of the same rows says. */
static void
expect_read(uint32_t version,
            uint32_t column_count,
            const struct golden_line *lines,
            size_t line_count)
{
    struct rc_slab *today = make_slab(column_count);
    size_t size;
    unsigned char *bytes = bytes_of_lines(lines, line_count, &size);
    struct rc_slab *slab = NULL;
    struct rc_error error;
    assert_int_equal(bytes[8], version);
    assert_int_equal(rc_slab_of_block(bytes, size, &slab, &error), RC_OK);
    assert_int_equal(rc_slab_check(slab, &error), RC_OK);
    struct rc_slab_info info = *rc_slab_get_info(slab);
    info.size_bytes = rc_slab_get_info(today)->size_bytes;
    assert_memory_equal(&info, rc_slab_get_info(today), sizeof(info));
    assert_memory_equal(rc_slab_users(slab), rc_slab_users(today), 4 * sizeof(uint32_t));
    assert_memory_equal(rc_slab_starts(slab), rc_slab_starts(today), 5 * sizeof(uint32_t));
    assert_memory_equal(rc_slab_times(slab), rc_slab_times(today), ROWS * sizeof(uint32_t));
    expect_same_ids(slab, today);
    expect_same_columns(slab, today);

    /* A merge makes today's bytes of it. */
    const struct rc_slab_source source = {.slab = slab};
    struct rc_slab *merged = rig_build(&source, 1, RIG_WINDOW_MS);
    assert_int_equal(rc_slab_bytes(merged).size, rc_slab_bytes(today).size);
    assert_memory_equal(rc_slab_bytes(merged).data, rc_slab_bytes(today).data,
                        rc_slab_bytes(today).size);
    rc_slab_unref(merged);
    rc_slab_unref(slab);
    rc_slab_unref(today);
}

static void
test_earlier_versions_are_read(void **state)
{
    (void)state;
    expect_read(1, COLUMNS_V1, golden_v1, LINES(golden_v1));
    expect_read(2, COLUMNS_V2, golden_v2, LINES(golden_v2));
}

static void
test_versions_that_are_not_known(void **state)
{
    (void)state;
    struct rc_slab *today = make_slab(COLUMNS);
    const struct rc_bytes bytes = rc_slab_bytes(today);
    for (uint32_t version = 0; version < 6; version++) {
        void *block = rc_alloc(bytes.size);
        memcpy(block, bytes.data, bytes.size);
        struct rc_slab_header *header = block;
        struct rc_slab *slab = NULL;
        header->version = version;
        header->crc32c = rc_slab_header_crc32c(header);
        /* Ids of the versions before are not packed. */
        assert_int_equal(rc_slab_of_block(block, bytes.size, &slab, NULL),
                         version == 3 ? RC_OK : RC_CORRUPT);
        if (slab == NULL)
            rc_alloc_free(block);
        rc_slab_unref(slab);
    }
    rc_slab_unref(today);
}

/* How long the window of a slab is, is said by its header in version 4 alone, where it is a length
 * that there is, begins at a multiple of it and has all times. */
static void
test_lengths_of_windows(void **state)
{
    (void)state;
    struct rc_slab *today = make_short_slab();
    const struct rc_bytes bytes = rc_slab_bytes(today);
    const int64_t start_ms = rc_slab_get_info(today)->window_start_ms;
    assert_int_equal(rc_slab_get_info(today)->window_days, RC_WINDOW_DAYS_MIDDLE);
    assert_int_equal(start_ms % (7 * RC_DAY_MS), 0);
    const struct {
        uint32_t version;
        uint16_t days;
        int64_t start_ms;
        enum rc_status status;
    } cases[] = {
        {4, 7, start_ms, RC_OK},
        {4, 28, start_ms, RC_CORRUPT}, /* Is written as version 3. */
        {4, 0, start_ms, RC_CORRUPT},
        {4, 2, start_ms, RC_CORRUPT},
        {4, 1, start_ms, RC_CORRUPT}, /* The rows are of another day. */
        {4, 7, start_ms + 1, RC_CORRUPT},
        {4, 7, start_ms - 7 * RC_DAY_MS, RC_CORRUPT},
        {4, 7, start_ms + 7 * RC_DAY_MS, RC_CORRUPT},
        {3, 7, start_ms, RC_CORRUPT},
        {3, 28, start_ms, RC_CORRUPT},
        {3, 0, start_ms, RC_OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *block = rc_alloc(bytes.size);
        memcpy(block, bytes.data, bytes.size);
        struct rc_slab_header *header = block;
        struct rc_slab *slab = NULL;
        header->version = cases[i].version;
        header->window_days = cases[i].days;
        header->window_start_ms = cases[i].start_ms;
        header->crc32c = rc_slab_header_crc32c(header);
        assert_int_equal(rc_slab_of_block(block, bytes.size, &slab, NULL), cases[i].status);
        if (slab == NULL)
            rc_alloc_free(block);
        rc_slab_unref(slab);
    }
    rc_slab_unref(today);
}

static void
test_forms_of_the_columns(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(COLUMNS);
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
    assert_int_equal(rc_column_code(&view, 18), RC_CODE_NONE);
    assert_true(rc_slab_column(slab, 12, &view));
    assert_int_equal(view.form, RC_COLUMN_PLAIN);
    assert_int_equal(view.dictionary_count, 4);
    assert_true(view.texts.count > RC_TEXTS_BLOCK);
    assert_true(rc_slab_column(slab, 13, &view));
    assert_int_equal(view.form, RC_COLUMN_SPARSE);
    assert_int_equal(view.dictionary_count, 0);
    assert_int_equal(view.texts.count, 2);
    assert_true(rc_slab_column(slab, 20, &view));
    assert_int_equal(view.form, RC_COLUMN_MARKED_RUNS);
    assert_int_equal(view.code_count, 7);
    assert_int_equal(view.marks[0], 0x1041041041);
    assert_int_equal(rc_column_code(&view, 29), 0);
    assert_int_equal(rc_column_code(&view, 30), 1);
    assert_true(rc_slab_column(slab, 21, &view));
    assert_int_equal(view.form, RC_COLUMN_MARKED_ROWS);
    assert_int_equal(view.code_count, 8);
    assert_int_equal(rc_column_code(&view, 11), RC_CODE_NONE);
    assert_int_equal(rc_column_code(&view, 12), 2);
    assert_false(rc_slab_column(slab, 3, &view));
    assert_false(rc_slab_column(slab, 14, &view));
    rc_slab_unref(slab);
}

static void
test_values_of_codes(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_slab *slab = make_slab(COLUMNS);
    struct rc_column_view view;
    struct rc_value value;
    assert_true(rc_slab_column(slab, 12, &view));
    for (uint32_t row = 1; row < ROWS; row += 2) {
        char text[16];
        (void)snprintf(text, sizeof(text), "/p/%u", row * 7 % 23);
        assert_int_equal(rc_column_value(&view, NULL, rc_column_code(&view, row), arena, &value),
                         RC_OK);
        if (row % 9 == 8)
            assert_int_equal(value.kind, RC_VALUE_NULL);
        else
            assert_true(value.kind == RC_VALUE_STRING &&
                        rc_bytes_equal(value.string, rc_bytes_of(text)));
    }
    assert_true(rc_slab_column(slab, 9, &view));
    assert_int_equal(rc_column_value(&view, NULL, 0, arena, &value), RC_OK);
    assert_true(value.kind == RC_VALUE_BOOL && value.boolean);
    assert_int_equal(rc_column_value(&view, NULL, RC_CODE_NONE, arena, &value), RC_OK);
    assert_int_equal(value.kind, RC_VALUE_NULL);
    rc_slab_unref(slab);
}

static void
test_users_and_rows(void **state)
{
    (void)state;
    struct rc_slab *slab = make_slab(COLUMNS);
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
        cmocka_unit_test(test_earlier_versions_are_read),
        cmocka_unit_test(test_versions_that_are_not_known),
        cmocka_unit_test(test_lengths_of_windows),
        cmocka_unit_test(test_forms_of_the_columns),
        cmocka_unit_test(test_values_of_codes),
        cmocka_unit_test(test_users_and_rows),
    };
    return cmocka_run_group_tests_name("slab_format", tests, NULL, NULL);
}
