/*
 * Column reader: one property's codes for the rows of a new slab, in their order, block by block.
 *
 * Ownership: what it opens lives in the arena given; borrows the build.
 * Threading: one thread.
 * Units:     codes are those of a dictionary merge: 0 is null, others count from 1.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT (the texts of a slab).
 */
#ifndef RC_STORE_BUILDER_COLUMN_READER_H
#define RC_STORE_BUILDER_COLUMN_READER_H

#include <stdint.h>

#include "engine/store/builder/dictionary_merge.h"
#include "engine/store/builder/row_order.h"
#include "engine/store/texts/text_writer.h"

struct rc_column_reader {
    const struct rc_slab_build *build;
    struct rc_column_input *inputs; /* One a source. */
    struct rc_merged_cells merged;  /* Only cells and texts that occur. */
    size_t stretch;                 /* The stretch of the next row, and how far it is read. */
    uint32_t stretch_rows;
};

/* texts, which is at its beginning, gets the texts that occur. */
RC_MUST_USE enum rc_status
rc_column_reader_open(const struct rc_slab_build *build,
                      uint32_t property,
                      struct rc_arena *arena,
                      struct rc_text_writer *texts,
                      struct rc_column_reader *ret_reader);

/* Back to the first row. */
void
rc_column_reader_rewind(struct rc_column_reader *reader);

/* Reads up to room codes; the number read, 0 at the end. */
uint32_t
rc_column_reader_next(struct rc_column_reader *reader, uint32_t *codes, uint32_t room);

#endif
