/*
 * Inference: the numbers that the sources print, and what has no number.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/compare/distributions.h"
#include "engine/compare/inference.h"

static void
near(double found, double wanted, double within)
{
    if (!(fabs(found - wanted) <= within))
        fail_msg("%.17g is not %.17g within %g", found, wanted, within);
}

/* Tables that any textbook prints. */
static void
test_distributions(void **state)
{
    (void)state;
    near(rc_normal_central(0.95), 1.959963984540054, 1e-12);
    near(rc_normal_tails(1.959963984540054), 0.05, 1e-14);
    near(rc_normal_tails(-10), 1.523970604832105e-23, 1e-35);
    near(rc_student_central(0.95, 10), 2.228138851986275, 1e-10);
    near(rc_student_central(0.95, 1), 12.70620473617471, 1e-9);
    near(rc_student_tails(2.228138851986275, 10), 0.05, 1e-12);
    near(rc_student_tails(INFINITY, 3), 0, 0);
    near(rc_chi_square_tail(3.841458820694124, 1), 0.05, 1e-12);
    near(rc_chi_square_tail(5.991464547107979, 2), 0.05, 1e-12);
    assert_true(isnan(rc_normal_central(1)) && isnan(rc_normal_central(0)));
    assert_true(isnan(rc_student_tails(1, 0)) && isnan(rc_student_central(0.95, NAN)));
    assert_true(isnan(rc_chi_square_tail(-1, 1)));
}

/* Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3. */
static void
test_wilson(void **state)
{
    (void)state;
    const struct rc_interval some = rc_wilson((struct rc_rate){81, 263}, 0.95);
    near(some.low, 0.2553, 5e-5);
    near(some.high, 0.3662, 5e-5);
    const struct rc_interval none = rc_wilson((struct rc_rate){0, 20}, 0.95);
    near(none.low, 0, 0);
    near(none.high, 0.1611, 5e-5);
    near(rc_wilson((struct rc_rate){20, 20}, 0.95).high, 1, 0);
    assert_true(isnan(rc_wilson((struct rc_rate){0, 0}, 0.95).low));
}

/* Newcombe, Interval estimation for the difference between independent proportions, 1998, table II,
 * method 10: 56/70 less 48/80, and 9/10 less 3/10. */
static void
test_rates(void **state)
{
    (void)state;
    const struct rc_difference first =
        rc_compare_rates((struct rc_rate){48, 80}, (struct rc_rate){56, 70}, 0.95);
    near(first.difference, 0.2, 1e-12);
    near(first.interval.low, 0.0524, 5e-5);
    near(first.interval.high, 0.3339, 5e-5);
    const struct rc_difference second =
        rc_compare_rates((struct rc_rate){3, 10}, (struct rc_rate){9, 10}, 0.95);
    near(second.interval.low, 0.1705, 5e-5);
    near(second.interval.high, 0.8090, 5e-5);
    /* The score test squared is Pearson's statistic of the table. */
    const struct rc_rate both[2] = {{48, 80}, {56, 70}};
    double statistic, p;
    rc_compare_all_rates(both, 2, &statistic, &p);
    near(first.p, p, 1e-12);
    assert_true(isnan(rc_compare_rates((struct rc_rate){0, 0}, (struct rc_rate){0, 9}, 0.95).p));
}

