/*
 * Series tally. A row is a look at its time's slot, one at its code's number, and one count,
 * without a branch that depends on it: rows before and after the range lie between others, and a
 * wrong guess costs as much as several rows.
 *
 * Where the processor can, sixteen rows are looked at together (series_tally_avx512.c), if the
 * table has cells and an event has one number at most.
 *
 * A column that few rows have is read by its entries and not by the rows of the slab. Where an
 * event may have several numbers, each is asked how many.
 */
#include "engine/query/series/series_tally.h"

#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/store/slab/marks.h"

/* Some rows of a piece, ascending, and where their codes are. */
struct rows {
    const uint32_t *rows; /* NULL: all from first on. */
    uint32_t first;
    uint32_t count;
    const void *codes; /* In their order. */
    uint32_t code_width;
    const uint64_t *words; /* Of the piece; NULL: all count. */
};

static inline uint32_t
row_at(const struct rows *rows, uint32_t index)
{
    return rows->rows == NULL ? rows->first + index : rows->rows[index];
}

static inline uint32_t
code_at(const struct rows *rows, uint32_t index)
{
    return rc_code_at(rows->codes, rows->code_width, index);
}

/* 1 or 0. */
static inline uint32_t
counts_row(const struct rows *rows, uint32_t row)
{
    return rows->words == NULL || rc_words_has(rows->words, row % RC_PIECE_ROWS);
}

/* Of events that have one number at most. */
__attribute__((always_inline)) static inline uint32_t
count_single(const struct rc_tally *tally, const struct rc_tally_slab *slab, struct rows rows)
{
    /* Copies: what is written could else be part of them, as far as the compiler knows. */
    const struct rc_bucket_table table = *slab->table;
    const uint32_t *entries = slab->entries;
    const uint32_t *times = slab->times;
    const uint32_t number_count = tally->number_count;
    const uint32_t buckets = tally->buckets;
    uint32_t *counts = tally->counts;
    uint32_t found = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        const uint32_t row = row_at(&rows, i);
        const uint32_t entry = entries[code_at(&rows, i)];
        const uint32_t number = entry < number_count ? entry : number_count;
        const uint32_t place = rc_bucket_table_find(&table, times[row]);
        const uint32_t one = counts_row(&rows, row);
        counts[(size_t)place * (number_count + 1) + number] += one;
        found += one & (uint32_t)(place < buckets) & (uint32_t)(number < number_count);
    }
    return found;
}

/* The same where codes have a width that the compiler knows. */
__attribute__((always_inline)) static inline uint32_t
count_of_width(const struct rc_tally *tally,
               const struct rc_tally_slab *slab,
               struct rows rows,
               uint32_t code_width)
{
    rows.code_width = code_width;
    if (rows.words != NULL)
        return count_single(tally, slab, rows);
    rows.words = NULL; /* As the compiler now knows too: no row is asked about. */
    return count_single(tally, slab, rows);
}

static uint32_t
count_several(const struct rc_tally *tally,
              const struct rc_tally_slab *slab,
              const struct rows *rows)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t count;
        const uint32_t row = row_at(rows, i);
        const uint32_t place = rc_bucket_table_find(slab->table, slab->times[row]);
        const uint32_t *codes =
            rc_numbers_list(tally->numbers, &slab->entries[code_at(rows, i)], &count);
        if (counts_row(rows, row) == 0 || place == tally->buckets || count == 0)
            continue;
        for (uint32_t c = 0; c < count; c++)
            tally->counts[(size_t)place * (tally->number_count + 1) + codes[c]]++;
        found++;
    }
    return found;
}

static uint32_t
count_rows(const struct rc_tally *tally, const struct rc_tally_slab *slab, struct rows rows)
{
    if (rc_numbers_has_lists(tally->numbers))
        return count_several(tally, slab, &rows);
    if (rows.rows == NULL)
        return count_of_width(tally, slab, rows, 4);
    if (rows.code_width == 1)
        return count_of_width(tally, slab, rows, 1);
    if (rows.code_width == 2)
        return count_of_width(tally, slab, rows, 2);
    return count_of_width(tally, slab, rows, 4);
}

/* The marked rows of [begin, end), in rows. */
static uint32_t
list_marked(const struct rc_column_view *column, uint32_t begin, uint32_t end, uint32_t *rows)
{
    uint64_t marks[RC_PIECE_WORDS];
    uint32_t count = 0;
    const uint32_t first = begin & ~63u;
    for (uint32_t row = first; row < end; row += 64)
        marks[count++] = column->marks[row / 64] & rc_word_within(row, begin, end);
    return rc_words_rows(marks, count, first, rows);
}

uint32_t
rc_tally_piece(struct rc_tally *tally,
               const struct rc_tally_slab *slab,
               const uint64_t *words,
               uint32_t begin,
               uint32_t end)
{
    const struct rc_column_view *column = slab->column;
    struct rows rows = {.code_width = column->code_width, .words = words};
    const rc_tally_kernel kernel = rc_tally_kernel_best();
    uint32_t at = 0;
    if (kernel != NULL && slab->cells != NULL && column->form != RC_COLUMN_SPARSE &&
        !rc_numbers_has_lists(tally->numbers))
        return kernel(tally, slab, words, begin, end);
    if (column->form == RC_COLUMN_MARKED_ROWS) {
        at = rc_marks_before(column, begin);
        rows.count = list_marked(column, begin, end, tally->rows);
        rows.rows = tally->rows;
    } else if (column->form == RC_COLUMN_SPARSE) {
        at = rc_row_codes_seek(column, 0, begin);
        rows.count = rc_row_codes_seek(column, at, end) - at;
        rows.rows = column->positions + at;
    } else {
        rc_row_codes(column, begin, end - begin, &at, tally->codes);
        rows.first = begin;
        rows.count = end - begin;
        rows.codes = tally->codes;
        rows.code_width = sizeof(*tally->codes);
        return count_rows(tally, slab, rows);
    }
    rows.codes = (const char *)column->codes + (size_t)at * column->code_width;
    return count_rows(tally, slab, rows);
}
