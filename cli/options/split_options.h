/*
 * Split options: by what a question is broken down: --by, --by-count, --by-segment, --in-bins,
 * --top; and into which columns the rows of a series are cut.
 *
 * Ownership: messages belong to the session's arena.
 */
#ifndef RC_CLI_OPTIONS_SPLIT_OPTIONS_H
#define RC_CLI_OPTIONS_SPLIT_OPTIONS_H

#include "cli/options/query_options.h"

struct rc_split_options {
    struct rc_pointer_list properties;
    struct rc_pointer_list counts;
    struct rc_pointer_list segments;
    unsigned bins; /* 0: none. */
};

enum rc_split_key { RC_SPLIT_KEY_COUNT = 0x1500, RC_SPLIT_KEY_SEGMENT, RC_SPLIT_KEY_BINS };

/* Handles the keys of a split, RC_QUERY_KEY_BY among them. ARGP_ERR_UNKNOWN: it is none. */
error_t
rc_split_options_parse(struct rc_split_options *split,
                       struct rc_query_options *query,
                       int key,
                       char *argument,
                       struct argp_state *state);

/* A breakdown by properties alone; NULL: there are none. top below 0: the server's own. */
Recount__V1__Breakdown *
rc_split_options_properties(struct rc_arena *arena, const struct rc_pointer_list *names, int top);

/* The breakdown that was asked for; NULL: none. Prints what is wrong with an expression. */
RC_MUST_USE enum rc_exit_code
rc_split_options_breakdown(struct rc_split_options *split,
                           struct rc_query_options *query,
                           Recount__V1__Breakdown **ret_breakdown);

#endif
