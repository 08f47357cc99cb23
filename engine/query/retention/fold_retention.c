/*
 * Retention: the question made ready, and its walks. Without a breakdown there is one walk. With
 * one there are two: the first finds the start events, which say what rows there are and how large,
 * so that the second counts cells of the rows that are shown alone, whatever number there is of
 * others.
 *
 * Periods: those of the range, then as many more as the last cohort's columns reach. What is later
 * is one place behind them all; where or_after needs several returns in one period they are made up
 * to the last event instead.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/plan/hints.h"
#include "engine/query/retention/retention_few.h"
#include "engine/query/retention/retention_frame.h"
#include "engine/query/retention/retention_scan.h"
#include "engine/query/scope.h"
#include "engine/query/time/view_times.h"
#include "engine/query/too_slow.h"

/* Cells of an answer: 4 bytes a lane, 24 in the reply. */
#define CELLS_MAX ((uint64_t)2 << 20)
#define PERIODS_MAX ((uint32_t)1 << 20)
#define DAY_MS ((int64_t)86400000)

static void
retention_close(struct rc_retention *retention)
{
    const size_t cells =
        (size_t)retention->row_count * retention->cohort_count * retention->column_count;
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        struct rc_retention_lane *lane = &retention->lanes[i];
        for (size_t cell = 0; lane->sums != NULL && cell < cells; cell++)
            rc_exact_sum_close(&lane->sums[cell]);
        rc_alloc_free(lane->sizes);
        rc_alloc_free(lane->cells);
        rc_alloc_free(lane->sums);
        rc_alloc_free(lane->items);
        rc_alloc_free(lane->starts);
        rc_alloc_free(lane->returns);
        rc_alloc_free(lane->hits);
        rc_alloc_free(lane->stamps);
        rc_alloc_free(lane->rows);
        rc_split_list_close(&lane->start_rows);
        rc_split_list_close(&lane->return_rows);
    }
    rc_split_free(retention->split);
    rc_numbers_free(retention->numbers);
    retention->plan = rc_plan_free(retention->plan);
}

/* ---- The request ----------------------------------------------------------------------------- */

static enum rc_status
check_columns(const struct rc_retention_request *request, struct rc_error *reterr_error)
{
    if (request->period_count > RC_COHORTS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "last_period",
                              "there are at most %u columns", RC_COHORTS_MAX);
    if (request->bracket_count > 0 && request->period_count > 0)
        return rc_error_field(reterr_error, RC_INVALID, "last_period",
                              "brackets say which columns there are");
    if (request->bracket_count > RC_RETENTION_BRACKETS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "brackets",
                              "there are at most %u brackets", RC_RETENTION_BRACKETS_MAX);
    for (uint32_t i = 0; i < request->bracket_count; i++) {
        const struct rc_retention_bracket *bracket = &request->brackets[i];
        enum rc_status status = RC_OK;
        if (bracket->last < bracket->first)
            status = rc_error_field(reterr_error, RC_INVALID, "last",
                                    "the bracket's last period is before its first");
        else if (bracket->last >= RC_COHORTS_MAX)
            status = rc_error_field(reterr_error, RC_INVALID, "last",
                                    "the last period must be below %u", RC_COHORTS_MAX);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "brackets[%u]", i);
        RC_TRY(status);
    }
    return RC_OK;
}

static enum rc_status
check_request(const struct rc_retention_request *request, struct rc_error *reterr_error)
{
    if (request->cohort < RC_COHORT_RECURRING || request->cohort > RC_COHORT_FIRST_IN_RANGE)
        return rc_error_field(reterr_error, RC_INVALID, "cohorts", "the kind of cohort is unknown");
    if (request->rolling && request->unit != RC_UNIT_DAY && request->unit != RC_UNIT_WEEK &&
        request->unit != RC_UNIT_MONTH)
        return rc_error_field(reterr_error, RC_INVALID, "period.unit",
                              "rolling periods are days, weeks or months");
    RC_TRY(check_columns(request, reterr_error));
    if (request->same_value && request->breakdown == NULL)
        return rc_error_field(reterr_error, RC_INVALID, "same_value_on_return",
                              "there is no breakdown whose value a return could have");
    if (request->breakdown != NULL)
        RC_TRY(rc_split_check(request->breakdown, request->dimension_count, request->top_n,
                              reterr_error));
    if (request->aggregate != RC_RETENTION_NO_VALUE && request->property.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "value.event_property",
                              "the name of the property is missing");
    return RC_OK;
}

