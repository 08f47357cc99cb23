/*
 * Planner: which way each selector's rows are found in each slab, how a fold is fed, and on how
 * many threads. It compares the times that costs.h gives to the work that match/access.h counts.
 *
 *   slabs      Left out by time, then by users: a query for few users (a segment, the events of
 *              one) looks at no slab that has none of them, and in the others only at blocks of
 *              rows with theirs. What the dictionaries rule out is not looked at either.
 *   bitmap     Kept of the whole predicate: a lookup. Nothing is faster, so nothing else is asked,
 *              unless somebody wants to see the alternatives.
 *   postings   Bitmaps kept of parts of the predicate are combined; what has none is read from
 *              columns, only in rows that are left where few are.
 *   scan       Columns alone. Its result is kept: so is that of postings.
 *   scan once  The same, only of the rows or blocks that are wanted, and nothing is kept: where few
 *              users are asked about, their rows are looked up one by one. It has to save
 *              more than half of a scan (ONCE_SHARE; a tenth in a query for few users), since a
 *              bitmap is worth something to the next query. In a project that is about to reach
 *              its limit of memory it is taken sooner.
 *   ruled out  The dictionaries hold nothing that matches: no row is read.
 *
 * AND and OR are put in order slab by slab when they are evaluated (match_slab_plan.c), by the same
 * costs and by the shares of rows that leaves passed before.
 *
 * Feeding: a fold that can read columns by itself (fold.rows) does so if reading all rows of the
 * pieces that hold events takes less than looking at each event.
 *
 * Threads: work is spread over more of them while each gets at least LANE_NS of it.
 *
 * Threading: one thread; reads the cache under its short lock.
 * Errors:    RC_INVALID with a hint's field where it cannot be followed. RC_NO_MEMORY.
 */
#ifndef RC_QUERY_PLAN_PLANNER_H
#define RC_QUERY_PLAN_PLANNER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/matcher.h"
#include "engine/query/plan/plan.h"

/* What was chosen for a stream in a slab. */
struct rc_plan_choice {
    enum rc_access access; /* NONE: the stream has no business in the slab. */
    bool keep;
    bool keeps_columns; /* And made columns, of the blocks that are wanted. */
    bool forced;
    bool together; /* It was computed with others of its slab, and is in the cache. */
    float estimate_ns;
    float rows_estimate;
    struct rc_rowset *bitmap; /* BITMAP: a reference of the choice's. */
    uint64_t *blocks;         /* See rc_match_order. */
    const struct rc_row_range *ranges;
    uint32_t range_count;
};

/* The users that a plan is for. */
struct rc_plan_users {
    bool everybody;
    uint32_t count;        /* Ordinals as sent; above RC_PLAN_USERS_LISTED they are not listed, */
    const uint32_t *users; /* ascending; */
    uint32_t first;        /* and lie in [first, last]. count 0: nobody. */
    uint32_t last;
};

#define RC_PLAN_USERS_LISTED 256u

/* Whose rows belong to these persons (a bit each; NULL: everybody's). */
RC_MUST_USE enum rc_status
rc_plan_users_of(const struct rc_query_context *context,
                 const uint64_t *persons,
                 struct rc_plan_users *ret_users);

/* Whose belong to one. */
RC_MUST_USE enum rc_status
rc_plan_users_of_one(const struct rc_query_context *context,
                     uint32_t person,
                     struct rc_plan_users *ret_users);

/*
 * Chooses for every slab of the plan and every stream: choices[slab * stream_count + stream], all
 * zero before. Fills plan->hits_estimate, and plan->explain where there is one. On failure too, the
 * bitmaps in choices are the caller's to give back.
 */
RC_MUST_USE enum rc_status
rc_planner_choose(struct rc_plan *plan,
                  const struct rc_plan_users *users,
                  struct rc_plan_choice *choices,
                  struct rc_error *reterr_error);

/* Whether what is made besides bitmaps is put into the cache: as hints say; else not while the
 * project, or the process, is about to reach its limit. */
bool
rc_planner_keeps(const struct rc_query_context *context);

/* Threads for so much work in so many pieces, of at most parallel_max. */
uint32_t
rc_planner_lanes(const struct rc_query_context *context, double work_ns, uint64_t pieces);

/* The time of a walk that is fed so many of the plan's events, in ns, all threads together.
 * reading: of rows. */
double
rc_planner_walk_ns(const struct rc_plan *plan,
                   enum rc_explain_feed feed,
                   enum rc_rows_reading reading,
                   uint64_t hits,
                   uint64_t blocks);

/* Whether a fold that can read the rows of a stream by itself should; else it is fed events.
 * series: for EXPLAIN. */
bool
rc_planner_reads_rows(const struct rc_plan *plan,
                      uint32_t stream,
                      uint32_t series,
                      enum rc_rows_reading reading);

/* The same for a fold that can read of a stream the rows of those alone who have an event of
 * another one, or else is fed the events of both. */
bool
rc_planner_reads_few(const struct rc_plan *plan, uint32_t rare, uint32_t stream);

#endif
