/*
 * Match slab, planning: what each node is in this slab, from dictionaries alone.
 *
 * What is left of a list is put in order of rank: see there.
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
#include "engine/match/costs.h"
#include "engine/match/slab/match_answers.h"
#include "engine/match/slab/match_estimate.h"
#include "engine/match/slab/match_few.h"
#include "engine/match/slab/match_slab.h"

/* The cache is asked for the first nodes of a tree only: each question is a lock and a lookup. */
#define NODES_LOOKED_UP 64u

/* A child that decides nothing goes last, but not infinitely far. */
#define DECIDED_LEAST 1e-6

/* Fewer are asked about all at once. */
uint32_t rc_match_lazy_codes_min = 256;

/* Rows whose codes are looked at to guess how many a leaf lets pass. */
#define SAMPLE_ROWS 256u

/* The time of a look at all rows. */
static double
scan_cost_ns(const struct rc_scan *scan)
{
    const struct rc_column_view *column = &scan->column;
    if (!rc_scan_is_compared(column))
        return RC_COST_RUN * column->code_count;
    return scan->range_count == 0
               ? RC_COST_LOOKED_UP * column->code_count
               : RC_COST_COMPARED * scan->range_count * column->code_width * column->code_count;
}

/* The share of rows that a leaf lets pass: what earlier evaluations counted, else what rows at
 * equal distances say; of leaves that pass none of these, what is known of them otherwise. */
static double
guess_share(const struct rc_slab_match *match, const struct rc_match_answers *answers)
{
    const struct rc_column_view *column = &answers->column;
    double counted;
    if (rc_leaf_codes_share(rc_match_leaf_codes(answers->node->leaf), &counted))
        return counted;
    const uint32_t step = match->row_count / SAMPLE_ROWS + 1;
    uint32_t passed = 0;
    uint32_t looked_at = 0;
    for (uint32_t row = step / 2; row < match->row_count; row += step, looked_at++) {
        const uint32_t code = rc_column_code(column, row);
        passed += code != RC_CODE_NONE && answers->table[code] == 1;
    }
    if (passed > 0)
        return (double)passed / looked_at;
    const double known = rc_match_leaf_share(answers->node, column);
    return known < 1.0 / SAMPLE_ROWS ? known : 1.0 / SAMPLE_ROWS;
}

/* What complete answers make of a leaf. */
static void
decide(const struct rc_slab_match *match, struct rc_slab_node *state)
{
    const struct rc_match_answers *answers = state->answers;
    const uint32_t bound = rc_column_code_bound(&answers->column);
    state->state = RC_SLAB_NODE_SCAN;
    if (answers->passed == 0 && !match->reads_rows)
        state->state = RC_SLAB_NODE_NONE;
    else if (answers->passed == bound && !rc_column_form_is_sparse(answers->column.form) &&
             !match->reads_rows)
        state->state = RC_SLAB_NODE_ALL;
    else
        rc_scan_prepare(&answers->column, answers->table, &state->scan);
}

enum rc_status
rc_slab_match_column(struct rc_slab_match *match,
                     const struct rc_match_node *node,
                     struct rc_found_column *ret_found)
{
    const struct rc_column_wish wish = {.slab = match->slab,
                                        .slab_id = match->slab_id,
                                        .blocks = match->blocks,
                                        .keeps = match->keeps_columns,
                                        .cancel = match->cancel,
                                        .arena = match->arena};
    RC_TRY(rc_match_node_column(node, &wish, ret_found));
    match->work.columns_reused += ret_found->reused;
    match->work.columns_made +=
        node->made.kind != RC_MADE_NONE && !ret_found->reused && !ret_found->declined;
    return RC_OK;
}

enum rc_status
rc_slab_match_derived(struct rc_slab_match *match,
                      const struct rc_match_node *node,
                      bool only_kept,
                      bool *ret_is,
                      struct rc_found_column *ret_found)
{
    struct rc_found_column found = {.present = false};
    *ret_is = false;
    if (node->derived == NULL ||
        (only_kept && !rc_column_keeper_has(&node->derived->keeper, match->slab_id)))
        return RC_OK;
    RC_TRY(rc_slab_match_column(match, node->derived, &found));
    *ret_is = !found.declined;
    if (found.declined)
        rc_found_column_close(&found);
    *ret_found = found;
    return RC_OK;
}

