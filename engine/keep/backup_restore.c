/*
 * The order of a restore: the mark that one is under way, files, manifest, and then the mark goes:
 * a directory that lacks its manifest would look like a new one to a start, which the mark forbids.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/keep/backup.h"
#include "engine/keep/backup_list.h"
#include "engine/keep/backup_transfer.h"

static enum rc_status
verify_file(struct rc_disk *disk,
            const char *directory,
            const struct rc_backup_file *file,
            struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    RC_TRY(rc_transfer_join(directory, file->path, path, reterr_error));
    RC_TRY(rc_disk_copy_file(disk, path, NULL, &size, &crc32c, reterr_error));
    if (size != file->size)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.250s has %" PRIu64 " bytes, the backup's list says %" PRIu64, path,
                            size, file->size);
    if (crc32c != file->crc32c)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.250s is damaged: its checksum is not that of the backup's list",
                            path);
    return RC_OK;
}

/* It must be empty, or marked by a restore that was interrupted. */
static enum rc_status
take_data_directory(struct rc_disk *disk,
                    const char *directory,
                    struct rc_file **ret_lock,
                    struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    bool occupied = false;
    RC_TRY(rc_transfer_take(disk, directory, RC_RESTORING_NAME, &occupied, reterr_error));
    RC_TRY(rc_transfer_join(directory, "LOCK", path, reterr_error));
    const enum rc_status status = rc_disk_lock(disk, path, ret_lock, reterr_error);
    if (status == RC_CONFLICT)
        return rc_error_set(reterr_error, RC_CONFLICT, "another process uses the directory %.300s",
                            directory);
    RC_TRY(status);
    return rc_transfer_begin(disk, directory, RC_RESTORING_NAME, occupied, reterr_error);
}

/* The directory of a listed file, and those above it. */
static enum rc_status
make_parents(struct rc_transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_BACKUP_PATH_BYTES_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        RC_TRY(rc_transfer_make_dir(transfer, parent, reterr_error));
    }
    return RC_OK;
}

static enum rc_status
sync_parents(struct rc_transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_BACKUP_PATH_BYTES_MAX];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
        RC_TRY(rc_transfer_sync_dir(transfer, parent, reterr_error));
    }
    return RC_OK;
}

static enum rc_status
copy_listed(struct rc_transfer *transfer,
            const struct rc_backup_list *list,
            struct rc_error *reterr_error)
{
    bool has_manifest = false;
    for (size_t i = 0; i < list->count; i++) {
        const char *path = list->files[i].path;
        if (strcmp(path, "MANIFEST") == 0) {
            has_manifest = true;
            continue;
        }
        RC_TRY(make_parents(transfer, path, reterr_error));
        RC_TRY(rc_transfer_file(transfer, path, reterr_error));
    }
    for (size_t i = 0; i < list->count; i++)
        RC_TRY(sync_parents(transfer, list->files[i].path, reterr_error));
    if (!has_manifest)
        return rc_error_set(reterr_error, RC_CORRUPT, "the backup's list has no manifest");
    return rc_transfer_file(transfer, "MANIFEST", reterr_error);
}

/* What was copied is what was listed. */
static enum rc_status
compare_lists(const struct rc_backup_list *wanted,
              const struct rc_backup_list *got,
              struct rc_error *reterr_error)
{
    uint64_t sum = 0; /* Order differs by the manifest alone. */
    for (size_t i = 0; i < wanted->count; i++)
        sum += wanted->files[i].crc32c;
    for (size_t i = 0; i < got->count; i++)
        sum -= got->files[i].crc32c;
    return sum == 0 && wanted->count == got->count
               ? RC_OK
               : rc_error_set(reterr_error, RC_IO, "the backup changed while it was copied");
}

enum rc_status
rc_backup_restore(struct rc_disk *disk,
                  const char *backup,
                  const char *directory,
                  struct rc_backup *ret_backup,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
    RC_CLEANUP(rc_file_closep) struct rc_file *lock = NULL;
    if (strlen(directory) >= RC_TRANSFER_PATH_ROOM || strlen(backup) >= RC_TRANSFER_PATH_ROOM)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the path is too long");
    RC_TRY(rc_backup_list_read(disk, backup, &list, reterr_error));
    for (size_t i = 0; i < list.count; i++)
        RC_TRY(verify_file(disk, backup, &list.files[i], reterr_error));
    RC_TRY(take_data_directory(disk, directory, &lock, reterr_error));
    struct rc_transfer transfer = {.disk = disk,
                                   .from = backup,
                                   .to = directory,
                                   .copy = true,
                                   .done = {.position = list.position}};
    enum rc_status status = copy_listed(&transfer, &list, reterr_error);
    if (status == RC_OK)
        status = compare_lists(&list, &transfer.list, reterr_error);
    rc_backup_list_close(&transfer.list);
    RC_TRY(status);
    RC_TRY(rc_disk_sync_dir(disk, directory, reterr_error));
    RC_TRY(rc_transfer_end(disk, directory, RC_RESTORING_NAME, reterr_error));
    *ret_backup = transfer.done;
    return RC_OK;
}
