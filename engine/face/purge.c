/*
 * Purge: takes what deleted users left behind out of the data directory, for all projects at once.
 *
 * The order matters. The log turns to a new file first, so that all that was logged up to now lies
 * in files that a checkpoint can drop; then heads are sealed, slabs rewritten without the rows, the
 * dictionaries of event properties swept, and people put in place who have neither the ids nor the
 * texts; then the checkpoint writes states without them, names only the new slabs, and drops the
 * files of the log, which are removed and not recycled meanwhile. Only then is the request
 * forgotten: after a crash anywhere in between, the stored state still asks for a purge.
 */
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/face/engine_state.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "engine/store/sweep/dictionary_sweep.h"
#include "engine/store/sweep/people_sweep.h"

/* Sealing takes milliseconds; without memory for it nothing is gained by waiting on. */
#define SEAL_WAIT_NS ((uint64_t)60 * 1000000000)

static int64_t
asked_of(struct rc_project *project)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    return version->erase_asked_ms;
}

static bool
has_dead_rows(const struct rc_version *version)
{
    for (uint32_t i = 0; i < version->head_count; i++)
        for (uint32_t c = 0; c < RC_HEAD_CHUNKS_MAX; c++)
            if (version->heads[i].dead[c] != NULL)
                return true;
    return false;
}

/* Whether the newest head of a version is still a head. */
static bool
is_unsealed(struct tenant *tenant, const struct rc_version *version)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *now = rc_project_pin_version(tenant->project);
    return rc_version_find_head(now, version->heads[version->head_count - 1].head) <
           now->head_count;
}

/* Ends the heads of a version that may hold rows of users who are gone, and waits until they are
 * slabs. */
static enum rc_status
seal_heads(struct tenant *tenant, const struct rc_version *version, struct rc_error *reterr_error)
{
    if (!has_dead_rows(version))
        return RC_OK;
    RC_TRY(rc_seal_end_head(tenant->project, reterr_error));
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    while (is_unsealed(tenant, version) && !atomic_load(&tenant->cancel)) {
        rc_background_kick(tenant);
        rc_background_wait(tenant->engine);
        if (rc_clock_monotonic_ns() - begun_ns > SEAL_WAIT_NS)
            return rc_error_set(reterr_error, RC_UNAVAILABLE, "a head cannot be sealed now");
    }
    return RC_OK;
}

static enum rc_status
rewrite_slabs(struct tenant *tenant, uint64_t *slabs, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_people_freep) struct rc_people *people = rc_project_pin_people(tenant->project);
    while (!atomic_load(&tenant->cancel)) {
        struct rc_merge_plan plan;
        RC_CLEANUP(rc_version_unrefp)
        struct rc_version *version = rc_project_pin_version(tenant->project);
        rc_merge_pick_absent(version, rc_people_ids(people), &plan);
        if (plan.count == 0)
            return RC_OK;
        RC_TRY(rc_background_merge_now(tenant, &plan, reterr_error));
        (*slabs)++;
    }
    return RC_CANCELLED;
}

/* With merging taken. gone: who was gone before the heads were sealed. */
static enum rc_status
erase(struct tenant *tenant,
      const struct rc_gone *gone,
      uint64_t *slabs,
      struct rc_error *reterr_error)
{
    RC_TRY(rewrite_slabs(tenant, slabs, reterr_error));
    RC_TRY(rc_project_sweep_dictionaries(tenant->project, RC_SWEEP_ANY_DEAD, &tenant->cancel, NULL,
                                         reterr_error));
    return rc_project_sweep_people(tenant->project, gone, &tenant->cancel, reterr_error);
}

static enum rc_status
purge_tenant(struct tenant *tenant, uint64_t *slabs, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(tenant->project);
    RC_CLEANUP(rc_gone_unrefp) struct rc_gone *gone = rc_gone_ref(version->gone);
    RC_TRY(seal_heads(tenant, version, reterr_error));
    version = rc_version_unref(version); /* Its slabs may go. */
    rc_background_take_merging(tenant);
    const enum rc_status status = erase(tenant, gone, slabs, reterr_error);
    rc_background_give_merging(tenant);
    return atomic_load(&tenant->cancel) ? RC_OK : status; /* Deleted meanwhile: nothing to do. */
}

/* What was asked for up to asked_ms is done. A later request stays. */
static enum rc_status
forget_request(struct rc_project *project, int64_t begun_ms)
{
    struct rc_version *draft = NULL;
    enum rc_status status = RC_OK;
    rc_project_lock_writer(project);
    if (rc_project_version(project)->erase_asked_ms <= begun_ms)
        status = rc_version_draft(rc_project_version(project), &draft);
    if (draft != NULL) {
        draft->erase_asked_ms = 0;
        rc_project_publish(project, draft, 0);
    }
    rc_project_unlock_writer(project);
    return status;
}

