/*
 * Match slab, planning: what each node is in this slab, from dictionaries alone.
 *
 * What is left of a list is put in order of rank: see there.
 *
 * A leaf is asked about the cells of its column's own dictionary, then about its texts: none
 * passes, all pass, or a table says which. The column with the smallest dictionary goes first, and
 * a node that is decided leaves its other children unasked: so a definition whose value a slab
 * lacks costs one short loop and no rows.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/match/costs.h"
#include "engine/match/match_estimate.h"
#include "engine/match/match_slab_form.h"
#include "engine/match/match_texts.h"

/* The cache is asked for the first nodes of a tree only: each question is a lock and a lookup. */
#define NODES_LOOKED_UP 64u

/* A child that decides nothing goes last, but not infinitely far. */
#define DECIDED_LEAST 1e-6

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
    match->work.cells += column->dictionary_count;
    match->work.bytes += (uint64_t)column->dictionary_count * sizeof(*column->dictionary);
    RC_TRY(match->leaf_scratch.status);
    *ret_passed = passed;
    return RC_OK;
}

/* The time of a look at all rows. */
static double
scan_cost_ns(const struct rc_scan *scan)
{
    const struct rc_column_view *column = &scan->column;
    if (column->form != RC_COLUMN_PLAIN)
        return RC_COST_RUN * column->code_count;
    return scan->range_count == 0
               ? RC_COST_LOOKED_UP * column->code_count
               : RC_COST_COMPARED * scan->range_count * column->code_width * column->code_count;
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
    if (passed == 0 && !match->reads_rows)
        return RC_OK;
    if (passed == bound && column.form != RC_COLUMN_SPARSE && !match->reads_rows) {
        state->state = RC_SLAB_NODE_ALL;
        return RC_OK;
    }
    state->scan = rc_arena_alloc(match->arena, sizeof(*state->scan));
    if (state->scan == NULL)
        return RC_NO_MEMORY;
    rc_scan_prepare(&column, table, state->scan);
    state->state = RC_SLAB_NODE_SCAN;
    state->cost_ns = scan_cost_ns(state->scan);
    if (column.form == RC_COLUMN_PLAIN)
        state->refined_max =
            (uint32_t)(state->cost_ns / column.code_count * RC_BLOCK_ROWS / RC_COST_REFINED);
    state->share = passed == 0 ? 0 : rc_match_leaf_share(node, &column);
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
        state->cost_ns = child_state->cost_ns;
        state->share = 1 - child_state->share;
    }
    return RC_OK;
}

struct ordered_child {
    const struct rc_match_node *node;
    double weight;
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

/*
 * The weight of a child that has to be evaluated. In an AND each child spares those behind it the
 * rows that it takes out, in an OR those that it lets pass: so the one that decides most rows a
 * nanosecond comes first, which is the best order of independent tests.
 */
static double
rank(const struct rc_slab_node *state, bool all_of)
{
    const double decided = all_of ? 1 - state->share : state->share;
    return (state->cost_ns + 1) / (decided > DECIDED_LEAST ? decided : DECIDED_LEAST);
}

/* How many cells and texts preparing a node may have to ask about; a tree goes after all leaves. */
static double
question_weight(const struct rc_slab_match *match, const struct rc_match_node *node)
{
    struct rc_column_view column;
    if (node->kind != RC_PREDICATE_LEAF)
        return (double)UINT32_MAX + 1;
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
    double left = 1;
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
        order[kept++] = (struct ordered_child){child, rank(child_state, all_of)};
        state->cost_ns += child_state->cost_ns;
        left *= all_of ? child_state->share : 1 - child_state->share;
    }
    qsort(order, kept, sizeof(*order), weight_order);
    for (uint32_t i = 0; i < kept; i++)
        state->children[i] = order[i].node;
    state->child_count = kept;
    state->state = kept == 0 ? neutral : RC_SLAB_NODE_TREE;
    state->share = all_of ? left : 1 - left;
    return RC_OK;
}

/* Whether the cache has the node's rows in this slab. */
static bool
take_cached(struct rc_slab_match *match, const struct rc_match_node *node)
{
    if (!match->uses_bitmaps || node->index == 0 || node->index >= NODES_LOOKED_UP)
        return false; /* Who asks for the root has looked already. */
    struct rc_rowset *set = rc_match_cache_find(match->cache, match->slab_id, &node->key);
    if (set == NULL)
        return false;
    struct rc_slab_node *state = &match->nodes[node->index];
    const uint64_t cardinality = rc_rowset_cardinality(set);
    state->set = set;
    state->cost_ns = RC_COST_WORD * match->row_count / 64;
    state->share = (double)cardinality / match->row_count;
    match->work.bytes += rc_rowset_memory_bytes(set);
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
