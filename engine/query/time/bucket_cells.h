/*
 * Bucket cells: a bucket table's slots by 64, in each of which the place changes once at most, as
 * with buckets of a day and more. The place of a slot is then two looks at 64 entries, which fit
 * the registers of a processor.
 *
 * Ownership: in the arena given.
 * Threading: read-only once made.
 */
#ifndef RC_QUERY_TIME_BUCKET_CELLS_H
#define RC_QUERY_TIME_BUCKET_CELLS_H

#include "engine/query/time/bucket_table.h"

#define RC_BUCKET_CELL_SHIFT 6 /* Slots of a cell: a cell is 18.6 hours. */
#define RC_BUCKET_CELLS 64u

_Static_assert(RC_BUCKET_SLOTS <= RC_BUCKET_CELLS << RC_BUCKET_CELL_SHIFT, "each slot has a cell");

struct rc_bucket_cells {
    uint16_t before[RC_BUCKET_CELLS]; /* The place where a cell begins. */
    uint16_t behind[RC_BUCKET_CELLS]; /* And where it ends. */
    uint16_t edges[RC_BUCKET_CELLS];  /* Twice the first slot that is not of the place before, and 1
                                         more if that slot has both. */
    uint32_t edges_ms[RC_BUCKET_CELLS]; /* The offset of the first time that is not. */
};

/* The cells of a table; *ret_cells NULL: the place changes more often. */
RC_MUST_USE enum rc_status
rc_bucket_cells_make(const struct rc_bucket_table *table,
                     struct rc_arena *arena,
                     const struct rc_bucket_cells **ret_cells);

#endif
