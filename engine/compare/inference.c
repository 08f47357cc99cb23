/* Inference: the formulas, as their sources give them. */
#include "engine/compare/inference.h"

#include <math.h>

#include "engine/base/assert.h"
#include "engine/compare/distributions.h"

static double
share(struct rc_rate rate)
{
    return rate.users == 0 ? NAN : (double)rate.count / (double)rate.users;
}

struct rc_interval
rc_wilson(struct rc_rate rate, double confidence)
{
    const double n = (double)rate.users;
    const double p = share(rate);
    const double z = rc_normal_central(confidence);
    const double middle = p + z * z / (2 * n);
    const double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double below = 1 + z * z / n;
    if (rate.users == 0)
        return (struct rc_interval){NAN, NAN};
    /* At the ends rounding must not leave [0, 1], nor miss the rate itself. */
    return (struct rc_interval){
        .low = rate.count == 0 ? 0 : fmax(0, (middle - half) / below),
        .high = rate.count == rate.users ? 1 : fmin(1, (middle + half) / below),
    };
}

/* The score test's statistic: chi-square of a table of count rows and two columns. */
static double
chi_square(const struct rc_rate *rates, uint32_t count, uint32_t *ret_rows)
{
    double users = 0;
    double with = 0;
    double sum = 0;
    *ret_rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        users += (double)rates[i].users;
        with += (double)rates[i].count;
        *ret_rows += rates[i].users > 0;
    }
    const double p = with / users;
    for (uint32_t i = 0; i < count; i++) {
        const double expected = (double)rates[i].users * p;
        const double off = (double)rates[i].count - expected;
        if (off != 0)
            sum += off * off / (expected * (1 - p));
    }
    return sum; /* 0 where all or none have it: chance makes no difference, and there is none. */
}

struct rc_difference
rc_compare_rates(struct rc_rate first, struct rc_rate second, double confidence)
{
    const double p1 = share(first);
    const double p2 = share(second);
    const struct rc_interval w1 = rc_wilson(first, confidence);
    const struct rc_interval w2 = rc_wilson(second, confidence);
    const struct rc_rate both[2] = {first, second};
    uint32_t rows;
    const double statistic = chi_square(both, 2, &rows);
    return (struct rc_difference){
        .difference = p2 - p1,
        .interval = {.low = p2 - p1 - hypot(p2 - w2.low, w1.high - p1),
                     .high = p2 - p1 + hypot(w2.high - p2, p1 - w1.low)},
        .p = rows < 2 ? NAN : rc_normal_tails(sqrt(statistic)),
    };
}

void
rc_compare_all_rates(const struct rc_rate *rates,
                     uint32_t count,
                     double *ret_statistic,
                     double *ret_p)
{
    uint32_t rows;
    const double statistic = chi_square(rates, count, &rows);
    *ret_statistic = rows < 2 ? NAN : statistic;
    *ret_p = rows < 2 ? NAN : rc_chi_square_tail(statistic, rows - 1);
}

int
rc_rates_are_few(const struct rc_rate *rates, uint32_t count)
{
    double users = 0;
    double with = 0;
    for (uint32_t i = 0; i < count; i++) {
        users += (double)rates[i].users;
        with += (double)rates[i].count;
    }
    const double p = with / users;
    for (uint32_t i = 0; i < count; i++)
        if (rates[i].users > 0 && !((double)rates[i].users * fmin(p, 1 - p) >= 5))
            return 1;
    return 0;
}

struct rc_interval
rc_mean_interval(struct rc_sample sample, double confidence)
{
    const double n = (double)sample.users;
    const double half = rc_student_central(confidence, n - 1) * sqrt(sample.variance / n);
    return (struct rc_interval){.low = sample.mean - half, .high = sample.mean + half};
}

struct rc_difference
rc_compare_means(struct rc_sample first, struct rc_sample second, double confidence)
{
    const double n1 = (double)first.users;
    const double n2 = (double)second.users;
    const double v1 = first.variance / n1;
    const double v2 = second.variance / n2;
    const double error = sqrt(v1 + v2);
    const double difference = second.mean - first.mean;
    const double degrees = (v1 + v2) * (v1 + v2) / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1));
    const double half = rc_student_central(confidence, degrees) * error;
    return (struct rc_difference){
        .difference = difference,
        .interval = {.low = difference - half, .high = difference + half},
        .p = rc_student_tails(difference / error, degrees),
    };
}

struct rc_odds
rc_odds_ratio(struct rc_rate first, struct rc_rate second, double confidence)
{
    double a = (double)first.count;
    double b = (double)(first.users - first.count);
    double c = (double)second.count;
    double d = (double)(second.users - second.count);
    if (first.users == 0 || second.users == 0)
        return (struct rc_odds){NAN, {NAN, NAN}, NAN, NAN, NAN};
    if (a * b * c * d == 0) {
        a += 0.5;
        b += 0.5;
        c += 0.5;
        d += 0.5;
    }
    const double logarithm = log(a * d) - log(b * c);
    /* Summed so that the ratio turned round has the same interval, turned round, to the last bit.
     */
    const double half = rc_normal_central(confidence) * sqrt((1 / a + 1 / d) + (1 / b + 1 / c));
    return (struct rc_odds){
        .ratio = exp(logarithm),
        .interval = {.low = exp(logarithm - half), .high = exp(logarithm + half)},
        .logarithm = logarithm,
        .distance = fabs(logarithm) - half,
        .p = rc_compare_rates(first, second, confidence).p,
    };
}

void
rc_holm(double *p_values, uint32_t count)
{
    uint32_t order[RC_HOLM_MAX]; /* The places that have a p-value, least first. */
    uint32_t left = 0;
    RC_ASSERT(count <= RC_HOLM_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = left;
        if (isnan(p_values[i]))
            continue;
        for (; at > 0 && p_values[order[at - 1]] > p_values[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
        left++;
    }
    double least = 0; /* None falls below the one before. */
    for (uint32_t k = 0; k < left; k++) {
        double *p = &p_values[order[k]];
        least = fmax(least, fmin(1, *p * (left - k)));
        *p = least;
    }
}
