/*
 * Append log: an array that only grows and never moves, for one writer and any number of readers.
 *
 * Ownership: owns its blocks.
 * Threading: one writer appends; a reader may read every element below a count that the writer
 *            published to it (under the project's lock).
 * Errors:    RC_NO_MEMORY: nothing was appended.
 */
#ifndef RC_STORE_DICTIONARY_APPEND_LOG_H
#define RC_STORE_DICTIONARY_APPEND_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

/* Block k holds RC_LOG_BLOCK_FIRST << k elements: 22 blocks pass 2^32. */
#define RC_LOG_BLOCK_FIRST 1024u
#define RC_LOG_BLOCKS_MAX 22u

struct rc_append_log {
    struct rc_account *account;
    size_t element_bytes;
    uint32_t count; /* The writer's. */
    unsigned char *blocks[RC_LOG_BLOCKS_MAX];
};

void
rc_append_log_open(struct rc_append_log *log, struct rc_account *account, size_t element_bytes);

void
rc_append_log_close(struct rc_append_log *log);

RC_MUST_USE enum rc_status
rc_append_log_add(struct rc_append_log *log, const void *element);

/* Takes back the elements from count on, which no reader knows of. */
void
rc_append_log_cut(struct rc_append_log *log, uint32_t count);

/* The elements from index on that lie together, at most limit - index; *ret_count of them. */
const void *
rc_append_log_run(const struct rc_append_log *log,
                  uint32_t index,
                  uint32_t limit,
                  uint32_t *ret_count);

#endif
