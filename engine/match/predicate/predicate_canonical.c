/*
 * Predicate, canonical: rebuilt from the leaves up, so a node sees only canonical children.
 *
 *   leaf             a numeric text becomes its number (of an id a number becomes its text); a set
 *                    is sorted, unique, and folded when it ignores case; ignore_case goes when no
 *                    text is left to fold; a CSS selector is written in its one form
 *   NOT              NOT NOT x is x; the opposites of true and false are constants
 *   ALL_OF, ANY_OF   children of the same kind are taken in, neutral ones dropped, an absorbing one
 *                    decides, the rest are sorted by their stored bytes and unique; one child
 * stands alone
 *   FIRST            as it is, over a canonical child; a filter beside it stays behind it
 *
 * True is TRUE; false is an ANY_OF without children. A canonical tree is never deeper than its
 * source.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"
#include "engine/match/leaf/fold.h"
#include "engine/match/leaf/leaf.h"
#include "engine/match/predicate/predicate.h"

struct keyed_child {
    const struct rc_predicate *node;
    struct rc_bytes key; /* Its stored bytes. */
};

static bool
is_false(const struct rc_predicate *node)
{
    return node->kind == RC_PREDICATE_ANY_OF && node->child_count == 0;
}

static enum rc_status
constant(struct rc_arena *arena, bool truth, const struct rc_predicate **ret_node)
{
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    node->kind = truth ? RC_PREDICATE_TRUE : RC_PREDICATE_ANY_OF;
    *ret_node = node;
    return RC_OK;
}

static int
value_order(const void *a, const void *b)
{
    return rc_value_compare(*(const struct rc_value *)a, *(const struct rc_value *)b);
}

/* Ids are texts. */
static enum rc_status
canonical_id(struct rc_value value, struct rc_arena *arena, struct rc_value *ret_value)
{
    char text[32];
    *ret_value = value;
    if (value.kind == RC_VALUE_STRING)
        return RC_OK;
    const size_t size = rc_number_text(value, text);
    const char *copy = rc_arena_string(arena, text, size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_value = rc_value_string((struct rc_bytes){copy, size});
    return RC_OK;
}

static enum rc_status
canonical_value(struct rc_value value,
                bool ignore_case,
                struct rc_arena *arena,
                struct rc_value *ret_value)
{
    if (rc_leaf_number(value, ret_value))
        return RC_OK;
    if (value.kind == RC_VALUE_STRING && ignore_case) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        const struct rc_bytes folded = rc_fold_text(value.string, &writer);
        const char *copy = writer.failed ? NULL : rc_arena_string(arena, folded.data, folded.size);
        if (copy == NULL)
            return RC_NO_MEMORY;
        value.string = (struct rc_bytes){copy, folded.size};
    }
    *ret_value = value;
    return RC_OK;
}

/* One spelling for selectors of one meaning; one that would be too long stays as it is. */
static enum rc_status
canonical_css(const struct rc_predicate *source,
              struct rc_arena *arena,
              const struct rc_predicate **ret_node)
{
    const struct rc_css_selector *selector = NULL;
    struct rc_bytes text;
    RC_TRY(rc_css_selector_compile(source->leaf.values[0].string, arena, &selector, NULL));
    RC_TRY(rc_css_selector_text(selector, arena, &text));
    *ret_node = source;
    if (text.size > RC_PATTERN_BYTES_MAX)
        return RC_OK;
    struct rc_predicate *node = rc_arena_copy(arena, source, sizeof(*source));
    struct rc_value *value = RC_ARENA_ARRAY(arena, struct rc_value, 1);
    if (node == NULL || value == NULL)
        return RC_NO_MEMORY;
    *value = rc_value_string(text);
    node->leaf.values = value;
    *ret_node = node;
    return RC_OK;
}

static enum rc_status
canonical_leaf(const struct rc_predicate *source,
               struct rc_arena *arena,
               const struct rc_predicate **ret_node)
{
    if (source->leaf.operator== RC_LEAF_CSS)
        return canonical_css(source, arena, ret_node);
    if (source->leaf.operator> RC_LEAF_BETWEEN) { /* Text operands stay as they are. */
        *ret_node = source;
        return RC_OK;
    }
    struct rc_predicate *node = rc_arena_copy(arena, source, sizeof(*source));
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, source->leaf.value_count);
    if (node == NULL || values == NULL)
        return RC_NO_MEMORY;
    uint32_t count = source->leaf.value_count;
    bool any_text = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_value value = source->leaf.values[i];
        RC_TRY(rc_leaf_scope_is_id(source->leaf.scope)
                   ? canonical_id(value, arena, &values[i])
                   : canonical_value(value, source->leaf.ignore_case, arena, &values[i]));
        any_text |= values[i].kind == RC_VALUE_STRING;
    }
    if (source->leaf.operator== RC_LEAF_IN) {
        qsort(values, count, sizeof(*values), value_order);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (kept == 0 || !rc_value_same(values[kept - 1], values[i]))
                values[kept++] = values[i];
        }
        count = kept;
    }
    node->leaf.values = values;
    node->leaf.value_count = count;
    node->leaf.ignore_case = source->leaf.ignore_case && any_text;
    *ret_node = node;
    return RC_OK;
}

