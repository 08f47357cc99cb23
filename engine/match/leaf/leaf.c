/*
 * Leaf test: operands are sorted into numbers, texts and booleans when compiled, so that a set of
 * ten thousand values costs a binary search. A numeric string is a number here and never a text:
 * beside any operand, "1" behaves as 1 does.
 */
#include "engine/match/leaf/leaf.h"

#include <stdlib.h>

#include "engine/match/leaf/fold.h"
#include "engine/match/leaf/like.h"
#include "engine/match/leaf/pattern.h"

struct rc_leaf_test {
    struct rc_arena *arena; /* Of the operands; the test itself is in it too. */
    enum rc_leaf_operator operator;
    bool ignore_case;
    bool takes_true;
    bool takes_false;
    uint32_t number_count;
    uint32_t text_count;
    struct rc_value *numbers;  /* Ascending. */
    struct rc_bytes *texts;    /* Ascending; folded when ignore_case. */
    struct rc_value bounds[2]; /* Of comparisons: a numeric string is its number. */
    struct rc_bytes text;      /* Of text operators; folded when ignore_case. */
    struct rc_like like;
    struct rc_pattern *pattern;
    const struct rc_css_selector *css;
    struct rc_deriver *deriver; /* NULL: the value is tested as it is. */
};

void
rc_leaf_scratch_close(struct rc_leaf_scratch *scratch)
{
    scratch->items = rc_arena_free(scratch->items);
    rc_writer_close(&scratch->folded);
    rc_css_scratch_close(&scratch->css);
    rc_derive_scratch_close(&scratch->derive);
}

bool
rc_leaf_number(struct rc_value value, struct rc_value *ret_number)
{
    if (value.kind == RC_VALUE_INT || value.kind == RC_VALUE_DOUBLE) {
        *ret_number = value;
        return true;
    }
    if (value.kind != RC_VALUE_STRING || value.string.size == 0)
        return false;
    const char first = value.string.data[0];
    return ((first >= '0' && first <= '9') || first == '-') &&
           rc_value_of_numeric_text(value.string, ret_number);
}

/* A copy of text in the test's arena, folded if the test ignores case. */
static enum rc_status
copy_text(struct rc_leaf_test *test, struct rc_bytes text, struct rc_bytes *ret_text)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    if (test->ignore_case) {
        text = rc_fold_text(text, &writer);
        if (writer.failed)
            return RC_NO_MEMORY;
    }
    const char *copy = rc_arena_string(test->arena, text.size == 0 ? "" : text.data, text.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    *ret_text = (struct rc_bytes){copy, text.size};
    return RC_OK;
}

static int
number_order(const void *a, const void *b)
{
    return rc_number_compare(*(const struct rc_value *)a, *(const struct rc_value *)b);
}

static int
text_order(const void *a, const void *b)
{
    return rc_bytes_compare(*(const struct rc_bytes *)a, *(const struct rc_bytes *)b);
}

static enum rc_status
compile_set(struct rc_leaf_test *test, const struct rc_leaf *leaf)
{
    test->numbers = RC_ARENA_ARRAY(test->arena, struct rc_value, leaf->value_count);
    test->texts = RC_ARENA_ARRAY(test->arena, struct rc_bytes, leaf->value_count);
    if (test->numbers == NULL || test->texts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        const struct rc_value value = leaf->values[i];
        if (rc_leaf_number(value, &test->numbers[test->number_count])) {
            test->number_count++;
        } else if (value.kind == RC_VALUE_STRING) {
            RC_TRY(copy_text(test, value.string, &test->texts[test->text_count]));
            test->text_count++;
        } else if (value.kind == RC_VALUE_BOOL) {
            test->takes_true |= value.boolean;
            test->takes_false |= !value.boolean;
        } else {
            return RC_INVALID;
        }
    }
    qsort(test->numbers, test->number_count, sizeof(*test->numbers), number_order);
    qsort(test->texts, test->text_count, sizeof(*test->texts), text_order);
    return RC_OK;
}

static enum rc_status
compile_bounds(struct rc_leaf_test *test, const struct rc_leaf *leaf)
{
    if (leaf->value_count != (leaf->operator== RC_LEAF_BETWEEN ? 2u : 1u))
        return RC_INVALID;
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        if (rc_leaf_number(leaf->values[i], &test->bounds[i]))
            continue;
        test->bounds[i] = leaf->values[i];
        if (leaf->values[i].kind == RC_VALUE_STRING)
            RC_TRY(copy_text(test, leaf->values[i].string, &test->bounds[i].string));
    }
    return RC_OK;
}

