/* Person events: one walk over the events of the persons alone, in any order. A person is in one
 * block, and a block is one lane's, so lanes count in one array. */
#include "engine/query/list/person_events.h"

#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/walk/walk.h"

static enum rc_status
fold_hits(void *lane,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct rc_person_events *events = lane;
    for (uint32_t i = 0; i < count; i++)
        rc_person_event_add(rc_person_events_of(events, rc_walk_person(block, slots[i])),
                            hits[i].time_ms);
    return RC_OK;
}

enum rc_status
rc_person_events_open(struct rc_arena *arena,
                      const uint64_t *persons,
                      size_t word_count,
                      struct rc_person_events *ret_events)
{
    uint32_t *ranks = RC_ARENA_ARRAY(arena, uint32_t, word_count);
    if (ranks == NULL)
        return RC_NO_MEMORY;
    struct rc_person_event_count *counts = RC_ARENA_ARRAY(
        arena, struct rc_person_event_count, rc_words_rank(persons, word_count, ranks));
    if (counts == NULL)
        return RC_NO_MEMORY;
    *ret_events = (struct rc_person_events){.persons = persons, .ranks = ranks, .counts = counts};
    return RC_OK;
}

static enum rc_status
walk_events(struct rc_plan *plan, struct rc_person_events *events, uint64_t *hit_count)
{
    const struct rc_query_context *context = plan->context;
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < context->parallel_max; i++)
        lanes[i] = events;
    const struct rc_fold fold = {.purpose = "events of the users listed",
                                 .lane_count = context->parallel_max,
                                 .lanes = lanes,
                                 .hits = fold_hits};
    return rc_walk(plan, &fold, hit_count);
}

enum rc_status
rc_person_events_count(const struct rc_query_context *context,
                       const struct rc_scope *scope,
                       const struct rc_predicate *selector,
                       const uint64_t *persons,
                       struct rc_query_stats *stats,
                       struct rc_person_events *ret_events,
                       struct rc_error *reterr_error)
{
    const struct rc_plan_selector planned = {
        .predicate = selector,
        .field = "selector",
        .from_ms = scope->start_ms,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    struct rc_person_events events;
    RC_TRY_OR(reterr_error,
              rc_person_events_open(context->arena, persons,
                                    (size_t)rc_view_user_count(context->view) / 64 + 1, &events));
    RC_TRY(rc_plan_new(context, scope->as_of_ms, persons, &planned, 1, &plan, reterr_error));
    RC_TRY_OR(reterr_error, walk_events(plan, &events, &stats->matched_events));
    rc_plan_add_stats(plan, stats);
    *ret_events = events;
    return RC_OK;
}
