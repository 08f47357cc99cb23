/*
 * Columns: a batch's columns on their way into a project: property and cells of their values, and
 * the rows of a head that they fill.
 *
 * A value of an event becomes a code of its property's dictionary as long as that has room; from
 * then on a value that it does not have is a text of the head that its row goes to. Which of the
 * two it is depends on what the dictionary took before; no answer does.
 *
 * Ownership: everything lives in the arena given; borrows the batch.
 * Threading: the writer of the project.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED: see apply.h.
 */
#ifndef RC_INTAKE_COLUMNS_H
#define RC_INTAKE_COLUMNS_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/intake/batch.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/head/head.h"

/* A column made ready. */
struct rc_column_cells {
    const struct rc_batch_column *column;
    uint32_t property;
    rc_cell *of_code;           /* [0] is null. */
    uint32_t *hashes;           /* Of the keys of texts, by code; NULL: there are none. */
    const struct rc_head *head; /* Whose texts of_code has. */
};

/* How many properties there would be with the names of a table's columns among them. */
uint32_t
rc_columns_count_with(const struct rc_properties *properties, const struct rc_batch_table *table);

/* Interns names and values. bounds: of the dictionaries; NULL: they take everything. */
RC_MUST_USE enum rc_status
rc_columns_intern(struct rc_properties *properties,
                  const struct rc_batch_table *table,
                  const struct rc_dictionary_bounds *bounds,
                  struct rc_arena *arena,
                  struct rc_column_cells **ret_cells);

/* Writes the batch's rows [first, first + room->count) of one column into the room of a head. */
RC_MUST_USE enum rc_status
rc_column_scatter(struct rc_column_cells *cells,
                  struct rc_head *head,
                  const struct rc_head_room *room,
                  uint32_t first);

#endif
