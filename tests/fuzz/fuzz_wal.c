/*
 * The log's replay: a directory that holds one file of the fuzzer's bytes.
 *
 * The first byte says how many checksums the harness puts right before it hands the file over, so
 * that the fuzzer gets past them. What was replayed must be replayed again, and a log that opens
 * must take a record and give it back.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/durable/wal.h"
#include "engine/durable/wal_format.h"
#include "tests/base/disk_faulty.h"
#include "tests/fuzz/fuzz.h"

#define FILE_BYTES 8192

struct replay {
    uint64_t count;
    uint64_t sequence;
    uint64_t digest;
};

static enum rc_status
on_replay(void *context, uint64_t sequence, struct rc_bytes payload, struct rc_error *reterr_error)
{
    (void)reterr_error;
    struct replay *replay = context;
    FUZZ_CHECK(replay->count == 0 || sequence == replay->sequence + 1);
    replay->count++;
    replay->sequence = sequence;
    replay->digest = replay->digest * 31 + rc_crc32c(payload.data, payload.size);
    return RC_OK;
}

static void
on_durable(void *context,
           uint64_t sequence,
           struct rc_bytes payload,
           void *token,
           enum rc_status status)
{
    (void)context;
    (void)sequence;
    (void)payload;
    (void)token;
    FUZZ_CHECK(status == RC_OK);
}

/* Puts the header's checksum right, and those of the first count frames. */
static void
sign(unsigned char *file, uint64_t size, unsigned count)
{
    if (size < RC_WAL_HEADER_BYTES || count == 0)
        return;
    uint32_t crc = rc_crc32c(file, RC_WAL_HEADER_USED - 4);
    memcpy(file + RC_WAL_HEADER_USED - 4, &crc, 4);
    uint64_t at = RC_WAL_HEADER_BYTES;
    for (unsigned i = 1; i < count && size - at >= RC_WAL_FRAME_BYTES; i++) {
        uint32_t payload_bytes;
        memcpy(&payload_bytes, file + at + 24, 4);
        const uint64_t record_bytes = rc_wal_record_bytes(payload_bytes);
        if (record_bytes > size - at)
            return;
        crc = rc_crc32c(file + at + RC_WAL_FRAME_BYTES, payload_bytes);
        memcpy(file + at + 28, &crc, 4);
        crc = rc_crc32c(file + at, RC_WAL_FRAME_BYTES - 4);
        memcpy(file + at + RC_WAL_FRAME_BYTES - 4, &crc, 4);
        at += record_bytes;
    }
}

static void
put_file(struct rc_disk *disk, const char *path, const void *data, size_t size)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    FUZZ_CHECK(rc_file_open(disk, path, RC_FILE_CREATE, &file, NULL) == RC_OK);
    FUZZ_CHECK(rc_file_write_at(file, data, size, 0, NULL) == RC_OK);
    FUZZ_CHECK(rc_file_sync(file, NULL) == RC_OK);
}

static struct rc_wal *
open_log(struct rc_disk *disk, struct replay *replay)
{
    const struct rc_wal_options options = {.disk = disk,
                                           .directory = "wal",
                                           .file_bytes = FILE_BYTES,
                                           .buffer_bytes_max = 4096,
                                           .on_replay = on_replay,
                                           .on_durable = on_durable,
                                           .context = replay};
    struct rc_wal *wal = NULL;
    struct rc_error error;
    return rc_wal_open(&options, &wal, &error) == RC_OK ? wal : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char file[FILE_BYTES];
    if (size < 2)
        return 0;
    const unsigned signed_frames = data[0] % 8;
    const size_t used = size - 1 < FILE_BYTES ? size - 1 : FILE_BYTES;
    /* The header page is zeros from its used bytes on: the fuzzer need not carry them. */
    memset(file, 0, sizeof(file));
    const size_t head = used < RC_WAL_HEADER_USED ? used : RC_WAL_HEADER_USED;
    memcpy(file, data + 1, head);
    const size_t room = FILE_BYTES - RC_WAL_HEADER_BYTES;
    const size_t rest = used - head < room ? used - head : room;
    memcpy(file + RC_WAL_HEADER_BYTES, data + 1 + head, rest);
    sign(file, sizeof(file), signed_frames);

    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    FUZZ_CHECK(rc_disk_make_dir(disk, "wal", NULL) == RC_OK);
    uint64_t number;
    char name[RC_WAL_NAME_BYTES];
    char path[RC_WAL_NAME_BYTES + 4];
    memcpy(&number, file + 16, sizeof(number));
    rc_wal_name(false, number, name);
    snprintf(path, sizeof(path), "wal/%s", name);
    put_file(disk, path, file, sizeof(file));

    struct replay first = {0};
    struct rc_wal *wal = open_log(disk, &first);
    if (wal == NULL)
        return 0;
    const bool added = first.sequence < UINT64_MAX - 4;
    const enum rc_status status =
        added ? rc_wal_append(wal, RC_BYTES_LITERAL("he"), RC_BYTES_LITERAL("llo"), NULL, NULL)
              : RC_LIMIT_EXCEEDED;
    rc_wal_close(wal);
    struct replay again = {0};
    wal = open_log(disk, &again);
    FUZZ_CHECK(wal != NULL);
    FUZZ_CHECK(again.count == first.count + (status == RC_OK ? 1 : 0));
    rc_wal_close(wal);
    return 0;
}
