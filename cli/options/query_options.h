/*
 * Query options: what the commands of "recount query" share: the session, the output, the scope, a
 * breakdown and a list of selectors.
 *
 * Ownership: messages belong to the session's arena.
 */
#ifndef RC_CLI_OPTIONS_QUERY_OPTIONS_H
#define RC_CLI_OPTIONS_QUERY_OPTIONS_H

#include "cli/options/options.h"
#include "cli/options/plan_options.h"
#include "cli/options/users_of.h"
#include "cli/render/paint.h"
#include "cli/session/message.h"
#include "recount/v1/breakdown.pb-c.h"
#include "recount/v1/selector.pb-c.h"

struct rc_query_options {
    struct rc_session session;
    struct rc_output_options output;
    struct rc_scope_options scope;
    struct rc_plan_options plan;
    struct rc_users_of_options users_of;
    const char *by; /* NULL: no breakdown. */
    int top;        /* -1: the server's default. */
    Recount__V1__TimeUnit unit;
    unsigned unit_count;          /* Of a bucket; 0: one. */
    struct rc_pointer_list words; /* The arguments. */
};

/* The children that give the session, the output and the scope; end of list included. */
extern const struct argp_child rc_query_children[];

/* Keys of --by, --top and --unit, for a command's own option list. */
enum rc_query_key { RC_QUERY_KEY_BY = 0x1400, RC_QUERY_KEY_TOP, RC_QUERY_KEY_UNIT };

void
rc_query_options_begin(struct rc_query_options *options);

void
rc_query_options_end(struct rc_query_options *options);

/* Handles the keys that all questions share. ARGP_ERR_UNKNOWN: it is not one of them. */
error_t
rc_query_options_parse(struct rc_query_options *options,
                       int key,
                       char *argument,
                       struct argp_state *state);

/* "NAME" or "event.NAME", "user.NAME", "account.KEY.NAME" (without a key: an event's own). */
Recount__V1__PropertyRef *
rc_query_options_property(struct rc_arena *arena, char *name);

/* The breakdown that --by and --top ask for; NULL without --by. */
Recount__V1__Breakdown *
rc_query_options_breakdown(struct rc_query_options *options);

/* A selector from an argument; prints what is wrong with it. */
RC_MUST_USE enum rc_exit_code
rc_query_options_selector(struct rc_query_options *options,
                          const char *source,
                          Recount__V1__Selector **ret_selector);

/* A bucket of the unit that was asked for, or else of the one that suits the scope's range. */
Recount__V1__BucketSize *
rc_query_options_bucket(struct rc_query_options *options, const Recount__V1__Scope *scope);

#endif
