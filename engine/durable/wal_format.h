/*
 * The bytes of a log file: a header block, then frames, each 8-byte aligned, then whatever an older
 * life of the file left.
 *
 * A file has lives: each time it is taken into use it gets a new number and a new random salt, and
 * only frames that carry the salt belong to that life. Numbers are little-endian.
 *
 * File header (RC_WAL_HEADER_BYTES on disk, of which RC_WAL_HEADER_USED are defined and the rest is
 * zero; a page of its own: its one sector is written twice in a life, to make the file ready and to
 * take it into use):
 *
 *      offset  bytes  field
 *           0      8  magic, "RCWAL\r\n\1": the last byte is the format version
 *           8      8  salt
 *          16      8  number of the file, as in its name
 *          24      8  sequence of its first record; every record before it was synced when this was
 *                     written. 0: the file is ready to be taken into use and holds nothing
 *          32      4  CRC32C of bytes 0 to 31
 *
 * Frame (RC_WAL_FRAME_BYTES, then the payload, then zeros up to a multiple of 8):
 *
 *           0      8  salt of the file
 *           8      8  sequence
 *          16      8  synced: every record up to this sequence was durable when this was written
 *          24      4  payload bytes
 *          28      4  CRC32C of the payload
 *          32      4  kind: enum rc_wal_kind
 *          36      4  CRC32C of bytes 0 to 35
 *
 * A marker is a frame without payload that holds no record. It says what was durable when the log
 * fell idle or was closed; the next record overwrites it.
 *
 * Ownership: nothing is owned.
 * Threading: no shared state.
 * Units:     bytes.
 */
#ifndef RC_DURABLE_WAL_FORMAT_H
#define RC_DURABLE_WAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"

#define RC_WAL_HEADER_BYTES 4096
#define RC_WAL_HEADER_USED 36
#define RC_WAL_FRAME_BYTES 40
#define RC_WAL_NAME_BYTES 32 /* Room for a file's name and its NUL. */

/* The first sequence of a file that holds nothing: records are numbered from 1. */
#define RC_WAL_NOTHING 0u

enum rc_wal_kind { RC_WAL_RECORD = 1, RC_WAL_MARKER = 2 };

struct rc_wal_header {
    uint64_t salt;
    uint64_t number;
    uint64_t sequence_first;
};

struct rc_wal_frame {
    uint64_t salt;
    uint64_t sequence;
    uint64_t synced;
    uint32_t payload_bytes;
    uint32_t payload_crc;
    enum rc_wal_kind kind;
};

/* The bytes that a record of payload_bytes takes: frame, payload and padding. */
static inline uint64_t
rc_wal_record_bytes(uint64_t payload_bytes)
{
    return RC_WAL_FRAME_BYTES + ((payload_bytes + 7) & ~(uint64_t)7);
}

/* Fills a block of RC_WAL_HEADER_BYTES. */
void
rc_wal_header_encode(const struct rc_wal_header *header, unsigned char *block);

/* false: the bytes are not an intact header of this version; *ret_header is as it was. */
bool
rc_wal_header_decode(const unsigned char *block, struct rc_wal_header *ret_header);

/* Fills RC_WAL_FRAME_BYTES. */
void
rc_wal_frame_encode(const struct rc_wal_frame *frame, unsigned char *at);

/* Whether the RC_WAL_FRAME_BYTES at at are an intact frame of the life with this salt, whose
 * payload would lie within the left bytes of the file; the payload itself is not looked at. */
bool
rc_wal_frame_is_sound(const unsigned char *at,
                      uint64_t left,
                      uint64_t salt,
                      uint32_t *ret_payload_bytes);

/*
 * Reads the frame at at, where left bytes remain in the file.
 * false: there is no intact frame of the life with this salt (payload checked); *ret_frame is as it
 * was. The payload follows the frame at at + RC_WAL_FRAME_BYTES.
 */
bool
rc_wal_frame_decode(const unsigned char *at,
                    uint64_t left,
                    uint64_t salt,
                    struct rc_wal_frame *ret_frame);

/* "wal-" and 16 hexadecimal digits and ".log", or "spare-" for a file that is not in use. */
void
rc_wal_name(bool spare, uint64_t number, char ret_name[RC_WAL_NAME_BYTES]);

/* The reverse. false: not such a name. */
bool
rc_wal_name_parse(const char *name, bool *ret_spare, uint64_t *ret_number);

#endif
