/*
 * Spell lists, with AVX-512. Of a word's times the upper 14 bits become 64 bytes of cells and 64
 * bytes of parts of a cell, and these ranks, by a look at 64 bytes in a register each. Rows whose
 * part has a change of place, one in some hundred, are settled one by one.
 */
#include "engine/query/slab/spell_lists.h"

#include <stddef.h>

#include "engine/match/rows/words.h"
#include "engine/query/slab/spell_fields.h"
#include "engine/query/slab/spells.h"
#include "engine/query/slab/wide_lists.h"

#if defined(__x86_64__)

#define AHEAD_ROWS 1024u /* Times are asked for so early. */

_Static_assert(RC_SPELLS_LISTED_MORE == RC_WIDE_LISTS_MORE, "as the lists are written");
_Static_assert(sizeof(struct rc_spell) == 8 && offsetof(struct rc_spell, place) == 4 &&
                   offsetof(struct rc_spell, twice) == 6,
               "as spells are written");

struct tables {
    __m512i before;
    __m512i parts;
    __m512i mixed;
    __m512i counts;
};

/* A word's rows: which part of which cell their times are in. */
struct cells {
    __m512i cells;
    __m512i parts;
};

/* The upper 14 bits of 16 times, and above them those of another 16. */
RC_WIDE_LISTS static inline __m512i
pair_uppers(__m512i low, __m512i high)
{
    return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(low, RC_RANK_PART_SHIFT),
                                   _mm512_srli_epi32(high, RC_RANK_PART_SHIFT - 16));
}

