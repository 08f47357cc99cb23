/*
 * Match heads: a compiled predicate over the heads of a view. What it said of a head's rows is in
 * the cache, so a question beside ingestion evaluates those that came since it was asked last.
 */
#ifndef RC_MATCH_SLAB_MATCH_HEADS_H
#define RC_MATCH_SLAB_MATCH_HEADS_H

#include "engine/match/slab/match_chunk.h"

/* As rc_match_chunk for each chunk: words has RC_CHUNK_WORDS for each. keeps: what is evaluated may
 * be put into the cache. */
RC_MUST_USE enum rc_status
rc_match_heads(struct rc_match_cache *cache,
               const struct rc_match_node *root,
               const struct rc_view_chunk *chunks,
               uint32_t chunk_count,
               bool keeps,
               const _Atomic(bool) *cancel,
               uint64_t *words);

#endif