/* With the log in a new file. */
static enum rc_status
purge_tenants(struct rc_engine *engine,
              struct tenant *const *tenants,
              uint32_t count,
              struct rc_purge_result *result,
              struct rc_error *reterr_error)
{
    struct rc_snapshot_result snapshot;
    for (uint32_t i = 0; i < count; i++) {
        if (asked_of(tenants[i]->project) == 0)
            continue;
        result->projects++;
        RC_TRY(purge_tenant(tenants[i], &result->slabs, reterr_error));
    }
    RC_TRY(rc_engine_snapshot(engine, &snapshot, reterr_error));
    if (snapshot.stale_left)
        return rc_error_set(reterr_error, RC_IO,
                            "files of an earlier snapshot could not be removed");
    return RC_OK;
}

static enum rc_status
purge(struct rc_engine *engine,
      struct tenant *const *tenants,
      uint32_t count,
      struct rc_purge_result *result,
      struct rc_error *reterr_error)
{
    const struct rc_record nothing = {.kind = RC_RECORD_NOTHING};
    uint32_t asked = 0;
    for (uint32_t i = 0; i < count; i++)
        asked += asked_of(tenants[i]->project) != 0;
    if (asked == 0)
        return RC_OK;
    /* A file of the log is left only for one that begins with a later record. */
    RC_TRY(rc_log_and_wait(engine, &nothing, reterr_error));
    const int64_t begun_ms = rc_clock_wall_ms();
    enum rc_status status = rc_wal_begin_erasing(engine->wal, reterr_error);
    rc_queues_settle(engine); /* What waits lies in the files that are to go. */
    if (status == RC_OK)
        status = purge_tenants(engine, tenants, count, result, reterr_error);
    rc_wal_end_erasing(engine->wal);
    RC_TRY(status);
    for (uint32_t i = 0; i < count; i++)
        RC_TRY_OR(reterr_error, forget_request(tenants[i]->project, begun_ms));
    return RC_OK;
}

/* Keeps what the statistics say of the last one: whoever promised a deadline must see that it will
 * not be kept. */
static void
note_outcome(struct rc_engine *engine, enum rc_status status, const struct rc_error *error)
{
    pthread_mutex_lock(&engine->background);
    engine->purge_failures = status == RC_OK ? 0 : engine->purge_failures + 1;
    if (status != RC_OK)
        (void)snprintf(engine->purge_error, sizeof(engine->purge_error), "%s",
                       error->status == status ? error->message : rc_status_sentence(status));
    pthread_mutex_unlock(&engine->background);
}

enum rc_status
rc_engine_purge(struct rc_engine *engine,
                struct rc_purge_result *ret_result,
                struct rc_error *reterr_error)
{
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    struct rc_purge_result result = {0};
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    RC_TRY_OR(reterr_error, rc_tenants_pin(engine, &tenants, &count));
    struct rc_error error = {.status = RC_OK};
    pthread_mutex_lock(&engine->purge);
    const enum rc_status status = purge(engine, tenants, count, &result, &error);
    pthread_mutex_unlock(&engine->purge);
    rc_tenants_unpin(tenants, count);
    note_outcome(engine, status, &error);
    if (status != RC_OK && reterr_error != NULL)
        *reterr_error = error;
    RC_TRY(status);
    result.elapsed_ns = rc_clock_monotonic_ns() - begun_ns;
    *ret_result = result;
    return RC_OK;
}

int64_t
rc_purge_asked_ms(struct rc_engine *engine)
{
    int64_t first_ms = 0;
    pthread_mutex_lock(&engine->registry);
    for (size_t i = 0; i < engine->tenant_count; i++) {
        const int64_t asked_ms = asked_of(engine->tenants[i]->project);
        if (asked_ms != 0 && (first_ms == 0 || asked_ms < first_ms))
            first_ms = asked_ms;
    }
    pthread_mutex_unlock(&engine->registry);
    return first_ms;
}

/* What a clock may be put right by without anybody meaning anything. */
#define CLOCK_SLACK_MS 60000

bool
rc_purge_is_due(int64_t asked_ms, int64_t now_ms, uint64_t purge_after_ms)
{
    if (asked_ms == 0)
        return false;
    return now_ms < asked_ms - CLOCK_SLACK_MS || now_ms - asked_ms >= (int64_t)(purge_after_ms / 2);
}

void
rc_purge_if_due(struct rc_engine *engine, int64_t now_ms)
{
    struct rc_purge_result result;
    const bool due = rc_purge_is_due(rc_purge_asked_ms(engine), now_ms, engine->purge_after_ms);
    const enum rc_status status = due ? rc_engine_purge(engine, &result, NULL) : RC_OK;
    (void)status; /* Tried again. */
}
