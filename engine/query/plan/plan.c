/*
 * Plan. Selectors are compiled, slabs that no selector can see are left out, the planner chooses
 * and plan_fetch.c does what it chose. The clock is read for EXPLAIN only.
 *
 * First events are found before, each selector of them by a plan and a walk of its own; a filter
 * beside it is an ordinary predicate, whose rows are cut with them.
 */
#include "engine/query/plan/plan.h"
#include "engine/match/derived/derived.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/match/leaf/account_leaf.h"
#include "engine/query/plan/plan_fetch.h"
#include "engine/query/walk/entities.h"
#include "engine/query/walk/first.h"
#include "engine/query/walk/walk.h"

#define EVERYBODY UINT32_MAX /* No ordinal is so great. */

/* Finds the first events that a resolved selector asks for, and puts its filter in its place. */
static enum rc_status
find_first(struct rc_plan *plan,
           int64_t as_of_ms,
           const struct rc_predicate **predicate,
           const struct rc_first **ret_first,
           struct rc_error *reterr_error)
{
    static const struct rc_predicate any_event = {.kind = RC_PREDICATE_TRUE};
    const struct rc_predicate *node = rc_predicate_first(*predicate);
    *ret_first = NULL;
    if (node == NULL)
        return RC_OK;
    RC_TRY(rc_first_new(plan->context, as_of_ms, plan->persons, node->children[0],
                        &plan->firsts[plan->first_count], reterr_error));
    *ret_first = plan->firsts[plan->first_count++];
    *predicate = *predicate == node ? &any_event : (*predicate)->children[1];
    return RC_OK;
}

/* Compiles one selector into streams. */
static enum rc_status
compile(struct rc_plan *plan,
        int64_t as_of_ms,
        const struct rc_plan_selector *selector,
        uint64_t bit,
        struct rc_error *reterr_error)
{
    const struct rc_query_context *context = plan->context;
    const struct rc_predicate *resolved;
    const struct rc_first *first;
    struct rc_matcher *matcher;
    if (selector->predicate == NULL)
        return rc_error_set(reterr_error, RC_INVALID, "the selector is missing");
    RC_TRY(rc_predicate_check(selector->predicate, reterr_error));
    RC_TRY(rc_definitions_resolve(context->definitions, selector->predicate, context->arena,
                                  rc_query_uses(context, RC_CATALOG_DEFINITIONS), &resolved,
                                  reterr_error));
    RC_TRY(rc_derived_resolve(context->derived, resolved, context->arena,
                              rc_query_uses(context, RC_CATALOG_PROPERTIES), &resolved,
                              reterr_error));
    RC_TRY(find_first(plan, as_of_ms, &resolved, &first, reterr_error));
    RC_TRY_OR(reterr_error, rc_account_leaves_resolve(context->view, as_of_ms, resolved,
                                                      context->arena, &resolved));
    RC_TRY(rc_matcher_new(context->cache, context->view, as_of_ms, context->cancel, resolved,
                          context->arena, &matcher, reterr_error));
    plan->matchers[plan->matcher_count++] = matcher;
    const uint32_t parts = rc_matcher_part_count(matcher);
    struct rc_stream *streams =
        RC_ARENA_ARRAY(context->arena, struct rc_stream, plan->stream_count + parts);
    if (streams == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a selector");
    if (plan->stream_count > 0)
        memcpy(streams, plan->streams, plan->stream_count * sizeof(*streams));
    for (uint32_t part = 0; part < parts; part++) {
        struct rc_stream *stream = &streams[plan->stream_count + part];
        *stream = (struct rc_stream){
            .selector = plan->matcher_count - 1,
            .bit = bit,
            .matcher = matcher,
            .part = part,
            .persons = rc_matcher_part_persons(matcher, part),
            .first = first,
            .from_ms = selector->from_ms,
            .until_ms = selector->until_ms,
        };
        memcpy(stream->field, selector->field, sizeof(stream->field));
        plan->reads_persons = plan->reads_persons || stream->persons != NULL;
    }
    plan->streams = streams;
    plan->stream_count += parts;
    return RC_OK;
}

/* Puts a slab behind those of earlier windows, and in its window behind those with earlier times:
 * what was sent in order of time then comes in it, whichever slab a merge wrote last. */
static void
add_slab(struct rc_plan *plan, const struct rc_view_slab *slabs, struct rc_plan_slab added)
{
    const struct rc_slab_info *info = rc_slab_get_info(slabs[added.index].slab);
    uint32_t at = plan->slab_count++;
    for (; at > 0; at--) {
        const struct rc_slab_info *before = rc_slab_get_info(slabs[plan->slabs[at - 1].index].slab);
        if (before->window_start_ms < info->window_start_ms ||
            before->time_min_ms <= info->time_min_ms)
            break;
        plan->slabs[at] = plan->slabs[at - 1];
    }
    plan->slabs[at] = added;
}

/* Lists the slabs that some stream can see. */
static enum rc_status
list_slabs(struct rc_plan *plan)
{
    uint32_t count;
    const struct rc_view_slab *slabs = rc_view_slabs(plan->context->view, &count);
    plan->slabs = RC_ARENA_ARRAY(plan->context->arena, struct rc_plan_slab, count);
    if (plan->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[i].slab);
        bool seen = false;
        for (uint32_t s = 0; s < plan->stream_count && !seen; s++)
            seen = rc_plan_stream_sees(&plan->streams[s], info);
        if (!seen) {
            plan->slabs_pruned++;
            continue;
        }
        struct rc_rowset **sets =
            RC_ARENA_ARRAY(plan->context->arena, struct rc_rowset *, plan->stream_count);
        if (sets == NULL)
            return RC_NO_MEMORY;
        add_slab(plan, slabs,
                 (struct rc_plan_slab){.index = i, .row_count = info->row_count, .sets = sets});
    }
    return RC_OK;
}

