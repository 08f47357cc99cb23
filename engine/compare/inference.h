/*
 * Inference: intervals and tests. Established ones only, each named with its source.
 *
 *   Wilson      interval of a rate: E. B. Wilson, Probable inference, the law of succession, and
 *               statistical inference, 1927.
 *   Newcombe    interval of a difference of rates, from two Wilson intervals: R. G. Newcombe,
 * Interval estimation for the difference between independent proportions, 1998, method 10. score
 * test  of two equal rates, without continuity correction: Pearson's chi-square test of 1900 with
 *               one degree of freedom; of several rates with more.
 *   Woolf       interval of an odds ratio, on its logarithm: B. Woolf, On estimating the relation
 * between blood group and disease, 1955; if a count is 0, one half is added to all four, after
 *               Haldane, 1956, and Anscombe, 1956.
 *   Welch       test and interval of a difference of means with unequal variances: B. L. Welch, The
 *               generalization of Student's problem, 1947.
 *   Holm        correction of p-values for several comparisons: S. Holm, A simple sequentially
 * rejective multiple test procedure, 1979.
 *
 * Threading: pure functions.
 * Units:     rates and p-values lie in [0, 1]. A figure that does not exist is NaN.
 */
#ifndef RC_COMPARE_INFERENCE_H
#define RC_COMPARE_INFERENCE_H

#include <stdint.h>

struct rc_interval {
    double low;
    double high;
};

/* Some of a number of users. */
struct rc_rate {
    uint64_t count;
    uint64_t users;
};

/* A sample of numbers, one a user. */
struct rc_sample {
    uint64_t users;
    double mean;
    double variance; /* Of the sample, with users - 1 below; NaN of fewer than two. */
};

/* A comparison of two. */
struct rc_difference {
    double difference; /* Second minus first. */
    struct rc_interval interval;
    double p; /* That chance alone gives such a difference or a greater one, either way. */
};

struct rc_interval
rc_wilson(struct rc_rate rate, double confidence);

/* Newcombe's interval, the score test's p-value. */
struct rc_difference
rc_compare_rates(struct rc_rate first, struct rc_rate second, double confidence);

/* The chi-square statistic of several rates and its p-value, with count - 1 degrees of freedom;
 * rates of no users are left out. */
void
rc_compare_all_rates(const struct rc_rate *rates,
                     uint32_t count,
                     double *ret_statistic,
                     double *ret_p);

/* Whether a count that the test expects in some cell is below 5, where it is not to be relied on.
 */
int
rc_rates_are_few(const struct rc_rate *rates, uint32_t count);

struct rc_interval
rc_mean_interval(struct rc_sample sample, double confidence);

struct rc_difference
rc_compare_means(struct rc_sample first, struct rc_sample second, double confidence);

/* with: those of a rate who have something; without: the others. The odds of having it among the
 * first, divided by those among the second. */
struct rc_odds {
    double ratio;
    struct rc_interval interval;
    double logarithm; /* Of the ratio. */
    double distance;  /* From 1 to the nearer end of the interval, as logarithms; negative if it
                        holds 1. */
    double p;         /* The score test's. */
};

struct rc_odds
rc_odds_ratio(struct rc_rate first, struct rc_rate second, double confidence);

#define RC_HOLM_MAX 128u

/* Corrects count (up to RC_HOLM_MAX) p-values in place; NaN stays and does not count. */
void
rc_holm(double *p_values, uint32_t count);

#endif
