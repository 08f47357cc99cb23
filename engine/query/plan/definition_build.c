/* Definition build: resolves, and hands the predicates to match/build.h. Of a definition of first
 * events the base is built: what is first depends on all of a user's events. Leaves over an account
 * are built as they stand now. */
#include "engine/query/plan/definition_build.h"

#include "engine/match/build.h"
#include "engine/match/derived/derived.h"
#include "engine/match/leaf/account_leaf.h"

enum rc_status
rc_definitions_build(const struct rc_query_context *context,
                     const struct rc_catalog_entry *entries,
                     uint32_t count,
                     struct rc_definitions_built *ret_built,
                     struct rc_error *reterr_error)
{
    struct rc_match_cache_stats before;
    struct rc_match_cache_stats after;
    struct rc_definitions_built built = {.data_version = rc_view_data_version(context->view)};
    const struct rc_predicate **predicates =
        RC_ARENA_ARRAY(context->arena, const struct rc_predicate *, count);
    bool *uncounted = RC_ARENA_ARRAY(context->arena, bool, count);
    built.event_counts = RC_ARENA_ARRAY(context->arena, uint64_t, count);
    if (predicates == NULL || uncounted == NULL || built.event_counts == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u definitions", count);
    for (uint32_t i = 0; i < count; i++) {
        const enum rc_status status = rc_definitions_resolve_name(
            context->definitions, entries[i].name, context->arena,
            rc_query_uses(context, RC_CATALOG_DEFINITIONS), &predicates[i], reterr_error);
        if (status == RC_NOT_FOUND || status == RC_LIMIT_EXCEEDED)
            rc_error_prefix(reterr_error, "names[%u]", i);
        RC_TRY(status);
        RC_TRY(rc_derived_resolve(context->derived, predicates[i], context->arena,
                                  rc_query_uses(context, RC_CATALOG_PROPERTIES), &predicates[i],
                                  reterr_error));
        const struct rc_predicate *first = rc_predicate_first(predicates[i]);
        if (first != NULL)
            predicates[i] = first->children[0];
        const struct rc_predicate *named = predicates[i];
        RC_TRY_OR(reterr_error, rc_account_leaves_resolve(context->view, INT64_MAX, named,
                                                          context->arena, &predicates[i]));
        uncounted[i] = first != NULL || predicates[i] != named;
    }
    const struct rc_build build = {
        .cache = context->cache,
        .view = context->view,
        .workers = context->workers,
        .parallel_max = context->parallel_max,
        .cancel = context->cancel,
        .account = context->account,
    };
    rc_match_cache_get_stats(context->cache, &before);
    RC_TRY(rc_build(&build, predicates, count, built.event_counts, reterr_error));
    rc_match_cache_get_stats(context->cache, &after);
    for (uint32_t i = 0; i < count; i++)
        if (uncounted[i] && built.event_counts[i] != RC_BUILD_TOO_SLOW)
            built.event_counts[i] = RC_BUILD_UNCOUNTED;
    built.rowsets_built = after.misses - before.misses;
    built.rowsets_cached = after.hits - before.hits;
    *ret_built = built;
    return RC_OK;
}
