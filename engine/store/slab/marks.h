/*
 * Marks: which rows of a column have a code of their own, a bit a row: the first rows of runs
 * (MARKED_RUNS), or the rows with a value (MARKED_ROWS). The codes are in the order of the marks,
 * so a row's code is found by counting the marks before it; they are counted already at every
 * RC_MARKS_RANK_ROWS rows.
 *
 * Ownership: borrows the column.
 * Threading: reads only.
 */
#ifndef RC_STORE_SLAB_MARKS_H
#define RC_STORE_SLAB_MARKS_H

#include <stdint.h>

#include "engine/store/slab/slab.h"

_Static_assert(RC_MARKS_RANK_ROWS % 64 == 0, "counts are taken between words");

/* How many marks are at rows below row, which may be the row count. */
static inline uint32_t
rc_marks_before(const struct rc_column_view *column, uint32_t row)
{
    uint32_t count = column->ranks[row / RC_MARKS_RANK_ROWS];
    for (uint32_t word = row / RC_MARKS_RANK_ROWS * (RC_MARKS_RANK_ROWS / 64); word < row / 64;
         word++)
        count += (uint32_t)__builtin_popcountll(column->marks[word]);
    if (row % 64 != 0)
        count += (uint32_t)__builtin_popcountll(column->marks[row / 64] << (64 - row % 64));
    return count;
}

/* The marks of the rows from row on, of at most count, and of one word: the first in bit 0.
 * *ret_count: of how many rows. count > 0. */
static inline uint64_t
rc_marks_from(const struct rc_column_view *column,
              uint32_t row,
              uint32_t count,
              uint32_t *ret_count)
{
    const uint32_t left = 64 - row % 64;
    *ret_count = count < left ? count : left;
    return column->marks[row / 64] >> (row % 64) & (UINT64_MAX >> (64 - *ret_count));
}

/*
 * Writes the codes of the rows [begin, begin + count) of a marked column, RC_CODE_NONE for one
 * without. index: the marks before begin. Returns the marks before begin + count.
 */
uint32_t
rc_marks_codes(const struct rc_column_view *column,
               uint32_t index,
               uint32_t begin,
               uint32_t count,
               uint32_t *codes);

/* The same of single rows: 3 ns each where rc_column_code takes 15. */
void
rc_marks_codes_of(const struct rc_column_view *column,
                  const uint32_t *rows,
                  uint32_t count,
                  uint32_t *codes);

#endif
