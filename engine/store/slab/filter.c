/*
 * Filter: a block is eight 64-bit words; a key sets one bit in each. The hash's upper 32 bits
 * choose the block (times the block count, over 2^32), a second mix gives eight times six bits.
 *
 * Why one bit a word and not eight bits anywhere in the block: no bit is set twice by one key, so
 * the eight bits are worth eight, and a test is the same mask in every lane of a vector. With
 * AVX-512, chosen at run time, a block is one vector.
 */
#include "engine/store/slab/filter.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/base/hash.h"

#define BLOCK_BITS (RC_FILTER_BLOCK_BYTES * 8)
#define BLOCK_WORDS (RC_FILTER_BLOCK_BYTES / 8)
#define WORDS_FIRST 3u /* Looked at before the rest. */
#define AHEAD 16u      /* Keys between fetching a line and reading it. */

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

static void
add_portable(uint64_t *words, uint64_t size_bytes, const uint64_t *hashes, uint32_t hash_count)
{
    for (uint32_t i = 0; i < hash_count; i++) {
        if (i + AHEAD < hash_count)
            __builtin_prefetch(words + first_word(size_bytes, hashes[i + AHEAD]), 1);
        uint64_t *block = words + first_word(size_bytes, hashes[i]);
        uint64_t bits = rc_hash_u64(hashes[i]);
        for (uint32_t k = 0; k < BLOCK_WORDS; k++, bits >>= 6)
            block[k] |= (uint64_t)1 << (bits & 63);
    }
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

static void
may_hold_portable(const uint64_t *words,
                  uint64_t size_bytes,
                  const uint64_t *hashes,
                  uint32_t hash_count,
                  uint8_t *ret_may)
{
    for (uint32_t i = 0; i < hash_count; i++) {
        if (i + AHEAD < hash_count)
            __builtin_prefetch(words + first_word(size_bytes, hashes[i + AHEAD]));
        ret_may[i] = block_may_hold(words + first_word(size_bytes, hashes[i]), hashes[i]);
    }
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f")))

_Static_assert(BLOCK_WORDS == 8, "a block is a vector");

/* The bit of a key in each word of its block. */
AVX512 static inline __m512i
bits_of(uint64_t hash)
{
    const __m512i shifts = _mm512_set_epi64(42, 36, 30, 24, 18, 12, 6, 0);
    const __m512i all = _mm512_set1_epi64((long long)rc_hash_u64(hash));
    const __m512i places = _mm512_and_si512(_mm512_srlv_epi64(all, shifts), _mm512_set1_epi64(63));
    return _mm512_sllv_epi64(_mm512_set1_epi64(1), places);
}

AVX512 static void
add_avx512(uint64_t *words, uint64_t size_bytes, const uint64_t *hashes, uint32_t hash_count)
{
    for (uint32_t i = 0; i < hash_count; i++) {
        if (i + AHEAD < hash_count)
            __builtin_prefetch(words + first_word(size_bytes, hashes[i + AHEAD]), 1);
        uint64_t *block = words + first_word(size_bytes, hashes[i]);
        const __m512i before = _mm512_loadu_si512(block);
        _mm512_storeu_si512(block, _mm512_or_si512(before, bits_of(hashes[i])));
    }
}

AVX512 static void
may_hold_avx512(const uint64_t *words,
                uint64_t size_bytes,
                const uint64_t *hashes,
                uint32_t hash_count,
                uint8_t *ret_may)
{
    for (uint32_t i = 0; i < hash_count; i++) {
        if (i + AHEAD < hash_count)
            __builtin_prefetch(words + first_word(size_bytes, hashes[i + AHEAD]));
        const __m512i block = _mm512_loadu_si512(words + first_word(size_bytes, hashes[i]));
        const __m512i bits = bits_of(hashes[i]);
        ret_may[i] = _mm512_test_epi64_mask(block, bits) == 0xff;
    }
}

#define HAS_AVX512 __builtin_cpu_supports("avx512f")

#else

#define HAS_AVX512 false
#define may_hold_avx512 may_hold_portable
#define add_avx512 add_portable

#endif

void
rc_filter_add_many(uint64_t *words,
                   uint64_t size_bytes,
                   const uint64_t *hashes,
                   uint32_t hash_count)
{
    if (HAS_AVX512)
        add_avx512(words, size_bytes, hashes, hash_count);
    else
        add_portable(words, size_bytes, hashes, hash_count);
}

void
rc_filter_may_hold_many(const uint64_t *words,
                        uint64_t size_bytes,
                        const uint64_t *hashes,
                        uint32_t hash_count,
                        uint8_t *ret_may)
{
    if (size_bytes == 0)
        memset(ret_may, 0, hash_count);
    else if (HAS_AVX512)
        may_hold_avx512(words, size_bytes, hashes, hash_count, ret_may);
    else
        may_hold_portable(words, size_bytes, hashes, hash_count, ret_may);
}
