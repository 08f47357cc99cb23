/*
 * Scan: the rows of a column whose code is one of some, block by block, as words.
 *
 * The question arrives as a table with a byte per local code. Preparing looks at it once: when the
 * codes that match are a few ranges (an equality is one; so is a comparison, as dictionaries
 * ascend) the codes of a plain or marked column are compared with these, many an instruction; else
 * each is looked up.
 *
 * Ownership: a scan borrows the column and the table.
 * Threading: a prepared scan is read-only.
 * Units:     rows of the slab; blocks of RC_BLOCK_ROWS.
 */
#ifndef RC_MATCH_ROWS_SCAN_H
#define RC_MATCH_ROWS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/limits.h"
#include "engine/store/slab/slab.h"

#define RC_SCAN_RANGES_MAX 8u

/* Bytes that a table must have past its last code, for loads that take four at once. */
#define RC_SCAN_TABLE_PADDING 4u

struct rc_scan_range {
    uint32_t first;
    uint32_t width; /* last - first. */
};

struct rc_scan {
    struct rc_column_view column;
    const uint8_t *table;
    uint32_t range_count; /* 0: look codes up. */
    struct rc_scan_range ranges[RC_SCAN_RANGES_MAX];
};

/* Whether the codes of a column go to the kernels, and not one by one. */
static inline bool
rc_scan_is_compared(const struct rc_column_view *column)
{
    return column->form == RC_COLUMN_PLAIN || rc_column_form_is_marked(column->form);
}

/* table: a 0 or 1 per code of the column, and RC_SCAN_TABLE_PADDING bytes more. */
void
rc_scan_prepare(const struct rc_column_view *column,
                const uint8_t *table,
                struct rc_scan *ret_scan);

/* Writes RC_BLOCK_WORDS words for the rows [begin, begin + row_count), row_count <= RC_BLOCK_ROWS;
 * the rest is zero. begin is a multiple of RC_BLOCK_ROWS. */
void
rc_scan_block(const struct rc_scan *scan, uint32_t begin, uint32_t row_count, uint64_t *words);

/* All rows of a plain column whose rows are no slab's: (row_count + 63) / 64 words, overwritten. */
void
rc_scan_codes(const struct rc_scan *scan, uint32_t row_count, uint64_t *words);

/* The same of numbers that are no codes: those of a range. */
void
rc_scan_numbers(const uint32_t *numbers,
                uint32_t count,
                struct rc_scan_range range,
                uint64_t *words);

/* And of numbers of 16 bits. */
void
rc_scan_halves(const uint16_t *halves, uint32_t count, struct rc_scan_range range, uint64_t *words);

/* For columns of RUNS and SPARSE ones: the first of their positions whose run reaches row or which
 * is at or past it, and the code of a position. */
uint32_t
rc_scan_first_position(const struct rc_column_view *column, uint32_t row);

uint32_t
rc_scan_code(const struct rc_column_view *column, uint32_t index);

#endif
