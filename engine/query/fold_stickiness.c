/*
 * Stickiness: the number of bits that a person's activity has. A comparison is the same question
 * about another range, asked of the same view.
 */
#include <string.h>

#include "engine/query/activity.h"
#include "engine/query/calendar.h"
#include "engine/query/plan.h"
#include "engine/query/scope.h"
#include "engine/query/series_compare.h"
#include "engine/query/stickiness.h"

/* One range's question. */
struct stickiness {
    const struct rc_query_context *context;
    const struct rc_stickiness_request *request;
    struct rc_counted counted;
    struct rc_scope scope; /* The request's, with this range. */
    const struct rc_bucket *buckets;
    uint32_t bucket_count;
    struct rc_bucket_map map;
    struct rc_plan *plan;
};

struct lane {
    uint32_t words;
    uint64_t *users; /* By number of buckets, from 0. */
};

static void
stickiness_close(struct stickiness *stickiness)
{
    stickiness->plan = rc_plan_free(stickiness->plan);
}

static void
count_person(void *state, const uint64_t *bits)
{
    struct lane *lane = state;
    uint32_t count = 0;
    for (uint32_t word = 0; word < lane->words; word++)
        count += (uint32_t)__builtin_popcountll(bits[word]);
    lane->users[count]++;
}

static enum rc_status
prepare(struct stickiness *stickiness,
        const struct rc_calendar *calendar,
        struct rc_query_stats *stats,
        struct rc_error *reterr_error)
{
    const struct rc_query_context *context = stickiness->context;
    const struct rc_bucket_request wanted = {
        .unit = stickiness->request->unit,
        .start_ms = stickiness->scope.start_ms,
        .end_ms = stickiness->scope.end_ms,
        .bucket_max = RC_BUCKETS_MAX,
        .field = "bucket.unit",
    };
    const struct rc_plan_selector selector = {
        .predicate = stickiness->request->selector,
        .field = "selector",
        .from_ms = stickiness->scope.start_ms,
        .until_ms = rc_scope_until(&stickiness->scope, stickiness->scope.end_ms),
    };
    RC_TRY(rc_calendar_buckets(calendar, &wanted, context->arena, &stickiness->buckets,
                               &stickiness->bucket_count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(stickiness->buckets, stickiness->bucket_count,
                                               context->arena, &stickiness->map));
    RC_TRY(rc_plan_counted(context, stickiness->scope.as_of_ms, &stickiness->counted, &selector, 1,
                           &stickiness->plan, reterr_error));
    rc_plan_add_stats(stickiness->plan, stats);
    return RC_OK;
}

/* Sums the lanes' users up, of k buckets or of k and more. */
static enum rc_status
add_up(const struct stickiness *stickiness,
       const struct lane *lanes,
       uint32_t lane_count,
       uint32_t place_count,
       struct rc_stickiness_counts *ret_counts)
{
    uint64_t *users = RC_ARENA_ARRAY(stickiness->context->arena, uint64_t, place_count);
    uint64_t active_users = 0;
    if (users == NULL)
        return RC_NO_MEMORY;
    for (uint32_t k = stickiness->bucket_count; k > 0; k--) {
        uint64_t exactly = 0;
        for (uint32_t i = 0; i < lane_count; i++)
            exactly += lanes[i].users[k];
        active_users += exactly;
        users[k - 1] = stickiness->request->at_least ? active_users : exactly;
    }
    *ret_counts = (struct rc_stickiness_counts){.active_users = active_users, .users = users};
    return RC_OK;
}

static enum rc_status
count(const struct stickiness *stickiness,
      uint32_t place_count,
      struct rc_query_stats *stats,
      struct rc_stickiness_counts *ret_counts)
{
    const struct rc_query_context *context = stickiness->context;
    const uint32_t lane_count = context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].words = stickiness->bucket_count / 64 + 1;
        lanes[i].users =
            RC_ARENA_ARRAY(context->arena, uint64_t, (size_t)stickiness->bucket_count + 1);
        if (lanes[i].users == NULL)
            return RC_NO_MEMORY;
    }
    const struct rc_activity activity = {
        .plan = stickiness->plan,
        .map = &stickiness->map,
        .min_events = stickiness->request->min_events,
        .lane_count = lane_count,
        .lanes = states,
        .person = count_person,
    };
    RC_TRY(rc_activity_walk(&activity, &stats->matched_events));
    return add_up(stickiness, lanes, lane_count, place_count, ret_counts);
}

static enum rc_status
check_request(const struct rc_stickiness_request *request, struct rc_error *reterr_error)
{
    if (request->min_events == 0)
        return rc_error_field(reterr_error, RC_INVALID, "min_events_per_bucket",
                              "a bucket without events is not active");
    return RC_OK;
}

enum rc_status
rc_query_stickiness(const struct rc_query_context *context,
                    const struct rc_stickiness_request *request,
                    struct rc_stickiness_reply *ret_reply,
                    struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_stickiness_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(stickiness_close)
    struct stickiness now = {.context = context, .request = request, .scope = request->scope};
    RC_CLEANUP(stickiness_close) struct stickiness earlier = now;
    const struct rc_series_request compared = {.scope = request->scope,
                                               .compare = request->compare,
                                               .shift_unit = request->shift_unit,
                                               .shift_count = request->shift_count};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(rc_scope_counted(context, &request->scope, &reply.stats, &now.counted, reterr_error));
    RC_TRY(prepare(&now, &calendar, &reply.stats, reterr_error));
    reply.bucket_count = now.bucket_count;
    reply.buckets = now.buckets;
    reply.place_count = now.bucket_count;
    if (request->compare != RC_COMPARE_NONE) {
        earlier.counted = now.counted;
        RC_TRY(rc_series_compared_scope(&compared, &calendar, &earlier.scope, reterr_error));
        reply.compared_start_ms = earlier.scope.start_ms;
        reply.compared_end_ms = earlier.scope.end_ms;
        RC_TRY(prepare(&earlier, &calendar, &reply.stats, reterr_error));
        if (earlier.bucket_count > reply.place_count)
            reply.place_count = earlier.bucket_count;
        RC_TRY_OR(reterr_error, count(&earlier, reply.place_count, &reply.stats, &reply.compared));
    }
    RC_TRY_OR(reterr_error, count(&now, reply.place_count, &reply.stats, &reply.counts));
    *ret_reply = reply;
    return RC_OK;
}
