/*
 * Retention. One pass over a person's hits gives two short lists: the periods with a start event
 * (with whether cell 0 is filled) and the periods with a return; cells are the pairs of them.
 *
 * Cell 0 wants a return other than the start event, not earlier in time, in the same period. Seen
 * in total order: any return behind the start event in its period, or one before it at the very
 * same time.
 *
 * on_or_after: a person fills cells 1 .. m where m is the distance to the last period with a
 * return, so only the two ends are noted (as differences) and summed up in the reply.
 *
 * Periods: those of the range, then as many more as the last cohort's cells reach. What is later is
 * one place behind them all.
 */
#include <string.h>

#include "engine/query/calendar.h"
#include "engine/query/plan.h"
#include "engine/query/query.h"
#include "engine/query/scope.h"
#include "engine/query/walk.h"

/* Cells of an answer: 4 bytes a lane, 16 in the reply. */
#define CELLS_MAX ((uint64_t)2 << 20)

#define BIT_START ((uint64_t)1)
#define BIT_RETURN ((uint64_t)2)

struct retention {
    const struct rc_query_context *context;
    const struct rc_retention_request *request;
    struct rc_plan *plan;
    const struct rc_bucket *periods; /* Of the range, then the ones behind. */
    uint32_t period_count;
    uint32_t cohort_count;
    int64_t periods_end_ms;
    struct rc_bucket_map map;
    uint32_t lane_count;
    struct lane *lanes;
};

struct start {
    uint32_t period;
    uint32_t hit;
    int64_t time_ms;
    bool returned; /* Cell 0. */
};

struct lane {
    const struct retention *retention;
    uint32_t *sizes;   /* Per cohort. */
    uint32_t *cells;   /* [cohort][request->period_count]. */
    int32_t *or_after; /* The same: differences of cells 1 and on. */
    /* One person's. */
    struct start *starts;
    uint32_t start_count;
    uint32_t *returns; /* Periods, ascending; period_count: later than all. */
    uint32_t return_count;
};

static void
note_start(struct lane *lane, uint32_t period, const struct rc_hit *hits, uint32_t hit)
{
    const bool once = lane->retention->request->cohort != RC_COHORT_RECURRING;
    if (lane->start_count > 0 && (once || lane->starts[lane->start_count - 1].period == period))
        return;
    bool returned = false;
    for (uint32_t i = hit; i > 0 && hits[i - 1].time_ms == hits[hit].time_ms && !returned; i--)
        returned = (hits[i - 1].mask & BIT_RETURN) != 0;
    lane->starts[lane->start_count++] = (struct start){
        .period = period, .hit = hit, .time_ms = hits[hit].time_ms, .returned = returned};
}

static void
note_return(struct lane *lane, uint32_t period, uint32_t hit)
{
    if (lane->return_count == 0 || lane->returns[lane->return_count - 1] != period)
        lane->returns[lane->return_count++] = period;
    struct start *last = lane->start_count == 0 ? NULL : &lane->starts[lane->start_count - 1];
    if (last != NULL && last->period == period && last->hit != hit)
        last->returned = true;
}

/* Adds the pairs of starts and returns. */
static void
fill_cells(struct lane *lane)
{
    const struct retention *retention = lane->retention;
    const uint32_t width = retention->request->period_count;
    const uint32_t last = lane->return_count == 0 ? 0 : lane->returns[lane->return_count - 1];
    uint32_t behind = 0; /* First return period after the start's. */
    for (uint32_t i = 0; i < lane->start_count; i++) {
        const struct start *start = &lane->starts[i];
        const size_t row = (size_t)start->period * width;
        lane->sizes[start->period]++;
        while (behind < lane->return_count && lane->returns[behind] <= start->period)
            behind++;
        const bool later = behind < lane->return_count;
        if (start->returned || (retention->request->on_or_after && later))
            lane->cells[row]++;
        if (!later || width == 1)
            continue;
        if (retention->request->on_or_after) {
            const uint32_t distance = last - start->period;
            lane->or_after[row + 1]++;
            if (distance + 1 < width)
                lane->or_after[row + distance + 1]--;
            continue;
        }
        for (uint32_t r = behind; r < lane->return_count; r++) {
            const uint32_t distance = lane->returns[r] - start->period;
            if (distance >= width || lane->returns[r] == retention->period_count)
                break;
            lane->cells[row + distance]++;
        }
    }
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    (void)person;
    struct lane *lane = state;
    const struct retention *retention = lane->retention;
    const int64_t start_ms = retention->request->scope.start_ms;
    lane->start_count = 0;
    lane->return_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        /* Only first_time reads starts before the range: such a person has no cohort. */
        if (time_ms < start_ms && (hits[i].mask & BIT_START) != 0)
            return RC_OK;
        if (time_ms < start_ms)
            continue;
        const uint32_t period = time_ms < retention->periods_end_ms
                                    ? rc_bucket_map_find(&retention->map, time_ms)
                                    : retention->period_count;
        if ((hits[i].mask & BIT_START) != 0)
            note_start(lane, period, hits, i);
        if ((hits[i].mask & BIT_RETURN) != 0)
            note_return(lane, period, i);
    }
    fill_cells(lane);
    return RC_OK;
}