static enum rc_status
compile_text(struct rc_leaf_test *test, const struct rc_leaf *leaf)
{
    if (leaf->value_count != 1 || leaf->values[0].kind != RC_VALUE_STRING)
        return RC_INVALID;
    const struct rc_bytes text = leaf->values[0].string;
    if (leaf->operator== RC_LEAF_REGEX)
        return rc_pattern_new_later(text.data, text.size, leaf->ignore_case, &test->pattern);
    if (leaf->operator== RC_LEAF_CSS)
        return rc_css_selector_compile(text, test->arena, &test->css, NULL);
    RC_TRY(copy_text(test, text, &test->text));
    return leaf->operator== RC_LEAF_LIKE ? rc_like_compile(test->text, test->arena, &test->like)
                                         : RC_OK;
}

static enum rc_status
compile(struct rc_leaf_test *test, const struct rc_leaf *leaf)
{
    switch (leaf->operator) {
    case RC_LEAF_IN:
        return compile_set(test, leaf);
    case RC_LEAF_LESS:
    case RC_LEAF_LESS_EQUAL:
    case RC_LEAF_GREATER:
    case RC_LEAF_GREATER_EQUAL:
    case RC_LEAF_BETWEEN:
        return compile_bounds(test, leaf);
    case RC_LEAF_IS_SET:
        return RC_OK;
    case RC_LEAF_CONTAINS:
    case RC_LEAF_STARTS_WITH:
    case RC_LEAF_ENDS_WITH:
    case RC_LEAF_LIKE:
    case RC_LEAF_REGEX:
    case RC_LEAF_CSS:
        return compile_text(test, leaf);
    }
    return RC_INVALID;
}

/* The test outlives the predicate, so it keeps the derivation in its own arena: by the stored form.
 */
static enum rc_status
copy_derivation(struct rc_leaf_test *test,
                const struct rc_derivation *source,
                struct rc_account *account)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_derivation_write(&writer, source);
    const void *bytes = writer.failed ? NULL : rc_arena_copy(test->arena, writer.data, writer.size);
    if (bytes == NULL)
        return RC_NO_MEMORY;
    struct rc_reader reader = rc_reader_of(bytes, writer.size);
    const struct rc_derivation *derivation;
    RC_TRY(rc_derivation_read(&reader, test->arena, &derivation, NULL));
    return rc_deriver_new(derivation, account, &test->deriver);
}

enum rc_status
rc_leaf_test_new(const struct rc_leaf *leaf,
                 struct rc_account *account,
                 struct rc_leaf_test **ret_test)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new_small(account);
    if (arena == NULL)
        return RC_NO_MEMORY;
    struct rc_leaf_test *test = rc_arena_zero(arena, sizeof(*test));
    if (test == NULL)
        return RC_NO_MEMORY;
    test->arena = arena;
    test->operator= leaf->operator;
    test->ignore_case = leaf->ignore_case;
    enum rc_status status = compile(test, leaf);
    if (status == RC_OK && leaf->derivation != NULL)
        status = copy_derivation(test, leaf->derivation, account);
    if (status != RC_OK) {
        rc_deriver_free(test->deriver);
        rc_pattern_free(test->pattern);
        return status;
    }
    RC_TAKE(arena);
    *ret_test = test;
    return RC_OK;
}

const struct rc_deriver *
rc_leaf_test_deriver(const struct rc_leaf_test *test)
{
    return test->deriver;
}

struct rc_leaf_test *
rc_leaf_test_free(struct rc_leaf_test *test)
{
    if (test != NULL) {
        test->pattern = rc_pattern_free(test->pattern);
        test->deriver = rc_deriver_free(test->deriver);
        rc_arena_free(test->arena);
    }
    return NULL;
}

static bool
in_set(const struct rc_leaf_test *test, struct rc_value value, struct rc_leaf_scratch *scratch)
{
    if (value.kind == RC_VALUE_BOOL)
        return value.boolean ? test->takes_true : test->takes_false;
    struct rc_value number;
    if (rc_leaf_number(value, &number))
        return test->number_count > 0 && bsearch(&number, test->numbers, test->number_count,
                                                 sizeof(number), number_order) != NULL;
    if (test->text_count == 0)
        return false;
    const struct rc_bytes text =
        test->ignore_case ? rc_fold_text(value.string, &scratch->folded) : value.string;
    return bsearch(&text, test->texts, test->text_count, sizeof(text), text_order) != NULL;
}

/* Compares a value that is no list with a bound. false: the two do not compare. */
static bool
compare(struct rc_value value, struct rc_value bound, int *ret_order)
{
    struct rc_value number;
    const bool bound_is_number = bound.kind == RC_VALUE_INT || bound.kind == RC_VALUE_DOUBLE;
    if (rc_leaf_number(value, &number)) {
        if (!bound_is_number)
            return false;
        *ret_order = rc_number_compare(number, bound);
        return true;
    }
    if (value.kind != RC_VALUE_STRING || bound.kind != RC_VALUE_STRING)
        return false;
    *ret_order = rc_bytes_compare(value.string, bound.string);
    return true;
}

