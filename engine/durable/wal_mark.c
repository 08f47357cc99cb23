#include "engine/durable/wal_mark.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

static const unsigned char magic[8] = {'R', 'C', 'M', 'A', 'R', 'K', '\n', 1};

struct slot_bytes {
    unsigned char magic[8];
    uint64_t log;
    uint64_t file_number;
    uint64_t file_salt;
    uint64_t file_bytes;
    uint64_t sequence;
    uint64_t turn;
    uint32_t crc;
    unsigned char zeros[RC_WAL_MARK_SLOT_BYTES - 60];
} __attribute__((packed));

_Static_assert(offsetof(struct slot_bytes, log) == 8, "stored format");
_Static_assert(offsetof(struct slot_bytes, file_number) == 16, "stored format");
_Static_assert(offsetof(struct slot_bytes, file_salt) == 24, "stored format");
_Static_assert(offsetof(struct slot_bytes, file_bytes) == 32, "stored format");
_Static_assert(offsetof(struct slot_bytes, sequence) == 40, "stored format");
_Static_assert(offsetof(struct slot_bytes, turn) == 48, "stored format");
_Static_assert(offsetof(struct slot_bytes, crc) == 56, "stored format");
_Static_assert(sizeof(struct slot_bytes) == RC_WAL_MARK_SLOT_BYTES, "stored format");

void
rc_wal_mark_encode(const struct rc_wal_mark *mark, unsigned char slot[RC_WAL_MARK_SLOT_BYTES])
{
    struct slot_bytes bytes = {
        .log = mark->log,
        .file_number = mark->file_number,
        .file_salt = mark->file_salt,
        .file_bytes = mark->file_bytes,
        .sequence = mark->sequence,
        .turn = mark->turn,
    };
    memcpy(bytes.magic, magic, sizeof(magic));
    bytes.crc = rc_crc32c(&bytes, offsetof(struct slot_bytes, crc));
    memcpy(slot, &bytes, sizeof(bytes));
}

static bool
decode_slot(const unsigned char *slot, uint64_t index, struct rc_wal_mark *ret_mark)
{
    struct slot_bytes bytes;
    memcpy(&bytes, slot, sizeof(bytes));
    if (memcmp(bytes.magic, magic, sizeof(magic)) != 0 || bytes.log == 0 ||
        bytes.turn % 2 != index || bytes.crc != rc_crc32c(&bytes, offsetof(struct slot_bytes, crc)))
        return false;
    for (size_t i = 0; i < sizeof(bytes.zeros); i++)
        if (bytes.zeros[i] != 0)
            return false;
    *ret_mark = (struct rc_wal_mark){
        .log = bytes.log,
        .file_number = bytes.file_number,
        .file_salt = bytes.file_salt,
        .file_bytes = bytes.file_bytes,
        .sequence = bytes.sequence,
        .turn = bytes.turn,
    };
    return true;
}

static bool
say_the_same(const struct rc_wal_mark *one, const struct rc_wal_mark *other)
{
    return one->log == other->log && one->file_number == other->file_number &&
           one->file_salt == other->file_salt && one->file_bytes == other->file_bytes &&
           one->sequence == other->sequence;
}

bool
rc_wal_mark_decode(const unsigned char bytes[RC_WAL_MARK_BYTES], struct rc_wal_mark *ret_mark)
{
    struct rc_wal_mark marks[2] = {0};
    const bool first = decode_slot(bytes, 0, &marks[0]);
    const bool second = decode_slot(bytes + RC_WAL_MARK_SLOT_BYTES, 1, &marks[1]);
    if (!first && !second)
        return false;
    *ret_mark = marks[!first || (second && marks[1].turn > marks[0].turn)];
    ret_mark->half = !first || !second || !say_the_same(&marks[0], &marks[1]);
    return true;
}

enum rc_status
rc_wal_mark_read(struct rc_disk *disk,
                 struct rc_wal_mark_place place,
                 struct rc_wal_mark *ret_mark,
                 struct rc_error *reterr_error)
{
    unsigned char bytes[RC_WAL_MARK_BYTES + 1]; /* One more: a longer file is none of ours. */
    size_t got = 0;
    struct rc_wal_mark mark = {0};
    RC_ASSERT(place.path != NULL || place.log == 0);
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    const enum rc_status status =
        place.path == NULL ? RC_NOT_FOUND
                           : rc_file_open(disk, place.path, RC_FILE_READ, &file, reterr_error);
    if (status == RC_NOT_FOUND && place.log != 0)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.130s, which names the newest file of the log, is missing",
                            place.path);
    if (status == RC_NOT_FOUND) {
        *ret_mark = mark;
        return RC_OK;
    }
    RC_TRY(status);
    RC_TRY(rc_file_read_at(file, bytes, sizeof(bytes), 0, &got, reterr_error));
    if (got != RC_WAL_MARK_BYTES || !rc_wal_mark_decode(bytes, &mark))
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.130s, which names the newest file of the log, is damaged",
                            place.path);
    if (place.log != 0 && mark.log != place.log)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%.130s, which names the newest file of a log, is of another log",
                            place.path);
    *ret_mark = mark;
    return RC_OK;
}

enum rc_status
rc_wal_mark_replace(struct rc_disk *disk,
                    const char *path,
                    struct rc_wal_mark *mark,
                    struct rc_error *reterr_error)
{
    unsigned char bytes[RC_WAL_MARK_BYTES];
    for (mark->turn = 0; mark->turn < 2; mark->turn++)
        rc_wal_mark_encode(mark, bytes + mark->turn * RC_WAL_MARK_SLOT_BYTES);
    mark->turn--;
    return rc_disk_replace_file(disk, path, bytes, sizeof(bytes), reterr_error);
}

enum rc_status
rc_wal_mark_write(struct rc_file *file,
                  const struct rc_wal_mark *mark,
                  struct rc_error *reterr_error)
{
    unsigned char slot[RC_WAL_MARK_SLOT_BYTES];
    rc_wal_mark_encode(mark, slot);
    return rc_file_write_at(file, slot, sizeof(slot), mark->turn % 2 * sizeof(slot), reterr_error);
}

enum rc_status
rc_wal_mark_new_log(uint64_t *ret_log, struct rc_error *reterr_error)
{
    uint64_t log = 0;
    while (log == 0)
        if (getentropy(&log, sizeof(log)) != 0)
            return rc_error_set(reterr_error, RC_IO, "the system gives no random bytes");
    *ret_log = log;
    return RC_OK;
}
