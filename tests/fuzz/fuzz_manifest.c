/*
 * The manifest: the envelope on a disk, and its content. The first byte says whether the harness
 * puts the checksums right. A content that is read must come back the same.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/durable/manifest.h"
#include "engine/keep/manifest_content.h"
#include "tests/base/disk_faulty.h"
#include "tests/fuzz/fuzz.h"

static void
use_content(struct rc_bytes bytes)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_manifest_content content;
    struct rc_error error;
    FUZZ_CHECK(arena != NULL);
    if (rc_manifest_content_read(bytes, arena, &content, &error) != RC_OK)
        return;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_manifest_content_write(&writer, &content);
    struct rc_manifest_content again;
    FUZZ_CHECK(rc_manifest_content_read(fuzz_written(&writer), arena, &again, &error) == RC_OK);
    FUZZ_CHECK(again.number == content.number && again.sequence == content.sequence);
    FUZZ_CHECK(again.project_count == content.project_count);
    FUZZ_CHECK(rc_bytes_equal(again.receipts, content.receipts));
    for (uint32_t i = 0; i < again.project_count; i++) {
        FUZZ_CHECK(rc_bytes_equal(again.projects[i].id, content.projects[i].id));
        FUZZ_CHECK(again.projects[i].sequence == content.projects[i].sequence);
    }
}

static void
put_file(struct rc_disk *disk, const void *data, size_t size)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    FUZZ_CHECK(rc_file_open(disk, "MANIFEST", RC_FILE_CREATE, &file, NULL) == RC_OK);
    FUZZ_CHECK(rc_file_write_at(file, data, size, 0, NULL) == RC_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const bool sign = (data[0] & 1) != 0;
    data++;
    size--;
    use_content((struct rc_bytes){(const char *)data, size});

    unsigned char *file = malloc(size + 1);
    FUZZ_CHECK(file != NULL);
    memcpy(file, data, size);
    if (sign && size >= RC_MANIFEST_HEADER_BYTES) {
        const uint64_t payload_bytes = size - RC_MANIFEST_HEADER_BYTES;
        memcpy(file + 8, &payload_bytes, 8);
        uint32_t crc = rc_crc32c(file + RC_MANIFEST_HEADER_BYTES, payload_bytes);
        memcpy(file + 16, &crc, 4);
        crc = rc_crc32c(file, 20);
        memcpy(file + 20, &crc, 4);
    }
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    put_file(disk, file, size);
    free(file);
    RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
    struct rc_error error;
    if (rc_manifest_read(disk, ".", &payload, &error) == RC_OK)
        use_content(fuzz_written(&payload));
    return 0;
}
