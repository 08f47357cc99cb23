/*
 * Stickiness: the number of bits that a person's activity has. A comparison is the same question
 * about another range, asked of the same view.
 */
#include <string.h>

#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/series/series_compare.h"
#include "engine/query/time/calendar.h"
#include "engine/query/usage/activity_rows.h"
#include "engine/query/usage/stickiness.h"

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
    bool is_earlier; /* What is compared with. */
    struct rc_activity_rows rows;
    const uint32_t *row_of; /* By row of the split: which row of the answer it is in. */
};

struct lane {
    const struct stickiness *stickiness;
    bool total; /* Its one row is the total. */
    uint32_t words;
    uint32_t places;
    uint64_t *users; /* [row][number of buckets]. */
};

static void
stickiness_close(struct stickiness *stickiness)
{
    rc_activity_rows_close(&stickiness->rows);
    stickiness->plan = rc_plan_free(stickiness->plan);
}

static void
count_person(void *state, uint32_t row, uint32_t person, const uint64_t *bits)
{
    struct lane *lane = state;
    const struct stickiness *stickiness = lane->stickiness;
    const struct rc_stickiness_request *request = stickiness->request;
    uint32_t count = 0;
    for (uint32_t word = 0; word < lane->words; word++)
        count += (uint32_t)__builtin_popcountll(bits[word]);
    lane->users[(size_t)row * lane->places + count]++;
    if (request->persons == NULL || stickiness->is_earlier ||
        (lane->total ? stickiness->rows.row_count : row) != request->at.row ||
        (request->at_least ? count < request->at.buckets : count != request->at.buckets))
        return;
    rc_walk_mark(request->persons, person);
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
        .multiple = stickiness->request->unit_count,
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
    if (wanted.start_ms < wanted.end_ms) { /* An earlier time may be empty. */
        RC_TRY(rc_calendar_buckets(calendar, &wanted, context->arena, &stickiness->buckets,
                                   &stickiness->bucket_count, reterr_error));
        RC_TRY_OR(reterr_error, rc_bucket_map_make(stickiness->buckets, stickiness->bucket_count,
                                                   context->arena, &stickiness->map));
    }
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
       uint32_t row,
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
            exactly += lanes[i].users[(size_t)row * lanes[i].places + k];
        active_users += exactly;
        users[k - 1] = stickiness->request->at_least ? active_users : exactly;
    }
    *ret_counts = (struct rc_stickiness_counts){.active_users = active_users, .users = users};
    return RC_OK;
}

/* What is counted of a range. */
static struct rc_activity
activity_of(const struct stickiness *stickiness)
{
    return (struct rc_activity){
        .plan = stickiness->plan,
        .map = &stickiness->map,
        .min_events = stickiness->request->min_events,
        .person = count_person,
    };
}

/* Counts the rows of the split, or with split NULL all as one. */
static enum rc_status
count(const struct stickiness *stickiness,
      const struct rc_split *split,
      uint32_t row_count,
      uint32_t place_count,
      uint64_t *hit_count,
      struct rc_stickiness_counts *counts)
{
    const struct rc_query_context *context = stickiness->context;
    const uint32_t lane_count = context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].stickiness = stickiness;
        lanes[i].total = split == NULL;
        lanes[i].words = stickiness->bucket_count / 64 + 1;
        lanes[i].places = stickiness->bucket_count + 1;
        lanes[i].users =
            RC_ARENA_ARRAY(context->arena, uint64_t, (size_t)row_count * lanes[i].places);
        if (lanes[i].users == NULL)
            return RC_NO_MEMORY;
    }
    struct rc_activity activity = activity_of(stickiness);
    activity.split = split;
    activity.row_of = stickiness->row_of;
    activity.row_count = row_count;
    activity.lane_count = lane_count;
    activity.lanes = states;
    RC_TRY(rc_activity_walk(&activity, hit_count));
    for (uint32_t row = 0; row < row_count; row++)
        RC_TRY(add_up(stickiness, lanes, lane_count, row, place_count, &counts[row]));
    return RC_OK;
}

/* Splits a range and ranks its rows. bins_of: as in rc_split_request. */
static enum rc_status
open_rows(struct stickiness *stickiness,
          const struct rc_split *bins_of,
          const struct rc_calendar *calendar,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    const struct rc_stickiness_request *request = stickiness->request;
    const struct rc_activity activity = activity_of(stickiness);
    const struct rc_activity_breakdown breakdown = {.dimensions = request->breakdown,
                                                    .dimension_count = request->dimension_count,
                                                    .top_n = request->top_n,
                                                    .bins_of = bins_of};
    RC_TRY(rc_activity_rows_open(&stickiness->rows, &activity, &breakdown, 0, &stickiness->scope,
                                 calendar, stats, reterr_error));
    stickiness->row_of = stickiness->rows.ranking.row_of;
    return RC_OK;
}

