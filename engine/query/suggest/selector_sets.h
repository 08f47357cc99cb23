/*
 * Selector sets: how many events and users each of a plan's selectors selects, and which of them
 * select the same events.
 *
 * Ownership: the caller's struct; scratch goes before the call ends.
 * Threading: the walk's.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SUGGEST_SELECTOR_SETS_H
#define RC_QUERY_SUGGEST_SELECTOR_SETS_H

#include "engine/query/plan/plan.h"

struct rc_selector_sets {
    uint64_t events[RC_SELECTORS_MAX];
    uint64_t users[RC_SELECTORS_MAX];
    uint64_t apart[RC_SELECTORS_MAX]; /* Bit j of i: an event is selected by i and not by j. */
};

/* The plan counts users. Adds to *hit_count. */
RC_MUST_USE enum rc_status
rc_selector_sets_count(const struct rc_plan *plan,
                       struct rc_selector_sets *ret_sets,
                       uint64_t *hit_count);

static inline bool
rc_selector_sets_same(const struct rc_selector_sets *sets, uint32_t a, uint32_t b)
{
    return (sets->apart[a] >> b & 1) == 0 && (sets->apart[b] >> a & 1) == 0;
}

#endif
