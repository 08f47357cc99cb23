/* Decode: segment rules and filters. */
#include <math.h>

#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/query/cells.h"

static enum rc_status
decode_rule(struct rc_decode *decode,
            const Recount__V1__SegmentRule *in,
            uint32_t depth,
            const struct rc_segment **ret_segment);

static enum rc_status
decode_children(struct rc_decode *decode,
                Recount__V1__SegmentRule *const *list,
                size_t count,
                uint32_t depth,
                struct rc_segment *segment)
{
    const struct rc_segment **children =
        RC_ARENA_ARRAY(decode->arena, const struct rc_segment *, count + 1);
    if (children == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < count; i++) {
        const size_t mark = segment->kind == RC_SEGMENT_NOT ? rc_decode_enter(decode, "negation")
                                                            : rc_decode_enter_item(decode, "", i);
        RC_TRY(decode_rule(decode, list[i], depth + 1, &children[i]));
        rc_decode_leave(decode, mark);
    }
    segment->child_count = (uint32_t)count;
    segment->children = children;
    return RC_OK;
}

static enum rc_status
decode_list(struct rc_decode *decode,
            const char *field,
            const Recount__V1__SegmentRuleList *list,
            uint32_t depth,
            struct rc_segment *segment)
{
    const size_t mark = rc_decode_enter(decode, field);
    RC_TRY(decode_children(decode, list->rules, list->n_rules, depth, segment));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_window(struct rc_decode *decode,
              const Recount__V1__BehaviorWindow *window,
              struct rc_behaviour *behaviour)
{
    behaviour->window = RC_WINDOW_ALL_TIME;
    if (window == NULL)
        return RC_OK;
    const size_t mark = rc_decode_enter(decode, "window");
    switch (window->kind_case) {
    case RECOUNT__V1__BEHAVIOR_WINDOW__KIND_PRIOR_MS:
        if (window->prior_ms <= 0)
            return rc_decode_fail(decode, RC_INVALID, "prior_ms", "the time must be above 0");
        behaviour->window = RC_WINDOW_RELATIVE;
        behaviour->prior_ms = window->prior_ms;
        break;
    case RECOUNT__V1__BEHAVIOR_WINDOW__KIND_ABSOLUTE: {
        behaviour->window = RC_WINDOW_ABSOLUTE;
        (void)rc_decode_enter(decode, "absolute");
        RC_TRY(rc_decode_range(decode, window->absolute, &behaviour->start_ms, &behaviour->end_ms));
        break;
    }
    default:
        break;
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_comparison(struct rc_decode *decode,
                  const Recount__V1__Comparison *comparison,
                  struct rc_behaviour *behaviour)
{
    static const enum rc_comparison operators[] = {
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_EQUAL] = RC_EQ,
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_NOT_EQUAL] = RC_NE,
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS] = RC_LT,
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS_OR_EQUAL] = RC_LE,
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER] = RC_GT,
        [RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER_OR_EQUAL] = RC_GE,
    };
    behaviour->comparison = RC_GE;
    behaviour->n = 1;
    if (comparison == NULL)
        return RC_OK;
    if (comparison->operation == RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_UNSPECIFIED)
        return rc_decode_fail(decode, RC_INVALID, "comparison.operation",
                              "the operator is missing");
    if (!isfinite(comparison->value))
        return rc_decode_fail(decode, RC_INVALID, "comparison.value",
                              "NaN and infinities are no numbers to compare with");
    behaviour->comparison = operators[comparison->operation];
    behaviour->n = comparison->value;
    return RC_OK;
}

