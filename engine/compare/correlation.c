/*
 * Correlation. Candidates come in streams of counts, source by source; the best are kept in an
 * array in their order, and a value is only made of its group when it enters the array.
 */
#include "engine/compare/correlation.h"

#include <math.h>
#include <string.h>

#include "engine/compare/correlation_counts.h"
#include "engine/query/scope.h"
#include "engine/query/segment/chart_cell.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/walk/entities.h"
#include "engine/query/walk/walk.h"

/* A row, and what it is ranked by. */
struct candidate {
    struct rc_correlation_row row;
    double bound; /* Of the interval's logarithms the one nearer to 0; negative if it holds 0. */
    double effect;
};

struct correlating {
    const struct rc_query_context *context;
    const struct rc_correlation_request *request;
    struct rc_correlation_users users;
    struct rc_correlation_reply *reply;
    struct candidate *best; /* request->top_n of them, reply->row_count in use. */
};

static uint64_t
count_bits(const uint64_t *words, size_t word_count)
{
    uint64_t count = 0;
    for (size_t word = 0; word < word_count; word++)
        count += (uint64_t)__builtin_popcountll(words[word]);
    return count;
}

/* ---- Ranking --------------------------------------------------------------------------------- */

static void
measure(struct candidate *candidate, double confidence)
{
    struct rc_odds *odds = &candidate->row.odds;
    *odds = rc_odds_ratio(candidate->row.converted, candidate->row.others, confidence);
    /* Without a ratio everybody converted, or nobody. */
    candidate->bound = isnan(odds->ratio) ? -INFINITY : odds->distance;
    candidate->effect = isnan(odds->ratio) ? 0 : fabs(odds->logarithm);
}

static bool
is_before(const struct candidate *a, const struct candidate *b)
{
    if (a->bound != b->bound)
        return a->bound > b->bound;
    if (a->effect != b->effect)
        return a->effect > b->effect;
    if (a->row.is_event != b->row.is_event)
        return a->row.is_event;
    if (a->row.place != b->row.place)
        return a->row.place < b->row.place;
    return rc_value_compare(a->row.value, b->row.value) < 0;
}

/* Offers a candidate; groups, if it is a value, and its group there. */
static enum rc_status
offer(struct correlating *correlating,
      struct candidate candidate,
      const uint64_t counts[2],
      const struct rc_groups *groups,
      uint32_t group)
{
    struct rc_correlation_reply *reply = correlating->reply;
    const uint64_t least = correlating->request->least_users;
    if (counts[0] + counts[1] == 0 || counts[0] + counts[1] < least)
        return RC_OK;
    candidate.row.converted = (struct rc_rate){.count = counts[0], .users = reply->converted_users};
    candidate.row.others =
        (struct rc_rate){.count = counts[1], .users = reply->users - reply->converted_users};
    measure(&candidate, correlating->request->confidence);
    reply->candidate_count++;
    struct candidate *best = correlating->best;
    const bool full = reply->row_count == correlating->request->top_n;
    if (full && candidate.bound < best[reply->row_count - 1].bound)
        return RC_OK;
    if (groups != NULL)
        RC_TRY(rc_groups_value(groups, group, correlating->context->arena, &candidate.row.value));
    uint32_t at = full ? reply->row_count - 1 : reply->row_count++;
    if (full && !is_before(&candidate, &best[at]))
        return RC_OK;
    for (; at > 0 && is_before(&candidate, &best[at - 1]); at--)
        best[at] = best[at - 1];
    best[at] = candidate;
    return RC_OK;
}

/* ---- Candidates ------------------------------------------------------------------------------ */

static enum rc_status
offer_events(struct correlating *correlating, struct rc_error *reterr_error)
{
    const struct rc_correlation_request *request = correlating->request;
    for (uint32_t first = 0; first < request->event_count; first += RC_SELECTORS_MAX) {
        uint64_t counts[2 * RC_SELECTORS_MAX] = {0};
        const uint32_t left = request->event_count - first;
        const uint32_t count = left < RC_SELECTORS_MAX ? left : RC_SELECTORS_MAX;
        RC_TRY(rc_correlation_count_events(correlating->context, request, &correlating->users,
                                           first, count, &correlating->reply->stats, counts,
                                           reterr_error));
        for (uint32_t i = 0; i < count; i++) {
            const struct candidate candidate = {.row = {.is_event = true, .place = first + i}};
            RC_TRY_OR(reterr_error, offer(correlating, candidate, &counts[2 * i], NULL, 0));
        }
    }
    return RC_OK;
}

