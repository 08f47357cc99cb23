/*
 * Series stretches of a column of marked runs, with AVX-512: a run's code need not be spread over
 * its rows, since the marks say where the code changes and, counted, which one is there. A word of
 * 64 rows is looked at in registers: where it changes, and the list of where.
 */
#include "engine/query/series/series_stretch.h"

#include "engine/query/slab/wide_lists.h"
#include "engine/store/slab/marks.h"

#if defined(__x86_64__)

/* The slots of a word's rows: 32 each. */
struct slots {
    __m512i low;
    __m512i high;
};

/* Those of 32 rows: the upper halves of their times, and of these what a slot is. */
RC_WIDE_LISTS static inline __m512i
slots_of(__m512i times, __m512i behind)
{
    const __m512i uppers = _mm512_set_epi64(
        0x003f003d003b0039, 0x0037003500330031, 0x002f002d002b0029, 0x0027002500230021,
        0x001f001d001b0019, 0x0017001500130011, 0x000f000d000b0009, 0x0007000500030001);
    return _mm512_srli_epi16(_mm512_permutex2var_epi16(times, uppers, behind),
                             RC_BUCKET_SHIFT - 16);
}

/* Reads those of a word of rows; of rows that are not inside, which may not be there, 0. */
RC_WIDE_LISTS static inline struct slots
read_slots(const uint32_t *times, uint64_t inside)
{
    return (struct slots){
        slots_of(_mm512_maskz_loadu_epi32((__mmask16)inside, times),
                 _mm512_maskz_loadu_epi32((__mmask16)(inside >> 16), times + 16)),
        slots_of(_mm512_maskz_loadu_epi32((__mmask16)(inside >> 32), times + 32),
                 _mm512_maskz_loadu_epi32((__mmask16)(inside >> 48), times + 48))};
}

/* Where they are others than of the row before, where last is of the word before. */
RC_WIDE_LISTS static inline uint64_t
slot_changes(struct slots slots, __m512i last)
{
    const __m512i before = _mm512_set_epi64(
        0x001e001d001c001b, 0x001a001900180017, 0x0016001500140013, 0x001200110010000f,
        0x000e000d000c000b, 0x000a000900080007, 0x0006000500040003, 0x000200010000003f);
    const __m512i low = _mm512_permutex2var_epi16(slots.low, before, last);
    const __m512i high = _mm512_permutex2var_epi16(slots.high, before, slots.low);
    return _mm512_kunpackd(_mm512_cmpneq_epi16_mask(slots.high, high),
                           _mm512_cmpneq_epi16_mask(slots.low, low));
}

/* Which are in a range. */
RC_WIDE_LISTS static inline uint64_t
slots_in(struct slots slots, struct rc_scan_range range)
{
    const __m512i first = _mm512_set1_epi16((short)range.first);
    const __m512i width = _mm512_set1_epi16((short)range.width);
    return _mm512_kunpackd(_mm512_cmple_epu16_mask(_mm512_sub_epi16(slots.high, first), width),
                           _mm512_cmple_epu16_mask(_mm512_sub_epi16(slots.low, first), width));
}

/* Lists the slots of the rows where stretches begin. */
RC_WIDE_LISTS static inline void
list_slots(struct slots slots, uint64_t begins, uint64_t counting, uint32_t no_slot, uint16_t *out)
{
    const __m512i none = _mm512_set1_epi16((short)no_slot);
    const __mmask32 here = (__mmask32)begins;
    const __m512i low = _mm512_mask_mov_epi16(none, (__mmask32)counting, slots.low);
    const __m512i high = _mm512_mask_mov_epi16(none, (__mmask32)(counting >> 32), slots.high);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(here, low));
    _mm512_storeu_si512(out + _mm_popcnt_u32(here),
                        _mm512_maskz_compress_epi16((__mmask32)(begins >> 32), high));
}

/* Lists the set bits of a word as rows from row on, and for each the marks up to it, its own
 * included, where before is the count of those before the word. How many. */
RC_WIDE_LISTS static inline uint32_t
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
    rc_write_wide(_mm512_maskz_compress_epi8(begins, numbers), row, count, rows);
    rc_write_wide(_mm512_maskz_compress_epi8(begins, rc_marks_up_to(marks)), before, count,
                  indexes);
    return count;
}

/* What goes from word to word. */
struct listing {
    uint32_t count;
    uint32_t before; /* Marks, from the first word on. */
    uint64_t last;   /* Whether the row before counts. */
    __m512i slots;   /* Of the rows before. */
};

/* Lists the stretches that begin in a word of rows; those inside are there and are looked at. */
__attribute__((always_inline)) RC_WIDE_LISTS static inline void
list_stretches(const struct rc_series_piece *piece,
               struct rc_series_stretches *out,
               struct listing *listing,
               uint32_t row,
               uint64_t inside,
               uint64_t marks,
               uint64_t selected,
               struct rc_scan_range range)
{
    const uint32_t in_piece = row % RC_PIECE_ROWS;
    const struct slots slots = read_slots(piece->times + row, inside);
    const uint64_t counting = inside & selected & slots_in(slots, range);
    out->counting[in_piece / 64] = counting;
    if ((counting | listing->last) != 0) {
        const uint64_t edges = counting ^ (counting << 1 | listing->last);
        const uint64_t changes = marks | slot_changes(slots, listing->slots);
        const uint64_t begins = inside & (edges | (counting & changes));
        const uint32_t count = listing->count;
        list_slots(slots, begins, counting, piece->table->no_slot, out->slots + count);
        listing->count += list_word(begins, marks, in_piece, listing->before, out->rows + count,
                                    out->indexes + count);
    }
    listing->slots = slots.high;
    listing->last = counting >> 63;
    listing->before += (uint32_t)_mm_popcnt_u64(marks);
}

