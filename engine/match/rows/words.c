/*
 * Words: counting, with the instruction where the processor has it: the build's baseline is older,
 * and a call of the compiler's own counter a word is ten times as slow. Places of bits are listed
 * eight bits at a time: how many of a word are set would be a wrong guess of the processor.
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

static uint32_t
rows_portable(const uint64_t *words, uint32_t word_count, uint32_t first, uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < word_count; i++)
        for (uint64_t bits = words[i]; bits != 0; bits &= bits - 1)
            rows[count++] = first + i * 64 + (uint32_t)__builtin_ctzll(bits);
    return count;
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

#define BYTES UINT64_C(0x0101010101010101)

/* Bits of a byte become bytes of ones, and these take their places out of 0 to 7. */
__attribute__((target("avx2,bmi2,popcnt"))) static uint32_t
rows_avx2(const uint64_t *words, uint32_t word_count, uint32_t first, uint32_t *rows)
{
    const uint32_t *begin = rows;
    const __m256i eight = _mm256_set1_epi32(8);
    __m256i base = _mm256_set1_epi32((int)first);
    for (uint32_t i = 0; i < word_count; i++) {
        for (uint64_t shift = 0; shift < 64; shift += 8) {
            const uint64_t bits = words[i] >> shift & 0xff;
            const uint64_t taken = _pdep_u64(bits, BYTES) * 0xff;
            const uint64_t places = _pext_u64(UINT64_C(0x0706050403020100), taken);
            const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)places));
            _mm256_storeu_si256((__m256i *)(void *)rows, _mm256_add_epi32(base, wide));
            rows += _mm_popcnt_u64(bits);
            base = _mm256_add_epi32(base, eight);
        }
    }
    return (uint32_t)(rows - begin);
}

#define HAS_POPCNT __builtin_cpu_supports("popcnt")
#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && HAS_POPCNT)
#define HAS_AVX512 \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq") && HAS_POPCNT)

#else

#define HAS_POPCNT false
#define HAS_AVX2 false
#define HAS_AVX512 false
#define count_popcnt count_portable
#define count_avx512 count_portable
#define add_counts_popcnt add_counts_portable
#define rows_avx2 rows_portable

#endif

uint64_t
rc_words_count(const uint64_t *words, uint32_t word_count)
{
    if (HAS_AVX512)
        return count_avx512(words, word_count);
    return HAS_POPCNT ? count_popcnt(words, word_count) : count_portable(words, word_count);
}

uint64_t
rc_words_count_within(const uint64_t *words, uint32_t begin, uint32_t end)
{
    const uint32_t first = begin / 64;
    const uint32_t last = (end - 1) / 64;
    const uint64_t ends[2] = {words[first] & rc_word_within(first * 64, begin, end),
                              words[last] & rc_word_within(last * 64, begin, end)};
    if (first == last)
        return rc_words_count(ends, 1);
    return rc_words_count(ends, 2) + rc_words_count(words + first + 1, last - first - 1);
}

uint32_t
rc_words_rank(const uint64_t *words, size_t word_count, uint32_t *ranks)
{
    uint32_t rank = 0;
    for (size_t word = 0; word < word_count; word++) {
        ranks[word] = rank;
        if (words[word] != 0) /* Sets are sparse, and counting may be a call. */
            rank += (uint32_t)__builtin_popcountll(words[word]);
    }
    return rank;
}

void
rc_words_add_counts(const uint64_t *words, uint32_t word_count, uint64_t *counts)
{
    if (HAS_POPCNT)
        add_counts_popcnt(words, word_count, counts);
    else
        add_counts_portable(words, word_count, counts);
}

void
rc_words_count_bits(const uint64_t words[64], uint32_t bit_count, uint64_t *counts)
{
    uint64_t turned[64];
    memcpy(turned, words, sizeof(turned));
    rc_words_turn(turned);
    rc_words_add_counts(turned, bit_count, counts);
}

uint32_t
rc_words_rows(const uint64_t *words, uint32_t word_count, uint32_t first, uint32_t *rows)
{
    return HAS_AVX2 ? rows_avx2(words, word_count, first, rows)
                    : rows_portable(words, word_count, first, rows);
}
