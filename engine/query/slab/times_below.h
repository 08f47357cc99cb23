/*
 * Times below: which of 64 times are below a limit, as a word of bits; and step ends: where
 * consecutive ones pass one of a few limits, which is where a bucket table's place changes. The
 * kernels are compiled whatever the build's baseline, and one is chosen at run time; each is tested
 * against the portable one.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_TIMES_BELOW_H
#define RC_QUERY_SLAB_TIMES_BELOW_H

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

/* Bit i: times[i] and times[i + 1] lie on different sides of a step. Reads times[0 .. 64]. */
typedef uint64_t (*rc_step_ends)(const uint32_t *times, const uint32_t *steps, uint32_t step_count);

uint64_t
rc_step_ends_portable(const uint32_t *times, const uint32_t *steps, uint32_t step_count);

rc_step_ends
rc_step_ends_avx2(void);

rc_step_ends
rc_step_ends_avx512(void);

rc_step_ends
rc_step_ends_best(void);

#endif