/* Makes room for what is to be written down. */
static void
open_explain(struct rc_plan *plan, const struct rc_plan_users *users)
{
    struct rc_explain *explain = plan->context->explain;
    struct rc_explain_plan *out = rc_explain_add_plan(explain, plan->stream_count);
    plan->explain = out;
    if (out == NULL)
        return;
    out->slabs = plan->slab_count + plan->slabs_pruned;
    out->slabs_by_time = plan->slabs_pruned;
    out->users = users->everybody ? UINT32_MAX : users->count;
    const bool detail =
        explain->detail && (uint64_t)plan->slab_count * plan->stream_count <= RC_EXPLAIN_SLABS_MAX;
    for (uint32_t s = 0; s < plan->stream_count; s++) {
        const struct rc_stream *stream = &plan->streams[s];
        struct rc_explain_selector *selector = &out->selectors[s];
        memcpy(selector->field, stream->field, sizeof(selector->field));
        selector->part = stream->part;
        selector->part_count = rc_matcher_part_count(stream->matcher);
        selector->predicate = rc_matcher_part_predicate(stream->matcher, stream->part);
        selector->reads_user = stream->persons != NULL;
        selector->slabs_by_time = plan->slabs_pruned;
        if (detail)
            selector->slab_list =
                RC_ARENA_ARRAY(explain->arena, struct rc_explain_slab, plan->slab_count);
    }
}

/* Where every stream is about some users, so is the plan. A plan that is not run does not know whom
 * its segment holds, but it knows these. */
static enum rc_status
narrow_persons(struct rc_plan *plan)
{
    const size_t word_count = ((size_t)rc_view_user_count(plan->context->view) + 63) / 64;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if (plan->streams[s].persons == NULL)
            return RC_OK;
    uint64_t *persons = RC_ARENA_ARRAY(plan->context->arena, uint64_t, word_count);
    if (persons == NULL)
        return RC_NO_MEMORY;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        for (size_t word = 0; word < word_count; word++)
            persons[word] |= plan->streams[s].persons[word];
    for (size_t word = 0; plan->persons != NULL && !plan->plan_only && word < word_count; word++)
        persons[word] &= plan->persons[word];
    plan->persons = persons;
    plan->narrowed = true;
    return RC_OK;
}

