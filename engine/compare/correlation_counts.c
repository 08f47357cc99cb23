/*
 * Correlation counts. Every person comes to one lane, with all hits at once, so a lane counts for
 * itself and the lanes add up. A value that a person has on many events is counted once: a stamp a
 * group holds the last person who had it.
 */
#include "engine/compare/correlation_counts.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/plan/plan.h"
#include "engine/query/scope.h"
#include "engine/query/walk/walk.h"

struct counting {
    const struct rc_query_context *context;
    const struct rc_correlation_users *users;
    const struct rc_groups *groups; /* NULL: selectors are counted. */
    size_t place_count;             /* Selectors or groups. */
};

struct lane {
    const struct counting *counting;
    uint64_t *counts; /* Two a place. */
    uint32_t *stamps; /* By group. */
};

static enum rc_status
fold_events(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const uint32_t side = rc_words_has(lane->counting->users->converted, person) ? 0 : 1;
    uint64_t mask = 0;
    if (!rc_words_has(lane->counting->users->population, person))
        return RC_OK; /* Of users none is fed. */
    for (uint32_t i = 0; i < count; i++)
        mask |= hits[i].mask;
    for (; mask != 0; mask &= mask - 1)
        lane->counts[2 * (uint32_t)__builtin_ctzll(mask) + side]++;
    return RC_OK;
}

static void
count_set(struct lane *lane, uint32_t person, uint32_t set)
{
    const uint32_t side = rc_words_has(lane->counting->users->converted, person) ? 0 : 1;
    uint32_t group_count;
    const uint32_t *groups = rc_groups_list(lane->counting->groups, &set, &group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        if (lane->stamps[groups[i]] == person)
            continue;
        lane->stamps[groups[i]] = person;
        lane->counts[2 * (size_t)groups[i] + side]++;
    }
}

static enum rc_status
fold_values(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    if (!rc_words_has(lane->counting->users->population, person))
        return RC_OK;
    for (uint32_t i = 0; i < count; i++)
        count_set(lane, person, rc_groups_of(lane->counting->groups, person, &hits[i]));
    return RC_OK;
}

static void
lane_close(struct lane *lane)
{
    rc_alloc_free(lane->counts);
    rc_alloc_free(lane->stamps);
}

static enum rc_status
lane_open(struct lane *lane, const struct counting *counting)
{
    struct rc_account *account = counting->context->account;
    const size_t count = counting->place_count;
    lane->counting = counting;
    lane->counts = rc_alloc_in(account, 2 * count * sizeof(*lane->counts));
    if (lane->counts == NULL)
        return RC_NO_MEMORY;
    memset(lane->counts, 0, 2 * count * sizeof(*lane->counts));
    if (counting->groups == NULL)
        return RC_OK;
    lane->stamps = rc_alloc_in(account, count * sizeof(*lane->stamps));
    if (lane->stamps == NULL)
        return RC_NO_MEMORY;
    memset(lane->stamps, 0xff, count * sizeof(*lane->stamps));
    return RC_OK;
}

/* Walks; adds what the lanes counted to counts. */
static enum rc_status
walk(const struct counting *counting,
     const struct rc_plan *plan,
     struct rc_query_stats *stats,
     uint64_t *counts)
{
    const struct rc_query_context *context = counting->context;
    const uint32_t lane_count = context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < lane_count && status == RC_OK; i++) {
        states[i] = &lanes[i];
        status = lane_open(&lanes[i], counting);
    }
    const struct rc_fold fold = {.purpose = "candidates",
                                 .ordered = true,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .person = counting->groups == NULL ? fold_events : fold_values};
    if (status == RC_OK)
        status = rc_walk(plan, &fold, &stats->matched_events);
    for (uint32_t i = 0; i < lane_count; i++) {
        for (size_t k = 0; status == RC_OK && k < 2 * counting->place_count; k++)
            counts[k] += lanes[i].counts[k];
        lane_close(&lanes[i]);
    }
    return status;
}

static enum rc_status
make_plan(const struct rc_query_context *context,
          const struct rc_scope *scope,
          const struct rc_correlation_users *users,
          struct rc_plan_selector *selectors,
          uint32_t count,
          struct rc_query_stats *stats,
          struct rc_plan **ret_plan,
          struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < count; i++) {
        selectors[i].from_ms = scope->start_ms;
        selectors[i].until_ms = rc_scope_until(scope, scope->end_ms);
    }
    RC_TRY(rc_plan_counted(context, scope->as_of_ms, &users->counted, selectors, count, ret_plan,
                           reterr_error));
    rc_plan_add_stats(*ret_plan, stats);
    return RC_OK;
}

