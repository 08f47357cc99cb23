/*
 * The order of a backup: the mark that one is under way, files, directories, manifest, list; each
 * durable before the next. Then the mark goes: only what has it may be cleared away.
 */
#include "engine/keep/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/durable/manifest.h"
#include "engine/keep/backup_list.h"
#include "engine/keep/backup_transfer.h"
#include "engine/keep/manifest_content.h"

/* "projects/ID@INCARNATION", and a file in it. */
static void
project_path(const struct rc_checkpoint_project *project,
             const char *kind,
             uint64_t number,
             char path[RC_BACKUP_PATH_BYTES_MAX])
{
    const struct rc_bytes id = rc_project_id(project->project);
    int size = snprintf(path, RC_BACKUP_PATH_BYTES_MAX, "projects/%.*s@%016" PRIx64, (int)id.size,
                        id.data, project->incarnation);
    if (kind != NULL && size > 0)
        (void)snprintf(path + size, RC_BACKUP_PATH_BYTES_MAX - (size_t)size, "/%s-%016" PRIx64,
                       kind, number);
}

static enum rc_status
transfer_project(struct rc_transfer *transfer,
                 const struct rc_checkpoint_project *project,
                 struct rc_error *reterr_error)
{
    char directory[RC_BACKUP_PATH_BYTES_MAX];
    char path[RC_BACKUP_PATH_BYTES_MAX];
    project_path(project, NULL, 0, directory);
    RC_TRY(rc_transfer_make_dir(transfer, directory, reterr_error));
    for (size_t i = 0; i < project->kept->count; i++) {
        project_path(project, "slab", project->kept->ids[i], path);
        RC_TRY(rc_transfer_file(transfer, path, reterr_error));
    }
    project_path(project, "state", project->kept->state_number, path);
    RC_TRY(rc_transfer_file(transfer, path, reterr_error));
    return rc_transfer_sync_dir(transfer, directory, reterr_error);
}

static enum rc_status
write_manifest(struct rc_transfer *transfer,
               const struct rc_checkpoint *checkpoint,
               uint64_t sequence,
               struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer receipts = {0};
    RC_CLEANUP(rc_alloc_freep)
    struct rc_manifest_project *projects =
        rc_alloc(checkpoint->project_count * sizeof(projects[0]));
    if (projects == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    for (uint32_t i = 0; i < checkpoint->project_count; i++)
        projects[i] = (struct rc_manifest_project){
            .id = rc_project_id(checkpoint->projects[i].project),
            .incarnation = checkpoint->projects[i].incarnation,
            .sequence = sequence,
            .state_number = checkpoint->projects[i].kept->state_number,
            .state_crc32c = checkpoint->projects[i].kept->state_crc32c,
        };
    rc_receipts_write(checkpoint->receipts, &receipts);
    const struct rc_manifest_content content = {
        .number = checkpoint->number,
        .sequence = sequence,
        .project_count = checkpoint->project_count,
        .projects = projects,
        .receipts = {(const char *)receipts.data, receipts.size},
    };
    rc_manifest_content_write(&writer, &content);
    if (writer.failed || receipts.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    const struct rc_bytes payload = {(const char *)writer.data, writer.size};
    RC_TRY(rc_manifest_write(transfer->disk, transfer->to, payload, reterr_error));
    char path[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    RC_TRY(rc_transfer_join(transfer->to, "MANIFEST", path, reterr_error));
    RC_TRY(rc_disk_copy_file(transfer->disk, path, NULL, &size, &crc32c, reterr_error));
    transfer->done.files++;
    transfer->done.bytes += size;
    transfer->done.copied += size;
    return rc_backup_list_add(&transfer->list, "MANIFEST", size, crc32c, reterr_error);
}

static enum rc_status
refuse_if_list(void *context, const char *name)
{
    (void)context;
    return strcmp(name, RC_BACKUP_LIST_NAME) == 0 ? RC_EXISTS : RC_OK;
}

/* It must be empty, or marked by a backup that was interrupted before it had its list. */
static enum rc_status
take_backup_directory(struct rc_disk *disk, const char *directory, struct rc_error *reterr_error)
{
    bool occupied = false;
    if (rc_disk_list(disk, directory, refuse_if_list, NULL, NULL) == RC_EXISTS)
        return rc_error_set(reterr_error, RC_EXISTS, "there is a backup in %.300s already",
                            directory);
    RC_TRY(rc_transfer_take(disk, directory, RC_BACKING_UP_NAME, &occupied, reterr_error));
    return rc_transfer_begin(disk, directory, RC_BACKING_UP_NAME, occupied, reterr_error);
}

enum rc_status
rc_backup_write(const struct rc_checkpoint *checkpoint,
                const char *directory,
                bool copy,
                const _Atomic(bool) *cancel,
                struct rc_backup *ret_backup,
                struct rc_error *reterr_error)
{
    if (strlen(directory) >= RC_TRANSFER_PATH_ROOM)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the backup's path is too long");
    struct rc_transfer transfer = {
        .disk = checkpoint->disk,
        .from = checkpoint->directory,
        .to = directory,
        .copy = copy,
        .cancel = cancel,
        .done = {.position = checkpoint->sequence},
    };
    RC_TRY(take_backup_directory(transfer.disk, directory, reterr_error));
    RC_TRY(rc_transfer_make_dir(&transfer, "projects", reterr_error));
    enum rc_status status = RC_OK;
    /* The highest that any of its projects has, or an receipt: a new log begins behind it. */
    uint64_t sequence = checkpoint->sequence;
    if (rc_receipts_last(checkpoint->receipts) > sequence)
        sequence = rc_receipts_last(checkpoint->receipts);
    for (uint32_t i = 0; status == RC_OK && i < checkpoint->project_count; i++) {
        const struct rc_checkpoint_project *project = &checkpoint->projects[i];
        if (project->sequence > sequence)
            sequence = project->sequence;
        if (project->sequence < transfer.done.position)
            transfer.done.position = project->sequence;
        status = transfer_project(&transfer, project, reterr_error);
    }
    if (status == RC_OK)
        status = rc_transfer_sync_dir(&transfer, "projects", reterr_error);
    if (status == RC_OK)
        status = write_manifest(&transfer, checkpoint, sequence, reterr_error);
    transfer.list.position = transfer.done.position;
    if (status == RC_OK)
        status = rc_backup_list_write(transfer.disk, directory, &transfer.list, reterr_error);
    if (status == RC_OK)
        status = rc_transfer_end(transfer.disk, directory, RC_BACKING_UP_NAME, reterr_error);
    rc_backup_list_close(&transfer.list);
    if (status == RC_OK)
        *ret_backup = transfer.done;
    return status;
}
