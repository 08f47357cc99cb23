/*
 * Scan: reads one log file from its beginning, record by record, and then the rest of it.
 *
 * The file is read through a window that is used again and again: a file of 64 MiB costs a few MiB
 * of memory, and a read that the system fails is an error and not a signal.
 *
 * Ownership: owns the window; the file is borrowed. A payload lives until the next call.
 * Threading: one thread.
 * Units:     bytes and sequences.
 * Errors:    those of the disk, RC_NO_MEMORY. Damage is an answer.
 */
#ifndef RC_DURABLE_WAL_SCAN_H
#define RC_DURABLE_WAL_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/durable/wal_files.h"
#include "engine/durable/wal_format.h"

struct rc_wal_scan {
    struct rc_file *file;
    uint64_t salt;
    uint64_t size;     /* Of the file, whole words. */
    uint64_t position; /* Of the next frame. */
    uint64_t group;    /* Where the last group begins. */
    uint64_t expected; /* Sequence of the next record. */
    unsigned char *data;
    size_t capacity;
    uint64_t window_at; /* Offset of data[0]. */
    size_t window_size;
};

/* Begins behind the header of a live file. */
RC_MUST_USE enum rc_status
rc_wal_scan_open(const struct rc_wal_file *live,
                 struct rc_file *file,
                 struct rc_wal_scan *ret_scan,
                 struct rc_error *reterr_error);

/* For RC_CLEANUP on the struct itself. */
void
rc_wal_scan_close(struct rc_wal_scan *scan);

/* The record at position, which is then passed. *ret_found false: there is none with the sequence
 * expected; nothing moved. */
RC_MUST_USE enum rc_status
rc_wal_scan_next(struct rc_wal_scan *scan,
                 bool *ret_found,
                 struct rc_wal_frame *ret_frame,
                 struct rc_bytes *ret_payload,
                 struct rc_error *reterr_error);

/* What lies behind position of the file's life: a torn tail, or what damage cut off. */
struct rc_wal_rest {
    uint64_t synced; /* The highest "synced" of an intact frame; 0: there is none. */
    uint64_t end;    /* Behind the last place where a frame of this life may begin. */
};

/* Looks at every such place. on_record (may be NULL) gets each intact record. Does not move. */
RC_MUST_USE enum rc_status
rc_wal_scan_rest(struct rc_wal_scan *scan,
                 enum rc_status (*on_record)(void *context,
                                             const struct rc_wal_frame *frame,
                                             struct rc_bytes payload),
                 void *context,
                 struct rc_wal_rest *ret_rest,
                 struct rc_error *reterr_error);

#endif
