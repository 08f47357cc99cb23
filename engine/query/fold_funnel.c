/*
 * Funnel. Each lane keeps a record of every user's chosen attempt: its depth, the value it is
 * broken down by, and the time of each step since the first. The reply is made of the records at
 * the end: they are dealt to the rows they belong to, and each row is counted on its own. So Other
 * holds each user once, and medians are exact.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/query/durations.h"
#include "engine/query/funnel_attempt.h"
#include "engine/query/groups.h"
#include "engine/query/query.h"
#include "engine/query/scope.h"
#include "engine/query/walk.h"

#define RECORDS_FIRST 256u

struct record {
    uint32_t set;   /* Groups at the first step. */
    uint32_t depth; /* At least 1. */
};

struct lane {
    const struct rc_groups *groups; /* NULL: no breakdown. */
    struct rc_funnel_chooser *chooser;
    struct record *records;
    size_t record_capacity;
    size_t record_count;
    int64_t *times_ms; /* depth - 1 a record: since the first step. */
    size_t time_capacity;
    size_t time_count;
};

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    struct rc_funnel_attempt attempt;
    RC_TRY(rc_funnel_choose(lane->chooser, hits, count, &attempt));
    if (attempt.depth == 0)
        return RC_OK;
    RC_TRY(RC_GROW(lane->records, lane->record_capacity, lane->record_count + 1));
    RC_TRY(RC_GROW(lane->times_ms, lane->time_capacity, lane->time_count + attempt.depth));
    const struct rc_hit *entry = &hits[attempt.hits[0]];
    lane->records[lane->record_count++] = (struct record){
        .set = lane->groups == NULL ? 0 : rc_groups_of(lane->groups, person, entry),
        .depth = attempt.depth,
    };
    for (uint32_t step = 1; step < attempt.depth; step++)
        lane->times_ms[lane->time_count++] = hits[attempt.hits[step]].time_ms - entry->time_ms;
    return RC_OK;
}

struct funnel {
    const struct rc_query_context *context;
    const struct rc_funnel_request *request;
    struct rc_plan *plan;
    struct rc_groups *groups;
    struct rc_ranking ranking;
    uint32_t lane_count;
    struct lane *lanes;
    uint32_t row_count; /* Values, Other, total. */
    /* Records by row: begin of row r is starts[r]. */
    uint64_t *starts;
    const struct record **dealt;
    const int64_t **dealt_times;
};

static void
funnel_close(struct funnel *funnel)
{
    for (uint32_t i = 0; i < funnel->lane_count; i++) {
        rc_funnel_chooser_free(funnel->lanes[i].chooser);
        rc_alloc_free(funnel->lanes[i].records);
        rc_alloc_free(funnel->lanes[i].times_ms);
    }
    rc_groups_free(funnel->groups);
    rc_plan_free(funnel->plan);
    rc_alloc_free(funnel->starts);
    rc_alloc_free(funnel->dealt);
    rc_alloc_free(funnel->dealt_times);
}

static enum rc_status
check_request(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    if (request->step_count == 0)
        return rc_error_field(reterr_error, RC_INVALID, "steps", "a funnel has at least one step");
    if (request->step_count > RC_FUNNEL_STEPS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "steps",
                              "a funnel has at most %u steps, not %u", RC_FUNNEL_STEPS_MAX,
                              request->step_count);
    return request->breakdown == NULL
               ? RC_OK
               : rc_breakdown_check(request->breakdown, request->top_n, reterr_error);
}

static enum rc_status
make_plan(struct funnel *funnel, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_funnel_request *request = funnel->request;
    const struct rc_scope *scope = &request->scope;
    struct rc_plan_selector selectors[RC_FUNNEL_STEPS_MAX];
    struct rc_counted counted;
    for (uint32_t i = 0; i < request->step_count; i++) {
        selectors[i] = (struct rc_plan_selector){
            .predicate = request->steps[i],
            .from_ms = scope->start_ms,
            .until_ms = rc_scope_until(scope, i == 0 ? scope->end_ms : INT64_MAX),
        };
        snprintf(selectors[i].field, sizeof(selectors[i].field), "steps[%u].selector", i);
    }
    RC_TRY(rc_scope_counted(funnel->context, scope, stats, &counted, reterr_error));
    return rc_plan_counted(funnel->context, scope->as_of_ms, &counted, selectors,
                           request->step_count, &funnel->plan, reterr_error);
}

/* The first blocks charge the query's account, and growing them stays there. */
static enum rc_status
lane_open(struct lane *lane, const struct rc_funnel_rules *rules, struct rc_account *account)
{
    lane->records = rc_alloc_in(account, RECORDS_FIRST * sizeof(*lane->records));
    lane->times_ms = rc_alloc_in(account, RECORDS_FIRST * sizeof(*lane->times_ms));
    if (lane->records == NULL || lane->times_ms == NULL)
        return RC_NO_MEMORY;
    lane->record_capacity = RECORDS_FIRST;
    lane->time_capacity = RECORDS_FIRST;
    return rc_funnel_chooser_new(rules, account, &lane->chooser);
}

