/*
 * Series stretches of a column of marked runs, with AVX-512: a run's code need not be spread over
 * its rows, since the marks say where the code changes and, counted, which one is there. A word of
 * 64 rows is looked at in registers: where it changes, and the list of where.
 */
#include "engine/query/series/series_stretch.h"

#include "engine/store/slab/marks.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512                                                                            \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx512vpopcntdq,popcnt," \
                          "bmi2")))

/* Where the rows of a word have another slot than the row before; of those inside only, which lie
 * in the slab. *before: the times of the sixteen rows before, and then the last of these. */
AVX512 static inline uint64_t
slot_changes(const uint32_t *times, uint64_t inside, __m512i *before)
{
    const __m512i slot = _mm512_set1_epi32((1 << RC_BUCKET_SHIFT) - 1);
    uint64_t changes = 0;
    for (uint32_t i = 0; i < 64; i += 16) {
        const __m512i own = _mm512_maskz_loadu_epi32((__mmask16)(inside >> i), times + i);
        const __m512i other = _mm512_alignr_epi32(own, *before, 15);
        changes |= (uint64_t)_mm512_cmpgt_epu32_mask(_mm512_xor_si512(own, other), slot) << i;
        *before = own;
    }
    return changes;
}

/* Lists the set bits of a word as rows from row on, and for each the marks up to it, its own
 * included, less one, where before is the count of those before the word. How many. */
AVX512 static inline uint32_t
list_word(uint64_t begins,
          uint64_t marks,
          uint32_t row,
          uint32_t before,
          uint32_t *rows,
          uint32_t *indexes)
{
    const __m512i numbers = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    const __m512i all_marks = _mm512_set1_epi64((long long)marks);
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i two = _mm512_set1_epi64(2);
    const __m512i first = _mm512_set1_epi64((long long)before - 1);
    const __m256i first_row = _mm256_set1_epi32((int)row);
    const uint32_t count = (uint32_t)_mm_popcnt_u64(begins);
    uint8_t places[64];
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi8(begins, numbers));
    for (uint32_t i = 0; i < count; i += 8) {
        const __m128i eight = _mm_loadl_epi64((const __m128i *)(const void *)(places + i));
        const __m512i place = _mm512_cvtepu8_epi64(eight);
        const __m512i up_to = _mm512_sub_epi64(_mm512_sllv_epi64(two, place), one);
        const __m512i index =
            _mm512_add_epi64(first, _mm512_popcnt_epi64(_mm512_and_si512(all_marks, up_to)));
        _mm256_storeu_si256((__m256i *)(void *)(indexes + i), _mm512_cvtepi64_epi32(index));
        _mm256_storeu_si256((__m256i *)(void *)(rows + i),
                            _mm256_add_epi32(first_row, _mm256_cvtepu8_epi32(eight)));
    }
    return count;
}

AVX512 static uint32_t
list_marked(const struct rc_series_piece *piece,
            const struct rc_column_view *column,
            struct rc_series_stretches *out,
            const uint64_t *words,
            uint32_t begin,
            uint32_t end)
{
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    uint32_t count = 0;
    uint32_t row = begin & ~63u;
    uint32_t before = rc_marks_before(column, row);
    uint64_t last = 0; /* Whether the row before counts. */
    __m512i times = _mm512_setzero_si512();
    for (uint32_t word = (row - base) / 64; row < end; row += 64, word++) {
        const uint64_t marks = column->marks[row / 64];
        const uint64_t inside = rc_word_within(row, begin, end);
        const uint64_t counting = inside & (words == NULL ? UINT64_MAX : words[word]);
        uint64_t begins = counting ^ (counting << 1 | last);
        for (uint32_t i = 0; i < 64; i += 16) /* Of the next piece, which is read soon. */
            __builtin_prefetch(piece->times + row + RC_PIECE_ROWS + i, 0, 2);
        if ((counting | last) != 0) {
            begins |= counting & (marks | slot_changes(piece->times + row, inside, &times));
            count += list_word(begins & inside, marks, row, before, out->rows + count,
                               out->indexes + count);
        }
        out->counting[word] = counting;
        last = counting >> 63;
        before += (uint32_t)_mm_popcnt_u64(marks);
    }
    return count;
}

rc_series_list_marked
rc_series_list_marked_best(void)
{
    const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
                     __builtin_cpu_supports("avx512vpopcntdq") &&
                     __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
    return can ? list_marked : NULL;
}

#else

rc_series_list_marked
rc_series_list_marked_best(void)
{
    return NULL;
}

#endif