/* Exchanges answers of stored texts, of which no more are to be asked one by one, for those of what
 * is derived of them, where that is or may be kept. */
static enum rc_status
take_derived(struct rc_slab_match *match, struct rc_slab_node *state)
{
    bool is_derived;
    struct rc_found_column found;
    const struct rc_match_node *node = state->answers->node;
    RC_TRY(rc_slab_match_derived(match, node, false, &is_derived, &found));
    if (!is_derived)
        return RC_OK;
    rc_match_answers_close(state->answers);
    rc_kept_column_unref(state->kept);
    state->kept = found.kept;
    return rc_match_answers_open(match, node->derived, &found.view, false, state->answers);
}

enum rc_status
rc_slab_match_complete(struct rc_slab_match *match, struct rc_slab_node *state)
{
    if (state->answers->complete)
        return RC_OK;
    RC_TRY(take_derived(match, state));
    RC_TRY(rc_match_answers_complete(match, state->answers));
    decide(match, state);
    return RC_OK;
}

static bool
is_lazy(const struct rc_slab_match *match, const struct rc_column_view *column, bool lazily)
{
    if (match->range_count > 0)
        return rc_match_few_is_lazy(match, column);
    return lazily && rc_column_code_bound(column) >= rc_match_lazy_codes_min;
}

/* Answers of the column that is cheapest to ask; none where the slab has no value. */
static enum rc_status
open_answers(struct rc_slab_match *match,
             const struct rc_match_node *node,
             bool lazily,
             struct rc_slab_node *state)
{
    bool is_derived;
    struct rc_found_column found;
    RC_TRY(rc_slab_match_derived(match, node, true, &is_derived, &found));
    if (!is_derived) {
        RC_TRY(rc_slab_match_column(match, node, &found));
        state->kept = found.kept;
        if (!found.present)
            return RC_OK;
        lazily = is_lazy(match, &found.view, lazily);
        struct rc_found_column derived;
        if (!lazily)
            RC_TRY(rc_slab_match_derived(match, node, false, &is_derived, &derived));
        if (is_derived)
            found = derived; /* What is stored is in no cache. */
    }
    state->kept = found.kept;
    struct rc_match_answers *answers = RC_ARENA_ARRAY(match->arena, struct rc_match_answers, 1);
    if (answers == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_match_answers_open(match, is_derived ? node->derived : node, &found.view,
                                 lazily && !is_derived, answers));
    state->answers = answers;
    return RC_OK;
}

static enum rc_status
prepare_leaf(struct rc_slab_match *match, const struct rc_match_node *node, bool lazily)
{
    struct rc_slab_node *state = &match->nodes[node->index];
    state->state = RC_SLAB_NODE_NONE;
    RC_TRY(open_answers(match, node, lazily, state));
    if (state->answers == NULL)
        return RC_OK;
    const struct rc_match_answers *answers = state->answers;
    state->state = RC_SLAB_NODE_SCAN;
    if (!answers->complete) { /* Asked last: what it lets pass is not known. */
        state->cost_ns = RC_COST_LOOKED_UP * answers->column.code_count;
        state->share = 1;
        return RC_OK;
    }
    decide(match, state);
    if (state->state == RC_SLAB_NODE_SCAN) {
        state->cost_ns = scan_cost_ns(&state->scan);
        state->share = answers->passed == 0 ? 0
                       : match->range_count == 0
                           ? guess_share(match, answers)
                           : rc_match_leaf_share(answers->node, &answers->column);
    }
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
        order[i] = (struct ordered_child){node->children[i],
                                          rc_match_question_weight(node->children[i], match->slab)};
    qsort(order, node->child_count, sizeof(*order), weight_order);
    uint32_t kept = 0;
    double left = 1;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct rc_match_node *child = order[i].node;
        RC_TRY(prepare(match, child, all_of && kept > 0));
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
