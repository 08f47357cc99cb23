/*
 * Text merge: the texts of several columns become those of one, in order, by a cursor each, so that
 * no more than one text of each is in memory.
 *
 * Ownership: borrows the inputs; scratch is an arena of the caller.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CORRUPT (a slab's bytes), RC_CANCELLED.
 */
#ifndef RC_STORE_BUILDER_TEXT_MERGE_H
#define RC_STORE_BUILDER_TEXT_MERGE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/store/builder/dictionary_merge.h"
#include "engine/store/texts/text_writer.h"

struct rc_text_merge {
    struct rc_column_input *inputs;
    uint32_t input_count;
    struct rc_arena *scratch;
    const _Atomic(bool) *cancel;
};

/* Numbers the texts of all inputs: the least gets first_code, equal ones get the same. Fills in the
 * inputs' new_codes of texts, and puts each text once into writer. */
RC_MUST_USE enum rc_status
rc_text_merge_number(const struct rc_text_merge *merge,
                     uint32_t first_code,
                     struct rc_text_writer *writer);

/* Puts each text that has a new code other than 0 into writer. */
RC_MUST_USE enum rc_status
rc_text_merge_kept(const struct rc_text_merge *merge, struct rc_text_writer *writer);

#endif
