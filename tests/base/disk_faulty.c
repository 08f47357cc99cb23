/*
 * The faulty disk's calls: the rc_disk table and the faults. The state and how it survives a
 * power cut are in disk_faulty_state.h.
 */
#include "tests/base/disk_faulty.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "tests/base/disk_faulty_state.h"

struct faulty_file {
    struct rc_file base;
    struct inode *inode;
    uint64_t life;
    bool lock;
    bool writable;
};

static struct rc_disk_faulty *
faulty_of(struct rc_disk *disk)
{
    return (struct rc_disk_faulty *)disk;
}

/* ---- faults ---- */

enum fault { FAULT_NONE, FAULT_BEFORE, FAULT_AFTER };

/* Counts a call and says whether it fails, and whether it happens all the same. */
static enum fault
count_call(struct rc_disk_faulty *faulty, enum rc_status *ret_status)
{
    if (faulty->cut) {
        *ret_status = RC_IO;
        return FAULT_BEFORE;
    }
    faulty->calls++;
    if (faulty->cut_at != 0 && faulty->calls == faulty->cut_at) {
        faulty->cut = true;
        *ret_status = RC_IO;
        return faulty_random_below(faulty, 2) == 0 ? FAULT_BEFORE : FAULT_AFTER;
    }
    if (faulty->fail_at != 0 && faulty->calls == faulty->fail_at) {
        *ret_status = faulty->fail_status;
        return faulty_random_below(faulty, 2) == 0 ? FAULT_BEFORE : FAULT_AFTER;
    }
    return FAULT_NONE;
}

static enum rc_status
say(struct rc_error *reterr_error, enum rc_status status, const char *verb, const char *path)
{
    return rc_error_set(reterr_error, status, "cannot %s %s: %s (test disk)", verb, path,
                        rc_status_name(status));
}

static bool
is_dead(const struct rc_disk_faulty *faulty, const struct faulty_file *file)
{
    return file->life != faulty->life;
}

/* Takes the mutex and counts a call. Only writes and syncs happen in spite of an ordinary failure:
 * a name change that failed did not happen, unless the power went. */
static enum fault
enter(struct rc_disk_faulty *faulty, bool may_happen, enum rc_status *ret_status)
{
    pthread_mutex_lock(&faulty->mutex);
    const enum fault fault = count_call(faulty, ret_status);
    return fault == FAULT_AFTER && !may_happen && !faulty->cut ? FAULT_BEFORE : fault;
}

static enum rc_status
leave(struct rc_disk_faulty *faulty,
      enum rc_status status,
      struct rc_error *reterr_error,
      const char *verb,
      const char *path)
{
    pthread_mutex_unlock(&faulty->mutex);
    return status == RC_OK ? RC_OK : say(reterr_error, status, verb, path);
}

/* The status of a call with a fault in it: the fault's own, whatever the work said. */
static enum rc_status
with_fault(enum fault fault, enum rc_status fault_status, enum rc_status status)
{
    return fault == FAULT_NONE ? status : fault_status;
}

/* ---- names ---- */

/* Whether an inode has this name alone, and nobody has it open. */
static bool
is_alone(const struct rc_disk_faulty *faulty, const struct inode *inode)
{
    uint32_t names = 0;
    for (size_t i = 0; i < faulty->current.count; i++)
        names += faulty->current.entries[i].inode == inode;
    return names == 1 && inode->open_count == 0;
}

static enum rc_status
open_locked(struct rc_disk_faulty *faulty,
            const char *path,
            enum rc_file_mode mode,
            struct rc_file **ret_file)
{
    struct inode *inode = faulty_table_find(&faulty->current, path);
    if (mode == RC_FILE_CREATE && inode != NULL)
        return RC_EXISTS;
    if (mode != RC_FILE_CREATE && inode == NULL)
        return RC_NOT_FOUND;
    if (inode != NULL && inode->directory)
        return RC_IO;
    if (inode == NULL) {
        if (!faulty_has_directory(&faulty->current, path, faulty_parent_size(path)))
            return RC_NOT_FOUND;
        inode = faulty_inode_new(faulty, false);
        faulty_journal_add(faulty, NULL, path, inode);
    }
    if (ret_file == NULL)
        return RC_OK;
    struct faulty_file *file = faulty_must(calloc(1, sizeof(*file)));
    *file = (struct faulty_file){.base.disk = &faulty->base,
                                 .inode = inode,
                                 .life = faulty->life,
                                 .writable = mode != RC_FILE_READ};
    inode->open_count++;
    *ret_file = &file->base;
    return RC_OK;
}

