/*
 * Group: the records that share one write and one sync, encoded as they go to disk but for what is
 * known only when they are written (salt, sequence).
 *
 * Ownership: a group owns its bytes; tokens are the appenders'.
 * Threading: one thread at a time: under the log's lock while it fills, then the log's thread
 *            alone.
 * Units:     bytes.
 */
#ifndef RC_DURABLE_WAL_GROUP_H
#define RC_DURABLE_WAL_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

struct rc_wal_entry {
    void *token;
    size_t offset; /* Of the frame in the group's bytes. */
    uint32_t payload_bytes;
    uint32_t payload_crc;
};

struct rc_wal_group {
    unsigned char *data;
    size_t size;
    size_t capacity;
    struct rc_wal_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
};

void
rc_wal_group_close(struct rc_wal_group *group);

/* Forgets the records. Keeps the memory, unless one giant group took more than bytes_kept. */
void
rc_wal_group_reset(struct rc_wal_group *group, size_t bytes_kept);

/* Adds a record made of two parts. RC_NO_MEMORY: nothing changed. */
RC_MUST_USE enum rc_status
rc_wal_group_add(struct rc_wal_group *group,
                 struct rc_bytes head,
                 struct rc_bytes body,
                 uint32_t payload_crc,
                 void *token);

/* How many entries from first on fit into left bytes; *ret_bytes is what they take. */
size_t
rc_wal_group_fit(const struct rc_wal_group *group, size_t first, uint64_t left, size_t *ret_bytes);

/* Fills the frames of count entries from first on. Every record before sequence is durable. */
void
rc_wal_group_number(struct rc_wal_group *group,
                    size_t first,
                    size_t count,
                    uint64_t salt,
                    uint64_t sequence);

struct rc_bytes
rc_wal_group_payload(const struct rc_wal_group *group, size_t entry);

#endif
