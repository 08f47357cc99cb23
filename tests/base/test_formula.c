/* Formulas: what they make, what is wrong with one and where, letters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/formula.h"
#include "engine/base/limits.h"

static double
value_of(const char *expression, double a, double b)
{
    const double figures[2] = {a, b};
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_formula *formula = NULL;
    struct rc_error error = {0};
    assert_int_equal(
        rc_formula_parse(rc_bytes_of(expression), "series", 2, arena, &formula, &error), RC_OK);
    const double value = rc_formula_value(formula, figures);
    rc_arena_free(arena);
    return value;
}

static void
formulas_are_computed(void **state)
{
    (void)state;
    assert_true(value_of("A / B", 1, 4) == 0.25);
    assert_true(value_of("A-B-1", 9, 4) == 4);
    assert_true(value_of("2*(A + 3)/B", 1, 4) == 2);
    assert_true(value_of("--A * -1.5", 2, 0) == -3);
    assert_true(value_of("8/2/2", 0, 0) == 2);
    assert_true(value_of("1+2*3", 0, 0) == 7);
    assert_true(isnan(value_of("A / B", 1, 0)));
    assert_true(isnan(value_of("0 * (1 / B)", 1, 0)));
    assert_true(isnan(value_of("A + B", NAN, 1)));
    assert_true(isnan(value_of("A * A", 1e200, 1)));
    assert_true(value_of("B", NAN, 1) == 1);
}

static void
bad_formulas_say_where(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "A +", "(A",           "A)",  "A B",
                                      "C",      "a",   "1.",           ".5",  "1e3",
                                      "A ** B", "A,B", "AAAAAAAAAAAA", "A %", "max(A)"};
    char deep[200];
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct rc_formula *formula = NULL;
        struct rc_error error = {0};
        assert_int_equal(
            rc_formula_parse(rc_bytes_of(bad[i]), "series", 2, arena, &formula, &error),
            RC_INVALID);
        assert_non_null(strstr(error.message, "character"));
        assert_null(formula);
    }
    for (uint32_t depth = RC_FORMULA_DEPTH_MAX - 1; depth <= RC_FORMULA_DEPTH_MAX; depth++) {
        const struct rc_formula *formula = NULL;
        memset(deep, '-', depth);
        strcpy(deep + depth, "A");
        assert_int_equal(rc_formula_parse(rc_bytes_of(deep), "series", 1, arena, &formula, NULL),
                         depth < RC_FORMULA_DEPTH_MAX ? RC_OK : RC_INVALID);
    }
    rc_arena_free(arena);
}

static void
things_have_letters_like_columns(void **state)
{
    (void)state;
    double figures[32] = {0};
    const struct rc_formula *formula = NULL;
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    figures[25] = 2;
    figures[26] = 3;
    figures[31] = 5;
    assert_int_equal(
        rc_formula_parse(rc_bytes_of("Z * AA * AF"), "series", 32, arena, &formula, NULL), RC_OK);
    assert_true(rc_formula_value(formula, figures) == 30);
    assert_int_equal(rc_formula_operands(formula), 1u << 25 | 1u << 26 | 1u << 31);
    assert_int_equal(rc_formula_parse(rc_bytes_of("AG"), "series", 32, arena, &formula, NULL),
                     RC_INVALID);
    rc_arena_free(arena);
}

static void
errors_name_what_has_letters(void **state)
{
    (void)state;
    const struct rc_formula *formula = NULL;
    struct rc_error error = {0};
    struct rc_arena *arena = rc_arena_new(NULL, 0);
    assert_int_equal(rc_formula_parse(rc_bytes_of("A * "), "property", 1, arena, &formula, &error),
                     RC_INVALID);
    assert_string_equal(error.message, "a number, a property or a parenthesis is missing at "
                                       "character 5 of the formula");
    assert_int_equal(rc_formula_parse(rc_bytes_of("B"), "property", 1, arena, &formula, &error),
                     RC_INVALID);
    assert_string_equal(error.message,
                        "there is no property of the name that stands at character 1 of the "
                        "formula");
    rc_arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_are_computed),
        cmocka_unit_test(bad_formulas_say_where),
        cmocka_unit_test(things_have_letters_like_columns),
        cmocka_unit_test(errors_name_what_has_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