/* ---- Columns and periods --------------------------------------------------------------------- */

static enum rc_status
make_columns(struct rc_retention *retention, uint32_t cohort_count, struct rc_error *reterr_error)
{
    const struct rc_retention_request *request = retention->request;
    const uint64_t rows = request->breakdown == NULL ? 1
                          : request->top_n == RC_TOP_NONE
                              ? 2
                              : (request->top_n == 0 ? 9 : request->top_n) + 2;
    retention->cohort_count = cohort_count;
    retention->column_count = request->bracket_count > 0  ? request->bracket_count
                              : request->period_count > 0 ? request->period_count
                                                          : cohort_count;
    const uint64_t cells = rows * cohort_count * retention->column_count;
    if (cells > CELLS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "last_period",
                              "rows, cohorts and columns make %llu cells, more than %llu",
                              (unsigned long long)cells, (unsigned long long)CELLS_MAX);
    struct rc_retention_bracket *columns = RC_ARENA_ARRAY(
        retention->context->arena, struct rc_retention_bracket, retention->column_count);
    if (columns == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the columns");
    for (uint32_t i = 0; i < retention->column_count; i++) {
        columns[i] = request->bracket_count > 0
                         ? request->brackets[i]
                         : (struct rc_retention_bracket){.first = i, .last = i};
        retention->last = columns[i].last > retention->last ? columns[i].last : retention->last;
    }
    retention->columns = columns;
    retention->plain_columns = request->bracket_count == 0;
    return RC_OK;
}

/* The end of what is read as a return. */
static int64_t
returns_until(const struct rc_retention_request *request)
{
    return rc_scope_until(&request->scope, request->in_range ? request->scope.end_ms : INT64_MAX);
}

/* The periods of the range, and from them everything whose size they say. */
static enum rc_status
make_periods(struct rc_retention *retention,
             struct rc_retention_reply *reply,
             struct rc_error *reterr_error)
{
    static const int64_t rolling_ms[] = {
        [RC_UNIT_DAY] = DAY_MS, [RC_UNIT_WEEK] = 7 * DAY_MS, [RC_UNIT_MONTH] = 30 * DAY_MS};
    const struct rc_retention_request *request = retention->request;
    struct rc_arena *arena = retention->context->arena;
    struct rc_bucket_request wanted = {
        .unit = request->unit,
        .multiple = request->unit_count,
        .start_ms = request->scope.start_ms,
        .end_ms = request->scope.end_ms,
        .bucket_max = RC_COHORTS_MAX,
        .field = "period.unit",
    };
    int64_t least_ms;
    int64_t most_ms;
    RC_TRY(rc_calendar_buckets(&retention->calendar, &wanted, arena, &reply->periods,
                               &reply->cohort_count, reterr_error));
    RC_TRY(make_columns(retention, reply->cohort_count, reterr_error));
    const int64_t unit_count = request->unit_count == 0 ? 1 : request->unit_count;
    retention->rolling_ms = request->rolling ? unit_count * rolling_ms[request->unit] : 0;
    wanted.extra = request->rolling ? 0 : retention->last;
    if (request->on_or_after && !request->rolling && retention->occurrences_min > 1 &&
        rc_view_times(retention->context->view, &least_ms, &most_ms)) {
        const int64_t until_ms = returns_until(request);
        most_ms = most_ms < until_ms ? most_ms + 1 : until_ms;
        wanted.end_ms = most_ms > wanted.end_ms ? most_ms : wanted.end_ms;
        wanted.bucket_max = PERIODS_MAX;
        wanted.field = "min_occurrences";
    }
    RC_TRY(rc_calendar_buckets(&retention->calendar, &wanted, arena, &retention->periods,
                               &retention->period_count, reterr_error));
    retention->periods_end_ms = retention->periods[retention->period_count - 1].end_ms;
    RC_TRY_OR(reterr_error, rc_bucket_map_make(retention->periods, retention->period_count, arena,
                                               &retention->map));
    return RC_OK;
}

static enum rc_status
make_plan(struct rc_retention *retention,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    const struct rc_retention_request *request = retention->request;
    const struct rc_scope *scope = &request->scope;
    const struct rc_query_hints *hints = retention->context->hints;
    bool one = request->back == request->start;
    struct rc_counted counted;
    struct rc_plan_selector selectors[2] = {
        {.predicate = request->start,
         .field = "start_event",
         .from_ms = request->cohort == RC_COHORT_FIRST_TIME ? INT64_MIN : scope->start_ms,
         .until_ms = rc_scope_until(scope, scope->end_ms)},
        {.predicate = request->back,
         .field = "return_event",
         .from_ms = scope->start_ms,
         .until_ms = returns_until(request)},
    };
    /* A hint may name one of two that are equal. */
    if (!one && (hints == NULL || hints->access_count == 0))
        RC_TRY_OR(reterr_error, rc_predicate_same(request->start, request->back,
                                                  retention->context->arena, &one));
    retention->same_event = one;
    retention->starts_end_ms = selectors[0].until_ms;
    retention->start_bit = 1;
    retention->return_bit = one ? 1 : 2;
    if (one)
        selectors[0].until_ms = selectors[1].until_ms;
    RC_TRY(rc_scope_counted(retention->context, scope, stats, &counted, reterr_error));
    RC_TRY(rc_plan_counted(retention->context, scope->as_of_ms, &counted, selectors, one ? 1 : 2,
                           &retention->plan, reterr_error));
    if (request->aggregate == RC_RETENTION_NO_VALUE)
        return RC_OK;
    const enum rc_status status =
        rc_numbers_new(retention->plan, request->property, &retention->numbers);
    if (status != RC_OK)
        rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
    return rc_too_slow_at(reterr_error, status, "value.event_property");
}

/* ---- Walks ----------------------------------------------------------------------------------- */

static void *
zeroed(struct rc_account *account, size_t count, size_t bytes)
{
    void *block = rc_alloc_in(account, (count + 1) * bytes);
    if (block != NULL)
        memset(block, 0, (count + 1) * bytes);
    return block;
}

static enum rc_status
open_lanes(struct rc_retention *retention)
{
    const struct rc_query_context *context = retention->context;
    struct rc_account *account = context->account;
    retention->lanes =
        RC_ARENA_ARRAY(context->arena, struct rc_retention_lane, context->parallel_max);
    retention->states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (retention->lanes == NULL || retention->states == NULL)
        return RC_NO_MEMORY;
    retention->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        struct rc_retention_lane *lane = &retention->lanes[i];
        retention->states[i] = lane;
        lane->retention = retention;
        lane->start_rows.account = account;
        lane->return_rows.account = account;
        lane->starts = zeroed(account, retention->cohort_count, sizeof(*lane->starts));
        lane->stamps = zeroed(account, retention->column_count, sizeof(*lane->stamps));
        if (lane->starts == NULL || lane->stamps == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

static enum rc_status
open_cells(struct rc_retention *retention)
{
    struct rc_account *account = retention->context->account;
    const size_t cohorts = (size_t)retention->row_count * retention->cohort_count;
    const size_t cells = cohorts * retention->column_count;
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        struct rc_retention_lane *lane = &retention->lanes[i];
        lane->sizes = zeroed(account, cohorts, sizeof(*lane->sizes));
        lane->cells = zeroed(account, cells, sizeof(*lane->cells));
        if (retention->request->aggregate != RC_RETENTION_NO_VALUE)
            lane->sums = zeroed(account, cells, sizeof(*lane->sums));
        if (lane->sizes == NULL || lane->cells == NULL ||
            (retention->request->aggregate != RC_RETENTION_NO_VALUE && lane->sums == NULL))
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

static enum rc_status
walk(const struct rc_retention *retention,
     enum rc_status (
         *person)(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count),
     uint64_t *hit_count)
{
    const struct rc_fold fold = {
        .purpose = "cohorts and returns",
        .ordered = true,
        .required = retention->start_bit,
        .lane_count = retention->lane_count,
        .lanes = retention->states,
        .person = person,
    };
    return rc_walk(retention->plan, &fold, hit_count);
}

static enum rc_status
count_cells(const struct rc_retention *retention, struct rc_query_stats *stats)
{
    bool done;
    RC_TRY(rc_retention_scan(retention, &stats->matched_events, &done));
    if (!done)
        RC_TRY(rc_retention_few(retention, &stats->matched_events, &done));
    return done ? RC_OK : walk(retention, rc_retention_person, &stats->matched_events);
}

/* Ranks the rows of the split by how many starts are in each. */
static enum rc_status
rank_rows(struct rc_retention *retention)
{
    struct rc_arena *arena = retention->context->arena;
    const uint32_t count = rc_split_count(retention->split);
    double *figures = RC_ARENA_ARRAY(arena, double, count);
    uint8_t *present = RC_ARENA_ARRAY(arena, uint8_t, count);
    if (figures == NULL || present == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        struct rc_retention_lane *lane = &retention->lanes[i];
        for (uint32_t at = 0; at < lane->item_count; at++) {
            const uint32_t *rows;
            uint32_t row_count;
            RC_TRY(rc_split_rows(retention->split, lane->items[at].person, &lane->items[at].hit,
                                 &lane->start_rows, &rows, &row_count));
            for (uint32_t r = 0; r < row_count; r++) {
                figures[rows[r]]++;
                present[rows[r]] = 1;
            }
        }
    }
    RC_TRY(rc_series_rank(retention->split, figures, present, retention->request->top_n, arena,
                          &retention->ranking));
    retention->row_count = retention->ranking.row_count + retention->ranking.has_other + 1;
    return RC_OK;
}

/* Finds the rows of a breakdown. */
static enum rc_status
make_rows(struct rc_retention *retention,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    const struct rc_retention_request *request = retention->request;
    retention->row_count = 1;
    if (request->breakdown == NULL)
        return RC_OK;
    RC_TRY_OR(reterr_error, walk(retention, rc_retention_person_starts, &stats->matched_events));
    struct rc_split_items *lists =
        RC_ARENA_ARRAY(retention->context->arena, struct rc_split_items, retention->lane_count);
    if (lists == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the rows");
    for (uint32_t i = 0; i < retention->lane_count; i++)
        lists[i] = (struct rc_split_items){.count = retention->lanes[i].item_count,
                                           .items = retention->lanes[i].items};
    const struct rc_split_request split = {
        .plan = retention->plan,
        .dimensions = request->breakdown,
        .dimension_count = request->dimension_count,
        .scope = &request->scope,
        .calendar = &retention->calendar,
        .mask = retention->start_bit,
        .between = request->same_value,
        .list_count = retention->lane_count,
        .lists = lists,
        .stats = stats,
    };
    RC_TRY(rc_split_new(&split, &retention->split, reterr_error));
    RC_TRY_OR(reterr_error, rank_rows(retention));
    return RC_OK;
}

enum rc_status
rc_query_retention(const struct rc_query_context *context,
                   const struct rc_retention_request *request,
                   struct rc_retention_reply *ret_reply,
                   struct rc_error *reterr_error)
{
    struct rc_retention_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(retention_close)
    struct rc_retention retention = {
        .context = context,
        .request = request,
        .occurrences_min = request->occurrences_min == 0 ? 1 : request->occurrences_min,
        .by_hits =
            request->rolling || request->same_value || request->aggregate != RC_RETENTION_NO_VALUE,
    };
    RC_TRY(rc_scope_check(&request->scope, &retention.calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_periods(&retention, &reply, reterr_error));
    RC_TRY(make_plan(&retention, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, open_lanes(&retention));
    RC_TRY(make_rows(&retention, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, open_cells(&retention));
    RC_TRY_OR(reterr_error, count_cells(&retention, &reply.stats));
    RC_TRY_OR(reterr_error, rc_retention_fill_reply(&retention, &reply));
    rc_plan_add_stats(retention.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
