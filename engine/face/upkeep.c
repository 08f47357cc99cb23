/* Upkeep: checks and backups, with what of the engine they need. */
#include "engine/face/upkeep.h"

#include <unistd.h>

#include "engine/face/engine_state.h"

/* With the checkpoint lock held. A file that is gone is missed by the next start alone: a snapshot
 * writes new slabs only, and what is read or in memory needs no name. */
static enum rc_status
check_file(const struct tenant *tenant,
           const char *kind,
           uint64_t number,
           struct rc_check *check,
           struct rc_error *reterr_error)
{
    struct rc_disk *disk = tenant->engine->disk;
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_project_path(tenant->engine->directory, rc_project_id(tenant->project),
                           tenant->incarnation, kind, number, path, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    const enum rc_status status = rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error);
    if (status != RC_NOT_FOUND || atomic_load(&tenant->cancel)) /* Of a deleted project they go. */
        return status == RC_NOT_FOUND ? RC_OK : status;
    rc_check_found(
        check, RC_FINDING_PROBLEM, path,
        "is missing: the next start will stop at it; what it holds can be asked for now");
    return RC_OK;
}

static enum rc_status
check_files(struct tenant *tenant, struct rc_check *check, struct rc_error *reterr_error)
{
    struct rc_engine *engine = tenant->engine;
    const struct rc_kept_slabs *kept = &tenant->kept;
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&engine->checkpoint);
    if (kept->state_number != 0)
        status = check_file(tenant, "state", kept->state_number, check, reterr_error);
    for (size_t i = 0; status == RC_OK && i < kept->count; i++)
        status = check_file(tenant, "slab", kept->ids[i], check, reterr_error);
    pthread_mutex_unlock(&engine->checkpoint);
    return status;
}

static enum rc_status
check_tenant(struct tenant *tenant, struct rc_check *check, struct rc_error *reterr_error)
{
    RC_TRY(check_files(tenant, check, reterr_error));
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    RC_TRY_OR(reterr_error,
              rc_project_view(tenant->project, rc_project_account(tenant->project), &view));
    check->read_payload = rc_entry_read_payload;
    return rc_check_project(check, tenant->project, view, reterr_error);
}

/* Files that were taken away under a running process: it goes on writing to what has no name. */
static enum rc_status
check_log(struct rc_engine *engine, struct rc_check *check, struct rc_error *reterr_error)
{
    struct rc_error error;
    const enum rc_status status = rc_wal_check(engine->wal, &error);
    if (status == RC_CORRUPT) {
        rc_check_found(check, RC_FINDING_PROBLEM, "log", "%s", error.message);
        return RC_OK;
    }
    if (status != RC_OK && reterr_error != NULL)
        *reterr_error = error;
    return status;
}

enum rc_status
rc_engine_check(struct rc_engine *engine,
                struct rc_bytes project,
                struct rc_check *check,
                struct rc_error *reterr_error)
{
    if (project.size > 0) {
        RC_CLEANUP(rc_tenant_unrefp)
        struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
        return tenant == NULL ? RC_NOT_FOUND : check_tenant(tenant, check, reterr_error);
    }
    struct tenant **tenants = NULL;
    uint32_t count = 0;
    enum rc_status status = RC_OK;
    RC_TRY_OR(reterr_error, rc_tenants_pin(engine, &tenants, &count));
    for (uint32_t i = 0; status == RC_OK && i < count; i++)
        if (!atomic_load(&tenants[i]->cancel))
            status = check_tenant(tenants[i], check, reterr_error);
    rc_tenants_unpin(tenants, count);
    return status == RC_OK ? check_log(engine, check, reterr_error) : status;
}

enum rc_status
rc_engine_check_directory(const struct rc_engine_options *options,
                          struct rc_check *check,
                          struct rc_error *reterr_error)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const uint32_t threads = options->worker_count != 0 ? options->worker_count
                             : processors > 0           ? (uint32_t)processors
                                                        : 1;
    RC_CLEANUP(rc_workers_freep) struct rc_workers *workers = NULL;
    RC_TRY(rc_workers_new(threads, RC_URGENCY_PLAIN, &workers, reterr_error));
    struct rc_disk *disk = options->disk != NULL ? options->disk : rc_disk_real();
    check->read_payload = rc_entry_read_payload;
    return rc_check_directory(check, disk, options->directory, workers, reterr_error);
}

struct backing_up {
    const struct rc_backup_options *options;
    struct rc_backup backup;
};

static enum rc_status
write_backup(void *context, const struct rc_checkpoint *checkpoint, struct rc_error *reterr_error)
{
    struct backing_up *backing_up = context;
    return rc_backup_write(checkpoint, backing_up->options->directory, backing_up->options->copy,
                           backing_up->options->cancel, &backing_up->backup, reterr_error);
}

enum rc_status
rc_engine_backup(struct rc_engine *engine,
                 const struct rc_backup_options *options,
                 struct rc_backup *ret_backup,
                 struct rc_snapshot_result *ret_snapshot,
                 struct rc_error *reterr_error)
{
    struct backing_up backing_up = {.options = options};
    const struct rc_snapshot_then then = {write_backup, &backing_up};
    RC_TRY(rc_snapshot_and(engine, &then, ret_snapshot, reterr_error));
    *ret_backup = backing_up.backup;
    return RC_OK;
}

enum rc_status
rc_engine_restore_backup(struct rc_disk *disk,
                         const char *backup,
                         const char *directory,
                         struct rc_backup *ret_backup,
                         struct rc_error *reterr_error)
{
    return rc_backup_restore(disk != NULL ? disk : rc_disk_real(), backup, directory, ret_backup,
                             reterr_error);
}
