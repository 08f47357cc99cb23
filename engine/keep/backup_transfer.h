/*
 * Transfer: files on their way from one directory to another, for backups and restores.
 *
 * Ownership: a transfer owns its list.
 * Threading: one thread.
 * Errors:    those of file.h, RC_LIMIT_EXCEEDED for a path that is too long.
 */
#ifndef RC_KEEP_BACKUP_TRANSFER_H
#define RC_KEEP_BACKUP_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/keep/backup.h"
#include "engine/keep/backup_list.h"

/* Directories may be this long, so that the path of any file in them fits. */
#define RC_TRANSFER_PATH_ROOM (RC_PATH_BYTES_MAX - RC_BACKUP_PATH_BYTES_MAX - 8)

struct rc_transfer {
    struct rc_disk *disk;
    const char *from;
    const char *to;
    bool copy; /* Do not link. */
    const _Atomic(bool) *cancel;
    struct rc_backup_list list; /* What was transferred. */
    struct rc_backup done;
};

/* directory/path. */
RC_MUST_USE enum rc_status
rc_transfer_join(const char *directory,
                 const char *path,
                 char joined[RC_PATH_BYTES_MAX],
                 struct rc_error *reterr_error);

/* Links or copies one file, path being the same on both sides, and enters it in the list. */
RC_MUST_USE enum rc_status
rc_transfer_file(struct rc_transfer *transfer, const char *path, struct rc_error *reterr_error);

/* A directory on the other side, and what it holds made durable. */
RC_MUST_USE enum rc_status
rc_transfer_make_dir(const struct rc_transfer *transfer,
                     const char *path,
                     struct rc_error *reterr_error);

RC_MUST_USE enum rc_status
rc_transfer_sync_dir(const struct rc_transfer *transfer,
                     const char *path,
                     struct rc_error *reterr_error);

/* Makes the entry of a path in its parent durable. */
RC_MUST_USE enum rc_status
rc_transfer_sync_parent(struct rc_disk *disk, const char *path, struct rc_error *reterr_error);

/* Removes the files of a directory and of two levels below it; the directories stay. restoring:
 * the lock and the mark of a restore stay as well. */
RC_MUST_USE enum rc_status
rc_transfer_clear(struct rc_disk *disk,
                  const char *directory,
                  bool restoring,
                  struct rc_error *reterr_error);

/* What is in a directory: the context of rc_transfer_see, for rc_disk_list. */
struct rc_transfer_look {
    const char *mark;     /* A name that decides, */
    const char *mark_new; /* and the one under which it begins. May be NULL. */
    const char *spare;    /* A name that does not count. May be NULL. */
    bool marked;
    bool occupied;
};

enum rc_status
rc_transfer_see(void *context, const char *name);

#endif
