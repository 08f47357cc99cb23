/*
 * Match texts: a leaf asked about the sorted texts of a slab's column.
 *
 * Threading: one thread a match.
 * Errors:    RC_CANCELLED, seen every few thousand texts. RC_NO_MEMORY. RC_CORRUPT: texts that are
 *            no values.
 */
#ifndef RC_MATCH_SLAB_MATCH_TEXTS_H
#define RC_MATCH_SLAB_MATCH_TEXTS_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/slab/match_slab_form.h"
#include "engine/store/texts/texts.h"

/* table: texts->count bytes, all zero; those of the texts that pass become 1. *ret_passed: how many
 * those are. */
RC_MUST_USE enum rc_status
rc_match_texts(struct rc_slab_match *match,
               const struct rc_match_node *node,
               const struct rc_texts *texts,
               uint8_t *table,
               uint32_t *ret_passed);

#endif
