/*
 * Funnel. A walk feeds each user's hits to a lane, which keeps records of the attempts that count
 * (funnel_person.c); the reply is made of the records at the end (funnel_rows.c, funnel_reply.c).
 * So Other holds each user once, and medians are exact.
 *
 *   which attempt           funnel_attempt.c  most users of plain funnels, straight from hits
 *                           funnel_search.c   ordered funnels with every option
 *                           funnel_unordered.c
 *                           funnel_totals.c   attempts that are counted by themselves
 *   narrowed to values      funnel_hold.c     held constant;  funnel_person.c  rows of a breakdown
 *
 * Bins of a breakdown reach over the rows that the same question has without them, so with bins
 * there are two walks: one that finds those rows.
 */
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/funnel/funnel_scan.h"
#include "engine/query/funnel/funnel_unordered.h"
#include "engine/query/scope.h"
#include "engine/query/walk/row_masks.h"

#define SELECTORS_MAX (RC_FUNNEL_STEPS_MAX + RC_FUNNEL_EXCLUSIONS_MAX + 1)
#define LOCAL_DAYS_MAX 400000u /* Over a thousand years. */

static void
query_close(struct rc_funnel_query *query)
{
    for (uint32_t i = 0; i < query->lane_count; i++)
        rc_funnel_lane_close(&query->lanes[i]);
    for (uint32_t i = 0; i < RC_FUNNEL_HOLDS_MAX; i++)
        rc_groups_free(query->holds[i]);
    rc_split_free(query->split);
    rc_plan_free(query->plan);
    for (uint32_t i = 0; i < 2; i++) {
        rc_row_masks_free(query->wide_masks[i]);
        rc_plan_free(query->wide_plans[i]);
    }
}

/* ---- Opening --------------------------------------------------------------------------------- */

