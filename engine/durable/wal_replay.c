/*
 * A file is read whole: it is a few dozen MiB, and both the search for later frames and the
 * rewriting of the last group want all of it.
 *
 * Three things happen to the newest file after its records were delivered, in this order:
 *   1. The rest of the file is searched for frames of this life. An intact one that says that the
 *      missing sequence was synced means damage.
 *   2. The frames of the last group are written once more, as they are. After a kill they may be in
 *      the page cache only, and if a sync of them failed earlier the cache holds them as clean:
 * only a new write makes the next sync mean something.
 *   3. What the search found past the end is overwritten with zeros. Otherwise a later group that
 *      happens to end where an orphaned frame begins would bring it back.
 * Doing any part of 2 and 3 twice is harmless, so a power cut in between is too.
 */
#include "engine/durable/wal_replay.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

/* A file being read. */
struct scan {
    const struct rc_wal_file *live;
    unsigned char *data;
    uint64_t size;
    uint64_t position; /* Of the next frame. */
    uint64_t group;    /* Where the last group begins. */
    uint64_t expected; /* Sequence of the next record. */
};

static void
scan_close(struct scan *scan)
{
    rc_alloc_free(scan->data);
}

static enum rc_status
corrupt(const struct scan *scan, const char *what, struct rc_error *reterr_error)
{
    return rc_error_set(reterr_error, RC_CORRUPT,
                        "log file wal-%016" PRIx64 ".log, offset %" PRIu64 ": record %" PRIu64
                        " was durable and is %s",
                        scan->live->header.number, scan->position, scan->expected, what);
}

static enum rc_status
scan_open(const struct rc_wal_file *live,
          struct rc_file *file,
          struct scan *ret_scan,
          struct rc_error *reterr_error)
{
    size_t got;
    RC_CLEANUP(rc_alloc_freep) unsigned char *data = rc_alloc(live->size);
    if (data == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read a log file");
    RC_TRY(rc_file_read_at(file, data, live->size, 0, &got, reterr_error));
    if (got < RC_WAL_HEADER_BYTES)
        return rc_error_set(reterr_error, RC_IO, "a log file became shorter while it was read");
    *ret_scan = (struct scan){
        .live = live,
        .data = RC_TAKE(data),
        .size = got & ~(uint64_t)7,
        .position = RC_WAL_HEADER_BYTES,
        .group = RC_WAL_HEADER_BYTES,
        .expected = live->header.sequence_first,
    };
    return RC_OK;
}

/* Delivers records until one is missing or has the sequence sequence_end. */
static enum rc_status
scan_records(struct scan *scan,
             const struct rc_wal_options *options,
             uint64_t sequence_end,
             uint64_t *replayed_count,
             struct rc_error *reterr_error)
{
    while (scan->expected < sequence_end) {
        struct rc_wal_frame frame;
        const unsigned char *at = scan->data + scan->position;
        if (!rc_wal_frame_decode(at, scan->size - scan->position, scan->live->header.salt,
                                 &frame) ||
            frame.kind != RC_WAL_RECORD || frame.sequence != scan->expected)
            return RC_OK;
        if (frame.sequence > options->replay_after) {
            const struct rc_bytes payload = {(const char *)at + RC_WAL_FRAME_BYTES,
                                             frame.payload_bytes};
            RC_TRY(options->on_replay(options->context, frame.sequence, payload, reterr_error));
            (*replayed_count)++;
        }
        if (frame.synced + 1 == frame.sequence)
            scan->group = scan->position;
        scan->position += rc_wal_record_bytes(frame.payload_bytes);
        scan->expected++;
    }
    return RC_OK;
}

/* Looks at every place past the end where a frame of this life may begin. */
static void
scan_rest(const struct scan *scan, uint64_t *ret_synced, uint64_t *ret_end)
{
    const uint64_t salt = scan->live->header.salt;
    uint64_t synced = 0;
    uint64_t end = scan->position;
    for (uint64_t at = scan->position; at < scan->size; at += sizeof(salt)) {
        uint64_t word;
        memcpy(&word, scan->data + at, sizeof(word));
        if (word != salt)
            continue;
        struct rc_wal_frame frame;
        const bool intact = rc_wal_frame_decode(scan->data + at, scan->size - at, salt, &frame);
        if (intact && frame.synced > synced)
            synced = frame.synced;
        if (intact && frame.kind == RC_WAL_MARKER && at == scan->position)
            continue; /* The orderly end: the next record overwrites it. */
        end = at + RC_WAL_FRAME_BYTES < scan->size ? at + RC_WAL_FRAME_BYTES : scan->size;
    }
    *ret_synced = synced;
    *ret_end = end;
}

/* Makes what is to stay durable and what is to go zero. */
static enum rc_status
settle_tail(const struct scan *scan,
            struct rc_file *file,
            uint64_t end,
            struct rc_error *reterr_error)
{
    if (scan->position > scan->group)
        RC_TRY(rc_file_write_at(file, scan->data + scan->group, scan->position - scan->group,
                                scan->group, reterr_error));
    if (end > scan->position) {
        memset(scan->data + scan->position, 0, end - scan->position);
        RC_TRY(rc_file_write_at(file, scan->data + scan->position, end - scan->position,
                                scan->position, reterr_error));
    }
    return rc_file_sync(file, reterr_error);
}

static enum rc_status
replay_newest(const struct rc_wal_options *options,
              struct scan *scan,
              struct rc_wal_tail *tail,
              struct rc_error *reterr_error)
{
    RC_TRY(scan_records(scan, options, UINT64_MAX, &tail->replayed_count, reterr_error));
    uint64_t synced;
    uint64_t end;
    scan_rest(scan, &synced, &end);
    if (synced >= scan->expected)
        return corrupt(scan, "damaged", reterr_error);
    if (options->replay_after >= scan->expected)
        return corrupt(scan, "damaged: a checkpoint holds more than the log", reterr_error);
    RC_TRY(settle_tail(scan, tail->file, end, reterr_error));
    tail->torn_bytes = end - scan->position;
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
    if (count == 0) {
        *ret_tail = tail;
        return RC_OK;
    }
    size_t index = 0;
    RC_TRY(first_needed(options, files, &index, reterr_error));
    for (; index < count; index++) {
        RC_CLEANUP(scan_close) struct scan scan = {0};
        RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
        const struct rc_wal_file *live = rc_wal_files_at(files, index);
        RC_TRY(rc_wal_files_use(files, live->header.number, &file, reterr_error));
        RC_TRY(scan_open(live, file, &scan, reterr_error));
        if (index + 1 == count) {
            tail.file = file;
            tail.live = *live;
            RC_TRY(replay_newest(options, &scan, &tail, reterr_error));
            (void)RC_TAKE(file);
            break;
        }
        const uint64_t next = rc_wal_files_at(files, index + 1)->header.sequence_first;
        RC_TRY(scan_records(&scan, options, next, &tail.replayed_count, reterr_error));
        if (scan.expected != next)
            return corrupt(&scan, "damaged", reterr_error);
    }
    *ret_tail = tail;
    return RC_OK;
}
