/*
 * Planner, wanted rows: what of a slab a plan for some users wants.
 *
 * Ownership: arrays are the arena's.
 * Threading: one thread.
 * Units:     ms since 1970, UTC; until is not included.
 */
#ifndef RC_QUERY_PLAN_PLANNER_WANTED_H
#define RC_QUERY_PLAN_PLANNER_WANTED_H

#include "engine/query/plan/planner.h"

struct rc_plan_wanted {
    int64_t from_ms; /* As asked. */
    int64_t until_ms;
    uint64_t *blocks; /* A bit for each block with wanted rows; NULL: all. */
    struct rc_row_range *ranges;
    uint32_t range_count; /* 0: all rows of the blocks, since they are not few. */
    uint64_t rows;        /* Those of the users, in that time if they are listed. */
    double share;         /* Of the slab's rows that are wanted. */
};

/* Whether a slab may have rows of the users: of those who are listed it has one. */
bool
rc_plan_meets(const struct rc_plan_users *users, const struct rc_slab *slab);

/* false: no rows. Without memory all of the slab is wanted. */
bool
rc_plan_want(const struct rc_plan_users *users,
             const struct rc_slab *slab,
             int64_t from_ms,
             int64_t until_ms,
             struct rc_arena *arena,
             struct rc_plan_wanted *ret_wanted);

#endif
