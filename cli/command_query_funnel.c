/* recount query funnel. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/message_json.h"
#include "cli/query_options.h"
#include "cli/render.h"
#include "cli/when.h"
#include "recount/v1/funnel.pb-c.h"

struct funnel {
    struct rc_query_options query;
    const char *window;
    Recount__V1__FunnelReentry reentry;
    Recount__V1__FunnelSameTime same_time;
    Recount__V1__FunnelOrder order;
};

enum key { KEY_WINDOW = 'w', KEY_ORDER = 0x100, KEY_FIRST_ONLY, KEY_STRICT_TIMES };

static const struct argp_option options[] = {
    {"window", KEY_WINDOW, "TIME", 0, "Longest time from the first step to the last: 7d, 30m", 1},
    {"order", KEY_ORDER, "ORDER", 0, "ordered (default), strict, strict-steps, unordered", 1},
    {"first-only", KEY_FIRST_ONLY, NULL, 0, "Only a user's first event of step 1 may start", 1},
    {"strict-times", KEY_STRICT_TIMES, NULL, 0, "Two steps may not have the same time", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "A funnel for each value (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {0},
};

static Recount__V1__FunnelOrder
order_of(struct argp_state *state, const char *name)
{
    static const char *const names[] = {"ordered", "strict", "strict-steps", "unordered"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            return (Recount__V1__FunnelOrder)(i + 1);
    }
    argp_error(state, "--order takes ordered, strict, strict-steps or unordered");
    return RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_UNSPECIFIED;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct funnel *funnel = state->input;
    switch (key) {
    case KEY_WINDOW:
        funnel->window = argument;
        return 0;
    case KEY_ORDER:
        funnel->order = order_of(state, argument);
        return 0;
    case KEY_FIRST_ONLY:
        funnel->reentry = RECOUNT__V1__FUNNEL_REENTRY__FUNNEL_REENTRY_FIRST_ONLY;
        return 0;
    case KEY_STRICT_TIMES:
        funnel->same_time = RECOUNT__V1__FUNNEL_SAME_TIME__FUNNEL_SAME_TIME_STRICT;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name the steps: definitions, or expressions in quotes");
        return 0;
    default:
        return rc_query_options_parse(&funnel->query, key, argument, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    "STEP...",
    "How many users come how far along the steps.\v"
    "A step is a definition's name or an expression in quotes; 'Name := expression' names it.\n"
    "  recount query funnel signed-up 'Bought := type = submit and price > 0' --window 7d",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct funnel *funnel, Recount__V1__FunnelRequest *request)
{
    struct rc_query_options *query = &funnel->query;
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    request->n_steps = query->words.count;
    request->steps = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__FunnelStep *, request->n_steps));
    for (size_t i = 0; i < request->n_steps && code == RC_EXIT_OK; i++) {
        request->steps[i] = RC_MESSAGE(arena, Recount__V1__FunnelStep, recount__v1__funnel_step);
        code =
            rc_query_options_selector(query, query->words.items[i], &request->steps[i]->selector);
    }
    if (code == RC_EXIT_OK && funnel->window != NULL) {
        struct rc_error error;
        request->optional_window_ms_case =
            RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS;
        if (rc_when_duration(funnel->window, &request->window_ms, &error) != RC_OK) {
            fprintf(stderr, "recount: --window: %s\n", error.message);
            code = RC_EXIT_USAGE;
        }
    }
    request->order = funnel->order;
    request->reentry = funnel->reentry;
    request->same_time = funnel->same_time;
    request->breakdown = rc_query_options_breakdown(query);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    return code;
}

enum rc_exit_code
rc_command_query_funnel(int count, char **arguments)
{
    struct funnel funnel = {0};
    Recount__V1__FunnelRequest request = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    Recount__V1__FunnelResponse *reply = NULL;
    rc_query_options_begin(&funnel.query);
    rc_options_parse(&argp, count, arguments, &funnel);
    enum rc_exit_code code = build(&funnel, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&funnel.query, "QueryService/Funnel", &request,
                             &recount__v1__funnel_response__descriptor, &reply);
    if (code == RC_EXIT_OK && funnel.query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && funnel.query.output.format == RC_OUTPUT_CSV) {
        rc_render_funnel_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, funnel.query.output.color);
        rc_render_funnel(&paint, reply);
    }
    rc_query_options_end(&funnel.query);
    return code;
}
