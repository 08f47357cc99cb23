/*
 * Slot ends: where consecutive times leave a slot of a bucket table, as a word of bits. The kernels
 * are compiled whatever the build's baseline, and one is chosen at run time; each is tested against
 * the portable one.
 *
 * Threading: pure.
 */
#ifndef RC_QUERY_SLAB_SLOT_ENDS_H
#define RC_QUERY_SLAB_SLOT_ENDS_H

#include <stdint.h>

/* Bit i: times[i] and times[i + 1] lie in different slots. Reads times[0 .. 64]. */
typedef uint64_t (*rc_slot_ends)(const uint32_t *times);

uint64_t
rc_slot_ends_portable(const uint32_t *times);

/* NULL where this processor cannot run them. */
rc_slot_ends
rc_slot_ends_avx2(void);

rc_slot_ends
rc_slot_ends_avx512(void);

rc_slot_ends
rc_slot_ends_best(void);

#endif