static bool
in_bounds(const struct rc_leaf_test *test, struct rc_value value)
{
    int order;
    if (!compare(value, test->bounds[0], &order))
        return false;
    switch (test->operator) {
    case RC_LEAF_LESS:
        return order < 0;
    case RC_LEAF_LESS_EQUAL:
        return order <= 0;
    case RC_LEAF_GREATER:
        return order > 0;
    case RC_LEAF_GREATER_EQUAL:
        return order >= 0;
    default: /* BETWEEN */
        return order >= 0 && compare(value, test->bounds[1], &order) && order <= 0;
    }
}

/* Regular expressions and LIKE: tests that may have no answer. */
static bool
pattern_passes(const struct rc_leaf_test *test,
               struct rc_bytes text,
               struct rc_leaf_scratch *scratch)
{
    bool passes = false;
    const enum rc_status status =
        test->operator== RC_LEAF_REGEX
            ? rc_pattern_search(test->pattern, text.data, text.size, &passes)
            : rc_like_match(&test->like, text, &passes);
    if (status != RC_OK && scratch->status == RC_OK)
        scratch->status = status;
    return status == RC_OK && passes;
}

static bool
text_passes(const struct rc_leaf_test *test, struct rc_bytes text, struct rc_leaf_scratch *scratch)
{
    if (test->operator== RC_LEAF_REGEX)
        return pattern_passes(test, text, scratch);
    if (test->operator== RC_LEAF_CSS)
        return rc_css_selector_match(test->css, text, &scratch->css);
    if (test->ignore_case)
        text = rc_fold_text(text, &scratch->folded);
    const struct rc_bytes part = test->text;
    if (test->operator== RC_LEAF_LIKE)
        return pattern_passes(test, text, scratch);
    if (part.size == 0)
        return true;
    if (text.size < part.size)
        return false;
    if (test->operator== RC_LEAF_CONTAINS)
        return rc_bytes_find(text, part) != NULL;
    const size_t at = test->operator== RC_LEAF_STARTS_WITH ? 0 : text.size - part.size;
    return memcmp(text.data + at, part.data, part.size) == 0;
}

/* One value that is neither null nor a list. */
static bool
single_passes(const struct rc_leaf_test *test,
              struct rc_value value,
              struct rc_leaf_scratch *scratch)
{
    if (test->operator== RC_LEAF_IS_SET)
        return true;
    if (test->operator== RC_LEAF_IN)
        return in_set(test, value, scratch);
    if (test->operator<= RC_LEAF_BETWEEN)
        return in_bounds(test, value);
    if (value.kind == RC_VALUE_STRING)
        return text_passes(test, value.string, scratch);
    if (value.kind == RC_VALUE_BOOL)
        return false;
    char text[32];
    const size_t size = rc_number_text(value, text);
    return text_passes(test, (struct rc_bytes){text, size}, scratch);
}

bool
rc_leaf_test_value(const struct rc_leaf_test *test,
                   struct rc_value value,
                   struct rc_leaf_scratch *scratch)
{
    bool passes = false;
    if (scratch->cancel != NULL && atomic_load_explicit(scratch->cancel, memory_order_relaxed))
        scratch->status = RC_CANCELLED;
    if (scratch->status == RC_OK && test->deriver != NULL)
        scratch->status = rc_derive(test->deriver, value, &scratch->derive, &value);
    if (scratch->status != RC_OK)
        return false;
    if (value.kind == RC_VALUE_LIST) {
        for (uint32_t i = 0; i < value.item_count && !passes; i++)
            passes = single_passes(test, rc_value_string(value.items[i]), scratch);
    } else if (value.kind != RC_VALUE_NULL) {
        passes = single_passes(test, value, scratch);
    }
    if (scratch->folded.failed || rc_css_scratch_failed(&scratch->css)) {
        rc_writer_close(&scratch->folded);
        rc_css_scratch_close(&scratch->css);
        if (scratch->status == RC_OK)
            scratch->status = RC_NO_MEMORY;
        return false;
    }
    return passes && scratch->status == RC_OK;
}

bool
rc_leaf_test_is_compiled(const struct rc_leaf_test *test)
{
    return (test->pattern != NULL && rc_pattern_is_compiled(test->pattern)) ||
           (test->deriver != NULL && rc_deriver_is_compiled(test->deriver));
}

void
rc_leaf_test_rest(struct rc_leaf_test *test)
{
    if (test->pattern != NULL)
        rc_pattern_rest(test->pattern);
    if (test->deriver != NULL)
        rc_deriver_rest(test->deriver);
}

uint64_t
rc_leaf_test_memory_bytes(const struct rc_leaf_test *test)
{
    uint64_t bytes = rc_arena_bytes(test->arena);
    if (test->pattern != NULL)
        bytes += rc_pattern_memory_bytes(test->pattern);
    if (test->deriver != NULL)
        bytes += rc_deriver_memory_bytes(test->deriver);
    return bytes;
}
