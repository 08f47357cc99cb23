/*
 * Durations: mean and median of a list of times, exactly.
 */
#ifndef RC_QUERY_NUMBER_DURATIONS_H
#define RC_QUERY_NUMBER_DURATIONS_H

#include <stddef.h>
#include <stdint.h>

/* In seconds; NaN of nothing. */
double
rc_durations_mean_s(const int64_t *durations_ms, size_t count);

/* The middle one, or the mean of the two in the middle, in seconds; NaN of nothing. Reorders the
 * array; linear. */
double
rc_durations_median_s(int64_t *durations_ms, size_t count);

#endif
