/*
 * Match slab: a compiled predicate over one slab.
 *
 * Ownership: the rowset is the caller's reference.
 * Threading: any number of threads, over one tree and one slab too.
 * Errors:    RC_NO_MEMORY: the account refused. RC_CANCELLED: cancel was seen, between blocks.
 */
#ifndef RC_MATCH_SLAB_MATCH_SLAB_H
#define RC_MATCH_SLAB_MATCH_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/access.h"
#include "engine/match/rows/rowset.h"
#include "engine/match/slab/match_node.h"
#include "engine/store/slab/slab.h"

/* Tests: an AND asks about columns of so many codes only as rows come, once something else in it
 * leaves few rows; a small number makes it do so everywhere. */
extern uint32_t rc_match_lazy_codes_min;

/* Computes, and puts nothing into the cache. Of order, access says whether bitmaps of sub-trees are
 * used (with POSTINGS and NONE), reads_rows, blocks and ranges count. Adds to *work what it did;
 * may be NULL. *ret_ruled_out: dictionaries said that no row matches. */
RC_MUST_USE enum rc_status
rc_match_slab(struct rc_match_cache *cache,
              const struct rc_match_tree *tree,
              const struct rc_slab *slab,
              uint64_t slab_id,
              const struct rc_match_order *order,
              const _Atomic(bool) *cancel,
              struct rc_rowset **ret_set,
              struct rc_match_work *work,
              bool *ret_ruled_out);

#endif