/* Rows that are not inside may not be there. */
RC_WIDE_LISTS static inline __attribute__((always_inline)) struct cells
cells_of(const uint32_t *times, uint64_t inside)
{
    /* In each lane four parts of the first times, four of the others, and their cells. */
    const __m512i sorted = _mm512_set4_epi32(0x0f0b0703, 0x0d090501, 0x0e0a0602, 0x0c080400);
    const __m512i parts =
        _mm512_set_epi32(29, 25, 21, 17, 28, 24, 20, 16, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i cells =
        _mm512_set_epi32(31, 27, 23, 19, 30, 26, 22, 18, 15, 11, 7, 3, 14, 10, 6, 2);
    const __m512i low =
        pair_uppers(_mm512_maskz_loadu_epi32((__mmask16)inside, times),
                    _mm512_maskz_loadu_epi32((__mmask16)(inside >> 16), times + 16));
    const __m512i high =
        pair_uppers(_mm512_maskz_loadu_epi32((__mmask16)(inside >> 32), times + 32),
                    _mm512_maskz_loadu_epi32((__mmask16)(inside >> 48), times + 48));
    const __m512i low_sorted = _mm512_shuffle_epi8(low, sorted);
    const __m512i high_sorted = _mm512_shuffle_epi8(high, sorted);
    return (struct cells){.cells = _mm512_permutex2var_epi32(low_sorted, cells, high_sorted),
                          .parts = _mm512_permutex2var_epi32(low_sorted, parts, high_sorted)};
}

/* The ranks with those of some rows settled by their times. */
RC_WIDE_LISTS static __attribute__((noinline)) __m512i
settle(__m512i ranks, const struct rc_bucket_ranks *table, const uint32_t *times, uint64_t rows)
{
    uint8_t bytes[64];
    _mm512_storeu_si512(bytes, ranks);
    for (; rows != 0; rows &= rows - 1) {
        const uint32_t row = (uint32_t)__builtin_ctzll(rows);
        bytes[row] = rc_bucket_rank(table, times[row]);
    }
    return _mm512_loadu_si512(bytes);
}

/* The ranks of a word's rows; right for those that match. */
RC_WIDE_LISTS static inline __attribute__((always_inline)) __m512i
ranks_of(const struct rc_spell_rows *rows,
         const struct tables *tables,
         const uint32_t *times,
         uint64_t inside,
         uint64_t bits)
{
    const struct cells cells = cells_of(times, inside);
    const __m512i before = _mm512_permutexvar_epi8(cells.cells, tables->before);
    const __m512i change = _mm512_permutexvar_epi8(cells.cells, tables->parts);
    const __mmask64 has_one =
        _mm512_movepi8_mask(_mm512_permutexvar_epi8(cells.cells, tables->mixed));
    const __mmask64 behind = _mm512_cmpgt_epu8_mask(cells.parts, change);
    const __mmask64 mixed = _mm512_mask_cmpeq_epi8_mask(has_one, cells.parts, change);
    const __m512i ranks = _mm512_mask_add_epi8(before, behind, before, _mm512_set1_epi8(1));
    return __builtin_expect((mixed & bits) == 0, 1)
               ? ranks
               : settle(ranks, rows->ranks, times, mixed & bits);
}

/* Where the next row's rank is another. */
RC_WIDE_LISTS static inline uint64_t
rank_ends(__m512i ranks)
{
    const __m512i next = _mm512_set_epi64(
        0x003f3e3d3c3b3a39, 0x3837363534333231, 0x302f2e2d2c2b2a29, 0x2827262524232221,
        0x201f1e1d1c1b1a19, 0x1817161514131211, 0x100f0e0d0c0b0a09, 0x0807060504030201);
    return _mm512_cmpneq_epi8_mask(ranks, _mm512_permutexvar_epi8(next, ranks));
}

RC_WIDE_LISTS static inline __attribute__((always_inline)) uint32_t
list_words(struct rc_spell_rows *rows, struct rc_spell_list *list, bool single)
{
    const struct tables tables = {.before = _mm512_loadu_si512(rows->ranks->before),
                                  .parts = _mm512_loadu_si512(rows->ranks->parts),
                                  .mixed = _mm512_loadu_si512(rows->ranks->mixed),
                                  .counts = _mm512_loadu_si512(rows->ranks->counts)};
    uint32_t count = 0;
    uint32_t users = 0;
    for (uint32_t word = rows->word_begin; word < rows->word_end; word++) {
        const uint32_t *times = rows->times + word * 64;
        const uint64_t begins = rows->begins[word];
        uint64_t bits = rows->bits[word];
        if (bits == 0) {
            users += (uint32_t)_mm_popcnt_u64(begins);
            continue;
        }
        uint64_t ends = begins >> 1 | (uint64_t)1 << 63;
        __m512i ranks = _mm512_setzero_si512();
        if (!single) {
            for (uint32_t i = 0; i < 64; i += 16)
                __builtin_prefetch(times + AHEAD_ROWS + i);
            const uint64_t inside = rc_word_within(word * 64, 0, rows->row_count);
            ranks = inside == UINT64_MAX ? ranks_of(rows, &tables, times, UINT64_MAX, bits)
                                         : ranks_of(rows, &tables, times, inside, bits);
            bits &= _mm512_movepi8_mask(_mm512_permutexvar_epi8(ranks, tables.counts));
            ends |= rank_ends(ranks);
            rows->bits[word] = bits;
        }
        const uint64_t found = rc_fields_with(bits, ends);
        const uint64_t again = rc_fields_with(rc_fields_but_first(bits, ends), ends);
        const uint32_t more = (uint32_t)_mm_popcnt_u64(found);
        ranks = _mm512_mask_add_epi8(ranks, again, ranks, _mm512_set1_epi8((char)RC_SPELL_TWICE));
        _mm512_storeu_si512(list->ranks + count, _mm512_maskz_compress_epi8(found, ranks));
        rc_write_wide(_mm512_maskz_compress_epi8(found, rc_marks_up_to(begins)), users, more,
                      list->users + count);
        count += more;
        users += (uint32_t)_mm_popcnt_u64(begins);
    }
    return count;
}

RC_WIDE_LISTS static uint32_t
list_avx512(struct rc_spell_rows *rows, struct rc_spell_list *list)
{
    return rows->ranks->single ? list_words(rows, list, true) : list_words(rows, list, false);
}

/* A spell is two words of 32 bits: its slot, and its place below whether it is twice. */
RC_WIDE_LISTS static void
write_avx512(const struct rc_spell_list *list,
             uint32_t count,
             const struct rc_bucket_ranks *ranks,
             const uint32_t *users,
             uint32_t first,
             struct rc_spell *spells)
{
    const __m512i low_places = _mm512_loadu_si512(ranks->places);
    const __m512i high_places = _mm512_loadu_si512(ranks->places + 32);
    const __m512i all_first = _mm512_set1_epi32((int)first);
    const __m512i front = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i back =
        _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    for (uint32_t i = 0; i < count; i += 16) {
        const __mmask16 mine = (__mmask16)rc_word_below(count - i);
        const __m512i listed =
            _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(list->ranks + i)));
        const __m512i index =
            _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(list->users + i)));
        const __m512i slots = _mm512_sub_epi32(
            _mm512_mask_i32gather_epi32(all_first, mine, index, users, 4), all_first);
        const __m512i twice = _mm512_slli_epi32(_mm512_srli_epi32(listed, RC_SPELL_TWICE_BIT), 16);
        const __m512i rank = _mm512_and_si512(listed, _mm512_set1_epi32(RC_SPELL_TWICE - 1));
        const __m512i places = _mm512_mask_blend_epi16(
            0xaaaaaaaa, _mm512_permutex2var_epi16(low_places, rank, high_places), twice);
        _mm512_storeu_si512(spells + i, _mm512_permutex2var_epi32(slots, front, places));
        _mm512_storeu_si512(spells + i + 8, _mm512_permutex2var_epi32(slots, back, places));
    }
}

const struct rc_spell_kernels *
rc_spell_kernels_avx512(void)
{
    static const struct rc_spell_kernels kernels = {.list = list_avx512, .write = write_avx512};
    return RC_RUNS_WIDE_LISTS ? &kernels : NULL;
}

#else

const struct rc_spell_kernels *
rc_spell_kernels_avx512(void)
{
    return NULL;
}

#endif
