/*
 * Expression: predicates over events, by recursive descent.
 *
 *     or    = and { "or" and }
 *     and   = not { "and" not }
 *     not   = "not" not | "(" or ")" | "@" name | "any" | leaf
 *     selector = or | "first" "(" or ")" [ "where" or ]
 *
 * A chain of one operator is one list; a single child stands for itself, so that what is printed
 * and read again is the same tree.
 */
#include "cli/language/expression.h"

#include <string.h>

#include "cli/language/expression_parser.h"
#include "cli/session/message.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-_."

static enum rc_status
parse_or(struct rc_parser *parser, Recount__V1__Predicate **ret_predicate);

static enum rc_status
parse_not(struct rc_parser *parser, Recount__V1__Predicate **ret_predicate)
{
    struct rc_arena *arena = parser->lexer.arena;
    Recount__V1__Predicate *predicate =
        RC_MESSAGE(arena, Recount__V1__Predicate, recount__v1__predicate);
    RC_TRY(rc_parser_deeper(parser));
    if (rc_parser_take(parser, "not")) {
        predicate->kind_case = RECOUNT__V1__PREDICATE__KIND_NEGATION;
        RC_TRY(parse_not(parser, &predicate->negation));
    } else if (rc_parser_take(parser, "(")) {
        RC_TRY(parse_or(parser, &predicate));
        RC_TRY(rc_parser_expect(parser, ")", "at the end of the group"));
    } else if (parser->token.kind == RC_TOKEN_REFERENCE) {
        predicate->kind_case = RECOUNT__V1__PREDICATE__KIND_DEFINITION;
        predicate->definition =
            rc_text_format(arena, "%s/definitions/%s", parser->project, parser->token.text);
        rc_parser_next(parser);
    } else if (rc_parser_take(parser, "any")) {
        predicate->kind_case = RECOUNT__V1__PREDICATE__KIND_ALL_OF;
        predicate->all_of =
            RC_MESSAGE(arena, Recount__V1__PredicateList, recount__v1__predicate_list);
    } else {
        predicate->kind_case = RECOUNT__V1__PREDICATE__KIND_LEAF;
        RC_TRY(rc_parser_leaf(parser, &predicate->leaf));
    }
    parser->depth--;
    *ret_predicate = predicate;
    return RC_OK;
}

/* One level of the grammar: children that a key word joins into a list. */
static enum rc_status
parse_list(struct rc_parser *parser, bool is_or, Recount__V1__Predicate **ret_predicate)
{
    struct rc_arena *arena = parser->lexer.arena;
    struct rc_pointer_list children = {0};
    do {
        Recount__V1__Predicate *child = NULL;
        RC_TRY(is_or ? parse_list(parser, false, &child) : parse_not(parser, &child));
        rc_pointer_list_add(arena, &children, child);
    } while (rc_parser_take(parser, is_or ? "or" : "and"));
    if (children.count == 1) {
        *ret_predicate = children.items[0];
        return RC_OK;
    }
    Recount__V1__PredicateList *list =
        RC_MESSAGE(arena, Recount__V1__PredicateList, recount__v1__predicate_list);
    list->n_predicates = children.count;
    list->predicates = (Recount__V1__Predicate **)children.items;
    Recount__V1__Predicate *predicate =
        RC_MESSAGE(arena, Recount__V1__Predicate, recount__v1__predicate);
    predicate->kind_case =
        is_or ? RECOUNT__V1__PREDICATE__KIND_ANY_OF : RECOUNT__V1__PREDICATE__KIND_ALL_OF;
    predicate->all_of = list; /* all_of and any_of share the place. */
    *ret_predicate = predicate;
    return RC_OK;
}

static enum rc_status
parse_or(struct rc_parser *parser, Recount__V1__Predicate **ret_predicate)
{
    return parse_list(parser, true, ret_predicate);
}

enum rc_status
rc_parser_predicate(struct rc_parser *parser, Recount__V1__Predicate **ret_predicate)
{
    return parse_or(parser, ret_predicate);
}

enum rc_status
rc_expression_predicate(struct rc_arena *arena,
                        const char *project,
                        const char *source,
                        Recount__V1__Predicate **ret_predicate,
                        struct rc_expression_error *reterr_error)
{
    struct rc_parser parser;
    Recount__V1__Predicate *predicate = NULL;
    rc_parser_begin(&parser, arena, project, source, reterr_error);
    RC_TRY(parse_or(&parser, &predicate));
    if (parser.token.kind != RC_TOKEN_END)
        return rc_parser_fail(&parser, "expected \"and\", \"or\" or the end");
    *ret_predicate = predicate;
    return RC_OK;
}

Recount__V1__Selector *
rc_parser_selector_of(struct rc_arena *arena, Recount__V1__Predicate *predicate)
{
    Recount__V1__SelectorTerm *term =
        RC_MESSAGE(arena, Recount__V1__SelectorTerm, recount__v1__selector_term);
    if (predicate->kind_case == RECOUNT__V1__PREDICATE__KIND_DEFINITION) {
        term->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_DEFINITION;
        term->definition = predicate->definition;
    } else if (predicate->kind_case == RECOUNT__V1__PREDICATE__KIND_ALL_OF &&
               predicate->all_of->n_predicates == 0) {
        term->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_ANY_EVENT;
        term->any_event = RC_MESSAGE(arena, Recount__V1__AnyEvent, recount__v1__any_event);
    } else {
        term->kind_case = RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE;
        term->predicate = predicate;
    }
    Recount__V1__Selector *selector =
        RC_MESSAGE(arena, Recount__V1__Selector, recount__v1__selector);
    selector->n_terms = 1;
    selector->terms = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__SelectorTerm *, 1));
    selector->terms[0] = term;
    return selector;
}

