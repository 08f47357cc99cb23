/*
 * Restore: makes a project of its files: reads the state, reads and verifies the slabs.
 *
 * Ownership: the project and the list of its slabs are the caller's.
 * Threading: any thread, a worker's too; several projects may be restored at the same time.
 * Errors:    RC_CORRUPT, RC_NOT_FOUND, RC_IO name the file.
 */
#ifndef RC_KEEP_RESTORE_H
#define RC_KEEP_RESTORE_H

#include <stdint.h>

#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/keep/checkpoint.h"
#include "engine/keep/manifest_content.h"
#include "engine/store/cold/cold_cache.h"
#include "engine/store/project/project.h"

/* From where, and how. */
struct rc_restore {
    struct rc_disk *disk;
    const char *directory; /* The data directory. */
    struct rc_account *parent;
    uint32_t head_rows_max;
    struct rc_workers *workers; /* Verify slabs side by side; NULL: the calling thread does. */
    size_t large_state_bytes;   /* From this size of its state on a project's slabs are read beside
                                   that. 0: 256 KiB. Tests use less. */
    enum rc_slab_verify verify; /* RC_SLAB_CHECKSUMS at least, where content is to be used. */
    struct rc_cold_cache *cold; /* NULL: every slab is read. */
    int64_t cold_before_ms; /* Slabs of windows that end before stay on disk (cold_cache.h): they
                               are verified when they are read. */
};

/* *ret_kept says what is on disk. */
RC_MUST_USE enum rc_status
rc_restore_project(const struct rc_restore *how,
                   const struct rc_manifest_project *stored,
                   struct rc_project **ret_project,
                   struct rc_kept_slabs *ret_kept,
                   struct rc_error *reterr_error);

#endif