static enum rc_status
faulty_open(struct rc_disk *disk,
            const char *path,
            enum rc_file_mode mode,
            struct rc_file **ret_file,
            struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status = with_fault(fault, status,
                            open_locked(faulty, path, mode, fault == FAULT_NONE ? ret_file : NULL));
    return leave(faulty, status, reterr_error, "open", path);
}

static void
faulty_close(struct rc_file *file)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    struct faulty_file *own = (struct faulty_file *)file;
    pthread_mutex_lock(&faulty->mutex);
    RC_ASSERT(own->inode->open_count > 0);
    own->inode->open_count--;
    if (own->lock && !is_dead(faulty, own))
        own->inode->locked = false;
    pthread_mutex_unlock(&faulty->mutex);
    free(own);
}

static enum rc_status
rename_locked(struct rc_disk_faulty *faulty, const char *from, const char *to)
{
    struct inode *inode = faulty_table_find(&faulty->current, from);
    if (inode == NULL || !faulty_has_directory(&faulty->current, to, faulty_parent_size(to)))
        return RC_NOT_FOUND;
    RC_ASSERT(!inode->directory); /* Names are whole paths: see disk_faulty_state.h. */
    faulty_journal_add(faulty, from, to, inode);
    return RC_OK;
}

static enum rc_status
faulty_rename(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    from = faulty_clean(from);
    to = faulty_clean(to);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status = with_fault(fault, status, rename_locked(faulty, from, to));
    return leave(faulty, status, reterr_error, "rename", from);
}

static enum rc_status
remove_locked(struct rc_disk_faulty *faulty, const char *path)
{
    struct inode *inode = faulty_table_find(&faulty->current, path);
    if (inode == NULL)
        return RC_NOT_FOUND;
    for (size_t i = 0; inode->directory && i < faulty->current.count; i++)
        if (faulty_lies_in(faulty->current.entries[i].path, path))
            return RC_IO;
    faulty_journal_add(faulty, path, NULL, inode);
    return RC_OK;
}

static enum rc_status
faulty_remove(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status = with_fault(fault, status, remove_locked(faulty, path));
    return leave(faulty, status, reterr_error, "remove", path);
}

static enum rc_status
open_alone_locked(struct rc_disk_faulty *faulty, const char *path, struct rc_file **ret_file)
{
    const struct inode *inode = faulty_table_find(&faulty->current, path);
    if (inode != NULL && !is_alone(faulty, inode))
        return RC_CONFLICT;
    return open_locked(faulty, path, RC_FILE_READ_WRITE, ret_file);
}

static enum rc_status
faulty_open_alone(struct rc_disk *disk,
                  const char *path,
                  struct rc_file **ret_file,
                  struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status = with_fault(fault, status,
                            open_alone_locked(faulty, path, fault == FAULT_NONE ? ret_file : NULL));
    return leave(faulty, status, reterr_error, "open", path);
}

/* Whoever has a file open uses it. */
static enum rc_status
faulty_use(struct rc_file *file, struct rc_error *reterr_error)
{
    (void)file;
    (void)reterr_error;
    return RC_OK;
}

static enum rc_status
link_locked(struct rc_disk_faulty *faulty, const char *from, const char *to)
{
    struct inode *inode = faulty_table_find(&faulty->current, from);
    if (inode == NULL || !faulty_has_directory(&faulty->current, to, faulty_parent_size(to)))
        return RC_NOT_FOUND;
    if (faulty_table_find(&faulty->current, to) != NULL)
        return RC_EXISTS;
    faulty_journal_add(faulty, NULL, to, inode);
    return RC_OK;
}

