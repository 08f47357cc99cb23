/*
 * Funnel scan, inside: what its walks share (funnel_scan.c, funnel_entrants.c, funnel_further.c).
 *
 * Ownership: a scan is the stack's of rc_funnel_scan; a lane owns its arrays, charged to the
 * query's account; the rest is borrowed, or of the context's arena. Threading: a scan is not
 * changed while lanes run but for its sets of users, whose bits are set by all; a lane is one
 * thread's.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_SCAN_FORM_H
#define RC_QUERY_FUNNEL_FUNNEL_SCAN_FORM_H

#include "engine/query/funnel/funnel_entries.h"
#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/walk/slab_rows.h"

#define RC_FUNNEL_SCAN_SLOTS 16384u /* Of a block: first rows stay in a core's second cache. */

/* A slab, for the walk over entrants. */
struct rc_funnel_scan_slab {
    const struct rc_slab_info *info;
    uint32_t index; /* In rc_view_slabs. */
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    bool timed;    /* Some of its rows are outside the stream's time. */
    bool overlaps; /* An earlier slab has times of the same range. */
};

struct rc_funnel_scan {
    struct rc_funnel_query *query;
    struct rc_plan entrants;           /* Of step 1 alone, */
    struct rc_funnel_scan_slab *slabs; /* and its slabs. */
    struct rc_plan further;            /* Of the others. */
    bool timeless;                     /* No two slabs of the plan have the same times. */
    uint64_t *entered;                 /* A bit a user who has an entry and is not odd, */
    uint64_t *odd;                     /* and of one who is. */
    uint32_t lane_count;
    struct rc_funnel_scan_lane *lanes;
};

struct rc_funnel_scan_lane {
    const struct rc_funnel_scan *scan;
    struct rc_funnel_lane *lane;
    struct rc_slab_rows rows;
    uint32_t first; /* Of the block at hand. */
    uint32_t slot_count;
    uint64_t *firsts; /* By slot: the first entry as slab << 32 | row, or UINT64_MAX. */
    struct rc_funnel_entries *entries;
    struct rc_hit chain[RC_FUNNEL_STEPS_MAX + 1]; /* The first entry of all, then an attempt. */
};

/* Counts the users with an entry as attempts that end at step 1, and fills entered and odd. */
RC_MUST_USE enum rc_status
rc_funnel_scan_entrants(struct rc_funnel_scan *scan, uint64_t *hit_count);

/* Records the attempts of those who come further, who are no longer counted. More users become odd,
 * and are not counted either. */
RC_MUST_USE enum rc_status
rc_funnel_scan_further(struct rc_funnel_scan *scan, uint64_t *hit_count);

/* Adds to those who end at step 1, by an entry's one row of the split; *ret_one false: it has
 * several, or none. The entry may be without a time. */
RC_MUST_USE enum rc_status
rc_funnel_scan_count(struct rc_funnel_lane *lane,
                     uint32_t person,
                     const struct rc_hit *entry,
                     uint64_t count,
                     bool *ret_one);

#endif