static enum rc_status
decode_selector(struct rc_decode *decode,
                const Recount__V1__Selector *in,
                const struct rc_predicate **ret_selector)
{
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in, ret_selector));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_sequence(struct rc_decode *decode,
                const Recount__V1__Sequence *in,
                struct rc_behaviour *behaviour)
{
    const size_t mark = rc_decode_enter(decode, "sequence");
    if (in->n_steps < 2 || in->n_steps > RC_FUNNEL_STEPS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "steps", "a sequence has from 2 to %u steps",
                              RC_FUNNEL_STEPS_MAX);
    behaviour->within_ms = -1;
    if (in->optional_within_ms_case == RECOUNT__V1__SEQUENCE__OPTIONAL_WITHIN_MS_WITHIN_MS) {
        if (in->within_ms < 0)
            return rc_decode_fail(decode, RC_INVALID, "within_ms", "the time is below 0");
        behaviour->within_ms = in->within_ms;
    }
    struct rc_sequence_step *steps =
        RC_ARENA_ARRAY(decode->arena, struct rc_sequence_step, in->n_steps);
    if (steps == NULL)
        return rc_decode_no_memory(decode);
    behaviour->step_count = (uint32_t)in->n_steps;
    behaviour->steps = steps;
    for (size_t i = 0; i < in->n_steps; i++) {
        const size_t step = rc_decode_enter_item(decode, "steps", i);
        steps[i].adjacent = in->steps[i]->adjacent;
        steps[i].least_ms = in->steps[i]->least_ms;
        if (i == 0 && steps[i].adjacent)
            return rc_decode_fail(decode, RC_INVALID, "adjacent",
                                  "there is no step before the first");
        if (steps[i].least_ms < 0 || (i == 0 && steps[i].least_ms != 0))
            return rc_decode_fail(decode, RC_INVALID, "least_ms",
                                  "the time is below 0, or there is no step before");
        RC_TRY(decode_selector(decode, in->steps[i]->selector, &steps[i].selector));
        rc_decode_leave(decode, step);
    }
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_measure(struct rc_decode *decode,
               const Recount__V1__Behavior *in,
               struct rc_behaviour *behaviour)
{
    const bool summed = in->measure == RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_PROPERTY_SUM;
    if (summed && in->property[0] == '\0')
        return rc_decode_fail(decode, RC_INVALID, "property",
                              "the name of the property is missing");
    if (!summed && in->property[0] != '\0')
        return rc_decode_fail(decode, RC_INVALID, "property", "this measure takes no property");
    behaviour->property = rc_bytes_of(in->property);
    behaviour->measure =
        summed ? RC_BEHAVIOUR_SUM
        : in->measure == RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_DISTINCT_DAYS
            ? RC_BEHAVIOUR_DISTINCT_DAYS
            : RC_BEHAVIOUR_COUNT;
    return RC_OK;
}

static enum rc_status
decode_behaviour(struct rc_decode *decode,
                 const Recount__V1__Behavior *in,
                 struct rc_behaviour *behaviour)
{
    const size_t mark = rc_decode_enter(decode, "behavior");
    RC_TRY(decode_measure(decode, in, behaviour));
    if (in->subject_case == RECOUNT__V1__BEHAVIOR__SUBJECT_SEQUENCE) {
        if (behaviour->measure != RC_BEHAVIOUR_COUNT)
            return rc_decode_fail(decode, RC_INVALID, "measure",
                                  "the matches of a sequence can only be counted");
        behaviour->measure = RC_BEHAVIOUR_SEQUENCE;
        RC_TRY(decode_sequence(decode, in->sequence, behaviour));
    } else if (in->subject_case == RECOUNT__V1__BEHAVIOR__SUBJECT_SELECTOR) {
        RC_TRY(decode_selector(decode, in->selector, &behaviour->selector));
    } else {
        return rc_decode_fail(decode, RC_INVALID, "selector", "nothing is measured");
    }
    RC_TRY(decode_comparison(decode, in->comparison, behaviour));
    RC_TRY(decode_window(decode, in->window, behaviour));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_user(struct rc_decode *decode, const Recount__V1__Leaf *leaf, struct rc_segment *segment)
{
    const size_t mark = rc_decode_enter(decode, "user_property");
    RC_TRY(rc_decode_leaf(decode, leaf, &segment->predicate));
    if (leaf->property->source_case != RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY &&
        leaf->property->source_case != RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID)
        return rc_decode_fail(decode, RC_INVALID, "property",
                              "the leaf of a segment reads a user property or the user's id");
    rc_decode_leave(decode, mark);
    return RC_OK;
}

/* The version stands beside what names a saved segment: name is NULL where something else does. */
static enum rc_status
decode_saved(struct rc_decode *decode,
             const char *name,
             uint64_t version,
             struct rc_segment *segment)
{
    if (name == NULL)
        return version == 0 ? RC_OK
                            : rc_decode_fail(decode, RC_INVALID, "segment_version",
                                             "only a saved segment has versions");
    segment->kind = RC_SEGMENT_SAVED;
    segment->version = version;
    RC_TRY(rc_decode_reference(decode, "segment", name, RC_REFERENCE_SEGMENT, &segment->name));
    return version == 0 ? RC_OK : rc_decode_reference_version(decode, "segment_version", version);
}

static enum rc_status
decode_rule(struct rc_decode *decode,
            const Recount__V1__SegmentRule *in,
            uint32_t depth,
            const struct rc_segment **ret_segment)
{
    const bool saved = in->kind_case == RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT;
    if (depth > RC_SEGMENT_DEPTH_MAX)
        return rc_decode_fail(decode, RC_INVALID, "", "the rule is more than %u deep",
                              RC_SEGMENT_DEPTH_MAX);
    struct rc_segment *segment = rc_arena_zero(decode->arena, sizeof(*segment));
    if (segment == NULL)
        return rc_decode_no_memory(decode);
    *ret_segment = segment;
    RC_TRY(decode_saved(decode, saved ? in->segment : NULL, in->segment_version, segment));
    switch (in->kind_case) {
    case RECOUNT__V1__SEGMENT_RULE__KIND_ALL_OF:
        segment->kind = RC_SEGMENT_ALL_OF;
        return decode_list(decode, "all_of", in->all_of, depth, segment);
    case RECOUNT__V1__SEGMENT_RULE__KIND_ANY_OF:
        segment->kind = RC_SEGMENT_ANY_OF;
        return decode_list(decode, "any_of", in->any_of, depth, segment);
    case RECOUNT__V1__SEGMENT_RULE__KIND_NEGATION:
        segment->kind = RC_SEGMENT_NOT;
        return decode_children(decode, &in->negation, 1, depth, segment);
    case RECOUNT__V1__SEGMENT_RULE__KIND_USER_PROPERTY:
        segment->kind = RC_SEGMENT_USER;
        return decode_user(decode, in->user_property, segment);
    case RECOUNT__V1__SEGMENT_RULE__KIND_BEHAVIOR:
        segment->kind = RC_SEGMENT_BEHAVIOUR;
        return decode_behaviour(decode, in->behavior, &segment->behaviour);
    case RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT:
        return RC_OK;
    case RECOUNT__V1__SEGMENT_RULE__KIND_CELL: {
        const size_t mark = rc_decode_enter(decode, "cell");
        const struct rc_reference *before = decode->references;
        segment->kind = RC_SEGMENT_CELL;
        RC_TRY(rc_decode_cell(decode, in->cell, RC_BYTES_LITERAL(""), &segment->cell));
        if (decode->stores && decode->cells_deep == 0)
            RC_TRY(rc_decode_stored_cell(decode, in->cell, before, segment));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    default:
        return rc_decode_fail(decode, RC_INVALID, "", "the rule has no kind");
    }
}

enum rc_status
rc_decode_segment_rule(struct rc_decode *decode,
                       const Recount__V1__SegmentRule *rule,
                       const struct rc_segment **ret_segment)
{
    return decode_rule(decode, rule, 1, ret_segment);
}

enum rc_status
rc_decode_user_list(struct rc_decode *decode,
                    const Recount__V1__UserList *list,
                    const struct rc_segment **ret_segment)
{
    struct rc_segment *segment = rc_arena_zero(decode->arena, sizeof(*segment));
    struct rc_bytes *users = RC_ARENA_ARRAY(decode->arena, struct rc_bytes, list->n_users + 1);
    if (segment == NULL || users == NULL)
        return rc_decode_no_memory(decode);
    if (list->n_users > RC_SEGMENT_USERS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "users", "a list has at most %u users",
                              RC_SEGMENT_USERS_MAX);
    for (size_t i = 0; i < list->n_users; i++) {
        users[i] = rc_bytes_of(list->users[i]);
        if (users[i].size == 0 || users[i].size > RC_USER_ID_BYTES_MAX) {
            (void)rc_decode_enter_item(decode, "users", i);
            return rc_decode_fail(decode, RC_INVALID, "", "an id has from 1 to %u bytes",
                                  RC_USER_ID_BYTES_MAX);
        }
    }
    segment->kind = RC_SEGMENT_LIST;
    segment->user_count = (uint32_t)list->n_users;
    segment->users = users;
    *ret_segment = segment;
    return RC_OK;
}

enum rc_status
rc_decode_segment_filter(struct rc_decode *decode,
                         const Recount__V1__SegmentFilter *filter,
                         const struct rc_segment **ret_segment)
{
    const bool saved = filter->source_case == RECOUNT__V1__SEGMENT_FILTER__SOURCE_SEGMENT;
    struct rc_segment *segment = rc_arena_zero(decode->arena, sizeof(*segment));
    if (segment == NULL)
        return rc_decode_no_memory(decode);
    RC_TRY(decode_saved(decode, saved ? filter->segment : NULL, filter->segment_version, segment));
    *ret_segment = segment;
    if (saved)
        return RC_OK;
    if (filter->source_case == RECOUNT__V1__SEGMENT_FILTER__SOURCE_RULE) {
        const size_t mark = rc_decode_enter(decode, "rule");
        RC_TRY(rc_decode_segment_rule(decode, filter->rule, ret_segment));
        rc_decode_leave(decode, mark);
        return RC_OK;
    }
    return rc_decode_fail(decode, RC_INVALID, "", "neither a segment nor a rule is given");
}
