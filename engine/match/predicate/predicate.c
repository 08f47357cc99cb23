/*
 * Predicate: the checks. The walk carries the depth and the count of nodes seen, so that a tree
 * that is too large is left at the limit; the path of the node at fault is put together on the way
 * back up.
 */
#include "engine/match/predicate/predicate.h"

#include "engine/base/limits.h"
#include "engine/match/css/css_selector.h"
#include "engine/match/leaf/like.h"
#include "engine/match/leaf/pattern.h"
#include "engine/match/predicate/predicate_shape.h"

struct walk {
    uint32_t node_count;
    const struct rc_predicate *first; /* Where a FIRST may stand. */
    uint32_t *steps; /* Of regular expressions so far; NULL: they are not compiled. */
    struct rc_error *reterr_error;
};

const char *rc_leaf_operator_name(enum rc_leaf_operator operator)
{
    switch (operator) {
    case RC_LEAF_IN:
        return "in_set";
    case RC_LEAF_LESS:
        return "less";
    case RC_LEAF_LESS_EQUAL:
        return "less_or_equal";
    case RC_LEAF_GREATER:
        return "greater";
    case RC_LEAF_GREATER_EQUAL:
        return "greater_or_equal";
    case RC_LEAF_BETWEEN:
        return "between";
    case RC_LEAF_IS_SET:
        return "is_set";
    case RC_LEAF_CONTAINS:
        return "contains";
    case RC_LEAF_STARTS_WITH:
        return "starts_with";
    case RC_LEAF_ENDS_WITH:
        return "ends_with";
    case RC_LEAF_LIKE:
        return "like";
    case RC_LEAF_REGEX:
        return "regex";
    case RC_LEAF_CSS:
        return "css_selector";
    }
    return "unknown";
}

static bool is_text_operator(enum rc_leaf_operator operator)
{
    return operator>= RC_LEAF_CONTAINS && operator<= RC_LEAF_CSS;
}

/* How many operands an operator takes. */
static void
operand_bounds(enum rc_leaf_operator operator, uint32_t * ret_min, uint32_t *ret_max)
{
    *ret_min = 1;
    *ret_max = 1;
    if (operator== RC_LEAF_IN)
        *ret_max = RC_PREDICATE_VALUES_MAX;
    else if (operator== RC_LEAF_BETWEEN)
        *ret_min = *ret_max = 2;
    else if (operator== RC_LEAF_IS_SET)
        *ret_min = *ret_max = 0;
}

static enum rc_status
check_operand(const struct rc_leaf *leaf, uint32_t index, struct rc_error *reterr_error)
{
    const char *name = rc_leaf_operator_name(leaf->operator);
    const struct rc_value value = leaf->values[index];
    switch (value.kind) {
    case RC_VALUE_NULL:
        return rc_error_field(reterr_error, RC_INVALID, name,
                              "null is no value to compare with; use is_set and its negation");
    case RC_VALUE_BOOL:
        if (leaf->operator== RC_LEAF_IN)
            return RC_OK;
        return rc_error_field(reterr_error, RC_INVALID, name, "the value must be a %s",
                              is_text_operator(leaf->operator) ? "text" : "number or a text");
    case RC_VALUE_INT:
    case RC_VALUE_DOUBLE:
        if (!is_text_operator(leaf->operator))
            return RC_OK;
        return rc_error_field(reterr_error, RC_INVALID, name, "the value must be a text");
    case RC_VALUE_STRING:
        break;
    default:
        return rc_error_field(reterr_error, RC_INVALID, name, "a list is no value to compare with");
    }
    if (value.string.size > RC_VALUE_BYTES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, name,
                              "a value has %zu bytes, more than %u", value.string.size,
                              RC_VALUE_BYTES_MAX);
    if (!rc_bytes_is_text(value.string))
        return rc_error_field(reterr_error, RC_INVALID, name, "a value is not valid UTF-8 text");
    return RC_OK;
}

static enum rc_status
check_regex(const struct walk *walk, struct rc_bytes text, bool ignore_case)
{
    struct rc_pattern *pattern = NULL;
    RC_TRY(rc_pattern_new(text.data, text.size, ignore_case, &pattern, walk->reterr_error));
    *walk->steps += rc_pattern_steps(pattern);
    rc_pattern_free(pattern);
    if (*walk->steps > RC_PATTERN_STEPS_TOTAL_MAX)
        return rc_error_set(walk->reterr_error, RC_LIMIT_EXCEEDED,
                            "the regular expressions are too large together: they make more than "
                            "%u steps",
                            RC_PATTERN_STEPS_TOTAL_MAX);
    return RC_OK;
}

static enum rc_status
check_css(struct rc_bytes text, struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    const struct rc_css_selector *selector = NULL;
    return rc_css_selector_compile(text, arena, &selector, reterr_error);
}

