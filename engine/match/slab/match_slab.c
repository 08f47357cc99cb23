/*
 * Match slab: first every node is planned from dictionaries (match_slab_plan.c), then what is left
 * is evaluated a block of 64 Ki rows at a time, with one block of words for each level of the tree,
 * so that all of it stays in cache and nothing of the size of the slab is written but the answer.
 *
 * In an AND, once few rows are left in the block, the next leaf is asked about these only; a block
 * without rows is not looked at any more.
 */
#include "engine/match/slab/match_slab.h"

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"
#include "engine/match/slab/match_answers.h"
#include "engine/match/slab/match_estimate.h"
#include "engine/match/slab/match_few.h"

/* Rows that are left are looked up in marked columns where they are a part of those in others. */
#define ROWS_REFINED_MARKED 4u

struct block {
    struct rc_slab_match *match;
    uint32_t number;
    uint32_t begin;
    uint32_t row_count;
    uint64_t *scratch; /* RC_BLOCK_WORDS words a level. */
};

static enum rc_block_kind
evaluate(const struct block *block,
         const struct rc_match_node *node,
         uint32_t level,
         uint64_t *words);

static enum rc_block_kind
evaluate_cached(const struct block *block, const struct rc_rowset *set, uint64_t *words)
{
    const uint64_t *found = NULL;
    const enum rc_block_kind kind = rc_rowset_block(set, block->number, words, &found);
    if (kind == RC_BLOCK_MIXED && found != words)
        memcpy(words, found, RC_BLOCK_WORDS * sizeof(*words));
    return kind;
}

static enum rc_block_kind
evaluate_not(const struct block *block,
             const struct rc_match_node *node,
             uint32_t level,
             uint64_t *words)
{
    const enum rc_block_kind kind = evaluate(block, node->children[0], level, words);
    if (kind == RC_BLOCK_EMPTY)
        return RC_BLOCK_FULL;
    if (kind == RC_BLOCK_FULL)
        return RC_BLOCK_EMPTY;
    rc_words_invert(words, RC_BLOCK_WORDS, block->row_count);
    return RC_BLOCK_MIXED;
}

static bool
can_refine(struct rc_slab_match *match, const struct rc_slab_node *state, const uint64_t *words)
{
    if (state->state != RC_SLAB_NODE_SCAN)
        return false;
    const struct rc_match_answers *answers = state->answers;
    const uint64_t left = rc_words_count(words, RC_BLOCK_WORDS);
    const bool marked = rc_column_form_is_marked(answers->column.form);
    uint32_t most = !rc_scan_is_compared(&answers->column) ? RC_MATCH_REFINED_SEARCHED
                    : !answers->complete                   ? RC_MATCH_REFINED_LAZY
                    : state->scan.range_count > 0          ? RC_MATCH_REFINED_RANGES
                                                           : RC_MATCH_REFINED_LOOKUP;
    if (marked && answers->complete) /* Marks are counted for each. */
        most /= ROWS_REFINED_MARKED;
    match->work.words += RC_BLOCK_WORDS;
    if (left > most)
        return false;
    match->work.refined += left;
    match->work.bytes += left * answers->column.code_width;
    return true;
}

/* Scans a leaf's column. */
static enum rc_block_kind
evaluate_scan(const struct block *block, struct rc_slab_node *state, uint64_t *words)
{
    struct rc_match_work *work = &block->match->work;
    const enum rc_status status = rc_slab_match_complete(block->match, state);
    if (status != RC_OK && block->match->status == RC_OK)
        block->match->status = status;
    if (status != RC_OK || state->state == RC_SLAB_NODE_NONE)
        return RC_BLOCK_EMPTY;
    if (state->state == RC_SLAB_NODE_ALL)
        return RC_BLOCK_FULL;
    const struct rc_column_view *column = &state->scan.column;
    rc_scan_block(&state->scan, block->begin, block->row_count, words);
    const uint64_t count = rc_words_count(words, RC_BLOCK_WORDS);
    state->rows_seen += block->row_count;
    state->rows_passed += count;
    work->words += RC_BLOCK_WORDS;
    const uint64_t codes =
        (uint64_t)column->code_count * block->row_count / block->match->row_count;
    if (!rc_scan_is_compared(column)) {
        work->runs += codes;
        work->bytes += codes * (column->code_width + 4);
    } else {
        const uint64_t bytes = codes * column->code_width;
        work->bytes += bytes;
        work->compared += bytes * state->scan.range_count;
        work->looked_up += state->scan.range_count == 0 ? codes : 0;
        work->words += rc_column_form_is_marked(column->form) ? RC_BLOCK_WORDS : 0;
    }
    return count == 0 ? RC_BLOCK_EMPTY : count == block->row_count ? RC_BLOCK_FULL : RC_BLOCK_MIXED;
}

