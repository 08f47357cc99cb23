/*
 * Series: counts of events and of different users, per bucket and for the range.
 *
 * Without a breakdown no order is needed: hits are counted as they come. A unique count keeps a bit
 * for each (person, bucket) of the block at hand, and one more for (person, range); the number of
 * persons in a block is chosen so that the bits fit the cache.
 *
 * Breakdowns are in fold_series_rows.c; this file checks the request and makes the reply.
 */
#include "engine/query/fold_series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/query/scope.h"

#define BITS_BYTES ((size_t)512 * 1024) /* Of a block's persons. */

struct lane {
    const struct rc_series_walk *walk;
    uint64_t *counts; /* [series][bucket_count + 1]; the last is the range's. */
    uint64_t *bits;   /* [slot][unique series][words]. */
};

static enum rc_status
lane_open(struct lane *lane, const struct rc_series_walk *walk, uint32_t slots)
{
    struct rc_account *account = walk->context->account;
    const size_t count = walk->request->series_count * ((size_t)walk->bucket_count + 1);
    const size_t bit_words = (size_t)slots * walk->slot_words;
    lane->walk = walk;
    lane->counts = rc_alloc_in(account, count * sizeof(*lane->counts));
    lane->bits = rc_alloc_in(account, bit_words * sizeof(*lane->bits));
    if (lane->counts == NULL || lane->bits == NULL)
        return RC_NO_MEMORY;
    memset(lane->counts, 0, count * sizeof(*lane->counts));
    return RC_OK;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    memset(lane->bits, 0, (size_t)block->slot_count * lane->walk->slot_words * sizeof(*lane->bits));
    return RC_OK;
}

/* Counts a person in place (a bucket or the range) of a series, once. */
static inline void
count_once(uint64_t *counts, uint64_t *bits, uint32_t place)
{
    const uint64_t bit = (uint64_t)1 << (place % 64);
    if ((bits[place / 64] & bit) == 0) {
        bits[place / 64] |= bit;
        counts[place]++;
    }
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    (void)block;
    struct lane *lane = state;
    const struct rc_series_walk *walk = lane->walk;
    const uint32_t range = walk->bucket_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t bucket = range == 0 ? 0 : rc_bucket_map_find(&walk->map, hits[i].time_ms);
        uint64_t *person = lane->bits + (size_t)slots[i] * walk->slot_words;
        for (uint64_t mask = hits[i].mask; mask != 0; mask &= mask - 1) {
            const uint32_t series = (uint32_t)__builtin_ctzll(mask);
            uint64_t *counts = lane->counts + (size_t)series * (range + 1);
            if (walk->request->series[series].measure == RC_MEASURE_COUNT) {
                counts[bucket] += range != 0;
                counts[range]++;
                continue;
            }
            uint64_t *bits = person + walk->bits_at[series];
            if (range != 0)
                count_once(counts, bits, bucket);
            count_once(counts, bits, range);
        }
    }
    return RC_OK;
}

/* One row from the figures of lanes, whose places are figures + lane * stride. */
enum rc_status
rc_series_add_row(const struct rc_series_walk *walk,
                  uint32_t series,
                  struct rc_row_label label,
                  const uint64_t *const *figures,
                  uint32_t lane_count,
                  struct rc_series_row *ret_row)
{
    double *values = RC_ARENA_ARRAY(walk->context->arena, double, walk->bucket_count);
    if (values == NULL)
        return RC_NO_MEMORY;
    uint64_t total = 0;
    for (uint32_t i = 0; i < lane_count; i++) {
        for (uint32_t bucket = 0; bucket < walk->bucket_count; bucket++)
            values[bucket] += (double)figures[i][bucket];
        total += figures[i][walk->bucket_count];
    }
    *ret_row = (struct rc_series_row){
        .series = series, .label = label, .values = values, .total = (double)total};
    return RC_OK;
}

struct plain {
    uint32_t lane_count;
    struct lane *lanes;
};

static void
plain_close(struct plain *plain)
{
    for (uint32_t i = 0; i < plain->lane_count; i++) {
        rc_alloc_free(plain->lanes[i].counts);
        rc_alloc_free(plain->lanes[i].bits);
    }
}

/* Where each unique series has its bits. */
static void
lay_out_bits(struct rc_series_walk *walk)
{
    const uint32_t words = (walk->bucket_count + 1 + 63) / 64;
    for (uint32_t i = 0; i < walk->request->series_count; i++) {
        walk->bits_at[i] = walk->slot_words;
        if (walk->request->series[i].measure == RC_MEASURE_UNIQUE)
            walk->slot_words += words;
    }
}

