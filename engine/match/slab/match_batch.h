/*
 * Match batch: many trees over one slab in one pass over its columns.
 *
 * Ownership: the rowsets are the caller's references.
 * Threading: any number of threads, over the same trees and slab too.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT: no rowset is given.
 */
#ifndef RC_MATCH_SLAB_MATCH_BATCH_H
#define RC_MATCH_SLAB_MATCH_BATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/rows/rowset.h"
#include "engine/match/slab/match_node.h"
#include "engine/store/slab/slab.h"

/* ret_sets[i]: the rows of trees[i]. Trees with equal keys are evaluated twice. */
RC_MUST_USE enum rc_status
rc_match_batch(struct rc_match_cache *cache,
               const struct rc_match_tree *const *trees,
               uint32_t tree_count,
               const struct rc_slab *slab,
               uint64_t slab_id,
               const _Atomic(bool) *cancel,
               struct rc_rowset **ret_sets);

#endif