static enum rc_status
check_pattern(const struct walk *walk, const struct rc_leaf *leaf)
{
    const char *name = rc_leaf_operator_name(leaf->operator);
    const struct rc_bytes text = leaf->values[0].string;
    struct rc_error *reterr_error = walk->reterr_error;
    if (text.size > RC_PATTERN_BYTES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, name,
                              "the pattern has %zu bytes, more than %u", text.size,
                              RC_PATTERN_BYTES_MAX);
    if (leaf->operator== RC_LEAF_LIKE)
        return rc_like_is_valid(text)
                   ? RC_OK
                   : rc_error_field(reterr_error, RC_INVALID, name,
                                    "the pattern ends in a backslash that escapes nothing");
    if (walk->steps == NULL)
        return RC_OK;
    const enum rc_status status = leaf->operator== RC_LEAF_CSS
                                      ? check_css(text, reterr_error)
                                      : check_regex(walk, text, leaf->ignore_case);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "%s", name);
    return status;
}

/* Where the value comes from that a leaf tests. */
static enum rc_status
check_source(const struct rc_leaf *leaf, struct rc_error *reterr_error)
{
    if (leaf->scope < RC_LEAF_EVENT || leaf->scope > RC_LEAF_USER_ID)
        return rc_error_field(reterr_error, RC_INVALID, "property",
                              "the property is neither of the event, the user nor an account");
    if (rc_leaf_scope_is_id(leaf->scope))
        return leaf->property.size == 0
                   ? RC_OK
                   : rc_error_field(reterr_error, RC_INVALID, "property", "an id has no property");
    if (leaf->scope == RC_LEAF_ACCOUNT &&
        (leaf->account_key.size == 0 || leaf->account_key.size > RC_PROPERTY_NAME_BYTES_MAX ||
         !rc_bytes_is_text(leaf->account_key)))
        return rc_error_field(reterr_error, RC_INVALID, "property",
                              "the name of the property that names the account is a text of 1 to "
                              "%u bytes",
                              RC_PROPERTY_NAME_BYTES_MAX);
    if (leaf->property.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "property", "the property has no name");
    if (leaf->property.size > RC_PROPERTY_NAME_BYTES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "property",
                              "the property's name has %zu bytes, more than %u",
                              leaf->property.size, RC_PROPERTY_NAME_BYTES_MAX);
    if (!rc_bytes_is_text(leaf->property))
        return rc_error_field(reterr_error, RC_INVALID, "property",
                              "the property's name is not valid UTF-8 text");
    return RC_OK;
}

/* Ids are texts, and 42 is the text "42". */
static enum rc_status
check_id_test(const struct rc_leaf *leaf, const char *name, struct rc_error *reterr_error)
{
    if (leaf->operator!= RC_LEAF_IN)
        return rc_error_field(reterr_error, RC_INVALID, name,
                              "an id is compared by equals and in_set alone");
    if (leaf->ignore_case)
        return rc_error_field(reterr_error, RC_INVALID, "case_insensitive", "ids compare by bytes");
    for (uint32_t i = 0; i < leaf->value_count; i++) {
        const enum rc_value_kind kind = leaf->values[i].kind;
        if (kind != RC_VALUE_STRING && kind != RC_VALUE_INT)
            return rc_error_field(reterr_error, RC_INVALID, name,
                                  "an id is a text or a whole number");
    }
    return RC_OK;
}

static enum rc_status
check_leaf(const struct walk *walk, const struct rc_leaf *leaf)
{
    struct rc_error *reterr_error = walk->reterr_error;
    RC_TRY(check_source(leaf, reterr_error));
    if (leaf->operator<RC_LEAF_IN || leaf->operator> RC_LEAF_CSS)
        return rc_error_field(reterr_error, RC_INVALID, "", "the test %d is unknown",
                              (int)leaf->operator);
    const char *name = rc_leaf_operator_name(leaf->operator);
    uint32_t count_min;
    uint32_t count_max;
    operand_bounds(leaf->operator, & count_min, &count_max);
    if (leaf->value_count > RC_PREDICATE_VALUES_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, name, "%u values are more than %u",
                              leaf->value_count, RC_PREDICATE_VALUES_MAX);
    if (leaf->value_count < count_min || leaf->value_count > count_max)
        return rc_error_field(reterr_error, RC_INVALID, name, "takes %s%u values, not %u",
                              count_min == count_max ? "" : "at least ", count_min,
                              leaf->value_count);
    if (leaf->ignore_case && leaf->operator!= RC_LEAF_IN && !is_text_operator(leaf->operator))
        return rc_error_field(reterr_error, RC_INVALID, "case_insensitive",
                              "%s does not look at letters", name);
    if (leaf->ignore_case && leaf->operator== RC_LEAF_CSS)
        return rc_error_field(reterr_error, RC_INVALID, "case_insensitive",
                              "a selector has cases of its own: write [name=value i]");
    for (uint32_t i = 0; i < leaf->value_count; i++)
        RC_TRY(check_operand(leaf, i, reterr_error));
    if (rc_leaf_scope_is_id(leaf->scope))
        RC_TRY(check_id_test(leaf, name, reterr_error));
    if (leaf->operator>= RC_LEAF_LIKE)
        return check_pattern(walk, leaf);
    return RC_OK;
}

