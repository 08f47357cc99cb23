/*
 * User predicate: one pass over the persons for each leaf, words in between; where a property has
 * few values it is one over bytes. The leaf's answers by
 * dictionary code are shared with every other query; the sets of persons are not kept, as each
 * write of a property changes them.
 */
#include "engine/match/predicate/user_predicate.h"

#include "engine/base/assert.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/derived/made_column.h"
#include "engine/match/rows/scan.h"
#include "engine/match/rows/words.h"

/* Answers by cell: users have few values, but seldom that of the user before. */
#define MEMO_BITS 6u

struct memo {
    rc_cell cell;
    bool passes;
};

struct user_match {
    struct rc_match_cache *cache;
    struct rc_view *view;
    int64_t as_of_ms;
    const _Atomic(bool) *cancel;
    struct rc_arena *arena;
    uint32_t user_count;
    uint32_t word_count;
    struct rc_error *reterr_error;
};

/* One leaf, about to be asked of a property's values, or of what a formula makes of several. */
struct test {
    const struct rc_dictionary *dictionary;
    struct rc_made_column made;
    struct rc_leaf_codes *codes;
    struct rc_leaf_scratch scratch;
};

static bool
passes(struct test *test, rc_cell cell)
{
    if (test->made.kind != RC_MADE_NONE && cell != RC_CELL_NULL)
        return rc_leaf_codes_value(test->codes, rc_made_cell_value(&test->made, cell),
                                   &test->scratch);
    return rc_leaf_codes_cell(test->codes, test->dictionary, cell, &test->scratch);
}

/* Each value once, and then bytes. */
static void
test_codes(const struct user_match *match,
           const struct rc_user_codes *codes,
           struct test *test,
           uint64_t *words)
{
    uint8_t table[RC_USER_CODES_MAX + RC_SCAN_TABLE_PADDING] = {0};
    const struct rc_column_view column = {.form = RC_COLUMN_PLAIN,
                                          .code_width = 1,
                                          .code_count = match->user_count,
                                          .codes = codes->codes,
                                          .dictionary_count = codes->cell_count,
                                          .dictionary = codes->cells};
    struct rc_scan scan;
    for (uint32_t code = 0; code < codes->cell_count; code++)
        table[code] = passes(test, codes->cells[code]);
    rc_scan_prepare(&column, table, &scan);
    rc_scan_codes(&scan, match->user_count, words);
}

static void
test_cells(const struct user_match *match, const rc_cell *cells, struct test *test, uint64_t *words)
{
    struct memo memos[1u << MEMO_BITS] = {{.cell = 0}}; /* Null passes no leaf. */
    for (uint32_t user = 0; user < match->user_count; user++) {
        const rc_cell cell = cells[user];
        struct memo *memo = &memos[cell * 0x9e3779b97f4a7c15ULL >> (64 - MEMO_BITS)];
        if (memo->cell != cell)
            *memo = (struct memo){.cell = cell, .passes = passes(test, cell)};
        words[user / 64] |= (uint64_t)memo->passes << (user % 64);
    }
}

static enum rc_status
test_stored(struct user_match *match, struct rc_bytes name, struct test *test, uint64_t *words)
{
    const struct rc_properties *properties = rc_view_user_properties(match->view);
    const uint32_t property = rc_properties_find(properties, name);
    const struct rc_user_codes *codes = NULL;
    const rc_cell *cells = NULL;
    if (property == RC_PROPERTY_NONE)
        return RC_OK;
    test->dictionary = rc_properties_dictionary(properties, property);
    RC_TRY(rc_view_user_codes(match->view, property, match->as_of_ms, &codes));
    RC_TRY(rc_view_user_cells(match->view, property, match->as_of_ms, &cells));
    if (codes != NULL)
        test_codes(match, codes, test, words);
    else
        test_cells(match, cells, test, words);
    return test->scratch.status;
}

static enum rc_status
test_made(struct user_match *match, struct test *test, uint64_t *words)
{
    const rc_cell *cells = NULL;
    RC_TRY(rc_made_column_owners(&test->made, match->view, match->as_of_ms, match->cancel,
                                 match->arena, &cells));
    test_cells(match, cells, test, words);
    return test->scratch.status;
}

/* Words are zero. */
static enum rc_status
test_persons(struct user_match *match,
             const struct rc_leaf *leaf,
             struct rc_leaf_codes *codes,
             uint64_t *words)
{
    struct test test = {.codes = codes, .scratch = {.cancel = match->cancel}};
    RC_TRY(rc_made_column_open(leaf->derivation, rc_view_user_properties(match->view),
                               rc_match_cache_account(match->cache), &test.made));
    const enum rc_status status = test.made.kind == RC_MADE_NONE
                                      ? test_stored(match, leaf->property, &test, words)
                                      : test_made(match, &test, words);
    rc_leaf_scratch_close(&test.scratch);
    rc_made_column_close(&test.made);
    return status;
}