static enum rc_status
offer_values(struct correlating *correlating, uint32_t property, struct rc_error *reterr_error)
{
    const struct rc_correlation_request *request = correlating->request;
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_CLEANUP(rc_groups_freep) struct rc_groups *groups = NULL;
    RC_CLEANUP(rc_alloc_freep) uint64_t *counts = NULL;
    RC_TRY(rc_correlation_count_values(correlating->context, request, &correlating->users, property,
                                       &correlating->reply->stats, &plan, &groups, &counts,
                                       reterr_error));
    const uint32_t group_count = rc_groups_count(groups);
    const bool of_users = rc_correlation_is_of_users(request, property);
    for (uint32_t group = of_users ? 0 : RC_GROUP_NULL + 1; group < group_count; group++) {
        const struct candidate candidate = {.row = {.place = property}};
        RC_TRY_OR(reterr_error,
                  offer(correlating, candidate, &counts[2 * (size_t)group], groups, group));
    }
    return RC_OK;
}

/* ---- The question ---------------------------------------------------------------------------- */

static enum rc_status
check_request(const struct rc_correlation_request *request, struct rc_error *reterr_error)
{
    if (!(request->confidence > 0 && request->confidence < 1))
        return rc_error_field(reterr_error, RC_INVALID, "confidence", "it lies between 0 and 1");
    if (request->event_count > RC_CORRELATION_EVENTS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "events", "at most %u of them",
                              RC_CORRELATION_EVENTS_MAX);
    if (request->property_count > RC_CORRELATION_PROPERTIES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "properties", "at most %u of them",
                              RC_CORRELATION_PROPERTIES_MAX);
    if (request->top_n == 0 || request->top_n > RC_CORRELATION_TOP_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "top", "1 to %u candidates are shown",
                              RC_CORRELATION_TOP_MAX);
    return RC_OK;
}

static enum rc_status
persons_of(const struct rc_query_context *context,
           const struct rc_correlation_request *request,
           const struct rc_segment *segment,
           const char *field,
           struct rc_query_stats *stats,
           const uint64_t **ret_persons,
           struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    const uint64_t *known;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    const enum rc_status status =
        rc_segment_persons(context, segment, &calendar, request->scope.as_of_ms, stats, ret_persons,
                           &known, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "%s", field);
    return status;
}

