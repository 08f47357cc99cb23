/*
 * Gentle: writing and removing large files beside somebody whose syncs must not wait for them: the
 * log, whose every acknowledgement is a sync.
 *
 * A sync waits for all that is on its way to the disk, whoever wrote it, and for the file system to
 * let go of what a removed file had: 64 MB written at once delay syncs by 15 to 20 ms, 200 MB
 * removed at once by 30. So both are done in pieces, with a rest after each in which syncs get
 * through: 256 KiB with a rest of 1 ms delay them by as good as nothing (docs/benchmarks.md).
 *
 * Threading: as file.h.
 * Units:     bytes; ns.
 * Errors:    those of file.h.
 */
#ifndef RC_BASE_FILE_GENTLE_H
#define RC_BASE_FILE_GENTLE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/file.h"

/* The rest after a piece. Work of which nobody is in a hurry goes at this pace, 250 MB/s at most.
 */
#define RC_GENTLE_PAUSE_NS ((uint64_t)1000 * 1000)

/* Writes in pieces, each carried to the disk before the next (rc_file_push), with a rest of
 * pause_ns in between. 0: nobody is waiting for the disk: larger pieces, no rest. */
RC_MUST_USE enum rc_status
rc_file_write_gently(struct rc_file *file,
                     const void *data,
                     size_t size,
                     uint64_t offset,
                     uint64_t pause_ns,
                     struct rc_error *reterr_error);

/* Removes a file whose content nobody will ask for again. With a pause it is cut from its end bit
 * by bit first, unless it has another name or somebody uses it (rc_file_use). After a failure, or a
 * crash in the middle, some of it may be left. */
RC_MUST_USE enum rc_status
rc_disk_remove_gently(struct rc_disk *disk,
                      const char *path,
                      uint64_t pause_ns,
                      struct rc_error *reterr_error);

#endif