/* The persons who have one of some ids. */
static void
find_persons(const struct user_match *match, const struct rc_leaf *leaf, uint64_t *words)
{
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        const uint32_t user = rc_view_find_user(match->view, leaf->values[i].string);
        if (user == RC_CODE_NONE)
            continue;
        const uint32_t person = rc_view_person_of(match->view, user);
        words[person / 64] |= (uint64_t)1 << (person % 64);
    }
}

static enum rc_status
evaluate_leaf(struct user_match *match, const struct rc_predicate *node, uint64_t *words)
{
    const struct rc_leaf *leaf = &node->leaf;
    if (leaf->scope == RC_LEAF_USER_ID) {
        memset(words, 0, match->word_count * sizeof(*words));
        find_persons(match, leaf, words);
        return RC_OK;
    }
    if (leaf->scope != RC_LEAF_USER)
        return rc_error_field(match->reterr_error, RC_INVALID, "property",
                              "\"%.*s\" is a property of events where one of users is expected",
                              (int)leaf->property.size, leaf->property.data);
    memset(words, 0, match->word_count * sizeof(*words));
    struct rc_match_key key;
    struct rc_match_leaf *compiled = NULL;
    RC_TRY_OR(match->reterr_error, rc_match_key_of(node, match->arena, &key));
    RC_TRY_OR(match->reterr_error, rc_match_cache_get_leaf(match->cache, leaf, &key, &compiled));
    const enum rc_status status = test_persons(match, leaf, rc_match_leaf_codes(compiled), words);
    rc_match_cache_put_leaf(match->cache, compiled);
    RC_TRY_OR(match->reterr_error, status);
    return RC_OK;
}

static enum rc_status
evaluate(struct user_match *match, const struct rc_predicate *node, uint64_t *words);

static enum rc_status
evaluate_list(struct user_match *match, const struct rc_predicate *node, uint64_t *words)
{
    const bool all_of = node->kind == RC_PREDICATE_ALL_OF;
    memset(words, 0, match->word_count * sizeof(*words));
    if (all_of)
        rc_words_set_range(words, 0, match->user_count);
    uint64_t *other = RC_ARENA_ARRAY(match->arena, uint64_t, match->word_count);
    if (other == NULL)
        return rc_error_set(match->reterr_error, RC_NO_MEMORY, "%s",
                            rc_status_sentence(RC_NO_MEMORY));
    for (uint32_t i = 0; i < node->child_count; i++) {
        RC_TRY(evaluate(match, node->children[i], other));
        if (all_of)
            (void)rc_words_and(words, other, match->word_count);
        else
            rc_words_or(words, other, match->word_count);
    }
    return RC_OK;
}

static enum rc_status
evaluate(struct user_match *match, const struct rc_predicate *node, uint64_t *words)
{
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        memset(words, 0, match->word_count * sizeof(*words));
        rc_words_set_range(words, 0, match->user_count);
        return RC_OK;
    case RC_PREDICATE_LEAF:
        return evaluate_leaf(match, node, words);
    case RC_PREDICATE_NOT:
        RC_TRY(evaluate(match, node->children[0], words));
        rc_words_invert(words, match->word_count, match->user_count);
        return RC_OK;
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
        return evaluate_list(match, node, words);
    case RC_PREDICATE_DEFINITION:
    case RC_PREDICATE_FIRST:
        break;
    }
    return rc_error_field(match->reterr_error, RC_INVALID,
                          node->kind == RC_PREDICATE_FIRST ? "first" : "definition",
                          "this is a question about events, not about users");
}

enum rc_status
rc_user_predicate_match(struct rc_match_cache *cache,
                        struct rc_view *view,
                        int64_t as_of_ms,
                        const _Atomic(bool) *cancel,
                        const struct rc_predicate *predicate,
                        struct rc_arena *arena,
                        uint64_t *words,
                        struct rc_error *reterr_error)
{
    const struct rc_predicate *canonical;
    RC_TRY_OR(reterr_error, rc_predicate_canonical(predicate, arena, &canonical));
    const uint32_t user_count = rc_view_user_count(view);
    struct user_match match = {.cache = cache,
                               .view = view,
                               .as_of_ms = as_of_ms,
                               .cancel = cancel,
                               .arena = arena,
                               .user_count = user_count,
                               .word_count = (uint32_t)(((uint64_t)user_count + 63) / 64),
                               .reterr_error = reterr_error};
    return evaluate(&match, canonical, words);
}
