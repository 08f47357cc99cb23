/* Deletion of users, and of events by age: what a clock decides is decided here, before the log. */
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"

/* A cut is a whole number of these, so that a project logs at most one an hour. */
#define CUT_STEP_MS ((int64_t)3600 * 1000)

enum rc_status
rc_engine_delete_user(struct rc_engine *engine,
                      struct rc_bytes project,
                      struct rc_bytes user_id,
                      struct rc_user_deleted *ret_deleted,
                      struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    const struct rc_record record = {
        .kind = RC_RECORD_USER_DELETE,
        .project = project,
        .user = user_id,
        .time_ms = rc_clock_wall_ms(),
    };
    struct rc_removed removed = {0};
    const enum rc_status status = rc_log_removal(engine, &record, &removed, reterr_error);
    if (status == RC_NOT_FOUND)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "user", "there is no user \"%.*s\"",
                              user_id.size > 80 ? 80 : (int)user_id.size, user_id.data);
    RC_TRY(status);
    *ret_deleted = (struct rc_user_deleted){
        .users = removed.users,
        .events = removed.events,
        .purge_due_ms = record.time_ms + (int64_t)engine->purge_after_ms,
    };
    return RC_OK;
}

/* Whether a view has live rows before a time. */
static bool
has_rows_before(const struct rc_view *view, int64_t time_ms)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[i].slab);
        if (info->time_min_ms < time_ms && slabs[i].dead_count < info->row_count)
            return true;
    }
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t row = 0; row < chunks[i].row_count; row++)
            if (chunks[i].times_ms[row] < time_ms)
                return true;
    return false;
}

/* Whether a cut can be carried out: what it needs of slabs on disk is read now, since a record that
 * is in the log has to be applied. */
static enum rc_status
read_cut_slabs(struct rc_view *view, int64_t cut_ms, struct rc_error *reterr_error)
{
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[i].slab);
        if (info->time_min_ms < cut_ms && info->time_max_ms >= cut_ms)
            RC_TRY(rc_view_use_slab(view, i, RC_SLAB_PART_TIMES, reterr_error));
    }
    return RC_OK;
}

static enum rc_status
expire(struct tenant *tenant, int64_t now_ms, struct rc_error *reterr_error)
{
    int64_t least_ms;
    int64_t greatest_ms;
    rc_project_times(tenant->project, now_ms, &least_ms, &greatest_ms);
    const int64_t over_ms = least_ms % CUT_STEP_MS;
    const int64_t cut_ms = least_ms - (over_ms < 0 ? over_ms + CUT_STEP_MS : over_ms);
    if (least_ms == RC_TIME_MS_MIN || cut_ms <= atomic_load(&tenant->expired_ms))
        return RC_OK;
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    RC_TRY_OR(reterr_error,
              rc_project_view(tenant->project, rc_project_account(tenant->project), &view));
    const bool wanted = rc_view_version(view)->cut_ms < cut_ms && has_rows_before(view, cut_ms);
    const struct rc_record record = {
        .kind = RC_RECORD_CUT,
        .project = rc_project_id(tenant->project),
        .time_ms = cut_ms,
    };
    enum rc_status status = RC_OK;
    if (wanted)
        status = read_cut_slabs(view, cut_ms, reterr_error);
    if (wanted && status == RC_OK)
        status = rc_log_and_wait(tenant->engine, &record, reterr_error);
    if (status == RC_OK)
        atomic_store(&tenant->expired_ms, cut_ms);
    return status == RC_NOT_FOUND ? RC_OK : status; /* The project was deleted meanwhile. */
}

enum rc_status
rc_engine_expire(struct rc_engine *engine, int64_t now_ms, struct rc_error *reterr_error)
{
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    enum rc_status status = RC_OK;
    RC_TRY_OR(reterr_error, rc_tenants_pin(engine, &tenants, &count));
    for (uint32_t i = 0; i < count; i++) {
        struct rc_error error;
        const enum rc_status one = expire(tenants[i], now_ms, &error);
        if (one == RC_OK || status != RC_OK)
            continue;
        status = one; /* The first failure stands for all; the other projects go on. */
        if (reterr_error != NULL)
            *reterr_error = error;
    }
    rc_tenants_unpin(tenants, count);
    return status;
}
