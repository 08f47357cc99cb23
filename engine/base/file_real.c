/*
 * The real disk: POSIX calls. A short read or write is continued, EINTR is tried again; a failed
 * fdatasync is not, because the kernel drops the dirty mark of the pages that it could not write.
 *
 * A lock is flock(2): the kernel lets go of it when the process ends, however that happens. Who
 * uses a file shares such a lock.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/file_ops.h"

#define REASON_BYTES 128

struct real_file {
    struct rc_file base;
    int descriptor;
    char path[]; /* For messages. */
};

static struct real_file *
real_of(struct rc_file *file)
{
    return (struct real_file *)file;
}

/* Says "cannot <verb> <path>: <reason>" for a saved errno. */
static enum rc_status
fail(struct rc_error *reterr_error, int code, const char *verb, const char *path)
{
    char buffer[REASON_BYTES];
    const char *reason = strerror_r(code, buffer, sizeof(buffer));
    const bool no_space = code == ENOSPC || code == EDQUOT || code == EFBIG;
    const bool no_files = code == EMFILE || code == ENFILE;
    const enum rc_status status = no_space         ? RC_NO_SPACE
                                  : no_files       ? RC_NO_MEMORY /* Of an open: nothing is done. */
                                  : code == ENOENT ? RC_NOT_FOUND
                                  : code == EEXIST ? RC_EXISTS
                                                   : RC_IO;
    return rc_error_set(reterr_error, status, "cannot %s %s: %s", verb, path, reason);
}

static enum rc_status
real_open_flags(struct rc_disk *disk,
                const char *path,
                int flags,
                struct real_file **ret_file,
                struct rc_error *reterr_error)
{
    const size_t path_bytes = strlen(path) + 1;
    struct real_file *file = rc_alloc(sizeof(*file) + path_bytes);
    if (file == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to open %s", path);
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC, 0640);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        const int code = errno;
        rc_alloc_free(file);
        return fail(reterr_error, code, "open", path);
    }
    file->base.disk = disk;
    file->descriptor = descriptor;
    memcpy(file->path, path, path_bytes);
    *ret_file = file;
    return RC_OK;
}

static enum rc_status
real_open(struct rc_disk *disk,
          const char *path,
          enum rc_file_mode mode,
          struct rc_file **ret_file,
          struct rc_error *reterr_error)
{
    const int flags = mode == RC_FILE_READ         ? O_RDONLY
                      : mode == RC_FILE_READ_WRITE ? O_RDWR
                                                   : O_RDWR | O_CREAT | O_EXCL;
    struct real_file *file;
    RC_TRY(real_open_flags(disk, path, flags, &file, reterr_error));
    *ret_file = &file->base;
    return RC_OK;
}

static enum rc_status
real_use(struct rc_file *file, struct rc_error *reterr_error)
{
    const struct real_file *own = real_of(file);
    return flock(own->descriptor, LOCK_SH | LOCK_NB) == 0
               ? RC_OK
               : fail(reterr_error, errno, "use", own->path);
}

static void
real_close(struct rc_file *file)
{
    (void)close(real_of(file)->descriptor);
    rc_alloc_free(file);
}