RC_WIDE_LISTS static uint32_t
list_marked(const struct rc_series_piece *piece,
            const struct rc_column_view *column,
            struct rc_series_stretches *out,
            const uint64_t *words,
            uint32_t begin,
            uint32_t end)
{
    struct listing listing = {0};
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    const struct rc_scan_range in_time = rc_series_time_range(piece->table);
    const uint32_t first = in_time.first >> RC_BUCKET_SHIFT;
    const struct rc_scan_range range = {
        .first = first, .width = ((in_time.first + in_time.width) >> RC_BUCKET_SHIFT) - first};
    uint32_t row = begin & ~63u;
    out->code_before = rc_marks_before(column, row) - 1;
    for (; row < end; row += 64) {
        const uint64_t inside = rc_word_within(row, begin, end);
        const uint64_t marks = column->marks[row / 64];
        const uint64_t selected = words == NULL ? UINT64_MAX : words[(row - base) / 64];
        /* Of the next piece, which is read soon; with cells they are asked for while counting. */
        for (uint32_t i = 0; piece->cells == NULL && i < 64; i += 16)
            __builtin_prefetch(piece->times + row + RC_PIECE_ROWS + i, 0, 2);
        if (inside == UINT64_MAX)
            list_stretches(piece, out, &listing, row, UINT64_MAX, marks, selected, range);
        else
            list_stretches(piece, out, &listing, row, inside, marks, selected, range);
    }
    return listing.count;
}

/* The places of 32 slots; bits of ret_mixed: those that have several, whose place is 0. */
RC_WIDE_LISTS static inline __m512i
places_of(const struct rc_series_piece *piece, __m512i slots, __mmask32 *ret_mixed)
{
    const struct rc_bucket_cells *cells = piece->cells;
    const __m512i cell = _mm512_srli_epi16(slots, RC_BUCKET_CELL_SHIFT);
    const __m512i edges = _mm512_permutex2var_epi16(_mm512_loadu_si512(cells->edges), cell,
                                                    _mm512_loadu_si512(cells->edges + 32));
    const __m512i before = _mm512_permutex2var_epi16(_mm512_loadu_si512(cells->before), cell,
                                                     _mm512_loadu_si512(cells->before + 32));
    const __m512i behind = _mm512_permutex2var_epi16(_mm512_loadu_si512(cells->behind), cell,
                                                     _mm512_loadu_si512(cells->behind + 32));
    const __m512i twice_and_one =
        _mm512_sub_epi16(_mm512_add_epi16(slots, slots), _mm512_set1_epi16(-1));
    const __mmask32 after = _mm512_cmpge_epu16_mask(twice_and_one, edges);
    const __mmask32 none =
        _mm512_cmpeq_epi16_mask(slots, _mm512_set1_epi16((short)piece->table->no_slot));
    const __mmask32 mixed = _mm512_cmpeq_epi16_mask(twice_and_one, edges);
    const __m512i places = _mm512_mask_mov_epi16(_mm512_mask_mov_epi16(before, after, behind), none,
                                                 _mm512_set1_epi16((short)piece->buckets));
    *ret_mixed = mixed;
    return _mm512_maskz_mov_epi16(~mixed, places);
}

/* Adds places of 16 stretches to their counters. */
RC_WIDE_LISTS static inline void
add_places(__m256i places, uint32_t *counters)
{
    _mm512_storeu_si512(
        counters, _mm512_add_epi32(_mm512_loadu_si512(counters), _mm512_cvtepu16_epi32(places)));
}

RC_WIDE_LISTS static void
place(const struct rc_series_piece *piece,
      struct rc_series_stretches *stretches,
      uint32_t first,
      uint32_t end,
      uint32_t *mixed)
{
    for (uint32_t i = first; i < end; i += 32) {
        __mmask32 bits;
        const uint32_t at = i - first;
        const __m512i places = places_of(piece, _mm512_loadu_si512(stretches->slots + i), &bits);
        const __m512i rows = _mm512_loadu_si512(stretches->rows + i);
        const __m512i next_rows = _mm512_loadu_si512(stretches->rows + i + 1);
        add_places(_mm512_castsi512_si256(places), stretches->counters + at);
        add_places(_mm512_extracti64x4_epi64(places, 1), stretches->counters + at + 16);
        _mm512_storeu_si512(stretches->lengths + at, _mm512_sub_epi16(next_rows, rows));
        mixed[at / 32] = end - i < 32 ? bits & ~(UINT32_MAX << (end - i)) : bits;
    }
}

const struct rc_series_marked_kernels *
rc_series_marked_kernels_best(void)
{
    static const struct rc_series_marked_kernels kernels = {.list = list_marked, .place = place};
    return RC_RUNS_WIDE_LISTS ? &kernels : NULL;
}

#else

const struct rc_series_marked_kernels *
rc_series_marked_kernels_best(void)
{
    return NULL;
}

#endif
