/*
 * Decode: values, leaves, predicates, selectors.
 *
 * Each leaf is checked by the engine here, on its own, so that what is wrong with it is named by
 * its place in the request and not by its place in the tree that the engine was given.
 */
#include "server/decode/decode.h"

#include "engine/base/limits.h"

enum rc_status
rc_decode_value(struct rc_decode *decode,
                const Recount__V1__Value *value,
                struct rc_value *ret_value)
{
    switch (value->kind_case) {
    case RECOUNT__V1__VALUE__KIND_BOOL_VALUE:
        *ret_value = rc_value_bool(value->bool_value != 0);
        return RC_OK;
    case RECOUNT__V1__VALUE__KIND_INT_VALUE:
        *ret_value = rc_value_int(value->int_value);
        return RC_OK;
    case RECOUNT__V1__VALUE__KIND_DOUBLE_VALUE:
        if (rc_value_of_double(value->double_value, ret_value) != RC_OK)
            return rc_decode_fail(decode, RC_INVALID, "double_value",
                                  "NaN and infinities are no values");
        return RC_OK;
    case RECOUNT__V1__VALUE__KIND_STRING_VALUE:
        *ret_value = rc_value_string(rc_bytes_of(value->string_value));
        return RC_OK;
    case RECOUNT__V1__VALUE__KIND_LIST_VALUE:
        return rc_decode_fail(decode, RC_INVALID, "list_value",
                              "a list is no value to compare with");
    default:
        return rc_decode_fail(decode, RC_INVALID, "",
                              "null is no value to compare with; ask is_set");
    }
}

static enum rc_status
check_property_name(struct rc_decode *decode, const char *field, struct rc_bytes name)
{
    if (name.size == 0 || name.size > RC_PROPERTY_NAME_BYTES_MAX)
        return rc_decode_fail(decode, RC_INVALID, field, "a property's name has 1 to %u bytes",
                              RC_PROPERTY_NAME_BYTES_MAX);
    return RC_OK;
}

