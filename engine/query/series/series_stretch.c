/*
 * Series stretches. A stretch is rows with one code and one slot of the table of buckets, and it is
 * counted at once. Where stretches begin is found as bits, eight rows at a time; so is where what
 * counts begins and ends, and what follows an end goes to a counter that is not read: its row's own
 * if it is out of time.
 *
 * First the counters of all stretches of a piece are found, then they are counted in: in one loop
 * the processor would hold each look at a counter until it knows that the ones before it are
 * others, which took half as long again.
 *
 * A slot in which the bucket changes is rare, and its rows are looked at one by one.
 *
 * Where not all rows count, those that do not are stretches too, with a slot that has no bucket.
 *
 * Of a column of marked runs the marks are the bits at which codes change, and the codes are read a
 * stretch and not a row; where the table has cells, the places of 32 stretches are found at once
 * (series_stretch_avx512.c).
 */
#include "engine/query/series/series_stretch.h"

#include "engine/match/rows/row_codes.h"

/* Where rows of a word (count of them) differ from the row before, which is there, in code or slot.
 */
static inline uint64_t
changes_portable(const uint32_t *times, const uint32_t *codes, uint32_t count)
{
    uint64_t changes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t slots = (times[i] ^ *(times + i - 1)) >> RC_BUCKET_SHIFT;
        changes |= (uint64_t)((slots | (codes[i] ^ *(codes + i - 1))) != 0) << i;
    }
    return changes;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i
load(const uint32_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

/* The same of 64 rows. */
AVX2 static inline uint64_t
changes_avx2(const uint32_t *times, const uint32_t *codes)
{
    uint64_t changes = 0;
    for (uint32_t i = 0; i < 64; i += 8) {
        const __m256i slots = _mm256_srli_epi32(
            _mm256_xor_si256(load(times + i), load(times + i - 1)), RC_BUCKET_SHIFT);
        const __m256i both =
            _mm256_or_si256(slots, _mm256_xor_si256(load(codes + i), load(codes + i - 1)));
        const __m256i same = _mm256_cmpeq_epi32(both, _mm256_setzero_si256());
        const uint32_t bits = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(same));
        changes |= (uint64_t)(bits ^ 0xff) << i;
    }
    return changes;
}

#define HAS_AVX2 __builtin_cpu_supports("avx2")

#else

#define AVX2
#define HAS_AVX2 false
#define changes_avx2(times, codes) changes_portable(times, codes, 64)

#endif

/* Adds to stretches where whole words of rows from row on change, before end. */
AVX2 static void
add_changes_avx2(const struct rc_series_piece *piece,
                 uint32_t begin,
                 uint32_t row,
                 uint32_t end,
                 const uint64_t *counting,
                 uint64_t *stretches)
{
    for (; row + 64 <= end; row += 64, counting++, stretches++)
        if (*counting != 0)
            *stretches |=
                *counting & changes_avx2(piece->times + row, piece->codes + (row - begin));
}

/* The same of any words. The row begin starts a stretch anyway, so it needs no row before it. */
static void
add_changes_portable(const struct rc_series_piece *piece,
                     uint32_t begin,
                     uint32_t row,
                     uint32_t end,
                     const uint64_t *counting,
                     uint64_t *stretches)
{
    for (; row < end; row += 64, counting++, stretches++) {
        const uint32_t first = row > begin ? row : begin + 1;
        const uint32_t stop = end - row < 64 ? end : row + 64;
        if (*counting != 0 && first < stop)
            *stretches |=
                *counting &
                changes_portable(piece->times + first, piece->codes + (first - begin), stop - first)
                    << (first - row);
    }
}

/* Finds where stretches begin, as words from the row base on; how many words. */
static uint32_t
find_stretches(const struct rc_series_piece *piece,
               const uint64_t *words,
               uint32_t begin,
               uint32_t end,
               uint64_t *counting,
               uint64_t *stretches)
{
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    const uint32_t skipped = (begin - base) / 64;
    const uint32_t count = (end - base + 63) / 64;
    uint64_t last = 0; /* Whether the row before counts. */
    for (uint32_t word = 0; word < count; word++) {
        const uint32_t row = base + word * 64;
        const uint64_t inside = word < skipped ? 0 : rc_word_within(row, begin, end);
        counting[word] = inside & (words == NULL ? UINT64_MAX : words[word]);
        stretches[word] = inside & (counting[word] ^ (counting[word] << 1 | last));
        last = counting[word] >> 63;
    }
    /* The first word by itself; the others whole, but for the last one. */
    const uint32_t second = skipped + 1;
    const uint32_t whole = HAS_AVX2 && second < (end - base) / 64 ? (end - base) / 64 : second;
    add_changes_portable(piece, begin, base + skipped * 64,
                         second < count ? base + second * 64 : end, counting + skipped,
                         stretches + skipped);
    if (second < whole)
        add_changes_avx2(piece, begin, base + second * 64, base + whole * 64, counting + second,
                         stretches + second);
    if (whole < count)
        add_changes_portable(piece, begin, base + whole * 64, end, counting + whole,
                             stretches + whole);
    return count;
}