enum rc_status
rc_correlation_plan_events(const struct rc_query_context *context,
                           const struct rc_correlation_request *request,
                           const struct rc_correlation_users *users,
                           uint32_t first,
                           uint32_t count,
                           struct rc_query_stats *stats,
                           struct rc_plan **ret_plan,
                           struct rc_error *reterr_error)
{
    struct rc_plan_selector selectors[RC_SELECTORS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        selectors[i] = (struct rc_plan_selector){.predicate = request->events[first + i]};
        rc_error_item(selectors[i].field, sizeof(selectors[i].field), "events", first + i, "");
    }
    return make_plan(context, &request->scope, users, selectors, count, stats, ret_plan,
                     reterr_error);
}

enum rc_status
rc_correlation_count_events(const struct rc_query_context *context,
                            const struct rc_correlation_request *request,
                            const struct rc_correlation_users *users,
                            uint32_t first,
                            uint32_t count,
                            struct rc_query_stats *stats,
                            uint64_t *counts,
                            struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_correlation_plan_events(context, request, users, first, count, stats, &plan,
                                      reterr_error));
    const struct counting counting = {.context = context, .users = users, .place_count = count};
    RC_TRY_OR(reterr_error, walk(&counting, plan, stats, counts));
    return RC_OK;
}

/* Users have their properties whatever they did. */
static enum rc_status
count_users(const struct counting *counting, uint64_t *counts)
{
    const struct rc_correlation_users *users = counting->users;
    const struct rc_hit no_hit = {0};
    RC_CLEANUP(lane_close) struct lane lane = {0};
    RC_TRY(lane_open(&lane, counting));
    for (size_t word = 0; word < users->word_count; word++)
        for (uint64_t left = users->population[word]; left != 0; left &= left - 1) {
            const uint32_t person = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
            count_set(&lane, person, rc_groups_of(counting->groups, person, &no_hit));
        }
    memcpy(counts, lane.counts, 2 * counting->place_count * sizeof(*counts));
    return RC_OK;
}

enum rc_status
rc_correlation_plan_values(const struct rc_query_context *context,
                           const struct rc_correlation_request *request,
                           const struct rc_correlation_users *users,
                           uint32_t property,
                           struct rc_query_stats *stats,
                           struct rc_plan **ret_plan,
                           struct rc_groups **ret_groups,
                           struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_ALL_OF};
    struct rc_plan_selector selector = {.predicate = request->among == NULL ? &any : request->among,
                                        .field = "among"};
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(make_plan(context, &request->scope, users, &selector, 1, stats, &plan, reterr_error));
    const enum rc_status status = rc_groups_new(plan, &request->properties[property],
                                                request->scope.as_of_ms, ret_groups, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "properties[%u]", property);
    RC_TRY(status);
    *ret_plan = RC_TAKE(plan);
    return RC_OK;
}

enum rc_status
rc_correlation_count_values(const struct rc_query_context *context,
                            const struct rc_correlation_request *request,
                            const struct rc_correlation_users *users,
                            uint32_t property,
                            struct rc_query_stats *stats,
                            struct rc_plan **ret_plan,
                            struct rc_groups **ret_groups,
                            uint64_t **ret_counts,
                            struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_CLEANUP(rc_groups_freep) struct rc_groups *groups = NULL;
    RC_TRY(rc_correlation_plan_values(context, request, users, property, stats, &plan, &groups,
                                      reterr_error));
    const struct counting counting = {.context = context,
                                      .users = users,
                                      .groups = groups,
                                      .place_count = rc_groups_count(groups)};
    const size_t size_bytes = 2 * counting.place_count * sizeof(uint64_t);
    RC_CLEANUP(rc_alloc_freep) uint64_t *counts = rc_alloc_in(context->account, size_bytes + 1);
    if (counts == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a property's values");
    memset(counts, 0, size_bytes);
    RC_TRY_OR(reterr_error, rc_correlation_is_of_users(request, property)
                                ? count_users(&counting, counts)
                                : walk(&counting, plan, stats, counts));
    *ret_plan = RC_TAKE(plan);
    *ret_groups = RC_TAKE(groups);
    *ret_counts = RC_TAKE(counts);
    return RC_OK;
}
