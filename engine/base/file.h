/*
 * File: the one door to the disk. Everything durable goes through an rc_disk, so that tests can put
 * a faulty one in its place: one whose n-th call fails, that is full, or that loses and tears at a
 * "power cut" whatever was not synced.
 *
 * Ownership: a file is owned by whoever opened it; a disk outlives its files.
 * Threading: a disk may be used by any thread; one file by one thread at a time, but for
 *            rc_file_read_at and rc_file_write_at at disjoint offsets.
 * Units:     bytes and byte offsets.
 * Errors:    RC_NO_SPACE for a full disk or quota, RC_NOT_FOUND for a missing path, RC_EXISTS,
 *            RC_IO otherwise; the error names the path and the system's reason.
 */
#ifndef RC_BASE_FILE_H
#define RC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_disk; /* See file_ops.h for its operations. */
struct rc_file;

/* The real disk: never freed. */
struct rc_disk *
rc_disk_real(void);

enum rc_file_mode {
    RC_FILE_READ,       /* The file must exist. */
    RC_FILE_READ_WRITE, /* The file must exist. */
    RC_FILE_CREATE,     /* Read and write; the file must not exist. */
};

RC_MUST_USE enum rc_status
rc_file_open(struct rc_disk *disk,
             const char *path,
             enum rc_file_mode mode,
             struct rc_file **ret_file,
             struct rc_error *reterr_error);

/* Opens a file for reading and writing that has no other name and that nobody uses (rc_file_use),
 * here or in another process. RC_CONFLICT: it has, or somebody does; RC_UNSUPPORTED: the disk
 * cannot tell. */
RC_MUST_USE enum rc_status
rc_file_open_alone(struct rc_disk *disk,
                   const char *path,
                   struct rc_file **ret_file,
                   struct rc_error *reterr_error);

/* Says that the file is used until it is closed, although it may be removed meanwhile. */
RC_MUST_USE enum rc_status
rc_file_use(struct rc_file *file, struct rc_error *reterr_error);

/* Closes without syncing. NULL is fine. Returns NULL. */
struct rc_file *
rc_file_close(struct rc_file *file);

RC_DEFINE_CLEANUP(struct rc_file *, rc_file_close)

/* Reads up to size bytes; *ret_size < size only at the end of the file. */
RC_MUST_USE enum rc_status
rc_file_read_at(struct rc_file *file,
                void *data,
                size_t size,
                uint64_t offset,
                size_t *ret_size,
                struct rc_error *reterr_error);

/* Writes all of it, or fails (then any part of it may be written). */
RC_MUST_USE enum rc_status
rc_file_write_at(struct rc_file *file,
                 const void *data,
                 size_t size,
                 uint64_t offset,
                 struct rc_error *reterr_error);

/* Makes the content durable (fdatasync). After a failure the file must not be trusted: what was
 * written since the last good sync may be gone, and a second sync would lie. */
RC_MUST_USE enum rc_status
rc_file_sync(struct rc_file *file, struct rc_error *reterr_error);

/* Has bytes that were written carried to the disk now, and waits for that: a hint that keeps a
 * large file from delaying the syncs of others. Makes nothing durable. */
void
rc_file_push(struct rc_file *file, uint64_t offset, uint64_t size);

RC_MUST_USE enum rc_status
rc_file_size(struct rc_file *file, uint64_t *ret_size, struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_file_truncate(struct rc_file *file, uint64_t size, struct rc_error *reterr_error);

/* Reads a whole file into a new rc_alloc block of account (NULL: the process's), which is the
 * caller's. What is used for long is read and not mapped: a page of a mapping that cannot be read
 * is a signal, not a status. RC_IO when the file gets shorter meanwhile, RC_NO_MEMORY. */
RC_MUST_USE enum rc_status
rc_disk_read_file(struct rc_disk *disk,
                  const char *path,
                  struct rc_account *account,
                  void **ret_data,
                  size_t *ret_size,
                  struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_disk_rename(struct rc_disk *disk,
               const char *from,
               const char *to,
               struct rc_error *reterr_error);

/* A second name for a file, which must not exist. RC_UNSUPPORTED: the two places are not of one
 * file system, or it has no such thing. */
RC_MUST_USE enum rc_status
rc_disk_link(struct rc_disk *disk, const char *from, const char *to, struct rc_error *reterr_error);

/* Copies a file into a new one and syncs that; the directory's entry is not durable yet. to ==
 * NULL: only reads it. *ret_size and *ret_crc32c (may be NULL) are of the bytes that were read. */
RC_MUST_USE enum rc_status
rc_disk_copy_file(struct rc_disk *disk,
                  const char *from,
                  const char *to,
                  uint64_t *ret_size,
                  uint32_t *ret_crc32c,
                  struct rc_error *reterr_error);

/* Removes a file or an empty directory. RC_NOT_FOUND when there is no such thing. */
RC_MUST_USE enum rc_status
rc_disk_remove(struct rc_disk *disk, const char *path, struct rc_error *reterr_error);

/* Makes creations, renames and removals in a directory durable. */
RC_MUST_USE enum rc_status
rc_disk_sync_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error);

/* Creates one directory; RC_OK when it exists already. */
RC_MUST_USE enum rc_status
rc_disk_make_dir(struct rc_disk *disk, const char *path, struct rc_error *reterr_error);

/* Calls each with the name of every entry but . and .., in byte order. Stops at the
 * first failure. */
RC_MUST_USE enum rc_status
rc_disk_list(struct rc_disk *disk,
             const char *path,
             enum rc_status (*each)(void *context, const char *name),
             void *context,
             struct rc_error *reterr_error);

/* Writes a whole file under a temporary name beside it (path with ".new"), syncs, renames over
 * path, syncs the directory. After a failure path is what it was, unless only the last step failed:
 * then it is new but a power cut may bring the old one back. */
RC_MUST_USE enum rc_status
rc_disk_replace_file(struct rc_disk *disk,
                     const char *path,
                     const void *data,
                     size_t size,
                     struct rc_error *reterr_error);

/* Takes an exclusive lock on path (created when missing) for the life of the process or until it is
 * closed. RC_CONFLICT: another process holds it. */
RC_MUST_USE enum rc_status
rc_disk_lock(struct rc_disk *disk,
             const char *path,
             struct rc_file **ret_lock,
             struct rc_error *reterr_error);

#endif
