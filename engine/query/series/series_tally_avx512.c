/*
 * Series tally with AVX-512. The times of the rows that have a code are taken together sixteen an
 * instruction, as their codes lie together already; then sixteen rows' counters are found at once,
 * and those before are added to meanwhile. Rows are never listed by number.
 *
 * Times are most of what is read, and memory is what the rest waits for: so those of the next piece
 * are asked for while counters of this one are found.
 */
#include "engine/query/series/series_tally.h"

#if defined(__x86_64__)

#include "engine/match/rows/row_codes.h"
#include "engine/query/slab/wide_lists.h"
#include "engine/store/slab/marks.h"

#define TOGETHER 16u
#define LINE_ROWS 16u /* Times in a line of the cache. */

/* What no time is: of a row that does not count. */
#define NEVER UINT32_MAX

/* Takes the times of a word's marked rows together; of those that are not selected, NEVER. How
 * many. */
__attribute__((always_inline)) RC_WIDE_LISTS static inline uint32_t
take_word(const uint32_t *times, uint64_t marked, uint64_t selected, uint32_t *out)
{
    const uint32_t *begin = out;
    const __m512i never = _mm512_set1_epi32((int)NEVER);
    for (uint32_t i = 0; i < 64; i += 16) {
        const __mmask16 here = (__mmask16)(marked >> i);
        const __mmask16 read = here & (__mmask16)(selected >> i);
        const __m512i some = _mm512_mask_loadu_epi32(never, read, times + i);
        _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(here, some));
        out += _mm_popcnt_u32(here);
    }
    return (uint32_t)(out - begin);
}

/* The same of the rows [begin, end) of a piece; marks and words NULL: all. */
RC_WIDE_LISTS static uint32_t
take_times(const uint32_t *times,
           const uint64_t *marks,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           uint32_t *out)
{
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    uint32_t count = 0;
    for (uint32_t row = begin & ~63u; row < end; row += 64) {
        const uint64_t inside = rc_word_within(row, begin, end);
        const uint64_t marked = inside & (marks == NULL ? UINT64_MAX : marks[row / 64]);
        const uint64_t selected = words == NULL ? UINT64_MAX : words[(row - base) / 64];
        count += take_word(times + row, marked, selected, out + count);
    }
    return count;
}

/* A number for each cell. */
struct by_cell {
    __m512i parts[4];
};

_Static_assert(RC_BUCKET_CELLS == 64, "four parts of sixteen");

RC_WIDE_LISTS static inline __m512i
of_cells(const struct by_cell *numbers, __m512i cells)
{
    const __mmask16 high = _mm512_test_epi32_mask(cells, _mm512_set1_epi32(32));
    const __m512i low = _mm512_permutex2var_epi32(numbers->parts[0], cells, numbers->parts[1]);
    return _mm512_mask_mov_epi32(
        low, high, _mm512_permutex2var_epi32(numbers->parts[2], cells, numbers->parts[3]));
}

/* What is the same for all rows of a piece. */
struct finder {
    struct by_cell edges_ms;
    struct by_cell places; /* Before the edge, and above 16 bits, behind it. */
    const uint32_t *entries;
    __m512i none;    /* What no number is. */
    __m512i outside; /* What no bucket is. */
    __m512i stride;
};

RC_WIDE_LISTS static inline __m512i
read_places(const uint16_t *places)
{
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)places));
}

RC_WIDE_LISTS static inline void
finder_open(struct finder *finder, const struct rc_tally *tally, const struct rc_tally_slab *slab)
{
    const struct rc_bucket_cells *cells = slab->cells;
    for (uint32_t i = 0; i < 4; i++) {
        const __m512i behind = read_places(cells->behind + i * 16);
        finder->edges_ms.parts[i] = _mm512_loadu_si512(cells->edges_ms + i * 16);
        finder->places.parts[i] =
            _mm512_or_si512(read_places(cells->before + i * 16), _mm512_slli_epi32(behind, 16));
    }
    finder->entries = slab->entries;
    finder->none = _mm512_set1_epi32((int)tally->number_count);
    finder->outside = _mm512_set1_epi32((int)tally->buckets);
    finder->stride = _mm512_set1_epi32((int)tally->number_count + 1);
}

/* The places of times. */
RC_WIDE_LISTS static inline __m512i
find_places(const struct finder *finder, __m512i times)
{
    const __m512i cells = _mm512_srli_epi32(times, RC_BUCKET_SHIFT + RC_BUCKET_CELL_SHIFT);
    const __mmask16 behind = _mm512_cmpge_epu32_mask(times, of_cells(&finder->edges_ms, cells));
    const __m512i both = of_cells(&finder->places, cells);
    const __m512i sided = _mm512_mask_srli_epi32(both, behind, both, 16);
    const __mmask16 never = _mm512_cmpeq_epi32_mask(times, _mm512_set1_epi32((int)NEVER));
    return _mm512_mask_mov_epi32(_mm512_and_si512(sided, _mm512_set1_epi32(0xffff)), never,
                                 finder->outside);
}