static enum rc_status
find_users(const struct rc_query_context *context,
           const struct rc_correlation_request *request,
           struct rc_query_stats *stats,
           struct rc_correlation_users *users,
           struct rc_error *reterr_error)
{
    static const struct rc_segment everybody = {.kind = RC_SEGMENT_ALL_OF};
    const uint64_t *all;
    users->word_count = rc_view_user_count(context->view) / 64 + 1;
    RC_TRY(persons_of(context, request,
                      request->scope.segment == NULL ? &everybody : request->scope.segment,
                      "scope.segment", stats, &users->population, reterr_error));
    RC_TRY(
        persons_of(context, request, request->converted, "converted", stats, &all, reterr_error));
    uint64_t *converted = RC_ARENA_ARRAY(context->arena, uint64_t, users->word_count);
    if (converted == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a set of users");
    for (size_t word = 0; word < users->word_count; word++)
        converted[word] = all[word] & users->population[word];
    users->converted = converted;
    users->counted.persons = users->population;
    return RC_OK;
}

/* ---- Entities -------------------------------------------------------------------------------- */

static enum rc_status
mark_hits(void *lane,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    uint64_t *words = lane;
    (void)hits;
    for (uint32_t i = 0; i < count; i++)
        rc_walk_mark(words, rc_walk_person(block, slots[i]));
    return RC_OK;
}

/* The entities of the events in the range. */
static enum rc_status
mark_population(const struct rc_query_context *context,
                const struct rc_scope *scope,
                const struct rc_counted *counted,
                struct rc_query_stats *stats,
                uint64_t *words,
                struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_plan_selector selector = {.predicate = &any,
                                              .field = "scope",
                                              .from_ms = scope->start_ms,
                                              .until_ms = rc_scope_until(scope, scope->end_ms)};
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a set of entities");
    for (uint32_t i = 0; i < context->parallel_max; i++)
        lanes[i] = words;
    const struct rc_fold fold = {
        .lane_count = context->parallel_max, .lanes = lanes, .hits = mark_hits};
    RC_TRY(rc_plan_counted(context, scope->as_of_ms, counted, &selector, 1, &plan, reterr_error));
    rc_plan_add_stats(plan, stats);
    RC_TRY_OR(reterr_error, rc_walk(plan, &fold, &stats->matched_events));
    return RC_OK;
}

/* Those behind a number; its question is one more that this one is made of. */
static enum rc_status
mark_cell(const struct rc_query_context *context,
          const struct rc_chart_cell *cell,
          const char *field,
          struct rc_query_stats *stats,
          uint64_t *words,
          struct rc_error *reterr_error)
{
    struct rc_query_context asked = *context;
    enum rc_status status = RC_OK;
    if (asked.cells_deep++ >= RC_CELLS_DEEP_MAX)
        status = rc_error_field(reterr_error, RC_INVALID, "handle",
                                "handles hold each other more than %u deep", RC_CELLS_DEEP_MAX);
    else
        status = rc_chart_cell_persons(&asked, cell, stats, words, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "%s", field);
    return status;
}

static enum rc_status
find_entities(const struct rc_query_context *context,
              const struct rc_correlation_request *request,
              struct rc_query_stats *stats,
              struct rc_correlation_users *users,
              struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(&request->scope, &calendar, reterr_error));
    RC_TRY(rc_scope_counted(context, &request->scope, stats, &users->counted, reterr_error));
    users->word_count = rc_counted_word_count(context);
    uint64_t *population = RC_ARENA_ARRAY(context->arena, uint64_t, users->word_count);
    uint64_t *converted = RC_ARENA_ARRAY(context->arena, uint64_t, users->word_count);
    if (population == NULL || converted == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a set of entities");
    RC_TRY(request->population_cell != NULL
               ? mark_cell(context, request->population_cell, "population_cell", stats, population,
                           reterr_error)
               : mark_population(context, &request->scope, &users->counted, stats, population,
                                 reterr_error));
    RC_TRY(mark_cell(context, request->converted_cell, "converted_cell", stats, converted,
                     reterr_error));
    for (size_t word = 0; word < users->word_count; word++)
        converted[word] &= population[word];
    users->population = population;
    users->converted = converted;
    return RC_OK;
}

/* ---- The answer ------------------------------------------------------------------------------ */

enum rc_status
rc_correlation_answer(const struct rc_query_context *context,
                      const struct rc_correlation_request *request,
                      struct rc_correlation_users *ret_users,
                      struct rc_correlation_reply *ret_reply,
                      struct rc_error *reterr_error)
{
    struct rc_correlation_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    struct correlating correlating = {.context = context, .request = request, .reply = &reply};
    RC_TRY(check_request(request, reterr_error));
    correlating.best = RC_ARENA_ARRAY(context->arena, struct candidate, request->top_n);
    struct rc_correlation_row *rows =
        RC_ARENA_ARRAY(context->arena, struct rc_correlation_row, request->top_n);
    if (correlating.best == NULL || rows == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a correlation");
    const struct rc_correlation_users *users = &correlating.users;
    RC_TRY((request->scope.entity.size > 0 ? find_entities : find_users)(
        context, request, &reply.stats, &correlating.users, reterr_error));
    reply.users = count_bits(users->population, users->word_count);
    reply.converted_users = count_bits(users->converted, users->word_count);
    RC_TRY(offer_events(&correlating, reterr_error));
    for (uint32_t i = 0; i < request->property_count; i++)
        RC_TRY(offer_values(&correlating, i, reterr_error));
    for (uint32_t i = 0; i < reply.row_count; i++)
        rows[i] = correlating.best[i].row;
    reply.rows = rows;
    *ret_users = *users;
    *ret_reply = reply;
    return RC_OK;
}

enum rc_status
rc_query_correlation(const struct rc_query_context *context,
                     const struct rc_correlation_request *request,
                     struct rc_correlation_reply *ret_reply,
                     struct rc_error *reterr_error)
{
    struct rc_correlation_users users;
    struct rc_query_context asked = *context;
    RC_CLEANUP(rc_all_entities_close) struct rc_all_entities all = {.plan = NULL};
    if (request->scope.entity.size > 0 && context->entities == NULL) {
        RC_TRY(rc_all_entities_open(context, request->scope.entity, &all, reterr_error));
        asked.entities = all.entities;
    }
    return rc_correlation_answer(&asked, request, &users, ret_reply, reterr_error);
}
