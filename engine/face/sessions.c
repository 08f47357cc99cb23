/* Query sessions and statistics of a project. */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/face/engine_state.h"
#include "engine/match/leaf/pattern.h"
#include "engine/query/plan/explain.h"
#include "engine/query/too_slow.h"

#define QUERY_BYTES_MAX ((uint64_t)1 << 30)

struct rc_query_session {
    struct tenant *tenant;
    struct rc_account account; /* Child of the project's: bounds this query alone. */
    struct rc_arena *arena;
    struct rc_catalog *definitions;
    struct rc_catalog *segments;
    struct rc_catalog *derived;
    struct rc_name_uses uses[RC_CATALOG_KINDS];
    struct rc_project_settings settings;
    struct rc_pattern *shown_ids;
    struct rc_slow_place slow;
    struct rc_query_context context;
};

static enum rc_status
begin(struct rc_query_session *session, const _Atomic(bool) *cancel)
{
    struct tenant *tenant = session->tenant;
    session->arena = rc_arena_new(&session->account, 0);
    if (session->arena == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_project_get_settings(tenant->project, session->arena, &session->settings));
    const struct rc_bytes shown_ids = session->settings.shown_ids;
    if (shown_ids.size > 0)
        RC_TRY(rc_pattern_new_later(shown_ids.data, shown_ids.size, false, &session->shown_ids));
    session->definitions = rc_project_catalog(tenant->project, RC_CATALOG_DEFINITIONS);
    session->segments = rc_project_catalog(tenant->project, RC_CATALOG_SEGMENTS);
    session->derived = rc_project_catalog(tenant->project, RC_CATALOG_PROPERTIES);
    RC_TRY(rc_project_view(tenant->project, &session->account, &session->context.view));
    session->context.cache = tenant->cache;
    session->context.definitions = session->definitions;
    session->context.uses = session->uses;
    for (uint32_t i = 0; i < RC_CATALOG_KINDS; i++)
        session->uses[i].arena = session->arena;
    session->context.segments = session->segments;
    session->context.derived = session->derived;
    session->context.project = session->settings.id;
    session->context.read_cell = tenant->engine->read_cell;
    session->context.shown_ids = session->shown_ids;
    session->context.workers = tenant->engine->workers;
    /* One worker is more than the processors (engine.c). */
    session->context.parallel_max = rc_workers_count(tenant->engine->workers) - 1;
    session->context.cancel = cancel;
    session->context.account = &session->account;
    session->context.arena = session->arena;
    session->context.slow = &session->slow;
    return RC_OK;
}

