/* Snapshots: a checkpoint of every project, then the log behind it is dropped. */
#include <stdio.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/file_gentle.h"
#include "engine/face/engine_state.h"

static uint64_t
applied_sequence(void *context)
{
    return rc_queues_applied(context);
}

static enum rc_status
write_projects(struct rc_engine *engine,
               struct rc_checkpoint *checkpoint,
               uint64_t *ret_sequence,
               struct rc_error *reterr_error)
{
    uint64_t sequence = checkpoint->sequence;
    for (uint32_t i = 0; i < checkpoint->project_count; i++) {
        RC_TRY(rc_checkpoint_write_project(checkpoint, &checkpoint->projects[i], applied_sequence,
                                           engine, reterr_error));
        if (checkpoint->projects[i].sequence < sequence)
            sequence = checkpoint->projects[i].sequence;
    }
    *ret_sequence = sequence;
    RC_TRY(rc_checkpoint_commit(checkpoint, reterr_error));
    engine->looked_everywhere = !checkpoint->stale_left;
    return RC_OK;
}

/* With the checkpoint lock held. */
static enum rc_status
snapshot(struct rc_engine *engine,
         struct tenant *const *tenants,
         uint32_t count,
         struct rc_checkpoint *checkpoint,
         const struct rc_snapshot_then *then,
         struct rc_snapshot_result *ret_result,
         struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep)
    struct rc_checkpoint_project *projects = rc_alloc_zero(count * sizeof(projects[0]));
    if (projects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a snapshot");
    for (uint32_t i = 0; i < count; i++) {
        projects[i].project = tenants[i]->project;
        projects[i].incarnation = tenants[i]->incarnation;
        projects[i].kept = &tenants[i]->kept;
    }
    checkpoint->projects = projects;
    checkpoint->project_count = count;
    uint64_t sequence = 0;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_engine_receipts(engine);
    checkpoint->receipts = receipts;
    enum rc_status status = write_projects(engine, checkpoint, &sequence, reterr_error);
    if (status == RC_OK && then != NULL)
        status = then->call(then->context, checkpoint, reterr_error);
    for (uint32_t i = 0; i < count; i++)
        rc_kept_slabs_close(&projects[i].next);
    RC_TRY(status);
    for (uint32_t i = 0; i < count; i++) {
        rc_stall_end(tenants[i], projects[i].sequence);
        rc_eager_store(tenants[i], checkpoint->pause_ns); /* While their slabs are in memory. */
        rc_tenant_cool(tenants[i]);
    }
    if (engine->wal != NULL) /* A repair works without. */
        RC_TRY(rc_wal_trim(engine->wal, sequence, checkpoint->pause_ns, reterr_error));
    ret_result->sequence = sequence;
    ret_result->states_written = checkpoint->states_written;
    ret_result->slabs_written = checkpoint->slabs_written;
    ret_result->bytes_written = checkpoint->bytes_written;
    ret_result->stale_left = checkpoint->stale_left;
    ret_result->longest_hold_ns = checkpoint->longest_hold_ns;
    return RC_OK;
}

/* Keeps what the statistics say of the last one. */
static void
note_outcome(struct rc_engine *engine, enum rc_status status, const struct rc_error *error)
{
    if (status == RC_OK) {
        atomic_fetch_add(&engine->snapshot_count, 1);
        atomic_store(&engine->snapshot_last_ms, rc_clock_wall_ms());
    }
    pthread_mutex_lock(&engine->background);
    engine->snapshot_failures = status == RC_OK ? 0 : engine->snapshot_failures + 1;
    if (status != RC_OK)
        (void)snprintf(engine->snapshot_error, sizeof(engine->snapshot_error), "%s",
                       error->message);
    pthread_mutex_unlock(&engine->background);
}

enum rc_status
rc_snapshot_and(struct rc_engine *engine,
                const struct rc_snapshot_then *then,
                struct rc_snapshot_result *ret_result,
                struct rc_error *reterr_error)
{
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    struct rc_snapshot_result result = {0};
    pthread_mutex_lock(&engine->checkpoint);
    struct rc_checkpoint checkpoint = {
        .disk = engine->disk,
        .directory = engine->directory,
        /* Never again, even if this one fails: its manifest may have reached the disk. */
        .number = ++engine->checkpoint_number,
        /* Read before the list of projects: what is made or deleted later is in the log
         * behind it. */
        .sequence = rc_queues_applied(engine),
        .log = engine->log,
        .pause_ns = engine->closing ? 0 : RC_GENTLE_PAUSE_NS,
        .look_everywhere = !engine->looked_everywhere,
    };
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    struct rc_error error = {.status = RC_OK};
    enum rc_status status = rc_tenants_pin(engine, &tenants, &count);
    if (status != RC_OK)
        rc_error_set(&error, status, "no memory for a snapshot");
    else
        status = snapshot(engine, tenants, count, &checkpoint, then, &result, &error);
    pthread_mutex_unlock(&engine->checkpoint);
    if (tenants != NULL)
        rc_tenants_unpin(tenants, count);
    if (then == NULL || status == RC_OK)
        note_outcome(engine, status, &error);
    if (status != RC_OK) {
        if (reterr_error != NULL)
            *reterr_error = error;
        return status;
    }
    result.elapsed_ns = rc_clock_monotonic_ns() - begun_ns;
    *ret_result = result;
    return RC_OK;
}

enum rc_status
rc_engine_snapshot(struct rc_engine *engine,
                   struct rc_snapshot_result *ret_result,
                   struct rc_error *reterr_error)
{
    return rc_snapshot_and(engine, NULL, ret_result, reterr_error);
}
