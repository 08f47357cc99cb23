#include "engine/store/dictionary/append_log.h"

#include <string.h>

#include "engine/base/assert.h"

/* The block that holds element index, and the index of the block's first element. */
static uint32_t
block_of(uint32_t index, uint32_t *ret_first)
{
    const uint32_t block = 31 - (uint32_t)__builtin_clz(index / RC_LOG_BLOCK_FIRST + 1);
    *ret_first = ((1u << block) - 1) * RC_LOG_BLOCK_FIRST;
    return block;
}

void
rc_append_log_open(struct rc_append_log *log, struct rc_account *account, size_t element_bytes)
{
    *log = (struct rc_append_log){.account = account, .element_bytes = element_bytes};
}

void
rc_append_log_close(struct rc_append_log *log)
{
    for (uint32_t i = 0; i < RC_LOG_BLOCKS_MAX; i++)
        log->blocks[i] = rc_alloc_free(log->blocks[i]);
}

enum rc_status
rc_append_log_add(struct rc_append_log *log, const void *element)
{
    uint32_t first = 0;
    const uint32_t block = block_of(log->count, &first);
    if (block >= RC_LOG_BLOCKS_MAX)
        return RC_LIMIT_EXCEEDED;
    if (log->blocks[block] == NULL) {
        const size_t bytes = ((size_t)RC_LOG_BLOCK_FIRST << block) * log->element_bytes;
        log->blocks[block] = rc_alloc_in(log->account, bytes);
        if (log->blocks[block] == NULL)
            return RC_NO_MEMORY;
    }
    memcpy(log->blocks[block] + (size_t)(log->count - first) * log->element_bytes, element,
           log->element_bytes);
    log->count++;
    return RC_OK;
}

void
rc_append_log_cut(struct rc_append_log *log, uint32_t count)
{
    RC_ASSERT(count <= log->count);
    log->count = count;
}

const void *
rc_append_log_run(const struct rc_append_log *log,
                  uint32_t index,
                  uint32_t limit,
                  uint32_t *ret_count)
{
    RC_ASSERT(index < limit);
    uint32_t first = 0;
    const uint32_t block = block_of(index, &first);
    const uint64_t end = (uint64_t)first + ((uint64_t)RC_LOG_BLOCK_FIRST << block);
    *ret_count = (uint32_t)((end < limit ? end : limit) - index);
    return log->blocks[block] + (size_t)(index - first) * log->element_bytes;
}
