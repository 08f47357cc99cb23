/*
 * Leaf ranges. A key begins with its kind, so numbers come first (only those that fit no cell),
 * then strings by bytes, then lists:
 *
 *   2, 3   numbers            4 "-" .. 4 "9..."   the strings that may be numbers
 *   5      lists              4 ...               the other strings
 *
 * Numbers and lists are few and always tested where a leaf can let any of them pass. A leaf that
 * ignores case tests everything: other characters than a letter's two cases fold to it.
 */
#include "engine/match/leaf/leaf_ranges.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/store/value/value.h"

_Static_assert(RC_VALUE_INT < RC_VALUE_DOUBLE && RC_VALUE_DOUBLE < RC_VALUE_STRING &&
                   RC_VALUE_STRING < RC_VALUE_LIST,
               "numbers stand before strings and strings before lists");

static const struct rc_bytes strings_begin = {(const char[]){RC_VALUE_STRING}, 1};
static const struct rc_bytes lists_begin = {(const char[]){RC_VALUE_LIST}, 1};
static const struct rc_bytes numeric_begin = {(const char[]){RC_VALUE_STRING, '-'}, 2};
static const struct rc_bytes numeric_end = {(const char[]){RC_VALUE_STRING, '9' + 1}, 2};

/* Ranges beside those of a set's texts: numbers, numeric strings, strings, lists. */
#define RANGES_BESIDE_TEXTS 4u

struct ranges {
    struct rc_arena *arena;
    struct rc_key_range *list;
    uint32_t count;
};

static void
add(struct ranges *ranges, enum rc_key_range_kind kind, struct rc_bytes first, struct rc_bytes end)
{
    ranges->list[ranges->count++] = (struct rc_key_range){.kind = kind, .first = first, .end = end};
}

static void
add_all(struct ranges *ranges)
{
    add(ranges, RC_KEYS_TESTED, (struct rc_bytes){0}, (struct rc_bytes){0});
}

/* The key of a string, with room for one more byte. */
static enum rc_status
key_of(struct ranges *ranges, struct rc_bytes text, struct rc_bytes *ret_key)
{
    char *key = rc_arena_alloc(ranges->arena, text.size + 2);
    if (key == NULL)
        return RC_NO_MEMORY;
    key[0] = RC_VALUE_STRING;
    if (text.size > 0)
        memcpy(key + 1, text.data, text.size);
    *ret_key = (struct rc_bytes){key, text.size + 1};
    return RC_OK;
}

/* The least key above all that begin with the key of text. The last byte of UTF-8 is never 255. */
static enum rc_status
end_of_prefix(struct ranges *ranges, struct rc_bytes text, struct rc_bytes *ret_end)
{
    RC_TRY(key_of(ranges, text, ret_end));
    char *last = (char *)ret_end->data + ret_end->size - 1;
    *last = (char)((unsigned char)*last + 1);
    return RC_OK;
}

/* The least key above the key of text: strings hold no NUL. */
static enum rc_status
end_of_text(struct ranges *ranges, struct rc_bytes text, struct rc_bytes *ret_end)
{
    RC_TRY(key_of(ranges, text, ret_end));
    ((char *)ret_end->data)[ret_end->size++] = '\0';
    return RC_OK;
}

static bool
is_number(struct rc_value value)
{
    return value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE;
}

static bool
in_numeric(struct rc_bytes key)
{
    return rc_bytes_compare(key, numeric_begin) >= 0 && rc_bytes_compare(key, numeric_end) < 0;
}

/* A set. Its values ascend: booleans, numbers, texts. */
static enum rc_status
ranges_of_set(struct ranges *ranges, const struct rc_leaf *leaf)
{
    bool any_number = false;
    bool any_text = false;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        any_number |= is_number(leaf->values[i]);
        any_text |= leaf->values[i].kind == RC_VALUE_STRING;
    }
    if (any_number)
        add(ranges, RC_KEYS_TESTED, (struct rc_bytes){0}, strings_begin);
    bool numeric_added = !any_number;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        struct rc_bytes key;
        if (leaf->values[i].kind != RC_VALUE_STRING)
            continue;
        RC_TRY(key_of(ranges, leaf->values[i].string, &key));
        if (any_number && in_numeric(key))
            continue; /* Tested there. */
        if (!numeric_added && rc_bytes_compare(key, numeric_end) >= 0) {
            add(ranges, RC_KEYS_TESTED, numeric_begin, numeric_end);
            numeric_added = true;
        }
        add(ranges, RC_KEY_PASSES, key, (struct rc_bytes){0});
    }
    if (!numeric_added)
        add(ranges, RC_KEYS_TESTED, numeric_begin, numeric_end);
    if (any_number || any_text)
        add(ranges, RC_KEYS_TESTED, lists_begin, (struct rc_bytes){0});
    return RC_OK;
}