static enum rc_status
real_read_at(struct rc_file *file,
             void *data,
             size_t size,
             uint64_t offset,
             size_t *ret_size,
             struct rc_error *reterr_error)
{
    unsigned char *at = data;
    size_t done = 0;
    while (done < size) {
        const ssize_t got =
            pread(real_of(file)->descriptor, at + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(reterr_error, errno, "read", real_of(file)->path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_size = done;
    return RC_OK;
}

static enum rc_status
real_write_at(struct rc_file *file,
              const void *data,
              size_t size,
              uint64_t offset,
              struct rc_error *reterr_error)
{
    const unsigned char *at = data;
    size_t done = 0;
    while (done < size) {
        const ssize_t put =
            pwrite(real_of(file)->descriptor, at + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(reterr_error, put < 0 ? errno : EIO, "write", real_of(file)->path);
        done += (size_t)put;
    }
    return RC_OK;
}

static enum rc_status
real_sync(struct rc_file *file, struct rc_error *reterr_error)
{
    return fdatasync(real_of(file)->descriptor) == 0
               ? RC_OK
               : fail(reterr_error, errno, "sync", real_of(file)->path);
}

static void
real_push(struct rc_file *file, uint64_t offset, uint64_t size)
{
    const int result = sync_file_range(real_of(file)->descriptor, (off_t)offset, (off_t)size,
                                       SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    (void)result; /* What fails here fails in the sync as well. */
}

static enum rc_status
real_size(struct rc_file *file, uint64_t *ret_size, struct rc_error *reterr_error)
{
    struct stat stat;
    if (fstat(real_of(file)->descriptor, &stat) != 0)
        return fail(reterr_error, errno, "stat", real_of(file)->path);
    *ret_size = (uint64_t)stat.st_size;
    return RC_OK;
}

static enum rc_status
real_truncate(struct rc_file *file, uint64_t size, struct rc_error *reterr_error)
{
    int result;
    do
        result = ftruncate(real_of(file)->descriptor, (off_t)size);
    while (result != 0 && errno == EINTR);
    return result == 0 ? RC_OK : fail(reterr_error, errno, "truncate", real_of(file)->path);
}

static enum rc_status
real_rename(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error)
{
    (void)disk;
    return rename(from, to) == 0 ? RC_OK : fail(reterr_error, errno, "rename", from);
}

static enum rc_status
real_link(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error)
{
    (void)disk;
    if (link(from, to) == 0)
        return RC_OK;
    const int code = errno;
    if (code == EXDEV || code == EPERM || code == EMLINK || code == EOPNOTSUPP)
        return rc_error_set(reterr_error, RC_UNSUPPORTED, "%s cannot be linked to %s", from, to);
    return fail(reterr_error, code, "link", from);
}

static enum rc_status
real_remove(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    (void)disk;
    return remove(path) == 0 ? RC_OK : fail(reterr_error, errno, "remove", path);
}

static enum rc_status
real_sync_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct real_file *directory;
    RC_TRY(real_open_flags(disk, path, O_RDONLY | O_DIRECTORY, &directory, reterr_error));
    const enum rc_status status = fsync(directory->descriptor) == 0
                                      ? RC_OK
                                      : fail(reterr_error, errno, "sync the directory", path);
    real_close(&directory->base);
    return status;
}

static enum rc_status
real_make_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    (void)disk;
    if (mkdir(path, 0750) == 0)
        return RC_OK;
    const int code = errno;
    struct stat stat_of_path;
    if (code == EEXIST && stat(path, &stat_of_path) == 0 && S_ISDIR(stat_of_path.st_mode))
        return RC_OK;
    return fail(reterr_error, code, "make the directory", path);
}

struct names {
    char **items;
    size_t count;
    size_t capacity;
};

static void
names_close(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        rc_alloc_free(names->items[i]);
    rc_alloc_free(names->items);
}

static enum rc_status
names_add(struct names *names, const char *name)
{
    const size_t size = strlen(name) + 1;
    RC_TRY(RC_GROW(names->items, names->capacity, names->count + 1));
    char *copy = rc_alloc(size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    names->items[names->count++] = memcpy(copy, name, size);
    return RC_OK;
}

static int
names_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum rc_status
names_read(DIR *directory, const char *path, struct names *names, struct rc_error *reterr_error)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL)
            return errno == 0 ? RC_OK : fail(reterr_error, errno, "list", path);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            RC_TRY_OR(reterr_error, names_add(names, entry->d_name));
    }
}

static enum rc_status
real_list(struct rc_disk *disk,
          const char *path,
          enum rc_status (*each)(void *context, const char *name),
          void *context,
          struct rc_error *reterr_error)
{
    (void)disk;
    DIR *directory = opendir(path);
    if (directory == NULL)
        return fail(reterr_error, errno, "list", path);
    RC_CLEANUP(names_close) struct names names = {0};
    const enum rc_status status = names_read(directory, path, &names, reterr_error);
    (void)closedir(directory);
    RC_TRY(status);
    if (names.count > 1)
        qsort(names.items, names.count, sizeof(*names.items), names_order);
    for (size_t i = 0; i < names.count; i++)
        RC_TRY_OR(reterr_error, each(context, names.items[i]));
    return RC_OK;
}

static enum rc_status
real_lock(struct rc_disk *disk,
          const char *path,
          struct rc_file **ret_lock,
          struct rc_error *reterr_error)
{
    struct real_file *file;
    RC_TRY(real_open_flags(disk, path, O_RDWR | O_CREAT, &file, reterr_error));
    if (flock(file->descriptor, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = &file->base;
        return RC_OK;
    }
    const int code = errno;
    real_close(&file->base);
    return code == EWOULDBLOCK
               ? rc_error_set(reterr_error, RC_CONFLICT, "%s is held by another process", path)
               : fail(reterr_error, code, "lock", path);
}

static enum rc_status
real_open_alone(struct rc_disk *disk,
                const char *path,
                struct rc_file **ret_file,
                struct rc_error *reterr_error)
{
    struct real_file *file;
    struct stat stat;
    RC_TRY(real_open_flags(disk, path, O_RDWR, &file, reterr_error));
    if (flock(file->descriptor, LOCK_EX | LOCK_NB) == 0 && fstat(file->descriptor, &stat) == 0 &&
        stat.st_nlink == 1) {
        *ret_file = &file->base;
        return RC_OK;
    }
    real_close(&file->base);
    return rc_error_set(reterr_error, RC_CONFLICT, "%s is in use, or has another name", path);
}

static const struct rc_disk_ops real_ops = {
    .open = real_open,
    .open_alone = real_open_alone,
    .use = real_use,
    .close = real_close,
    .read_at = real_read_at,
    .write_at = real_write_at,
    .sync = real_sync,
    .push = real_push,
    .size = real_size,
    .truncate = real_truncate,
    .rename = real_rename,
    .link = real_link,
    .remove = real_remove,
    .sync_dir = real_sync_dir,
    .make_dir = real_make_dir,
    .list = real_list,
    .lock = real_lock,
};

struct rc_disk *
rc_disk_real(void)
{
    static struct rc_disk real = {.ops = &real_ops};
    return &real;
}
