/*
 * Series frame. Each distinct pair of a selector and its time is one selector of the plan: the
 * mean, the median and a percentile of one thing read its rows once.
 */
#include "engine/query/series/series_frame.h"

#include <stdio.h>
#include <string.h>

#include "engine/query/scope.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/series/series_windows.h"
#include "engine/query/too_slow.h"

void
rc_series_frame_close(struct rc_series_frame *frame)
{
    for (uint32_t i = 0; i < RC_SERIES_MAX; i++) {
        if (frame->owns_numbers[i])
            rc_numbers_free(frame->numbers[i]);
        if (frame->owns_values[i])
            rc_groups_free(frame->values[i]);
    }
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        frame->splits[side] = rc_split_free(frame->splits[side]);
    frame->plan = rc_plan_free(frame->plan);
}

/* Buckets and their map; none without a unit, or of an earlier time that is empty. */
static enum rc_status
make_buckets(struct rc_series_frame *frame, struct rc_error *reterr_error)
{
    if (frame->request->unit == 0 || frame->scope.start_ms == frame->scope.end_ms)
        return RC_OK;
    const struct rc_bucket_request wanted = {
        .unit = frame->request->unit,
        .multiple = frame->request->unit_count,
        .start_ms = frame->scope.start_ms,
        .end_ms = frame->scope.end_ms,
        .bucket_max = RC_BUCKETS_MAX,
        .field = "bucket.unit",
    };
    RC_TRY(rc_calendar_buckets(frame->calendar, &wanted, frame->context->arena, &frame->buckets,
                               &frame->bucket_count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(frame->buckets, frame->bucket_count,
                                               frame->context->arena, &frame->map));
    return RC_OK;
}

/* Where a series begins to read: rolling users look back before the range. */
static int64_t
from_ms_of(const struct rc_series_frame *frame, const struct rc_series *series)
{
    if (series->measure != RC_MEASURE_ROLLING)
        return frame->scope.start_ms;
    int64_t end_ms = frame->scope.end_ms;
    if (frame->bucket_count > 0 && frame->buckets[0].end_ms < end_ms)
        end_ms = frame->buckets[0].end_ms;
    return end_ms - series->rolling_days * RC_ROLLING_DAY_MS;
}

/* Lists the plan's selectors; series that read the same share one. */
static enum rc_status
list_selectors(struct rc_series_frame *frame,
               struct rc_plan_selector *selectors,
               uint32_t *ret_count)
{
    const struct rc_series_request *request = frame->request;
    uint32_t count = 0;
    for (uint32_t i = 0; i < request->series_count; i++) {
        const int64_t from_ms = from_ms_of(frame, &request->series[i]);
        bool same = false;
        for (uint32_t s = 0; s < count && !same; s++) {
            if (selectors[s].from_ms == from_ms)
                RC_TRY(rc_predicate_same(selectors[s].predicate, request->series[i].selector,
                                         frame->context->arena, &same));
            frame->bit_of[i] = s;
        }
        if (same)
            continue;
        selectors[count] = (struct rc_plan_selector){
            .predicate = request->series[i].selector,
            .from_ms = from_ms,
            .until_ms = rc_scope_until(&frame->scope, frame->scope.end_ms),
        };
        if (request->series[i].field != NULL)
            snprintf(selectors[count].field, sizeof(selectors[count].field), "%s",
                     request->series[i].field);
        else
            rc_error_item(selectors[count].field, sizeof(selectors[count].field), "series", i,
                          "selector");
        frame->bit_of[i] = count++;
    }
    *ret_count = count;
    return RC_OK;
}

static enum rc_status
make_plan(struct rc_series_frame *frame, struct rc_error *reterr_error)
{
    static const struct rc_predicate any_event = {.kind = RC_PREDICATE_TRUE};
    const struct rc_series_request *request = frame->request;
    struct rc_plan_selector selectors[RC_SERIES_MAX + 1];
    struct rc_counted counted;
    uint32_t count = 0;
    bool sessions = false;
    RC_TRY_OR(reterr_error, list_selectors(frame, selectors, &count));
    for (uint32_t i = 0; i < request->series_count; i++)
        sessions = sessions || request->series[i].measure == RC_MEASURE_SESSIONS;
    if (sessions) {
        /* A session is made of all events of a user, those before the range too. */
        frame->any_bit = (uint64_t)1 << count;
        selectors[count++] = (struct rc_plan_selector){
            .predicate = &any_event,
            .field = "series",
            .from_ms = INT64_MIN,
            .until_ms = rc_scope_until(&frame->scope, frame->scope.end_ms),
        };
    }
    RC_TRY(rc_scope_counted(frame->context, &request->scope, frame->stats, &counted, reterr_error));
    return rc_plan_counted(frame->context, request->scope.as_of_ms, &counted, selectors, count,
                           &frame->plan, reterr_error);
}

static enum rc_status
place_too_slow(const struct rc_series *series,
               uint32_t index,
               enum rc_status status,
               struct rc_error *reterr_error)
{
    return rc_too_slow_at(reterr_error, status, "series[%u].%s", index,
                          series->account_key.size > 0 ? "account_property" : "property");
}

/* The numbers and values of the properties that are measured. */
static enum rc_status
read_properties(struct rc_series_frame *frame, struct rc_error *reterr_error)
{
    const struct rc_series *series = frame->request->series;
    for (uint32_t i = 0; i < frame->request->series_count; i++) {
        const bool numeric = rc_measure_is_numeric(series[i].measure);
        if (!numeric && series[i].measure != RC_MEASURE_DISTINCT)
            continue;
        for (uint32_t before = 0; before < i; before++) {
            if (!rc_bytes_equal(series[before].property, series[i].property) ||
                !rc_bytes_equal(series[before].account_key, series[i].account_key))
                continue;
            if (numeric && frame->numbers[before] != NULL)
                frame->numbers[i] = frame->numbers[before];
            if (!numeric && frame->values[before] != NULL)
                frame->values[i] = frame->values[before];
        }
        if (numeric && frame->numbers[i] == NULL) {
            frame->owns_numbers[i] = true;
            const enum rc_status status =
                rc_numbers_new_of_accounts(frame->plan, series[i].account_key, series[i].property,
                                           frame->scope.as_of_ms, &frame->numbers[i]);
            if (status != RC_OK)
                rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
            RC_TRY(place_too_slow(&series[i], i, status, reterr_error));
        }
        if (!numeric && frame->values[i] == NULL) {
            const bool of_account = series[i].account_key.size > 0;
            const struct rc_breakdown breakdown = {.scope =
                                                       of_account ? RC_LEAF_ACCOUNT : RC_LEAF_EVENT,
                                                   .property = series[i].property,
                                                   .account_key = series[i].account_key};
            frame->owns_values[i] = true;
            const enum rc_status status = rc_groups_new(
                frame->plan, &breakdown, frame->scope.as_of_ms, &frame->values[i], reterr_error);
            RC_TRY(place_too_slow(&series[i], i, status, reterr_error));
        }
    }
    return RC_OK;
}

/* Whether rows of the split are only added up: plain counts, of which the greatest are shown. */
static bool
adds_up(const struct rc_series_request *request)
{
    bool counts = request->formula_count == 0 && request->columns == NULL &&
                  request->compare == RC_COMPARE_NONE;
    for (uint32_t i = 0; i < request->series_count; i++)
        counts = counts && request->series[i].measure == RC_MEASURE_COUNT;
    return counts;
}

static enum rc_status
make_split(struct rc_series_frame *frame,
           enum rc_series_side side,
           const struct rc_breakdown *dimensions,
           uint32_t dimension_count,
           const struct rc_series_frame *bins_of,
           struct rc_error *reterr_error)
{
    const struct rc_series_request *request = frame->request;
    bool rolling = false;
    if (dimensions == NULL)
        return RC_OK;
    for (uint32_t i = 0; i < request->series_count; i++)
        rolling = rolling || request->series[i].measure == RC_MEASURE_ROLLING;
    const struct rc_split_request split = {
        .plan = frame->plan,
        .dimensions = dimensions,
        .dimension_count = dimension_count,
        .scope = &frame->scope,
        .calendar = frame->calendar,
        .mask = ~frame->any_bit,
        .reads = rolling ? rc_series_reads : NULL,
        .reader = frame,
        .bins_of = bins_of == NULL ? NULL : bins_of->splits[side],
        .stats = frame->stats,
        .may_part = rc_series_short_ways && !frame->whole && adds_up(request),
    };
    return rc_split_new(&split, &frame->splits[side], reterr_error);
}

static enum rc_status
make_rows(struct rc_series_frame *frame,
          const struct rc_series_frame *bins_of,
          struct rc_error *reterr_error)
{
    const struct rc_series_request *request = frame->request;
    return make_split(frame, RC_SERIES_ROWS, request->breakdown,
                      request->dimension_count == 0 ? 1 : request->dimension_count, bins_of,
                      reterr_error);
}

enum rc_status
rc_series_frame_merge(struct rc_series_frame *frame)
{
    frame->whole = true;
    frame->splits[RC_SERIES_ROWS] = rc_split_free(frame->splits[RC_SERIES_ROWS]);
    return make_rows(frame, NULL, NULL);
}

enum rc_status
rc_series_frame_open(struct rc_series_frame *frame,
                     const struct rc_query_context *context,
                     const struct rc_series_request *request,
                     const struct rc_calendar *calendar,
                     const struct rc_scope *scope,
                     const struct rc_series_frame *bins_of,
                     struct rc_query_stats *stats,
                     struct rc_error *reterr_error)
{
    frame->context = context;
    frame->request = request;
    frame->calendar = calendar;
    frame->scope = *scope;
    frame->stats = stats;
    RC_TRY(make_buckets(frame, reterr_error));
    RC_TRY(make_plan(frame, reterr_error));
    RC_TRY(read_properties(frame, reterr_error));
    RC_TRY(make_rows(frame, bins_of, reterr_error));
    const enum rc_status status =
        make_split(frame, RC_SERIES_COLUMNS, request->columns, request->column_dimension_count,
                   bins_of, reterr_error);
    return rc_error_rename(reterr_error, status, "breakdown", "columns");
}