static enum rc_status
run_lanes(struct funnel *funnel, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = funnel->context;
    const struct rc_funnel_rules rules = {
        .step_count = funnel->request->step_count,
        .window_ms = funnel->request->window_ms,
        .first_only = funnel->request->first_only,
        .strict_times = funnel->request->strict_times,
    };
    funnel->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (funnel->lanes == NULL || lanes == NULL)
        return RC_NO_MEMORY;
    funnel->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < funnel->lane_count; i++) {
        funnel->lanes[i].groups = funnel->groups;
        lanes[i] = &funnel->lanes[i];
        RC_TRY(lane_open(&funnel->lanes[i], &rules, context->account));
    }
    const struct rc_fold fold = {
        .ordered = true,
        .lane_count = funnel->lane_count,
        .lanes = lanes,
        .person = fold_person,
    };
    return rc_walk(funnel->plan, &fold, &stats->matched_events);
}

/* Ranks the values by the users of the first step. */
static enum rc_status
rank_rows(struct funnel *funnel)
{
    funnel->row_count = 1;
    if (funnel->groups == NULL)
        return RC_OK;
    const size_t bytes = rc_groups_count(funnel->groups) * sizeof(uint64_t);
    RC_CLEANUP(rc_alloc_freep) uint64_t *figures = rc_alloc_in(funnel->context->account, bytes);
    if (figures == NULL)
        return RC_NO_MEMORY;
    memset(figures, 0, bytes);
    for (uint32_t i = 0; i < funnel->lane_count; i++) {
        const struct lane *lane = &funnel->lanes[i];
        for (size_t r = 0; r < lane->record_count; r++) {
            uint32_t count;
            const uint32_t *list = rc_groups_list(funnel->groups, &lane->records[r].set, &count);
            for (uint32_t g = 0; g < count; g++)
                figures[list[g]]++;
        }
    }
    RC_TRY(rc_groups_rank(funnel->groups, figures, funnel->request->top_n, funnel->context->arena,
                          &funnel->ranking));
    funnel->row_count += funnel->ranking.row_count + (funnel->ranking.has_other ? 1 : 0);
    return RC_OK;
}

/* Calls for each row of a record: total, and its values' or Other (once). */
static void
visit_rows(const struct funnel *funnel,
           const struct record *record,
           const int64_t *times_ms,
           void (*visit)(const struct funnel *funnel,
                         uint32_t row,
                         const struct record *record,
                         const int64_t *times_ms))
{
    visit(funnel, funnel->row_count - 1, record, times_ms);
    if (funnel->groups == NULL)
        return;
    uint32_t count;
    bool other = false;
    const uint32_t *list = rc_groups_list(funnel->groups, &record->set, &count);
    for (uint32_t g = 0; g < count; g++) {
        const uint32_t row = funnel->ranking.row_of[list[g]];
        const bool is_other = row == funnel->ranking.row_count;
        if (!is_other || !other)
            visit(funnel, row, record, times_ms);
        other = other || is_other;
    }
}

static void
visit_count(const struct funnel *funnel,
            uint32_t row,
            const struct record *record,
            const int64_t *times_ms)
{
    (void)record;
    (void)times_ms;
    funnel->starts[row + 2]++;
}

static void
visit_deal(const struct funnel *funnel,
           uint32_t row,
           const struct record *record,
           const int64_t *times_ms)
{
    const uint64_t at = funnel->starts[row + 1]++;
    funnel->dealt[at] = record;
    funnel->dealt_times[at] = times_ms;
}

static void
visit_all(const struct funnel *funnel,
          void (*visit)(const struct funnel *funnel,
                        uint32_t row,
                        const struct record *record,
                        const int64_t *times_ms))
{
    for (uint32_t i = 0; i < funnel->lane_count; i++) {
        const struct lane *lane = &funnel->lanes[i];
        const int64_t *times_ms = lane->times_ms;
        for (size_t r = 0; r < lane->record_count; r++) {
            visit_rows(funnel, &lane->records[r], times_ms, visit);
            times_ms += lane->records[r].depth - 1;
        }
    }
}

/* Deals the records to their rows. */
static enum rc_status
deal_records(struct funnel *funnel)
{
    struct rc_account *account = funnel->context->account;
    const size_t places = (size_t)funnel->row_count + 2;
    funnel->starts = rc_alloc_in(account, places * sizeof(*funnel->starts));
    if (funnel->starts == NULL)
        return RC_NO_MEMORY;
    memset(funnel->starts, 0, places * sizeof(*funnel->starts));
    visit_all(funnel, visit_count);
    for (uint32_t row = 2; row < places; row++)
        funnel->starts[row] += funnel->starts[row - 1];
    const uint64_t total = funnel->starts[places - 1];
    funnel->dealt = rc_alloc_in(account, total * sizeof(*funnel->dealt));
    funnel->dealt_times = rc_alloc_in(account, total * sizeof(*funnel->dealt_times));
    if (funnel->dealt == NULL || funnel->dealt_times == NULL)
        return RC_NO_MEMORY;
    visit_all(funnel, visit_deal);
    return RC_OK;
}

