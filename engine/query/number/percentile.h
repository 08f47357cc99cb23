/*
 * Percentile: where percentile p of n sorted values lies: linearly interpolated at the rank
 * p * (n - 1), p from 0 to 1.
 */
#ifndef RC_QUERY_NUMBER_PERCENTILE_H
#define RC_QUERY_NUMBER_PERCENTILE_H

#include <stdint.h>

struct rc_percentile_rank {
    uint64_t low; /* Ranks from 0; the value is low's, and share of the way to high's. */
    uint64_t high;
    double share;
};

/* percentile: 0 .. 100. count > 0. */
struct rc_percentile_rank
rc_percentile_rank_of(double percentile, uint64_t count);

double
rc_percentile_between(double low, double high, double share);

#endif