/* Whom the plan is for. */
static enum rc_status
find_users(const struct rc_plan *plan, uint32_t person, struct rc_plan_users *ret_users)
{
    if (person != EVERYBODY)
        return rc_plan_users_of_one(plan->context, person, ret_users);
    const bool unknown = plan->plan_only && !plan->narrowed;
    return rc_plan_users_of(plan->context, unknown ? NULL : plan->persons, ret_users);
}

/* Hints are not of the selector whose plan of first events cannot follow them. */
static const char *
field_of_error(const struct rc_error *error)
{
    return error == NULL ? "" : error->field;
}

static enum rc_status
compile_all(struct rc_plan *plan,
            int64_t as_of_ms,
            const struct rc_plan_selector *selectors,
            uint32_t selector_count,
            struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < selector_count; i++) {
        const enum rc_status status =
            compile(plan, as_of_ms, &selectors[i], (uint64_t)1 << i, reterr_error);
        const bool named =
            selectors[i].field[0] != '\0' &&
            (status == RC_INVALID || status == RC_NOT_FOUND || status == RC_LIMIT_EXCEEDED ||
             status == RC_UNSUPPORTED || status == RC_TOO_SLOW) &&
            strncmp(field_of_error(reterr_error), "scope.hints", 11) != 0;
        if (named)
            rc_error_prefix(reterr_error, "%s", selectors[i].field);
        RC_TRY(status);
    }
    return RC_OK;
}

/* person EVERYBODY: a plan for persons. */
static enum rc_status
new_plan(const struct rc_query_context *context,
         int64_t as_of_ms,
         const uint64_t *persons,
         uint32_t person,
         const struct rc_plan_selector *selectors,
         uint32_t selector_count,
         struct rc_plan **ret_plan,
         struct rc_error *reterr_error)
{
    RC_ASSERT(selector_count > 0 && selector_count <= RC_SELECTORS_MAX);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = rc_arena_zero(context->arena, sizeof(*plan));
    struct rc_plan_users users;
    if (plan == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the plan");
    const uint64_t begin_ns = context->explain == NULL ? 0 : rc_clock_monotonic_ns();
    plan->context = context;
    plan->persons = persons;
    plan->reads_persons = persons != NULL;
    plan->plan_only = context->explain != NULL && context->explain->plan_only;
    RC_TRY(compile_all(plan, as_of_ms, selectors, selector_count, reterr_error));
    RC_TRY_OR(reterr_error, narrow_persons(plan));
    const uint64_t compiled_ns = context->explain == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY_OR(reterr_error, find_users(plan, person, &users));
    plan->few_users = !users.everybody && users.count <= RC_PLAN_USERS_LISTED;
    RC_TRY_OR(reterr_error, list_slabs(plan));
    if (context->explain != NULL)
        open_explain(plan, &users);
    if (plan->explain != NULL) {
        plan->explain->compile_ns = compiled_ns - begin_ns;
        plan->explain->plan_ns = rc_clock_monotonic_ns() - compiled_ns;
    }
    const enum rc_status fetched = rc_plan_fetch(plan, &users, reterr_error);
    if (fetched != RC_INVALID)
        RC_TRY(rc_view_check_reads(context->view, reterr_error));
    RC_TRY(fetched);
    *ret_plan = RC_TAKE(plan);
    return RC_OK;
}

enum rc_status
rc_plan_new(const struct rc_query_context *context,
            int64_t as_of_ms,
            const uint64_t *persons,
            const struct rc_plan_selector *selectors,
            uint32_t selector_count,
            struct rc_plan **ret_plan,
            struct rc_error *reterr_error)
{
    return new_plan(context, as_of_ms, persons, EVERYBODY, selectors, selector_count, ret_plan,
                    reterr_error);
}

enum rc_status
rc_plan_new_for_person(const struct rc_query_context *context,
                       int64_t as_of_ms,
                       uint32_t person,
                       const struct rc_plan_selector *selectors,
                       uint32_t selector_count,
                       struct rc_plan **ret_plan,
                       struct rc_error *reterr_error)
{
    return new_plan(context, as_of_ms, NULL, person, selectors, selector_count, ret_plan,
                    reterr_error);
}

enum rc_status
rc_plan_counted(const struct rc_query_context *context,
                int64_t as_of_ms,
                const struct rc_counted *counted,
                const struct rc_plan_selector *selectors,
                uint32_t selector_count,
                struct rc_plan **ret_plan,
                struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_new(context, as_of_ms, counted->persons, selectors, selector_count, &plan,
                       reterr_error));
    if (counted->entity.size > 0 && context->entities != NULL)
        plan->entities = context->entities;
    else if (counted->entity.size > 0)
        RC_TRY(rc_entities_new(plan, counted->entity, &plan->entities, reterr_error));
    *ret_plan = RC_TAKE(plan);
    return RC_OK;
}

