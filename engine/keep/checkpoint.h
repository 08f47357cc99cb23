/*
 * Checkpoint: writes a project's slabs and state, and the manifest that makes them the truth. The
 * log behind it may be dropped.
 *
 *   DIRECTORY/MANIFEST                         which projects, which state files, up to which log
 * record DIRECTORY/projects/ID@INCARNATION/         a project; INCARNATION is the log record that
 * made it, so that a project made anew under an old id shares no file with it state-NUMBER state.h
 *       slab-NUMBER                            store/slab/slab_format.h
 *
 * Files are written beside those of the last checkpoint under new numbers; the manifest is renamed
 * into place; then what it does not name is removed. A crash at any step leaves the last manifest
 * and all that it names.
 *
 * Ownership: see each struct.
 * Threading: one checkpoint at a time; ingestion and queries go on.
 * Errors:    RC_IO, RC_NO_SPACE, RC_NO_MEMORY: the last checkpoint stands.
 */
#ifndef RC_KEEP_CHECKPOINT_H
#define RC_KEEP_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/store/project/project.h"

#define RC_PATH_BYTES_MAX 4096u

/* What of a project is on disk: its slabs, and the state file that names them. */
struct rc_kept_slabs {
    size_t count;
    size_t capacity;
    uint64_t *ids;         /* Ascending. */
    uint64_t state_number; /* 0: none. */
    uint32_t state_crc32c; /* With which it ends. */
    uint64_t sequence;     /* The log record up to which the state holds everything. */
    uint64_t changes;      /* rc_project_changes of when it was captured. */
};

/* Brings the ids into ascending order, after they were appended as they came. */
void
rc_kept_slabs_sort(struct rc_kept_slabs *kept);

void
rc_kept_slabs_close(struct rc_kept_slabs *kept);

bool
rc_kept_slabs_has(const struct rc_kept_slabs *kept, uint64_t id);

/* A project in a checkpoint: input, and what became of it. */
struct rc_checkpoint_project {
    struct rc_project *project;
    uint64_t incarnation;
    uint64_t sequence;          /* The log record up to which it holds everything. */
    struct rc_kept_slabs *kept; /* Of the last checkpoint; replaced when this one stands. */
    struct rc_kept_slabs next;  /* Of this one, until it stands. */
    bool written;               /* Output: its state is of this checkpoint. */
};

/* Those of a checkpoint are in order of their ids. */
struct rc_checkpoint {
    struct rc_disk *disk;
    const char *directory;
    uint64_t number;      /* Of this checkpoint: larger than the last. */
    uint64_t sequence;    /* Projects made or deleted up to this record are as listed. */
    uint64_t pause_ns;    /* Of base/file_gentle.h: the log syncs beside it. 0: none. */
    bool look_everywhere; /* For files of earlier checkpoints, whatever is written; else only where
                             something is. */
    uint32_t project_count;
    struct rc_checkpoint_project *projects;
    uint64_t log;                       /* The number of the log behind it: durable/wal_mark.h. */
    const struct rc_receipts *receipts; /* Of changes of projects up to sequence, or later ones. */
    uint64_t
        longest_hold_ns; /* Output: for this long a project's writer was kept waiting at most. */
    uint64_t states_written; /* Output. */
    uint64_t slabs_written;  /* Output. */
    uint64_t bytes_written;  /* Output. */
    bool stale_left; /* Output of the commit: a file of an earlier one could not be removed. */
};

/* Captures a project and writes its slabs and state; one that has not changed since the last
 * checkpoint keeps the files that it has. applied gives the log record up to which
 * everything is applied; it is asked while the project's writer lock is held. */
RC_MUST_USE enum rc_status
rc_checkpoint_write_project(struct rc_checkpoint *checkpoint,
                            struct rc_checkpoint_project *project,
                            uint64_t (*applied)(void *context),
                            void *context,
                            struct rc_error *reterr_error);

/* Writes the manifest and removes what it no longer names. */
RC_MUST_USE enum rc_status
rc_checkpoint_commit(struct rc_checkpoint *checkpoint, struct rc_error *reterr_error);

/* Paths. RC_LIMIT_EXCEEDED: longer than RC_PATH_BYTES_MAX. */
RC_MUST_USE enum rc_status
rc_project_path(const char *directory,
                struct rc_bytes id,
                uint64_t incarnation,
                const char *file_kind, /* NULL: the directory itself. */
                uint64_t file_number,
                char path[RC_PATH_BYTES_MAX],
                struct rc_error *reterr_error);

#endif
