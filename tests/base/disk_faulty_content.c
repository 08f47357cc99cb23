/*
 * The faulty disk's inodes. See disk_faulty_state.h for the design.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "tests/base/disk_faulty_state.h"

#define SECTOR_BYTES ((uint64_t)512)
#define SETTLE_STYLES 4

void *
faulty_must(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

void *
faulty_grown(void *array, size_t *capacity, size_t needed, size_t element_bytes)
{
    if (needed <= *capacity)
        return array;
    while (*capacity < needed)
        *capacity = *capacity < 8 ? 8 : *capacity * 2;
    return faulty_must(realloc(array, *capacity * element_bytes));
}

uint64_t
faulty_random_below(struct rc_disk_faulty *faulty, uint64_t bound)
{
    faulty->random += 0x9e3779b97f4a7c15ULL;
    return bound == 0 ? 0 : rc_hash_u64(faulty->random) % bound;
}

static void
buffer_resize(struct buffer *buffer, uint64_t size)
{
    if (size > buffer->capacity) {
        buffer->capacity = size > buffer->capacity * 2 ? size : buffer->capacity * 2;
        buffer->data = faulty_must(realloc(buffer->data, buffer->capacity));
    }
    if (size > buffer->size)
        memset(buffer->data + buffer->size, 0, size - buffer->size);
    buffer->size = size;
}

static void
buffer_apply(struct buffer *buffer, const struct change *change)
{
    if (change->data == NULL) {
        buffer_resize(buffer, change->offset);
        return;
    }
    if (change->offset + change->size > buffer->size)
        buffer_resize(buffer, change->offset + change->size);
    memcpy(buffer->data + change->offset, change->data, change->size);
}

static void
inode_forget_changes(struct inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++)
        free(inode->changes[i].data);
    inode->change_count = 0;
}

void
faulty_inode_change(struct inode *inode, const void *data, uint64_t size, uint64_t offset)
{
    inode->changes = faulty_grown(inode->changes, &inode->change_capacity, inode->change_count + 1,
                                  sizeof(*inode->changes));
    struct change *change = &inode->changes[inode->change_count++];
    *change = (struct change){.offset = offset, .size = size};
    if (data != NULL)
        change->data = memcpy(faulty_must(malloc(size + 1)), data, size);
    buffer_apply(&inode->current, change);
}

void
faulty_inode_sync(struct inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++)
        buffer_apply(&inode->synced, &inode->changes[i]);
    inode_forget_changes(inode);
}

/* Carries over to one sector the part of a change that lies in it. Truncated space reads
 * as zero. */
static void
sector_apply(struct buffer *buffer, const struct change *change, uint64_t start, uint64_t end)
{
    const uint64_t from = change->offset > start ? change->offset : start;
    if (change->data == NULL) {
        if (from < end)
            memset(buffer->data + from, 0, end - from);
        return;
    }
    const uint64_t change_end = change->offset + change->size;
    const uint64_t to = change_end < end ? change_end : end;
    if (from < to)
        memcpy(buffer->data + from, change->data + (from - change->offset), to - from);
}

/* The moment up to which a sector's changes were written out. */
static size_t
moment(struct rc_disk_faulty *faulty, uint64_t style, size_t common, size_t change_count)
{
    switch (style) {
    case 0: /* Everything of the file stops at one moment. */
        return common;
    case 1: /* Nearly everything was written out. */
        return faulty_random_below(faulty, 16) == 0 ? faulty_random_below(faulty, change_count + 1)
                                                    : change_count;
    case 2: /* Nearly nothing was. */
        return faulty_random_below(faulty, 16) == 0 ? faulty_random_below(faulty, change_count + 1)
                                                    : 0;
    default:
        return faulty_random_below(faulty, change_count + 1);
    }
}

/* Decides the fate of what is unsynced: synced becomes what a power cut now would leave. */
void
faulty_inode_settle(struct rc_disk_faulty *faulty, struct inode *inode)
{
    const size_t count = inode->change_count;
    if (count == 0)
        return;
    const uint64_t style = faulty_random_below(faulty, SETTLE_STYLES);
    const size_t common = faulty_random_below(faulty, count + 1);

    uint64_t size = inode->synced.size;
    uint64_t size_max = size;
    uint64_t size_left = size;
    const size_t size_moment = moment(faulty, style, common, count);
    uint64_t first = UINT64_MAX; /* The lowest byte that any change touched. */
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &inode->changes[i];
        const uint64_t end = change->offset + change->size;
        size = change->data == NULL ? change->offset : end > size ? end : size;
        size_max = size > size_max ? size : size_max;
        first = change->offset < first ? change->offset : first;
        if (i + 1 == size_moment)
            size_left = size;
    }
    const uint64_t rounded = (size_max + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    buffer_resize(&inode->synced, rounded);
    for (uint64_t at = first / SECTOR_BYTES * SECTOR_BYTES; at < rounded; at += SECTOR_BYTES) {
        const size_t until = moment(faulty, style, common, count);
        for (size_t i = 0; i < until; i++)
            sector_apply(&inode->synced, &inode->changes[i], at, at + SECTOR_BYTES);
    }
    buffer_resize(&inode->synced, size_left);
    inode_forget_changes(inode);
}

void
faulty_inode_restart(struct inode *inode)
{
    RC_ASSERT(inode->change_count == 0);
    buffer_resize(&inode->current, 0);
    if (inode->synced.size > 0) {
        buffer_resize(&inode->current, inode->synced.size);
        memcpy(inode->current.data, inode->synced.data, inode->synced.size);
    }
    inode->locked = false;
}

struct inode *
faulty_inode_new(struct rc_disk_faulty *faulty, bool directory)
{
    struct inode *inode = faulty_must(calloc(1, sizeof(*inode)));
    inode->directory = directory;
    inode->next = faulty->inodes;
    faulty->inodes = inode;
    return inode;
}

void
faulty_inode_free(struct inode *inode)
{
    inode_forget_changes(inode);
    free(inode->changes);
    free(inode->synced.data);
    free(inode->current.data);
    free(inode);
}