uint32_t
rc_plan_user_of(const struct rc_plan *plan, uint32_t person, const struct rc_hit *hit)
{
    struct rc_view *view = plan->context->view;
    return plan->entities == NULL ? person : rc_view_person_of(view, rc_hit_user(view, hit));
}

enum rc_status
rc_plan_narrow(const struct rc_plan *plan, uint64_t selectors, struct rc_plan *ret_plan)
{
    struct rc_arena *arena = plan->context->arena;
    struct rc_plan narrowed = *plan;
    narrowed.streams = RC_ARENA_ARRAY(arena, struct rc_stream, plan->stream_count);
    narrowed.slabs = RC_ARENA_ARRAY(arena, struct rc_plan_slab, plan->slab_count);
    if (narrowed.streams == NULL || narrowed.slabs == NULL)
        return RC_NO_MEMORY;
    narrowed.stream_count = 0;
    narrowed.slab_count = 0;
    narrowed.hits_max = 0;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if ((plan->streams[s].bit & selectors) != 0)
            narrowed.streams[narrowed.stream_count++] = plan->streams[s];
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct rc_plan_slab slab = {.index = plan->slabs[i].index,
                                    .row_count = plan->slabs[i].row_count};
        slab.sets = RC_ARENA_ARRAY(arena, struct rc_rowset *, narrowed.stream_count);
        if (slab.sets == NULL)
            return RC_NO_MEMORY;
        uint32_t at = 0;
        for (uint32_t s = 0; s < plan->stream_count; s++) {
            if ((plan->streams[s].bit & selectors) == 0)
                continue;
            slab.sets[at++] = plan->slabs[i].sets[s];
            if (plan->slabs[i].sets[s] != NULL)
                slab.hits_max += rc_rowset_cardinality(plan->slabs[i].sets[s]);
        }
        narrowed.hits_max += slab.hits_max;
        if (slab.hits_max > 0)
            narrowed.slabs[narrowed.slab_count++] = slab;
    }
    *ret_plan = narrowed;
    return RC_OK;
}

struct rc_plan *
rc_plan_free(struct rc_plan *plan)
{
    if (plan != NULL && plan->entities != plan->context->entities)
        plan->entities = rc_entities_free(plan->entities);
    for (uint32_t i = 0; plan != NULL && i < plan->slab_count; i++)
        for (uint32_t s = 0; s < plan->stream_count; s++)
            rc_rowset_unref(plan->slabs[i].sets[s]);
    for (uint32_t i = 0; plan != NULL && i < plan->matcher_count; i++)
        rc_matcher_free(plan->matchers[i]);
    for (uint32_t i = 0; plan != NULL && i < plan->first_count; i++)
        rc_first_free(plan->firsts[i]);
    return NULL;
}

void
rc_plan_add_stats(const struct rc_plan *plan, struct rc_query_stats *stats)
{
    stats->rowsets_cached += plan->rowsets_cached;
    stats->rowsets_built += plan->rowsets_built;
    stats->slabs_read += plan->slab_count;
    stats->slabs_pruned += plan->slabs_pruned;
}

const struct rc_view_slab *
rc_plan_view_slab(const struct rc_plan *plan, uint32_t plan_slab)
{
    uint32_t count;
    return &rc_view_slabs(plan->context->view, &count)[plan->slabs[plan_slab].index];
}