/* Rows of a slot in which the bucket changes. */
static void
count_mixed(const struct rc_series_piece *piece, uint32_t counter, uint32_t row, uint32_t end)
{
    for (; row < end; row++)
        piece->narrow[counter + rc_bucket_table_find(piece->table, piece->times[row])]++;
}

/* Codes of stretches, by their indexes; the width is 1, 2 or 4. */
struct codes {
    const void *codes;
    uint32_t width;
};

/* Finds the counters of stretches. What does not count has a slot of its own. base: the piece's
 * first row. */
__attribute__((always_inline)) static inline void
find_counters(const struct rc_series_piece *from,
              struct codes codes,
              struct rc_series_stretches *stretches,
              uint32_t base,
              uint32_t first,
              uint32_t end)
{
    /* A copy: what is written could else be part of it, as far as the compiler knows. */
    const struct rc_series_piece piece = *from;
    const uint32_t before = stretches->code_before;
    const uint16_t *indexes = stretches->indexes;
    const uint16_t *slots = stretches->slots;
    uint32_t *counters = stretches->counters;
    for (uint32_t i = first; i < end; i++) {
        const uint32_t counter =
            piece.counters[rc_code_at(codes.codes, codes.width, before + indexes[i]) + 1];
        const uint32_t place = piece.slots[slots[i]];
        counters[i - first] = counter + place;
        __builtin_prefetch(&piece.narrow[counter + place], 1);
        if (place < RC_BUCKET_MIXED)
            continue;
        count_mixed(&piece, counter, base + stretches->rows[i], base + stretches->rows[i + 1]);
        counters[i - first] = piece.unread;
    }
}

#define TOGETHER 64u

_Static_assert(TOGETHER <= RC_SERIES_CHUNK, "their counters have room");

/* Counts stretches; what of codes is constant makes a loop of its own. */
__attribute__((always_inline)) static inline void
count_stretches(const struct rc_series_piece *piece,
                struct codes codes,
                struct rc_series_stretches *stretches,
                uint32_t base,
                uint32_t count)
{
    for (uint32_t first = 0; first < count; first += TOGETHER) {
        const uint32_t end = count - first < TOGETHER ? count : first + TOGETHER;
        find_counters(piece, codes, stretches, base, first, end);
        for (uint32_t i = first; i < end; i++)
            piece->narrow[stretches->counters[i - first]] +=
                (uint32_t)(stretches->rows[i + 1] - stretches->rows[i]);
    }
}

/* Whether stretches are not much fewer than the rows that count. */
static bool
are_too_many(const struct rc_series_stretches *stretches, uint32_t count, uint32_t word_count)
{
    return count > rc_words_count(stretches->counting, word_count) / 4 * 3;
}

bool
rc_series_count_stretches(const struct rc_series_piece *piece,
                          struct rc_series_stretches *scratch,
                          const uint64_t *words,
                          uint32_t begin,
                          uint32_t end)
{
    uint64_t stretches[RC_PIECE_WORDS];
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    const uint32_t word_count =
        find_stretches(piece, words, begin, end, scratch->counting, stretches);
    const uint32_t count = rc_words_rows(stretches, word_count, base, scratch->listed);
    if (are_too_many(scratch, count, word_count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = scratch->listed[i];
        const bool counts = rc_words_has(scratch->counting, row - base);
        scratch->rows[i] = (uint16_t)(row - base);
        scratch->indexes[i] = (uint16_t)(row - begin);
        scratch->slots[i] =
            (uint16_t)(counts ? piece->times[row] >> RC_BUCKET_SHIFT : piece->table->no_slot);
    }
    scratch->rows[count] = (uint16_t)(end - base);
    scratch->code_before = 0;
    count_stretches(piece, (struct codes){piece->codes, sizeof(*piece->codes)}, scratch, base,
                    count);
    return true;
}

/* Counts a chunk. Times that are read soon are asked for meanwhile: from next on, by step for every
 * four stretches. */
static void
count_chunk(uint32_t *restrict narrow,
            const uint32_t *restrict counters,
            const uint16_t *restrict lengths,
            size_t count,
            const uint32_t *next,
            size_t step)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4, next += step) {
        __builtin_prefetch(next, 0, 2);
        narrow[counters[i]] += lengths[i];
        narrow[counters[i + 1]] += lengths[i + 1];
        narrow[counters[i + 2]] += lengths[i + 2];
        narrow[counters[i + 3]] += lengths[i + 3];
    }
    for (; i < count; i++)
        narrow[counters[i]] += lengths[i];
}

