/*
 * Match estimate: what evaluating a tree over a slab would be, from dictionaries, cached bitmaps
 * and what earlier evaluations counted, without touching a row.
 *
 * Threading: any number of threads; asks the cache under its short lock.
 */
#ifndef RC_MATCH_SLAB_MATCH_ESTIMATE_H
#define RC_MATCH_SLAB_MATCH_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/match/access.h"
#include "engine/match/slab/match_node.h"
#include "engine/store/slab/slab.h"

/* Estimates. Whether the root itself has a bitmap is not asked. */
void
rc_match_estimate(struct rc_match_cache *cache,
                  const struct rc_match_tree *tree,
                  const struct rc_slab *slab,
                  uint64_t slab_id,
                  struct rc_match_estimate *ret_estimate);

/* What preparing a node in a slab may cost, in cells asked about; a tree goes after all leaves. In
 * an AND or OR the least comes first. */
double
rc_match_question_weight(const struct rc_match_node *node, const struct rc_slab *slab);

/* At most this many rows left in a block: looking each up beats a scan of all codes by comparison,
 * by lookup, and by lookup after asking about every string there is. */
#define RC_MATCH_REFINED_RANGES 1024u
#define RC_MATCH_REFINED_LOOKUP 6144u
#define RC_MATCH_REFINED_LAZY 6144u
#define RC_MATCH_REFINED_SEARCHED 128u /* In runs and sparse columns each is a search. */

/* The share of a slab's rows that a leaf passes (0 .. 1), from what is known of it. */
double
rc_match_leaf_share(const struct rc_match_node *node, const struct rc_column_view *column);

#endif
