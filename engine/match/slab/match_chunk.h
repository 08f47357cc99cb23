/*
 * Match chunk: a compiled predicate over the rows of a head's chunk, without an index and without
 * the cache.
 */
#ifndef RC_MATCH_SLAB_MATCH_CHUNK_H
#define RC_MATCH_SLAB_MATCH_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/slab/match_node.h"
#include "engine/store/project/view.h"

#define RC_CHUNK_WORDS (RC_CHUNK_ROWS / 64)

/* Sets the bits of the rows from first on that pass; words is zeroed first.
 *   RC_CANCELLED  cancel (which may be NULL) was seen.
 *   RC_TOO_SLOW   a pattern took too long over a text. */
RC_MUST_USE enum rc_status
rc_match_chunk(const struct rc_match_node *root,
               const struct rc_view_chunk *chunk,
               uint32_t first,
               const _Atomic(bool) *cancel,
               uint64_t words[RC_CHUNK_WORDS]);

#endif
