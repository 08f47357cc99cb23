/*
 * The files of the log: which are live, which are spare, and how one becomes the other.
 *
 * A spare has its full size, written with zeros or recycled, so that writing into it allocates
 * nothing. It is made ready by a header with a new number and salt that says that the file holds
 * nothing, a sync, a rename and a sync of the directory: so a file under a live name always has an
 * intact, synced header, and one that has not is damaged. A helper thread does that ahead of need.
 * A file that is ready becomes live by one write: its header says where it begins, and is synced
 * with the first records. The mark (wal_mark.h) names it by then.
 *
 * Ownership: owns its thread and its lists. A file handed out belongs to the caller.
 * Threading: rc_wal_files_next from one thread at a time; the others from any thread.
 * Units:     bytes and sequences.
 * Errors:    as in file.h; nothing half-made is listed.
 */
#ifndef RC_DURABLE_WAL_FILES_H
#define RC_DURABLE_WAL_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/durable/wal_format.h"
#include "engine/durable/wal_mark.h"

struct rc_wal_files;

struct rc_wal_file {
    struct rc_wal_header header;
    uint64_t size; /* Of the file. */
};

/*
 * Lists a directory and reads the headers of the live files. Changes nothing.
 *   RC_CORRUPT  a live file has no intact header, or the newest one is missing; the error names it.
 */
RC_MUST_USE enum rc_status
rc_wal_files_open(struct rc_disk *disk,
                  const char *directory,
                  uint64_t file_bytes,
                  struct rc_wal_mark_place mark,
                  struct rc_wal_files **ret_files,
                  struct rc_error *reterr_error);

/* Stops the helper. Leaves the files on disk. NULL is fine. Returns NULL. */
struct rc_wal_files *
rc_wal_files_close(struct rc_wal_files *files);

RC_DEFINE_CLEANUP(struct rc_wal_files *, rc_wal_files_close)

/* Brings the mark up to date, drops spares that are too many or of another size, and starts the
 * helper thread: for after the replay, which made every record up to sequence durable. */
RC_MUST_USE enum rc_status
rc_wal_files_start(struct rc_wal_files *files, uint64_t sequence, struct rc_error *reterr_error);

/* The log's number; 0: no mark is kept. */
uint64_t
rc_wal_files_log(const struct rc_wal_files *files);

/* What the mark says: every record up to this one is in the log or in a checkpoint. Before
 * rc_wal_files_start only. */
uint64_t
rc_wal_files_durable(const struct rc_wal_files *files);

/* Has the mark say, as well as it can, that every record up to sequence is durable: for the end of
 * the log, whose newest file is live. From the thread that takes files into use. */
void
rc_wal_files_finish(struct rc_wal_files *files, const struct rc_wal_file *live, uint64_t sequence);

/* The live files, by number and so by sequence. Before rc_wal_files_start only. */
size_t
rc_wal_files_count(const struct rc_wal_files *files);
const struct rc_wal_file *
rc_wal_files_at(const struct rc_wal_files *files, size_t index);

/* Opens the live file of a number for reading and writing. */
RC_MUST_USE enum rc_status
rc_wal_files_use(struct rc_wal_files *files,
                 uint64_t number,
                 struct rc_file **ret_file,
                 struct rc_error *reterr_error);

/*
 * Takes the next file into use as the newest live one, whose first record will be sequence_first;
 * every record before is durable. Waits for the helper when none is ready. That it is in use is
 * durable with the next sync of the file; the mark names it, durably.
 *   RC_NO_SPACE, RC_NO_MEMORY  nothing changed; it may be tried again.
 *   RC_IO                      no file may be taken into use any more.
 */
RC_MUST_USE enum rc_status
rc_wal_files_next(struct rc_wal_files *files,
                  uint64_t sequence_first,
                  struct rc_wal_file *ret_live,
                  struct rc_file **ret_file,
                  struct rc_error *reterr_error);

/* Asks the helper for the next file, unless it is ready. Does not wait. */
void
rc_wal_files_prepare(struct rc_wal_files *files);

/* Recycles or removes (as rc_disk_remove_gently) the live files whose records all have a sequence
 * up to the given one; the newest file always stays. */
RC_MUST_USE enum rc_status
rc_wal_files_trim(struct rc_wal_files *files,
                  uint64_t sequence,
                  uint64_t pause_ns,
                  struct rc_error *reterr_error);

/* Removes every spare, which may hold what was written in an earlier life, and what was made ready
 * of one. Until rc_wal_files_end_erasing new files are written with zeros and trimmed files are
 * removed. After a failure some are left, and it must be ended too. */
RC_MUST_USE enum rc_status
rc_wal_files_begin_erasing(struct rc_wal_files *files, struct rc_error *reterr_error);

void
rc_wal_files_end_erasing(struct rc_wal_files *files);

/* Whether the files in use and the mark are still what is on disk: RC_CORRUPT says which is not. */
RC_MUST_USE enum rc_status
rc_wal_files_check(struct rc_wal_files *files, struct rc_error *reterr_error);

/* Bytes of the live files but the newest. */
uint64_t
rc_wal_files_older_bytes(struct rc_wal_files *files);

/* Syncs done so far, by the helper too. */
uint64_t
rc_wal_files_sync_count(struct rc_wal_files *files);

#endif
