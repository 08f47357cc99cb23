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

/*
 * Takes a directory for a backup or a restore: makes it where it is missing, and looks whether what
 * is in it is what an interrupted one left, which has the file that mark names.
 *   RC_EXISTS  it holds something else; nothing was changed in it.
 */
RC_MUST_USE enum rc_status
rc_transfer_take(struct rc_disk *disk,
                 const char *directory,
                 const char *mark,
                 bool *ret_occupied,
                 struct rc_error *reterr_error);

/* Marks a directory that was taken, durably, and then removes the files of it that an interrupted
 * one left (occupied), and of two levels below it: directories stay, the mark and LOCK as well. */
RC_MUST_USE enum rc_status
rc_transfer_begin(struct rc_disk *disk,
                  const char *directory,
                  const char *mark,
                  bool occupied,
                  struct rc_error *reterr_error);

/* All is there and durable: the mark goes. */
RC_MUST_USE enum rc_status
rc_transfer_end(struct rc_disk *disk,
                const char *directory,
                const char *mark,
                struct rc_error *reterr_error);

#endif