/* A property of an account. */
static enum rc_status
decode_account_property(struct rc_decode *decode,
                        const Recount__V1__AccountProperty *property,
                        struct rc_bytes *ret_name,
                        struct rc_bytes *ret_account_key)
{
    const size_t mark = rc_decode_enter(decode, "account_property");
    *ret_account_key = rc_bytes_of(property->account_key);
    *ret_name = rc_bytes_of(property->name);
    RC_TRY(check_property_name(decode, "account_key", *ret_account_key));
    RC_TRY(check_property_name(decode, "name", *ret_name));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

enum rc_status
rc_decode_property_here(struct rc_decode *decode,
                        const Recount__V1__PropertyRef *property,
                        enum rc_leaf_scope *ret_scope,
                        struct rc_bytes *ret_name,
                        struct rc_bytes *ret_account_key)
{
    *ret_account_key = (struct rc_bytes){"", 0};
    if (property == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the property is missing");
    switch (property->source_case) {
    case RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY:
        *ret_scope = RC_LEAF_EVENT;
        *ret_name = rc_bytes_of(property->event_property);
        return check_property_name(decode, "event_property", *ret_name);
    case RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY:
        *ret_scope = RC_LEAF_USER;
        *ret_name = rc_bytes_of(property->user_property);
        return check_property_name(decode, "user_property", *ret_name);
    case RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY:
        *ret_scope = RC_LEAF_ACCOUNT;
        return decode_account_property(decode, property->account_property, ret_name,
                                       ret_account_key);
    case RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID:
        return rc_decode_unsupported(decode, "event_id");
    case RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID:
        return rc_decode_unsupported(decode, "user_id");
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the property is missing");
    }
}

enum rc_status
rc_decode_property(struct rc_decode *decode,
                   const Recount__V1__PropertyRef *property,
                   enum rc_leaf_scope *ret_scope,
                   struct rc_bytes *ret_name,
                   struct rc_bytes *ret_account_key)
{
    const size_t mark = rc_decode_enter(decode, "property");
    RC_TRY(rc_decode_property_here(decode, property, ret_scope, ret_name, ret_account_key));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

/* What a leaf reads: a property, or an id. */
static enum rc_status
leaf_source(struct rc_decode *decode,
            const Recount__V1__PropertyRef *property,
            struct rc_leaf *leaf)
{
    if (property == NULL || (property->source_case != RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID &&
                             property->source_case != RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID))
        return rc_decode_property(decode, property, &leaf->scope, &leaf->property,
                                  &leaf->account_key);
    leaf->scope = property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID
                      ? RC_LEAF_EVENT_ID
                      : RC_LEAF_USER_ID;
    leaf->property = leaf->account_key = RC_BYTES_LITERAL("");
    return RC_OK;
}

/* Takes the values of a test. indexed says that the test is a set, so that places have numbers. */
static enum rc_status
leaf_values(struct rc_decode *decode,
            Recount__V1__Value *const *list,
            size_t count,
            bool indexed,
            struct rc_leaf *leaf)
{
    struct rc_value *values = RC_ARENA_ARRAY(decode->arena, struct rc_value, count);
    if (values == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < count; i++) {
        const size_t mark = indexed ? rc_decode_enter_item(decode, "values", i) : decode->path_size;
        RC_TRY(rc_decode_value(decode, list[i], &values[i]));
        rc_decode_leave(decode, mark);
    }
    leaf->value_count = (uint32_t)count;
    leaf->values = values;
    return RC_OK;
}

static enum rc_status
leaf_value(struct rc_decode *decode,
           const char *field,
           enum rc_leaf_operator
           operator,
           Recount__V1__Value * value,
           struct rc_leaf *leaf)
{
    const size_t mark = rc_decode_enter(decode, field);
    leaf->operator= operator;
    RC_TRY(leaf_values(decode, &value, 1, false, leaf));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
leaf_text(struct rc_decode *decode,
          enum rc_leaf_operator
          operator,
          const char * text,
          struct rc_leaf *leaf)
{
    struct rc_value *value = RC_ARENA_ARRAY(decode->arena, struct rc_value, 1);
    if (value == NULL)
        return rc_decode_no_memory(decode);
    *value = rc_value_string(rc_bytes_of(text));
    leaf->operator= operator;
    leaf->value_count = 1;
    leaf->values = value;
    return RC_OK;
}

static enum rc_status
leaf_set(struct rc_decode *decode, const Recount__V1__ValueSet *set, struct rc_leaf *leaf)
{
    const size_t mark = rc_decode_enter(decode, "in_set");
    leaf->operator= RC_LEAF_IN;
    if (set->n_values == 0)
        return rc_decode_fail(decode, RC_INVALID, "values", "the set is empty");
    if (set->n_values > RC_PREDICATE_VALUES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "values", "a set has at most %u values",
                              RC_PREDICATE_VALUES_MAX);
    RC_TRY(leaf_values(decode, set->values, set->n_values, true, leaf));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
leaf_between(struct rc_decode *decode, const Recount__V1__ValueRange *range, struct rc_leaf *leaf)
{
    const size_t mark = rc_decode_enter(decode, "between");
    struct rc_value *values = RC_ARENA_ARRAY(decode->arena, struct rc_value, 2);
    if (values == NULL)
        return rc_decode_no_memory(decode);
    if (range->low == NULL || range->high == NULL)
        return rc_decode_fail(decode, RC_INVALID, range->low == NULL ? "low" : "high",
                              "the end of the range is missing");
    const size_t low = rc_decode_enter(decode, "low");
    RC_TRY(rc_decode_value(decode, range->low, &values[0]));
    rc_decode_leave(decode, low);
    (void)rc_decode_enter(decode, "high");
    RC_TRY(rc_decode_value(decode, range->high, &values[1]));
    rc_decode_leave(decode, mark);
    leaf->operator= RC_LEAF_BETWEEN;
    leaf->value_count = 2;
    leaf->values = values;
    return RC_OK;
}

static enum rc_status
leaf_test(struct rc_decode *decode, const Recount__V1__Leaf *in, struct rc_leaf *leaf)
{
    switch (in->test_case) {
    case RECOUNT__V1__LEAF__TEST_EQUALS:
        return leaf_value(decode, "equals", RC_LEAF_IN, in->equals, leaf);
    case RECOUNT__V1__LEAF__TEST_IN_SET:
        return leaf_set(decode, in->in_set, leaf);
    case RECOUNT__V1__LEAF__TEST_LESS:
        return leaf_value(decode, "less", RC_LEAF_LESS, in->less, leaf);
    case RECOUNT__V1__LEAF__TEST_LESS_OR_EQUAL:
        return leaf_value(decode, "less_or_equal", RC_LEAF_LESS_EQUAL, in->less_or_equal, leaf);
    case RECOUNT__V1__LEAF__TEST_GREATER:
        return leaf_value(decode, "greater", RC_LEAF_GREATER, in->greater, leaf);
    case RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL:
        return leaf_value(decode, "greater_or_equal", RC_LEAF_GREATER_EQUAL, in->greater_or_equal,
                          leaf);
    case RECOUNT__V1__LEAF__TEST_BETWEEN:
        return leaf_between(decode, in->between, leaf);
    case RECOUNT__V1__LEAF__TEST_IS_SET:
        leaf->operator= RC_LEAF_IS_SET;
        return RC_OK;
    case RECOUNT__V1__LEAF__TEST_CONTAINS:
        return leaf_text(decode, RC_LEAF_CONTAINS, in->contains, leaf);
    case RECOUNT__V1__LEAF__TEST_STARTS_WITH:
        return leaf_text(decode, RC_LEAF_STARTS_WITH, in->starts_with, leaf);
    case RECOUNT__V1__LEAF__TEST_ENDS_WITH:
        return leaf_text(decode, RC_LEAF_ENDS_WITH, in->ends_with, leaf);
    case RECOUNT__V1__LEAF__TEST_LIKE:
        return leaf_text(decode, RC_LEAF_LIKE, in->like, leaf);
    case RECOUNT__V1__LEAF__TEST_REGEX:
        return leaf_text(decode, RC_LEAF_REGEX, in->regex, leaf);
    case RECOUNT__V1__LEAF__TEST_CSS_SELECTOR:
        return leaf_text(decode, RC_LEAF_CSS, in->css_selector, leaf);
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the leaf has no test");
    }
}

static struct rc_predicate *
predicate_new(struct rc_decode *decode, enum rc_predicate_kind kind)
{
    struct rc_predicate *predicate = rc_arena_zero(decode->arena, sizeof(*predicate));
    if (predicate != NULL)
        predicate->kind = kind;
    return predicate;
}

/* A node over an array of children. */
static struct rc_predicate *
predicate_over(struct rc_decode *decode,
               enum rc_predicate_kind kind,
               uint32_t count,
               const struct rc_predicate **children)
{
    struct rc_predicate *predicate = predicate_new(decode, kind);
    if (predicate == NULL)
        return NULL;
    predicate->child_count = count;
    predicate->children = children;
    return predicate;
}

enum rc_status
rc_decode_count_node(struct rc_decode *decode)
{
    return ++decode->predicate_nodes <= RC_PREDICATE_NODES_MAX
               ? RC_OK
               : rc_decode_fail(decode, RC_INVALID, "", "the predicate has more than %u nodes",
                                RC_PREDICATE_NODES_MAX);
}

/* Whether a node may be so deep in its tree. */
static enum rc_status
check_depth(struct rc_decode *decode, uint32_t depth)
{
    return depth + decode->levels_above <= RC_PREDICATE_DEPTH_MAX
               ? RC_OK
               : rc_decode_fail(decode, RC_INVALID, "", "the predicate is more than %u deep",
                                RC_PREDICATE_DEPTH_MAX);
}

/* The engine's own check of one leaf; its path begins with "leaf", which this place already is, and
 * a value is a set of one. */
static enum rc_status
check_leaf(struct rc_decode *decode, const Recount__V1__Leaf *in, const struct rc_predicate *leaf)
{
    struct rc_error error = {.status = RC_OK};
    const enum rc_status status = rc_predicate_check_more(leaf, &decode->pattern_steps, &error);
    if (status == RC_OK)
        return RC_OK;
    const char *field = error.field;
    if (strncmp(field, "leaf.", 5) == 0)
        field += 5;
    else if (strcmp(field, "leaf") == 0)
        field += 4;
    if (in->test_case == RECOUNT__V1__LEAF__TEST_EQUALS && strcmp(field, "in_set") == 0)
        field = "equals";
    return rc_decode_fail(decode, status, field, "%s", error.message);
}

enum rc_status
rc_decode_leaf(struct rc_decode *decode,
               const Recount__V1__Leaf *leaf,
               const struct rc_predicate **ret_predicate)
{
    struct rc_predicate *predicate = predicate_new(decode, RC_PREDICATE_LEAF);
    if (predicate == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(leaf_source(decode, leaf->property, &predicate->leaf));
    RC_TRY(leaf_test(decode, leaf, &predicate->leaf));
    predicate->leaf.ignore_case = leaf->case_insensitive != 0;
    RC_TRY(check_leaf(decode, leaf, predicate));
    if (leaf->negated == 0) {
        *ret_predicate = predicate;
        return RC_OK;
    }
    const struct rc_predicate **child =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, 1);
    struct rc_predicate *negation =
        child == NULL ? NULL : predicate_over(decode, RC_PREDICATE_NOT, 1, child);
    if (negation == NULL)
        return rc_decode_no_memory(decode);
    child[0] = predicate;
    *ret_predicate = negation;
    return RC_OK;
}

/* ---- Trees ----------------------------------------------------------------------------------- */

static enum rc_status
decode_tree(struct rc_decode *decode,
            const Recount__V1__Predicate *in,
            uint32_t depth,
            const struct rc_predicate **ret_predicate);

static enum rc_status
decode_children(struct rc_decode *decode,
                enum rc_predicate_kind kind,
                Recount__V1__Predicate *const *list,
                size_t count,
                uint32_t depth,
                const struct rc_predicate **ret_predicate)
{
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, count + 1);
    struct rc_predicate *node =
        children == NULL ? NULL : predicate_over(decode, kind, (uint32_t)count, children);
    if (node == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < count; i++) {
        const size_t mark = kind == RC_PREDICATE_NOT ? rc_decode_enter(decode, "negation")
                                                     : rc_decode_enter_item(decode, "", i);
        RC_TRY(decode_tree(decode, list[i], depth + 1, &children[i]));
        rc_decode_leave(decode, mark);
    }
    *ret_predicate = node;
    return RC_OK;
}

static enum rc_status
decode_list(struct rc_decode *decode,
            const char *field,
            enum rc_predicate_kind kind,
            const Recount__V1__PredicateList *list,
            uint32_t depth,
            const struct rc_predicate **ret_predicate)
{
    const size_t mark = rc_decode_enter(decode, field);
    RC_TRY(
        decode_children(decode, kind, list->predicates, list->n_predicates, depth, ret_predicate));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_definition(struct rc_decode *decode,
                  const char *name,
                  const struct rc_predicate **ret_predicate)
{
    struct rc_predicate *predicate = predicate_new(decode, RC_PREDICATE_DEFINITION);
    if (predicate == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(rc_decode_reference(decode, "definition", name, RC_REFERENCE_DEFINITION,
                               &predicate->definition));
    *ret_predicate = predicate;
    return RC_OK;
}

static enum rc_status
decode_tree(struct rc_decode *decode,
            const Recount__V1__Predicate *in,
            uint32_t depth,
            const struct rc_predicate **ret_predicate)
{
    RC_TRY(check_depth(decode, depth));
    RC_TRY(rc_decode_count_node(decode));
    switch (in->kind_case) {
    case RECOUNT__V1__PREDICATE__KIND_ALL_OF:
        return decode_list(decode, "all_of", RC_PREDICATE_ALL_OF, in->all_of, depth, ret_predicate);
    case RECOUNT__V1__PREDICATE__KIND_ANY_OF:
        return decode_list(decode, "any_of", RC_PREDICATE_ANY_OF, in->any_of, depth, ret_predicate);
    case RECOUNT__V1__PREDICATE__KIND_NEGATION:
        return decode_children(decode, RC_PREDICATE_NOT, &in->negation, 1, depth, ret_predicate);
    case RECOUNT__V1__PREDICATE__KIND_LEAF: {
        const size_t mark = rc_decode_enter(decode, "leaf");
        if (in->leaf->negated) { /* NOT is a node of its own. */
            RC_TRY(check_depth(decode, depth + 1));
            RC_TRY(rc_decode_count_node(decode));
        }
        RC_TRY(rc_decode_leaf(decode, in->leaf, ret_predicate));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    case RECOUNT__V1__PREDICATE__KIND_DEFINITION:
        return decode_definition(decode, in->definition, ret_predicate);
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the predicate has no kind");
    }
}

enum rc_status
rc_decode_predicate(struct rc_decode *decode,
                    const Recount__V1__Predicate *predicate,
                    const struct rc_predicate **ret_predicate)
{
    if (predicate == NULL)
        return rc_decode_fail(decode, RC_INVALID, "", "the predicate is missing");
    return decode_tree(decode, predicate, 1, ret_predicate);
}
