/*
 * The faulty disk's switches: what a test calls, beside the disk's own calls.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/disk_faulty_state.h"

struct rc_disk_faulty *
rc_disk_faulty_new(uint64_t seed)
{
    struct rc_disk_faulty *faulty = faulty_must(calloc(1, sizeof(*faulty)));
    faulty->base.ops = &faulty_ops;
    faulty->random = rc_hash_u64(seed + 1);
    pthread_mutex_init(&faulty->mutex, NULL);
    return faulty;
}

struct rc_disk_faulty *
rc_disk_faulty_free(struct rc_disk_faulty *faulty)
{
    if (faulty == NULL)
        return NULL;
    faulty_journal_trim(faulty, true);
    faulty_table_clear(&faulty->current);
    faulty_table_clear(&faulty->durable);
    faulty_sweep(faulty);
    RC_ASSERT(faulty->inodes == NULL); /* Else a file is still open. */
    free(faulty->journal);
    free(faulty->current.entries);
    free(faulty->durable.entries);
    pthread_mutex_destroy(&faulty->mutex);
    free(faulty);
    return NULL;
}

struct rc_disk *
rc_disk_faulty_disk(struct rc_disk_faulty *faulty)
{
    return &faulty->base;
}

uint64_t
rc_disk_faulty_calls(struct rc_disk_faulty *faulty)
{
    pthread_mutex_lock(&faulty->mutex);
    const uint64_t calls = faulty->calls;
    pthread_mutex_unlock(&faulty->mutex);
    return calls;
}

void
rc_disk_faulty_fail_at(struct rc_disk_faulty *faulty, uint64_t n, enum rc_status status)
{
    pthread_mutex_lock(&faulty->mutex);
    faulty->calls = 0;
    faulty->fail_at = n;
    faulty->fail_status = status;
    pthread_mutex_unlock(&faulty->mutex);
}

void
rc_disk_faulty_cut_at(struct rc_disk_faulty *faulty, uint64_t n)
{
    pthread_mutex_lock(&faulty->mutex);
    faulty->calls = 0;
    faulty->cut_at = n;
    pthread_mutex_unlock(&faulty->mutex);
}

bool
rc_disk_faulty_is_cut(struct rc_disk_faulty *faulty)
{
    pthread_mutex_lock(&faulty->mutex);
    const bool cut = faulty->cut;
    pthread_mutex_unlock(&faulty->mutex);
    return cut;
}

void
rc_disk_faulty_cut(struct rc_disk_faulty *faulty)
{
    pthread_mutex_lock(&faulty->mutex);
    faulty->cut = true;
    pthread_mutex_unlock(&faulty->mutex);
}

void
rc_disk_faulty_reboot(struct rc_disk_faulty *faulty)
{
    pthread_mutex_lock(&faulty->mutex);
    faulty_journal_settle(faulty);
    for (struct inode *inode = faulty->inodes; inode != NULL; inode = inode->next) {
        faulty_inode_settle(faulty, inode);
        faulty_inode_restart(inode);
    }
    faulty_sweep(faulty);
    faulty->cut = false;
    faulty->cut_at = 0;
    faulty->fail_at = 0;
    faulty->life++;
    pthread_mutex_unlock(&faulty->mutex);
}

void
rc_disk_faulty_set_quota(struct rc_disk_faulty *faulty, uint64_t bytes_max)
{
    pthread_mutex_lock(&faulty->mutex);
    faulty->quota_bytes = bytes_max;
    pthread_mutex_unlock(&faulty->mutex);
}

uint64_t
rc_disk_faulty_used(struct rc_disk_faulty *faulty)
{
    pthread_mutex_lock(&faulty->mutex);
    const uint64_t used = faulty_used_bytes(faulty);
    pthread_mutex_unlock(&faulty->mutex);
    return used;
}

void
rc_disk_faulty_poke(struct rc_disk_faulty *faulty,
                    const char *path,
                    uint64_t offset,
                    const void *data,
                    size_t size)
{
    pthread_mutex_lock(&faulty->mutex);
    struct inode *inode = faulty_table_find(&faulty->current, faulty_clean(path));
    RC_ASSERT(inode != NULL && offset + size <= inode->current.size);
    faulty_inode_sync(inode);
    memcpy(inode->current.data + offset, data, size);
    memcpy(inode->synced.data + offset, data, size);
    pthread_mutex_unlock(&faulty->mutex);
}

void
rc_disk_faulty_flip(struct rc_disk_faulty *faulty, const char *path, uint64_t offset, uint8_t mask)
{
    size_t size;
    const unsigned char *content = rc_disk_faulty_peek(faulty, path, &size);
    RC_ASSERT(content != NULL && offset < size);
    const uint8_t byte = content[offset] ^ mask;
    rc_disk_faulty_poke(faulty, path, offset, &byte, 1);
}

const void *
rc_disk_faulty_peek(struct rc_disk_faulty *faulty, const char *path, size_t *ret_size)
{
    pthread_mutex_lock(&faulty->mutex);
    const struct inode *inode = faulty_table_find(&faulty->current, faulty_clean(path));
    const void *data = inode == NULL ? NULL : inode->current.data;
    *ret_size = inode == NULL ? 0 : inode->current.size;
    pthread_mutex_unlock(&faulty->mutex);
    return data;
}
