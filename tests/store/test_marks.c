/* Marks against a look at each row: every form, width, place and density. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/slab/marks.h"
#include "tests/store/slab_rig.h"

#define SEED 20261130u
#define ROUNDS 400u
#define ROWS_MAX 3000u

struct column {
    struct rc_column_view view;
    uint64_t marks[ROWS_MAX / 64 + 1];
    uint32_t ranks[ROWS_MAX / RC_MARKS_RANK_ROWS + 1];
    uint32_t expected[ROWS_MAX];   /* By row. */
    uint32_t before[ROWS_MAX + 1]; /* Marks before a row. */
};

static void
put_code(void *codes, uint32_t width, uint32_t index, uint32_t code)
{
    if (width == 1)
        ((uint8_t *)codes)[index] = (uint8_t)code;
    else if (width == 2)
        ((uint16_t *)codes)[index] = (uint16_t)code;
    else
        ((uint32_t *)codes)[index] = code;
}

/* The codes are a block of exactly their size, so that a byte behind them is not read unseen. */
static void
make_column(uint64_t *seed, uint32_t round, uint32_t row_count, struct column *column)
{
    static const uint32_t odds[] = {1, 2, 3, 10, 700};
    const bool runs = round % 2 == 0;
    const uint32_t width = 1u << round % 3;
    uint32_t count = 0;
    memset(column, 0, sizeof(*column));
    for (uint32_t row = 0; row <= row_count; row++) {
        column->before[row] = count;
        if (row % RC_MARKS_RANK_ROWS == 0)
            column->ranks[row / RC_MARKS_RANK_ROWS] = count;
        if (row == row_count || (rig_random(seed) % odds[round % 5] != 0 && (!runs || row > 0)))
            continue;
        column->marks[row / 64] |= (uint64_t)1 << (row % 64);
        count++;
    }
    void *codes = malloc((size_t)count * width + (count == 0));
    assert_non_null(codes);
    uint32_t code = RC_CODE_NONE;
    for (uint32_t row = 0; row < row_count; row++) {
        const bool mark = (column->marks[row / 64] >> (row % 64) & 1) != 0;
        if (mark)
            code = (uint32_t)(rig_random(seed) >> 33) &
                   (width == 4 ? UINT32_MAX : (1u << width * 8) - 1);
        if (mark)
            put_code(codes, width, column->before[row], code);
        column->expected[row] = mark || runs ? code : RC_CODE_NONE;
    }
    column->view = (struct rc_column_view){
        .form = runs ? RC_COLUMN_MARKED_RUNS : RC_COLUMN_MARKED_ROWS,
        .code_width = width,
        .code_count = count,
        .codes = codes,
        .marks = column->marks,
        .ranks = column->ranks,
    };
}

static void
test_codes_of_rows(void **state)
{
    (void)state;
    static struct column column;
    static uint32_t codes[ROWS_MAX + 1];
    uint64_t seed = SEED;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t row_count = 1 + (uint32_t)(rig_random(&seed) % ROWS_MAX);
        make_column(&seed, round, row_count, &column);
        for (uint32_t row = 0; row <= row_count; row++)
            assert_int_equal(rc_marks_before(&column.view, row), column.before[row]);
        for (uint32_t row = 0; row < row_count; row++)
            assert_int_equal(rc_column_code(&column.view, row), column.expected[row]);
        for (uint32_t part = 0; part < 20; part++) {
            const uint32_t begin = (uint32_t)(rig_random(&seed) % row_count);
            const uint32_t count = 1 + (uint32_t)(rig_random(&seed) % (row_count - begin));
            codes[count] = 77; /* Nothing is written behind them. */
            const uint32_t end =
                rc_marks_codes(&column.view, column.before[begin], begin, count, codes);
            assert_int_equal(end, column.before[begin + count]);
            assert_memory_equal(codes, column.expected + begin, count * sizeof(codes[0]));
            assert_int_equal(codes[count], 77);
        }
        free((void *)(uintptr_t)column.view.codes);
    }
}

static void
test_codes_of_single_rows(void **state)
{
    (void)state;
    static struct column column;
    static uint32_t rows[ROWS_MAX];
    static uint32_t codes[ROWS_MAX + 1];
    uint64_t seed = SEED + 2;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t row_count = 1 + (uint32_t)(rig_random(&seed) % ROWS_MAX);
        make_column(&seed, round, row_count, &column);
        const uint32_t every = 1 + (uint32_t)(rig_random(&seed) % 50);
        uint32_t count = 0;
        for (uint32_t row = 0; row < row_count; row++)
            if (row + 1 == row_count || rig_random(&seed) % every == 0)
                rows[count++] = row;
        codes[count] = 77;
        rc_marks_codes_of(&column.view, rows, count, codes);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(codes[i], column.expected[rows[i]]);
        assert_int_equal(codes[count], 77);
        free((void *)(uintptr_t)column.view.codes);
    }
}

static void
test_marks_of_a_word(void **state)
{
    (void)state;
    static struct column column;
    uint64_t seed = SEED + 1;
    make_column(&seed, 1, 1000, &column);
    for (uint32_t begin = 0; begin < 1000; begin += 37) {
        uint32_t count;
        for (uint32_t row = begin; row < 1000; row += count) {
            const uint64_t marks = rc_marks_from(&column.view, row, 1000 - row, &count);
            assert_true(count > 0 && count <= 64 && (row + count) % 64 % 40 == 0);
            for (uint32_t i = 0; i < 64; i++)
                assert_int_equal(marks >> i & 1,
                                 i < count && column.before[row + i + 1] > column.before[row + i]);
        }
    }
    free((void *)(uintptr_t)column.view.codes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_of_rows),
        cmocka_unit_test(test_codes_of_single_rows),
        cmocka_unit_test(test_marks_of_a_word),
    };
    return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
