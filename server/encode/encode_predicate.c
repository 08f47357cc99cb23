/* Encode: stored predicates and segment rules, back into the messages that they came from. */
#include "server/encode/encode.h"

/* ---- Leaves ---------------------------------------------------------------------------------- */

static enum rc_status
encode_set(struct rc_arena *arena, const struct rc_leaf *leaf, Recount__V1__Leaf *out)
{
    if (leaf->value_count == 1) {
        out->test_case = RECOUNT__V1__LEAF__TEST_EQUALS;
        return rc_encode_value(arena, leaf->values[0], &out->equals);
    }
    out->test_case = RECOUNT__V1__LEAF__TEST_IN_SET;
    RC_NEW(arena, out->in_set, recount__v1__value_set__descriptor);
    RC_NEW_ARRAY(arena, out->in_set->values, Recount__V1__Value *, leaf->value_count);
    out->in_set->n_values = leaf->value_count;
    for (uint32_t i = 0; i < leaf->value_count; i++)
        RC_TRY(rc_encode_value(arena, leaf->values[i], &out->in_set->values[i]));
    return RC_OK;
}

static enum rc_status
encode_between(struct rc_arena *arena, const struct rc_leaf *leaf, Recount__V1__Leaf *out)
{
    out->test_case = RECOUNT__V1__LEAF__TEST_BETWEEN;
    RC_NEW(arena, out->between, recount__v1__value_range__descriptor);
    RC_TRY(rc_encode_value(arena, leaf->values[0], &out->between->low));
    return rc_encode_value(arena, leaf->values[1], &out->between->high);
}

/* The comparisons share a place in the message (a oneof of the same type), as do the texts. */
static enum rc_status
encode_operand(struct rc_arena *arena,
               const struct rc_leaf *leaf,
               Recount__V1__Leaf__TestCase test,
               Recount__V1__Leaf *out)
{
    out->test_case = test;
    if (leaf->operator>= RC_LEAF_CONTAINS) {
        RC_NEW_TEXT(arena, out->contains, leaf->values[0].string);
        return RC_OK;
    }
    return rc_encode_value(arena, leaf->values[0], &out->less);
}

static enum rc_status
encode_test(struct rc_arena *arena, const struct rc_leaf *leaf, Recount__V1__Leaf *out)
{
    switch (leaf->operator) {
    case RC_LEAF_IN:
        return encode_set(arena, leaf, out);
    case RC_LEAF_LESS:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_LESS, out);
    case RC_LEAF_LESS_EQUAL:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_LESS_OR_EQUAL, out);
    case RC_LEAF_GREATER:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_GREATER, out);
    case RC_LEAF_GREATER_EQUAL:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_GREATER_OR_EQUAL, out);
    case RC_LEAF_BETWEEN:
        return encode_between(arena, leaf, out);
    case RC_LEAF_IS_SET:
        out->test_case = RECOUNT__V1__LEAF__TEST_IS_SET;
        RC_NEW(arena, out->is_set, recount__v1__is_set__descriptor);
        return RC_OK;
    case RC_LEAF_CONTAINS:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_CONTAINS, out);
    case RC_LEAF_STARTS_WITH:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_STARTS_WITH, out);
    case RC_LEAF_ENDS_WITH:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_ENDS_WITH, out);
    case RC_LEAF_LIKE:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_LIKE, out);
    case RC_LEAF_REGEX:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_REGEX, out);
    case RC_LEAF_CSS:
        return encode_operand(arena, leaf, RECOUNT__V1__LEAF__TEST_CSS_SELECTOR, out);
    }
    return RC_CORRUPT;
}

enum rc_status
rc_encode_property_ref(struct rc_arena *arena,
                       enum rc_leaf_scope scope,
                       struct rc_bytes name,
                       struct rc_bytes account_key,
                       Recount__V1__PropertyRef *out)
{
    if (scope == RC_LEAF_USER) {
        out->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY;
        RC_NEW_TEXT(arena, out->user_property, name);
    } else if (scope == RC_LEAF_ACCOUNT) {
        out->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY;
        RC_NEW(arena, out->account_property, recount__v1__account_property__descriptor);
        RC_NEW_TEXT(arena, out->account_property->account_key, account_key);
        RC_NEW_TEXT(arena, out->account_property->name, name);
    } else if (scope == RC_LEAF_EVENT_ID) {
        out->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_ID;
        RC_NEW(arena, out->event_id, recount__v1__event_id__descriptor);
    } else if (scope == RC_LEAF_USER_ID) {
        out->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID;
        RC_NEW(arena, out->user_id, recount__v1__user_id__descriptor);
    } else {
        out->source_case = RECOUNT__V1__PROPERTY_REF__SOURCE_EVENT_PROPERTY;
        RC_NEW_TEXT(arena, out->event_property, name);
    }
    return RC_OK;
}