static enum rc_status
check_definition(const struct walk *walk, struct rc_bytes name)
{
    if (name.size == 0)
        return rc_error_field(walk->reterr_error, RC_INVALID, "definition", "the name is empty");
    if (name.size > RC_NAME_BYTES_MAX)
        return rc_error_field(walk->reterr_error, RC_LIMIT_EXCEEDED, "definition",
                              "the name has %zu bytes, more than %u", name.size, RC_NAME_BYTES_MAX);
    if (!rc_bytes_is_text(name))
        return rc_error_field(walk->reterr_error, RC_INVALID, "definition",
                              "the name is not valid UTF-8 text");
    return RC_OK;
}

static enum rc_status
check_node(struct walk *walk, const struct rc_predicate *node, uint32_t depth);

static enum rc_status
check_children(struct walk *walk, const struct rc_predicate *node, uint32_t depth)
{
    for (uint32_t i = 0; i < node->child_count; i++) {
        const enum rc_status status = check_node(walk, node->children[i], depth + 1);
        if (status == RC_OK)
            continue;
        if (node->kind == RC_PREDICATE_FIRST)
            rc_error_prefix(walk->reterr_error, "first");
        else if (node->kind == RC_PREDICATE_NOT)
            rc_error_prefix(walk->reterr_error, "negation");
        else
            rc_error_prefix(walk->reterr_error, "%s[%u]",
                            node->kind == RC_PREDICATE_ALL_OF ? "all_of" : "any_of", i);
        return status;
    }
    return RC_OK;
}

static enum rc_status
check_node(struct walk *walk, const struct rc_predicate *node, uint32_t depth)
{
    if (depth > RC_PREDICATE_DEPTH_MAX)
        return rc_error_field(walk->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the predicate is more than %u deep", RC_PREDICATE_DEPTH_MAX);
    if (++walk->node_count > RC_PREDICATE_NODES_MAX)
        return rc_error_field(walk->reterr_error, RC_LIMIT_EXCEEDED, "",
                              "the predicate has more than %u nodes", RC_PREDICATE_NODES_MAX);
    switch (node->kind) {
    case RC_PREDICATE_TRUE:
        return RC_OK;
    case RC_PREDICATE_NOT:
        if (node->child_count != 1)
            return rc_error_field(walk->reterr_error, RC_INVALID, "negation",
                                  "takes one predicate, not %u", node->child_count);
        return check_children(walk, node, depth);
    case RC_PREDICATE_ALL_OF:
    case RC_PREDICATE_ANY_OF:
        return check_children(walk, node, depth);
    case RC_PREDICATE_LEAF: {
        const enum rc_status status = check_leaf(walk, &node->leaf);
        if (status != RC_OK)
            rc_error_prefix(walk->reterr_error, "leaf");
        return status;
    }
    case RC_PREDICATE_DEFINITION:
        return check_definition(walk, node->definition);
    case RC_PREDICATE_FIRST:
        if (node != walk->first)
            return rc_error_field(walk->reterr_error, RC_INVALID, "",
                                  "a first event is no part of a predicate");
        if (node->child_count != 1)
            return rc_error_field(walk->reterr_error, RC_INVALID, "first",
                                  "takes one predicate, not %u", node->child_count);
        return check_children(walk, node, depth);
    }
    return rc_error_field(walk->reterr_error, RC_INVALID, "", "the kind of predicate is not set");
}

enum rc_status
rc_predicate_check_shape(const struct rc_predicate *predicate,
                         bool compile_patterns,
                         struct rc_error *reterr_error)
{
    uint32_t steps = 0;
    struct walk walk = {
        .first = rc_predicate_first(predicate),
        .steps = compile_patterns ? &steps : NULL,
        .reterr_error = reterr_error,
    };
    return check_node(&walk, predicate, 1);
}

enum rc_status
rc_predicate_check_more(const struct rc_predicate *predicate,
                        uint32_t *steps,
                        struct rc_error *reterr_error)
{
    struct walk walk = {
        .first = rc_predicate_first(predicate), .steps = steps, .reterr_error = reterr_error};
    return check_node(&walk, predicate, 1);
}

enum rc_status
rc_predicate_check(const struct rc_predicate *predicate, struct rc_error *reterr_error)
{
    return rc_predicate_check_shape(predicate, true, reterr_error);
}

const struct rc_predicate *
rc_predicate_first(const struct rc_predicate *predicate)
{
    if (predicate->kind == RC_PREDICATE_FIRST)
        return predicate;
    if (predicate->kind != RC_PREDICATE_ALL_OF || predicate->child_count != 2)
        return NULL;
    return predicate->children[0]->kind == RC_PREDICATE_FIRST ? predicate->children[0] : NULL;
}

bool
rc_predicate_reads_user(const struct rc_predicate *predicate)
{
    if (predicate->kind == RC_PREDICATE_LEAF)
        return predicate->leaf.scope == RC_LEAF_USER || predicate->leaf.scope == RC_LEAF_USER_ID;
    for (uint32_t i = 0; i < predicate->child_count; i++) {
        if (rc_predicate_reads_user(predicate->children[i]))
            return true;
    }
    return false;
}
