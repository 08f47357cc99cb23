/* Code marks: four codes an instruction find what one after the other does, of every count of rows
 * and wherever the codes begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/store/builder/code_marks.h"

#define ROWS 300u

/* Codes of which about every second repeats the one before, and some are null. */
static void
fill(uint32_t *codes, uint32_t kinds)
{
    codes[0] = 1;
    for (uint32_t i = 1; i < ROWS; i++)
        codes[i] = rand() % 2 == 0 ? codes[i - 1] : (uint32_t)rand() % kinds;
}

static void
check_marks(const uint32_t *codes, uint32_t count, uint32_t before)
{
    const uint64_t runs = rc_code_marks(codes, count, true, before);
    const uint64_t values = rc_code_marks(codes, count, false, before);
    for (uint32_t i = 0; i < RC_CODE_MARKS_ROWS; i++) {
        const uint32_t last = i == 0 ? before : codes[i - 1];
        assert_int_equal(runs >> i & 1, i < count && codes[i] != last);
        assert_int_equal(values >> i & 1, i < count && codes[i] != 0);
    }
}

static void
check_counts(const uint32_t *codes, uint32_t count, uint32_t before)
{
    uint32_t runs = 5;
    uint32_t values = 7;
    uint32_t wanted_runs = 5;
    uint32_t wanted_values = 7;
    for (uint32_t i = 0; i < count; i++) {
        wanted_runs += codes[i] != (i == 0 ? before : codes[i - 1]);
        wanted_values += codes[i] != 0;
    }
    rc_code_marks_count(codes, count, before, &runs, &values);
    assert_int_equal(runs, wanted_runs);
    assert_int_equal(values, wanted_values);
}

static void
test_all_counts(void **state)
{
    (void)state;
    uint32_t codes[ROWS];
    srand(1);
    for (uint32_t kinds = 2; kinds <= 4; kinds++) {
        fill(codes, kinds);
        for (uint32_t first = 0; first < 5; first++) {
            for (uint32_t count = 1; count <= RC_CODE_MARKS_ROWS; count++)
                check_marks(codes + first, count, count % 2 == 0 ? UINT32_MAX : codes[first]);
            for (uint32_t count = 1; count <= ROWS - first; count++)
                check_counts(codes + first, count, count % 2 == 0 ? UINT32_MAX : codes[first]);
        }
    }
}

/* Codes use all 32 bits. */
static void
test_high_codes(void **state)
{
    (void)state;
    uint32_t codes[RC_CODE_MARKS_ROWS];
    for (uint32_t i = 0; i < RC_CODE_MARKS_ROWS; i++)
        codes[i] = i % 3 == 0 ? UINT32_MAX : i % 3 == 1 ? UINT32_C(0x80000000) : 0;
    check_marks(codes, RC_CODE_MARKS_ROWS, UINT32_MAX);
    check_counts(codes, RC_CODE_MARKS_ROWS, UINT32_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_counts),
        cmocka_unit_test(test_high_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
