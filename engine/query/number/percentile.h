/*
 * Percentile: where percentile p of n sorted values lies: linearly interpolated at the rank
 * p * (n - 1), p from 0 to 1.
 */
#ifndef RC_QUERY_NUMBER_PERCENTILE_H
#define RC_QUERY_NUMBER_PERCENTILE_H

#include <stdint.h>

#include "engine/query/number/pair.h"

struct rc_percentile_rank {
    uint64_t low; /* Ranks from 0; the value is low's, and share of the way to high's. */
    uint64_t high;
    struct rc_pair share;
};

/* percentile: 0 .. 100. count > 0. Exact: the rank of the double percentile. */
struct rc_percentile_rank
rc_percentile_rank_of(double percentile, uint64_t count);

/* Rounded once. */
double
rc_percentile_between(double low, double high, struct rc_pair share);

#endif