/* A comparison: with numbers, with texts, or of bounds that do not go together. */
static enum rc_status
ranges_of_comparison(struct ranges *ranges, const struct rc_leaf *leaf)
{
    const struct rc_value low = leaf->values[0];
    const struct rc_value high = leaf->values[leaf->value_count - 1];
    if (is_number(low) && is_number(high)) {
        add(ranges, RC_KEYS_TESTED, (struct rc_bytes){0}, strings_begin);
        add(ranges, RC_KEYS_TESTED, numeric_begin, numeric_end);
    } else if (low.kind == RC_VALUE_STRING && high.kind == RC_VALUE_STRING) {
        const bool has_low =
            leaf->operator== RC_LEAF_GREATER || leaf->operator== RC_LEAF_GREATER_EQUAL || leaf->
            operator== RC_LEAF_BETWEEN;
        const bool has_high =
            leaf->operator!= RC_LEAF_GREATER && leaf->operator!= RC_LEAF_GREATER_EQUAL;
        struct rc_bytes first = strings_begin;
        struct rc_bytes end = lists_begin;
        if (has_low)
            RC_TRY(key_of(ranges, low.string, &first));
        if (has_high)
            RC_TRY(end_of_text(ranges, high.string, &end));
        if (rc_bytes_compare(first, end) < 0)
            add(ranges, RC_KEYS_TESTED, first, end);
    } else {
        return RC_OK;
    }
    add(ranges, RC_KEYS_TESTED, lists_begin, (struct rc_bytes){0});
    return RC_OK;
}

/* What every text begins with that a LIKE pattern covers. */
static enum rc_status
prefix_of_like(struct ranges *ranges, struct rc_bytes pattern, struct rc_bytes *ret_prefix)
{
    char *prefix = rc_arena_alloc(ranges->arena, pattern.size + 1);
    size_t size = 0;
    if (prefix == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '%' || pattern.data[i] == '_')
            break;
        if (pattern.data[i] == '\\' && ++i == pattern.size)
            break;
        prefix[size++] = pattern.data[i];
    }
    *ret_prefix = (struct rc_bytes){prefix, size};
    return RC_OK;
}

/* A leaf that wants texts to begin with prefix; kind says whether that is all that it wants. */
static enum rc_status
ranges_of_prefix(struct ranges *ranges, struct rc_bytes prefix, enum rc_key_range_kind kind)
{
    struct rc_bytes first;
    struct rc_bytes end;
    RC_TRY(key_of(ranges, prefix, &first));
    RC_TRY(end_of_prefix(ranges, prefix, &end));
    add(ranges, RC_KEYS_TESTED, (struct rc_bytes){0}, strings_begin);
    add(ranges, kind, first, end);
    add(ranges, RC_KEYS_TESTED, lists_begin, (struct rc_bytes){0});
    return RC_OK;
}

static enum rc_status
ranges_of_leaf(struct ranges *ranges, const struct rc_leaf *leaf)
{
    struct rc_bytes prefix;
    switch (leaf->operator) {
    case RC_LEAF_IS_SET:
        add(ranges, RC_KEYS_PASS, (struct rc_bytes){0}, lists_begin);
        add(ranges, RC_KEYS_TESTED, lists_begin, (struct rc_bytes){0});
        return RC_OK;
    case RC_LEAF_IN:
        return ranges_of_set(ranges, leaf);
    case RC_LEAF_LESS:
    case RC_LEAF_LESS_EQUAL:
    case RC_LEAF_GREATER:
    case RC_LEAF_GREATER_EQUAL:
    case RC_LEAF_BETWEEN:
        return ranges_of_comparison(ranges, leaf);
    case RC_LEAF_STARTS_WITH:
        return ranges_of_prefix(ranges, leaf->values[0].string, RC_KEYS_PASS);
    case RC_LEAF_LIKE:
        RC_TRY(prefix_of_like(ranges, leaf->values[0].string, &prefix));
        return ranges_of_prefix(ranges, prefix, RC_KEYS_TESTED);
    case RC_LEAF_CONTAINS:
    case RC_LEAF_ENDS_WITH:
    case RC_LEAF_REGEX:
    case RC_LEAF_CSS:
        break;
    }
    add_all(ranges);
    return RC_OK;
}

enum rc_status
rc_leaf_ranges(const struct rc_leaf *leaf,
               struct rc_arena *arena,
               const struct rc_key_range **ret_ranges,
               uint32_t *ret_count)
{
    struct ranges ranges = {.arena = arena,
                            .list = RC_ARENA_ARRAY(arena, struct rc_key_range,
                                                   leaf->value_count + RANGES_BESIDE_TEXTS)};
    if (ranges.list == NULL)
        return RC_NO_MEMORY;
    if (leaf->ignore_case || leaf->derivation != NULL)
        add_all(&ranges);
    else
        RC_TRY(ranges_of_leaf(&ranges, leaf));
    RC_ASSERT(ranges.count <= leaf->value_count + RANGES_BESIDE_TEXTS);
    *ret_ranges = ranges.list;
    *ret_count = ranges.count;
    return RC_OK;
}