enum rc_status
rc_encode_leaf(struct rc_arena *arena,
               const struct rc_leaf *leaf,
               bool negated,
               Recount__V1__Leaf **ret_leaf)
{
    Recount__V1__Leaf *out;
    RC_NEW(arena, out, recount__v1__leaf__descriptor);
    RC_NEW(arena, out->property, recount__v1__property_ref__descriptor);
    RC_TRY(rc_encode_property_ref(arena, leaf->scope, leaf->property, leaf->account_key,
                                  out->property));
    RC_TRY(encode_test(arena, leaf, out));
    out->case_insensitive = leaf->ignore_case;
    out->negated = negated;
    *ret_leaf = out;
    return RC_OK;
}

/* ---- Predicates ------------------------------------------------------------------------------ */

static enum rc_status
encode_children(struct rc_arena *arena,
                struct rc_bytes project,
                const struct rc_predicate *predicate,
                Recount__V1__PredicateList **ret_list)
{
    Recount__V1__PredicateList *list;
    RC_NEW(arena, list, recount__v1__predicate_list__descriptor);
    RC_NEW_ARRAY(arena, list->predicates, Recount__V1__Predicate *, predicate->child_count);
    list->n_predicates = predicate->child_count;
    for (uint32_t i = 0; i < predicate->child_count; i++)
        RC_TRY(rc_encode_predicate(arena, project, predicate->children[i], &list->predicates[i]));
    *ret_list = list;
    return RC_OK;
}

static enum rc_status
encode_not(struct rc_arena *arena,
           struct rc_bytes project,
           const struct rc_predicate *child,
           Recount__V1__Predicate *out)
{
    if (child->kind == RC_PREDICATE_LEAF) {
        out->kind_case = RECOUNT__V1__PREDICATE__KIND_LEAF;
        return rc_encode_leaf(arena, &child->leaf, true, &out->leaf);
    }
    out->kind_case = RECOUNT__V1__PREDICATE__KIND_NEGATION;
    return rc_encode_predicate(arena, project, child, &out->negation);
}

enum rc_status
rc_encode_predicate(struct rc_arena *arena,
                    struct rc_bytes project,
                    const struct rc_predicate *predicate,
                    Recount__V1__Predicate **ret_predicate)
{
    Recount__V1__Predicate *out;
    RC_NEW(arena, out, recount__v1__predicate__descriptor);
    *ret_predicate = out;
    switch (predicate->kind) {
    case RC_PREDICATE_TRUE: /* An AND of nothing. */
    case RC_PREDICATE_ALL_OF:
        out->kind_case = RECOUNT__V1__PREDICATE__KIND_ALL_OF;
        return encode_children(arena, project, predicate, &out->all_of);
    case RC_PREDICATE_ANY_OF:
        out->kind_case = RECOUNT__V1__PREDICATE__KIND_ANY_OF;
        return encode_children(arena, project, predicate, &out->any_of);
    case RC_PREDICATE_NOT:
        return encode_not(arena, project, predicate->children[0], out);
    case RC_PREDICATE_LEAF:
        out->kind_case = RECOUNT__V1__PREDICATE__KIND_LEAF;
        return rc_encode_leaf(arena, &predicate->leaf, false, &out->leaf);
    case RC_PREDICATE_FIRST: /* Of a selector: rc_encode_selector takes it off. */
        break;
    case RC_PREDICATE_DEFINITION:
        out->kind_case = RECOUNT__V1__PREDICATE__KIND_DEFINITION;
        return rc_encode_format(arena, &out->definition, "projects/%.*s/definitions/%.*s",
                                (int)project.size, project.data, (int)predicate->definition.size,
                                predicate->definition.data);
    }
    return RC_CORRUPT;
}
