/*
 * Match chunk: every node is asked about candidate rows only and answers with a part of these: an
 * AND narrows the candidates from child to child, an OR asks each child about what no other has
 * taken.
 *
 * The texts of a head are not in the property's dictionary, and what a leaf says of them is not
 * kept with it: the head goes soon. Within a call a few answers are remembered.
 */
#include "engine/match/slab/match_chunk.h"

#include "engine/base/assert.h"
#include "engine/match/rows/words.h"

struct chunk_match {
    const struct rc_view_chunk *chunk;
    struct rc_leaf_scratch scratch;
};

/* Answers to texts of the head by code, the latest in each slot. */
#define TEXTS_REMEMBERED 256u

struct text_answers {
    struct rc_leaf_codes *codes;
    const struct rc_dictionary *texts;
    uint32_t slots[TEXTS_REMEMBERED]; /* (code + 1) * 2 + passes; 0: none. */
};

_Static_assert(RC_HEAD_ROWS_MAX < UINT32_MAX / 4, "a slot holds any code of a head's text");

static bool
text_passes(struct chunk_match *match, struct text_answers *answers, uint32_t code)
{
    uint32_t *slot = &answers->slots[code % TEXTS_REMEMBERED];
    if (*slot >> 1 != code + 1) {
        const struct rc_bytes key = rc_dictionary_key(answers->texts, code);
        const bool passes = rc_leaf_codes_key(answers->codes, key, &match->scratch);
        *slot = (code + 1) << 1 | (uint32_t)passes;
    }
    return (*slot & 1) != 0;
}

static void
evaluate_leaf(struct chunk_match *match,
              const struct rc_match_node *node,
              const uint64_t *candidates,
              uint64_t *words)
{
    memset(words, 0, RC_CHUNK_WORDS * sizeof(*words));
    const bool is_made = node->made.kind != RC_MADE_NONE;
    rc_cell made[RC_CHUNK_ROWS];
    const rc_cell *cells = made;
    if (is_made) {
        const enum rc_status status =
            rc_made_column_cells(&node->made, match->chunk, match->scratch.cancel, made);
        if (match->scratch.status == RC_OK)
            match->scratch.status = status;
        if (status != RC_OK)
            return;
    } else {
        cells = node->property == RC_PROPERTY_NONE
                    ? NULL
                    : rc_view_chunk_cells(match->chunk, node->property);
    }
    if (cells == NULL)
        return;
    struct rc_leaf_codes *codes = rc_match_leaf_codes(node->leaf);
    struct text_answers answers = {
        .codes = codes,
        .texts = is_made ? NULL : rc_view_chunk_texts(match->chunk, node->property)};
    rc_cell last = 0; /* Neighbours are often equal. */
    bool last_passes = false;
    for (uint32_t i = 0; i < RC_CHUNK_WORDS; i++) {
        for (uint64_t left = candidates[i]; left != 0; left &= left - 1) {
            const uint32_t bit = (uint32_t)__builtin_ctzll(left);
            const rc_cell cell = cells[i * 64 + bit];
            if (cell != last) {
                last = cell;
                last_passes = !is_made && rc_cell_kind_of(cell) == RC_CELL_TEXT
                                  ? text_passes(match, &answers, rc_cell_code(cell))
                                  : rc_match_node_cell(node, cell, &match->scratch);
            }
            words[i] |= (uint64_t)last_passes << bit;
        }
    }
}

static void
evaluate(struct chunk_match *match,
         const struct rc_match_node *node,
         const uint64_t *candidates,
         uint64_t *words)
{
    uint64_t left[RC_CHUNK_WORDS];
    uint64_t found[RC_CHUNK_WORDS];
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        memcpy(words, candidates, sizeof(left));
        return;
    case RC_PREDICATE_LEAF:
        evaluate_leaf(match, node, candidates, words);
        return;
    case RC_PREDICATE_NOT:
        evaluate(match, node->children[0], candidates, found);
        for (uint32_t i = 0; i < RC_CHUNK_WORDS; i++)
            words[i] = candidates[i] & ~found[i];
        return;
    case RC_PREDICATE_ALL_OF:
        memcpy(left, candidates, sizeof(left));
        for (uint32_t i = 0; i < node->child_count && rc_words_any(left, RC_CHUNK_WORDS); i++) {
            evaluate(match, node->children[i], left, found);
            memcpy(left, found, sizeof(left));
        }
        memcpy(words, left, sizeof(left));
        return;
    case RC_PREDICATE_ANY_OF:
        memcpy(left, candidates, sizeof(left));
        memset(words, 0, sizeof(left));
        for (uint32_t i = 0; i < node->child_count && rc_words_any(left, RC_CHUNK_WORDS); i++) {
            evaluate(match, node->children[i], left, found);
            rc_words_or(words, found, RC_CHUNK_WORDS);
            for (uint32_t k = 0; k < RC_CHUNK_WORDS; k++)
                left[k] &= ~found[k];
        }
        return;
    case RC_PREDICATE_DEFINITION:
    case RC_PREDICATE_FIRST:
        break;
    }
    RC_ASSERT(false);
}

enum rc_status
rc_match_chunk(const struct rc_match_node *root,
               const struct rc_view_chunk *chunk,
               uint32_t first,
               const _Atomic(bool) *cancel,
               uint64_t words[RC_CHUNK_WORDS])
{
    RC_ASSERT(chunk->row_count <= RC_CHUNK_ROWS);
    uint64_t candidates[RC_CHUNK_WORDS] = {0};
    if (first < chunk->row_count)
        rc_words_set_range(candidates, first, chunk->row_count);
    struct chunk_match match = {.chunk = chunk, .scratch = {.cancel = cancel}};
    evaluate(&match, root, candidates, words);
    rc_leaf_scratch_close(&match.scratch);
    return match.scratch.status;
}
