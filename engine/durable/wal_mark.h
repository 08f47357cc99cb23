/*
 * Mark: a small file outside of the log's directory that names the newest file of the log. What is
 * missing in the middle of a log is noticed by what comes later; that the end is missing, or all of
 * it, is noticed by the mark.
 *
 * It is written when a file is taken into use, before the first record in that file is
 * acknowledged, and at the end of an orderly close: so it costs two syncs a file and none a record.
 * What it says stays true until it is written again: the file is under its live name (in use, or
 * ready when the power went before its header was durable), and every record up to sequence is in
 * the log or in a checkpoint.
 *
 * It is kept twice, in halves that are written one after the other, each synced: so a write that is
 * cut off leaves one of them as it was, and from then on each says all of it by itself. Whichever
 * of them is damaged later, the other names the newest file. At 0 and at RC_WAL_MARK_SLOT_BYTES:
 *
 *      offset  bytes  field
 *           0      8  magic, "RCMARK\n\1": the last byte is the format version
 *           8      8  log: a random number that a log has for life, not 0
 *          16      8  number of the newest file; 0: the log has none
 *          24      8  salt of that file
 *          32      8  size of that file
 *          40      8  sequence: every record up to this one was durable when this was written
 *          48      8  turn: of the two the one with the greater turn holds; an even one is at 0
 *          56      4  CRC32C of bytes 0 to 55
 *          60         zero
 *
 * Ownership: nothing is owned.
 * Threading: one writer at a time.
 * Units:     bytes and sequences. Little-endian.
 * Errors:    as in file.h.
 */
#ifndef RC_DURABLE_WAL_MARK_H
#define RC_DURABLE_WAL_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/file.h"
#include "engine/base/status.h"

#define RC_WAL_MARK_NAME "MARK" /* Of its file, by custom. */
#define RC_WAL_MARK_SLOT_BYTES 4096
#define RC_WAL_MARK_BYTES (2 * RC_WAL_MARK_SLOT_BYTES)

struct rc_wal_mark {
    uint64_t log;
    uint64_t file_number;
    uint64_t file_salt;
    uint64_t file_bytes;
    uint64_t sequence;
    uint64_t turn;
    bool half; /* The other one cannot be read or says something else: a write was cut off, or it is
                  damaged. */
};

/* Where a log's mark is. */
struct rc_wal_mark_place {
    const char *path; /* NULL: none is kept. */
    uint64_t log;     /* As a checkpoint has it. 0: no checkpoint names one, so that the mark may be
                         of any log, or missing. */
};

/* Of one half. */
void
rc_wal_mark_encode(const struct rc_wal_mark *mark, unsigned char slot[RC_WAL_MARK_SLOT_BYTES]);

/* Of the whole file. false: neither half is intact and of this version; *ret_mark is as it was. */
bool
rc_wal_mark_decode(const unsigned char bytes[RC_WAL_MARK_BYTES], struct rc_wal_mark *ret_mark);

/*
 *   RC_OK       *ret_mark; all zeros where there is none, and none is kept or need be.
 *   RC_CORRUPT  it is missing, damaged or another log's; the error says which.
 */
RC_MUST_USE enum rc_status
rc_wal_mark_read(struct rc_disk *disk,
                 struct rc_wal_mark_place place,
                 struct rc_wal_mark *ret_mark,
                 struct rc_error *reterr_error);

/* Makes a file of it, or replaces the one that is there, durably; sets the turn. */
RC_MUST_USE enum rc_status
rc_wal_mark_replace(struct rc_disk *disk,
                    const char *path,
                    struct rc_wal_mark *mark,
                    struct rc_error *reterr_error);

/* Writes it where its turn says, which must be the next one after that of the file; it is not
 * durable before the file's next sync. */
RC_MUST_USE enum rc_status
rc_wal_mark_write(struct rc_file *file,
                  const struct rc_wal_mark *mark,
                  struct rc_error *reterr_error);

/* A number for a new log. */
RC_MUST_USE enum rc_status
rc_wal_mark_new_log(uint64_t *ret_log, struct rc_error *reterr_error);

#endif
