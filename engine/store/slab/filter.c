/*
 * Filter: a block is eight 64-bit words; a key sets one bit in each. The hash's upper 32 bits
 * choose the block (times the block count, over 2^32), a second mix gives eight times six bits.
 *
 * Why one bit a word and not eight bits anywhere in the block: no bit is set twice by one key, so
 * the eight bits are worth eight, and a test is the same mask in every lane of a vector.
 */
#include "engine/store/slab/filter.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define BLOCK_BITS (RC_FILTER_BLOCK_BYTES * 8)
#define BLOCK_WORDS (RC_FILTER_BLOCK_BYTES / 8)
#define WORDS_FIRST 3u /* Looked at before the rest. */
#define AHEAD 16u      /* Lookups between fetching a line and reading it. */

uint64_t
rc_filter_size_bytes(uint64_t key_count, uint32_t bits_a_key)
{
    const uint64_t blocks = (key_count * bits_a_key + BLOCK_BITS - 1) / BLOCK_BITS;
    RC_ASSERT(blocks <= UINT32_MAX);
    return blocks * RC_FILTER_BLOCK_BYTES;
}

static uint64_t
first_word(uint64_t size_bytes, uint64_t hash)
{
    return (((hash >> 32) * (size_bytes / RC_FILTER_BLOCK_BYTES)) >> 32) * BLOCK_WORDS;
}

void
rc_filter_add(uint64_t *words, uint64_t size_bytes, uint64_t hash)
{
    uint64_t *block = words + first_word(size_bytes, hash);
    uint64_t bits = rc_hash_u64(hash);
    for (uint32_t i = 0; i < BLOCK_WORDS; i++, bits >>= 6)
        block[i] |= (uint64_t)1 << (bits & 63);
}

/* Two fifths of the bits are set, so most keys that are not there fail in the first words; all of
 * the block is one line. */
static inline bool
block_may_hold(const uint64_t *block, uint64_t hash)
{
    uint64_t bits = rc_hash_u64(hash);
    uint64_t all = 1;
    for (uint32_t i = 0; i < WORDS_FIRST; i++, bits >>= 6)
        all &= block[i] >> (bits & 63);
    if ((all & 1) == 0)
        return false;
    for (uint32_t i = WORDS_FIRST; i < BLOCK_WORDS; i++, bits >>= 6)
        all &= block[i] >> (bits & 63);
    return all != 0;
}

bool
rc_filter_may_hold(const uint64_t *words, uint64_t size_bytes, uint64_t hash)
{
    return size_bytes != 0 && block_may_hold(words + first_word(size_bytes, hash), hash);
}

void
rc_filter_may_hold_many(const uint64_t *words,
                        uint64_t size_bytes,
                        const uint64_t *hashes,
                        uint32_t hash_count,
                        uint8_t *ret_may)
{
    if (size_bytes == 0) {
        memset(ret_may, 0, hash_count);
        return;
    }
    for (uint32_t i = 0; i < hash_count; i++) {
        if (i + AHEAD < hash_count)
            __builtin_prefetch(words + first_word(size_bytes, hashes[i + AHEAD]));
        ret_may[i] = block_may_hold(words + first_word(size_bytes, hashes[i]), hashes[i]);
    }
}