/* Puts the earlier range's rows under those of the range; what has none there is Other. */
static enum rc_status
match_rows(struct stickiness *now, struct stickiness *earlier)
{
    struct rc_activity_rows *rows = &now->rows;
    struct rc_arena *arena = now->context->arena;
    const uint32_t count = rc_split_count(earlier->rows.split);
    const uint32_t *others;
    uint32_t *row_of = RC_ARENA_ARRAY(arena, uint32_t, count);
    if (row_of == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_split_match(now->context, rows->split, earlier->rows.split, arena, &others));
    for (uint32_t row = 0; row < count; row++)
        row_of[row] = rows->ranking.row_count;
    for (uint32_t rank = 0; rank < rows->ranking.row_count; rank++) {
        const uint32_t other = others[rows->ranking.split_rows[rank]];
        if (other != UINT32_MAX)
            row_of[other] = rank;
    }
    for (uint32_t row = 0; row < count; row++)
        rows->ranking.has_other =
            rows->ranking.has_other ||
            (earlier->rows.present[row] != 0 && row_of[row] == rows->ranking.row_count);
    rows->row_count = rows->ranking.row_count + (rows->ranking.has_other ? 1 : 0);
    earlier->row_of = row_of;
    return RC_OK;
}

/* The rows of a breakdown, of both ranges. */
static enum rc_status
fill_rows(const struct stickiness *now,
          const struct stickiness *earlier,
          struct rc_stickiness_reply *reply)
{
    const uint32_t count_of_rows = now->rows.row_count;
    const size_t rows = count_of_rows;
    uint64_t hits = 0;
    struct rc_arena *arena = now->context->arena;
    struct rc_stickiness_row *result = RC_ARENA_ARRAY(arena, struct rc_stickiness_row, rows);
    struct rc_stickiness_counts *counts = RC_ARENA_ARRAY(arena, struct rc_stickiness_counts, rows);
    struct rc_stickiness_counts *before = RC_ARENA_ARRAY(arena, struct rc_stickiness_counts, rows);
    if (result == NULL || counts == NULL || before == NULL)
        return RC_NO_MEMORY;
    RC_TRY(count(now, now->rows.split, count_of_rows, reply->place_count, &hits, counts));
    if (now->request->compare != RC_COMPARE_NONE)
        RC_TRY(
            count(earlier, earlier->rows.split, count_of_rows, reply->place_count, &hits, before));
    for (uint32_t row = 0; row < count_of_rows; row++)
        result[row] = (struct rc_stickiness_row){.label = rc_activity_rows_label(&now->rows, row),
                                                 .counts = counts[row],
                                                 .compared = before[row]};
    reply->row_count = count_of_rows;
    reply->rows = result;
    return RC_OK;
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
    earlier.is_earlier = true;
    const struct rc_series_request compared = {.scope = request->scope,
                                               .compare = request->compare,
                                               .shift_unit = request->shift_unit,
                                               .shift_count = request->shift_count};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(rc_scope_counted(context, &request->scope, &reply.stats, &now.counted, reterr_error));
    RC_TRY(prepare(&now, &calendar, &reply.stats, reterr_error));
    RC_TRY(open_rows(&now, NULL, &calendar, &reply.stats, reterr_error));
    reply.bucket_count = now.bucket_count;
    reply.buckets = now.buckets;
    reply.place_count = now.bucket_count;
    uint64_t *hit_count = &reply.stats.matched_events;
    if (request->compare != RC_COMPARE_NONE) {
        earlier.counted = now.counted;
        RC_TRY(rc_series_compared_scope(&compared, &calendar, &earlier.scope, reterr_error));
        reply.compared_start_ms = earlier.scope.start_ms;
        reply.compared_end_ms = earlier.scope.end_ms;
        RC_TRY(prepare(&earlier, &calendar, &reply.stats, reterr_error));
        RC_TRY(open_rows(&earlier, now.rows.split, &calendar, &reply.stats, reterr_error));
        if (now.rows.split != NULL)
            RC_TRY_OR(reterr_error, match_rows(&now, &earlier));
        if (earlier.bucket_count > reply.place_count)
            reply.place_count = earlier.bucket_count;
        RC_TRY_OR(reterr_error,
                  count(&earlier, NULL, 1, reply.place_count, hit_count, &reply.compared));
    }
    RC_TRY_OR(reterr_error, count(&now, NULL, 1, reply.place_count, hit_count, &reply.counts));
    if (now.rows.split != NULL)
        RC_TRY_OR(reterr_error, fill_rows(&now, &earlier, &reply));
    *ret_reply = reply;
    return RC_OK;
}
