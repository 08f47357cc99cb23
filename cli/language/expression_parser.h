/*
 * Expression parser: what the two grammars (events, users) share. Internal to expression*.c.
 *
 * A parser looks one token ahead. The first error stays, and makes every later step fail.
 */
#ifndef RC_CLI_LANGUAGE_EXPRESSION_PARSER_H
#define RC_CLI_LANGUAGE_EXPRESSION_PARSER_H

#include "cli/language/expression.h"
#include "cli/language/lexer.h"

struct rc_parser {
    struct rc_lexer lexer;
    struct rc_token token; /* The one that is looked at. */
    const char *project;
    unsigned depth;
    struct rc_expression_error *error;
};

void
rc_parser_begin(struct rc_parser *parser,
                struct rc_arena *arena,
                const char *project,
                const char *source,
                struct rc_expression_error *error);

/* Sets the error at the looked-at token and returns RC_INVALID. */
enum rc_status
rc_parser_fail(struct rc_parser *parser, const char *format, ...) RC_PRINTF(2, 3);

void
rc_parser_next(struct rc_parser *parser);

/* Whether the token is this key word (any case) or symbol. */
bool
rc_parser_at(const struct rc_parser *parser, const char *text);

/* The same, and goes past it if it is. */
bool
rc_parser_take(struct rc_parser *parser, const char *text);

RC_MUST_USE enum rc_status
rc_parser_expect(struct rc_parser *parser, const char *text, const char *where);

/* The number that is looked at, as a double. Fails when it is beyond the range of one. */
RC_MUST_USE enum rc_status
rc_parser_real(struct rc_parser *parser, double *ret_real);

/* One level deeper; the caller undoes it by parser->depth--. */
RC_MUST_USE enum rc_status
rc_parser_deeper(struct rc_parser *parser);

/* Takes a property, a value. */
RC_MUST_USE enum rc_status
rc_parser_property(struct rc_parser *parser, Recount__V1__PropertyRef **ret_property);

RC_MUST_USE enum rc_status
rc_parser_value(struct rc_parser *parser, Recount__V1__Value **ret_value);

/* Takes a property and its test. */
RC_MUST_USE enum rc_status
rc_parser_leaf(struct rc_parser *parser, Recount__V1__Leaf **ret_leaf);

/* Takes a predicate as far as it goes. */
RC_MUST_USE enum rc_status
rc_parser_predicate(struct rc_parser *parser, Recount__V1__Predicate **ret_predicate);

/* Takes a selector: a predicate, "first(predicate)", or that with "where predicate" behind it. */
RC_MUST_USE enum rc_status
rc_parser_selector(struct rc_parser *parser, Recount__V1__Selector **ret_selector);

/* Puts a predicate into a selector: a definition and "any" in their own terms. */
Recount__V1__Selector *
rc_parser_selector_of(struct rc_arena *arena, Recount__V1__Predicate *predicate);

#endif
