/*
 * Memory at its limit. Before anything is refused, what can be computed or read again goes: cached
 * bitmaps, those of the project that asks before those of others, and then what is in memory of
 * slabs on disk. Other projects give something up only for the limit of the process, which binds
 * all that is counted: batches on their way in, too.
 */
#include "engine/face/engine_state.h"

/* Of other projects than the one that asks; at most bytes. */
static uint64_t
shrink_others(struct tenant *tenant, uint64_t bytes)
{
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    uint64_t freed = 0;
    if (rc_tenants_pin(tenant->engine, &tenants, &count) != RC_OK)
        return 0;
    for (uint32_t i = 0; i < count && freed < bytes; i++)
        if (tenants[i] != tenant)
            freed += rc_match_cache_shrink(tenants[i]->cache, bytes - freed);
    rc_tenants_unpin(tenants, count);
    return freed;
}

/* How far used and what is to come pass a limit. */
static uint64_t
excess(const struct rc_account *account, uint64_t bytes, uint64_t limit)
{
    const uint64_t wanted = rc_account_used(account) + bytes;
    return wanted > limit ? wanted - limit : 0;
}

static bool
make_room(struct tenant *tenant, bool of_process, uint64_t bytes, uint64_t limit)
{
    struct rc_engine *engine = tenant->engine;
    struct rc_account *account =
        of_process ? &rc_account_process : rc_project_account(tenant->project);
    const struct rc_account *cold =
        of_process ? NULL : rc_project_account_of(tenant->project, RC_MEMORY_COLD);
    uint64_t over = excess(account, bytes, limit);
    if (over > 0)
        rc_match_cache_shrink(tenant->cache, over);
    over = excess(account, bytes, limit);
    if (over > 0 && of_process)
        (void)shrink_others(tenant, over);
    over = excess(account, bytes, limit);
    if (over > 0)
        (void)rc_cold_cache_shrink(engine->cold, cold, over);
    return excess(account, bytes, limit) == 0;
}

enum rc_status
rc_tenant_check_memory(struct tenant *tenant, uint64_t bytes, struct rc_error *reterr_error)
{
    const uint64_t limits[] = {rc_project_memory_bytes_max(tenant->project),
                               tenant->engine->memory_bytes_max};
    for (size_t i = 0; i < 2; i++)
        if (limits[i] != 0 && !make_room(tenant, i == 1, bytes, limits[i]))
            return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                                "the %s is at its memory limit of %llu bytes",
                                i == 0 ? "project" : "process", (unsigned long long)limits[i]);
    return RC_OK;
}
