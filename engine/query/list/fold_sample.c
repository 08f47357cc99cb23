/*
 * A sample of events. Every lane keeps the latest hits that it has met, in order; most hits are
 * earlier than the last of those and cost one comparison of times. The lanes' lists are put
 * together in the same way, and only what is left is read whole.
 *
 * The total order has ties only among events without a sent id that are equal in all, so which lane
 * met a hit does not show.
 */
#include "engine/query/list/sample.h"

#include <stdio.h>
#include <string.h>

#include "engine/query/list/event_read.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/walk/walk.h"

struct latest {
    struct rc_view *view;
    struct rc_hit *hits; /* Latest first. */
    uint32_t count;
    uint32_t count_max;
};

/* Whether a is later than b. Keys are made only where the times are equal. */
static bool
is_later(struct rc_view *view, const struct rc_hit *a, const struct rc_hit *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms > b->time_ms;
    const struct rc_event_key x = rc_event_key_of(view, a);
    const struct rc_event_key y = rc_event_key_of(view, b);
    return rc_event_key_compare(&x, &y) > 0;
}

static void
add(struct latest *latest, const struct rc_hit *hit)
{
    uint32_t place = latest->count;
    if (place == latest->count_max) {
        if (!is_later(latest->view, hit, &latest->hits[place - 1]))
            return;
        place--;
    } else {
        latest->count++;
    }
    for (; place > 0 && is_later(latest->view, hit, &latest->hits[place - 1]); place--)
        latest->hits[place] = latest->hits[place - 1];
    latest->hits[place] = *hit;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++)
        add(state, &hits[i]);
    return RC_OK;
}

static enum rc_status
find(const struct rc_query_context *context,
     const struct rc_plan *plan,
     uint32_t count_max,
     struct latest **ret_latest,
     uint64_t *hit_count)
{
    const uint32_t lane_count = context->parallel_max;
    struct latest *lanes = RC_ARENA_ARRAY(context->arena, struct latest, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i] = (struct latest){
            .view = context->view,
            .hits = RC_ARENA_ARRAY(context->arena, struct rc_hit, count_max),
            .count_max = count_max,
        };
        if (lanes[i].hits == NULL)
            return RC_NO_MEMORY;
    }
    const struct rc_fold fold = {.purpose = "the latest events",
                                 .anonymous = true,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .hits = fold_hits};
    RC_TRY(rc_walk(plan, &fold, hit_count));
    for (uint32_t i = 1; i < lane_count; i++)
        for (uint32_t hit = 0; hit < lanes[i].count; hit++)
            add(&lanes[0], &lanes[i].hits[hit]);
    *ret_latest = &lanes[0];
    return RC_OK;
}

static enum rc_status
read_events(const struct rc_query_context *context,
            const struct latest *latest,
            struct rc_sample_reply *reply)
{
    struct rc_event_reader reader;
    RC_TRY(rc_event_reader_open(context->view, context->arena, &reader));
    struct rc_event *events = RC_ARENA_ARRAY(context->arena, struct rc_event, latest->count + 1);
    if (events == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < latest->count; i++)
        RC_TRY(rc_event_read(&reader, &latest->hits[i], &events[i]));
    reply->events = events;
    reply->event_count = latest->count;
    return RC_OK;
}

enum rc_status
rc_query_sample(const struct rc_query_context *context,
                const struct rc_sample_request *request,
                struct rc_sample_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_sample_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    const struct rc_scope *scope = &request->scope;
    struct rc_calendar calendar;
    struct rc_counted counted;
    struct latest *latest;
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    if (request->event_count == 0 || request->event_count > RC_SAMPLE_EVENTS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "sample_size",
                              "a sample has at most %u events", RC_SAMPLE_EVENTS_MAX);
    RC_TRY(rc_scope_counted(context, scope, &reply.stats, &counted, reterr_error));
    struct rc_plan_selector selector = {
        .predicate = request->selector,
        .from_ms = scope->start_ms,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    snprintf(selector.field, sizeof(selector.field), "%s", request->field);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_counted(context, scope->as_of_ms, &counted, &selector, 1, &plan, reterr_error));
    RC_TRY_OR(reterr_error,
              find(context, plan, request->event_count, &latest, &reply.stats.matched_events));
    RC_TRY_OR(reterr_error, read_events(context, latest, &reply));
    rc_plan_add_stats(plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
