/* Tenants: the registry of projects, and the calls that read or change a project as a whole. */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/match/leaf/pattern.h"
#include "engine/query/time/calendar.h"

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

static enum rc_status
check_shown_ids(struct rc_bytes text, struct rc_error *reterr_error)
{
    struct rc_pattern *pattern = NULL;
    if (text.size > RC_PATTERN_BYTES_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "shown_ids",
                              "the expression has %zu bytes, more than %u", text.size,
                              RC_PATTERN_BYTES_MAX);
    const enum rc_status status =
        rc_pattern_new(text.data, text.size, false, &pattern, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "shown_ids");
    rc_pattern_free(pattern);
    return status;
}

static enum rc_status
check_settings(const struct rc_project_settings *settings, struct rc_error *reterr_error)
{
    const struct rc_bytes id = settings->id;
    if (id.size == 0 || id.size > RC_PROJECT_ID_BYTES_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "project",
                              "a project's id has from 1 to %u bytes", RC_PROJECT_ID_BYTES_MAX);
    for (size_t i = 0; i < id.size; i++) {
        const char c = id.data[i];
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (i == 0 || (c != '_' && c != '-')))
            return rc_error_field(reterr_error, RC_INVALID, "project",
                                  "a project's id is made of a-z, 0-9, and behind the first "
                                  "character also '_' and '-'");
    }
    if (settings->display_name.size > RC_DESCRIPTION_BYTES_MAX ||
        !rc_bytes_is_text(settings->display_name))
        return rc_error_field(reterr_error, RC_INVALID, "display_name",
                              "a display name is UTF-8 of at most %u bytes",
                              RC_DESCRIPTION_BYTES_MAX);
    if (settings->week_start > 6)
        return rc_error_field(reterr_error, RC_INVALID, "week_start", "there is no such weekday");
    if (settings->retention_days > RC_RETENTION_DAYS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "retention_days",
                              "events are kept for at most %u days, or 0: for ever",
                              RC_RETENTION_DAYS_MAX);
    RC_TRY(check_shown_ids(settings->shown_ids, reterr_error));
    struct rc_calendar calendar;
    return rc_calendar_make(settings->zone, settings->week_start, &calendar, reterr_error);
}

static enum rc_status
put_project(struct rc_engine *engine,
            const struct rc_project_settings *settings,
            uint64_t version_expected,
            const struct rc_asked *asked,
            struct rc_arena *arena,
            struct rc_project_settings *ret_settings,
            struct rc_error *reterr_error)
{
    bool known = false;
    RC_TRY(rc_engine_retry_project(engine, asked, arena, &known, ret_settings, reterr_error));
    if (known)
        return RC_OK;
    RC_TRY(check_settings(settings, reterr_error));
    const int64_t now_ms = rc_clock_wall_ms();
    struct rc_record record = {
        .kind = RC_RECORD_PROJECT_PUT, .project = settings->id, .asked = *asked};
    record.settings = *settings;
    record.settings.version = 1;
    record.settings.created_ms = now_ms;
    record.settings.updated_ms = now_ms;
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant =
        rc_tenant_find(engine, settings->id, version_expected == 0 ? NULL : reterr_error);
    if (tenant == NULL && version_expected != 0)
        return RC_NOT_FOUND;
    if (tenant != NULL) {
        struct rc_project_settings now;
        RC_TRY_OR(reterr_error, rc_project_get_settings(tenant->project, arena, &now));
        if (version_expected == 0)
            return rc_error_field(reterr_error, RC_EXISTS, "project", "the project \"%s\" exists",
                                  now.id.data);
        if (version_expected != UINT64_MAX && version_expected != now.version)
            return rc_error_field(reterr_error, RC_CONFLICT, "etag",
                                  "the project was changed meanwhile");
        record.settings.version = now.version + 1;
        record.settings.created_ms = now.created_ms;
    }
    RC_TRY(rc_log_and_wait(engine, &record, reterr_error));
    return rc_engine_get_project(engine, settings->id, arena, ret_settings, reterr_error);
}

enum rc_status
rc_engine_put_project(struct rc_engine *engine,
                      const struct rc_project_settings *settings,
                      uint64_t version_expected,
                      const struct rc_asked *asked,
                      struct rc_arena *arena,
                      struct rc_project_settings *ret_settings,
                      struct rc_error *reterr_error)
{
    asked = rc_asked_or_nobody(asked);
    RC_TRY(rc_asked_check(asked, reterr_error));
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status =
        put_project(engine, settings, version_expected, asked, arena, ret_settings, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
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

static enum rc_status
delete_project(struct rc_engine *engine,
               struct rc_bytes id,
               uint64_t version_expected,
               const struct rc_asked *asked,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_settings now;
    bool known = false;
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to delete a project");
    RC_TRY(rc_engine_retry_project(engine, asked, arena, &known, &now, reterr_error));
    if (known)
        return RC_OK;
    RC_CLEANUP(rc_tenant_unrefp) struct tenant *tenant = rc_tenant_find(engine, id, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    if (version_expected != UINT64_MAX) {
        RC_TRY_OR(reterr_error, rc_project_get_settings(tenant->project, arena, &now));
        if (now.version != version_expected)
            return rc_error_field(reterr_error, RC_CONFLICT, "etag",
                                  "the project was changed meanwhile");
    }
    const struct rc_record record = {
        .kind = RC_RECORD_PROJECT_DELETE, .project = id, .asked = *asked};
    rc_changes_hold(tenant); /* No entry that was checked in this project gets into the next. */
    const enum rc_status status = rc_log_and_wait(engine, &record, reterr_error);
    rc_changes_let_go(tenant);
    return status;
}

enum rc_status
rc_engine_delete_project(struct rc_engine *engine,
                         struct rc_bytes id,
                         uint64_t version_expected,
                         const struct rc_asked *asked,
                         struct rc_error *reterr_error)
{
    asked = rc_asked_or_nobody(asked);
    RC_TRY(rc_asked_check(asked, reterr_error));
    pthread_mutex_lock(&engine->changes);
    const enum rc_status status = delete_project(engine, id, version_expected, asked, reterr_error);
    pthread_mutex_unlock(&engine->changes);
    return status;
}
