/* Row codes: a loop for each form; codes of a marked column are the business of marks.h. */
#include "engine/match/rows/row_codes.h"

#include <string.h>

#include "engine/store/slab/marks.h"

static void
plain_codes(const struct rc_column_view *column, uint32_t begin, uint32_t count, uint32_t *codes)
{
    if (column->code_width == 1) {
        const uint8_t *from = (const uint8_t *)column->codes + begin;
        for (uint32_t i = 0; i < count; i++)
            codes[i] = from[i];
    } else if (column->code_width == 2) {
        const uint16_t *from = (const uint16_t *)column->codes + begin;
        for (uint32_t i = 0; i < count; i++)
            codes[i] = from[i];
    } else {
        memcpy(codes, (const uint32_t *)column->codes + begin, count * sizeof(*codes));
    }
}

void
rc_codes_put(void *codes, uint32_t width, uint32_t index, const uint32_t *from, uint32_t count)
{
    if (width == 1)
        for (uint32_t i = 0; i < count; i++)
            ((uint8_t *)codes)[index + i] = (uint8_t)from[i];
    else if (width == 2)
        for (uint32_t i = 0; i < count; i++)
            ((uint16_t *)codes)[index + i] = (uint16_t)from[i];
    else
        memcpy((uint32_t *)codes + index, from, count * sizeof(*from));
}

uint32_t
rc_row_codes_seek(const struct rc_column_view *column, uint32_t from, uint32_t row)
{
    /* Mostly a few entries on: by doubling steps, and then between the last two. */
    uint32_t low = from;
    uint32_t step = 1;
    while (low + step < column->code_count && column->positions[low + step] < row) {
        low += step;
        step *= 2;
    }
    uint32_t high = low + step < column->code_count ? low + step : column->code_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (column->positions[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
run_codes(const struct rc_column_view *column,
          uint32_t begin,
          uint32_t count,
          uint32_t *position,
          uint32_t *codes)
{
    uint32_t run = *position;
    if (run >= column->code_count || column->positions[run + 1] <= begin)
        run = rc_row_codes_seek(column, run, begin + 1) - 1;
    for (uint32_t row = begin; row < begin + count; run++) {
        const uint32_t code = rc_row_codes_at(column, run);
        const uint32_t end = column->positions[run + 1];
        const uint32_t stop = end < begin + count ? end : begin + count;
        *position = run;
        for (; row < stop; row++)
            codes[row - begin] = code;
    }
}

static void
sparse_codes(const struct rc_column_view *column,
             uint32_t begin,
             uint32_t count,
             uint32_t *position,
             uint32_t *codes)
{
    uint32_t at = rc_row_codes_seek(column, *position, begin);
    memset(codes, 0xff, count * sizeof(*codes)); /* RC_CODE_NONE. */
    for (; at < column->code_count && column->positions[at] < begin + count; at++)
        codes[column->positions[at] - begin] = rc_row_codes_at(column, at);
    *position = at;
}

void
rc_row_codes(const struct rc_column_view *column,
             uint32_t begin,
             uint32_t count,
             uint32_t *position,
             uint32_t *codes)
{
    switch (column->form) {
    case RC_COLUMN_PLAIN:
        plain_codes(column, begin, count, codes);
        return;
    case RC_COLUMN_RUNS:
        run_codes(column, begin, count, position, codes);
        return;
    case RC_COLUMN_SPARSE:
        sparse_codes(column, begin, count, position, codes);
        return;
    case RC_COLUMN_MARKED_RUNS:
    case RC_COLUMN_MARKED_ROWS:
        (void)rc_marks_codes(column, rc_marks_before(column, begin), begin, count, codes);
        return;
    }
}

uint32_t
rc_row_codes_near(const struct rc_column_view *column, uint32_t row, uint32_t *position)
{
    uint32_t code;
    switch (column->form) {
    case RC_COLUMN_RUNS:
        if (column->positions[*position] > row)
            *position = 0;
        if (column->positions[*position + 1] <= row)
            *position = rc_row_codes_seek(column, *position, row + 1) - 1;
        return rc_row_codes_at(column, *position);
    case RC_COLUMN_SPARSE:
        if (*position == column->code_count || column->positions[*position] > row)
            *position = 0;
        *position = rc_row_codes_seek(column, *position, row);
        return *position < column->code_count && column->positions[*position] == row
                   ? rc_row_codes_at(column, *position)
                   : RC_CODE_NONE;
    case RC_COLUMN_MARKED_RUNS:
    case RC_COLUMN_MARKED_ROWS:
        rc_marks_codes_of(column, &row, 1, &code);
        return code;
    case RC_COLUMN_PLAIN:
        break;
    }
    return rc_row_codes_at(column, row);
}
