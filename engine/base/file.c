/*
 * File: dispatch to the disk's table, and what can be said once for all disks: replacing a file.
 *
 * A replacement is written under the name with ".new" at its end. Whatever an interrupted one left
 * under that name is removed first, so a name that ends so must not be used for anything else.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/file_ops.h"

enum rc_status
rc_file_open(struct rc_disk *disk,
             const char *path,
             enum rc_file_mode mode,
             struct rc_file **ret_file,
             struct rc_error *reterr_error)
{
    RC_ASSERT(path != NULL && path[0] != '\0');
    return disk->ops->open(disk, path, mode, ret_file, reterr_error);
}

struct rc_file *
rc_file_close(struct rc_file *file)
{
    if (file != NULL)
        file->disk->ops->close(file);
    return NULL;
}

enum rc_status
rc_file_read_at(struct rc_file *file,
                void *data,
                size_t size,
                uint64_t offset,
                size_t *ret_size,
                struct rc_error *reterr_error)
{
    return file->disk->ops->read_at(file, data, size, offset, ret_size, reterr_error);
}

enum rc_status
rc_file_write_at(struct rc_file *file,
                 const void *data,
                 size_t size,
                 uint64_t offset,
                 struct rc_error *reterr_error)
{
    return file->disk->ops->write_at(file, data, size, offset, reterr_error);
}

enum rc_status
rc_file_sync(struct rc_file *file, struct rc_error *reterr_error)
{
    return file->disk->ops->sync(file, reterr_error);
}

enum rc_status
rc_file_size(struct rc_file *file, uint64_t *ret_size, struct rc_error *reterr_error)
{
    return file->disk->ops->size(file, ret_size, reterr_error);
}

enum rc_status
rc_file_truncate(struct rc_file *file, uint64_t size, struct rc_error *reterr_error)
{
    return file->disk->ops->truncate(file, size, reterr_error);
}

enum rc_status
rc_file_map(struct rc_file *file,
            const void **ret_data,
            size_t *ret_size,
            struct rc_error *reterr_error)
{
    return file->disk->ops->map(file, ret_data, ret_size, reterr_error);
}

void
rc_file_unmap(struct rc_disk *disk, const void *data, size_t size)
{
    disk->ops->unmap(disk, data, size);
}

enum rc_status
rc_disk_read_file(struct rc_disk *disk,
                  const char *path,
                  struct rc_account *account,
                  void **ret_data,
                  size_t *ret_size,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    RC_TRY(rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error));
    RC_TRY(rc_file_size(file, &size, reterr_error));
    RC_CLEANUP(rc_alloc_freep)
    void *data = rc_alloc_in(account != NULL ? account : &rc_account_process, size);
    if (data == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read %s", path);
    RC_TRY(rc_file_read_at(file, data, size, 0, &got, reterr_error));
    if (got != size)
        return rc_error_set(reterr_error, RC_IO, "%s ended after %zu of %llu bytes", path, got,
                            (unsigned long long)size);
    *ret_data = RC_TAKE(data);
    *ret_size = size;
    return RC_OK;
}

enum rc_status
rc_disk_rename(struct rc_disk *disk,
               const char *from,
               const char *to,
               struct rc_error *reterr_error)
{
    return disk->ops->rename(disk, from, to, reterr_error);
}

enum rc_status
rc_disk_remove(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    return disk->ops->remove(disk, path, reterr_error);
}

enum rc_status
rc_disk_sync_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    return disk->ops->sync_dir(disk, path, reterr_error);
}

enum rc_status
rc_disk_make_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    return disk->ops->make_dir(disk, path, reterr_error);
}

enum rc_status
rc_disk_list(struct rc_disk *disk,
             const char *path,
             enum rc_status (*each)(void *context, const char *name),
             void *context,
             struct rc_error *reterr_error)
{
    return disk->ops->list(disk, path, each, context, reterr_error);
}

enum rc_status
rc_disk_lock(struct rc_disk *disk,
             const char *path,
             struct rc_file **ret_lock,
             struct rc_error *reterr_error)
{
    return disk->ops->lock(disk, path, ret_lock, reterr_error);
}

static enum rc_status
write_new(struct rc_disk *disk,
          const char *path,
          const void *data,
          size_t size,
          struct rc_error *reterr_error)
{
    const enum rc_status removed = rc_disk_remove(disk, path, reterr_error);
    if (removed != RC_OK && removed != RC_NOT_FOUND)
        return removed;
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(disk, path, RC_FILE_CREATE, &file, reterr_error));
    RC_TRY(rc_file_write_at(file, data, size, 0, reterr_error));
    return rc_file_sync(file, reterr_error);
}

enum rc_status
rc_disk_replace_file(struct rc_disk *disk,
                     const char *path,
                     const void *data,
                     size_t size,
                     struct rc_error *reterr_error)
{
    const size_t path_bytes = strlen(path);
    const size_t room = path_bytes + sizeof(".new");
    RC_CLEANUP(rc_alloc_freep) char *temporary = rc_alloc(room);
    RC_CLEANUP(rc_alloc_freep) char *parent = rc_alloc(path_bytes + 2);
    if (temporary == NULL || parent == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to replace %s", path);
    (void)snprintf(temporary, room, "%s.new", path);
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        (void)snprintf(parent, path_bytes + 2, ".");
    else /* The parent of "/x" is "/". */
        (void)snprintf(parent, path_bytes + 2, "%.*s", slash == path ? 1 : (int)(slash - path),
                       path);

    enum rc_status status = write_new(disk, temporary, data, size, reterr_error);
    if (status == RC_OK)
        status = rc_disk_rename(disk, temporary, path, reterr_error);
    if (status != RC_OK) {
        /* Best effort: what stays behind is removed by the next replacement. */
        const enum rc_status removed = rc_disk_remove(disk, temporary, NULL);
        (void)removed;
        return status;
    }
    return rc_disk_sync_dir(disk, parent, reterr_error);
}
