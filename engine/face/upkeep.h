/*
 * Upkeep: what an operator does with a data directory: repair a damaged log, check everything, make
 * a backup of a running engine, restore one.
 *
 * Ownership: reports come from the arena that the caller gives.
 * Threading: all of these wait for the disk. rc_engine_backup and rc_engine_check run beside
 *            ingestion and queries; the others want the directory for themselves (RC_CONFLICT).
 * Errors:    as stated; RC_IO, RC_NO_SPACE, RC_NO_MEMORY besides.
 */
#ifndef RC_FACE_UPKEEP_H
#define RC_FACE_UPKEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/face/engine.h"
#include "engine/keep/backup.h"
#include "engine/keep/check.h"

/* What log records hold of one project. */
struct rc_loss {
    struct rc_bytes project;
    uint64_t batches;
    uint64_t events;
    uint64_t user_writes; /* Of user properties. */
    uint64_t aliases;
    uint64_t changes; /* Of the project, its definitions and segments, its users. */
};

#define RC_REPAIR_FILE_BYTES 64

struct rc_repair_report {
    bool damaged;
    char file[RC_REPAIR_FILE_BYTES]; /* Of the log, or its mark: below the directory. */
    uint64_t offset;
    const char *what;               /* What is the matter with it. */
    uint64_t records_kept;          /* Of the log, before the damage. */
    uint64_t records_lost;          /* From the damage on: readable ones and others. */
    uint64_t records_unreadable;    /* Of them: what they held cannot be said. */
    uint64_t records_uncounted_max; /* So many more may be lost: what is missing held them. */
    uint32_t loss_count;
    struct rc_loss *losses; /* Of the readable ones, by project. */
    bool repaired;
};

/*
 * Finds damage to what had been synced in the log of a directory that no process uses, what is
 * missing of it included. carry_out
 * cuts the log there: writes a checkpoint of everything before, then sets the log's files aside
 * (wal/damaged-...), so that the next start begins a new log. Without it nothing changes.
 *   RC_OK        *ret_report says what is or was the matter; damaged is false: nothing.
 *   RC_CONFLICT  another process has the directory open.
 *   RC_CORRUPT   a file of the checkpoint is damaged, which no repair can make good.
 */
RC_MUST_USE enum rc_status
rc_engine_repair(const struct rc_engine_options *options,
                 bool carry_out,
                 struct rc_arena *arena,
                 struct rc_repair_report *ret_report,
                 struct rc_error *reterr_error);

/*
 * Checks a running engine's projects as views show them; project empty: all, and that the files of
 * the log are still there. check says whom to tell and when to stop. A project that is deleted
 * meanwhile is left out.
 */
RC_MUST_USE enum rc_status
rc_engine_check(struct rc_engine *engine,
                struct rc_bytes project,
                struct rc_check *check,
                struct rc_error *reterr_error);

/* Checks a directory that no process uses; options as for an open. See keep/check.h. */
RC_MUST_USE enum rc_status
rc_engine_check_directory(const struct rc_engine_options *options,
                          struct rc_check *check,
                          struct rc_error *reterr_error);

struct rc_backup_options {
    const char *directory;       /* Made if its parent exists; must be empty. */
    bool copy;                   /* Copy files although they could be linked. */
    const _Atomic(bool) *cancel; /* NULL: never. */
};

/* Writes a snapshot and a backup of it (keep/backup.h). Ingestion and queries go on; other
 * snapshots wait. *ret_snapshot is what rc_engine_snapshot says. */
RC_MUST_USE enum rc_status
rc_engine_backup(struct rc_engine *engine,
                 const struct rc_backup_options *options,
                 struct rc_backup *ret_backup,
                 struct rc_snapshot_result *ret_snapshot,
                 struct rc_error *reterr_error);

/* Makes a data directory of a backup; disk may be NULL: the real one. See rc_backup_restore. */
RC_MUST_USE enum rc_status
rc_engine_restore_backup(struct rc_disk *disk,
                         const char *backup,
                         const char *directory,
                         struct rc_backup *ret_backup,
                         struct rc_error *reterr_error);

#endif