/* Newcombe's own table ends with these: nobody converted, of the last two all and nobody. */
static void
test_rates_at_the_ends(void **state)
{
    (void)state;
    static const struct {
        struct rc_rate first;
        struct rc_rate second;
        double low;
        double high;
    } rows[] = {{{0, 20}, {0, 10}, -0.1611, 0.2775},
                {{0, 10}, {0, 10}, -0.2775, 0.2775},
                {{0, 20}, {10, 10}, 0.6791, 1},
                {{0, 10}, {10, 10}, 0.6075, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rc_difference found = rc_compare_rates(rows[i].first, rows[i].second, 0.95);
        near(found.interval.low, rows[i].low, 5e-5);
        near(found.interval.high, rows[i].high, 5e-5);
        if (i < 2)
            near(found.p, 1, 0);
    }
    const struct rc_rate all[3] = {{5, 5}, {9, 9}, {0, 0}};
    double statistic, p;
    rc_compare_all_rates(all, 3, &statistic, &p);
    near(statistic, 0, 0);
    near(p, 1, 0);
}

/* Pearson's test of three rates, worked by hand: 10/20, 20/40, 30/40: expected 60 %. */
static void
test_several_rates(void **state)
{
    (void)state;
    const struct rc_rate rates[4] = {{10, 20}, {20, 40}, {30, 40}, {0, 0}};
    double statistic, p;
    rc_compare_all_rates(rates, 4, &statistic, &p);
    near(statistic, (2.0 * 2 / 4.8) + (4.0 * 4 / 9.6) + (6.0 * 6 / 9.6), 1e-12);
    near(p, rc_chi_square_tail(statistic, 2), 0);
    assert_false(rc_rates_are_few(rates, 4));
    const struct rc_rate few[2] = {{1, 40}, {2, 40}};
    assert_true(rc_rates_are_few(few, 2));
}

/* Two samples of four and five numbers, by the formulas. */
static void
test_means(void **state)
{
    (void)state;
    const struct rc_sample first = {.users = 4, .mean = 5, .variance = 20.0 / 3};
    const struct rc_sample second = {.users = 5, .mean = 9, .variance = 10};
    const struct rc_difference found = rc_compare_means(first, second, 0.95);
    const double v1 = 20.0 / 12, v2 = 2;
    const double degrees = (v1 + v2) * (v1 + v2) / (v1 * v1 / 3 + v2 * v2 / 4);
    near(found.difference, 4, 0);
    near(found.p, rc_student_tails(4 / sqrt(v1 + v2), degrees), 1e-15);
    near(found.interval.high - found.interval.low,
         2 * rc_student_central(0.95, degrees) * sqrt(v1 + v2), 1e-12);
    near(rc_mean_interval(second, 0.95).low, 9 - 2.776445105197793 * sqrt(2), 1e-9);
    const struct rc_sample one = {.users = 1, .mean = 5, .variance = NAN};
    assert_true(isnan(rc_compare_means(one, second, 0.95).p));
    assert_true(isnan(rc_mean_interval(one, 0.95).low));
}

/* 20/100 beside 10/100: odds 20/80 over 10/90 = 2.25, log error sqrt(1/20 + 1/80 + 1/10 + 1/90). */
static void
test_odds(void **state)
{
    (void)state;
    const struct rc_odds odds =
        rc_odds_ratio((struct rc_rate){20, 100}, (struct rc_rate){10, 100}, 0.95);
    const double half = 1.959963984540054 * sqrt(1 / 20.0 + 1 / 80.0 + 1 / 10.0 + 1 / 90.0);
    near(odds.ratio, 2.25, 1e-12);
    near(log(odds.interval.high), log(2.25) + half, 1e-12);
    near(odds.distance, log(2.25) - half, 1e-12);
    /* A count of 0 adds one half to all four. */
    near(rc_odds_ratio((struct rc_rate){0, 4}, (struct rc_rate){2, 4}, 0.95).ratio,
         (0.5 * 2.5) / (4.5 * 2.5), 1e-12);
    /* The other way round is the same, turned round, to the last bit. */
    const struct rc_odds turned =
        rc_odds_ratio((struct rc_rate){80, 100}, (struct rc_rate){90, 100}, 0.95);
    assert_true(turned.logarithm == -odds.logarithm && turned.distance == odds.distance);
    assert_true(isnan(rc_odds_ratio((struct rc_rate){0, 0}, (struct rc_rate){2, 4}, 0.95).ratio));
}

/* Holm's own procedure on 0.01, 0.04, 0.03, 0.005. */
static void
test_holm(void **state)
{
    (void)state;
    double p_values[5] = {0.01, NAN, 0.04, 0.03, 0.005};
    rc_holm(p_values, 5);
    near(p_values[0], 0.03, 1e-15);
    assert_true(isnan(p_values[1]));
    near(p_values[2], 0.06, 1e-15);
    near(p_values[3], 0.06, 1e-15);
    near(p_values[4], 0.02, 1e-15);
    double one[1] = {0.9};
    rc_holm(one, 1);
    near(one[0], 0.9, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distributions), cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_rates),         cmocka_unit_test(test_rates_at_the_ends),
        cmocka_unit_test(test_several_rates), cmocka_unit_test(test_means),
        cmocka_unit_test(test_odds),          cmocka_unit_test(test_holm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