static enum rc_status
make_rules(struct rc_funnel_query *query, struct rc_error *reterr_error)
{
    const struct rc_funnel_request *request = query->request;
    const struct rc_query_context *context = query->context;
    query->step_mask = rc_funnel_below(request->step_count);
    query->range = (struct rc_funnel_span){.from_ms = request->scope.start_ms,
                                           .until_ms = request->scope.end_ms};
    query->rules = (struct rc_funnel_rules){
        .step_count = request->step_count,
        .order = request->order,
        .window_ms = request->window_ms,
        .step_windows_ms = request->step_windows_ms,
        .first_only = request->first_only,
        .reuse_event = request->reuse_event,
        .strict_times = request->strict_times,
        .optional = request->optional_steps,
        .exclusion_count = request->exclusion_count,
        .exclusions = request->exclusions,
        .attempt_only = request->exclude_attempt_only,
        .cancel = context->cancel,
    };
    const bool one_funnel = request->breakdown == NULL || request->at == RC_FUNNEL_AT_FIRST ||
                            request->at == RC_FUNNEL_AT_LAST ||
                            request->at == RC_FUNNEL_AT_FIRST_IN_RANGE;
    query->plain = one_funnel && request->order == RC_FUNNEL_ORDERED &&
                   request->step_windows_ms == NULL && !request->same_local_day &&
                   !request->reuse_event && request->optional_steps == 0 &&
                   request->exclusion_count == 0 && request->hold_count == 0 && !request->totals;
    query->counts = one_funnel && request->persons == NULL;
    if (!request->same_local_day)
        return RC_OK;
    uint32_t count;
    const struct rc_bucket *days;
    const struct rc_bucket_request of = {.unit = RC_UNIT_DAY,
                                         .start_ms = request->scope.start_ms,
                                         .end_ms = request->scope.end_ms,
                                         .bucket_max = LOCAL_DAYS_MAX,
                                         .field = "same_local_day"};
    RC_TRY(rc_calendar_buckets(&query->calendar, &of, context->arena, &days, &count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(days, count, context->arena, &query->days));
    query->rules.days = &query->days;
    return RC_OK;
}

static enum rc_status
make_buckets(struct rc_funnel_query *query, struct rc_error *reterr_error)
{
    const struct rc_funnel_request *request = query->request;
    const struct rc_bucket_request of = {.unit = request->over_time,
                                         .multiple = request->over_time_count,
                                         .start_ms = request->scope.start_ms,
                                         .end_ms = request->scope.end_ms,
                                         .bucket_max = RC_BUCKETS_MAX,
                                         .field = "over_time"};
    if (request->over_time == 0)
        return RC_OK;
    RC_TRY(rc_calendar_buckets(&query->calendar, &of, query->context->arena, &query->buckets,
                               &query->bucket_count, reterr_error));
    RC_TRY_OR(reterr_error, rc_bucket_map_make(query->buckets, query->bucket_count,
                                               query->context->arena, &query->bucket_map));
    return RC_OK;
}

/* Steps, then exclusions, then with a strict order every event. Only the first step ends with the
 * range, unless it may also be a later one or break a chain. */
static uint32_t
list_selectors(const struct rc_funnel_request *request, struct rc_plan_selector *selectors)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_ALL_OF};
    const struct rc_scope *scope = &request->scope;
    const bool ends = request->order == RC_FUNNEL_ORDERED || request->order == RC_FUNNEL_STRICT;
    uint32_t count = 0;
    for (uint32_t i = 0; i < request->step_count; i++) {
        struct rc_plan_selector *selector = &selectors[count++];
        *selector = (struct rc_plan_selector){
            .predicate = request->steps[i],
            .from_ms = scope->start_ms,
            .until_ms = rc_scope_until(scope, i == 0 && ends ? scope->end_ms : INT64_MAX),
        };
        rc_error_item(selector->field, sizeof(selector->field), "steps", i, "selector");
    }
    for (uint32_t i = 0; i < request->exclusion_count; i++) {
        struct rc_plan_selector *selector = &selectors[count++];
        *selector = (struct rc_plan_selector){
            .predicate = request->exclusions[i].selector,
            .from_ms = scope->start_ms,
            .until_ms = rc_scope_until(scope, INT64_MAX),
        };
        rc_error_item(selector->field, sizeof(selector->field), "exclusions", i, "selector");
    }
    if (request->order == RC_FUNNEL_STRICT)
        selectors[count++] = (struct rc_plan_selector){
            .predicate = &any,
            .from_ms = scope->start_ms,
            .until_ms = rc_scope_until(scope, INT64_MAX),
        };
    return count;
}

/* Leaves one of each of the selectors that are equal, since each costs a look at every block of
 * rows; a selector's bit then stands for the bits of all those in query->expand. */
static enum rc_status
join_selectors(struct rc_funnel_query *query, struct rc_plan_selector *selectors, uint32_t *count)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    size_t ends[RC_SELECTORS_MAX + 1] = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        const bool sound = selectors[i].predicate != NULL &&
                           rc_predicate_check(selectors[i].predicate, NULL) == RC_OK;
        writer.size = ends[kept];
        if (sound)
            rc_predicate_write(&writer, selectors[i].predicate);
        if (writer.failed)
            return RC_NO_MEMORY;
        const size_t size = writer.size - ends[kept];
        uint32_t same = 0;
        while (same < kept &&
               (!sound || selectors[same].until_ms != selectors[i].until_ms ||
                ends[same + 1] - ends[same] != size ||
                memcmp(writer.data + ends[same], writer.data + ends[kept], size) != 0))
            same++;
        query->expand[same] |= (uint64_t)1 << i;
        query->expands = query->expands || same != i;
        if (same == kept) {
            selectors[kept++] = selectors[i];
            ends[kept] = writer.size;
        }
    }
    *count = kept;
    return RC_OK;
}

uint64_t
rc_funnel_plan_bits(const struct rc_funnel_query *query, uint64_t steps)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < query->selector_count; i++)
        if ((query->expand[i] & steps) != 0)
            bits |= (uint64_t)1 << i;
    return bits;
}

