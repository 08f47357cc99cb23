/*
 * Activity: in which buckets each person was active, in each row of a breakdown. Lifecycle and
 * stickiness are two ways of counting what comes out.
 *
 * Ownership: plan, map and lanes are the caller's; bits are valid during the call.
 * Threading: a lane's callback runs on one thread at a time; lanes run at the same time.
 * Units:     ms since 1970, UTC.
 * Errors:    RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_ACTIVITY_H
#define RC_QUERY_USAGE_ACTIVITY_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/split/split.h"
#include "engine/query/time/calendar.h"

struct rc_activity {
    const struct rc_plan *plan;      /* One selector; no hit lies behind the map. */
    const struct rc_bucket_map *map; /* Bucket i has bit i. */
    /* What lies before the map, or in [skip_from_ms, skip_until_ms), has the bit map->count:
     * active at an earlier time. */
    int64_t skip_from_ms;
    int64_t skip_until_ms;
    uint32_t min_events; /* So many make a bucket active; at least 1. */
    /* Rows: a hit counts in those of the split's rows that it has. NULL: one row, of all hits. */
    const struct rc_split *split;
    const uint32_t *row_of; /* By row of split: below row_count, or not looked at. */
    uint32_t row_count;
    uint32_t lane_count;
    void *const *lanes;
    /* Once for every row and person with a hit in it; bits has map->count + 1 bits, some of them
     * set if min_events is 1. */
    void (*person)(void *lane, uint32_t row, uint32_t person, const uint64_t *bits);
};

/* Adds to *hit_count the events that were read. Rows are taken some dozens at a time, a walk each.
 */
RC_MUST_USE enum rc_status
rc_activity_walk(const struct rc_activity *activity, uint64_t *hit_count);

#endif
