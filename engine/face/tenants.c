/* Tenants: the registry of projects, and the calls that read what a project is set to. */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/face/engine_state.h"

static size_t
lower_bound(const struct rc_engine *engine, struct rc_bytes id)
{
    size_t low = 0;
    size_t high = engine->tenant_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rc_bytes_compare(rc_project_id(engine->tenants[middle]->project), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
is_at(const struct rc_engine *engine, size_t index, struct rc_bytes id)
{
    return index < engine->tenant_count &&
           rc_bytes_equal(rc_project_id(engine->tenants[index]->project), id);
}

struct tenant *
rc_tenant_ref(struct tenant *tenant)
{
    atomic_fetch_add_explicit(&tenant->references, 1, memory_order_relaxed);
    return tenant;
}

struct tenant *
rc_tenant_unref(struct tenant *tenant)
{
    if (tenant == NULL ||
        atomic_fetch_sub_explicit(&tenant->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    rc_eager_close(tenant);
    rc_match_cache_free(tenant->cache);
    rc_streams_close(&tenant->logged);
    rc_streams_close(&tenant->refused);
    rc_kept_slabs_close(&tenant->kept);
    rc_project_unref(tenant->project);
    rc_changes_close(tenant);
    pthread_mutex_destroy(&tenant->intake);
    pthread_mutex_destroy(&tenant->logging);
    return rc_alloc_free(tenant);
}

struct tenant *
rc_tenant_find(struct rc_engine *engine, struct rc_bytes id, struct rc_error *reterr_error)
{
    struct tenant *tenant = NULL;
    pthread_mutex_lock(&engine->registry);
    const size_t index = lower_bound(engine, id);
    if (is_at(engine, index, id))
        tenant = rc_tenant_ref(engine->tenants[index]);
    pthread_mutex_unlock(&engine->registry);
    if (tenant == NULL)
        rc_error_field(reterr_error, RC_NOT_FOUND, "project", "there is no project \"%.*s\"",
                       id.size > 80 ? 80 : (int)id.size, id.data);
    return tenant;
}

enum rc_status
rc_tenant_add(struct rc_engine *engine,
              struct rc_project *project,
              uint64_t incarnation,
              struct tenant **ret_tenant)
{
    struct tenant *tenant = rc_alloc_zero(sizeof(*tenant));
    if (tenant == NULL) {
        rc_project_unref(project);
        return RC_NO_MEMORY;
    }
    atomic_init(&tenant->references, 1);
    rc_changes_open(tenant);
    pthread_mutex_init(&tenant->intake, NULL);
    pthread_mutex_init(&tenant->logging, NULL);
    tenant->engine = engine;
    tenant->project = project;
    rc_project_set_changers(project, engine->appliers);
    tenant->incarnation = incarnation;
    atomic_init(&tenant->expired_ms, INT64_MIN);
    struct rc_account *account = rc_project_account(project);
    enum rc_status status =
        rc_match_cache_new(rc_project_account_of(project, RC_MEMORY_BITMAPS), &tenant->cache);
    if (status == RC_OK)
        status = rc_streams_open(&tenant->logged, account);
    if (status == RC_OK)
        status = rc_streams_open(&tenant->refused, account);
    pthread_mutex_lock(&engine->registry);
    if (status == RC_OK)
        status = RC_GROW(engine->tenants, engine->tenant_capacity, engine->tenant_count + 1);
    if (status == RC_OK) {
        const size_t index = lower_bound(engine, rc_project_id(project));
        RC_ASSERT(!is_at(engine, index, rc_project_id(project)));
        memmove(&engine->tenants[index + 1], &engine->tenants[index],
                (engine->tenant_count - index) * sizeof(engine->tenants[0]));
        engine->tenants[index] = tenant;
        engine->tenant_count++;
    }
    pthread_mutex_unlock(&engine->registry);
    if (status != RC_OK) {
        rc_tenant_unref(tenant);
        return status;
    }
    *ret_tenant = tenant;
    return RC_OK;
}

struct tenant *
rc_tenant_remove(struct rc_engine *engine, struct rc_bytes id)
{
    struct tenant *tenant = NULL;
    pthread_mutex_lock(&engine->registry);
    const size_t index = lower_bound(engine, id);
    if (is_at(engine, index, id)) {
        tenant = engine->tenants[index];
        engine->tenant_count--;
        memmove(&engine->tenants[index], &engine->tenants[index + 1],
                (engine->tenant_count - index) * sizeof(engine->tenants[0]));
        atomic_store(&tenant->cancel, true);
    }
    pthread_mutex_unlock(&engine->registry);
    return tenant;
}

enum rc_status
rc_tenants_pin(struct rc_engine *engine, struct tenant ***ret_tenants, uint32_t *ret_count)
{
    pthread_mutex_lock(&engine->registry);
    const uint32_t count = (uint32_t)engine->tenant_count;
    struct tenant **tenants = rc_alloc(count * sizeof(tenants[0]));
    for (uint32_t i = 0; tenants != NULL && i < count; i++)
        tenants[i] = rc_tenant_ref(engine->tenants[i]);
    pthread_mutex_unlock(&engine->registry);
    if (tenants == NULL)
        return RC_NO_MEMORY;
    *ret_tenants = tenants;
    *ret_count = count;
    return RC_OK;
}

void
rc_tenants_unpin(struct tenant **tenants, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        rc_tenant_unref(tenants[i]);
    rc_alloc_free(tenants);
}

enum rc_status
rc_engine_get_project(struct rc_engine *engine,
                      struct rc_bytes id,
                      struct rc_arena *arena,
                      struct rc_project_settings *ret_settings,
                      struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp) struct tenant *tenant = rc_tenant_find(engine, id, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    RC_TRY_OR(reterr_error, rc_project_get_settings(tenant->project, arena, ret_settings));
    return RC_OK;
}

enum rc_status
rc_engine_list_projects(struct rc_engine *engine,
                        struct rc_bytes after,
                        uint32_t limit,
                        struct rc_arena *arena,
                        struct rc_project_settings **ret_list,
                        uint32_t *ret_count,
                        bool *ret_more)
{
    enum rc_status status = RC_OK;
    uint32_t count = 0;
    pthread_mutex_lock(&engine->registry);
    size_t index = lower_bound(engine, after);
    if (after.size > 0 && is_at(engine, index, after))
        index++;
    const size_t left = engine->tenant_count - index;
    struct rc_project_settings *list =
        RC_ARENA_ARRAY(arena, struct rc_project_settings, left < limit ? left : limit);
    if (list == NULL)
        status = RC_NO_MEMORY;
    while (status == RC_OK && count < limit && count < left) {
        status =
            rc_project_get_settings(engine->tenants[index + count]->project, arena, &list[count]);
        count++;
    }
    pthread_mutex_unlock(&engine->registry);
    RC_TRY(status);
    *ret_list = list;
    *ret_count = count;
    *ret_more = left > count;
    return RC_OK;
}
