/*
 * Plan options: how a question is run, and whether to say how: the options that all questions
 * share, and the call that follows them.
 *
 * Ownership: messages belong to the session's arena.
 */
#ifndef RC_CLI_OPTIONS_PLAN_OPTIONS_H
#define RC_CLI_OPTIONS_PLAN_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "cli/session/exit_code.h"
#include "cli/session/message.h"
#include "recount/v1/scope.pb-c.h"

#define RC_PLAN_PATHS_MAX 32u

struct rc_plan_options {
    bool explain; /* Say how it would be run. */
    bool analyze; /* Run it, and say how it was. */
    bool slabs;
    uint32_t parallel; /* 0: the server decides. */
    Recount__V1__CacheHint cache;
    Recount__V1__FeedHint feed;
    /* "PATH" or "SELECTOR:PATH". */
    uint32_t path_count;
    struct {
        char *selector; /* NULL: every one. */
        Recount__V1__AccessPath path;
        bool forbidden;
    } paths[RC_PLAN_PATHS_MAX];
};

extern const struct argp rc_plan_argp;

/* The hints that the options ask for; NULL: none. */
Recount__V1__QueryHints *
rc_plan_options_hints(const struct rc_plan_options *options, struct rc_arena *arena);

struct rc_query_options;

/*
 * Asks a question: rc_session_call with the hints put in. With --explain or --analyze the plan is
 * asked for and printed instead, and with --users-of users are listed; the code is then
 * RC_EXIT_EXPLAINED.
 */
RC_MUST_USE enum rc_exit_code
rc_query_call(struct rc_query_options *options,
              const char *method,
              void *request,
              const ProtobufCMessageDescriptor *reply_descriptor,
              void *ret_reply);

#endif
