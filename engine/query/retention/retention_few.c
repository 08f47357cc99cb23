/*
 * Retention of few, in two walks:
 *
 *   starts     The rare event's: dealt to persons, of each of whom the first of every cohort stays
 *              (retention_beginners.c).
 *   returns    The rows of these persons in each slab, where some lie between the person's first
 *              start and the end of what its cohorts ask for (retention_returns.c).
 */
#include "engine/query/retention/retention_few.h"

#include "engine/query/plan/planner.h"
#include "engine/query/retention/retention_returns.h"

struct few {
    const struct rc_retention *retention;
    struct rc_retention_beginners beginners;
    struct rc_retention_returns returns;
    uint32_t lane_count;
    struct rc_retention_reader *lanes;
};

static void
few_close(struct few *few)
{
    rc_retention_beginners_close(&few->beginners);
    for (uint32_t i = 0; i < few->lane_count; i++)
        rc_retention_reader_close(&few->lanes[i]);
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct rc_retention_reader *lane = state;
    lane->first = rc_retention_beginners_index(lane->returns->beginners, block->persons[0]);
    return RC_OK;
}

/* Heads. */
static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct rc_retention_reader *lane = state;
    (void)block;
    for (uint32_t i = 0; i < count; i++)
        (void)rc_retention_read_hit(lane->returns, lane->first + slots[i], &hits[i]);
    return RC_OK;
}

static enum rc_status
fold_stretches(void *state,
               const struct rc_walk_block *block,
               uint32_t plan_slab,
               const struct rc_walk_stretch *stretches,
               uint32_t count,
               uint64_t *hit_count)
{
    (void)block;
    *hit_count += rc_retention_read(state, plan_slab, stretches, count);
    return RC_OK;
}

static enum rc_status
find_returns(struct few *few, uint64_t *hit_count)
{
    struct rc_arena *arena = few->retention->context->arena;
    const uint32_t lanes = few->retention->lane_count;
    RC_TRY(rc_retention_returns_open(&few->beginners, &few->returns));
    few->lanes = RC_ARENA_ARRAY(arena, struct rc_retention_reader, lanes);
    void **states = RC_ARENA_ARRAY(arena, void *, lanes);
    if (few->lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    few->lane_count = lanes;
    for (uint32_t i = 0; i < lanes; i++) {
        states[i] = &few->lanes[i];
        RC_TRY(rc_retention_reader_open(&few->returns, &few->lanes[i]));
    }
    const struct rc_fold fold = {
        .purpose = "returns",
        .lane_count = lanes,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
        .stretches = fold_stretches,
        .reading = RC_ROWS_TIMES,
    };
    return rc_walk(&few->returns.plan, &fold, hit_count);
}

/* Counts the beginners, who stand in whole groups. */
static void
count_persons(const struct few *few)
{
    struct rc_retention_planes planes;
    rc_retention_planes_open(few->retention, &planes);
    rc_retention_count(&planes, few->beginners.persons, few->beginners.slot_count,
                       &few->retention->lanes[0]);
}

/* The one stream of a selector, about everybody; UINT32_MAX: there is none of the kind. */
static uint32_t
stream_of(const struct rc_plan *plan, uint64_t bit)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t s = 0; s < plan->stream_count; s++) {
        if (plan->streams[s].bit != bit)
            continue;
        if (found != UINT32_MAX || plan->streams[s].persons != NULL)
            return UINT32_MAX;
        found = s;
    }
    return found;
}

/* Whether the question is one of periods, of two selectors that are about everybody. */
static bool
can_look_up(const struct rc_retention *retention, uint32_t *ret_start, uint32_t *ret_back)
{
    const struct rc_plan *plan = retention->plan;
    *ret_start = stream_of(plan, retention->start_bit);
    *ret_back = stream_of(plan, retention->return_bit);
    return rc_retention_asks_periods(retention) && !retention->same_event &&
           plan->entities == NULL && *ret_start != UINT32_MAX && *ret_back != UINT32_MAX;
}

enum rc_status
rc_retention_few(const struct rc_retention *retention, uint64_t *hit_count, bool *ret_done)
{
    uint32_t start;
    uint32_t back;
    RC_CLEANUP(few_close) struct few few = {.retention = retention};
    *ret_done = false;
    if (!can_look_up(retention, &start, &back) ||
        !rc_planner_reads_few(retention->plan, start, back))
        return RC_OK;
    RC_TRY(rc_retention_beginners_find(retention, &few.beginners, hit_count));
    RC_TRY(find_returns(&few, hit_count));
    count_persons(&few);
    *ret_done = true;
    return RC_OK;
}