static enum rc_status
canonical_not(const struct rc_predicate *child,
              struct rc_arena *arena,
              const struct rc_predicate **ret_node)
{
    if (child->kind == RC_PREDICATE_TRUE || is_false(child))
        return constant(arena, is_false(child), ret_node);
    if (child->kind == RC_PREDICATE_NOT) {
        *ret_node = child->children[0];
        return RC_OK;
    }
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, 1);
    if (node == NULL || children == NULL)
        return RC_NO_MEMORY;
    children[0] = child;
    *node = (struct rc_predicate){.kind = RC_PREDICATE_NOT, .child_count = 1, .children = children};
    *ret_node = node;
    return RC_OK;
}

static int
child_order(const void *a, const void *b)
{
    return rc_bytes_compare(((const struct keyed_child *)a)->key,
                            ((const struct keyed_child *)b)->key);
}

/* Sorts children by their stored bytes and drops repeats; returns how many are left in *count. */
static enum rc_status
sort_children(const struct rc_predicate **children, uint32_t *count, struct rc_arena *arena)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct keyed_child *keyed = RC_ARENA_ARRAY(arena, struct keyed_child, *count);
    if (keyed == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < *count; i++) {
        writer.size = 0;
        rc_predicate_write(&writer, children[i]);
        const char *copy = writer.failed ? NULL : rc_arena_copy(arena, writer.data, writer.size);
        if (copy == NULL)
            return RC_NO_MEMORY;
        keyed[i] = (struct keyed_child){children[i], {copy, writer.size}};
    }
    qsort(keyed, *count, sizeof(*keyed), child_order);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (i == 0 || !rc_bytes_equal(keyed[i - 1].key, keyed[i].key))
            children[kept++] = keyed[i].node;
    }
    *count = kept;
    return RC_OK;
}

/* An ALL_OF or ANY_OF over canonical children. */
static enum rc_status
canonical_list(enum rc_predicate_kind kind,
               const struct rc_predicate *const *sources,
               uint32_t source_count,
               struct rc_arena *arena,
               const struct rc_predicate **ret_node)
{
    const bool all_of = kind == RC_PREDICATE_ALL_OF;
    size_t room = 0;
    for (uint32_t i = 0; i < source_count; i++)
        room += sources[i]->kind == kind ? sources[i]->child_count : 1;
    const struct rc_predicate **children = RC_ARENA_ARRAY(arena, const struct rc_predicate *, room);
    if (children == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < source_count; i++) {
        const struct rc_predicate *child = sources[i];
        const bool child_is_true = child->kind == RC_PREDICATE_TRUE;
        if (child_is_true || is_false(child)) {
            if (child_is_true != all_of)
                return constant(arena, child_is_true, ret_node);
        } else if (child->kind == kind) {
            for (uint32_t k = 0; k < child->child_count; k++)
                children[count++] = child->children[k];
        } else {
            children[count++] = child;
        }
    }
    RC_TRY(sort_children(children, &count, arena));
    if (count == 0)
        return constant(arena, all_of, ret_node);
    if (count == 1) {
        *ret_node = children[0];
        return RC_OK;
    }
    struct rc_predicate *node = rc_arena_zero(arena, sizeof(*node));
    if (node == NULL)
        return RC_NO_MEMORY;
    *node = (struct rc_predicate){.kind = kind, .child_count = count, .children = children};
    *ret_node = node;
    return RC_OK;
}

enum rc_status
rc_predicate_canonical(const struct rc_predicate *predicate,
                       struct rc_arena *arena,
                       const struct rc_predicate **ret_canonical)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return canonical_leaf(predicate, arena, ret_canonical);
    if (predicate->kind == RC_PREDICATE_TRUE || predicate->kind == RC_PREDICATE_DEFINITION) {
        *ret_canonical = predicate;
        return RC_OK;
    }
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(arena, const struct rc_predicate *, predicate->child_count);
    if (children == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < predicate->child_count; i++)
        RC_TRY(rc_predicate_canonical(predicate->children[i], arena, &children[i]));
    if (predicate->kind == RC_PREDICATE_NOT)
        return canonical_not(children[0], arena, ret_canonical);
    if (predicate->kind == RC_PREDICATE_FIRST || rc_predicate_first(predicate) != NULL) {
        struct rc_predicate *node = rc_arena_copy(arena, predicate, sizeof(*predicate));
        if (node == NULL)
            return RC_NO_MEMORY;
        node->children = children;
        *ret_canonical = node;
        return RC_OK;
    }
    RC_ASSERT(predicate->kind == RC_PREDICATE_ALL_OF || predicate->kind == RC_PREDICATE_ANY_OF);
    return canonical_list(predicate->kind, children, predicate->child_count, arena, ret_canonical);
}
