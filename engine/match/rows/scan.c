/*
 * Scan: run and sparse columns set ranges and single bits from their arrays; a binary search finds
 * where the block begins. Plain columns go to a kernel, and so do the codes of marked ones
 * (scan_marks.c). This file has the portable ones, which are
 * also what the others fall back on for the last rows of a block. Without vector instructions a
 * lookup is as fast as one comparison, so ranges are looked up too.
 */
#include "engine/match/rows/scan_kernels.h"

#include "engine/base/assert.h"
#include "engine/base/search.h"
#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"

void
rc_scan_prepare(const struct rc_column_view *column, const uint8_t *table, struct rc_scan *ret_scan)
{
    *ret_scan = (struct rc_scan){.column = *column, .table = table};
    if (!rc_scan_is_compared(column))
        return;
    uint32_t count = 0;
    const uint32_t bound = rc_column_code_bound(column);
    for (uint32_t code = 0; code < bound; code++) {
        uint64_t eight = 1;
        if (code + sizeof(eight) <= bound)
            memcpy(&eight, table + code, sizeof(eight));
        if (eight == 0) { /* Most codes of many do not match. */
            code += sizeof(eight) - 1;
            continue;
        }
        if (table[code] == 0)
            continue;
        if (count > 0 &&
            ret_scan->ranges[count - 1].first + ret_scan->ranges[count - 1].width + 1 == code) {
            ret_scan->ranges[count - 1].width++;
            continue;
        }
        if (count == RC_SCAN_RANGES_MAX)
            return; /* range_count stays 0. */
        ret_scan->ranges[count++] = (struct rc_scan_range){.first = code};
    }
    ret_scan->range_count = count;
}

uint32_t
rc_scan_first_position(const struct rc_column_view *column, uint32_t row)
{
    const uint32_t at = rc_lower_bound(column->positions, column->code_count, row);
    if (column->form != RC_COLUMN_RUNS || (at < column->code_count && column->positions[at] == row))
        return at;
    return at - 1; /* Run 0 begins at row 0. */
}

uint32_t
rc_scan_code(const struct rc_column_view *column, uint32_t index)
{
    return rc_row_codes_at(column, index);
}

static void
scan_runs(const struct rc_scan *scan, uint32_t begin, uint32_t end, uint64_t *words)
{
    const struct rc_column_view *column = &scan->column;
    uint32_t run = rc_scan_first_position(column, begin);
    for (; run < column->code_count && column->positions[run] < end; run++) {
        if (scan->table[rc_row_codes_at(column, run)] == 0)
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
    uint32_t i = rc_scan_first_position(column, begin);
    for (; i < column->code_count && column->positions[i] < end; i++) {
        const uint32_t row = column->positions[i] - begin;
        const uint64_t bit = scan->table[rc_row_codes_at(column, i)];
        words[row / 64] |= bit << (row % 64);
    }
}

static void
scan_plain(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    const struct rc_scan_kernels *kernels = rc_scan_kernels_best();
    if (scan->range_count > 0)
        kernels->ranges(scan, codes, row_count, words);
    else
        kernels->lookup(scan, codes, row_count, words);
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
    if (column->form != RC_COLUMN_PLAIN) {
        rc_scan_marked(scan, begin, row_count, words);
        return;
    }
    scan_plain(scan, (const uint8_t *)column->codes + (size_t)begin * column->code_width, row_count,
               words);
}

void
rc_scan_codes(const struct rc_scan *scan, uint32_t row_count, uint64_t *words)
{
    RC_ASSERT(scan->column.form == RC_COLUMN_PLAIN);
    scan_plain(scan, scan->column.codes, row_count, words);
}

/* Compares the whole words of count numbers of so many bytes, if a kernel does that; returns how
 * many numbers these are. The portable kernels, which also take what is no whole word, look codes
 * up in a table. */
static uint32_t
compare_numbers(const void *numbers,
                uint32_t width,
                uint32_t count,
                struct rc_scan_range range,
                uint64_t *words)
{
    const struct rc_scan_kernels *kernels = rc_scan_kernels_best();
    const struct rc_scan scan = {.column = {.form = RC_COLUMN_PLAIN, .code_width = width},
                                 .range_count = 1,
                                 .ranges = {range}};
    const uint32_t compared = kernels == &rc_scan_kernels_portable ? 0 : count & ~63u;
    if (compared > 0)
        kernels->ranges(&scan, numbers, compared, words);
    return compared;
}

#define DEFINE_SCAN_NUMBERS(name, type)                                                         \
    void name(const type *numbers, uint32_t count, struct rc_scan_range range, uint64_t *words) \
    {                                                                                           \
        uint32_t begin = compare_numbers(numbers, sizeof(type), count, range, words);           \
        for (; begin < count; begin += 64) {                                                    \
            const uint32_t left = count - begin < 64 ? count - begin : 64;                      \
            uint64_t word = 0;                                                                  \
            for (uint32_t i = 0; i < left; i++)                                                 \
                word |= (uint64_t)(numbers[begin + i] - range.first <= range.width) << i;       \
            words[begin / 64] = word;                                                           \
        }                                                                                       \
    }

DEFINE_SCAN_NUMBERS(rc_scan_numbers, uint32_t)
DEFINE_SCAN_NUMBERS(rc_scan_halves, uint16_t)

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
                                                         .lookup = portable_lookup};

void
rc_scan_rest(const struct rc_scan *scan, const void *codes, uint32_t row_count, uint64_t *words)
{
    const uint32_t done = row_count & ~63u;
    if (done < row_count)
        portable_lookup(scan, (const uint8_t *)codes + (size_t)done * scan->column.code_width,
                        row_count - done, words + done / 64);
}

const struct rc_scan_kernels *
rc_scan_kernels_best(void)
{
    const struct rc_scan_kernels *const wide = rc_scan_kernels_avx512();
    const struct rc_scan_kernels *const middle = rc_scan_kernels_avx2();
    const struct rc_scan_kernels *const arm = rc_scan_kernels_neon();
    return wide != NULL     ? wide
           : middle != NULL ? middle
           : arm != NULL    ? arm
                            : &rc_scan_kernels_portable;
}
