/*
 * Lifecycle. A person's activity is a row of bits: the bucket before the range, the buckets of the
 * range, and one for anything earlier. Whoever is active in a bucket is new without an earlier bit,
 * returning with the bit before, else resurrecting; a bit that is followed by none makes the person
 * dormant there. Only set bits are looked at.
 *
 * Activity of a bucket that the range cuts is what lies in the range. So the new users are those of
 * a first-time count, and returning and dormant users of a bucket add up to the active users of the
 * one before.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/time/calendar.h"
#include "engine/query/usage/activity_rows.h"
#include "engine/query/usage/lifecycle.h"

struct lifecycle {
    const struct rc_query_context *context;
    const struct rc_lifecycle_request *request;
    struct rc_plan *plan;
    const struct rc_bucket *buckets; /* The one before the range, then those of the range. */
    uint32_t bucket_count;
    struct rc_bucket_map map;
    struct rc_activity_rows rows;
};

struct lane {
    const struct lifecycle *lifecycle;
    bool total;                         /* Its one row is the total. */
    struct rc_lifecycle_counts *counts; /* [row][bucket]. */
};

static void
lifecycle_close(struct lifecycle *lifecycle)
{
    rc_activity_rows_close(&lifecycle->rows);
    lifecycle->plan = rc_plan_free(lifecycle->plan);
}

/* Notes a person who is counted. place is that of a bucket, from the one before the range on. */
static void
note(const struct lane *lane,
     uint32_t row,
     uint32_t person,
     uint32_t place,
     enum rc_lifecycle_state state)
{
    const struct rc_lifecycle_request *request = lane->lifecycle->request;
    if (request->persons == NULL || place != request->at.bucket + 1 || state != request->at.state ||
        (lane->total ? lane->lifecycle->rows.row_count : row) != request->at.row)
        return;
    rc_walk_mark(request->persons, person);
}

static void
count_person(void *state, uint32_t row, uint32_t person, const uint64_t *bits)
{
    struct lane *lane = state;
    const uint32_t bucket_count = lane->lifecycle->bucket_count;
    bool seen = rc_words_has(bits, bucket_count);
    for (uint32_t word = 0; word <= bucket_count / 64; word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            const uint32_t place = word * 64 + (uint32_t)__builtin_ctzll(left);
            if (place == bucket_count)
                continue;
            struct rc_lifecycle_counts *counts = &lane->counts[(size_t)row * bucket_count + place];
            const enum rc_lifecycle_state is = !seen ? RC_LIFECYCLE_NEW
                                               : place > 0 && rc_words_has(bits, place - 1)
                                                   ? RC_LIFECYCLE_RETURNING
                                                   : RC_LIFECYCLE_RESURRECTING;
            counts->new_users += is == RC_LIFECYCLE_NEW;
            counts->returning_users += is == RC_LIFECYCLE_RETURNING;
            counts->resurrecting_users += is == RC_LIFECYCLE_RESURRECTING;
            note(lane, row, person, place, is);
            if (place + 1 < bucket_count && !rc_words_has(bits, place + 1)) {
                counts[1].dormant_users++;
                note(lane, row, person, place + 1, RC_LIFECYCLE_DORMANT);
            }
            seen = true;
        }
    }
}