/* Counts the rows of the stretches of a chunk that are in slots of several places. */
static void
count_all_mixed(const struct rc_series_piece *piece,
                struct rc_series_stretches *stretches,
                const uint32_t *mixed,
                uint32_t base,
                uint32_t first,
                uint32_t count)
{
    for (uint32_t word = 0; word * 32 < count; word++)
        for (uint32_t bits = mixed[word]; bits != 0; bits &= bits - 1) {
            const uint32_t i = word * 32 + (uint32_t)__builtin_ctz(bits);
            count_mixed(piece, stretches->counters[i], base + stretches->rows[first + i],
                        base + stretches->rows[first + i + 1]);
            stretches->lengths[i] = 0;
        }
}

/* Counts stretches of a column of marked runs, whose places come by cells; what of codes is
 * constant makes a loop of its own. */
__attribute__((always_inline)) static inline void
count_placed(const struct rc_series_piece *piece,
             const struct rc_series_marked_kernels *kernels,
             struct codes codes,
             struct rc_series_stretches *stretches,
             uint32_t base,
             uint32_t count)
{
    const uint32_t before = stretches->code_before;
    const uint32_t *of_codes = piece->counters;
    const uint32_t *next = piece->times + base + RC_PIECE_ROWS;
    const uint32_t step = RC_PIECE_ROWS * 4 / (count + 1);
    for (uint32_t first = 0; first < count; first += RC_SERIES_CHUNK) {
        uint32_t mixed[RC_SERIES_CHUNK / 32];
        const uint32_t left = count - first;
        const uint32_t some = left < RC_SERIES_CHUNK ? left : RC_SERIES_CHUNK;
        for (uint32_t i = 0; i < some; i++)
            stretches->counters[i] = of_codes[rc_code_at(codes.codes, codes.width,
                                                         before + stretches->indexes[first + i]) +
                                              1];
        kernels->place(piece, stretches, first, first + some, mixed);
        count_all_mixed(piece, stretches, mixed, base, first, some);
        count_chunk(piece->narrow, stretches->counters, stretches->lengths, some,
                    next + (size_t)first / 4 * step, step);
    }
}

/* The same; without cells, places come by slots. */
__attribute__((always_inline)) static inline void
count_marked(const struct rc_series_piece *piece,
             const struct rc_series_marked_kernels *kernels,
             struct codes codes,
             struct rc_series_stretches *stretches,
             uint32_t base,
             uint32_t count)
{
    if (piece->cells == NULL)
        count_stretches(piece, codes, stretches, base, count);
    else
        count_placed(piece, kernels, codes, stretches, base, count);
}

bool
rc_series_count_marked(const struct rc_series_piece *piece,
                       const struct rc_column_view *column,
                       struct rc_series_stretches *scratch,
                       const uint64_t *words,
                       uint32_t begin,
                       uint32_t end)
{
    const struct rc_series_marked_kernels *kernels = rc_series_marked_kernels_best();
    if (kernels == NULL)
        return false;
    const uint32_t count = kernels->list(piece, column, scratch, words, begin, end);
    const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
    const uint32_t skipped = (begin - base) / 64;
    memset(scratch->counting, 0, skipped * sizeof(*scratch->counting));
    if (are_too_many(scratch, count, (end - base + 63) / 64))
        return false;
    scratch->rows[count] = (uint16_t)(end - base);
    if (column->code_width == 1)
        count_marked(piece, kernels, (struct codes){column->codes, 1}, scratch, base, count);
    else if (column->code_width == 2)
        count_marked(piece, kernels, (struct codes){column->codes, 2}, scratch, base, count);
    else
        count_marked(piece, kernels, (struct codes){column->codes, 4}, scratch, base, count);
    return true;
}