enum rc_status
rc_engine_begin_query(struct rc_engine *engine,
                      struct rc_bytes project,
                      const _Atomic(bool) *cancel,
                      uint64_t memory_bytes_max,
                      struct rc_query_session **ret_session,
                      struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    RC_CLEANUP(rc_query_session_endp)
    struct rc_query_session *session = rc_alloc_zero(sizeof(*session));
    if (session == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to begin a query");
    /* Bitmaps of earlier queries must not keep the project above its limit. */
    const enum rc_status fits = rc_tenant_check_memory(tenant, 0, NULL);
    (void)fits;
    session->account.parent = rc_project_account_of(tenant->project, RC_MEMORY_QUERIES);
    session->account.limit_bytes = memory_bytes_max != 0 ? memory_bytes_max : QUERY_BYTES_MAX;
    session->tenant = RC_TAKE(tenant);
    RC_TRY_OR(reterr_error, begin(session, cancel));
    *ret_session = RC_TAKE(session);
    return RC_OK;
}

const struct rc_query_context *
rc_query_session_context(const struct rc_query_session *session)
{
    return &session->context;
}

enum rc_status
rc_query_session_steer(struct rc_query_session *session,
                       struct rc_query_hints *hints,
                       struct rc_query_progress *progress,
                       struct rc_error *reterr_error)
{
    struct rc_query_context *context = &session->context;
    if (hints != NULL && hints->parallel > context->parallel_max)
        return rc_error_field(reterr_error, RC_INVALID, hints->parallel_field,
                              "there are %u processors, not %u", context->parallel_max,
                              hints->parallel);
    if (hints != NULL && hints->parallel != 0)
        context->parallel_max = hints->parallel;
    context->hints = hints;
    context->progress = progress;
    return RC_OK;
}

enum rc_status
rc_query_session_explain(struct rc_query_session *session, struct rc_explain **ret_explain)
{
    struct rc_query_context *context = &session->context;
    struct rc_explain *explain = rc_arena_zero(context->arena, sizeof(*explain));
    if (explain == NULL)
        return RC_NO_MEMORY;
    explain->arena = context->arena;
    explain->parallel_max = context->parallel_max;
    context->explain = explain;
    *ret_explain = explain;
    return RC_OK;
}

const struct rc_project_settings *
rc_query_session_settings(const struct rc_query_session *session)
{
    return &session->settings;
}

enum rc_status
rc_query_session_check(const struct rc_query_session *session, struct rc_error *reterr_error)
{
    return rc_view_check_reads(session->context.view, reterr_error);
}

enum rc_status
rc_query_session_place(const struct rc_query_session *session,
                       enum rc_status status,
                       struct rc_error *error)
{
    if (status != RC_NO_MEMORY || !atomic_load(&session->account.refused))
        return rc_too_slow_noted(&session->context, status, error);
    return rc_error_set(error, RC_LIMIT_EXCEEDED,
                        "the query is at its memory limit of %llu bytes (query-memory-max)",
                        (unsigned long long)session->account.limit_bytes);
}

struct rc_query_session *
rc_query_session_end(struct rc_query_session *session)
{
    if (session == NULL)
        return NULL;
    rc_view_release(session->context.view);
    rc_catalog_unref(session->definitions);
    rc_catalog_unref(session->segments);
    rc_catalog_unref(session->derived);
    rc_pattern_free(session->shown_ids);
    rc_arena_free(session->arena);
    RC_ASSERT(rc_account_used(&session->account) == 0);
    rc_tenant_unref(session->tenant);
    return rc_alloc_free(session);
}

enum rc_status
rc_engine_drop_cache(struct rc_engine *engine,
                     struct rc_bytes project,
                     struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    rc_match_cache_clear(tenant->cache);
    return RC_OK;
}

static void
see_time(struct rc_project_stats *stats, bool *any, int64_t least_ms, int64_t greatest_ms)
{
    if (!*any || least_ms < stats->time_min_ms)
        stats->time_min_ms = least_ms;
    if (!*any || greatest_ms > stats->time_max_ms)
        stats->time_max_ms = greatest_ms;
    *any = true;
}

static void
count_rows(const struct rc_view *view, struct rc_project_stats *stats)
{
    bool any = false;
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    stats->slab_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[i].slab);
        stats->events += info->row_count - slabs[i].dead_count;
        stats->dead_events += slabs[i].dead_count;
        stats->stored_bytes += info->size_bytes;
        stats->cold_slab_count += rc_slab_is_cold(slabs[i].slab);
        see_time(stats, &any, info->time_min_ms, info->time_max_ms);
    }
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t dead = 0;
        for (uint32_t w = 0; chunks[i].dead != NULL && w < RC_CHUNK_ROWS / 64; w++)
            dead += (uint32_t)__builtin_popcountll(chunks[i].dead[w]);
        stats->head_rows += chunks[i].row_count;
        stats->events += chunks[i].row_count - dead;
        stats->dead_events += dead;
        for (uint32_t row = 0; row < chunks[i].row_count; row++)
            see_time(stats, &any, chunks[i].times_ms[row], chunks[i].times_ms[row]);
    }
}

/* Each kind is read by itself while others allocate; the sum of what was read is what is said. */
static void
count_memory(struct rc_project *project, struct rc_project_stats *stats)
{
    uint64_t *const kinds[RC_MEMORY_KIND_COUNT] = {
        [RC_MEMORY_SLABS] = &stats->slab_bytes,
        [RC_MEMORY_COLD] = &stats->cold_bytes,
        [RC_MEMORY_HEADS] = &stats->head_bytes,
        [RC_MEMORY_DICTIONARIES] = &stats->dictionary_bytes,
        [RC_MEMORY_USERS] = &stats->user_bytes,
        [RC_MEMORY_BITMAPS] = &stats->bitmap_bytes,
        [RC_MEMORY_QUERIES] = &stats->query_bytes,
    };
    uint64_t known = 0;
    for (size_t i = 0; i < RC_MEMORY_KIND_COUNT; i++) {
        *kinds[i] = rc_account_used(rc_project_account_of(project, (enum rc_memory_kind)i));
        known += *kinds[i];
    }
    const uint64_t all = rc_account_used(rc_project_account(project));
    stats->other_bytes = all > known ? all - known : 0;
    stats->memory_bytes = known + stats->other_bytes;
}

enum rc_status
rc_engine_project_stats(struct rc_engine *engine,
                        struct rc_bytes project,
                        struct rc_project_stats *ret_stats,
                        struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    RC_TRY(rc_engine_begin_query(engine, project, NULL, 0, &session, reterr_error));
    const struct rc_view *view = session->context.view;
    struct rc_project_stats stats = {
        .users = rc_view_live_user_count(view),
        .event_properties = rc_properties_count(rc_view_event_properties(view)),
        .user_properties = rc_properties_count(rc_view_user_properties(view)),
        .data_version = rc_view_data_version(view),
    };
    count_rows(view, &stats);
    count_memory(session->tenant->project, &stats);
    struct rc_match_cache_stats cache;
    rc_match_cache_get_stats(session->tenant->cache, &cache);
    stats.test_bytes = cache.leaf_bytes;
    stats.derived_column_bytes = cache.column_bytes;
    *ret_stats = stats;
    return RC_OK;
}
