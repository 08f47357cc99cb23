/* File: dispatch to the disk's table, and copying. */
#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/checksum.h"
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
rc_file_open_alone(struct rc_disk *disk,
                   const char *path,
                   struct rc_file **ret_file,
                   struct rc_error *reterr_error)
{
    return disk->ops->open_alone(disk, path, ret_file, reterr_error);
}

enum rc_status
rc_file_use(struct rc_file *file, struct rc_error *reterr_error)
{
    return file->disk->ops->use(file, reterr_error);
}

void
rc_file_push(struct rc_file *file, uint64_t offset, uint64_t size)
{
    if (file->disk->ops->push != NULL)
        file->disk->ops->push(file, offset, size);
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
rc_disk_link(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error)
{
    return disk->ops->link(disk, from, to, reterr_error);
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

#define COPY_BYTES ((size_t)1 << 20)

/* Written in pieces, each on its way to the disk before the next is made: the log's syncs wait for
 * one piece at most. */
static enum rc_status
copy_content(struct rc_file *from,
             struct rc_file *to,
             uint64_t *ret_size,
             uint32_t *ret_crc32c,
             struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) void *piece = rc_alloc(COPY_BYTES);
    if (piece == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to copy a file");
    uint64_t at = 0;
    uint32_t crc = 0;
    for (;;) {
        size_t got = 0;
        RC_TRY(rc_file_read_at(from, piece, COPY_BYTES, at, &got, reterr_error));
        if (got == 0)
            break;
        crc = rc_crc32c_extend(crc, piece, got);
        if (to != NULL) {
            RC_TRY(rc_file_write_at(to, piece, got, at, reterr_error));
            rc_file_push(to, at, got);
        }
        at += got;
        if (got < COPY_BYTES)
            break;
    }
    *ret_size = at;
    *ret_crc32c = crc;
    return to != NULL ? rc_file_sync(to, reterr_error) : RC_OK;
}

enum rc_status
rc_disk_copy_file(struct rc_disk *disk,
                  const char *from,
                  const char *to,
                  uint64_t *ret_size,
                  uint32_t *ret_crc32c,
                  struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *source = NULL;
    RC_CLEANUP(rc_file_closep) struct rc_file *target = NULL;
    uint64_t size = 0;
    uint32_t crc = 0;
    RC_TRY(rc_file_open(disk, from, RC_FILE_READ, &source, reterr_error));
    if (to != NULL)
        RC_TRY(rc_file_open(disk, to, RC_FILE_CREATE, &target, reterr_error));
    RC_TRY(copy_content(source, target, &size, &crc, reterr_error));
    if (ret_size != NULL)
        *ret_size = size;
    if (ret_crc32c != NULL)
        *ret_crc32c = crc;
    return RC_OK;
}
