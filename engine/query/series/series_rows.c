/* Series line: the rows of a hit. */
#include "engine/query/series/series_line.h"

void
rc_series_rows_close(struct rc_series_rows *rows)
{
    rc_split_list_close(&rows->list);
    rows->rows = rc_alloc_free(rows->rows);
}

enum rc_status
rc_series_rows_of(const struct rc_series_frame *frame,
                  struct rc_series_rows *rows,
                  uint32_t person,
                  const struct rc_hit *hit,
                  const uint32_t **ret_split_rows,
                  uint32_t *ret_count)
{
    *ret_split_rows = NULL;
    *ret_count = 0;
    if (frame->split != NULL)
        RC_TRY(rc_split_rows(frame->split, person, hit, &rows->list, ret_split_rows, ret_count));
    if ((size_t)*ret_count + 2 <= rows->capacity)
        return RC_OK;
    rows->rows = rc_alloc_free(rows->rows);
    rows->capacity = 0;
    rows->rows = rc_alloc_in(rows->list.account, ((size_t)*ret_count + 2) * 2 * sizeof(uint32_t));
    if (rows->rows == NULL)
        return RC_NO_MEMORY;
    rows->capacity = ((size_t)*ret_count + 2) * 2;
    return RC_OK;
}
