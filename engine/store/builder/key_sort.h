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

/* Sorts items by key; items of equal key stay in order. scratch is room for count items. */
void
rc_key_sort(struct rc_keyed *items, struct rc_keyed *scratch, uint32_t count);

#endif