static enum rc_block_kind
evaluate_all_of(const struct block *block,
                const struct rc_match_node *node,
                uint32_t level,
                uint64_t *words)
{
    const struct rc_slab_node *state = &block->match->nodes[node->index];
    uint64_t *other = block->scratch + (size_t)level * RC_BLOCK_WORDS;
    enum rc_block_kind kind = RC_BLOCK_FULL;
    for (uint32_t i = 0; i < state->child_count; i++) {
        const struct rc_match_node *child = state->children[i];
        const struct rc_slab_node *child_state = &block->match->nodes[child->index];
        if (kind == RC_BLOCK_FULL) {
            kind = evaluate(block, child, level + 1, words);
        } else if (can_refine(block->match, child_state, words)) {
            rc_match_answers_refine(block->match, child_state->answers, block->begin, words);
            if (!rc_words_any(words, RC_BLOCK_WORDS))
                return RC_BLOCK_EMPTY;
        } else {
            const enum rc_block_kind other_kind = evaluate(block, child, level + 1, other);
            block->match->work.words += RC_BLOCK_WORDS;
            if (other_kind == RC_BLOCK_EMPTY)
                return RC_BLOCK_EMPTY;
            if (other_kind == RC_BLOCK_MIXED && !rc_words_and(words, other, RC_BLOCK_WORDS))
                return RC_BLOCK_EMPTY;
        }
        if (kind == RC_BLOCK_EMPTY)
            return RC_BLOCK_EMPTY;
    }
    return kind;
}

static enum rc_block_kind
evaluate_any_of(const struct block *block,
                const struct rc_match_node *node,
                uint32_t level,
                uint64_t *words)
{
    const struct rc_slab_node *state = &block->match->nodes[node->index];
    uint64_t *other = block->scratch + (size_t)level * RC_BLOCK_WORDS;
    enum rc_block_kind kind = RC_BLOCK_EMPTY;
    for (uint32_t i = 0; i < state->child_count && kind != RC_BLOCK_FULL; i++) {
        const struct rc_match_node *child = state->children[i];
        if (kind == RC_BLOCK_EMPTY) {
            kind = evaluate(block, child, level + 1, words);
            continue;
        }
        const enum rc_block_kind other_kind = evaluate(block, child, level + 1, other);
        block->match->work.words += RC_BLOCK_WORDS;
        if (other_kind == RC_BLOCK_FULL)
            kind = RC_BLOCK_FULL;
        else if (other_kind == RC_BLOCK_MIXED)
            rc_words_or(words, other, RC_BLOCK_WORDS);
    }
    return kind;
}

/* The node's rows in the block. words is written only for MIXED, which may also be none or all. */
static enum rc_block_kind
evaluate(const struct block *block,
         const struct rc_match_node *node,
         uint32_t level,
         uint64_t *words)
{
    const struct rc_slab_node *state = &block->match->nodes[node->index];
    switch (state->state) {
    case RC_SLAB_NODE_NONE:
        return RC_BLOCK_EMPTY;
    case RC_SLAB_NODE_ALL:
        return RC_BLOCK_FULL;
    case RC_SLAB_NODE_CACHED:
        return evaluate_cached(block, state->set, words);
    case RC_SLAB_NODE_SCAN:
        return evaluate_scan(block, &block->match->nodes[node->index], words);
    case RC_SLAB_NODE_TREE:
        break;
    }
    if (node->kind == RC_PREDICATE_NOT)
        return evaluate_not(block, node, level, words);
    return node->kind == RC_PREDICATE_ALL_OF ? evaluate_all_of(block, node, level, words)
                                             : evaluate_any_of(block, node, level, words);
}

static enum rc_status
append_block(struct rc_rowset_builder *builder,
             const struct block *block,
             enum rc_block_kind kind,
             uint64_t *words)
{
    if (kind == RC_BLOCK_EMPTY)
        return rc_rowset_builder_append(builder, NULL);
    if (kind == RC_BLOCK_FULL) {
        memset(words, 0, RC_BLOCK_WORDS * sizeof(*words));
        rc_words_set_range(words, 0, block->row_count);
    }
    return rc_rowset_builder_append(builder, words);
}