/* Some codes from an index on. */
__attribute__((always_inline)) RC_WIDE_LISTS static inline __m512i
read_codes(const void *codes, uint32_t width, uint32_t index, __mmask16 some)
{
    if (width == 1)
        return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, (const uint8_t *)codes + index));
    if (width == 2)
        return _mm512_cvtepu16_epi32(
            _mm256_maskz_loadu_epi16(some, (const uint16_t *)codes + index));
    return _mm512_maskz_loadu_epi32(some, (const uint32_t *)codes + index);
}

/* Rows whose times and codes lie together. */
struct together {
    const uint32_t *times;
    const void *codes;
    uint32_t count;
    const uint32_t *next; /* Times that are read soon, */
    uint32_t next_lines;  /* and how many lines of them to ask for with TOGETHER rows. */
};

/* Writes the counters of rows from first on; how many of them have a number and are in a bucket. */
__attribute__((always_inline)) RC_WIDE_LISTS static inline uint32_t
find_counters(const struct finder *finder,
              const struct together *rows,
              uint32_t width,
              uint32_t first,
              uint32_t *counters)
{
    const uint32_t left = rows->count - first;
    const __mmask16 some = (__mmask16)rc_word_below(left < TOGETHER ? left : TOGETHER);
    const __m512i never = _mm512_set1_epi32((int)NEVER);
    const __m512i places =
        find_places(finder, _mm512_mask_loadu_epi32(never, some, rows->times + first));
    const __m512i codes = read_codes(rows->codes, width, first, some);
    const __m512i entries =
        _mm512_mask_i32gather_epi32(finder->none, some, codes, finder->entries, 4);
    const __m512i numbers = _mm512_min_epu32(entries, finder->none);
    _mm512_storeu_si512(counters,
                        _mm512_add_epi32(_mm512_mullo_epi32(places, finder->stride), numbers));
    return (uint32_t)_mm_popcnt_u32(_mm512_cmplt_epu32_mask(places, finder->outside) &
                                    _mm512_cmplt_epu32_mask(numbers, finder->none));
}

__attribute__((always_inline)) RC_WIDE_LISTS static inline uint32_t
count_of_width(const struct finder *finder,
               const struct together *rows,
               uint32_t width,
               uint32_t *counts)
{
    uint32_t counters[2][TOGETHER];
    uint32_t found = 0;
    uint32_t before = 0; /* Rows whose counters were found last. */
    const uint32_t *next = rows->next;
    for (uint32_t i = 0; i < rows->count; i += TOGETHER) {
        const uint32_t side = i / TOGETHER % 2;
        found += find_counters(finder, rows, width, i, counters[side]);
        for (uint32_t line = 0; line < rows->next_lines; line++, next += LINE_ROWS)
            __builtin_prefetch(next);
        for (uint32_t row = 0; row < before; row++)
            counts[counters[1 - side][row]]++;
        before = TOGETHER;
    }
    const uint32_t last = rows->count == 0 ? 0 : (rows->count - 1) % TOGETHER + 1;
    for (uint32_t row = 0; row < last; row++)
        counts[counters[(rows->count - 1) / TOGETHER % 2][row]]++;
    return found;
}

/* So that all lines of so many rows are asked for with count rows. */
static uint32_t
lines_to_ask_for(uint32_t row_count, uint32_t count)
{
    const uint32_t times = (count + TOGETHER - 1) / TOGETHER;
    return times == 0 ? 0 : row_count / LINE_ROWS / times;
}

RC_WIDE_LISTS static uint32_t
tally_piece(struct rc_tally *tally,
            const struct rc_tally_slab *slab,
            const uint64_t *words,
            uint32_t begin,
            uint32_t end)
{
    const struct rc_column_view *column = slab->column;
    struct finder finder;
    struct together rows = {.times = tally->times, .next = slab->times + begin + RC_PIECE_ROWS};
    uint32_t width = sizeof(*tally->codes);
    if (column->form == RC_COLUMN_MARKED_ROWS) {
        width = column->code_width;
        rows.codes = (const char *)column->codes + (size_t)rc_marks_before(column, begin) * width;
        rows.count = take_times(slab->times, column->marks, words, begin, end, tally->times);
    } else {
        uint32_t at = 0;
        rows.codes = tally->codes;
        rows.count = end - begin;
        rc_row_codes(column, begin, rows.count, &at, tally->codes);
        if (words == NULL)
            rows.times = slab->times + begin;
        else
            (void)take_times(slab->times, NULL, words, begin, end, tally->times);
    }
    rows.next_lines = lines_to_ask_for(end - begin, rows.count);
    finder_open(&finder, tally, slab);
    if (width == 1)
        return count_of_width(&finder, &rows, 1, tally->counts);
    if (width == 2)
        return count_of_width(&finder, &rows, 2, tally->counts);
    return count_of_width(&finder, &rows, 4, tally->counts);
}

rc_tally_kernel
rc_tally_kernel_best(void)
{
    return RC_RUNS_WIDE_LISTS ? tally_piece : NULL;
}

#else

rc_tally_kernel
rc_tally_kernel_best(void)
{
    return NULL;
}

#endif
