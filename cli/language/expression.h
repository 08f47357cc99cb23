/*
 * Expression: the small language in which people write predicates and segment rules.
 *
 *     type = click and element_chain ~ "checkout" and target_text = "Confirm Order"
 *     price >= 100 and not (country in (US, CA) or user.plan is not set)
 *     @signed-up or path like "/welcome/%" ignoring case
 *
 * A predicate asks about an event. Its tests: = != < <= > >= in (...), between A and B, is set,
 * contains, starts with, ends with, like, ~ (regular expression), !~, matches selector (CSS); all
 * but the symbols take
 * "not" before them, and the text tests "ignoring case" behind them. They combine by and, or, not
 * and parentheses. "user.x" is the user's property x, "event.x" and plain "x" the event's,
 * "account.k.x" that of the account which the event names in its property k; names with odd
 * characters go into `back quotes`. "event id" and "user id" are what they say, for = and in.
 * @name is a definition; any is every event.
 *
 * A selector is a predicate, or "first(PREDICATE)": only each user's first ever event that passes
 * it; with "where PREDICATE" behind it, only if that event passes this too.
 *
 *     user.plan = paid and count(@signed-in) > 4 in prior 7d and not did(type = refund)
 *
 * A rule asks about a user: tests of user properties, @name (a saved segment; @name@2 is its second
 * version), and count(...),
 * days(...) and did(...) around a selector, sum(price, ...) of a property, compared with a number,
 * "in prior 7d" or "from 2025-01-01 to 2025-02-01" (UTC). "sequence(A then next B then after 5m C
 * within 1h) >= 2" counts how often steps came in order: next to the step before without an event
 * between, or so much after it.
 *
 * Ownership: messages belong to the arena.
 * Threading: one thread at a time.
 * Errors:    RC_INVALID with the place and one sentence; the server checks the rest (expressions
 *            that do not compile, unknown names).
 */
#ifndef RC_CLI_LANGUAGE_EXPRESSION_H
#define RC_CLI_LANGUAGE_EXPRESSION_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "recount/v1/predicate.pb-c.h"
#include "recount/v1/segment_rule.pb-c.h"
#include "recount/v1/selector.pb-c.h"

/* Parentheses and "not" may nest so deep; the contract allows trees 32 deep. */
#define RC_EXPRESSION_DEPTH_MAX 32

struct rc_expression_error {
    size_t at; /* Bytes from the start of the source. */
    char message[200];
};

/* project is "projects/{project}": what @names are looked up in. */
RC_MUST_USE enum rc_status
rc_expression_predicate(struct rc_arena *arena,
                        const char *project,
                        const char *source,
                        Recount__V1__Predicate **ret_predicate,
                        struct rc_expression_error *reterr_error);

/* A selector: a definition's bare name, @name, any, a predicate or first(...); "Label := ..." names
 * it. */
RC_MUST_USE enum rc_status
rc_expression_selector(struct rc_arena *arena,
                       const char *project,
                       const char *source,
                       Recount__V1__Selector **ret_selector,
                       struct rc_expression_error *reterr_error);

RC_MUST_USE enum rc_status
rc_expression_rule(struct rc_arena *arena,
                   const char *project,
                   const char *source,
                   Recount__V1__SegmentRule **ret_rule,
                   struct rc_expression_error *reterr_error);

/* A filter of users: a saved segment's bare name or @name, with @version behind it or without, or a
 * rule. */
RC_MUST_USE enum rc_status
rc_expression_filter(struct rc_arena *arena,
                     const char *project,
                     const char *source,
                     Recount__V1__SegmentFilter **ret_filter,
                     struct rc_expression_error *reterr_error);

/* Makes property the account's one of "KEY.NAME". false: there is no dot, or nothing beside it. */
RC_MUST_USE bool
rc_expression_account(struct rc_arena *arena,
                      const char *names,
                      Recount__V1__PropertyRef *property);

/* Writes the source, the place and the sentence to a stream: what a person sees. */
void
rc_expression_error_print(FILE *out, const char *source, const struct rc_expression_error *error);

/* Writes a message as an expression that reads back as the same message. */
void
rc_expression_print_predicate(FILE *out, const Recount__V1__Predicate *predicate);

void
rc_expression_print_rule(FILE *out, const Recount__V1__SegmentRule *rule);

#endif
