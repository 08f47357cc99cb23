/*
 * Decode: selectors. Terms are an OR; a selector of one term is that term. First events are a FIRST
 * around it, and with a filter an ALL_OF of that and the filter. What is put around counts as
 * levels and nodes, since what is stored and asked is the whole. Each node that the tree has for a
 * part of the selector says where in the request that is.
 */
#include "engine/base/limits.h"
#include "server/decode/decode.h"

/* A predicate of the request at its place in a selector, which is name_place where it is a name. */
static enum rc_status
decode_predicate_at(struct rc_decode *decode,
                    const char *place,
                    const char *name_place,
                    uint32_t number,
                    const Recount__V1__Predicate *in,
                    const struct rc_predicate **ret_predicate)
{
    const struct rc_predicate *decoded;
    RC_TRY(rc_decode_predicate(decode, in, &decoded));
    struct rc_predicate *placed = rc_arena_copy(decode->arena, decoded, sizeof(*decoded));
    if (placed == NULL)
        return rc_decode_no_memory(decode);
    placed->place = decoded->kind == RC_PREDICATE_DEFINITION ? name_place : place;
    placed->place_number = number;
    *ret_predicate = placed;
    return RC_OK;
}

static enum rc_status
decode_term(struct rc_decode *decode,
            const Recount__V1__SelectorTerm *term,
            uint32_t number,
            const struct rc_predicate **ret_predicate)
{
    struct rc_predicate *predicate = rc_arena_zero(decode->arena, sizeof(*predicate));
    if (predicate == NULL)
        return rc_decode_no_memory(decode);
    if (term->kind_case != RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE)
        RC_TRY(rc_decode_count_node(decode));
    switch (term->kind_case) {
    case RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT:
        predicate->kind = RC_PREDICATE_TRUE;
        break;
    case RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION:
        predicate->kind = RC_PREDICATE_DEFINITION;
        predicate->place = "terms[%u].definition";
        predicate->place_number = number;
        RC_TRY(rc_decode_reference(decode, "definition", term->definition, RC_REFERENCE_DEFINITION,
                                   &predicate->definition));
        break;
    case RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE: {
        const size_t mark = rc_decode_enter(decode, "predicate");
        RC_TRY(decode_predicate_at(decode, "terms[%u].predicate", "terms[%u].predicate.definition",
                                   number, term->predicate, ret_predicate));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the term selects nothing");
    }
    *ret_predicate = predicate;
    return RC_OK;
}

/* Puts the occurrence around the terms. */
static enum rc_status
decode_occurrence(struct rc_decode *decode,
                  const Recount__V1__Selector *selector,
                  const struct rc_predicate **predicate)
{
    if (selector->occurrence_case == RECOUNT__V1__SELECTOR__OCCURRENCE__NOT_SET)
        return RC_OK;
    struct rc_predicate *nodes = RC_ARENA_ARRAY(decode->arena, struct rc_predicate, 2);
    const struct rc_predicate **children =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, 3);
    if (nodes == NULL || children == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(rc_decode_count_node(decode));
    children[2] = *predicate;
    nodes[0] = (struct rc_predicate){
        .kind = RC_PREDICATE_FIRST, .child_count = 1, .children = &children[2], .place = ""};
    *predicate = &nodes[0];
    if (selector->occurrence_case == RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_TIME)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, "first_then_filter.filter");
    RC_TRY(rc_decode_count_node(decode));
    decode->levels_above = 1;
    children[0] = &nodes[0];
    RC_TRY(decode_predicate_at(decode, "first_then_filter.filter",
                               "first_then_filter.filter.definition", 0,
                               selector->first_then_filter->filter, &children[1]));
    rc_decode_leave(decode, mark);
    nodes[1] = (struct rc_predicate){
        .kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = children, .place = ""};
    *predicate = &nodes[1];
    return RC_OK;
}

/* The levels that are put around the terms. */
static uint32_t
levels_around(const Recount__V1__Selector *selector)
{
    const bool filtered =
        selector->occurrence_case == RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_THEN_FILTER;
    const bool first = selector->occurrence_case != RECOUNT__V1__SELECTOR__OCCURRENCE__NOT_SET;
    return (uint32_t)(selector->n_terms > 1) + (uint32_t)first + (uint32_t)filtered;
}

enum rc_status
rc_decode_selector(struct rc_decode *decode,
                   const Recount__V1__Selector *selector,
                   const struct rc_predicate **ret_predicate)
{
    if (selector == NULL || selector->n_terms == 0)
        return rc_decode_fail(decode, RC_INVALID, "terms", "the selector has no term");
    if (selector->n_terms > RC_SELECTORS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "terms", "a selector has at most %u terms",
                              RC_SELECTORS_MAX);
    const struct rc_predicate **terms =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, selector->n_terms);
    struct rc_predicate *any = rc_arena_zero(decode->arena, sizeof(*any));
    if (terms == NULL || any == NULL)
        return rc_decode_no_memory(decode);
    decode->predicate_nodes = selector->n_terms > 1;
    decode->levels_above = levels_around(selector);
    for (size_t i = 0; i < selector->n_terms; i++) {
        const size_t mark = rc_decode_enter_item(decode, "terms", i);
        RC_TRY(decode_term(decode, selector->terms[i], (uint32_t)i, &terms[i]));
        rc_decode_leave(decode, mark);
    }
    any->kind = RC_PREDICATE_ANY_OF;
    any->child_count = (uint32_t)selector->n_terms;
    any->children = terms;
    any->place = "";
    *ret_predicate = selector->n_terms == 1 ? terms[0] : any;
    RC_TRY(decode_occurrence(decode, selector, ret_predicate));
    decode->levels_above = 0;
    return RC_OK;
}

enum rc_status
rc_decode_selector_or_any(struct rc_decode *decode,
                          const char *field,
                          const Recount__V1__Selector *selector,
                          const struct rc_predicate **ret_predicate)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    *ret_predicate = &any;
    if (selector == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, field);
    RC_TRY(rc_decode_selector(decode, selector, ret_predicate));
    rc_decode_leave(decode, mark);
    return RC_OK;
}