static enum rc_status
answer_plain(struct rc_series_walk *walk, struct rc_series_reply *reply)
{
    const struct rc_query_context *context = walk->context;
    const uint32_t lane_count = context->parallel_max;
    RC_CLEANUP(plain_close) struct plain plain = {0};
    lay_out_bits(walk);
    size_t slots = 1;
    if (walk->slot_words > 0) {
        slots = BITS_BYTES / (walk->slot_words * sizeof(uint64_t));
        slots = slots < 1 ? 1 : slots > UINT16_MAX ? UINT16_MAX : slots;
    }
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    const uint64_t **figures = RC_ARENA_ARRAY(context->arena, const uint64_t *, lane_count);
    plain.lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    if (lanes == NULL || figures == NULL || plain.lanes == NULL)
        return RC_NO_MEMORY;
    plain.lane_count = lane_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        lanes[i] = &plain.lanes[i];
        RC_TRY(lane_open(&plain.lanes[i], walk, (uint32_t)slots));
    }
    const struct rc_fold fold = {
        .anonymous = walk->slot_words == 0,
        .slots_max = walk->slot_words == 0 ? 0 : (uint32_t)slots,
        .lane_count = lane_count,
        .lanes = lanes,
        .begin = walk->slot_words == 0 ? NULL : fold_begin,
        .hits = fold_hits,
    };
    RC_TRY(rc_walk(walk->plan, &fold, &reply->stats.matched_events));
    const uint32_t count = walk->request->series_count;
    struct rc_series_row *rows = RC_ARENA_ARRAY(context->arena, struct rc_series_row, count);
    if (rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t series = 0; series < count; series++) {
        for (uint32_t i = 0; i < lane_count; i++)
            figures[i] = plain.lanes[i].counts + (size_t)series * (walk->bucket_count + 1);
        const struct rc_row_label label = {.kind = RC_ROW_TOTAL};
        RC_TRY(rc_series_add_row(walk, series, label, figures, lane_count, &rows[series]));
    }
    reply->row_count = count;
    reply->rows = rows;
    return RC_OK;
}

static enum rc_status
check_request(const struct rc_series_request *request, struct rc_error *reterr_error)
{
    char field[32];
    if (request->series_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "series", "at least one series is needed");
    if (request->series_count > RC_SERIES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "series",
                              "there are at most %u series, not %u", RC_SERIES_MAX,
                              request->series_count);
    for (uint32_t i = 0; i < request->series_count; i++) {
        const enum rc_measure measure = request->series[i].measure;
        snprintf(field, sizeof(field), "series[%u].measure", i);
        if (measure != RC_MEASURE_COUNT && measure != RC_MEASURE_UNIQUE)
            return rc_error_field(reterr_error, RC_INVALID, field, "the measure is unknown");
    }
    return request->breakdown == NULL
               ? RC_OK
               : rc_breakdown_check(request->breakdown, request->top_n, reterr_error);
}

/* Buckets and their map; none without a unit. */
static enum rc_status
make_buckets(struct rc_series_walk *walk,
             const struct rc_calendar *calendar,
             struct rc_series_reply *reply,
             struct rc_error *reterr_error)
{
    const struct rc_series_request *request = walk->request;
    if (request->unit == 0)
        return RC_OK;
    const struct rc_bucket_request wanted = {
        .unit = request->unit,
        .start_ms = request->scope.start_ms,
        .end_ms = request->scope.end_ms,
        .bucket_max = RC_BUCKETS_MAX,
        .field = "bucket.unit",
    };
    RC_TRY(rc_calendar_buckets(calendar, &wanted, walk->context->arena, &reply->buckets,
                               &reply->bucket_count, reterr_error));
    walk->bucket_count = reply->bucket_count;
    RC_TRY_OR(reterr_error, rc_bucket_map_make(reply->buckets, reply->bucket_count,
                                               walk->context->arena, &walk->map));
    return RC_OK;
}

static enum rc_status
make_plan(struct rc_series_walk *walk, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_series_request *request = walk->request;
    struct rc_plan_selector selectors[RC_SERIES_MAX];
    const uint64_t *persons;
    for (uint32_t i = 0; i < request->series_count; i++) {
        selectors[i] = (struct rc_plan_selector){
            .predicate = request->series[i].selector,
            .from_ms = request->scope.start_ms,
            .until_ms = rc_scope_until(&request->scope, request->scope.end_ms),
        };
        snprintf(selectors[i].field, sizeof(selectors[i].field), "series[%u].selector", i);
    }
    RC_TRY(rc_scope_persons(walk->context, &request->scope, stats, &persons, reterr_error));
    return rc_plan_new(walk->context, request->scope.as_of_ms, persons, selectors,
                       request->series_count, &walk->plan, reterr_error);
}

static void
walk_close(struct rc_series_walk *walk)
{
    walk->plan = rc_plan_free(walk->plan);
}

enum rc_status
rc_query_series(const struct rc_query_context *context,
                const struct rc_series_request *request,
                struct rc_series_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_series_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(walk_close)
    struct rc_series_walk walk = {.context = context, .request = request};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_buckets(&walk, &calendar, &reply, reterr_error));
    RC_TRY(make_plan(&walk, &reply.stats, reterr_error));
    if (request->breakdown == NULL)
        RC_TRY_OR(reterr_error, answer_plain(&walk, &reply));
    else
        RC_TRY(rc_series_answer_rows(&walk, &reply, reterr_error));
    rc_plan_add_stats(walk.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