/* The buckets of the range with the one before them. */
static enum rc_status
make_buckets(struct lifecycle *lifecycle,
             const struct rc_calendar *calendar,
             struct rc_error *reterr_error)
{
    const struct rc_scope *scope = &lifecycle->request->scope;
    struct rc_arena *arena = lifecycle->context->arena;
    const struct rc_bucket_request wanted = {
        .unit = lifecycle->request->unit,
        .multiple = lifecycle->request->unit_count,
        .before = true,
        .start_ms = scope->start_ms,
        .end_ms = scope->end_ms,
        .bucket_max = RC_BUCKETS_MAX,
        .field = "bucket.unit",
    };
    RC_TRY(rc_calendar_buckets(calendar, &wanted, arena, &lifecycle->buckets,
                               &lifecycle->bucket_count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(lifecycle->buckets, lifecycle->bucket_count, arena,
                                               &lifecycle->map));
    return RC_OK;
}

static enum rc_status
make_plan(struct lifecycle *lifecycle, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_scope *scope = &lifecycle->request->scope;
    struct rc_counted counted;
    const struct rc_plan_selector selector = {
        .predicate = lifecycle->request->selector,
        .field = "selector",
        .from_ms = INT64_MIN,
        .until_ms = rc_scope_until(scope, scope->end_ms),
    };
    RC_TRY(rc_scope_counted(lifecycle->context, scope, stats, &counted, reterr_error));
    return rc_plan_counted(lifecycle->context, scope->as_of_ms, &counted, &selector, 1,
                           &lifecycle->plan, reterr_error);
}

/* Adds the lanes up; a bucket has begun when the part of it that the range holds has. */
static enum rc_status
fill_counts(const struct lifecycle *lifecycle,
            const struct lane *lanes,
            uint32_t lane_count,
            uint32_t row,
            const struct rc_lifecycle_counts **ret_counts)
{
    const struct rc_scope *scope = &lifecycle->request->scope;
    const uint32_t count = lifecycle->bucket_count - 1;
    struct rc_lifecycle_counts *result =
        RC_ARENA_ARRAY(lifecycle->context->arena, struct rc_lifecycle_counts, count);
    if (result == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bucket = 0; bucket < count; bucket++) {
        const int64_t bucket_ms = lifecycle->buckets[bucket + 1].start_ms;
        const int64_t begin_ms = bucket_ms > scope->start_ms ? bucket_ms : scope->start_ms;
        result[bucket].begun = begin_ms <= scope->as_of_ms;
        for (uint32_t i = 0; i < lane_count && result[bucket].begun; i++) {
            const struct rc_lifecycle_counts *counts =
                &lanes[i].counts[(size_t)row * lifecycle->bucket_count + bucket + 1];
            result[bucket].new_users += counts->new_users;
            result[bucket].returning_users += counts->returning_users;
            result[bucket].resurrecting_users += counts->resurrecting_users;
            result[bucket].dormant_users += counts->dormant_users;
        }
    }
    *ret_counts = result;
    return RC_OK;
}

/* Walks and counts some rows. */
static enum rc_status
count_rows(const struct lifecycle *lifecycle,
           struct rc_activity *activity,
           uint32_t row_count,
           struct lane **ret_lanes,
           uint64_t *hit_count)
{
    const struct rc_query_context *context = lifecycle->context;
    const uint32_t lane_count = context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].lifecycle = lifecycle;
        lanes[i].total = activity->split == NULL;
        lanes[i].counts = RC_ARENA_ARRAY(context->arena, struct rc_lifecycle_counts,
                                         (size_t)row_count * lifecycle->bucket_count);
        if (lanes[i].counts == NULL)
            return RC_NO_MEMORY;
    }
    activity->lane_count = lane_count;
    activity->lanes = states;
    activity->row_count = row_count;
    *ret_lanes = lanes;
    return rc_activity_walk(activity, hit_count);
}

static enum rc_status
answer(const struct lifecycle *lifecycle,
       struct rc_activity *activity,
       struct rc_lifecycle_reply *reply)
{
    const struct rc_query_context *context = lifecycle->context;
    const struct rc_activity_rows *rows = &lifecycle->rows;
    struct lane *lanes;
    uint64_t again = 0;
    RC_TRY(count_rows(lifecycle, activity, 1, &lanes, &reply->stats.matched_events));
    RC_TRY(fill_counts(lifecycle, lanes, context->parallel_max, 0, &reply->counts));
    reply->bucket_count = lifecycle->bucket_count - 1;
    reply->buckets = lifecycle->buckets + 1;
    if (rows->row_count == 0)
        return RC_OK;
    struct rc_lifecycle_row *result =
        RC_ARENA_ARRAY(context->arena, struct rc_lifecycle_row, rows->row_count);
    if (result == NULL)
        return RC_NO_MEMORY;
    activity->split = rows->split;
    activity->row_of = rows->ranking.row_of;
    RC_TRY(count_rows(lifecycle, activity, rows->row_count, &lanes, &again));
    for (uint32_t row = 0; row < rows->row_count; row++) {
        result[row].label = rc_activity_rows_label(rows, row);
        RC_TRY(fill_counts(lifecycle, lanes, context->parallel_max, row, &result[row].counts));
    }
    reply->row_count = rows->row_count;
    reply->rows = result;
    return RC_OK;
}

enum rc_status
rc_query_lifecycle(const struct rc_query_context *context,
                   const struct rc_lifecycle_request *request,
                   struct rc_lifecycle_reply *ret_reply,
                   struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_lifecycle_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(lifecycle_close)
    struct lifecycle lifecycle = {.context = context, .request = request};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(make_buckets(&lifecycle, &calendar, reterr_error));
    RC_TRY(make_plan(&lifecycle, &reply.stats, reterr_error));
    struct rc_activity activity = {
        .plan = lifecycle.plan,
        .map = &lifecycle.map,
        .skip_from_ms = lifecycle.buckets[1].start_ms,
        .skip_until_ms = request->scope.start_ms,
        .min_events = 1,
        .person = count_person,
    };
    const struct rc_activity_breakdown breakdown = {.dimensions = request->breakdown,
                                                    .dimension_count = request->dimension_count,
                                                    .top_n = request->top_n};
    RC_TRY(rc_activity_rows_open(&lifecycle.rows, &activity, &breakdown, 1, &request->scope,
                                 &calendar, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, answer(&lifecycle, &activity, &reply));
    rc_plan_add_stats(lifecycle.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
