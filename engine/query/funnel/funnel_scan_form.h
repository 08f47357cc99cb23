/*
 * Funnel scan, inside: what its walks share (funnel_scan.c, funnel_entrants.c, funnel_pairs.c,
 * funnel_further.c).
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
#include "engine/query/slab/slab_rows.h"

#define RC_FUNNEL_SCAN_SLOTS 16384u /* Of a block: first rows stay in a core's second cache, */
#define RC_FUNNEL_PAIR_SLOTS 8192u  /* and pairs. */
#define RC_FUNNEL_BIT_STEPS_MAX 2u
#define RC_FUNNEL_NO_PLACE UINT64_MAX

/* A slab, for the walk over entrants. Places are slab (of that plan) << 32 | row. */
struct rc_funnel_scan_slab {
    const struct rc_slab_info *info;
    uint32_t index; /* In rc_view_slabs. */
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    bool timed;    /* Some of its rows are outside a stream's time. */
    bool overlaps; /* An earlier slab has times of the same range. */
};

/* A user's first attempt to come to step 2, by places; RC_FUNNEL_NO_PLACE: none. */
struct rc_funnel_pair {
    uint64_t first;  /* The first entry of all. */
    uint64_t entry;  /* The last one before second, or as far as rows were read. */
    uint64_t second; /* The event of step 2. */
};

struct rc_funnel_scan {
    struct rc_funnel_query *query;
    uint32_t bit_steps;                            /* 1, or 2: these are not fed. */
    struct rc_plan entrants;                       /* Of these steps, */
    struct rc_funnel_scan_slab *slabs;             /* and its slabs; */
    struct rc_plan steps[RC_FUNNEL_BIT_STEPS_MAX]; /* of each of them. */
    struct rc_plan further;                        /* Of the others. */
    bool timeless;     /* No two slabs of the plan have the same times. */
    uint64_t *entered; /* A bit a user who has come through the bit steps and is not odd; */
    uint64_t *odd;     /* of one who is; */
    uint64_t *deeper;  /* of one whose record of a pair no longer counts. */
    uint32_t lane_count;
    struct rc_funnel_scan_lane *lanes;
};

struct rc_funnel_scan_lane {
    const struct rc_funnel_scan *scan;
    struct rc_funnel_lane *lane;
    struct rc_slab_rows rows[RC_FUNNEL_BIT_STEPS_MAX];
    uint32_t first; /* Of the block at hand. */
    uint32_t slot_count;
    uint64_t *firsts;             /* By slot: the place of the first entry, */
    struct rc_funnel_pair *pairs; /* or with two bit steps this. */
    size_t pair_records;          /* Of the lane's records, the first: of pairs. */
    struct rc_funnel_entries *entries[RC_FUNNEL_BIT_STEPS_MAX];
    struct rc_hit chain[RC_FUNNEL_STEPS_MAX + 1]; /* The first entry of all, then an attempt. */
};

/* Whether a user's bit is set, which other lanes may set. */
static inline bool
rc_funnel_scan_has(const uint64_t *users, uint32_t user)
{
    return ((__atomic_load_n(&users[user / 64], __ATOMIC_RELAXED) >> (user % 64)) & 1) != 0;
}

/* Counts the users with an entry as attempts that end at step 1, records those that end at step 2
 * if that is a bit step, and fills entered and odd. */
RC_MUST_USE enum rc_status
rc_funnel_scan_entrants(struct rc_funnel_scan *scan, uint64_t *hit_count);

/* The same of two bit steps, for the rows [begin, end) of a slab: fills the block's pairs; */
RC_MUST_USE enum rc_status
rc_funnel_pairs_note(struct rc_funnel_scan_lane *lane,
                     const struct rc_walk_block *block,
                     uint32_t plan_slab,
                     uint32_t begin,
                     uint32_t end);

/* and for the user of a slot: a count, or a record if there is a pair, which *ret_further says. */
RC_MUST_USE enum rc_status
rc_funnel_pairs_count(struct rc_funnel_scan_lane *lane, uint32_t slot, bool *ret_further);

/* Records the attempts of those who come further, who are no longer counted (deeper: whose pair no
 * longer is). More users become odd, and are not counted either. */
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
