/*
 * Funnel options: what "recount query funnel" can ask beside its steps, as fields of the request.
 *
 * Ownership: messages belong to the session's arena.
 */
#ifndef RC_CLI_OPTIONS_FUNNEL_OPTIONS_H
#define RC_CLI_OPTIONS_FUNNEL_OPTIONS_H

#include "cli/options/query_options.h"
#include "recount/v1/funnel.pb-c.h"

struct rc_funnel_options {
    const char *window;
    struct rc_pointer_list step_windows; /* "2=30m". */
    struct rc_pointer_list optional;     /* "2". */
    struct rc_pointer_list exclusions;   /* "EXPRESSION", or "1-2: EXPRESSION". */
    struct rc_pointer_list holds;        /* "PROPERTY", or "PROPERTY@1,3". */
    const char *at;
    bool same_day;
    bool reuse_event;
    bool attempt_only;
    bool totals;
    uint32_t histogram_bins;
    Recount__V1__FunnelReentry reentry;
    Recount__V1__FunnelSameTime same_time;
    Recount__V1__FunnelOrder order;
};

/* The option list; end of list included. */
extern const struct argp_option rc_funnel_option_list[];

/* Handles the keys of that list. ARGP_ERR_UNKNOWN: it is none. */
error_t
rc_funnel_options_parse(struct rc_funnel_options *funnel,
                        struct rc_query_options *query,
                        int key,
                        char *argument,
                        struct argp_state *state);

/* Fills what was asked into a request that has its steps. Prints what is wrong. */
RC_MUST_USE enum rc_exit_code
rc_funnel_options_fill(const struct rc_funnel_options *funnel,
                       struct rc_query_options *query,
                       Recount__V1__FunnelRequest *request);

#endif
