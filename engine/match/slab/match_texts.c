/*
 * Match texts. The leaf says where among sorted keys its values can stand (leaf_ranges.h); two
 * searches turn a range into numbers of texts, and only ranges that have to be tested are decoded.
 * So an equality reads one block of texts, and a prefix two. A set of so many values that the
 * searches would cost more than a walk over all texts is tested text by text.
 *
 * A part that texts shall contain is looked for only in what a text does not share with the one
 * before it, whose answer holds for the rest: of an URL, a quarter.
 *
 * Nothing is kept by text: the answer for the slab is cached as rows.
 */
#include "engine/match/slab/match_texts.h"

#include <string.h>

#include "engine/match/leaf/leaf_ranges.h"

/* Texts tested between two looks at the cancel flag: under a millisecond of regular expressions. */
#define TEXTS_BETWEEN_LOOKS 2048u

/* Texts that are tested in the time of one search: about 60 ns and 1 us. */
#define TEXTS_PER_SEARCH 16u
#define RANGES_SEARCHED_ALWAYS 4u /* No leaf but a set has more. */

struct texts_match {
    struct rc_slab_match *match;
    struct rc_leaf_codes *codes;
    const struct rc_texts *texts;
    struct rc_text_cursor cursor;
    uint8_t *table;
    uint32_t passed;
    struct rc_bytes part; /* That texts shall contain; NULL: the leaf is another one. */
};

/* No end of a part is so far back. */
#define NOT_FOUND SIZE_MAX

/* Where the first occurrence of the part ends in the cursor's key, which is a string's; found: the
 * same of the key before, of which it shares the first shared bytes. */
static size_t
find_part(const struct rc_text_cursor *cursor, struct rc_bytes part, size_t found, size_t shared)
{
    if (found <= shared)
        return found;
    /* None ends in what is shared. A key begins with its kind. */
    const size_t begin = shared + 1 > part.size ? shared + 1 - part.size : 0;
    const size_t from = begin > 1 ? begin : 1;
    const struct rc_bytes left = {cursor->key.data + from, cursor->key.size - from};
    const char *at = rc_bytes_find(left, part);
    return at == NULL ? NOT_FOUND : (size_t)(at - cursor->key.data) + part.size;
}

/* Tests the texts [first, end) for a part. */
static enum rc_status
search_range(struct texts_match *state, uint32_t first, uint32_t end)
{
    struct rc_text_cursor *cursor = &state->cursor;
    size_t found = NOT_FOUND;
    for (uint32_t number = first; number < end; number++) {
        if ((number - first) % TEXTS_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(state->match))
            return RC_CANCELLED;
        RC_TRY(number == first ? rc_text_cursor_seek(cursor, number) : rc_text_cursor_next(cursor));
        if ((unsigned char)cursor->key.data[0] != RC_VALUE_STRING) { /* Lists are behind strings. */
            found = NOT_FOUND;
            state->table[number] =
                rc_leaf_codes_key(state->codes, cursor->key, &state->match->leaf_scratch);
        } else {
            found = find_part(cursor, state->part, found, number == first ? 0 : cursor->prefix);
            state->table[number] = found != NOT_FOUND;
        }
        state->passed += state->table[number];
    }
    state->match->work.texts += end - first;
    return state->match->leaf_scratch.status;
}

/* Tests the texts [first, end). */
static enum rc_status
test_range(struct texts_match *state, uint32_t first, uint32_t end)
{
    struct rc_text_cursor *cursor = &state->cursor;
    for (uint32_t number = first; number < end; number++) {
        if ((number - first) % TEXTS_BETWEEN_LOOKS == 0) {
            RC_TRY(state->match->leaf_scratch.status);
            if (rc_slab_match_cancelled(state->match))
                return RC_CANCELLED;
        }
        RC_TRY(number == first ? rc_text_cursor_seek(cursor, number) : rc_text_cursor_next(cursor));
        state->table[number] =
            rc_leaf_codes_key(state->codes, cursor->key, &state->match->leaf_scratch);
        state->passed += state->table[number];
    }
    state->match->work.texts += end - first;
    return state->match->leaf_scratch.status;
}

static enum rc_status
match_range(struct texts_match *state, const struct rc_key_range *range)
{
    uint32_t first = 0;
    uint32_t end = state->texts->count;
    bool equal = false;
    if (range->first.size > 0)
        RC_TRY(rc_texts_lower_bound(state->texts, range->first, &first, &equal));
    if (range->kind == RC_KEY_PASSES)
        end = equal ? first + 1 : first;
    else if (range->end.size > 0)
        RC_TRY(rc_texts_lower_bound(state->texts, range->end, &end, &equal));
    if (first >= end)
        return RC_OK;
    if (range->kind == RC_KEYS_TESTED && state->part.data != NULL)
        return search_range(state, first, end);
    if (range->kind == RC_KEYS_TESTED)
        return test_range(state, first, end);
    memset(state->table + first, 1, end - first);
    state->passed += end - first;
    return RC_OK;
}

static enum rc_status
match_ranges(struct texts_match *state, const struct rc_key_range *ranges, uint32_t count)
{
    if (count > state->texts->count / TEXTS_PER_SEARCH + RANGES_SEARCHED_ALWAYS)
        return test_range(state, 0, state->texts->count);
    for (uint32_t i = 0; i < count; i++) {
        if (i % TEXTS_BETWEEN_LOOKS == 0 && rc_slab_match_cancelled(state->match))
            return RC_CANCELLED;
        RC_TRY(match_range(state, &ranges[i]));
    }
    return RC_OK;
}

enum rc_status
rc_match_texts(struct rc_slab_match *match,
               const struct rc_match_node *node,
               const struct rc_texts *texts,
               uint8_t *table,
               uint32_t *ret_passed)
{
    struct texts_match state = {
        .match = match, .codes = rc_match_leaf_codes(node->leaf), .texts = texts, .table = table};
    const struct rc_key_range *ranges;
    uint32_t range_count;
    const struct rc_leaf *leaf = node->source;
    if (leaf->operator== RC_LEAF_CONTAINS && !leaf->ignore_case && leaf->derivation == NULL)
        state.part = leaf->values[0].string;
    RC_TRY(rc_leaf_ranges(leaf, match->arena, &ranges, &range_count));
    rc_text_cursor_open(&state.cursor, texts, rc_match_cache_account(match->cache));
    const enum rc_status status = match_ranges(&state, ranges, range_count);
    rc_text_cursor_close(&state.cursor);
    RC_TRY(status);
    *ret_passed = state.passed;
    return RC_OK;
}