/* Figures of one step of one row. scratch has room for the row's records. */
static void
fill_step(const struct funnel *funnel,
          uint32_t row,
          uint32_t step,
          const struct rc_funnel_step *first,
          const struct rc_funnel_step *previous,
          int64_t *scratch,
          struct rc_funnel_step *ret_step)
{
    struct rc_funnel_step result = {
        .mean_s_from_previous = NAN,
        .median_s_from_previous = NAN,
        .mean_s_from_first = NAN,
        .median_s_from_first = NAN,
    };
    const uint64_t begin = funnel->starts[row];
    const uint64_t end = funnel->starts[row + 1];
    size_t count = 0;
    for (uint64_t i = begin; i < end; i++)
        if (funnel->dealt[i]->depth > step)
            scratch[count++] = step == 0 ? 0 : funnel->dealt_times[i][step - 1];
    result.users = count;
    if (step > 0) {
        result.mean_s_from_first = rc_durations_mean_s(scratch, count);
        result.median_s_from_first = rc_durations_median_s(scratch, count);
        count = 0;
        for (uint64_t i = begin; i < end; i++)
            if (funnel->dealt[i]->depth > step)
                scratch[count++] = funnel->dealt_times[i][step - 1] -
                                   (step == 1 ? 0 : funnel->dealt_times[i][step - 2]);
        result.mean_s_from_previous = rc_durations_mean_s(scratch, count);
        result.median_s_from_previous = rc_durations_median_s(scratch, count);
    }
    const double users = (double)result.users;
    const uint64_t from_previous = step == 0 ? result.users : previous->users;
    const uint64_t from_first = step == 0 ? result.users : first->users;
    result.conversion_from_previous = from_previous == 0 ? NAN : users / (double)from_previous;
    result.conversion_from_first = from_first == 0 ? NAN : users / (double)from_first;
    *ret_step = result;
}

static enum rc_status
fill_reply(struct funnel *funnel, struct rc_funnel_reply *reply)
{
    struct rc_arena *arena = funnel->context->arena;
    const uint32_t steps = funnel->request->step_count;
    struct rc_funnel_row *rows = RC_ARENA_ARRAY(arena, struct rc_funnel_row, funnel->row_count);
    /* The total's row holds every record, so no row holds more. */
    const uint64_t most = funnel->starts[funnel->row_count] - funnel->starts[funnel->row_count - 1];
    RC_CLEANUP(rc_alloc_freep)
    int64_t *scratch = rc_alloc_in(funnel->context->account, most * sizeof(*scratch));
    if (rows == NULL || scratch == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < funnel->row_count; row++) {
        struct rc_funnel_step *figures = RC_ARENA_ARRAY(arena, struct rc_funnel_step, steps);
        if (figures == NULL)
            return RC_NO_MEMORY;
        for (uint32_t step = 0; step < steps; step++)
            fill_step(funnel, row, step, &figures[0], step == 0 ? NULL : &figures[step - 1],
                      scratch, &figures[step]);
        rows[row].steps = figures;
        rows[row].label.kind = RC_ROW_OTHER;
        if (row + 1 == funnel->row_count)
            rows[row].label.kind = RC_ROW_TOTAL;
        else if (row < funnel->ranking.row_count)
            rows[row].label =
                (struct rc_row_label){.kind = RC_ROW_VALUE, .value = funnel->ranking.values[row]};
    }
    reply->step_count = steps;
    reply->row_count = funnel->row_count;
    reply->rows = rows;
    return RC_OK;
}

enum rc_status
rc_query_funnel(const struct rc_query_context *context,
                const struct rc_funnel_request *request,
                struct rc_funnel_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_funnel_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(funnel_close) struct funnel funnel = {.context = context, .request = request};
    RC_TRY(check_request(request, reterr_error));
    RC_TRY(make_plan(&funnel, &reply.stats, reterr_error));
    if (request->breakdown != NULL)
        RC_TRY(rc_groups_new(funnel.plan, request->breakdown, request->scope.as_of_ms,
                             &funnel.groups, reterr_error));
    RC_TRY_OR(reterr_error, run_lanes(&funnel, &reply.stats));
    RC_TRY_OR(reterr_error, rank_rows(&funnel));
    RC_TRY_OR(reterr_error, deal_records(&funnel));
    RC_TRY_OR(reterr_error, fill_reply(&funnel, &reply));
    rc_plan_add_stats(funnel.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
