/* Series line: the rows of a hit. */
#include "engine/query/series/series_line.h"

#define EVENT_CELLS_MAX ((uint64_t)1 << 20)

void
rc_series_rows_close(struct rc_series_rows *rows)
{
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        rc_split_list_close(&rows->sides[side].list);
    rows->rows = rc_alloc_free(rows->rows);
    rows->columns = rc_alloc_free(rows->columns);
}

/* Room for count numbers; the first kept of them stay. */
static enum rc_status
reserve(struct rc_account *account, uint32_t **array, size_t *capacity, size_t count, size_t kept)
{
    if (count <= *capacity)
        return RC_OK;
    uint32_t *wider = rc_alloc_in(account, 2 * count * sizeof(*wider));
    if (wider == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < kept; i++)
        wider[i] = (*array)[i];
    rc_alloc_free(*array);
    *array = wider;
    *capacity = 2 * count;
    return RC_OK;
}

enum rc_status
rc_series_rows_read(const struct rc_series_frame *frame,
                    struct rc_series_rows *rows,
                    enum rc_series_side side)
{
    const uint32_t **split_rows = &rows->sides[side].rows;
    uint32_t *count = &rows->sides[side].count;
    rows->sides[side].list.account = rows->account;
    rows->sides[side].known = true;
    *count = 0;
    if (frame->splits[side] != NULL)
        RC_TRY(rc_split_rows(frame->splits[side], rows->person, rows->hit, &rows->sides[side].list,
                             split_rows, count));
    return reserve(rows->account, &rows->rows, &rows->capacity, (size_t)*count + 2, 0);
}

enum rc_status
rc_series_rows_cells(const struct rc_series_line *line,
                     struct rc_series_rows *rows,
                     uint32_t count,
                     uint32_t *ret_count)
{
    const struct rc_line_side *columns = line->columns;
    const uint32_t split_count = rows->sides[RC_SERIES_COLUMNS].count;
    RC_TRY(
        reserve(rows->account, &rows->columns, &rows->column_capacity, (size_t)split_count + 2, 0));
    const uint32_t width =
        rc_line_send(columns->row_of, columns->other, columns->total,
                     rows->sides[RC_SERIES_COLUMNS].rows, split_count, rows->columns);
    const uint64_t cells = (uint64_t)count * width;
    if (cells > EVENT_CELLS_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_TRY(reserve(rows->account, &rows->rows, &rows->capacity, (size_t)cells, count));
    /* From the last row on: what is written lies behind the rows that are still to be read. */
    for (uint32_t i = count; i-- > 0;) {
        const uint32_t row = rows->rows[i];
        for (uint32_t column = 0; column < width; column++)
            rows->rows[(size_t)i * width + column] = row * columns->count + rows->columns[column];
    }
    *ret_count = (uint32_t)cells;
    return RC_OK;
}
