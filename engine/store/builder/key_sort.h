/*
 * Key sort: sorts (64-bit key, 32-bit value) pairs by key, stable, in linear time.
 *
 * Ownership: arrays of the caller.
 * Threading: one call is one thread's.
 */
#ifndef RC_STORE_BUILDER_KEY_SORT_H
#define RC_STORE_BUILDER_KEY_SORT_H

#include <stdint.h>

struct rc_keyed {
    uint64_t key;
    uint32_t value;
};

/* Sorts items by the bytes of their keys from from_byte on, the least being 0 (the whole key);
 * items that are equal in those stay in order. scratch is room for count items. */
void
rc_key_sort(struct rc_keyed *items, struct rc_keyed *scratch, uint32_t count, unsigned from_byte);

#endif