static enum rc_status
faulty_link(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status =
            with_fault(fault, status, link_locked(faulty, faulty_clean(from), faulty_clean(to)));
    return leave(faulty, status, reterr_error, "link", from);
}

static enum rc_status
faulty_sync_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, true, &status);
    if (!faulty_has_directory(&faulty->current, path, faulty_is_root(path) ? 0 : strlen(path)))
        status = with_fault(fault, status, RC_NOT_FOUND);
    else if (fault != FAULT_BEFORE)
        faulty_journal_sync_dir(faulty, path);
    return leave(faulty, status, reterr_error, "sync the directory", path);
}

static enum rc_status
make_dir_locked(struct rc_disk_faulty *faulty, const char *path)
{
    const struct inode *inode = faulty_table_find(&faulty->current, path);
    if (faulty_is_root(path) || (inode != NULL && inode->directory))
        return RC_OK;
    if (inode != NULL)
        return RC_EXISTS;
    if (!faulty_has_directory(&faulty->current, path, faulty_parent_size(path)))
        return RC_NOT_FOUND;
    faulty_journal_add(faulty, NULL, path, faulty_inode_new(faulty, true));
    return RC_OK;
}

static enum rc_status
faulty_make_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault != FAULT_BEFORE)
        status = with_fault(fault, status, make_dir_locked(faulty, path));
    return leave(faulty, status, reterr_error, "make the directory", path);
}

/* Copies the names first: each may call the disk. */
static enum rc_status
faulty_list(struct rc_disk *disk,
            const char *path,
            enum rc_status (*each)(void *context, const char *name),
            void *context,
            struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    char **names = NULL;
    size_t capacity = 0;
    size_t count = 0;
    if (fault == FAULT_NONE &&
        !faulty_has_directory(&faulty->current, path, faulty_is_root(path) ? 0 : strlen(path)))
        status = RC_NOT_FOUND;
    for (size_t i = 0; status == RC_OK && i < faulty->current.count; i++) {
        const char *entry = faulty->current.entries[i].path;
        if (!faulty_lies_in(entry, path))
            continue;
        const char *slash = strrchr(entry, '/');
        names = faulty_grown(names, &capacity, count + 1, sizeof(*names));
        names[count++] = faulty_must(strdup(slash == NULL ? entry : slash + 1));
    }
    status = leave(faulty, status, reterr_error, "list", path);
    for (size_t i = 0; i < count; i++) {
        if (status == RC_OK) {
            status = each(context, names[i]);
            if (status != RC_OK)
                status = rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
        }
        free(names[i]);
    }
    free(names);
    return status;
}

static enum rc_status
faulty_lock(struct rc_disk *disk,
            const char *path,
            struct rc_file **ret_lock,
            struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(disk);
    path = faulty_clean(path);
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault == FAULT_NONE) {
        struct inode *inode = faulty_table_find(&faulty->current, path);
        const enum rc_file_mode mode = inode == NULL ? RC_FILE_CREATE : RC_FILE_READ_WRITE;
        struct rc_file *file = NULL;
        if (inode != NULL && inode->locked)
            status = RC_CONFLICT;
        else
            status = open_locked(faulty, path, mode, &file);
        if (status == RC_OK) {
            struct faulty_file *own = (struct faulty_file *)file;
            own->lock = true;
            own->inode->locked = true;
            *ret_lock = file;
        }
    }
    return leave(faulty, status, reterr_error, "lock", path);
}

/* ---- contents ---- */

