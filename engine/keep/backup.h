/*
 * Backup: a checkpoint as a directory of its own, and a data directory made of one.
 *
 *   BACKUP/BACKUP                            backup_list.h
 *   BACKUP/MANIFEST
 *   BACKUP/projects/ID@INCARNATION/...       as in a data directory
 *
 * Files of a checkpoint never change, so a backup on the same file system has them by a second name
 * (a hard link) and costs next to nothing; elsewhere, or on request, they are copied. Either way
 * every byte is read for its checksum.
 *
 * Projects are captured one after the other, each as of a record at or behind the position. The
 * manifest of a backup counts all as of the last of these, so that a log which begins behind it is
 * never mistaken for one that a project has already.
 *
 * Threading: with the lock of checkpoints held, right after one: nothing removes its files.
 * Errors:    RC_EXISTS: the directory has something in it. What a failure leaves has a mark and no
 *            list, and is cleared by the next backup to the same place.
 */
#ifndef RC_KEEP_BACKUP_H
#define RC_KEEP_BACKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/keep/checkpoint.h"

struct rc_backup {
    uint64_t position; /* The log record up to which it holds everything. */
    uint64_t files;
    uint64_t bytes;  /* Of them. */
    uint64_t copied; /* Bytes that were copied and not linked. */
};

/* The name of a file in a directory into which a backup is under way: what has it, and no list, is
 * what an interrupted one left. */
#define RC_BACKING_UP_NAME "UNFINISHED"

/* A committed checkpoint into directory, which is made if its parent exists. cancel may be NULL. */
RC_MUST_USE enum rc_status
rc_backup_write(const struct rc_checkpoint *checkpoint,
                const char *directory,
                bool copy,
                const _Atomic(bool) *cancel,
                struct rc_backup *ret_backup,
                struct rc_error *reterr_error);

/* The name of a file in a data directory into which a restore is under way: it must not be opened.
 */
#define RC_RESTORING_NAME "RESTORING"

/*
 * Makes a data directory of a backup: verifies the backup whole, then copies it.
 *   RC_CORRUPT, RC_NOT_FOUND  the backup is damaged or incomplete; nothing was made.
 *   RC_EXISTS                 the directory has something in it (but for what an interrupted
 *                             restore left).
 *   RC_CONFLICT               a process uses the directory.
 */
RC_MUST_USE enum rc_status
rc_backup_restore(struct rc_disk *disk,
                  const char *backup,
                  const char *directory,
                  struct rc_backup *ret_backup,
                  struct rc_error *reterr_error);

#endif
