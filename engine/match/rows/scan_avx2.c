/*
 * Scan kernels with AVX2, compiled beside the portable ones whatever the build's baseline and
 * chosen once at run time. A range test is three instructions a vector: subtract the first code,
 * take the least of that and the width, compare; unsigned wrap-around makes codes below the range
 * large.
 */
#include "engine/match/rows/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline uint32_t
mask_u8(__m256i codes, __m256i first, __m256i width)
{
    const __m256i from_first = _mm256_sub_epi8(codes, first);
    const __m256i hit = _mm256_cmpeq_epi8(_mm256_min_epu8(from_first, width), from_first);
    return (uint32_t)_mm256_movemask_epi8(hit);
}

AVX2 static inline __m256i
hit_u16(__m256i codes, __m256i first, __m256i width)
{
    const __m256i from_first = _mm256_sub_epi16(codes, first);
    return _mm256_cmpeq_epi16(_mm256_min_epu16(from_first, width), from_first);
}

/* 32 codes of two bytes. Packing works in halves of the vector, which the permutation
 * puts right. */
AVX2 static inline uint32_t
mask_u16(const uint16_t *codes, __m256i first, __m256i width)
{
    const __m256i a = hit_u16(_mm256_loadu_si256((const __m256i *)codes), first, width);
    const __m256i b = hit_u16(_mm256_loadu_si256((const __m256i *)(codes + 16)), first, width);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    return (uint32_t)_mm256_movemask_epi8(packed);
}

AVX2 static inline uint32_t
mask_u32(const uint32_t *codes, __m256i first, __m256i width)
{
    const __m256i from_first = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)codes), first);
    const __m256i hit = _mm256_cmpeq_epi32(_mm256_min_epu32(from_first, width), from_first);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(hit));
}

AVX2 static void
range_u8(struct rc_scan_range range, const uint8_t *codes, uint32_t word_count, uint64_t *words)
{
    const __m256i first = _mm256_set1_epi8((char)range.first);
    const __m256i width = _mm256_set1_epi8((char)range.width);
    for (uint32_t i = 0; i < word_count; i++, codes += 64) {
        const uint32_t low = mask_u8(_mm256_loadu_si256((const __m256i *)codes), first, width);
        const uint32_t high =
            mask_u8(_mm256_loadu_si256((const __m256i *)(codes + 32)), first, width);
        words[i] |= (uint64_t)high << 32 | low;
    }
}

AVX2 static void
range_u16(struct rc_scan_range range, const uint16_t *codes, uint32_t word_count, uint64_t *words)
{
    const __m256i first = _mm256_set1_epi16((short)range.first);
    const __m256i width = _mm256_set1_epi16((short)range.width);
    for (uint32_t i = 0; i < word_count; i++, codes += 64) {
        const uint32_t low = mask_u16(codes, first, width);
        const uint32_t high = mask_u16(codes + 32, first, width);
        words[i] |= (uint64_t)high << 32 | low;
    }
}

AVX2 static void
range_u32(struct rc_scan_range range, const uint32_t *codes, uint32_t word_count, uint64_t *words)
{
    const __m256i first = _mm256_set1_epi32((int)range.first);
    const __m256i width = _mm256_set1_epi32((int)range.width);
    for (uint32_t i = 0; i < word_count; i++, codes += 64) {
        uint64_t word = 0;
        for (uint32_t k = 0; k < 8; k++)
            word |= (uint64_t)mask_u32(codes + k * 8, first, width) << (k * 8);
        words[i] |= word;
    }
}

static void
avx2_ranges(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    const uint32_t word_count = row_count / 64;
    for (uint32_t i = 0; i < word_count; i++)
        words[i] = 0;
    for (uint32_t r = 0; r < scan->range_count; r++) {
        if (scan->column.code_width == 1)
            range_u8(scan->ranges[r], codes, word_count, words);
        else if (scan->column.code_width == 2)
            range_u16(scan->ranges[r], codes, word_count, words);
        else
            range_u32(scan->ranges[r], codes, word_count, words);
    }
    rc_scan_rest(scan, codes, row_count, words);
}

/* A set of 256 codes is 32 bytes of bits: two shuffles fetch each code's byte, a third its bit. */
AVX2 static void
lookup_u8(const struct rc_scan *scan, const uint8_t *codes, uint32_t word_count, uint64_t *words)
{
    uint8_t bits[32] = {0};
    const uint32_t bound = rc_column_code_bound(&scan->column);
    for (uint32_t code = 0; code < bound && code < 256; code++)
        bits[code / 8] |= (uint8_t)(scan->table[code] << (code % 8));
    const __m256i low_bits = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bits));
    const __m256i high_bits =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(bits + 16)));
    const __m256i bit_of = _mm256_set1_epi64x((long long)0x8040201008040201ULL);
    const __m256i seven = _mm256_set1_epi8(7);
    const __m256i low_mask = _mm256_set1_epi8(0x1f);
    for (uint32_t i = 0; i < word_count; i++) {
        uint64_t word = 0;
        for (uint32_t half = 0; half < 2; half++, codes += 32) {
            const __m256i code = _mm256_loadu_si256((const __m256i *)codes);
            const __m256i byte = _mm256_and_si256(_mm256_srli_epi16(code, 3), low_mask);
            const __m256i low = _mm256_shuffle_epi8(low_bits, byte);
            const __m256i high = _mm256_shuffle_epi8(high_bits, byte);
            /* Bit 4 of byte says which half; the blend looks at bit 7. */
            const __m256i fetched = _mm256_blendv_epi8(low, high, _mm256_slli_epi16(byte, 3));
            const __m256i bit = _mm256_shuffle_epi8(bit_of, _mm256_and_si256(code, seven));
            const __m256i hit = _mm256_cmpeq_epi8(_mm256_and_si256(fetched, bit), bit);
            word |= (uint64_t)(uint32_t)_mm256_movemask_epi8(hit) << (half * 32);
        }
        words[i] = word;
    }
}

static void
avx2_lookup(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width != 1) { /* Gathers are not faster than loads here. */
        rc_scan_kernels_portable.lookup(scan, codes, row_count, words);
        return;
    }
    lookup_u8(scan, codes, row_count / 64, words);
    rc_scan_rest(scan, codes, row_count, words);
}

static const struct rc_scan_kernels kernels = {.name = "avx2",
                                               .ranges = avx2_ranges,
                                               .lookup = avx2_lookup};

const struct rc_scan_kernels *
rc_scan_kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &kernels : NULL;
}

#else

const struct rc_scan_kernels *
rc_scan_kernels_avx2(void)
{
    return NULL;
}

#endif
