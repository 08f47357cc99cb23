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

/* The code at an index of codes of 1, 2 or 4 bytes: in a loop a width that the compiler knows costs
 * nothing. */
__attribute__((always_inline)) static inline uint32_t
rc_code_at(const void *codes, uint32_t width, uint32_t index)
{
    if (width == 1)
        return ((const uint8_t *)codes)[index];
    if (width == 2)
        return ((const uint16_t *)codes)[index];
    return ((const uint32_t *)codes)[index];
}

/* Puts count codes into codes of a width that they fit in, from an index on. */
void
rc_codes_put(void *codes, uint32_t width, uint32_t index, const uint32_t *from, uint32_t count);

/* The code at an index of codes[]. */
static inline uint32_t
rc_row_codes_at(const struct rc_column_view *column, uint32_t index)
{
    return rc_code_at(column->codes, column->code_width, index);
}

#endif
