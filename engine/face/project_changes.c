/*
 * Changes of projects: created, set otherwise, deleted. A change takes its place in a line of those
 * that are under way, in the order in which they came, and waits until none before it is of the
 * same project or was asked for under the same request id. So it is checked against what is durable
 * and against nothing that may still fail, and those of other projects wait for nobody: their
 * records stand side by side in the log and share a sync.
 *
 * No lock is held while a record is on its way. A change's place in the line is as good as one for
 * its project, and those who only read see what is there meanwhile.
 */
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"
#include "engine/match/leaf/pattern.h"
#include "engine/query/time/calendar.h"

/* Whether two changes must come one after the other. */
static bool
collide(const struct project_change *a, const struct project_change *b)
{
    return rc_bytes_equal(a->project, b->project) ||
           (a->request_id.size > 0 && rc_bytes_equal(a->request_id, b->request_id));
}

/* With the lock. */
static bool
must_wait(const struct rc_engine *engine, const struct project_change *change)
{
    const struct project_change *at = engine->project_changes;
    while (at != change && !collide(at, change))
        at = at->next;
    return at != change;
}

static void
begin_change(struct project_change *change)
{
    struct rc_engine *engine = change->engine;
    struct project_change **end = &engine->project_changes;
    pthread_mutex_lock(&engine->changes);
    while (*end != NULL)
        end = &(*end)->next;
    *end = change;
    for (change->waits = true; must_wait(engine, change);)
        pthread_cond_wait(&engine->changes_moved, &engine->changes);
    change->waits = false;
    pthread_mutex_unlock(&engine->changes);
}

static void
end_change(struct project_change *change)
{
    struct rc_engine *engine = change->engine;
    pthread_mutex_lock(&engine->changes);
    struct project_change **at = &engine->project_changes;
    while (*at != change)
        at = &(*at)->next;
    *at = change->next;
    pthread_cond_broadcast(&engine->changes_moved);
    pthread_mutex_unlock(&engine->changes);
}

/* ---- What they are checked for --------------------------------------------------------------- */

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

/* ---- Changes ------------------------------------------------------------------------------------
 */

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
    struct project_change change = {
        .engine = engine, .project = settings->id, .request_id = asked->request_id};
    begin_change(&change);
    const enum rc_status status =
        put_project(engine, settings, version_expected, asked, arena, ret_settings, reterr_error);
    end_change(&change);
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
    struct project_change change = {
        .engine = engine, .project = id, .request_id = asked->request_id};
    begin_change(&change);
    const enum rc_status status = delete_project(engine, id, version_expected, asked, reterr_error);
    end_change(&change);
    return status;
}
