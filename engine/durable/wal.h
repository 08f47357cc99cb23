/*
 * Write-ahead log: the process's one log of everything that changes state. A record is bytes; this
 * room never knows their meaning.
 *
 * Records are appended to a buffer and made durable in groups by one thread of the log's own: many
 * appenders share one write and one sync. Records are delivered to on_durable in log order, from
 * the log's thread, after the sync that covers them: application happens there or is handed on in
 * order.
 *
 * Files are of fixed size, written with zeros once, and recycled: a sync of an already written
 * block costs a twentieth of one that grows a file. A frame carries a per-file salt and a sequence
 * number, so that what an older life of the file left behind is never taken for a record.
 *
 * Ownership: the log owns its files and its thread. Payloads are copied at append.
 * Threading: rc_wal_append from any thread; the callback runs on the log's thread.
 * Units:     a position is the sequence number of a record: 1, 2, 3, ... over the life of the data.
 * Errors:    after a failed write or sync the log is broken: every later append gets RC_UNAVAILABLE
 *            (RC_NO_SPACE while the disk is full; the log then tries again by itself with the next
 *            append, since nothing of the failed group was acknowledged).
 */
#ifndef RC_DURABLE_WAL_H
#define RC_DURABLE_WAL_H

#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/durable/wal_mark.h"

struct rc_wal;

struct rc_wal_options {
    struct rc_disk *disk;
    const char *directory;         /* Exists. Holds the log's files and nothing else. */
    struct rc_wal_mark_place mark; /* Outside of directory. */
    uint64_t file_bytes;           /* Of one log file, a multiple of 4096: 64 MiB but in tests. */
    uint64_t buffer_bytes_max;     /* Appends wait while this much is not yet durable. */
    uint64_t replay_after; /* Deliver records with a sequence above this (the checkpoint's). */

    /* Called in order for each record found at open (replay), from the opening thread. A failure
     * ends the open with it. payload is valid during the call. */
    enum rc_status (*on_replay)(void *context,
                                uint64_t sequence,
                                struct rc_bytes payload,
                                struct rc_error *reterr_error);

    /* Called in order for each appended record from the log's thread; token is the appender's,
     * payload is valid during the call and is the log's own copy. Must not append.
     *   RC_OK                      it is durable and has this sequence.
     *   RC_NO_SPACE, RC_NO_MEMORY  it is not and never will be; sequence is 0.
     *   RC_UNAVAILABLE             the log broke; whether the record survives is known after a
     *                              restart only; sequence is 0. */
    void (*on_durable)(void *context,
                       uint64_t sequence,
                       struct rc_bytes payload,
                       void *token,
                       enum rc_status status);

    /* The log broke: called once, from its thread, before the first RC_UNAVAILABLE is delivered.
     * Must neither append nor close. NULL: nobody wants to know. */
    void (*on_broken)(void *context, const struct rc_error *error);
    void *context;
};

struct rc_wal_stats {
    uint64_t sequence_last;  /* Of the last durable record; 0 when there is none. */
    uint64_t replayed_count; /* Records delivered at open. */
    uint64_t torn_bytes;     /* Cut from the end at open: a tail that was never synced. */
    uint64_t synced_count;   /* fdatasync calls. */
    uint64_t written_bytes;
    uint64_t live_bytes;    /* Used bytes of the files that were not trimmed. */
    uint64_t refused_count; /* Records for which the disk had no room. */
    /* Why it takes no more records until a restart; empty while it does. */
    char broken[RC_ERROR_MESSAGE_BYTES];
};

/*
 * Opens or creates the log, replays it, starts its thread.
 *   RC_OK       every intact record above replay_after was delivered to on_replay, in order; a torn
 *               tail (damage after the last synced record) was cut.
 *   RC_CORRUPT  a record that had been synced is damaged or missing; the error says which file,
 * offset and sequence. Nothing was changed on disk.
 */
RC_MUST_USE enum rc_status
rc_wal_open(const struct rc_wal_options *options,
            struct rc_wal **ret_wal,
            struct rc_error *reterr_error);

/* Makes everything appended durable, delivers it, stops the thread. NULL is fine. Returns NULL. */
struct rc_wal *
rc_wal_close(struct rc_wal *wal);

RC_DEFINE_CLEANUP(struct rc_wal *, rc_wal_close)

/*
 * Appends one record made of two parts (a header and a body, so that neither is copied twice).
 * Waits while the buffer is full. on_durable will be called exactly once if and only if RC_OK.
 *   RC_LIMIT_EXCEEDED  the record is larger than a log file can hold: its size less 4136 bytes.
 *   RC_NO_MEMORY       the buffer cannot grow.
 *   RC_UNAVAILABLE     the log is broken.
 */
RC_MUST_USE enum rc_status
rc_wal_append(struct rc_wal *wal,
              struct rc_bytes head,
              struct rc_bytes body,
              void *token,
              struct rc_error *reterr_error);

/* Waits until everything appended before the call was delivered to on_durable. */
void
rc_wal_drain(struct rc_wal *wal);

/* Records up to sequence are in a checkpoint: files that hold only such records may be recycled.
 * pause_ns: as for rc_disk_remove_gently, for those that are not. */
RC_MUST_USE enum rc_status
rc_wal_trim(struct rc_wal *wal,
            uint64_t sequence,
            uint64_t pause_ns,
            struct rc_error *reterr_error);

/*
 * For erasing what was logged: goes on in a new file that was written with zeros, so that a trim
 * can reach all records up to now. Until rc_wal_end_erasing no file is recycled: those that are
 * trimmed are removed. Waits for the log's thread. One caller at a time. RC_UNAVAILABLE  nothing
 * was logged since the newest file was begun, or the log is broken. Else            as for an
 * append; rc_wal_end_erasing must be called all the same.
 */
RC_MUST_USE enum rc_status
rc_wal_begin_erasing(struct rc_wal *wal, struct rc_error *reterr_error);

void
rc_wal_end_erasing(struct rc_wal *wal);

/* Whether what is in use is still under its name on disk. RC_CORRUPT: somebody took or changed it,
 * and what is acknowledged from then on may not outlive the process. */
RC_MUST_USE enum rc_status
rc_wal_check(struct rc_wal *wal, struct rc_error *reterr_error);

/* The number that the log has for life: of its mark; 0: none is kept. */
uint64_t
rc_wal_log(const struct rc_wal *wal);

/* Of on_durable: when the log began to write the records that it gives out together, monotonic. */
uint64_t
rc_wal_writing_ns(const struct rc_wal *wal);

void
rc_wal_get_stats(struct rc_wal *wal, struct rc_wal_stats *ret_stats);

#endif
