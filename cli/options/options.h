/*
 * Options: the flags that many commands share, as argp parsers to put beneath a command's own.
 *
 * A command's argp lists the ones it wants as children and passes their targets to them
 * (state->child_inputs), in the order of its children.
 *
 * Ownership: texts belong to the command line.
 */
#ifndef RC_CLI_OPTIONS_OPTIONS_H
#define RC_CLI_OPTIONS_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "cli/session/session.h"
#include "recount/v1/scope.pb-c.h"

/* How an answer is written. */
enum rc_output_format { RC_OUTPUT_TERMINAL, RC_OUTPUT_JSON, RC_OUTPUT_CSV };

struct rc_output_options {
    enum rc_output_format format;
    int color; /* 1 always, -1 never, 0 where the output is a terminal and NO_COLOR is not set. */
};

struct rc_scope_options {
    const char *from; /* NULL: the first event. */
    const char *to;   /* NULL: behind the last event. */
    const char *zone; /* NULL: the project's. */
    const char *as_of;
    const char *segment;
    const char *entity; /* NULL: users. */
    Recount__V1__Weekday week_start;
};

/* --server, --project, --timeout. The input is a struct rc_session. */
extern const struct argp rc_session_argp;

/* --json, --csv, --color. The input is a struct rc_output_options. */
extern const struct argp rc_output_argp;

/* Both, for a command whose parser gives them their inputs in this order. */
extern const struct argp_child rc_command_children[3];

/* --from, --to, --zone, --as-of, --segment, --entity, --week-start. The input is a struct
 * rc_scope_options. */
extern const struct argp rc_scope_argp;

/*
 * Makes the scope of a query. Without --from and --to the range is all the data that there is: the
 * server is asked for its first and last event. with_range false leaves the range out.
 *   RC_EXIT_OK  *ret_scope belongs to the session's arena.
 *   other       what is wrong is printed.
 */
RC_MUST_USE enum rc_exit_code
rc_options_scope(struct rc_session *session,
                 const struct rc_scope_options *options,
                 bool with_range,
                 Recount__V1__Scope **ret_scope);

/* A unit of the calendar by its name ("day"). false: there is none of this name. */
RC_MUST_USE bool
rc_options_unit(const char *name, Recount__V1__TimeUnit *ret_unit);

/* The same with a number before it ("3 days", "12hours"). */
RC_MUST_USE bool
rc_options_units(const char *text, Recount__V1__TimeUnit *ret_unit, unsigned *ret_count);

/* The unit that suits a range: hours up to two days, days up to 120, weeks up to two years. */
Recount__V1__TimeUnit
rc_options_unit_for(const Recount__V1__TimeRange *range);

/* Parses a command line; --help and --version end the program, a mistake ends it with 2. */
void
rc_options_parse(const struct argp *argp, int count, char **arguments, void *input);

#endif
