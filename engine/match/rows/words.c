/*
 * Words: counting, with the instruction where the processor has it: the build's baseline is older,
 * and a call of the compiler's own counter a word is ten times as slow.
 */
#include "engine/match/rows/words.h"

void
rc_words_turn(uint64_t words[64])
{
    /* Halves of halves change places. */
    uint64_t mask = UINT32_MAX;
    for (uint32_t width = 32; width != 0; width /= 2, mask ^= mask << width) {
        for (uint32_t begin = 0; begin < 64; begin += 2 * width) {
            for (uint32_t i = begin; i < begin + width; i++) {
                const uint64_t other = ((words[i] >> width) ^ words[i + width]) & mask;
                words[i] ^= other << width;
                words[i + width] ^= other;
            }
        }
    }
}

static uint64_t
count_portable(const uint64_t *words, uint32_t word_count)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < word_count; i++)
        count += words[i] == 0 ? 0 : (uint64_t)__builtin_popcountll(words[i]);
    return count;
}

static void
add_counts_portable(const uint64_t *words, uint32_t word_count, uint64_t *counts)
{
    for (uint32_t i = 0; i < word_count; i++)
        counts[i] += words[i] == 0 ? 0 : (uint64_t)__builtin_popcountll(words[i]);
}

#if defined(__x86_64__)

__attribute__((target("popcnt"))) static uint64_t
count_popcnt(const uint64_t *words, uint32_t word_count)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < word_count; i++)
        count += (uint64_t)__builtin_popcountll(words[i]);
    return count;
}

#include <immintrin.h>

/* Eight words at a time. */
__attribute__((target("avx512f,avx512vpopcntdq,popcnt"))) static uint64_t
count_avx512(const uint64_t *words, uint32_t word_count)
{
    __m512i sum = _mm512_setzero_si512();
    uint32_t i = 0;
    for (; i + 8 <= word_count; i += 8)
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_loadu_si512(words + i)));
    uint64_t count = (uint64_t)_mm512_reduce_add_epi64(sum);
    for (; i < word_count; i++)
        count += (uint64_t)__builtin_popcountll(words[i]);
    return count;
}

__attribute__((target("popcnt"))) static void
add_counts_popcnt(const uint64_t *words, uint32_t word_count, uint64_t *counts)
{
    for (uint32_t i = 0; i < word_count; i++)
        counts[i] += (uint64_t)__builtin_popcountll(words[i]);
}

#define HAS_POPCNT __builtin_cpu_supports("popcnt")
#define HAS_AVX512 \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq") && HAS_POPCNT)

#else

#define HAS_POPCNT false
#define HAS_AVX512 false
#define count_popcnt count_portable
#define count_avx512 count_portable
#define add_counts_popcnt add_counts_portable

#endif

uint64_t
rc_words_count(const uint64_t *words, uint32_t word_count)
{
    if (HAS_AVX512)
        return count_avx512(words, word_count);
    return HAS_POPCNT ? count_popcnt(words, word_count) : count_portable(words, word_count);
}

void
rc_words_count_bits(const uint64_t words[64], uint32_t bit_count, uint64_t *counts)
{
    uint64_t turned[64];
    memcpy(turned, words, sizeof(turned));
    rc_words_turn(turned);
    if (HAS_POPCNT)
        add_counts_popcnt(turned, bit_count, counts);
    else
        add_counts_portable(turned, bit_count, counts);
}
