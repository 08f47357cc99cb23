/*
 * Scan kernels with AVX-512: a comparison gives 64 rows as one mask, so a word of the answer is
 * made in a register and all ranges are asked while the codes are there. Only processors with VBMI
 * are asked (Ice Lake and Zen 4 onwards): those before slow down for wide vectors, and do as well
 * with AVX2.
 */
#include "engine/match/rows/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* Two instructions a range and vector: unsigned wrap-around makes codes below the range large. */
#define DEFINE_RANGES(bits, type, mask_type)                                                     \
    AVX512 static inline mask_type vector_##type(const struct rc_scan *scan, __m512i codes)      \
    {                                                                                            \
        mask_type mask = 0;                                                                      \
        for (uint32_t r = 0; r < scan->range_count; r++) {                                       \
            const __m512i first = _mm512_set1_epi##bits((type)scan->ranges[r].first);            \
            const __m512i width = _mm512_set1_epi##bits((type)scan->ranges[r].width);            \
            mask |= _mm512_cmple_epu##bits##_mask(_mm512_sub_epi##bits(codes, first), width);    \
        }                                                                                        \
        return mask;                                                                             \
    }                                                                                            \
    AVX512 static void ranges_##type(const struct rc_scan *scan, const uint##bits##_t *codes,    \
                                     uint32_t word_count, uint64_t *words)                       \
    {                                                                                            \
        const uint32_t lanes = 512 / bits;                                                       \
        for (uint32_t i = 0; i < word_count; i++) {                                              \
            uint64_t word = 0;                                                                   \
            for (uint32_t k = 0; k < 64 / lanes; k++, codes += lanes)                            \
                word |= (uint64_t)vector_##type(scan, _mm512_loadu_si512(codes)) << (k * lanes); \
            words[i] = word;                                                                     \
        }                                                                                        \
    }

DEFINE_RANGES(8, char, __mmask64)
DEFINE_RANGES(16, short, __mmask32)
DEFINE_RANGES(32, int, __mmask16)

static void
avx512_ranges(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width == 1)
        ranges_char(scan, codes, row_count / 64, words);
    else if (scan->column.code_width == 2)
        ranges_short(scan, codes, row_count / 64, words);
    else
        ranges_int(scan, codes, row_count / 64, words);
    rc_scan_rest(scan, codes, row_count, words);
}

/* The whole table of 256 codes is four registers: two permutations fetch from a half each, the
 * code's highest bit says which. */
AVX512 static void
lookup_u8(const struct rc_scan *scan, const uint8_t *codes, uint32_t word_count, uint64_t *words)
{
    uint8_t table[256] = {0};
    const uint32_t bound = rc_column_code_bound(&scan->column);
    memcpy(table, scan->table, bound < 256 ? bound : 256);
    __m512i quarter[4];
    for (uint32_t i = 0; i < 4; i++)
        quarter[i] = _mm512_loadu_si512(table + i * 64);
    for (uint32_t i = 0; i < word_count; i++, codes += 64) {
        const __m512i code = _mm512_loadu_si512(codes);
        const __m512i low = _mm512_permutex2var_epi8(quarter[0], code, quarter[1]);
        const __m512i high = _mm512_permutex2var_epi8(quarter[2], code, quarter[3]);
        const __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(code), low, high);
        words[i] = _mm512_test_epi8_mask(found, found);
    }
}

/* Without optimisation the gather is a macro, which makes a signed mask of all bits. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"

/* Sixteen codes of two bytes fetch their byte of the table at once. A code reads three bytes past
 * its own, which is why tables are padded. */
AVX512 static void
lookup_u16(const struct rc_scan *scan, const uint16_t *codes, uint32_t word_count, uint64_t *words)
{
    const __m512i one = _mm512_set1_epi32(1);
    for (uint32_t i = 0; i < word_count; i++) {
        uint64_t word = 0;
        for (uint32_t k = 0; k < 4; k++, codes += 16) {
            const __m512i at = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)codes));
            const __m512i found = _mm512_i32gather_epi32(at, scan->table, 1);
            word |= (uint64_t)_mm512_test_epi32_mask(found, one) << (k * 16);
        }
        words[i] = word;
    }
}

#pragma GCC diagnostic pop

static void
avx512_lookup(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width == 4) { /* Its table is past the cache, which decides. */
        rc_scan_kernels_portable.lookup(scan, codes, row_count, words);
        return;
    }
    if (scan->column.code_width == 1)
        lookup_u8(scan, codes, row_count / 64, words);
    else
        lookup_u16(scan, codes, row_count / 64, words);
    rc_scan_rest(scan, codes, row_count, words);
}

static const struct rc_scan_kernels kernels = {.name = "avx512",
                                               .ranges = avx512_ranges,
                                               .lookup = avx512_lookup};

const struct rc_scan_kernels *
rc_scan_kernels_avx512(void)
{
    const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vbmi");
    return can ? &kernels : NULL;
}

#else

const struct rc_scan_kernels *
rc_scan_kernels_avx512(void)
{
    return NULL;
}

#endif
