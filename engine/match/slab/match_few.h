/*
 * Match few: a tree over few rows of a slab, those of some users: each row's codes are looked up,
 * and nothing of the slab's size is read or written.
 *
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT.
 */
#ifndef RC_MATCH_SLAB_MATCH_FEW_H
#define RC_MATCH_SLAB_MATCH_FEW_H

#include "engine/match/slab/match_slab_form.h"

/* Whether a leaf over so many codes and texts is to be asked about those of few rows alone. */
bool
rc_match_few_is_lazy(const struct rc_slab_match *match, const struct rc_column_view *column);

/* Builds the set of the rows in the match's ranges that a prepared tree lets pass. */
RC_MUST_USE enum rc_status
rc_match_few(struct rc_slab_match *match,
             const struct rc_match_tree *tree,
             struct rc_rowset_builder *builder);

#endif