/* Goes past "first (", if that is what comes; a bare "first" is a property. */
static bool
take_first(struct rc_parser *parser)
{
    if (parser->token.kind != RC_TOKEN_WORD || !rc_parser_at(parser, "first"))
        return false;
    struct rc_lexer ahead = parser->lexer;
    const struct rc_token next = rc_lexer_next(&ahead);
    if (next.kind != RC_TOKEN_SYMBOL || strcmp(next.text, "(") != 0)
        return false;
    rc_parser_next(parser);
    rc_parser_next(parser);
    return true;
}

enum rc_status
rc_parser_selector(struct rc_parser *parser, Recount__V1__Selector **ret_selector)
{
    struct rc_arena *arena = parser->lexer.arena;
    Recount__V1__Predicate *predicate = NULL;
    const bool first = take_first(parser);
    RC_TRY(rc_parser_predicate(parser, &predicate));
    Recount__V1__Selector *selector = rc_parser_selector_of(arena, predicate);
    *ret_selector = selector;
    if (!first)
        return RC_OK;
    RC_TRY(rc_parser_expect(parser, ")", "behind the events"));
    if (!rc_parser_take(parser, "where")) {
        selector->occurrence_case = RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_TIME;
        selector->first_time = RC_MESSAGE(arena, Recount__V1__FirstTime, recount__v1__first_time);
        return RC_OK;
    }
    selector->occurrence_case = RECOUNT__V1__SELECTOR__OCCURRENCE_FIRST_THEN_FILTER;
    selector->first_then_filter =
        RC_MESSAGE(arena, Recount__V1__FirstThenFilter, recount__v1__first_then_filter);
    return rc_parser_predicate(parser, &selector->first_then_filter->filter);
}

/* "Label := rest" gives the label and moves *source to the rest. */
static char *
take_label(struct rc_arena *arena, const char **source)
{
    const char *mark = strstr(*source, ":=");
    if (mark == NULL || memchr(*source, '"', (size_t)(mark - *source)) != NULL)
        return NULL;
    size_t size = (size_t)(mark - *source);
    const char *label = *source;
    while (size > 0 && label[size - 1] == ' ')
        size--;
    *source = mark + 2;
    return rc_need(rc_arena_string(arena, label, size));
}

/* A bare name ("signed-up", not a key word) stands for @name. */
static bool
is_bare_name(const char *source)
{
    return strcmp(source, "any") != 0 && *source != '\0' &&
           strspn(source, NAME_CHARACTERS) == strlen(source);
}

enum rc_status
rc_expression_selector(struct rc_arena *arena,
                       const char *project,
                       const char *source,
                       Recount__V1__Selector **ret_selector,
                       struct rc_expression_error *reterr_error)
{
    const char *rest = source;
    char *label = take_label(arena, &rest);
    rest += strspn(rest, " ");
    const char *text = is_bare_name(rest) ? rc_text_format(arena, "@%s", rest) : rest;
    struct rc_parser parser;
    Recount__V1__Selector *selector = NULL;
    rc_parser_begin(&parser, arena, project, text, reterr_error);
    enum rc_status status = rc_parser_selector(&parser, &selector);
    if (status == RC_OK && parser.token.kind != RC_TOKEN_END)
        status = rc_parser_fail(&parser, "expected \"and\", \"or\" or the end");
    if (status != RC_OK) {
        reterr_error->at += (size_t)(rest - source);
        return status;
    }
    if (label != NULL)
        selector->label = label;
    else if (selector->terms[0]->kind_case == RECOUNT__V1__SELECTOR_TERM__KIND_PREDICATE ||
             selector->occurrence_case != RECOUNT__V1__SELECTOR__OCCURRENCE__NOT_SET)
        selector->label = rc_text_copy(arena, rest);
    *ret_selector = selector;
    return RC_OK;
}

/* A bare name, or one with "@" and a version behind it. */
static bool
is_bare_segment(const char *source)
{
    const char *version = strchr(source, '@');
    if (version == NULL || version == source)
        return is_bare_name(source);
    const size_t name = (size_t)(version - source);
    return strspn(source, NAME_CHARACTERS) == name && version[1] != '\0' &&
           strspn(version + 1, "0123456789") == strlen(version + 1);
}

enum rc_status
rc_expression_filter(struct rc_arena *arena,
                     const char *project,
                     const char *source,
                     Recount__V1__SegmentFilter **ret_filter,
                     struct rc_expression_error *reterr_error)
{
    const char *text = is_bare_segment(source) ? rc_text_format(arena, "@%s", source) : source;
    Recount__V1__SegmentRule *rule = NULL;
    RC_TRY(rc_expression_rule(arena, project, text, &rule, reterr_error));
    Recount__V1__SegmentFilter *filter =
        RC_MESSAGE(arena, Recount__V1__SegmentFilter, recount__v1__segment_filter);
    if (rule->kind_case == RECOUNT__V1__SEGMENT_RULE__KIND_SEGMENT) {
        filter->source_case = RECOUNT__V1__SEGMENT_FILTER__SOURCE_SEGMENT;
        filter->segment = rule->segment;
        filter->segment_version = rule->segment_version;
    } else {
        filter->source_case = RECOUNT__V1__SEGMENT_FILTER__SOURCE_RULE;
        filter->rule = rule;
    }
    *ret_filter = filter;
    return RC_OK;
}
