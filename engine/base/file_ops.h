/*
 * The table behind an rc_disk. Only a disk's own source and file.c include this: everyone else sees
 * file.h, whose functions have the same names and contracts.
 *
 * A disk embeds struct rc_disk as its first member and a file of it embeds struct rc_file as its
 * first member, so that an operation finds its own state by a cast.
 *
 * Ownership: the table is constant and outlives its disks.
 * Threading: as in file.h.
 * Errors:    as in file.h. An operation fills reterr_error, which may be NULL.
 */
#ifndef RC_BASE_FILE_OPS_H
#define RC_BASE_FILE_OPS_H

#include "engine/base/file.h"

struct rc_disk_ops {
    enum rc_status (*open)(struct rc_disk *disk,
                           const char *path,
                           enum rc_file_mode mode,
                           struct rc_file **ret_file,
                           struct rc_error *reterr_error);
    enum rc_status (*open_alone)(struct rc_disk *disk,
                                 const char *path,
                                 struct rc_file **ret_file,
                                 struct rc_error *reterr_error);
    enum rc_status (*use)(struct rc_file *file, struct rc_error *reterr_error);
    void (*close)(struct rc_file *file);
    enum rc_status (*read_at)(struct rc_file *file,
                              void *data,
                              size_t size,
                              uint64_t offset,
                              size_t *ret_size,
                              struct rc_error *reterr_error);
    enum rc_status (*write_at)(struct rc_file *file,
                               const void *data,
                               size_t size,
                               uint64_t offset,
                               struct rc_error *reterr_error);
    enum rc_status (*sync)(struct rc_file *file, struct rc_error *reterr_error);
    void (*push)(struct rc_file *file, uint64_t offset, uint64_t size); /* May be NULL. */
    enum rc_status (*size)(struct rc_file *file, uint64_t *ret_size, struct rc_error *reterr_error);
    enum rc_status (*truncate)(struct rc_file *file, uint64_t size, struct rc_error *reterr_error);
    enum rc_status (*rename)(struct rc_disk *disk,
                             const char *from,
                             const char *to,
                             struct rc_error *reterr_error);
    enum rc_status (*link)(struct rc_disk *disk,
                           const char *from,
                           const char *to,
                           struct rc_error *reterr_error);
    enum rc_status (*remove)(struct rc_disk *disk, const char *path, struct rc_error *reterr_error);
    enum rc_status (*sync_dir)(struct rc_disk *disk,
                               const char *path,
                               struct rc_error *reterr_error);
    enum rc_status (*make_dir)(struct rc_disk *disk,
                               const char *path,
                               struct rc_error *reterr_error);
    enum rc_status (*list)(struct rc_disk *disk,
                           const char *path,
                           enum rc_status (*each)(void *context, const char *name),
                           void *context,
                           struct rc_error *reterr_error);
    enum rc_status (*lock)(struct rc_disk *disk,
                           const char *path,
                           struct rc_file **ret_lock,
                           struct rc_error *reterr_error);
};

struct rc_disk {
    const struct rc_disk_ops *ops;
};

struct rc_file {
    struct rc_disk *disk;
};

#endif
