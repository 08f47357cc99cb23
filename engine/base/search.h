/*
 * Search in a sorted array of numbers. What is searched by something else than its own order (times
 * of events, names of projects) has its loop where it is.
 */
#ifndef RC_BASE_SEARCH_H
#define RC_BASE_SEARCH_H

#include <stdint.h>

/* The first index in [0, count) whose item is at or above value; count when there is none. */
static inline uint32_t
rc_lower_bound(const uint32_t *items, uint32_t count, uint32_t value)
{
    uint32_t low = 0;
    while (count > 0) {
        const uint32_t half = count / 2;
        if (items[low + half] < value) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

#endif
