/*
 * Match node: a canonical event predicate compiled against a project: its leaves know their
 * property and their code table, every node knows the key that the cache is asked by.
 *
 * Ownership: nodes are in an arena and borrow their predicate, which must outlive them; leaves are
 *            borrowed from the cache until rc_match_node_close.
 * Threading: read-only once compiled.
 */
#ifndef RC_MATCH_SLAB_MATCH_NODE_H
#define RC_MATCH_SLAB_MATCH_NODE_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/cache/column_keeper.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/derived/made_column.h"
#include "engine/match/predicate/match_key.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/slab/slab.h"

struct rc_match_node {
    enum rc_predicate_kind kind;
    uint32_t index;  /* In order of the tree; below the tree's node_count. */
    uint32_t height; /* 1 for a leaf. */
    uint32_t child_count;
    struct rc_match_node **children;
    struct rc_match_key key;
    size_t key_begin;                       /* In the root's. */
    struct rc_match_leaf *leaf;             /* LEAF. */
    const struct rc_leaf *source;           /* LEAF: as the predicate has it. */
    struct rc_made_column made;             /* LEAF: what it reads where that is not stored, */
    struct rc_column_keeper keeper;         /* and where that is kept. */
    uint32_t property;                      /* LEAF; RC_PROPERTY_NONE: nothing carries it. */
    const struct rc_dictionary *dictionary; /* LEAF; NULL with RC_PROPERTY_NONE. */
    /* LEAF over what is derived of a stored property: the same over columns of what is derived
     * (RC_MADE_TEXTS), which slabs with many texts may have. */
    struct rc_match_node *derived;
};

struct rc_match_tree {
    struct rc_match_node *root;
    uint32_t parts; /* Of a slab (enum rc_slab_part), to be in use for columns that are made. */
    uint32_t node_count;
};

/* predicate is canonical and holds event leaves only. On failure nothing is borrowed any more. */
RC_MUST_USE enum rc_status
rc_match_node_compile(struct rc_match_cache *cache,
                      const struct rc_properties *properties,
                      const struct rc_predicate *predicate,
                      struct rc_arena *arena,
                      struct rc_match_tree *ret_tree);

/* The column that a leaf reads in a slab, stored or made. */
RC_MUST_USE enum rc_status
rc_match_node_column(const struct rc_match_node *node,
                     const struct rc_column_wish *wish,
                     struct rc_found_column *ret_found);

/* Whether a cell of that column, or one of a chunk's, passes the leaf. A failure is in scratch. */
bool
rc_match_node_cell(const struct rc_match_node *node, rc_cell cell, struct rc_leaf_scratch *scratch);

/* Gives the leaves of a node and all below it back. NULL is fine. */
void
rc_match_node_close(struct rc_match_cache *cache, struct rc_match_node *node);

#endif
