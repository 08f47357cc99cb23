#include "engine/store/builder/row_source.h"

#include <stdbool.h>
#include <string.h>

const rc_cell *
rc_row_source_cells(const struct rc_row_source *rows, uint32_t column, rc_cell *room)
{
    if (rows->part_count == 0)
        return rows->column_cells[column];
    const rc_cell *const *parts = rows->column_cells + (size_t)column * rows->part_count;
    bool any = false;
    uint32_t begin = 0;
    for (uint32_t i = 0; i < rows->part_count; i++) {
        const size_t bytes = (rows->part_ends[i] - begin) * sizeof(*room);
        any = any || parts[i] != NULL;
        if (parts[i] != NULL)
            memcpy(room + begin, parts[i], bytes);
        else
            memset(room + begin, 0, bytes);
        begin = rows->part_ends[i];
    }
    return any ? room : NULL;
}
