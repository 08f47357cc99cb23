/* Encode: stored segment rules. */
#include "server/decode/decode.h"
#include "server/encode/encode.h"

/* Writes the occurrence of a selector of first events; *predicate becomes what its terms say. */
static enum rc_status
encode_occurrence(struct rc_arena *arena,
                  struct rc_bytes project,
                  const struct rc_predicate **predicate,
                  Recount__V1__Selector *selector)
{
    const struct rc_predicate *root = *predicate;
    const struct rc_predicate *first = rc_predicate_first(root);
    if (first == NULL)
        return RC_OK;
    *predicate = first->children[0];
    if (root == first) {
        selector->occurrence_case = RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_TIME;
        RC_NEW(arena, selector->first_time, recount__v1__first_time__descriptor);
        return RC_OK;
    }
    selector->occurrence_case = RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_THEN_FILTER;
    RC_NEW(arena, selector->first_then_filter, recount__v1__first_then_filter__descriptor);
    return rc_encode_predicate(arena, project, root->children[1],
                               &selector->first_then_filter->filter);
}

/* A selector is stored as a predicate: an OR is its terms, all else is one term. */
static enum rc_status
encode_selector(struct rc_arena *arena,
                struct rc_bytes project,
                const struct rc_predicate *predicate,
                Recount__V1__Selector **ret_selector)
{
    Recount__V1__Selector *selector;
    RC_NEW(arena, selector, recount__v1__selector__descriptor);
    RC_TRY(encode_occurrence(arena, project, &predicate, selector));
    const bool is_list = predicate->kind == RC_PREDICATE_ANY_OF && predicate->child_count > 1;
    const uint32_t count = is_list ? predicate->child_count : 1;
    RC_NEW_ARRAY(arena, selector->terms, Recount__V1__SelectorTerm *, count);
    selector->n_terms = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_predicate *term = is_list ? predicate->children[i] : predicate;
        Recount__V1__SelectorTerm *out;
        RC_NEW(arena, out, recount__v1__selector_term__descriptor);
        selector->terms[i] = out;
        if (term->kind == RC_PREDICATE_TRUE) {
            out->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT;
            RC_NEW(arena, out->any_event, recount__v1__any_event__descriptor);
        } else if (term->kind == RC_PREDICATE_DEFINITION) {
            out->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION;
            RC_TRY(rc_encode_format(arena, &out->definition, "projects/%.*s/definitions/%.*s",
                                    (int)project.size, project.data, (int)term->definition.size,
                                    term->definition.data));
        } else {
            out->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE;
            RC_TRY(rc_encode_predicate(arena, project, term, &out->predicate));
        }
    }
    *ret_selector = selector;
    return RC_OK;
}

static enum rc_status
encode_window(struct rc_arena *arena,
              const struct rc_behaviour *behaviour,
              Recount__V1__BehaviorWindow **ret_window)
{
    Recount__V1__BehaviorWindow *window;
    if (behaviour->window == RC_WINDOW_ALL_TIME)
        return RC_OK;
    RC_NEW(arena, window, recount__v1__behavior_window__descriptor);
    *ret_window = window;
    if (behaviour->window == RC_WINDOW_RELATIVE) {
        window->kind_case = RECOUNT__V1__BEHAVIOR_WINDOW__KIND_PRIOR_MS;
        window->prior_ms = behaviour->prior_ms;
        return RC_OK;
    }
    window->kind_case = RECOUNT__V1__BEHAVIOR_WINDOW__KIND_ABSOLUTE;
    RC_NEW(arena, window->absolute, recount__v1__time_range__descriptor);
    window->absolute->start_ms = behaviour->start_ms;
    window->absolute->end_ms = behaviour->end_ms;
    return RC_OK;
}

static enum rc_status
encode_sequence(struct rc_arena *arena,
                struct rc_bytes project,
                const struct rc_behaviour *behaviour,
                Recount__V1__Sequence **ret_sequence)
{
    Recount__V1__Sequence *out;
    RC_NEW(arena, out, recount__v1__sequence__descriptor);
    *ret_sequence = out;
    if (behaviour->within_ms >= 0) {
        out->optional_within_ms_case = RECOUNT__V1__SEQUENCE__OPTIONAL_WITHIN_MS_WITHIN_MS;
        out->within_ms = behaviour->within_ms;
    }
    RC_NEW_ARRAY(arena, out->steps, Recount__V1__SequenceStep *, behaviour->step_count);
    out->n_steps = behaviour->step_count;
    for (uint32_t i = 0; i < behaviour->step_count; i++) {
        RC_NEW(arena, out->steps[i], recount__v1__sequence_step__descriptor);
        out->steps[i]->adjacent = behaviour->steps[i].adjacent;
        out->steps[i]->least_ms = behaviour->steps[i].least_ms;
        RC_TRY(encode_selector(arena, project, behaviour->steps[i].selector,
                               &out->steps[i]->selector));
    }
    return RC_OK;
}

