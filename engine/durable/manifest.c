/*
 * The head has a checksum of its own, so that a damaged length is never used to size a buffer. A
 * file that is longer than its payload is damaged too: nothing that we write ends so.
 */
#include "engine/durable/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

static const unsigned char magic[8] = {'R', 'C', 'M', 'A', 'N', 'I', 'F', 1};

struct head_bytes {
    unsigned char magic[8];
    uint64_t payload_bytes;
    uint32_t payload_crc;
    uint32_t crc;
};

_Static_assert(offsetof(struct head_bytes, payload_bytes) == 8, "stored format");
_Static_assert(offsetof(struct head_bytes, payload_crc) == 16, "stored format");
_Static_assert(offsetof(struct head_bytes, crc) == 20, "stored format");
_Static_assert(sizeof(struct head_bytes) == RC_MANIFEST_HEADER_BYTES, "stored format");

static enum rc_status
path_of(const char *directory, char **ret_path, struct rc_error *reterr_error)
{
    const size_t room = strlen(directory) + sizeof("/MANIFEST");
    char *path = rc_alloc(room);
    if (path == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    (void)snprintf(path, room, "%s/MANIFEST", directory);
    *ret_path = path;
    return RC_OK;
}

enum rc_status
rc_manifest_write(struct rc_disk *disk,
                  const char *directory,
                  struct rc_bytes payload,
                  struct rc_error *reterr_error)
{
    if (payload.size > RC_MANIFEST_BYTES_MAX)
        return rc_error_set(reterr_error, RC_LIMIT_EXCEEDED,
                            "a manifest of %zu bytes is over its limit", payload.size);
    struct head_bytes head = {
        .payload_bytes = payload.size,
        .payload_crc = rc_crc32c(payload.data, payload.size),
    };
    memcpy(head.magic, magic, sizeof(magic));
    head.crc = rc_crc32c(&head, offsetof(struct head_bytes, crc));

    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(path_of(directory, &path, reterr_error));
    RC_CLEANUP(rc_writer_close) struct rc_writer file = {0};
    rc_write_raw(&file, &head, sizeof(head));
    rc_write_raw(&file, payload.data, payload.size);
    if (file.failed)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
    return rc_disk_replace_file(disk, path, file.data, file.size, reterr_error);
}

static enum rc_status
read_head(struct rc_file *file,
          const char *path,
          struct head_bytes *ret_head,
          struct rc_error *reterr_error)
{
    struct head_bytes head;
    size_t got;
    uint64_t size;
    RC_TRY(rc_file_size(file, &size, reterr_error));
    RC_TRY(rc_file_read_at(file, &head, sizeof(head), 0, &got, reterr_error));
    if (got < sizeof(head))
        return rc_error_set(reterr_error, RC_CORRUPT, "%s is cut short", path);
    if (memcmp(head.magic, magic, sizeof(magic)) != 0 ||
        head.crc != rc_crc32c(&head, offsetof(struct head_bytes, crc)))
        return rc_error_set(reterr_error, RC_CORRUPT, "the header of %s is damaged", path);
    if (head.payload_bytes > RC_MANIFEST_BYTES_MAX || size - sizeof(head) != head.payload_bytes)
        return rc_error_set(reterr_error, RC_CORRUPT,
                            "%s has %" PRIu64 " bytes, its header promises %" PRIu64, path, size,
                            head.payload_bytes + sizeof(head));
    *ret_head = head;
    return RC_OK;
}

enum rc_status
rc_manifest_read(struct rc_disk *disk,
                 const char *directory,
                 struct rc_writer *ret_payload,
                 struct rc_error *reterr_error)
{
    RC_ASSERT(ret_payload->data == NULL);
    RC_CLEANUP(rc_alloc_freep) char *path = NULL;
    RC_TRY(path_of(directory, &path, reterr_error));
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    RC_TRY(rc_file_open(disk, path, RC_FILE_READ, &file, reterr_error));
    struct head_bytes head = {0};
    RC_TRY(read_head(file, path, &head, reterr_error));

    RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
    const size_t size = (size_t)head.payload_bytes;
    size_t got = 0;
    if (size > 0) {
        void *room = rc_write_room(&payload, size);
        if (room == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the manifest");
        RC_TRY(rc_file_read_at(file, room, size, sizeof(head), &got, reterr_error));
    }
    if (got != size || head.payload_crc != rc_crc32c(payload.data, payload.size))
        return rc_error_set(reterr_error, RC_CORRUPT, "the content of %s is damaged", path);
    *ret_payload = payload;
    payload = (struct rc_writer){0};
    return RC_OK;
}
