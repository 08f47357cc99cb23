/*
 * Expression rule: who is meant, by recursive descent.
 *
 *     or       = and { "or" and }
 *     and      = not { "and" not }
 *     not      = "not" not | "(" or ")" | "@" name ["@" version] | behavior
 *              | leaf over a user property
 *     behavior = measure [comparison number] [window]
 *     measure  = ("count" | "days" | "did") "(" selector ")" | "sum" "(" property "," selector ")"
 *              | "sequence" "(" step { "then" step } [ "within" duration ] ")"
 *     step     = ["next"] ["after" duration] selector
 *     window   = "in" "prior" duration | "from" moment "to" moment
 *
 * Names inside a behaviour's parentheses are definitions; outside they are segments.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/language/expression_parser.h"
#include "cli/language/when.h"
#include "cli/session/message.h"

static enum rc_status
parse_moment(struct rc_parser *parser, int64_t *ret_ms)
{
    struct rc_error error;
    if (parser->token.kind != RC_TOKEN_WORD && parser->token.kind != RC_TOKEN_TEXT)
        return rc_parser_fail(parser, "expected a date such as 2025-01-31");
    if (rc_when_moment(parser->token.text, "UTC", 0, ret_ms, &error) != RC_OK)
        return rc_parser_fail(parser, "%s", error.message);
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
parse_window(struct rc_parser *parser, Recount__V1__Behavior *behavior)
{
    struct rc_arena *arena = parser->lexer.arena;
    Recount__V1__BehaviorWindow *window =
        RC_MESSAGE(arena, Recount__V1__BehaviorWindow, recount__v1__behavior_window);
    if (rc_parser_take(parser, "in")) {
        struct rc_error error;
        RC_TRY(rc_parser_expect(parser, "prior", "after \"in\""));
        window->kind_case = RECOUNT__V1__BEHAVIOR_WINDOW__KIND_PRIOR_MS;
        if (rc_when_duration(parser->token.text, &window->prior_ms, &error) != RC_OK)
            return rc_parser_fail(parser, "expected a length of time such as 7d");
        rc_parser_next(parser);
        behavior->window = window;
    } else if (rc_parser_take(parser, "from")) {
        Recount__V1__TimeRange *range =
            RC_MESSAGE(arena, Recount__V1__TimeRange, recount__v1__time_range);
        RC_TRY(parse_moment(parser, &range->start_ms));
        RC_TRY(rc_parser_expect(parser, "to", "between the two dates"));
        RC_TRY(parse_moment(parser, &range->end_ms));
        window->kind_case = RECOUNT__V1__BEHAVIOR_WINDOW__KIND_ABSOLUTE;
        window->absolute = range;
        behavior->window = window;
    }
    return RC_OK;
}

static enum rc_status
parse_comparison(struct rc_parser *parser, Recount__V1__Behavior *behavior)
{
    static const struct {
        const char *symbol;
        Recount__V1__ComparisonOperator operation;
    } symbols[] = {
        {"=", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_EQUAL},
        {"!=", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_NOT_EQUAL},
        {"<", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS},
        {"<=", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_LESS_OR_EQUAL},
        {">", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER},
        {">=", RECOUNT__V1__COMPARISON_OPERATOR__COMPARISON_OPERATOR_GREATER_OR_EQUAL},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (parser->token.kind != RC_TOKEN_SYMBOL || !rc_parser_take(parser, symbols[i].symbol))
            continue;
        if (parser->token.kind != RC_TOKEN_NUMBER)
            return rc_parser_fail(parser, "expected a number");
        behavior->comparison =
            RC_MESSAGE(parser->lexer.arena, Recount__V1__Comparison, recount__v1__comparison);
        behavior->comparison->operation = symbols[i].operation;
        RC_TRY(rc_parser_real(parser, &behavior->comparison->value));
        rc_parser_next(parser);
        return RC_OK;
    }
    return RC_OK;
}

static enum rc_status
parse_duration(struct rc_parser *parser, int64_t *ret_ms)
{
    struct rc_error error;
    if (rc_when_duration(parser->token.text, ret_ms, &error) != RC_OK)
        return rc_parser_fail(parser, "expected a length of time such as 7d");
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
parse_step(struct rc_parser *parser, Recount__V1__SequenceStep **ret_step)
{
    Recount__V1__SequenceStep *step =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__SequenceStep, recount__v1__sequence_step);
    step->adjacent = rc_parser_take(parser, "next");
    if (rc_parser_take(parser, "after"))
        RC_TRY(parse_duration(parser, &step->least_ms));
    *ret_step = step;
    return rc_parser_selector(parser, &step->selector);
}

/* The parser stands behind "sequence(". */
static enum rc_status
parse_sequence(struct rc_parser *parser, Recount__V1__Behavior *behavior)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct rc_pointer_list steps = {0};
    Recount__V1__Sequence *sequence =
        RC_MESSAGE(arena, Recount__V1__Sequence, recount__v1__sequence);
    do {
        Recount__V1__SequenceStep *step = NULL;
        RC_TRY(parse_step(parser, &step));
        rc_pointer_list_add(arena, &steps, step);
    } while (rc_parser_take(parser, "then"));
    if (rc_parser_take(parser, "within")) {
        sequence->optional_within_ms_case = RECOUNT__V1__SEQUENCE__OPTIONAL_WITHIN_MS_WITHIN_MS;
        RC_TRY(parse_duration(parser, &sequence->within_ms));
    }
    sequence->n_steps = steps.count;
    sequence->steps = (Recount__V1__SequenceStep **)steps.items;
    behavior->subject_case = RECOUNT__V1__BEHAVIOR__SUBJECT_SEQUENCE;
    behavior->sequence = sequence;
    return RC_OK;
}