static enum rc_status
encode_behaviour(struct rc_arena *arena,
                 struct rc_bytes project,
                 const struct rc_behaviour *behaviour,
                 Recount__V1__Behavior **ret_behavior)
{
    static const Recount__V1__ComparisonOperator operators[] = {
        [RC_EQ] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_EQUAL,
        [RC_NE] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_NOT_EQUAL,
        [RC_LT] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS,
        [RC_LE] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS_OR_EQUAL,
        [RC_GT] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER,
        [RC_GE] = RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER_OR_EQUAL,
    };
    static const Recount__V1__BehaviorMeasure measures[] = {
        [RC_BEHAVIOUR_COUNT] = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_COUNT,
        [RC_BEHAVIOUR_DISTINCT_DAYS] =
            RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_DISTINCT_DAYS,
        [RC_BEHAVIOUR_SUM] = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_PROPERTY_SUM,
        [RC_BEHAVIOUR_SEQUENCE] = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_COUNT,
    };
    Recount__V1__Behavior *out;
    RC_NEW(arena, out, recount__v1__behavior__descriptor);
    *ret_behavior = out;
    out->measure = measures[behaviour->measure];
    if (behaviour->measure == RC_BEHAVIOUR_SEQUENCE) {
        out->subject_case = RECOUNT__V1__BEHAVIOR__SUBJECT_SEQUENCE;
        RC_TRY(encode_sequence(arena, project, behaviour, &out->sequence));
    } else {
        out->subject_case = RECOUNT__V1__BEHAVIOR__SUBJECT_SELECTOR;
        RC_TRY(encode_selector(arena, project, behaviour->selector, &out->selector));
    }
    if (behaviour->measure == RC_BEHAVIOUR_SUM)
        RC_NEW_TEXT(arena, out->property, behaviour->property);
    RC_NEW(arena, out->comparison, recount__v1__comparison__descriptor);
    out->comparison->operation = operators[behaviour->comparison];
    out->comparison->value = behaviour->n;
    return encode_window(arena, behaviour, &out->window);
}

static enum rc_status
encode_children(struct rc_arena *arena,
                struct rc_bytes project,
                const struct rc_segment *segment,
                Recount__V1__SegmentRuleList **ret_list)
{
    Recount__V1__SegmentRuleList *list;
    RC_NEW(arena, list, recount__v1__segment_rule_list__descriptor);
    RC_NEW_ARRAY(arena, list->rules, Recount__V1__SegmentRule *, segment->child_count);
    list->n_rules = segment->child_count;
    for (uint32_t i = 0; i < segment->child_count; i++)
        RC_TRY(rc_encode_segment_rule(arena, project, segment->children[i], &list->rules[i]));
    *ret_list = list;
    return RC_OK;
}

/* A test of the user is stored as a leaf or as NOT of one. */
static enum rc_status
encode_user(struct rc_arena *arena,
            const struct rc_predicate *predicate,
            Recount__V1__SegmentRule *out)
{
    const bool negated = predicate->kind == RC_PREDICATE_NOT;
    const struct rc_predicate *leaf = negated ? predicate->children[0] : predicate;
    if (leaf->kind != RC_PREDICATE_LEAF)
        return RC_CORRUPT;
    out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_USER_PROPERTY;
    return rc_encode_leaf(arena, &leaf->leaf, negated, &out->user_property);
}

enum rc_status
rc_encode_user_list(struct rc_arena *arena,
                    const struct rc_segment *segment,
                    Recount__V1__UserList **ret_list)
{
    Recount__V1__UserList *list;
    RC_NEW(arena, list, recount__v1__user_list__descriptor);
    RC_NEW_ARRAY(arena, list->users, char *, segment->user_count);
    list->n_users = segment->user_count;
    for (uint32_t i = 0; i < segment->user_count; i++)
        RC_NEW_TEXT(arena, list->users[i], segment->users[i]);
    *ret_list = list;
    return RC_OK;
}

enum rc_status
rc_encode_segment_rule(struct rc_arena *arena,
                       struct rc_bytes project,
                       const struct rc_segment *segment,
                       Recount__V1__SegmentRule **ret_rule)
{
    Recount__V1__SegmentRule *out;
    RC_NEW(arena, out, recount__v1__segment_rule__descriptor);
    *ret_rule = out;
    switch (segment->kind) {
    case RC_SEGMENT_ALL_OF:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_ALL_OF;
        return encode_children(arena, project, segment, &out->all_of);
    case RC_SEGMENT_ANY_OF:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_ANY_OF;
        return encode_children(arena, project, segment, &out->any_of);
    case RC_SEGMENT_NOT:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_NEGATION;
        return rc_encode_segment_rule(arena, project, segment->children[0], &out->negation);
    case RC_SEGMENT_USER:
        return encode_user(arena, segment->predicate, out);
    case RC_SEGMENT_BEHAVIOUR:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_BEHAVIOR;
        return encode_behaviour(arena, project, &segment->behaviour, &out->behavior);
    case RC_SEGMENT_SAVED:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT;
        out->segment_version = segment->version;
        return rc_encode_format(arena, &out->segment, "projects/%.*s/segments/%.*s",
                                (int)project.size, project.data, (int)segment->name.size,
                                segment->name.data);
    case RC_SEGMENT_CELL:
        out->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_CELL;
        return rc_decode_message(&recount__v1__cell__descriptor, segment->stored, arena,
                                 (ProtobufCMessage **)(void *)&out->cell, NULL);
    case RC_SEGMENT_LIST: /* Is a whole segment and no part of a rule. */
        break;
    }
    return RC_CORRUPT;
}
