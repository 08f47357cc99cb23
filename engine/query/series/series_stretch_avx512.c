/*
 * Series stretches of a column of marked runs, with AVX-512: a run's code need not be spread over
 * its rows, since the marks say where the code changes and, counted, which one is there. A word of
 * 64 rows is looked at in registers: where it changes, and the list of where.
 */
#include "engine/query/series/series_stretch.h"

#include "engine/store/slab/marks.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx512bitalg,popcnt," \
                          "bmi2")))

/* The times of a word's rows, and the last sixteen of the word before. */
struct times {
    __m512i own[4];
    __m512i before;
};

/* Reads the times of a word of rows; of those inside only, which lie in the slab. */
AVX512 static inline void
read_times(struct times *times, const uint32_t *from, uint64_t inside)
{
    times->before = times->own[3];
    for (uint32_t i = 0; i < 4; i++)
        times->own[i] = _mm512_maskz_loadu_epi32((__mmask16)(inside >> (16 * i)), from + 16 * i);
}

/* Where they have another slot than the row before. */
AVX512 static inline uint64_t
slot_changes(const struct times *times)
{
    const __m512i slot = _mm512_set1_epi32((1 << RC_BUCKET_SHIFT) - 1);
    uint64_t changes = 0;
    for (uint32_t i = 0; i < 4; i++) {
        const __m512i other =
            _mm512_alignr_epi32(times->own[i], i == 0 ? times->before : times->own[i - 1], 15);
        const __m512i apart = _mm512_xor_si512(times->own[i], other);
        changes |= (uint64_t)_mm512_cmpgt_epu32_mask(apart, slot) << (16 * i);
    }
    return changes;
}

/* Those in a range. */
AVX512 static inline uint64_t
rows_in(const struct times *times, struct rc_scan_range range)
{
    const __m512i first = _mm512_set1_epi32((int)range.first);
    const __m512i width = _mm512_set1_epi32((int)range.width);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < 4; i++)
        rows |= (uint64_t)_mm512_cmple_epu32_mask(_mm512_sub_epi32(times->own[i], first), width)
                << (16 * i);
    return rows;
}

/* Lists the slots of the rows where stretches begin. */
AVX512 static inline void
list_slots(const struct times *times,
           uint64_t begins,
           uint64_t counting,
           uint32_t no_slot,
           uint16_t *slots)
{
    const __m512i none = _mm512_set1_epi32((int)no_slot);
    for (uint32_t i = 0; i < 4; i += 2) {
        const __mmask32 here = (__mmask32)(begins >> (16 * i));
        const __m512i low = _mm512_mask_srli_epi32(none, (__mmask16)(counting >> (16 * i)),
                                                   times->own[i], RC_BUCKET_SHIFT);
        const __m512i high = _mm512_mask_srli_epi32(none, (__mmask16)(counting >> (16 * i + 16)),
                                                    times->own[i + 1], RC_BUCKET_SHIFT);
        const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(low)),
                                                _mm512_cvtepi32_epi16(high), 1);
        _mm512_storeu_si512(slots, _mm512_maskz_compress_epi16(here, both));
        slots += _mm_popcnt_u32(here);
    }
}

/* For each row of a word how many marks there are up to it, its own included, as bytes. */
AVX512 static inline __m512i
marks_up_to(uint64_t marks)
{
    /* Each byte of the marks eight times, and of each as many bits as there are rows up to it. */
    const __m512i eight_times = _mm512_set_epi64(
        0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
        0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    const __m512i up_to = _mm512_set1_epi64((long long)0xff7f3f1f0f070301);
    const __m512i spread = _mm512_shuffle_epi8(_mm512_set1_epi64((long long)marks), eight_times);
    const __m512i inside = _mm512_popcnt_epi8(_mm512_and_si512(spread, up_to));
    /* The sums of the bytes before: a product adds them up, each one place further. */
    const uint64_t counts =
        (uint64_t)_mm_cvtsi128_si64(_mm_popcnt_epi8(_mm_cvtsi64_si128((long long)marks)));
    const uint64_t before = counts * UINT64_C(0x0101010101010101) << 8;
    return _mm512_add_epi8(inside,
                           _mm512_shuffle_epi8(_mm512_set1_epi64((long long)before), eight_times));
}

/* Writes 64 bytes, each and a number more, as far as there are count. */
AVX512 static inline void
write_wide(__m512i bytes, uint32_t more, uint32_t count, uint16_t *out)
{
    const __m512i all_more = _mm512_set1_epi16((short)more);
    const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(bytes));
    _mm512_storeu_si512(out, _mm512_add_epi16(low, all_more));
    if (count <= 32)
        return;
    const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bytes, 1));
    _mm512_storeu_si512(out + 32, _mm512_add_epi16(high, all_more));
}

/* Lists the set bits of a word as rows from row on, and for each the marks up to it, its own
 * included, where before is the count of those before the word. How many. */
AVX512 static inline uint32_t
list_word(uint64_t begins,
          uint64_t marks,
          uint32_t row,
          uint32_t before,
          uint16_t *rows,
          uint16_t *indexes)
{
    const __m512i numbers = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    const uint32_t count = (uint32_t)_mm_popcnt_u64(begins);
    write_wide(_mm512_maskz_compress_epi8(begins, numbers), row, count, rows);
    write_wide(_mm512_maskz_compress_epi8(begins, marks_up_to(marks)), before, count, indexes);
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
    uint32_t before = 0; /* Marks, from that row on. */
    out->code_before = rc_marks_before(column, row) - 1;
    uint64_t last = 0; /* Whether the row before counts. */
    const uint32_t no_slot = piece->table->no_slot;
    const struct rc_scan_range in_time = rc_series_time_range(piece->table);
    struct times times = {0};
    for (uint32_t word = (row - base) / 64; row < end; row += 64, word++) {
        const uint64_t marks = column->marks[row / 64];
        const uint64_t inside = rc_word_within(row, begin, end);
        uint64_t counting = inside & (words == NULL ? UINT64_MAX : words[word]);
        for (uint32_t i = 0; i < 64; i += 16) /* Of the next piece, which is read soon. */
            __builtin_prefetch(piece->times + row + RC_PIECE_ROWS + i, 0, 2);
        if ((counting | last) != 0) {
            read_times(&times, piece->times + row, inside);
            counting &= rows_in(&times, in_time);
            const uint64_t edges = counting ^ (counting << 1 | last);
            const uint64_t begins = inside & (edges | (counting & (marks | slot_changes(&times))));
            list_slots(&times, begins, counting, no_slot, out->slots + count);
            count += list_word(begins, marks, row - base, before, out->rows + count,
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
                     __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("popcnt") &&
                     __builtin_cpu_supports("bmi2");
    return can ? list_marked : NULL;
}

#else

rc_series_list_marked
rc_series_list_marked_best(void)
{
    return NULL;
}

#endif
