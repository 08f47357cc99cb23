/*
 * Window: the stretch of time that the rows of a slab lie in. A window begins at a multiple of its
 * length, counted from 1970 on, and each length is divided by the next shorter one: so of two
 * windows one lies in the other, or they are apart.
 *
 * The longest is RC_WINDOW_MS. How a stretch of time is divided is intake/windows.h's to say.
 */
#ifndef RC_STORE_SLAB_WINDOW_H
#define RC_STORE_SLAB_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/limits.h"

struct rc_window {
    int64_t start_ms;
    uint32_t days; /* Its length. */
};

/* The next shorter length; 0: there is none. */
static inline uint32_t
rc_window_days_below(uint32_t days)
{
    return days == RC_WINDOW_DAYS_MAX      ? RC_WINDOW_DAYS_MIDDLE
           : days == RC_WINDOW_DAYS_MIDDLE ? RC_WINDOW_DAYS_MIN
                                           : 0;
}

/* One of the longest kind. */
static inline struct rc_window
rc_window_longest(int64_t start_ms)
{
    return (struct rc_window){.start_ms = start_ms, .days = RC_WINDOW_DAYS_MAX};
}

static inline int64_t
rc_window_end_ms(struct rc_window window)
{
    return window.start_ms + window.days * RC_DAY_MS;
}

static inline bool
rc_window_has(struct rc_window window, int64_t time_ms)
{
    return time_ms >= window.start_ms && time_ms < rc_window_end_ms(window);
}

/* The window of a length that a time lies in. */
static inline struct rc_window
rc_window_of(int64_t time_ms, uint32_t days)
{
    const int64_t length_ms = days * RC_DAY_MS;
    const int64_t into_ms = (time_ms % length_ms + length_ms) % length_ms;
    return (struct rc_window){.start_ms = time_ms - into_ms, .days = days};
}

/* By start, of the same start the longer first. */
static inline int
rc_window_compare(struct rc_window a, struct rc_window b)
{
    if (a.start_ms != b.start_ms)
        return a.start_ms < b.start_ms ? -1 : 1;
    return (a.days < b.days) - (a.days > b.days);
}

#endif