static enum rc_status
make_plan(struct rc_funnel_query *query,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    const struct rc_scope *scope = &query->request->scope;
    struct rc_plan_selector selectors[SELECTORS_MAX];
    struct rc_counted counted;
    uint32_t count = list_selectors(query->request, selectors);
    query->wide = count > RC_SELECTORS_MAX;
    RC_TRY(rc_scope_counted(query->context, scope, stats, &counted, reterr_error));
    if (query->wide)
        return rc_funnel_wide_plans(query, &counted, selectors, reterr_error);
    RC_TRY_OR(reterr_error, join_selectors(query, selectors, &count));
    query->selector_count = count;
    return rc_plan_counted(query->context, scope->as_of_ms, &counted, selectors, count,
                           &query->plan, reterr_error);
}

static enum rc_status
make_holds(struct rc_funnel_query *query, struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < query->request->hold_count; i++) {
        const struct rc_breakdown property = {.scope = RC_LEAF_EVENT,
                                              .property = query->request->holds[i].property};
        const enum rc_status status = rc_groups_new(
            query->plan, &property, query->request->scope.as_of_ms, &query->holds[i], reterr_error);
        if (status != RC_OK)
            rc_error_prefix(reterr_error, "hold_constant[%u]", i);
        RC_TRY(status);
    }
    return RC_OK;
}

/* ---- Walking --------------------------------------------------------------------------------- */

enum rc_status
rc_funnel_walk(struct rc_funnel_query *query, const struct rc_plan *plan, uint64_t *hit_count)
{
    const bool unordered = query->request->order == RC_FUNNEL_UNORDERED;
    void **lanes = RC_ARENA_ARRAY(query->context->arena, void *, query->lane_count);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < query->lane_count; i++)
        lanes[i] = &query->lanes[i];
    const struct rc_fold fold = {
        .purpose = "attempts",
        .ordered = true,
        .required = rc_funnel_plan_bits(query, unordered ? query->step_mask : 1),
        .lane_count = query->lane_count,
        .lanes = lanes,
        .person = rc_funnel_fold_person,
    };
    return rc_walk(plan, &fold, hit_count);
}

static enum rc_status
run_lanes(struct rc_funnel_query *query, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = query->context;
    bool done;
    query->lanes = RC_ARENA_ARRAY(context->arena, struct rc_funnel_lane, context->parallel_max);
    if (query->lanes == NULL)
        return RC_NO_MEMORY;
    query->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < query->lane_count; i++)
        RC_TRY(rc_funnel_lane_open(&query->lanes[i], query));
    RC_TRY(rc_funnel_scan(query, &stats->matched_events, &done));
    return done ? RC_OK : rc_funnel_walk(query, query->plan, &stats->matched_events);
}

/* The rows that the records have. */
static void
mark_present(const struct rc_funnel_query *query, uint8_t *present)
{
    for (uint32_t i = 0; i < query->lane_count; i++) {
        const struct rc_funnel_lane *lane = &query->lanes[i];
        for (uint32_t row = 0; row < rc_funnel_counted_rows(query); row++)
            present[row] |= lane->entrants[row] != 0;
        for (size_t r = 0; r < lane->record_count; r++) {
            const struct rc_funnel_record *record = &lane->records[r];
            const uint32_t *rows = record->row_count == 1 ? &record->row : lane->rows + record->row;
            for (uint32_t k = 0;
                 (record->kind & RC_FUNNEL_RECORD_ROWS) != 0 && k < record->row_count; k++)
                present[rows[k]] = 1;
        }
    }
}

