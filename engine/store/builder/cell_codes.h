/*
 * Cell codes: turns an array of cells into codes of a sorted dictionary and sorted texts, as a
 * column holds them.
 *
 * Ownership: the result lives in arena; scratch is used during the call and not reset.
 * Threading: one call is one thread's.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_STORE_BUILDER_CELL_CODES_H
#define RC_STORE_BUILDER_CELL_CODES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/store/slab/slab.h"

struct rc_cell_counts {
    uint32_t value_count; /* Cells that are not null. */
    uint32_t run_count;   /* Runs of equal cells, in the order of the codes. */
};

/* Code i is that of cells[order[i]]; cells of kind RC_CELL_TEXT are codes of texts (NULL: there are
 * none). *ret_view is PLAIN with codes of four bytes; property is 0. */
RC_MUST_USE enum rc_status
rc_cell_codes_build(const rc_cell *cells,
                    const uint32_t *order,
                    uint32_t count,
                    const struct rc_dictionary *texts,
                    struct rc_arena *arena,
                    struct rc_arena *scratch,
                    struct rc_column_view *ret_view,
                    struct rc_cell_counts *ret_counts);

#endif
