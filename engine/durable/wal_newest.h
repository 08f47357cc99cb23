/*
 * Newest: what the log's files make of the mark (wal_mark.h): at the start, whether the file that
 * it names is there; later, that it names the one in use.
 *
 * Ownership: what is kept is in struct rc_wal_files. Without a path for the mark nothing is.
 * Threading: one thread at a time; it is not the helper's.
 * Units:     sequences.
 * Errors:    as stated, and those of the disk.
 */
#ifndef RC_DURABLE_WAL_NEWEST_H
#define RC_DURABLE_WAL_NEWEST_H

#include "engine/durable/wal_files_state.h"

/* Reads the mark and looks for its file among the live ones, ready ones included, whose headers
 * were read. log: as in struct rc_wal_mark_place. RC_CORRUPT: something is missing; nothing was
 * changed.
 */
RC_MUST_USE enum rc_status
rc_wal_newest_find(struct rc_wal_files *files, uint64_t log, struct rc_error *reterr_error);

/* Has the mark name the newest live file, durably, before a ready one that it may name goes. Every
 * record up to sequence is durable. */
RC_MUST_USE enum rc_status
rc_wal_newest_settle(struct rc_wal_files *files, uint64_t sequence, struct rc_error *reterr_error);

/*
 * The same for a file that is taken into use, by a write and a sync for each half.
 *   RC_NO_SPACE  the mark says what it said, durably.
 *   RC_IO        what it says now is not known; no file that it may name must go.
 */
RC_MUST_USE enum rc_status
rc_wal_newest_name(struct rc_wal_files *files,
                   const struct rc_wal_file *live,
                   uint64_t sequence,
                   struct rc_error *reterr_error);

#endif
