/* recount query funnel. */
#include <stdio.h>

#include "cli/command/command.h"
#include "cli/options/funnel_options.h"
#include "cli/options/query_options.h"
#include "cli/options/split_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/funnel.pb-c.h"

struct funnel {
    struct rc_query_options query;
    struct rc_split_options split;
    struct rc_funnel_options options;
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct funnel *funnel = state->input;
    error_t known = rc_split_options_parse(&funnel->split, &funnel->query, key, argument, state);
    if (known == ARGP_ERR_UNKNOWN)
        known = rc_funnel_options_parse(&funnel->options, &funnel->query, key, argument, state);
    if (known != ARGP_ERR_UNKNOWN)
        return known;
    if (key == ARGP_KEY_NO_ARGS)
        argp_error(state, "name the steps: definitions, or expressions in quotes");
    return rc_query_options_parse(&funnel->query, key, argument, state);
}

static const struct argp argp = {
    rc_funnel_option_list,
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
    if (code == RC_EXIT_OK)
        code = rc_funnel_options_fill(&funnel->options, query, request);
    if (code == RC_EXIT_OK)
        code = rc_split_options_breakdown(&funnel->split, query, &request->breakdown);
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
        rc_render_funnel_csv(stdout, reply, funnel.query.unit);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, funnel.query.output.color);
        rc_render_funnel(&paint, reply, funnel.query.unit);
    }
    rc_query_options_end(&funnel.query);
    return code;
}
