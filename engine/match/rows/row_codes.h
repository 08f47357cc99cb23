/*
 * Row codes: a column read row by row, whatever its form: for whoever computes with every row.
 *
 * Threading: reads only.
 */
#ifndef RC_MATCH_ROWS_ROW_CODES_H
#define RC_MATCH_ROWS_ROW_CODES_H

#include <stdint.h>

#include "engine/store/slab/slab.h"

/* The codes of the rows [begin, begin + count) of a column; RC_CODE_NONE for the null of a sparse
 * one. *position is where the last call left off, 0 at first; begin does not go back. */
void
rc_row_codes(const struct rc_column_view *column,
             uint32_t begin,
             uint32_t count,
             uint32_t *position,
             uint32_t *codes);

/* The code of one row, or RC_CODE_NONE. *position is where the last call left off, 0 at first; a
 * row a little behind the last one is found soon. */
uint32_t
rc_row_codes_near(const struct rc_column_view *column, uint32_t row, uint32_t *position);

/* The first index at or after from in positions[] that is not below row. */
uint32_t
rc_row_codes_seek(const struct rc_column_view *column, uint32_t from, uint32_t row);

/* The code at an index of codes[]. */
static inline uint32_t
rc_row_codes_at(const struct rc_column_view *column, uint32_t index)
{
    if (column->code_width == 1)
        return ((const uint8_t *)column->codes)[index];
    if (column->code_width == 2)
        return ((const uint16_t *)column->codes)[index];
    return ((const uint32_t *)column->codes)[index];
}

#endif
