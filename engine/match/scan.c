/*
 * Scan: run and sparse columns set ranges and single bits from their arrays; a binary search finds
 * where the block begins. Plain columns go to a kernel, as do the codes of marked ones
 * (scan_marks.c). This file has the portable ones, which are
 * also what the others fall back on for the last rows of a block. Without vector instructions a
 * lookup is as fast as one comparison, so ranges are looked up too.
 */
#include "engine/match/scan.h"

#include "engine/base/assert.h"
#include "engine/match/words.h"

/* The first index of positions[0 .. count) whose value is at least row. */
static uint32_t
lower_bound(const uint32_t *positions, uint32_t count, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (positions[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t
code_at(const void *codes, uint32_t width, uint32_t index)
{
    if (width == 1)
        return ((const uint8_t *)codes)[index];
    return width == 2 ? ((const uint16_t *)codes)[index] : ((const uint32_t *)codes)[index];
}

void
rc_scan_prepare(const struct rc_column_view *column, const uint8_t *table, struct rc_scan *ret_scan)
{
    *ret_scan = (struct rc_scan){.column = *column, .table = table};
    if (column->form != RC_COLUMN_PLAIN && !rc_column_form_is_marked(column->form))
        return;
    uint32_t count = 0;
    const uint32_t bound = rc_column_code_bound(column);
    for (uint32_t code = 0; code < bound; code++) {
        if (table[code] == 0)
            continue;
        if (code > 0 && table[code - 1] != 0) {
            ret_scan->ranges[count - 1].width++;
            continue;
        }
        if (count == RC_SCAN_RANGES_MAX)
            return; /* range_count stays 0. */
        ret_scan->ranges[count++] = (struct rc_scan_range){.first = code};
    }
    ret_scan->range_count = count;
}

static void
scan_runs(const struct rc_scan *scan, uint32_t begin, uint32_t end, uint64_t *words)
{
    const struct rc_column_view *column = &scan->column;
    uint32_t run = lower_bound(column->positions, column->code_count, begin);
    if (run == column->code_count || column->positions[run] > begin)
        run--; /* Run 0 begins at row 0. */
    for (; run < column->code_count && column->positions[run] < end; run++) {
        if (scan->table[code_at(column->codes, column->code_width, run)] == 0)
            continue;
        const uint32_t first = column->positions[run] < begin ? begin : column->positions[run];
        const uint32_t last = column->positions[run + 1];
        rc_words_set_range(words, first - begin, (last < end ? last : end) - begin);
    }
}

static void
scan_sparse(const struct rc_scan *scan, uint32_t begin, uint32_t end, uint64_t *words)
{
    const struct rc_column_view *column = &scan->column;
    uint32_t i = lower_bound(column->positions, column->code_count, begin);
    for (; i < column->code_count && column->positions[i] < end; i++) {
        const uint32_t row = column->positions[i] - begin;
        const uint64_t bit = scan->table[code_at(column->codes, column->code_width, i)];
        words[row / 64] |= bit << (row % 64);
    }
}

void
rc_scan_block(const struct rc_scan *scan, uint32_t begin, uint32_t row_count, uint64_t *words)
{
    RC_ASSERT(begin % RC_BLOCK_ROWS == 0 && row_count <= RC_BLOCK_ROWS);
    const struct rc_column_view *column = &scan->column;
    memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
    if (column->form == RC_COLUMN_RUNS) {
        scan_runs(scan, begin, begin + row_count, words);
        return;
    }
    if (column->form == RC_COLUMN_SPARSE) {
        scan_sparse(scan, begin, begin + row_count, words);
        return;
    }
    if (rc_column_form_is_marked(column->form)) {
        rc_scan_marked(scan, rc_scan_kernels_best(), begin, row_count, words);
        return;
    }
    const struct rc_scan_kernels *kernels = rc_scan_kernels_best();
    const void *codes = (const uint8_t *)column->codes + (size_t)begin * column->code_width;
    if (scan->range_count > 0)
        kernels->ranges(scan, codes, row_count, words);
    else
        kernels->lookup(scan, codes, row_count, words);
}

void
rc_scan_refine(const struct rc_scan *scan, uint32_t begin, uint64_t *words)
{
    for (uint32_t i = 0; i < RC_BLOCK_WORDS; i++) {
        for (uint64_t left = words[i]; left != 0; left &= left - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(left);
            const uint32_t code = rc_column_code(&scan->column, begin + i * 64 + bit);
            if (code == RC_CODE_NONE || scan->table[code] == 0)
                words[i] &= ~((uint64_t)1 << bit);
        }
    }
}

/* One function a width, so that the loop over 64 rows holds no decision. */
#define DEFINE_KERNELS(suffix, type)                                                               \
    static uint64_t lookup_word_##suffix(const uint8_t *table, const type *codes, uint32_t count)  \
    {                                                                                              \
        uint64_t word = 0;                                                                         \
        for (uint32_t i = 0; i < count; i++)                                                       \
            word |= (uint64_t)table[codes[i]] << i;                                                \
        return word;                                                                               \
    }                                                                                              \
    static void lookup_##suffix(const struct rc_scan *scan, const type *codes, uint32_t row_count, \
                                uint64_t *words)                                                   \
    {                                                                                              \
        const uint32_t whole = row_count / 64;                                                     \
        for (uint32_t i = 0; i < whole; i++)                                                       \
            words[i] = lookup_word_##suffix(scan->table, codes + (size_t)i * 64, 64);              \
        if (row_count % 64 != 0)                                                                   \
            words[whole] =                                                                         \
                lookup_word_##suffix(scan->table, codes + (size_t)whole * 64, row_count % 64);     \
    }

DEFINE_KERNELS(u8, uint8_t)
DEFINE_KERNELS(u16, uint16_t)
DEFINE_KERNELS(u32, uint32_t)

static void
portable_lookup(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    if (scan->column.code_width == 1)
        lookup_u8(scan, codes, row_count, words);
    else if (scan->column.code_width == 2)
        lookup_u16(scan, codes, row_count, words);
    else
        lookup_u32(scan, codes, row_count, words);
}

const struct rc_scan_kernels rc_scan_kernels_portable = {.name = "portable",
                                                         .ranges = portable_lookup,
                                                         .lookup = portable_lookup,
                                                         .spread = rc_scan_spread_portable};
