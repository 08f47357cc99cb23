/*
 * Row source: rows that are not yet in a slab, in order of arrival, as plain arrays: those of a
 * head, whose cells lie in parts.
 *
 * Ownership: borrows all.
 * Threading: read only.
 */
#ifndef RC_STORE_BUILDER_ROW_SOURCE_H
#define RC_STORE_BUILDER_ROW_SOURCE_H

#include <stdint.h>

#include "engine/store/dictionary/dictionary.h"
#include "engine/store/value/cell.h"
#include "engine/store/value/event_id.h"

struct rc_row_source {
    uint32_t row_count;
    const uint32_t *users; /* Ordinals. */
    const int64_t *times_ms;
    const struct rc_event_id *ids;
    uint32_t column_count;
    const uint32_t *column_properties;               /* Ascending. */
    uint32_t part_count;                             /* 0: one, of all rows. */
    const uint32_t *part_ends;                       /* Row behind each; NULL without parts. */
    const rc_cell *const *column_cells;              /* [column * parts + part][row of the part];
                                                        NULL: all null. */
    const struct rc_dictionary *const *column_texts; /* [column]: what its cells of kind
                                                        RC_CELL_TEXT are codes of; NULL (also the
                                                        array): it has none. */
};

/* The cells of a column by row, NULL when all are null; room is for as many as there are rows, and
 * used when they lie in parts. */
const rc_cell *
rc_row_source_cells(const struct rc_row_source *rows, uint32_t column, rc_cell *room);

#endif