static void
retention_close(struct retention *retention)
{
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        struct lane *lane = &retention->lanes[i];
        rc_alloc_free(lane->sizes);
        rc_alloc_free(lane->cells);
        rc_alloc_free(lane->or_after);
        rc_alloc_free(lane->starts);
        rc_alloc_free(lane->returns);
    }
    retention->plan = rc_plan_free(retention->plan);
}

static void *
zeroed(struct rc_account *account, size_t count, size_t bytes)
{
    void *block = rc_alloc_in(account, count * bytes);
    if (block != NULL)
        memset(block, 0, count * bytes);
    return block;
}

static enum rc_status
lane_open(struct lane *lane, const struct retention *retention)
{
    struct rc_account *account = retention->context->account;
    const size_t cohorts = retention->cohort_count;
    const size_t cells = cohorts * retention->request->period_count;
    lane->retention = retention;
    lane->sizes = zeroed(account, cohorts, sizeof(*lane->sizes));
    lane->cells = zeroed(account, cells, sizeof(*lane->cells));
    lane->or_after = zeroed(account, cells, sizeof(*lane->or_after));
    lane->starts = zeroed(account, cohorts, sizeof(*lane->starts));
    lane->returns = zeroed(account, (size_t)retention->period_count + 1, sizeof(*lane->returns));
    const bool complete = lane->sizes != NULL && lane->cells != NULL && lane->or_after != NULL &&
                          lane->starts != NULL && lane->returns != NULL;
    return complete ? RC_OK : RC_NO_MEMORY;
}

static enum rc_status
check_request(const struct rc_retention_request *request, struct rc_error *reterr_error)
{
    if (request->cohort < RC_COHORT_RECURRING || request->cohort > RC_COHORT_FIRST_IN_RANGE)
        return rc_error_field(reterr_error, RC_INVALID, "cohorts", "the kind of cohort is unknown");
    if (request->period_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "last_period",
                              "at least one column is needed");
    if (request->period_count > RC_COHORTS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "last_period",
                              "there are at most %u columns", RC_COHORTS_MAX);
    return RC_OK;
}

static enum rc_status
make_periods(struct retention *retention,
             const struct rc_calendar *calendar,
             struct rc_error *reterr_error)
{
    const struct rc_retention_request *request = retention->request;
    struct rc_arena *arena = retention->context->arena;
    const struct rc_bucket_request wanted = {
        .unit = request->unit,
        .start_ms = request->scope.start_ms,
        .end_ms = request->scope.end_ms,
        .extra = request->period_count - 1,
        .bucket_max = RC_COHORTS_MAX,
        .field = "period.unit",
    };
    RC_TRY(rc_calendar_buckets(calendar, &wanted, arena, &retention->periods,
                               &retention->period_count, reterr_error));
    retention->cohort_count = retention->period_count - wanted.extra;
    retention->periods_end_ms = retention->periods[retention->period_count - 1].end_ms;
    const uint64_t cells = (uint64_t)retention->cohort_count * request->period_count;
    if (cells > CELLS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "last_period",
                              "cohorts and columns make %llu cells, more than %llu",
                              (unsigned long long)cells, (unsigned long long)CELLS_MAX);
    RC_TRY_OR(reterr_error, rc_bucket_map_make(retention->periods, retention->period_count, arena,
                                               &retention->map));
    return RC_OK;
}

