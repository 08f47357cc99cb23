/*
 * Eager definitions: their bitmaps are built before anybody asks. The keeper looks at each project
 * a few times a second; a project without eager definitions, or in which neither they nor the slabs
 * have changed since, costs a comparison. There is one build of a project at a time, on one thread
 * of those that tidy, so that ingestion and queries go first.
 *
 * A slab that is both small and new is left alone for a while: most of those are merged before
 * anybody asks, and the merged one is built once in place of sixteen. Queries do not wait for any
 * of this: what is missing they compute.
 *
 * A snapshot stores these bitmaps beside the slabs (keep/bitmaps.h), and a start finds them; the
 * look that follows computes what is missing.
 *
 * A build that fails (memory, a cold slab that cannot be read) is tried again when something
 * changes. What the cache has evicted is not built again until then: it was evicted for a reason.
 */
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/face/engine_state.h"
#include "engine/keep/bitmaps.h"
#include "engine/match/build.h"
#include "engine/match/cache/match_stored.h"
#include "engine/match/derived/derived.h"
#include "engine/match/leaf/account_leaf.h"
#include "engine/match/predicate/definitions.h"

/* A slab of fewer rows waits until it is so old, or twice as old at most: while events stream in,
 * sixteen full heads become one slab within seconds, and sixteen of those another. What a query
 * misses of the newest million rows it computes in a fraction of a millisecond. */
#define SMALL_SLAB_ROWS ((uint32_t)1 << 22)
uint64_t rc_eager_settled_ns = (uint64_t)10000000000;

/* What a build sees. */
struct eager {
    struct tenant *tenant;
    struct rc_catalog *definitions;
    struct rc_catalog *derived; /* Predicates point into it. */
    struct rc_view *view;
    struct rc_arena *arena;
    uint32_t predicate_count;
    const struct rc_predicate **predicates;
};

static void
eager_close(struct eager *eager)
{
    rc_catalog_unref(eager->definitions);
    rc_catalog_unref(eager->derived);
    rc_view_release(eager->view);
    rc_arena_free(eager->arena);
}

/* Lists the predicates of eager definitions. One that names what is no longer there is left out. */
static enum rc_status
resolve(struct eager *eager)
{
    const struct rc_catalog *definitions = eager->definitions;
    const uint32_t count = rc_catalog_marked(definitions, RC_DEFINITION_EAGER);
    eager->predicates = RC_ARENA_ARRAY(eager->arena, const struct rc_predicate *, count);
    if (eager->predicates == NULL)
        return RC_NO_MEMORY;
    for (uint32_t k = 0, i = 0; k < count; k++, i++) {
        const struct rc_predicate *predicate = NULL;
        i = rc_catalog_next_marked(definitions, RC_DEFINITION_EAGER, i);
        enum rc_status status = rc_definitions_resolve_name(
            definitions, rc_catalog_at(definitions, i).name, eager->arena, NULL, &predicate, NULL);
        if (status == RC_OK)
            status =
                rc_derived_resolve(eager->derived, predicate, eager->arena, NULL, &predicate, NULL);
        if (status == RC_OK) /* As accounts are now: a query of another moment has its own. */
            status = rc_account_leaves_resolve(eager->view, INT64_MAX, predicate, eager->arena,
                                               &predicate);
        if (status == RC_NO_MEMORY)
            return status;
        if (status != RC_OK)
            continue;
        const struct rc_predicate *first = rc_predicate_first(predicate);
        eager->predicates[eager->predicate_count++] =
            first == NULL ? predicate : first->children[0];
    }
    return RC_OK;
}

static bool
is_settled(const struct tenant_eager *eager, const struct rc_slab *slab, uint64_t id)
{
    return rc_slab_get_info(slab)->row_count >= SMALL_SLAB_ROWS || id <= eager->settled_slab;
}

/* What stands for some slabs and definitions. */
static uint64_t
mark_of(uint64_t mark, uint64_t id)
{
    return rc_hash_u64(mark ^ rc_hash_u64(id + 1));
}

/* Which slabs are built now. *ret_mark stands for these and the definitions. */
static enum rc_status
choose_slabs(struct eager *eager, bool **ret_chosen, uint64_t *ret_mark)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(eager->view, &count);
    bool *chosen = RC_ARENA_ARRAY(eager->arena, bool, count);
    if (chosen == NULL)
        return RC_NO_MEMORY;
    uint64_t mark = mark_of((uintptr_t)eager->definitions, (uintptr_t)eager->derived);
    for (uint32_t i = 0; i < count; i++) {
        chosen[i] = is_settled(&eager->tenant->eager, slabs[i].slab, slabs[i].id);
        if (chosen[i])
            mark = mark_of(mark, slabs[i].id);
    }
    *ret_chosen = chosen;
    *ret_mark = mark;
    return RC_OK;
}

