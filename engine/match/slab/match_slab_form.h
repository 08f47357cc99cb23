/* Match slab, inside: the state of one evaluation, shared by match_slab.c and match_slab_plan.c. */
#ifndef RC_MATCH_SLAB_MATCH_SLAB_FORM_H
#define RC_MATCH_SLAB_MATCH_SLAB_FORM_H

#include "engine/match/rows/scan.h"
#include "engine/match/slab/match_slab.h"

/* What a node is in this slab. */
enum rc_slab_node_state {
    RC_SLAB_NODE_NONE,   /* No row. */
    RC_SLAB_NODE_ALL,    /* Every row. */
    RC_SLAB_NODE_CACHED, /* The rows of set. */
    RC_SLAB_NODE_SCAN,   /* A leaf: the rows whose codes answers let pass. */
    RC_SLAB_NODE_TREE,   /* Its children decide. */
};

struct rc_match_answers;

struct rc_slab_node {
    enum rc_slab_node_state state;
    double cost_ns;                        /* Of a look at all rows. */
    struct rc_rowset *set;                 /* CACHED; owned. */
    struct rc_kept_column *kept;           /* A column that answers reads; owned. */
    struct rc_match_answers *answers;      /* SCAN: complete, or lazy: asked as rows come. */
    struct rc_scan scan;                   /* SCAN, once the answers are complete. */
    uint32_t child_count;                  /* TREE: the children that still matter, */
    const struct rc_match_node **children; /* what leaves least for least work first. */
    double share;                          /* Of the rows, as far as is known. */
    uint64_t rows_seen;                    /* SCAN: whole blocks that were scanned, */
    uint64_t rows_passed;                  /* and what passed. */
};

struct rc_slab_match {
    struct rc_match_cache *cache;
    const struct rc_slab *slab;
    uint64_t slab_id;
    uint32_t row_count;
    const _Atomic(bool) *cancel;
    bool uses_bitmaps;                 /* Of the cache, for what is below the root. */
    bool reads_rows;                   /* See rc_match_order. */
    bool keeps_columns;                /* And keep. */
    const uint64_t *blocks;            /* The same, */
    const struct rc_row_range *ranges; /* and of these. */
    uint32_t range_count;
    struct rc_match_work work;
    struct rc_arena *arena;
    struct rc_slab_node *nodes; /* By index. */
    struct rc_leaf_scratch leaf_scratch;
    enum rc_status status; /* The first failure while rows are looked at. */
};

/* The column that a leaf reads; counted as work. */
RC_MUST_USE enum rc_status
rc_slab_match_column(struct rc_slab_match *match,
                     const struct rc_match_node *node,
                     struct rc_found_column *ret_found);

/* The column of node->derived, for a leaf that has it: *ret_is: there is one. only_kept: of the
 * cache; else it may be made, where that pays. */
RC_MUST_USE enum rc_status
rc_slab_match_derived(struct rc_slab_match *match,
                      const struct rc_match_node *node,
                      bool only_kept,
                      bool *ret_is,
                      struct rc_found_column *ret_found);

static inline bool
rc_slab_match_cancelled(const struct rc_slab_match *match)
{
    return match->cancel != NULL && atomic_load_explicit(match->cancel, memory_order_relaxed);
}

/* Decides the state of a node and of those below it that matter. */
RC_MUST_USE enum rc_status
rc_slab_match_prepare(struct rc_slab_match *match, const struct rc_match_node *node);

/* Makes a lazy leaf ready to be scanned; it may turn out to be NONE or ALL. */
RC_MUST_USE enum rc_status
rc_slab_match_complete(struct rc_slab_match *match, struct rc_slab_node *state);

#endif
