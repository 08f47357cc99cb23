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
    const char *mark; /* The top directory's, and its lock, stay. NULL below. */
};

static enum rc_status
clear_entry(void *context, const char *name)
{
    const struct clearing *clearing = context;
    char path[RC_PATH_BYTES_MAX];
    if (clearing->mark != NULL && (strcmp(name, clearing->mark) == 0 || strcmp(name, "LOCK") == 0))
        return RC_OK;
    RC_TRY(rc_transfer_join(clearing->path, name, path, NULL));
    struct clearing inside = {clearing->disk, path, clearing->depth - 1, NULL};
    /* Directories stay, empty. A file is no directory: listing it fails. */
    if (clearing->depth > 0 &&
        rc_disk_list(clearing->disk, path, clear_entry, &inside, NULL) == RC_OK)
        return RC_OK;
    return rc_disk_remove(clearing->disk, path, NULL);
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

/* Makes the entry of a directory in its parent durable. */
static enum rc_status
sync_parent(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    char parent[RC_PATH_BYTES_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL)
        return rc_disk_sync_dir(disk, ".", reterr_error);
    slash[slash == parent] = '\0'; /* The parent of "/x" is "/". */
    return rc_disk_sync_dir(disk, parent, reterr_error);
}

/* What is in a directory. */
struct look {
    const char *mark;
    bool marked;
    bool occupied;
};

static enum rc_status
see(void *context, const char *name)
{
    struct look *look = context;
    const size_t size = strlen(look->mark);
    if (strncmp(name, look->mark, size) == 0 &&
        (name[size] == '\0' || strcmp(name + size, ".new") == 0))
        look->marked = true;
    else if (strcmp(name, "LOCK") != 0)
        look->occupied = true;
    return RC_OK;
}

enum rc_status
rc_transfer_take(struct rc_disk *disk,
                 const char *directory,
                 const char *mark,
                 bool *ret_occupied,
                 struct rc_error *reterr_error)
{
    struct look look = {.mark = mark};
    RC_TRY(rc_disk_make_dir(disk, directory, reterr_error));
    RC_TRY(rc_disk_list(disk, directory, see, &look, reterr_error));
    if (look.occupied && !look.marked)
        return rc_error_set(reterr_error, RC_EXISTS, "the directory %.300s is not empty",
                            directory);
    *ret_occupied = look.occupied;
    return RC_OK;
}

enum rc_status
rc_transfer_begin(struct rc_disk *disk,
                  const char *directory,
                  const char *mark,
                  bool occupied,
                  struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_transfer_join(directory, mark, path, reterr_error));
    RC_TRY(rc_disk_replace_file(disk, path, "", 0, reterr_error));
    RC_TRY(sync_parent(disk, directory, reterr_error));
    if (!occupied)
        return RC_OK;
    struct clearing clearing = {disk, directory, 2, mark};
    RC_TRY(rc_disk_list(disk, directory, clear_entry, &clearing, reterr_error));
    return rc_disk_sync_dir(disk, directory, reterr_error);
}

enum rc_status
rc_transfer_end(struct rc_disk *disk,
                const char *directory,
                const char *mark,
                struct rc_error *reterr_error)
{
    char path[RC_PATH_BYTES_MAX];
    RC_TRY(rc_transfer_join(directory, mark, path, reterr_error));
    RC_TRY(rc_disk_remove(disk, path, reterr_error));
    return rc_disk_sync_dir(disk, directory, reterr_error);
}