/* The property of a sum, and the comma behind it. */
static enum rc_status
parse_summed(struct rc_parser *parser, Recount__V1__Behavior *behavior)
{
    if (parser->token.kind != RC_TOKEN_WORD && parser->token.kind != RC_TOKEN_QUOTED_NAME)
        return rc_parser_fail(parser, "expected the name of a property");
    behavior->property = (char *)parser->token.text;
    rc_parser_next(parser);
    return rc_parser_expect(parser, ",", "behind the property");
}

#define MEASURE_SUM RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_PROPERTY_SUM

/* The parser stands behind "count", "days", "did", "sum" or "sequence". */
static enum rc_status
parse_behavior(struct rc_parser *parser,
               Recount__V1__BehaviorMeasure measure,
               bool is_sequence,
               Recount__V1__Behavior **ret_behavior)
{
    struct rc_arena *arena = parser->lexer.arena;
    Recount__V1__Behavior *behavior =
        RC_MESSAGE(arena, Recount__V1__Behavior, recount__v1__behavior);
    RC_TRY(rc_parser_expect(parser, "(", "before the events"));
    if (measure == MEASURE_SUM)
        RC_TRY(parse_summed(parser, behavior));
    behavior->subject_case = RECOUNT__V1__BEHAVIOR__SUBJECT_SELECTOR;
    RC_TRY(is_sequence ? parse_sequence(parser, behavior)
                       : rc_parser_selector(parser, &behavior->selector));
    RC_TRY(rc_parser_expect(parser, ")", "behind the events"));
    behavior->measure = measure;
    if (is_sequence || measure != RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_UNSPECIFIED)
        RC_TRY(parse_comparison(parser, behavior));
    RC_TRY(parse_window(parser, behavior));
    *ret_behavior = behavior;
    return RC_OK;
}

static bool
take_measure(struct rc_parser *parser,
             Recount__V1__BehaviorMeasure *ret_measure,
             bool *ret_is_sequence)
{
    *ret_is_sequence = rc_parser_take(parser, "sequence");
    *ret_measure = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_UNSPECIFIED;
    if (*ret_is_sequence)
        return true;
    if (rc_parser_take(parser, "count"))
        *ret_measure = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_COUNT;
    else if (rc_parser_take(parser, "days"))
        *ret_measure = RECOUNT__V1__BEHAVIOR_MEASURE__BEHAVIOR_MEASURE_DISTINCT_DAYS;
    else if (rc_parser_take(parser, "sum"))
        *ret_measure = MEASURE_SUM;
    else
        return rc_parser_take(parser, "did");
    return true;
}