/* Evaluates block by block. */
static enum rc_status
evaluate_blocks(struct rc_slab_match *match,
                const struct rc_match_tree *tree,
                struct rc_rowset_builder *builder)
{
    /* A level for each height of the tree, and one for the answer. */
    uint64_t *scratch = rc_arena_alloc(match->arena, ((size_t)tree->root->height + 1) *
                                                         RC_BLOCK_WORDS * sizeof(*scratch));
    if (scratch == NULL)
        return RC_NO_MEMORY;
    struct block block = {.match = match, .scratch = scratch + RC_BLOCK_WORDS};
    while (block.begin < match->row_count) {
        if (rc_slab_match_cancelled(match))
            return RC_CANCELLED;
        const uint32_t left = match->row_count - block.begin;
        block.row_count = left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS;
        const bool wanted = match->blocks == NULL || rc_words_has(match->blocks, block.number);
        const enum rc_block_kind kind =
            wanted ? evaluate(&block, tree->root, 0, scratch) : RC_BLOCK_EMPTY;
        match->work.words += kind == RC_BLOCK_EMPTY ? 0 : 2 * RC_BLOCK_WORDS;
        RC_TRY(match->status);
        RC_TRY(match->leaf_scratch.status);
        RC_TRY(append_block(builder, &block, kind, scratch));
        block.begin += block.row_count;
        block.number++;
    }
    return RC_OK;
}

static enum rc_status
evaluate_slab(struct rc_slab_match *match,
              const struct rc_match_tree *tree,
              struct rc_rowset **ret_set)
{
    RC_TRY(rc_slab_match_prepare(match, tree->root));
    RC_CLEANUP(rc_rowset_builder_freep) struct rc_rowset_builder *builder = NULL;
    RC_TRY(rc_rowset_builder_new(match->row_count, rc_match_cache_account(match->cache), &builder));
    if (match->range_count > 0)
        RC_TRY(rc_match_few(match, tree, builder));
    else
        RC_TRY(evaluate_blocks(match, tree, builder));
    RC_TRY(rc_rowset_builder_finish(builder, ret_set));
    const uint64_t rows = rc_rowset_cardinality(*ret_set);
    match->work.rows_built += rows < match->row_count / RC_ROWSET_SPARSE_SHARE ? rows : 0;
    match->work.bytes += rc_rowset_memory_bytes(*ret_set);
    return RC_OK;
}

/* Leaves learn what they passed: the next plan's statistics. */
static void
teach(const struct rc_slab_match *match, const struct rc_match_node *node)
{
    const struct rc_slab_node *state = &match->nodes[node->index];
    if (state->rows_seen > 0)
        rc_leaf_codes_count(rc_match_leaf_codes(node->leaf), state->rows_seen, state->rows_passed);
    for (uint32_t i = 0; i < node->child_count; i++)
        teach(match, node->children[i]);
}

enum rc_status
rc_match_slab(struct rc_match_cache *cache,
              const struct rc_match_tree *tree,
              const struct rc_slab *slab,
              uint64_t slab_id,
              const struct rc_match_order *order,
              const _Atomic(bool) *cancel,
              struct rc_rowset **ret_set,
              struct rc_match_work *work,
              bool *ret_ruled_out)
{
    RC_CLEANUP(rc_arena_freep)
    struct rc_arena *arena = rc_arena_new(rc_match_cache_account(cache), 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    struct rc_slab_node *nodes = RC_ARENA_ARRAY(arena, struct rc_slab_node, tree->node_count);
    if (nodes == NULL)
        return RC_NO_MEMORY;
    struct rc_slab_match match = {.cache = cache,
                                  .slab = slab,
                                  .slab_id = slab_id,
                                  .row_count = rc_slab_get_info(slab)->row_count,
                                  .cancel = cancel,
                                  .uses_bitmaps = order->access == RC_ACCESS_NONE ||
                                                  order->access == RC_ACCESS_POSTINGS,
                                  .reads_rows = order->reads_rows,
                                  .keeps_columns = order->keep || order->keeps_columns,
                                  .blocks = order->blocks,
                                  .ranges = order->ranges,
                                  .range_count = order->range_count,
                                  .arena = arena,
                                  .nodes = nodes,
                                  .leaf_scratch = {.cancel = cancel}};
    const enum rc_status status = evaluate_slab(&match, tree, ret_set);
    rc_leaf_scratch_close(&match.leaf_scratch);
    for (uint32_t i = 0; i < tree->node_count; i++) {
        rc_rowset_unref(nodes[i].set);
        rc_match_answers_close(nodes[i].answers);
        rc_kept_column_unref(nodes[i].kept);
    }
    if (status == RC_OK) {
        teach(&match, tree->root);
        *ret_ruled_out = nodes[tree->root->index].state == RC_SLAB_NODE_NONE;
        if (work != NULL)
            rc_match_work_add(work, &match.work);
    }
    return status;
}
