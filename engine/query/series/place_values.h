/*
 * Place values: which values each place has, exactly, within a bound of memory. A set of pairs of a
 * place and the code of a value: a bit for every pair that there could be where these are few, else
 * the pairs that there are. Where even those are too many it holds fewer codes than it was asked
 * to, the lower ones, and leaves the others to whoever asks again.
 *
 * Ownership: owns its arrays, charged to the account given. All zero is closed.
 * Threading: one thread.
 * Units:     a lane holds at most 16 MiB of pairs or 32 MiB of bits, or a word for each place if
 *            that is more; both while the one becomes the other.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED.
 */
#ifndef RC_QUERY_SERIES_PLACE_VALUES_H
#define RC_QUERY_SERIES_PLACE_VALUES_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/query/query.h"

struct rc_place_values {
    const struct rc_query_context *context;
    uint64_t place_count;
    uint64_t slots_max;
    uint32_t first; /* Held are codes of [first, first + width). */
    uint32_t width;
    uint64_t pair_count;
    uint64_t slot_count; /* A power of two, or 0. */
    uint64_t *slots;     /* Pairs, by hash; 0: free. */
    uint64_t *bits;      /* Not NULL: by place, a bit each code, from a new word on. */
};

/* Tests: a small number, a power of two from 4 on, makes few pairs many. */
extern uint64_t rc_place_values_slots_max;

/* For RC_CLEANUP on the struct itself. */
void
rc_place_values_close(struct rc_place_values *values);

/* Closes it and makes it an empty one. first > 0. Allocates nothing. */
void
rc_place_values_open(struct rc_place_values *values,
                     const struct rc_query_context *context,
                     uint64_t place_count,
                     uint32_t first,
                     uint32_t width);

/* The words of a place's bits. */
static inline uint64_t
rc_place_values_words(const struct rc_place_values *values)
{
    return ((uint64_t)values->width + 63) / 64;
}

/* What rc_place_values_add does where there are no bits. */
RC_MUST_USE enum rc_status
rc_place_values_add_pair(struct rc_place_values *values, uint64_t place, uint32_t code);

/* The place has the value, if its code is one that is held. May take codes out of what is held. */
static inline enum rc_status
rc_place_values_add(struct rc_place_values *values, uint64_t place, uint32_t code)
{
    const uint32_t at = code - values->first;
    if (at >= values->width)
        return RC_OK;
    if (values->bits == NULL)
        return rc_place_values_add_pair(values, place, code);
    values->bits[place * rc_place_values_words(values) + at / 64] |= (uint64_t)1 << (at % 64);
    return RC_OK;
}

/* Adds what others, which may hold more codes, have of the codes that are held, and lets it take so
 * much more memory. Closes others. */
RC_MUST_USE enum rc_status
rc_place_values_join(struct rc_place_values *values, struct rc_place_values *others);

/* Adds to each place how many values it has. */
RC_MUST_USE enum rc_status
rc_place_values_count(const struct rc_place_values *values, double *counts);

#endif
