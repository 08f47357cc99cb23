/*
 * Cooling: a slab that is on disk and whose window ended long ago is replaced in the version by a
 * cold one of the same id (cold_cache.h). It is not a change of the data: nothing of it is logged,
 * cached bitmaps stay true, and the next start decides anew from the clock.
 */
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"

/* At most this many at a time: each holds a file open. */
#define SLABS_MAX 64u

struct cooling {
    struct tenant *tenant;
    uint32_t count;
    uint64_t ids[SLABS_MAX];
    struct rc_slab *slabs[SLABS_MAX]; /* The cold ones, a reference each. */
};

int64_t
rc_engine_cold_before_ms(const struct rc_engine *engine)
{
    return engine->cold_after_ms == 0 ? INT64_MIN : rc_clock_wall_ms() - engine->cold_after_ms;
}

static bool
is_to_cool(const struct tenant *tenant, const struct rc_version_slab *slab, int64_t before_ms)
{
    return !rc_slab_is_cold(slab->slab) &&
           rc_window_end_ms(rc_slab_window(slab->slab)) <= before_ms &&
           rc_kept_slabs_has(&tenant->kept, slab->id);
}

static enum rc_status
open_one(struct cooling *cooling, uint64_t id)
{
    const struct tenant *tenant = cooling->tenant;
    const struct rc_engine *engine = tenant->engine;
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(engine->directory, rc_project_id(tenant->project), tenant->incarnation,
                           "slab", id, path, NULL));
    RC_TRY(rc_slab_open_cold(engine->cold, engine->disk, path,
                             rc_project_account_of(tenant->project, RC_MEMORY_COLD),
                             &cooling->slabs[cooling->count], NULL));
    cooling->ids[cooling->count++] = id;
    return RC_OK;
}

/* Puts the cold slabs in the place of those that are still there. */
static enum rc_status
exchange(const struct cooling *cooling)
{
    struct rc_project *project = cooling->tenant->project;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *draft = NULL;
    RC_TRY(rc_version_draft(rc_project_version(project), &draft));
    for (uint32_t i = 0; i < cooling->count; i++) {
        const uint32_t place = rc_version_find_slab(draft, cooling->ids[i]);
        if (place < draft->slab_count)
            rc_version_exchange_slab(draft, place, cooling->slabs[i]);
    }
    rc_project_publish_form(project, RC_TAKE(draft));
    return RC_OK;
}

/* Cools some slabs; false when there is nothing left to do, or it cannot be done now. */
static bool
cool_some(struct tenant *tenant, int64_t before_ms)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    struct cooling cooling = {.tenant = tenant};
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < version->slab_count && cooling.count < SLABS_MAX && status == RC_OK;
         i++)
        if (is_to_cool(tenant, &version->slabs[i], before_ms))
            status = open_one(&cooling, version->slabs[i].id);
    if (cooling.count > 0) {
        rc_project_lock_writer(tenant->project);
        const enum rc_status exchanged = exchange(&cooling);
        rc_project_unlock_writer(tenant->project);
        status = status == RC_OK ? exchanged : status;
    }
    for (uint32_t i = 0; i < cooling.count; i++)
        rc_slab_unref(cooling.slabs[i]);
    return status == RC_OK && cooling.count == SLABS_MAX;
}

void
rc_tenant_cool(struct tenant *tenant)
{
    const int64_t before_ms = rc_engine_cold_before_ms(tenant->engine);
    while (before_ms != INT64_MIN && cool_some(tenant, before_ms))
        continue;
}
