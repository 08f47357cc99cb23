/*
 * Series held: what one lane holds of a line while it is measured in one pass, and how the lanes'
 * parts become numbers. They add up to the same in any order.
 *
 * Ownership: rc_held_close frees what rc_held_open made, also when it failed half-way.
 * Threading: each lane has its own; finishing is one thread's.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SERIES_SERIES_HELD_H
#define RC_QUERY_SERIES_SERIES_HELD_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/number/exact_sum.h"
#include "engine/query/series/series_line.h"

enum rc_holds {
    RC_HOLDS_NOTHING, /* Measured by series_spread.c. */
    RC_HOLDS_COUNT,
    RC_HOLDS_USERS,       /* From here on hits must come user by user. */
    RC_HOLDS_USER_EVENTS, /* Up to here. */
    RC_HOLDS_NUMBERS,
};

struct rc_held_user_events {
    uint64_t events;
    uint64_t users;
    uint64_t most;
    uint64_t current; /* Of the user at hand, */
    uint32_t mark;    /* who is this one + 1. */
};

struct rc_held_numbers {
    uint64_t count;
    double least;
    double greatest;
    struct rc_exact_sum sum;
};

struct rc_held {
    uint64_t *counts;   /* By place. ROLLING: changes, modulo 2^64. */
    uint64_t *marks;    /* By place: user + 1. SESSIONS, by row: a serial number. */
    uint32_t *covered;  /* ROLLING, by row: the first bucket that does not count the user yet. */
    uint32_t *in_range; /* ROLLING, by row: user + 1 who counts in the range. */
    struct rc_held_user_events *users;
    struct rc_held_numbers *numbers;
    uint8_t *present;
};

enum rc_holds
rc_holds_of(enum rc_measure measure);

RC_MUST_USE enum rc_status
rc_held_open(const struct rc_series_frame *frame,
             const struct rc_series_line *line,
             struct rc_held *held);

void
rc_held_close(const struct rc_series_frame *frame,
              const struct rc_series_line *line,
              struct rc_held *held);

/* Fills a line from what count lanes hold of it; the first one takes the others in. */
RC_MUST_USE enum rc_status
rc_held_finish(const struct rc_series_frame *frame,
               const struct rc_series_line *line,
               struct rc_held *const *held,
               uint32_t count);

#endif
