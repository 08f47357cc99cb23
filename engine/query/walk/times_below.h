/*
 * Times below: which of 64 times are below a limit, as a word of bits. The kernels are compiled
 * whatever the build's baseline, and one is chosen at run time; each is tested against the portable
 * one.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_WALK_TIMES_BELOW_H
#define RC_QUERY_WALK_TIMES_BELOW_H

#include <stdint.h>

/* Bit i: times[i] < limit. Reads times[0 .. 63]. */
typedef uint64_t (*rc_times_below)(const uint32_t *times, uint32_t limit);

uint64_t
rc_times_below_portable(const uint32_t *times, uint32_t limit);

/* NULL where this processor cannot run them. */
rc_times_below
rc_times_below_avx2(void);

rc_times_below
rc_times_below_avx512(void);

rc_times_below
rc_times_below_best(void);

#endif