static enum rc_status
make_plan(struct retention *retention, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_retention_request *request = retention->request;
    const struct rc_scope *scope = &request->scope;
    struct rc_counted counted;
    const struct rc_plan_selector selectors[2] = {
        {.predicate = request->start,
         .field = "start_event",
         .from_ms = request->cohort == RC_COHORT_FIRST_TIME ? INT64_MIN : scope->start_ms,
         .until_ms = rc_scope_until(scope, scope->end_ms)},
        {.predicate = request->back,
         .field = "return_event",
         .from_ms = scope->start_ms,
         .until_ms = rc_scope_until(scope, INT64_MAX)},
    };
    RC_TRY(rc_scope_counted(retention->context, scope, stats, &counted, reterr_error));
    return rc_plan_counted(retention->context, scope->as_of_ms, &counted, selectors, 2,
                           &retention->plan, reterr_error);
}

static enum rc_status
run_lanes(struct retention *retention, uint64_t *hit_count)
{
    const struct rc_query_context *context = retention->context;
    retention->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (retention->lanes == NULL || lanes == NULL)
        return RC_NO_MEMORY;
    retention->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < retention->lane_count; i++) {
        lanes[i] = &retention->lanes[i];
        RC_TRY(lane_open(&retention->lanes[i], retention));
    }
    const struct rc_fold fold = {
        .ordered = true,
        .required = BIT_START,
        .lane_count = retention->lane_count,
        .lanes = lanes,
        .person = fold_person,
    };
    return rc_walk(retention->plan, &fold, hit_count);
}

/* The cells of one cohort; adds to the summary. */
static void
fill_cohort(const struct retention *retention,
            uint32_t cohort,
            struct rc_retention_cohort *result,
            struct rc_retention_cell *cells,
            struct rc_retention_summary *summary)
{
    const uint32_t width = retention->request->period_count;
    const int64_t as_of_ms = retention->request->scope.as_of_ms;
    result->period = retention->periods[cohort];
    for (uint32_t i = 0; i < retention->lane_count; i++)
        result->users += retention->lanes[i].sizes[cohort];
    int64_t or_after = 0;
    for (uint32_t n = 0; n < width; n++) {
        const struct rc_bucket *period = &retention->periods[cohort + n];
        /* Nobody enters before the range, so no return of cell 0 is earlier either. */
        const int64_t range_ms = retention->request->scope.start_ms;
        const int64_t begin_ms =
            n == 0 && range_ms > period->start_ms ? range_ms : period->start_ms;
        uint64_t users = 0;
        for (uint32_t i = 0; i < retention->lane_count; i++) {
            users += retention->lanes[i].cells[(size_t)cohort * width + n];
            or_after += retention->lanes[i].or_after[(size_t)cohort * width + n];
        }
        users += (uint64_t)or_after;
        cells[n].state = as_of_ms >= period->end_ms ? RC_CELL_ELAPSED
                         : as_of_ms >= begin_ms     ? RC_CELL_BEGUN
                                                    : RC_CELL_NOT_BEGUN;
        cells[n].users = cells[n].state == RC_CELL_NOT_BEGUN ? 0 : users;
        if (cells[n].state == RC_CELL_ELAPSED) {
            summary[n].users += users;
            summary[n].cohort_users += result->users;
        }
    }
    result->cells = cells;
}

static enum rc_status
fill_reply(const struct retention *retention, struct rc_retention_reply *reply)
{
    struct rc_arena *arena = retention->context->arena;
    const uint32_t width = retention->request->period_count;
    struct rc_retention_cohort *cohorts =
        RC_ARENA_ARRAY(arena, struct rc_retention_cohort, retention->cohort_count);
    struct rc_retention_cell *cells =
        RC_ARENA_ARRAY(arena, struct rc_retention_cell, (size_t)retention->cohort_count * width);
    struct rc_retention_summary *summary =
        RC_ARENA_ARRAY(arena, struct rc_retention_summary, width);
    if (cohorts == NULL || cells == NULL || summary == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < retention->cohort_count; i++)
        fill_cohort(retention, i, &cohorts[i], cells + (size_t)i * width, summary);
    reply->period_count = width;
    reply->cohort_count = retention->cohort_count;
    reply->cohorts = cohorts;
    reply->summary = summary;
    return RC_OK;
}

enum rc_status
rc_query_retention(const struct rc_query_context *context,
                   const struct rc_retention_request *request,
                   struct rc_retention_reply *ret_reply,
                   struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_retention_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(retention_close)
    struct retention retention = {.context = context, .request = request};
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_periods(&retention, &calendar, reterr_error));
    RC_TRY(make_plan(&retention, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, run_lanes(&retention, &reply.stats.matched_events));
    RC_TRY_OR(reterr_error, fill_reply(&retention, &reply));
    rc_plan_add_stats(retention.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