/* The parser stands on the name; a version follows it without a blank. */
static enum rc_status
parse_saved(struct rc_parser *parser, Recount__V1__SegmentRule *rule)
{
    const size_t end = parser->token.at + 1 + strlen(parser->token.text);
    rule->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT;
    rule->segment =
        rc_text_format(parser->lexer.arena, "%s/segments/%s", parser->project, parser->token.text);
    rc_parser_next(parser);
    if (parser->token.kind != RC_TOKEN_REFERENCE || parser->token.at != end)
        return RC_OK;
    const char *text = parser->token.text;
    if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
        return rc_parser_fail(parser, "expected the number of a version");
    rule->segment_version = strtoull(text, NULL, 10);
    if (rule->segment_version == 0)
        return rc_parser_fail(parser, "versions count from 1");
    rc_parser_next(parser);
    return RC_OK;
}

static enum rc_status
parse_list(struct rc_parser *parser, bool is_or, Recount__V1__SegmentRule **ret_rule);

static enum rc_status
parse_not(struct rc_parser *parser, Recount__V1__SegmentRule **ret_rule)
{
    Recount__V1__SegmentRule *rule =
        RC_MESSAGE(parser->lexer.arena, Recount__V1__SegmentRule, recount__v1__segment_rule);
    Recount__V1__BehaviorMeasure measure;
    bool is_sequence;
    RC_TRY(rc_parser_deeper(parser));
    if (rc_parser_take(parser, "not")) {
        rule->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_NEGATION;
        RC_TRY(parse_not(parser, &rule->negation));
    } else if (rc_parser_take(parser, "(")) {
        RC_TRY(parse_list(parser, true, &rule));
        RC_TRY(rc_parser_expect(parser, ")", "at the end of the group"));
    } else if (parser->token.kind == RC_TOKEN_REFERENCE) {
        RC_TRY(parse_saved(parser, rule));
    } else if (take_measure(parser, &measure, &is_sequence)) {
        rule->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_BEHAVIOR;
        RC_TRY(parse_behavior(parser, measure, is_sequence, &rule->behavior));
    } else {
        const struct rc_token token = parser->token;
        rule->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_USER_PROPERTY;
        RC_TRY(rc_parser_leaf(parser, &rule->user_property));
        const Recount__V1__PropertyRef__SourceCase source =
            rule->user_property->property->source_case;
        if (source != RECOUNT__V1__PROPERTY_REF__SOURCE_USER_PROPERTY &&
            source != RECOUNT__V1__PROPERTY_REF__SOURCE_USER_ID) {
            parser->token = token;
            return rc_parser_fail(parser,
                                  "a rule tests properties of users: write user.%s, or put "
                                  "a test of events into count(), days(), sum(), did() or "
                                  "sequence()",
                                  token.text);
        }
    }
    parser->depth--;
    *ret_rule = rule;
    return RC_OK;
}

static enum rc_status
parse_list(struct rc_parser *parser, bool is_or, Recount__V1__SegmentRule **ret_rule)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct rc_pointer_list children = {0};
    do {
        Recount__V1__SegmentRule *child = NULL;
        RC_TRY(is_or ? parse_list(parser, false, &child) : parse_not(parser, &child));
        rc_pointer_list_add(arena, &children, child);
    } while (rc_parser_take(parser, is_or ? "or" : "and"));
    if (children.count == 1) {
        *ret_rule = children.items[0];
        return RC_OK;
    }
    Recount__V1__SegmentRuleList *list =
        RC_MESSAGE(arena, Recount__V1__SegmentRuleList, recount__v1__segment_rule_list);
    list->n_rules = children.count;
    list->rules = (Recount__V1__SegmentRule **)children.items;
    Recount__V1__SegmentRule *rule =
        RC_MESSAGE(arena, Recount__V1__SegmentRule, recount__v1__segment_rule);
    rule->kind_case =
        is_or ? RECOUNT__V1__SEGMENT_RULE__KIND_ANY_OF : RECOUNT__V1__SEGMENT_RULE__KIND_ALL_OF;
    rule->all_of = list; /* all_of and any_of share the place. */
    *ret_rule = rule;
    return RC_OK;
}

enum rc_status
rc_expression_rule(struct rc_arena *arena,
                   const char *project,
                   const char *source,
                   Recount__V1__SegmentRule **ret_rule,
                   struct rc_expression_error *reterr_error)
{
    struct rc_parser parser;
    Recount__V1__SegmentRule *rule = NULL;
    rc_parser_begin(&parser, arena, project, source, reterr_error);
    RC_TRY(parse_list(&parser, true, &rule));
    if (parser.token.kind != RC_TOKEN_END)
        return rc_parser_fail(&parser, "expected \"and\", \"or\" or the end");
    *ret_rule = rule;
    return RC_OK;
}
