/*
 * Plan. Rowsets are fetched before the walk begins, all (stream, slab) pairs in parallel: a missing
 * one costs a scan of its columns, and the walk then knows how many hits to expect and cuts its
 * blocks by that.
 *
 * First events are found before, each selector of them by a plan and a walk of its own; a filter
 * beside it is an ordinary predicate, whose rows are cut with them.
 */
#include "engine/query/plan.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/entities.h"
#include "engine/query/first.h"
#include "engine/query/walk.h"

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
                                  &resolved, reterr_error));
    RC_TRY(find_first(plan, as_of_ms, &resolved, &first, reterr_error));
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
            .bit = bit,
            .matcher = matcher,
            .part = part,
            .persons = rc_matcher_part_persons(matcher, part),
            .first = first,
            .from_ms = selector->from_ms,
            .until_ms = selector->until_ms,
        };
        plan->reads_persons = plan->reads_persons || stream->persons != NULL;
    }
    plan->streams = streams;
    plan->stream_count += parts;
    return RC_OK;
}

static bool
stream_sees(const struct rc_stream *stream, const struct rc_slab_info *info)
{
    return stream->from_ms <= info->time_max_ms && stream->until_ms > info->time_min_ms;
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
            seen = stream_sees(&plan->streams[s], info);
        if (!seen) {
            plan->slabs_pruned++;
            continue;
        }
        struct rc_rowset **sets =
            RC_ARENA_ARRAY(plan->context->arena, struct rc_rowset *, plan->stream_count);
        if (sets == NULL)
            return RC_NO_MEMORY;
        plan->slabs[plan->slab_count++] = (struct rc_plan_slab){.index = i, .sets = sets};
    }
    return RC_OK;
}

struct fetch {
    struct rc_plan *plan;
    _Atomic(int) status; /* The first one that is not RC_OK. */
};

/* The rowset of a stream in a slab. A slab with rows that match stays in use, for the walk. */
static enum rc_status
fetch_set(struct rc_plan *plan,
          const struct rc_stream *stream,
          uint32_t slab,
          struct rc_rowset **ret_set)
{
    struct rc_view *view = plan->context->view;
    struct rc_rowset *set = NULL;
    if (stream->first != NULL && rc_first_slab(stream->first, slab) == NULL)
        return RC_OK;
    RC_TRY(rc_view_use_slab(view, slab, 0, NULL));
    enum rc_status status =
        rc_matcher_slab(stream->matcher, stream->part, slab, plan->context->cancel, &set);
    if (status == RC_OK && stream->first != NULL) {
        struct rc_rowset *all = set;
        status = rc_first_intersect(stream->first, slab, all, &set);
        rc_rowset_unref(all);
    }
    if (status == RC_OK && rc_rowset_cardinality(set) > 0) {
        *ret_set = set;
        return rc_view_use_slab(view, slab, RC_SLAB_PARTS_ROWS, NULL);
    }
    rc_rowset_unref(set);
    rc_view_unuse_slab(view, slab);
    return status;
}

static void
fetch_one(void *argument, uint32_t index)
{
    struct fetch *fetch = argument;
    struct rc_plan *plan = fetch->plan;
    struct rc_plan_slab *slab = &plan->slabs[index / plan->stream_count];
    const uint32_t s = index % plan->stream_count;
    const struct rc_stream *stream = &plan->streams[s];
    const struct rc_view_slab *view_slab =
        &rc_view_slabs(plan->context->view, &(uint32_t){0})[slab->index];
    if (!stream_sees(stream, rc_slab_get_info(view_slab->slab)) ||
        atomic_load_explicit(&fetch->status, memory_order_relaxed) != RC_OK)
        return;
    const enum rc_status status = fetch_set(plan, stream, slab->index, &slab->sets[s]);
    int expected = RC_OK;
    if (status != RC_OK)
        atomic_compare_exchange_strong(&fetch->status, &expected, (int)status);
}

/* Fetches the rowsets; drops empty ones, and slabs that have no other. */
static enum rc_status
fetch_sets(struct rc_plan *plan)
{
    struct fetch fetch = {.plan = plan};
    rc_workers_run(plan->context->workers, plan->context->parallel_max,
                   plan->slab_count * plan->stream_count, fetch_one, &fetch);
    RC_TRY((enum rc_status)atomic_load(&fetch.status));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct rc_plan_slab slab = plan->slabs[i];
        for (uint32_t s = 0; s < plan->stream_count; s++) {
            const uint64_t cardinality =
                slab.sets[s] == NULL ? 0 : rc_rowset_cardinality(slab.sets[s]);
            slab.hits_max += cardinality;
            if (cardinality == 0)
                slab.sets[s] = rc_rowset_unref(slab.sets[s]);
        }
        plan->hits_max += slab.hits_max;
        if (slab.hits_max > 0)
            plan->slabs[kept++] = slab;
    }
    plan->slab_count = kept;
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
    RC_ASSERT(selector_count > 0 && selector_count <= RC_SELECTORS_MAX);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = rc_arena_zero(context->arena, sizeof(*plan));
    if (plan == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the plan");
    struct rc_match_cache_stats stats;
    rc_match_cache_get_stats(context->cache, &stats);
    plan->context = context;
    plan->persons = persons;
    plan->reads_persons = persons != NULL;
    plan->stats_hits_before = stats.hits;
    plan->stats_misses_before = stats.misses;
    for (uint32_t i = 0; i < selector_count; i++) {
        const enum rc_status status =
            compile(plan, as_of_ms, &selectors[i], (uint64_t)1 << i, reterr_error);
        const bool named =
            selectors[i].field[0] != '\0' &&
            (status == RC_INVALID || status == RC_LIMIT_EXCEEDED || status == RC_UNSUPPORTED);
        if (named)
            rc_error_prefix(reterr_error, "%s", selectors[i].field);
        RC_TRY(status);
    }
    RC_TRY_OR(reterr_error, list_slabs(plan));
    const enum rc_status fetched = fetch_sets(plan);
    RC_TRY(rc_view_check_reads(context->view, reterr_error));
    RC_TRY_OR(reterr_error, fetched);
    *ret_plan = RC_TAKE(plan);
    return RC_OK;
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
    if (counted->entity.size > 0)
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

struct rc_plan *
rc_plan_free(struct rc_plan *plan)
{
    if (plan != NULL)
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
    struct rc_match_cache_stats cache;
    rc_match_cache_get_stats(plan->context->cache, &cache);
    stats->rowsets_cached += cache.hits - plan->stats_hits_before;
    stats->rowsets_built += cache.misses - plan->stats_misses_before;
    stats->slabs_read += plan->slab_count;
    stats->slabs_pruned += plan->slabs_pruned;
}
