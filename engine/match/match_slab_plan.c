/*
 * Match slab, planning: what each node is in this slab, from dictionaries alone.
 *
 * A leaf's answers (match_answers.h) say that none passes, that all pass, or which. What is
 * cheapest to ask goes first, and a node that is decided leaves its other children unasked: so a
 * definition whose value a slab lacks costs one lookup and no rows.
 *
 * In an AND whose first leaf is ready, leaves over many strings stay lazy: they are asked about the
 * strings of rows that are still in question. A regular expression beside an equality is thus run
 * over tens of strings and not over all of them.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/match/match_answers.h"

/* The cache is asked for the first nodes of a tree only: each question is a lock and a lookup. */
#define NODES_LOOKED_UP 64u

uint32_t rc_match_lazy_codes_min = 256;

/* Rows whose codes are looked at to guess how many a leaf lets pass. */
#define SAMPLE_ROWS 256u

/* Of 1,024 rows, about how many a leaf lets pass. Rows are taken at equal distances. */
static uint32_t
guess_share(const struct rc_slab_match *match, const struct rc_match_answers *answers)
{
    const struct rc_column_view *column = &answers->column;
    const uint32_t step = match->row_count / SAMPLE_ROWS + 1;
    uint32_t passed = 0;
    uint32_t looked_at = 0;
    for (uint32_t row = step / 2; row < match->row_count; row += step, looked_at++) {
        const uint32_t code = rc_column_code(column, row);
        passed += code != RC_CODE_NONE && answers->table[code] == 1;
    }
    return looked_at == 0 ? 1024 : passed * 1024 / looked_at;
}

/* What complete answers make of a leaf. */
static void
decide(struct rc_slab_node *state)
{
    const struct rc_match_answers *answers = state->answers;
    const uint32_t bound = rc_column_code_bound(&answers->column);
    state->state = RC_SLAB_NODE_SCAN;
    if (answers->passed == 0)
        state->state = RC_SLAB_NODE_NONE;
    else if (answers->passed == bound && answers->column.form != RC_COLUMN_SPARSE)
        state->state = RC_SLAB_NODE_ALL;
    else
        rc_scan_prepare(&answers->column, answers->table, &state->scan);
}

enum rc_status
rc_slab_match_complete(struct rc_slab_match *match, struct rc_slab_node *state)
{
    if (state->answers->complete)
        return RC_OK;
    RC_TRY(rc_match_answers_complete(match, state->answers));
    decide(state);
    return RC_OK;
}

static enum rc_status
prepare_leaf(struct rc_slab_match *match, const struct rc_match_node *node, bool lazily)
{
    struct rc_slab_node *state = &match->nodes[node->index];
    struct rc_column_view column;
    state->state = RC_SLAB_NODE_NONE;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(match->slab, node->property, &column))
        return RC_OK;
    struct rc_match_answers *answers = RC_ARENA_ARRAY(match->arena, struct rc_match_answers, 1);
    if (answers == NULL)
        return RC_NO_MEMORY;
    lazily = lazily && rc_column_code_bound(&column) >= rc_match_lazy_codes_min;
    RC_TRY(rc_match_answers_open(match, node, &column, lazily, answers));
    state->answers = answers;
    state->cost = column.code_count;
    state->state = RC_SLAB_NODE_SCAN;
    if (!answers->complete) {
        state->share = 1024; /* Asked last. */
        return RC_OK;
    }
    decide(state);
    if (state->state == RC_SLAB_NODE_SCAN)
        state->share = guess_share(match, answers);
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
        state->share = 1024 - child_state->share;
    }
    return RC_OK;
}

struct ordered_child {
    const struct rc_match_node *node;
    uint64_t weight;
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

/* What preparing a node may cost, in codes asked about; a tree goes after all leaves. */
static uint64_t
question_weight(const struct rc_slab_match *match, const struct rc_match_node *node)
{
    struct rc_column_view column;
    if (node->kind != RC_PREDICATE_LEAF)
        return UINT64_MAX;
    if (node->property == RC_PROPERTY_NONE || !rc_slab_column(match->slab, node->property, &column))
        return 0;
    const uint64_t codes = rc_column_code_bound(&column);
    switch (node->source->operator) {
    case RC_LEAF_IN: /* Sought, most often. */
        return codes < node->source->value_count ? codes : node->source->value_count;
    case RC_LEAF_REGEX:
        return codes * 8;
    case RC_LEAF_LIKE:
    case RC_LEAF_CONTAINS:
        return codes * 4;
    default:
        return codes;
    }
}

/* When a node is asked in its list: the surest to decide a row for the least work goes first. An
 * AND is over with a row that fails, an OR with one that passes. */
static uint64_t
order_weight(const struct rc_slab_node *state, bool all_of)
{
    const uint32_t undecided = all_of ? state->share : 1024 - state->share;
    return (uint64_t)(undecided + 1) * ((uint64_t)state->cost + 1);
}

/* What is known of a list once its children are. */
static void
sum_up(struct rc_slab_match *match, struct rc_slab_node *state, bool all_of)
{
    uint64_t cost = 0;
    uint32_t share = all_of ? 1024 : 0;
    for (uint32_t i = 0; i < state->child_count; i++) {
        const struct rc_slab_node *child = &match->nodes[state->children[i]->index];
        cost += child->cost;
        if (all_of ? child->share < share : child->share > share)
            share = child->share;
    }
    state->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    state->share = share;
}

static enum rc_status
prepare(struct rc_slab_match *match, const struct rc_match_node *node, bool lazily);

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
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct rc_match_node *child = order[i].node;
        RC_TRY(prepare(match, child, all_of && kept > 0));
        const struct rc_slab_node *child_state = &match->nodes[child->index];
        if (child_state->state == deciding) {
            state->state = deciding;
            return RC_OK;
        }
        if (child_state->state != neutral)
            order[kept++] = (struct ordered_child){child, order_weight(child_state, all_of)};
    }
    qsort(order, kept, sizeof(*order), weight_order);
    for (uint32_t i = 0; i < kept; i++)
        state->children[i] = order[i].node;
    state->child_count = kept;
    state->state = kept == 0 ? neutral : RC_SLAB_NODE_TREE;
    sum_up(match, state, all_of);
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
    state->share = (uint32_t)(cardinality * 1024 / match->row_count);
    state->state = cardinality == 0                  ? RC_SLAB_NODE_NONE
                   : cardinality == match->row_count ? RC_SLAB_NODE_ALL
                                                     : RC_SLAB_NODE_CACHED;
    return true;
}

static enum rc_status
prepare(struct rc_slab_match *match, const struct rc_match_node *node, bool lazily)
{
    if (node->kind == RC_PREDICATE_TRUE) {
        match->nodes[node->index].state = RC_SLAB_NODE_ALL;
        return RC_OK;
    }
    if (take_cached(match, node))
        return RC_OK;
    if (node->kind == RC_PREDICATE_LEAF)
        return prepare_leaf(match, node, lazily);
    if (node->kind == RC_PREDICATE_NOT)
        return prepare_not(match, node);
    RC_ASSERT(node->kind == RC_PREDICATE_ALL_OF || node->kind == RC_PREDICATE_ANY_OF);
    return prepare_list(match, node);
}

enum rc_status
rc_slab_match_prepare(struct rc_slab_match *match, const struct rc_match_node *node)
{
    return prepare(match, node, false);
}