static enum rc_status
faulty_read_at(struct rc_file *file,
               void *data,
               size_t size,
               uint64_t offset,
               size_t *ret_size,
               struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    const struct faulty_file *own = (struct faulty_file *)file;
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, false, &status);
    if (fault == FAULT_NONE && is_dead(faulty, own))
        status = RC_IO;
    if (status == RC_OK) {
        const struct buffer *content = &own->inode->current;
        const uint64_t left = offset < content->size ? content->size - offset : 0;
        const size_t got = size < left ? size : left;
        if (got > 0)
            memcpy(data, content->data + offset, got);
        *ret_size = got;
    }
    return leave(faulty, status, reterr_error, "read", "a file");
}

/* How much of a write of size bytes at offset the quota allows. */
static size_t
quota_allows(const struct rc_disk_faulty *faulty,
             const struct inode *inode,
             size_t size,
             uint64_t offset)
{
    const uint64_t end = offset + size;
    if (faulty->quota_bytes == 0 || end <= inode->current.size)
        return size;
    const uint64_t others = faulty_used_bytes(faulty) - inode->current.size;
    const uint64_t left = faulty->quota_bytes > others ? faulty->quota_bytes - others : 0;
    if (end <= left)
        return size;
    return left > offset ? (size_t)(left - offset) : 0;
}

static enum rc_status
faulty_write_at(struct rc_file *file,
                const void *data,
                size_t size,
                uint64_t offset,
                struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    const struct faulty_file *own = (struct faulty_file *)file;
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, true, &status);
    if (fault != FAULT_BEFORE && (is_dead(faulty, own) || !own->writable)) {
        status = RC_IO;
    } else if (fault != FAULT_BEFORE) {
        size_t part = quota_allows(faulty, own->inode, size, offset);
        if (part < size && fault == FAULT_NONE)
            status = RC_NO_SPACE;
        if (fault == FAULT_AFTER)
            part = faulty_random_below(faulty, part + 1);
        if (part > 0)
            faulty_inode_change(own->inode, data, part, offset);
    }
    return leave(faulty, status, reterr_error, "write", "a file");
}

/* A sync that fails has written out a part, and what it did not is never tried again. */
static enum rc_status
faulty_sync(struct rc_file *file, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    const struct faulty_file *own = (struct faulty_file *)file;
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, true, &status);
    if (is_dead(faulty, own))
        status = RC_IO;
    else if (fault == FAULT_NONE)
        faulty_inode_sync(own->inode);
    else if (!faulty->cut)
        faulty_inode_settle(faulty, own->inode);
    return leave(faulty, status, reterr_error, "sync", "a file");
}

static enum rc_status
faulty_size(struct rc_file *file, uint64_t *ret_size, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    const struct faulty_file *own = (struct faulty_file *)file;
    pthread_mutex_lock(&faulty->mutex);
    const enum rc_status status = faulty->cut || is_dead(faulty, own) ? RC_IO : RC_OK;
    if (status == RC_OK)
        *ret_size = own->inode->current.size;
    return leave(faulty, status, reterr_error, "stat", "a file");
}

static enum rc_status
faulty_truncate(struct rc_file *file, uint64_t size, struct rc_error *reterr_error)
{
    struct rc_disk_faulty *faulty = faulty_of(file->disk);
    const struct faulty_file *own = (struct faulty_file *)file;
    enum rc_status status = RC_OK;
    const enum fault fault = enter(faulty, true, &status);
    if (fault != FAULT_BEFORE && (is_dead(faulty, own) || !own->writable))
        status = RC_IO;
    else if (fault != FAULT_BEFORE)
        faulty_inode_change(own->inode, NULL, 0, size);
    return leave(faulty, status, reterr_error, "truncate", "a file");
}

const struct rc_disk_ops faulty_ops = {
    .open = faulty_open,
    .open_alone = faulty_open_alone,
    .use = faulty_use,
    .close = faulty_close,
    .read_at = faulty_read_at,
    .write_at = faulty_write_at,
    .sync = faulty_sync,
    .size = faulty_size,
    .truncate = faulty_truncate,
    .rename = faulty_rename,
    .link = faulty_link,
    .remove = faulty_remove,
    .sync_dir = faulty_sync_dir,
    .make_dir = faulty_make_dir,
    .list = faulty_list,
    .lock = faulty_lock,
};
