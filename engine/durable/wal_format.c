/*
 * The frame has two checksums: the payload's is computed by the appender, outside any lock and
 * before the record has a sequence; the frame's covers it and is computed when the group is
 * written. A frame whose own checksum holds can be trusted for its length.
 */
#include "engine/durable/wal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the log is little-endian");

static const unsigned char magic[8] = {'R', 'C', 'W', 'A', 'L', '\r', '\n', 1};

struct header_bytes {
    unsigned char magic[8];
    uint64_t salt;
    uint64_t number;
    uint64_t sequence_first;
    uint32_t crc;
} __attribute__((packed));

_Static_assert(offsetof(struct header_bytes, salt) == 8, "stored format");
_Static_assert(offsetof(struct header_bytes, number) == 16, "stored format");
_Static_assert(offsetof(struct header_bytes, sequence_first) == 24, "stored format");
_Static_assert(offsetof(struct header_bytes, crc) == 32, "stored format");
_Static_assert(sizeof(struct header_bytes) == RC_WAL_HEADER_USED, "stored format");

struct frame_bytes {
    uint64_t salt;
    uint64_t sequence;
    uint64_t synced;
    uint32_t payload_bytes;
    uint32_t payload_crc;
    uint32_t kind;
    uint32_t crc;
};

_Static_assert(offsetof(struct frame_bytes, sequence) == 8, "stored format");
_Static_assert(offsetof(struct frame_bytes, synced) == 16, "stored format");
_Static_assert(offsetof(struct frame_bytes, payload_bytes) == 24, "stored format");
_Static_assert(offsetof(struct frame_bytes, payload_crc) == 28, "stored format");
_Static_assert(offsetof(struct frame_bytes, kind) == 32, "stored format");
_Static_assert(offsetof(struct frame_bytes, crc) == 36, "stored format");
_Static_assert(sizeof(struct frame_bytes) == RC_WAL_FRAME_BYTES, "stored format");
_Static_assert(RC_WAL_FRAME_BYTES % 8 == 0 && RC_WAL_HEADER_BYTES % 8 == 0, "frames are aligned");

void
rc_wal_header_encode(const struct rc_wal_header *header, unsigned char *block)
{
    struct header_bytes bytes = {
        .salt = header->salt,
        .number = header->number,
        .sequence_first = header->sequence_first,
    };
    memcpy(bytes.magic, magic, sizeof(magic));
    bytes.crc = rc_crc32c(&bytes, offsetof(struct header_bytes, crc));
    memset(block, 0, RC_WAL_HEADER_BYTES);
    memcpy(block, &bytes, sizeof(bytes));
}

bool
rc_wal_header_decode(const unsigned char *block, struct rc_wal_header *ret_header)
{
    struct header_bytes bytes;
    memcpy(&bytes, block, sizeof(bytes));
    if (memcmp(bytes.magic, magic, sizeof(magic)) != 0 ||
        bytes.crc != rc_crc32c(&bytes, offsetof(struct header_bytes, crc)))
        return false;
    *ret_header = (struct rc_wal_header){
        .salt = bytes.salt,
        .number = bytes.number,
        .sequence_first = bytes.sequence_first,
    };
    return true;
}

void
rc_wal_frame_encode(const struct rc_wal_frame *frame, unsigned char *at)
{
    struct frame_bytes bytes = {
        .salt = frame->salt,
        .sequence = frame->sequence,
        .synced = frame->synced,
        .payload_bytes = frame->payload_bytes,
        .payload_crc = frame->payload_crc,
        .kind = frame->kind,
    };
    RC_ASSERT(frame->synced < frame->sequence);
    bytes.crc = rc_crc32c(&bytes, offsetof(struct frame_bytes, crc));
    memcpy(at, &bytes, sizeof(bytes));
}

static bool
frame_is_sound(const unsigned char *at, uint64_t left, uint64_t salt, struct frame_bytes *ret_bytes)
{
    struct frame_bytes bytes;
    if (left < sizeof(bytes))
        return false;
    memcpy(&bytes, at, sizeof(bytes));
    *ret_bytes = bytes;
    return bytes.salt == salt &&
           bytes.crc == rc_crc32c(&bytes, offsetof(struct frame_bytes, crc)) &&
           (bytes.kind == RC_WAL_RECORD || bytes.kind == RC_WAL_MARKER) &&
           bytes.synced < bytes.sequence && rc_wal_record_bytes(bytes.payload_bytes) <= left;
}

bool
rc_wal_frame_is_sound(const unsigned char *at,
                      uint64_t left,
                      uint64_t salt,
                      uint32_t *ret_payload_bytes)
{
    struct frame_bytes bytes;
    if (!frame_is_sound(at, left, salt, &bytes))
        return false;
    *ret_payload_bytes = bytes.payload_bytes;
    return true;
}

bool
rc_wal_frame_decode(const unsigned char *at,
                    uint64_t left,
                    uint64_t salt,
                    struct rc_wal_frame *ret_frame)
{
    struct frame_bytes bytes;
    if (!frame_is_sound(at, left, salt, &bytes) ||
        bytes.payload_crc != rc_crc32c(at + sizeof(bytes), bytes.payload_bytes))
        return false;
    *ret_frame = (struct rc_wal_frame){
        .salt = bytes.salt,
        .sequence = bytes.sequence,
        .synced = bytes.synced,
        .payload_bytes = bytes.payload_bytes,
        .payload_crc = bytes.payload_crc,
        .kind = bytes.kind,
    };
    return true;
}

void
rc_wal_name(bool spare, uint64_t number, char ret_name[RC_WAL_NAME_BYTES])
{
    (void)snprintf(ret_name, RC_WAL_NAME_BYTES, "%s-%016" PRIx64 ".log", spare ? "spare" : "wal",
                   number);
}

bool
rc_wal_name_parse(const char *name, bool *ret_spare, uint64_t *ret_number)
{
    const bool spare = strncmp(name, "spare-", 6) == 0;
    uint64_t number;
    char written[RC_WAL_NAME_BYTES];
    if (sscanf(name, spare ? "spare-%16" SCNx64 ".log" : "wal-%16" SCNx64 ".log", &number) != 1)
        return false;
    rc_wal_name(spare, number, written); /* sscanf is lenient; a name has one spelling only. */
    if (strcmp(name, written) != 0)
        return false;
    *ret_spare = spare;
    *ret_number = number;
    return true;
}
