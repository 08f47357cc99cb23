/*
 * One growing block of bytes, so that a group is one write, and an array of what the frames lack.
 */
#include "engine/durable/wal_group.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/durable/wal_format.h"

void
rc_wal_group_close(struct rc_wal_group *group)
{
    rc_alloc_free(group->data);
    rc_alloc_free(group->entries);
    *group = (struct rc_wal_group){0};
}

void
rc_wal_group_reset(struct rc_wal_group *group, size_t bytes_kept)
{
    if (group->capacity > bytes_kept)
        rc_wal_group_close(group);
    group->size = 0;
    group->entry_count = 0;
}

enum rc_status
rc_wal_group_add(struct rc_wal_group *group,
                 struct rc_bytes head,
                 struct rc_bytes body,
                 uint32_t payload_crc,
                 void *token)
{
    const size_t payload_bytes = head.size + body.size;
    const size_t record_bytes = rc_wal_record_bytes(payload_bytes);
    RC_ASSERT(payload_bytes <= UINT32_MAX);
    RC_TRY(RC_GROW(group->entries, group->entry_capacity, group->entry_count + 1));
    RC_TRY(RC_GROW(group->data, group->capacity, group->size + record_bytes));

    unsigned char *at = group->data + group->size + RC_WAL_FRAME_BYTES;
    if (head.size > 0)
        memcpy(at, head.data, head.size);
    if (body.size > 0)
        memcpy(at + head.size, body.data, body.size);
    memset(at + payload_bytes, 0, record_bytes - RC_WAL_FRAME_BYTES - payload_bytes);
    group->entries[group->entry_count++] = (struct rc_wal_entry){
        .token = token,
        .offset = group->size,
        .payload_bytes = (uint32_t)payload_bytes,
        .payload_crc = payload_crc,
    };
    group->size += record_bytes;
    return RC_OK;
}

size_t
rc_wal_group_fit(const struct rc_wal_group *group, size_t first, uint64_t left, size_t *ret_bytes)
{
    size_t bytes = 0;
    size_t entry = first;
    for (; entry < group->entry_count; entry++) {
        const size_t more = rc_wal_record_bytes(group->entries[entry].payload_bytes);
        if (bytes + more > left)
            break;
        bytes += more;
    }
    *ret_bytes = bytes;
    return entry - first;
}

void
rc_wal_group_number(struct rc_wal_group *group,
                    size_t first,
                    size_t count,
                    uint64_t salt,
                    uint64_t sequence)
{
    RC_ASSERT(first + count <= group->entry_count);
    for (size_t i = 0; i < count; i++) {
        const struct rc_wal_entry *entry = &group->entries[first + i];
        const struct rc_wal_frame frame = {
            .salt = salt,
            .sequence = sequence + i,
            .synced = sequence - 1,
            .payload_bytes = entry->payload_bytes,
            .payload_crc = entry->payload_crc,
            .kind = RC_WAL_RECORD,
        };
        rc_wal_frame_encode(&frame, group->data + entry->offset);
    }
}

struct rc_bytes
rc_wal_group_payload(const struct rc_wal_group *group, size_t entry)
{
    RC_ASSERT(entry < group->entry_count);
    const unsigned char *at = group->data + group->entries[entry].offset + RC_WAL_FRAME_BYTES;
    return (struct rc_bytes){(const char *)at, group->entries[entry].payload_bytes};
}
