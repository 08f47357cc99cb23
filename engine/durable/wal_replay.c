/*
 * Three things happen to the newest file after its records were delivered, in this order:
 *   1. The rest of the file is searched for frames of this life. An intact one that says that the
 *      missing sequence was synced means damage.
 *   2. The frames of the last group are written once more, as they are, and the header if no group
 *      before it was synced with that. After a kill they may be in the page cache only, and if a
 *      sync of them failed earlier the cache holds them as clean: only a new write makes the next
 *      sync mean something.
 *   3. What the search found past the end is overwritten with zeros. Otherwise a later group that
 *      happens to end where an orphaned frame begins would bring it back.
 * Doing any part of 2 and 3 twice is harmless, so a power cut in between is too.
 */
#include "engine/durable/wal_replay.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/durable/wal_scan.h"

#define PIECE_BYTES ((size_t)256 << 10)

static enum rc_status
corrupt(const struct rc_wal_scan *scan,
        const struct rc_wal_file *live,
        const char *what,
        struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_CORRUPT,
                        "log file wal-%016" PRIx64 ".log, offset %" PRIu64 ": record %" PRIu64
                        " was durable and is %s",
                        live->header.number, scan->position, scan->expected, what);
}

/* Delivers records until one is missing or has the sequence sequence_end. */
static enum rc_status
deliver(struct rc_wal_scan *scan,
        const struct rc_wal_options *options,
        uint64_t sequence_end,
        uint64_t *replayed_count,
        struct rc_error *reterr_error)
{
    while (scan->expected < sequence_end) {
        struct rc_wal_frame frame;
        struct rc_bytes payload;
        bool found = false;
        RC_TRY(rc_wal_scan_next(scan, &found, &frame, &payload, reterr_error));
        if (!found)
            return RC_OK;
        if (frame.sequence > options->replay_after) {
            RC_TRY(options->on_replay(options->context, frame.sequence, payload, reterr_error));
            (*replayed_count)++;
        }
    }
    return RC_OK;
}

/* Makes what is to stay durable and what is to go zero, piece by piece. */
static enum rc_status
settle_tail(const struct rc_wal_scan *scan, uint64_t end, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_alloc_freep) unsigned char *piece = rc_alloc(PIECE_BYTES);
    if (piece == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to settle the log");
    const uint64_t first = scan->group == RC_WAL_HEADER_BYTES ? 0 : scan->group;
    for (uint64_t at = first; at < scan->position;) {
        const uint64_t left = scan->position - at;
        const size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        size_t got = 0;
        RC_TRY(rc_file_read_at(scan->file, piece, size, at, &got, reterr_error));
        if (got < size)
            return rc_error_set(reterr_error, RC_IO, "a log file became shorter while it was read");
        RC_TRY(rc_file_write_at(scan->file, piece, size, at, reterr_error));
        at += size;
    }
    memset(piece, 0, PIECE_BYTES);
    for (uint64_t at = scan->position; at < end;) {
        const uint64_t left = end - at;
        const size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        RC_TRY(rc_file_write_at(scan->file, piece, size, at, reterr_error));
        at += size;
    }
    return rc_file_sync(scan->file, reterr_error);
}

static enum rc_status
replay_newest(const struct rc_wal_options *options,
              uint64_t durable,
              struct rc_wal_scan *scan,
              struct rc_wal_tail *tail,
              struct rc_error *reterr_error)
{
    struct rc_wal_rest rest;
    RC_TRY(deliver(scan, options, UINT64_MAX, &tail->replayed_count, reterr_error));
    RC_TRY(rc_wal_scan_rest(scan, NULL, NULL, &rest, reterr_error));
    if (rest.synced >= scan->expected)
        return corrupt(scan, &tail->live, "damaged", reterr_error);
    if (durable >= scan->expected && durable > options->replay_after)
        return corrupt(scan, &tail->live, "missing", reterr_error);
    if (options->replay_after >= scan->expected)
        return corrupt(scan, &tail->live, "damaged: a checkpoint holds more than the log",
                       reterr_error);
    RC_TRY(settle_tail(scan, rest.end, reterr_error));
    tail->torn_bytes = rest.end - scan->position;
    tail->position = scan->position;
    tail->sequence_last = scan->expected - 1;
    return RC_OK;
}

/* The first file that may hold a record above replay_after. */
static enum rc_status
first_needed(const struct rc_wal_options *options,
             const struct rc_wal_files *files,
             size_t *ret_index,
             struct rc_error *reterr_error)
{
    const size_t count = rc_wal_files_count(files);
    size_t index = 0;
    while (index + 1 < count &&
           rc_wal_files_at(files, index + 1)->header.sequence_first <= options->replay_after + 1)
        index++;
    const uint64_t first = rc_wal_files_at(files, index)->header.sequence_first;
    if (first > options->replay_after + 1)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "the log begins with record %" PRIu64 ", records from %" PRIu64
                            " on are missing",
                            first, options->replay_after + 1);
    *ret_index = index;
    return RC_OK;
}

enum rc_status
rc_wal_replay(const struct rc_wal_options *options,
              struct rc_wal_files *files,
              struct rc_wal_tail *ret_tail,
              struct rc_error *reterr_error)
{
    const size_t count = rc_wal_files_count(files);
    struct rc_wal_tail tail = {.sequence_last = options->replay_after};
    const uint64_t durable = rc_wal_files_durable(files);
    if (count == 0 && durable > options->replay_after)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "the log is missing: record %" PRIu64 " was durable", durable);
    if (count == 0) {
        *ret_tail = tail;
        return RC_OK;
    }
    size_t index = 0;
    RC_TRY(first_needed(options, files, &index, reterr_error));
    for (; index < count; index++) {
        RC_CLEANUP(rc_wal_scan_close) struct rc_wal_scan scan = {0};
        RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
        const struct rc_wal_file *live = rc_wal_files_at(files, index);
        RC_TRY(rc_wal_files_use(files, live->header.number, &file, reterr_error));
        RC_TRY(rc_wal_scan_open(live, file, &scan, reterr_error));
        if (index + 1 == count) {
            tail.file = file;
            tail.live = *live;
            RC_TRY(replay_newest(options, durable, &scan, &tail, reterr_error));
            (void)RC_TAKE(file);
            break;
        }
        const uint64_t next = rc_wal_files_at(files, index + 1)->header.sequence_first;
        RC_TRY(deliver(&scan, options, next, &tail.replayed_count, reterr_error));
        if (scan.expected != next)
            return corrupt(&scan, live, "damaged", reterr_error);
    }
    *ret_tail = tail;
    return RC_OK;
}
