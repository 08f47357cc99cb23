/*
 * Match slab, planning: what each node is in this slab, from dictionaries alone.
 *
 * A leaf is asked about the cells of its column's own dictionary, then about its texts: none
 * passes, all pass, or a table says which. The column with the smallest dictionary goes first, and
 * a node that is decided leaves its other children unasked: so a definition whose value a slab
 * lacks costs one short loop and no rows.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/match/match_slab_form.h"
#include "engine/match/match_texts.h"

/* The cache is asked for the first nodes of a tree only: each question is a lock and a lookup. */
#define NODES_LOOKED_UP 64u

/* Cells tested between two looks at the cancel flag: under a millisecond of regular expressions. */
#define CELLS_BETWEEN_LOOKS 1024u

/* Asks a leaf about the cells of a column's dictionary; table gets a 1 for each that passes. */
static enum rc_status
match_cells(struct rc_slab_match *match,
            const struct rc_match_node *node,
            const struct rc_column_view *column,
            uint8_t *table,
            uint32_t *ret_passed)
{
    struct rc_leaf_codes *codes = rc_match_leaf_codes(node->leaf);
    uint32_t passed = 0;
    for (uint32_t i = 0; i < column->dictionary_count; i++) {
        if (i % CELLS_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(match))
            return RC_CANCELLED;
        table[i] = rc_leaf_codes_cell(codes, node->dictionary, column->dictionary[i],
                                      &match->leaf_scratch);
        passed += table[i];
    }
    RC_TRY(match->leaf_scratch.status);
    *ret_passed = passed;
    return RC_OK;
}

static enum rc_status
prepare_leaf(struct rc_slab_match *match, const struct rc_match_node *node)
{
    struct rc_slab_node *state = &match->nodes[node->index];
    struct rc_column_view column;
    state->state = RC_SLAB_NODE_NONE;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(match->slab, node->property, &column))
        return RC_OK;
    const uint32_t bound = rc_column_code_bound(&column);
    uint8_t *table = rc_arena_zero(match->arena, (size_t)bound + RC_SCAN_TABLE_PADDING);
    if (table == NULL)
        return RC_NO_MEMORY;
    uint32_t passed = 0;
    uint32_t texts_passed = 0;
    RC_TRY(match_cells(match, node, &column, table, &passed));
    if (column.texts.count > 0)
        RC_TRY(rc_match_texts(match, node, &column.texts, table + column.dictionary_count,
                              &texts_passed));
    passed += texts_passed;
    if (passed == 0)
        return RC_OK;
    if (passed == bound && !rc_column_form_is_sparse(column.form)) {
        state->state = RC_SLAB_NODE_ALL;
        return RC_OK;
    }
    state->scan = rc_arena_alloc(match->arena, sizeof(*state->scan));
    if (state->scan == NULL)
        return RC_NO_MEMORY;
    rc_scan_prepare(&column, table, state->scan);
    state->state = RC_SLAB_NODE_SCAN;
    state->cost = column.code_count;
    return RC_OK;
}

static enum rc_status
prepare_not(struct rc_slab_match *match, const struct rc_match_node *node)
{
    struct rc_slab_node *state = &match->nodes[node->index];
    const struct rc_match_node *child = node->children[0];
    RC_TRY(rc_slab_match_prepare(match, child));
    const struct rc_slab_node *child_state = &match->nodes[child->index];
    if (child_state->state == RC_SLAB_NODE_NONE) {
        state->state = RC_SLAB_NODE_ALL;
    } else if (child_state->state == RC_SLAB_NODE_ALL) {
        state->state = RC_SLAB_NODE_NONE;
    } else {
        state->state = RC_SLAB_NODE_TREE;
        state->cost = child_state->cost;
    }
    return RC_OK;
}

struct ordered_child {
    const struct rc_match_node *node;
    uint32_t weight;
};

