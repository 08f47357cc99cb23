/*
 * The window begins at the place that was asked for last and reaches at least WINDOW_BYTES further,
 * or to the end of the file. It grows to the largest record: a frame's own checksum is looked at
 * before its length is believed.
 */
#include "engine/durable/wal_scan.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"

#define WINDOW_BYTES ((size_t)4 << 20)

enum rc_status
rc_wal_scan_open(const struct rc_wal_file *live,
                 struct rc_file *file,
                 struct rc_wal_scan *ret_scan,
                 struct rc_error *reterr_error)
{
    if (live->size < RC_WAL_HEADER_BYTES)
        return rc_error_set(reterr_error, RC_IO, "a log file became shorter while it was read");
    *ret_scan = (struct rc_wal_scan){
        .file = file,
        .salt = live->header.salt,
        .size = live->size & ~(uint64_t)7,
        .position = RC_WAL_HEADER_BYTES,
        .group = RC_WAL_HEADER_BYTES,
        .expected = live->header.sequence_first,
    };
    return RC_OK;
}

void
rc_wal_scan_close(struct rc_wal_scan *scan)
{
    scan->data = rc_alloc_free(scan->data);
}

static bool
window_has(const struct rc_wal_scan *scan, uint64_t at, uint64_t bytes)
{
    return at >= scan->window_at && at + bytes <= scan->window_at + scan->window_size;
}

/* Brings [at, at + bytes) into the window, which lies within the file; *ret_data is its address. */
static enum rc_status
window_at(struct rc_wal_scan *scan,
          uint64_t at,
          uint64_t bytes,
          const unsigned char **ret_data,
          struct rc_error *reterr_error)
{
    RC_ASSERT(bytes <= scan->size - at);
    if (!window_has(scan, at, bytes)) {
        const uint64_t left = scan->size - at;
        const size_t wanted = bytes > WINDOW_BYTES ? (size_t)bytes : WINDOW_BYTES;
        if (wanted > scan->capacity) {
            scan->data = rc_alloc_free(scan->data);
            scan->capacity = 0;
            scan->window_size = 0;
            scan->data = rc_alloc(wanted);
            if (scan->data == NULL)
                return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to read a log file");
            scan->capacity = wanted;
        }
        size_t got = 0;
        const size_t size = left < scan->capacity ? (size_t)left : scan->capacity;
        scan->window_size = 0;
        RC_TRY(rc_file_read_at(scan->file, scan->data, size, at, &got, reterr_error));
        if (got < size)
            return rc_error_set(reterr_error, RC_IO, "a log file became shorter while it was read");
        scan->window_at = at;
        scan->window_size = got;
    }
    *ret_data = scan->data + (at - scan->window_at);
    return RC_OK;
}

/* The frame at at, if there is an intact one of this life. */
static enum rc_status
frame_at(struct rc_wal_scan *scan,
         uint64_t at,
         bool *ret_intact,
         struct rc_wal_frame *ret_frame,
         struct rc_bytes *ret_payload,
         struct rc_error *reterr_error)
{
    const uint64_t left = scan->size - at;
    const unsigned char *data = NULL;
    *ret_intact = false;
    if (left < RC_WAL_FRAME_BYTES)
        return RC_OK;
    RC_TRY(window_at(scan, at, RC_WAL_FRAME_BYTES, &data, reterr_error));
    uint32_t payload_bytes = 0;
    if (!rc_wal_frame_is_sound(data, left, scan->salt, &payload_bytes))
        return RC_OK;
    RC_TRY(window_at(scan, at, rc_wal_record_bytes(payload_bytes), &data, reterr_error));
    *ret_intact = rc_wal_frame_decode(data, left, scan->salt, ret_frame);
    *ret_payload = (struct rc_bytes){(const char *)data + RC_WAL_FRAME_BYTES, payload_bytes};
    return RC_OK;
}

enum rc_status
rc_wal_scan_next(struct rc_wal_scan *scan,
                 bool *ret_found,
                 struct rc_wal_frame *ret_frame,
                 struct rc_bytes *ret_payload,
                 struct rc_error *reterr_error)
{
    bool intact = false;
    RC_TRY(frame_at(scan, scan->position, &intact, ret_frame, ret_payload, reterr_error));
    *ret_found =
        intact && ret_frame->kind == RC_WAL_RECORD && ret_frame->sequence == scan->expected;
    if (!*ret_found)
        return RC_OK;
    if (ret_frame->synced + 1 == ret_frame->sequence)
        scan->group = scan->position;
    scan->position += rc_wal_record_bytes(ret_frame->payload_bytes);
    scan->expected++;
    return RC_OK;
}

/* The next place at or behind at whose word is the salt; the size of the file when there is none.
 */
static enum rc_status
find_salt(struct rc_wal_scan *scan, uint64_t at, uint64_t *ret_at, struct rc_error *reterr_error)
{
    while (at < scan->size) {
        const unsigned char *data = NULL;
        uint64_t word;
        RC_TRY(window_at(scan, at, sizeof(word), &data, reterr_error));
        const uint64_t size = scan->window_at + scan->window_size - at;
        uint64_t place = 0;
        for (; place + sizeof(word) <= size; place += sizeof(word)) {
            memcpy(&word, data + place, sizeof(word));
            if (word == scan->salt)
                break;
        }
        at += place;
        if (place + sizeof(word) <= size)
            break;
    }
    *ret_at = at;
    return RC_OK;
}

enum rc_status
rc_wal_scan_rest(struct rc_wal_scan *scan,
                 enum rc_status (*on_record)(void *context,
                                             const struct rc_wal_frame *frame,
                                             struct rc_bytes payload),
                 void *context,
                 struct rc_wal_rest *ret_rest,
                 struct rc_error *reterr_error)
{
    struct rc_wal_rest rest = {.end = scan->position};
    for (uint64_t at = scan->position;; at += sizeof(scan->salt)) {
        RC_TRY(find_salt(scan, at, &at, reterr_error));
        if (at >= scan->size)
            break;
        struct rc_wal_frame frame;
        struct rc_bytes payload = {NULL, 0};
        bool intact = false;
        RC_TRY(frame_at(scan, at, &intact, &frame, &payload, reterr_error));
        if (intact && frame.synced > rest.synced)
            rest.synced = frame.synced;
        if (intact && frame.kind == RC_WAL_RECORD && on_record != NULL)
            RC_TRY(on_record(context, &frame, payload));
        if (intact && frame.kind == RC_WAL_MARKER && at == scan->position)
            continue; /* The orderly end: the next record overwrites it. */
        rest.end = at + RC_WAL_FRAME_BYTES < scan->size ? at + RC_WAL_FRAME_BYTES : scan->size;
    }
    *ret_rest = rest;
    return RC_OK;
}
