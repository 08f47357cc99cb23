/*
 * Replay: reads the live files of a log in order, delivers the records and finds where to go on.
 *
 * The end of a log may be torn: the last group was being written when the power went. Nothing of it
 * was acknowledged, so it is cut. A record that had been synced must be there, so its damage is
 * reported and stops the start. The two are told apart by what was written later: since a group is
 * written only after the sync of the one before, a later file, or a later frame of the same file
 * whose "synced" reaches the damaged sequence, or the mark, proves that it had been synced.
 *
 * Ownership: the tail's file belongs to the caller.
 * Threading: one thread, before the log is used.
 * Units:     bytes and sequences.
 * Errors:    as below; nothing on disk changes before everything was delivered.
 */
#ifndef RC_DURABLE_WAL_REPLAY_H
#define RC_DURABLE_WAL_REPLAY_H

#include <stdint.h>

#include "engine/durable/wal.h"
#include "engine/durable/wal_files.h"

/* Where the log goes on. */
struct rc_wal_tail {
    struct rc_file *file; /* The newest live file, owned; NULL: there is none yet. */
    struct rc_wal_file live;
    uint64_t position;      /* Where the next frame goes. */
    uint64_t sequence_last; /* Of the last record; replay_after when there is none above it. */
    uint64_t replayed_count;
    uint64_t torn_bytes;
};

/*
 *   RC_OK       every record above options->replay_after was delivered; what was found of the last
 *               group is durable now; a torn rest is overwritten with zeros, durably.
 *   RC_CORRUPT  a record that had been synced is damaged or missing. Nothing was changed on disk.
 *   Else        the status of on_replay or of the disk.
 */
RC_MUST_USE enum rc_status
rc_wal_replay(const struct rc_wal_options *options,
              struct rc_wal_files *files,
              struct rc_wal_tail *ret_tail,
              struct rc_error *reterr_error);

#endif