static int
weight_order(const void *a, const void *b)
{
    const struct ordered_child *x = a;
    const struct ordered_child *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? -1 : 1;
    return x->node->index < y->node->index ? -1 : 1;
}

/* How many cells and texts preparing a node may have to ask about; a tree goes after all leaves. */
static uint32_t
question_weight(const struct rc_slab_match *match, const struct rc_match_node *node)
{
    struct rc_column_view column;
    if (node->kind != RC_PREDICATE_LEAF)
        return UINT32_MAX;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(match->slab, node->property, &column))
        return 0;
    return rc_column_code_bound(&column);
}

static enum rc_status
prepare_list(struct rc_slab_match *match, const struct rc_match_node *node)
{
    const bool all_of = node->kind == RC_PREDICATE_ALL_OF;
    const enum rc_slab_node_state deciding = all_of ? RC_SLAB_NODE_NONE : RC_SLAB_NODE_ALL;
    const enum rc_slab_node_state neutral = all_of ? RC_SLAB_NODE_ALL : RC_SLAB_NODE_NONE;
    struct rc_slab_node *state = &match->nodes[node->index];
    struct ordered_child *order =
        RC_ARENA_ARRAY(match->arena, struct ordered_child, node->child_count);
    state->children = RC_ARENA_ARRAY(match->arena, const struct rc_match_node *, node->child_count);
    if (order == NULL || state->children == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < node->child_count; i++)
        order[i] =
            (struct ordered_child){node->children[i], question_weight(match, node->children[i])};
    qsort(order, node->child_count, sizeof(*order), weight_order);
    uint32_t kept = 0;
    uint64_t cost = 0;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct rc_match_node *child = order[i].node;
        RC_TRY(rc_slab_match_prepare(match, child));
        const struct rc_slab_node *child_state = &match->nodes[child->index];
        if (child_state->state == deciding) {
            state->state = deciding;
            return RC_OK;
        }
        if (child_state->state == neutral)
            continue;
        order[kept++] = (struct ordered_child){child, child_state->cost};
        cost += child_state->cost;
    }
    qsort(order, kept, sizeof(*order), weight_order);
    for (uint32_t i = 0; i < kept; i++)
        state->children[i] = order[i].node;
    state->child_count = kept;
    state->state = kept == 0 ? neutral : RC_SLAB_NODE_TREE;
    state->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    return RC_OK;
}

/* Whether the cache has the node's rows in this slab. */
static bool
take_cached(struct rc_slab_match *match, const struct rc_match_node *node)
{
    if (node->index == 0 || node->index >= NODES_LOOKED_UP)
        return false; /* Who asks for the root has looked already. */
    struct rc_rowset *set = rc_match_cache_find(match->cache, match->slab_id, &node->key);
    if (set == NULL)
        return false;
    struct rc_slab_node *state = &match->nodes[node->index];
    const uint64_t cardinality = rc_rowset_cardinality(set);
    state->set = set;
    state->cost = match->row_count / 64;
    state->state = cardinality == 0                  ? RC_SLAB_NODE_NONE
                   : cardinality == match->row_count ? RC_SLAB_NODE_ALL
                                                     : RC_SLAB_NODE_CACHED;
    return true;
}

enum rc_status
rc_slab_match_prepare(struct rc_slab_match *match, const struct rc_match_node *node)
{
    if (node->kind == RC_PREDICATE_TRUE) {
        match->nodes[node->index].state = RC_SLAB_NODE_ALL;
        return RC_OK;
    }
    if (take_cached(match, node))
        return RC_OK;
    if (node->kind == RC_PREDICATE_LEAF)
        return prepare_leaf(match, node);
    if (node->kind == RC_PREDICATE_NOT)
        return prepare_not(match, node);
    RC_ASSERT(node->kind == RC_PREDICATE_ALL_OF || node->kind == RC_PREDICATE_ANY_OF);
    return prepare_list(match, node);
}
