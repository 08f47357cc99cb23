/*
 * A file is linked where that is allowed and possible, else copied; either way it is read whole for
 * its checksum.
 */
#include "engine/keep/backup_transfer.h"

#include <stdio.h>
#include <string.h>

enum rc_status
rc_transfer_join(const char *directory,
                 const char *path,
                 char joined[RC_PATH_BYTES_MAX],
                 struct rc_error *reterr_error)
{
    const int size = snprintf(joined, RC_PATH_BYTES_MAX, "%s/%s", directory, path);
    if (size < 0 || (size_t)size >= RC_PATH_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED, "the path of a backup is too long");
    return RC_OK;
}

struct clearing {
    struct rc_disk *disk;
    const char *path;
    uint32_t depth;
    bool restoring; /* The top directory's lock and mark stay. */
};

static enum rc_status
clear_entry(void *context, const char *name)
{
    const struct clearing *clearing = context;
    char path[RC_PATH_BYTES_MAX];
    if (clearing->restoring && (strcmp(name, RC_RESTORING_NAME) == 0 || strcmp(name, "LOCK") == 0))
        return RC_OK;
    RC_TRY(rc_transfer_join(clearing->path, name, path, NULL));
    struct clearing inside = {clearing->disk, path, clearing->depth - 1, false};
    /* Directories stay, empty. A file is no directory: listing it fails. */
    if (clearing->depth > 0 &&
        rc_disk_list(clearing->disk, path, clear_entry, &inside, NULL) == RC_OK)
        return RC_OK;
    return rc_disk_remove(clearing->disk, path, NULL);
}

/* Removes the files of a directory and of two levels below it. */
enum rc_status
rc_transfer_clear(struct rc_disk *disk,
                  const char *directory,
                  bool restoring,
                  struct rc_error *reterr_error)
{
    struct clearing clearing = {disk, directory, 2, restoring};
    return rc_disk_list(disk, directory, clear_entry, &clearing, reterr_error);
}

enum rc_status
rc_transfer_make_dir(const struct rc_transfer *transfer,
                     const char *path,
                     struct rc_error *reterr_error)
{
    char joined[RC_PATH_BYTES_MAX];
    RC_TRY(rc_transfer_join(transfer->to, path, joined, reterr_error));
    return rc_disk_make_dir(transfer->disk, joined, reterr_error);
}

enum rc_status
rc_transfer_sync_dir(const struct rc_transfer *transfer,
                     const char *path,
                     struct rc_error *reterr_error)
{
    char joined[RC_PATH_BYTES_MAX];
    RC_TRY(rc_transfer_join(transfer->to, path, joined, reterr_error));
    return rc_disk_sync_dir(transfer->disk, joined, reterr_error);
}

/* Links or copies one file and enters it in the list. */
enum rc_status
rc_transfer_file(struct rc_transfer *transfer, const char *path, struct rc_error *reterr_error)
{
    char from[RC_PATH_BYTES_MAX];
    char to[RC_PATH_BYTES_MAX];
    uint64_t size = 0;
    uint32_t crc32c = 0;
    if (transfer->cancel != NULL && atomic_load(transfer->cancel))
        return rc_error_set(reterr_error, RC_CANCELLED, "the backup was cancelled");
    RC_TRY(rc_transfer_join(transfer->from, path, from, reterr_error));
    RC_TRY(rc_transfer_join(transfer->to, path, to, reterr_error));
    enum rc_status linked = RC_UNSUPPORTED;
    if (!transfer->copy)
        linked = rc_disk_link(transfer->disk, from, to, reterr_error);
    if (linked != RC_OK && linked != RC_UNSUPPORTED)
        return linked;
    RC_TRY(rc_disk_copy_file(transfer->disk, from, linked == RC_OK ? NULL : to, &size, &crc32c,
                             reterr_error));
    transfer->done.files++;
    transfer->done.bytes += size;
    transfer->done.copied += linked == RC_OK ? 0 : size;
    return rc_backup_list_add(&transfer->list, path, size, crc32c, reterr_error);
}

enum rc_status
rc_transfer_see(void *context, const char *name)
{
    struct rc_transfer_look *looking = context;
    if (looking->mark != NULL && strcmp(name, looking->mark) == 0)
        looking->marked = true;
    else if (looking->mark_new != NULL && strcmp(name, looking->mark_new) == 0)
        looking->marked = true;
    else if (looking->spare == NULL || strcmp(name, looking->spare) != 0)
        looking->occupied = true;
    return RC_OK;
}

/* Makes the entry of a directory in its parent durable. */
enum rc_status
rc_transfer_sync_parent(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_PATH_BYTES_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return rc_disk_sync_dir(disk, ".", reterr_error);
    slash[slash == parent] = '\0'; /* The parent of "/x" is "/". */
    return rc_disk_sync_dir(disk, parent, reterr_error);
}
