/*
 * Match few. Rows go by in batches, a bit each; a node takes the bits of rows that do not pass out
 * of those it is given. So an AND asks each child about what is left, an OR about what is not in
 * yet, and a leaf looks the codes of its rows up together (match_answers.h).
 */
#include "engine/match/slab/match_few.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/match/slab/match_answers.h"

#define BATCH_ROWS 1024u
#define BATCH_WORDS (BATCH_ROWS / 64)

/* A text that is asked about alone costs as much as so many of a walk over all. */
#define TEXTS_PER_SEEK 16u

struct batch {
    struct rc_slab_match *match;
    uint32_t count;
    uint32_t rows[BATCH_ROWS];
    uint64_t *scratch; /* Two batches of words a level. */
};

static void
restrict_to(struct batch *batch, const struct rc_match_node *node, uint32_t level, uint64_t *words);

static uint64_t
row_count_of(const struct rc_slab_match *match)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < match->range_count; i++)
        rows += match->ranges[i].end - match->ranges[i].begin;
    return rows;
}

bool
rc_match_few_is_lazy(const struct rc_slab_match *match, const struct rc_column_view *column)
{
    const uint64_t rows = row_count_of(match);
    return match->range_count > 0 &&
           rows * (column->texts.count > 0 ? TEXTS_PER_SEEK : 1) < rc_column_code_bound(column);
}

static void
restrict_to_not(struct batch *batch,
                const struct rc_match_node *node,
                uint32_t level,
                uint64_t *words)
{
    uint64_t *child = batch->scratch + (size_t)level * 2 * BATCH_WORDS;
    memcpy(child, words, BATCH_WORDS * sizeof(*child));
    restrict_to(batch, node->children[0], level + 1, child);
    for (uint32_t word = 0; word < BATCH_WORDS; word++)
        words[word] &= ~child[word];
}

static void
restrict_to_any_of(struct batch *batch,
                   const struct rc_match_node *node,
                   uint32_t level,
                   uint64_t *words)
{
    const struct rc_slab_node *state = &batch->match->nodes[node->index];
    uint64_t *child = batch->scratch + (size_t)level * 2 * BATCH_WORDS;
    uint64_t *passed = child + BATCH_WORDS;
    memset(passed, 0, BATCH_WORDS * sizeof(*passed));
    for (uint32_t i = 0; i < state->child_count && rc_words_any(words, BATCH_WORDS); i++) {
        memcpy(child, words, BATCH_WORDS * sizeof(*child));
        restrict_to(batch, state->children[i], level + 1, child);
        for (uint32_t word = 0; word < BATCH_WORDS; word++) {
            passed[word] |= child[word];
            words[word] &= ~child[word];
        }
    }
    memcpy(words, passed, BATCH_WORDS * sizeof(*words));
}

static void
restrict_to(struct batch *batch, const struct rc_match_node *node, uint32_t level, uint64_t *words)
{
    struct rc_slab_match *match = batch->match;
    const struct rc_slab_node *state = &match->nodes[node->index];
    if (state->state == RC_SLAB_NODE_ALL)
        return;
    if (state->state == RC_SLAB_NODE_NONE) {
        memset(words, 0, BATCH_WORDS * sizeof(*words));
        return;
    }
    if (state->state == RC_SLAB_NODE_CACHED) {
        for (uint32_t i = 0; i < batch->count; i++)
            if (!rc_rowset_contains(state->set, batch->rows[i]))
                words[i / 64] &= ~((uint64_t)1 << (i % 64));
        return;
    }
    if (state->state == RC_SLAB_NODE_SCAN) {
        const uint64_t asked = rc_words_count(words, BATCH_WORDS);
        match->work.refined += asked;
        match->work.bytes += asked * state->answers->column.code_width;
        rc_match_answers_refine_rows(match, state->answers, batch->rows, words, BATCH_WORDS);
        return;
    }
    if (node->kind == RC_PREDICATE_NOT) {
        restrict_to_not(batch, node, level, words);
        return;
    }
    if (node->kind == RC_PREDICATE_ANY_OF) {
        restrict_to_any_of(batch, node, level, words);
        return;
    }
    for (uint32_t i = 0; i < state->child_count && rc_words_any(words, BATCH_WORDS); i++)
        restrict_to(batch, state->children[i], level, words);
}

/* Tests a batch of rows of one block and appends those that pass. */
static enum rc_status
test_batch(struct batch *batch,
           const struct rc_match_tree *tree,
           uint16_t *passed,
           uint32_t *passed_count)
{
    struct rc_slab_match *match = batch->match;
    uint64_t words[BATCH_WORDS] = {0};
    if (rc_slab_match_cancelled(match))
        return RC_CANCELLED;
    rc_words_set_range(words, 0, batch->count);
    restrict_to(batch, tree->root, 0, words);
    RC_TRY(match->status);
    RC_TRY(match->leaf_scratch.status);
    for (uint32_t word = 0; word < BATCH_WORDS; word++)
        for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1)
            passed[(*passed_count)++] =
                (uint16_t)(batch->rows[word * 64 + (uint32_t)__builtin_ctzll(bits)] %
                           RC_BLOCK_ROWS);
    batch->count = 0;
    return RC_OK;
}

enum rc_status
rc_match_few(struct rc_slab_match *match,
             const struct rc_match_tree *tree,
             struct rc_rowset_builder *builder)
{
    struct batch *batch = rc_arena_alloc(match->arena, sizeof(*batch));
    uint16_t *passed = rc_arena_alloc(match->arena, RC_BLOCK_ROWS * sizeof(*passed));
    uint64_t *scratch = rc_arena_alloc(match->arena, ((size_t)tree->root->height + 1) * 2 *
                                                         BATCH_WORDS * sizeof(*scratch));
    if (batch == NULL || passed == NULL || scratch == NULL)
        return RC_NO_MEMORY;
    batch->match = match;
    batch->count = 0;
    batch->scratch = scratch;
    uint32_t at = 0; /* The range at hand, and the row in it. */
    uint32_t row = match->range_count > 0 ? match->ranges[0].begin : 0;
    for (uint32_t begin = 0; begin < match->row_count; begin += RC_BLOCK_ROWS) {
        uint32_t passed_count = 0;
        const uint32_t left = match->row_count - begin;
        const uint32_t end = begin + (left < RC_BLOCK_ROWS ? left : RC_BLOCK_ROWS);
        while (at < match->range_count && row < end) {
            batch->rows[batch->count++] = row++;
            if (row == match->ranges[at].end && ++at < match->range_count)
                row = match->ranges[at].begin;
            if (batch->count == BATCH_ROWS)
                RC_TRY(test_batch(batch, tree, passed, &passed_count));
        }
        if (batch->count > 0)
            RC_TRY(test_batch(batch, tree, passed, &passed_count));
        RC_TRY(rc_rowset_builder_append_rows(builder, passed, passed_count));
    }
    return RC_OK;
}
