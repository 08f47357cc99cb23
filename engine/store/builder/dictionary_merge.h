/*
 * Dictionary merge: several columns' sorted cells become one sorted dictionary, and each column
 * gets a table from its codes to the new ones. No hashing, nothing per row.
 *
 * Ownership: results live in the arena given.
 * Threading: one thread.
 * Units:     new codes count from 1 in the order of the cells; 0 is null, whether or not it occurs.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_STORE_BUILDER_DICTIONARY_MERGE_H
#define RC_STORE_BUILDER_DICTIONARY_MERGE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/store/slab/slab.h"

struct rc_column_input {
    struct rc_column_view view; /* No code: the source has no such column. */
    uint32_t *new_codes;        /* By the view's code, texts' included. Filled in by the merge. */
    uint32_t position; /* RUNS, SPARSE: the next run or sparse row. Marked: the marks before row. */
    uint32_t row;      /* Marked: the one behind those that were read last. */
};

struct rc_merged_cells {
    rc_cell *cells; /* cells[code - 1] */
    uint32_t cell_count;
    uint32_t text_count; /* Those of text_merge.h have the codes that follow. */
};

/* Makes the inputs' tables, and fills in those of cells. */
RC_MUST_USE enum rc_status
rc_dictionary_merge(struct rc_column_input *inputs,
                    uint32_t input_count,
                    struct rc_arena *arena,
                    struct rc_merged_cells *ret_merged);

/* Keeps only the codes with used[code] != 0, and renumbers the inputs' tables. */
RC_MUST_USE enum rc_status
rc_dictionary_compact(struct rc_column_input *inputs,
                      uint32_t input_count,
                      const uint8_t *used,
                      struct rc_arena *arena,
                      struct rc_merged_cells *merged);

#endif