/* Walks once for the rows, and puts them into bins. */
static enum rc_status
find_bins(struct rc_funnel_query *query,
          const struct rc_split_request *split,
          struct rc_query_stats *stats)
{
    const size_t count = (size_t)rc_split_count(query->split) + 1;
    RC_TRY(run_lanes(query, stats));
    RC_CLEANUP(rc_alloc_freep)
    uint8_t *present = rc_alloc_in(query->context->account, count);
    if (present == NULL)
        return RC_NO_MEMORY;
    memset(present, 0, count);
    mark_present(query, present);
    for (uint32_t i = 0; i < query->lane_count; i++)
        rc_funnel_lane_close(&query->lanes[i]);
    query->lane_count = 0;
    return rc_split_make_bins(query->split, split, present);
}

static enum rc_status
make_split(struct rc_funnel_query *query,
           struct rc_query_stats *stats,
           struct rc_error *reterr_error)
{
    const struct rc_funnel_request *request = query->request;
    const bool first =
        request->order != RC_FUNNEL_UNORDERED &&
        (request->at == RC_FUNNEL_AT_FIRST || request->at == RC_FUNNEL_AT_FIRST_IN_RANGE);
    const uint64_t steps = first                              ? 1
                           : request->at == RC_FUNNEL_AT_STEP ? (uint64_t)1 << request->at_step
                                                              : query->step_mask;
    const struct rc_split_request split = {
        .plan = query->plan,
        .dimensions = request->breakdown,
        .dimension_count = request->dimension_count == 0 ? 1 : request->dimension_count,
        .scope = &request->scope,
        .calendar = &query->calendar,
        .mask = rc_funnel_plan_bits(query, steps),
        .unbinned = true,
        .stats = stats,
    };
    if (request->breakdown == NULL)
        return RC_OK;
    RC_TRY(rc_split_new(&split, &query->split, reterr_error));
    if (rc_split_wants_bins(query->split))
        RC_TRY_OR(reterr_error, find_bins(query, &split, stats));
    return RC_OK;
}

/* Everything up to the records. */
static enum rc_status
run_query(struct rc_funnel_query *query,
          struct rc_query_stats *stats,
          struct rc_error *reterr_error)
{
    RC_TRY(rc_funnel_check(query->request, &query->calendar, reterr_error));
    RC_TRY(make_rules(query, reterr_error));
    RC_TRY(make_buckets(query, reterr_error));
    RC_TRY(make_plan(query, stats, reterr_error));
    RC_TRY(make_holds(query, reterr_error));
    RC_TRY(make_split(query, stats, reterr_error));
    RC_TRY_OR(reterr_error, run_lanes(query, stats));
    return RC_OK;
}

/* Whether an unordered search has passed its limit. */
static bool
has_passed(const struct rc_funnel_query *query)
{
    bool passed = false;
    for (uint32_t i = 0; i < query->lane_count; i++)
        passed = passed || (query->lanes[i].unordered != NULL &&
                            rc_funnel_unordered_passed(query->lanes[i].unordered));
    return passed;
}

enum rc_status
rc_query_funnel(const struct rc_query_context *context,
                const struct rc_funnel_request *request,
                struct rc_funnel_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_funnel_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    RC_CLEANUP(query_close)
    struct rc_funnel_query query = {.context = context, .request = request};
    const enum rc_status run = run_query(&query, &reply.stats, reterr_error);
    if (run == RC_LIMIT_EXCEEDED && has_passed(&query))
        return rc_error_field(reterr_error, run, "exclusions",
                              "the search of an unordered funnel keeps at most %u states for "
                              "a user: with so many steps, exclusions must begin at an earlier "
                              "one",
                              RC_FUNNEL_STATES_MAX);
    RC_TRY(run);
    const enum rc_status status = rc_funnel_fill_reply(&query, &reply);
    if (status == RC_LIMIT_EXCEEDED)
        return rc_error_field(reterr_error, status, "over_time",
                              "the answer has too many rows in too many buckets");
    RC_TRY_OR(reterr_error, status);
    rc_plan_add_stats(query.plan, &reply.stats);
    for (uint32_t i = 0; i < 2; i++)
        if (query.wide_plans[i] != NULL)
            rc_plan_add_stats(query.wide_plans[i], &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