static enum rc_status
open_eager(struct eager *eager)
{
    struct rc_project *project = eager->tenant->project;
    struct rc_account *account = rc_project_account_of(project, RC_MEMORY_BITMAPS);
    eager->arena = rc_arena_new(account, 0);
    if (eager->arena == NULL)
        return RC_NO_MEMORY;
    return rc_project_view(project, account, &eager->view);
}

static enum rc_status
build(struct eager *eager)
{
    struct tenant *tenant = eager->tenant;
    bool *chosen = NULL;
    RC_TRY(choose_slabs(eager, &chosen, &tenant->eager.mark));
    RC_TRY(rc_tenant_check_memory(tenant, 0, NULL));
    RC_TRY(resolve(eager));
    const struct rc_build order = {
        .cache = tenant->cache,
        .view = eager->view,
        .stored = true,
        .slabs = chosen,
        .cancel = &tenant->cancel,
        .account = rc_project_account_of(tenant->project, RC_MEMORY_BITMAPS),
    };
    return rc_build(&order, eager->predicates, eager->predicate_count, NULL, NULL);
}

static void
build_task(void *argument)
{
    struct tenant *tenant = argument;
    struct eager eager = {.tenant = tenant,
                          .definitions = rc_catalog_ref(tenant->eager.catalog),
                          .derived = rc_project_catalog(tenant->project, RC_CATALOG_PROPERTIES)};
    enum rc_status status = open_eager(&eager);
    if (status == RC_OK)
        status = build(&eager);
    (void)status; /* Tried again when something changes. */
    eager_close(&eager);
    rc_background_end(tenant, &tenant->building);
}

/* The greatest id of a slab that is old enough moves on. */
static void
settle_slabs(struct tenant_eager *eager, const struct rc_version *version)
{
    const uint64_t now_ns = rc_clock_monotonic_ns();
    if (eager->looked_at_ns != 0 && now_ns - eager->looked_at_ns < rc_eager_settled_ns)
        return;
    eager->settled_slab = eager->newest_slab;
    for (uint32_t i = 0; i < version->slab_count; i++)
        if (version->slabs[i].id > eager->newest_slab)
            eager->newest_slab = version->slabs[i].id;
    if (eager->looked_at_ns == 0)
        eager->settled_slab = eager->newest_slab; /* They were there before. */
    eager->looked_at_ns = now_ns;
}

void
rc_eager_look(struct tenant *tenant)
{
    struct tenant_eager *eager = &tenant->eager;
    if (atomic_load(&tenant->building))
        return; /* What follows is the task's until then. */
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *definitions = rc_project_catalog(tenant->project, RC_CATALOG_DEFINITIONS);
    if (definitions != eager->catalog) {
        rc_catalog_unref(eager->catalog);
        eager->catalog = rc_catalog_ref(definitions);
        eager->any = rc_catalog_marked(definitions, RC_DEFINITION_EAGER) > 0;
    }
    if (!eager->any)
        return;
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    settle_slabs(eager, version);
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *derived = rc_project_catalog(tenant->project, RC_CATALOG_PROPERTIES);
    uint64_t mark = mark_of((uintptr_t)definitions, (uintptr_t)derived);
    for (uint32_t i = 0; i < version->slab_count; i++)
        if (is_settled(eager, version->slabs[i].slab, version->slabs[i].id))
            mark = mark_of(mark, version->slabs[i].id);
    if (mark != eager->mark)
        rc_background_queue(tenant, &tenant->building, build_task);
}

void
rc_eager_close(struct tenant *tenant)
{
    tenant->eager.catalog = rc_catalog_unref(tenant->eager.catalog);
}

void
rc_eager_store(struct tenant *tenant, uint64_t pause_ns)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    for (uint32_t i = 0; i < version->slab_count; i++) {
        const struct rc_version_slab *slab = &version->slabs[i];
        char path[RC_PATH_BYTES_MAX];
        if (!rc_kept_slabs_has(&tenant->kept, slab->id) ||
            rc_project_path(tenant->engine->directory, rc_project_id(tenant->project),
                            tenant->incarnation, RC_BITMAPS_FILE, slab->id, path, NULL) != RC_OK)
            continue;
        const enum rc_status status = rc_bitmaps_write(tenant->engine->disk, path, tenant->cache,
                                                       slab->slab, slab->id, pause_ns, NULL);
        (void)status; /* They are computed again. */
    }
}

void
rc_eager_restore(struct tenant *tenant)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    rc_match_stored_begin(tenant->cache);
    for (uint32_t i = 0; i < version->slab_count; i++) {
        const struct rc_version_slab *slab = &version->slabs[i];
        char path[RC_PATH_BYTES_MAX];
        if (rc_project_path(tenant->engine->directory, rc_project_id(tenant->project),
                            tenant->incarnation, RC_BITMAPS_FILE, slab->id, path, NULL) != RC_OK)
            continue;
        const enum rc_status status =
            rc_bitmaps_read(tenant->engine->disk, path, tenant->cache, slab->slab, slab->id, NULL);
        (void)status; /* There is none, or none that can be used. */
    }
}
