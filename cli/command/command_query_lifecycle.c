/* recount query lifecycle. */
#include <stdio.h>

#include "cli/command/command.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_usage.h"

static const struct argp_option options[] = {
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "The same for each value (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0,
     "Bucket: day, week, month, ... or \"3 days\" (default: by range)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    if (key == ARGP_KEY_ARG && state->arg_num >= 1)
        argp_error(state, "there is one kind of events; join several with OR");
    return rc_query_options_parse(state->input, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS]",
    "Who is new, who comes back, who is gone (default: any event is activity).\v"
    "  recount query lifecycle --unit week --from 90d\n"
    "  recount query lifecycle 'type = purchase' --unit month",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct rc_query_options *query, Recount__V1__LifecycleRequest *request)
{
    const char *events = query->words.count > 0 ? query->words.items[0] : "any";
    enum rc_exit_code code = rc_query_options_selector(query, events, &request->selector);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code == RC_EXIT_OK)
        request->bucket = rc_query_options_bucket(query, request->scope);
    request->breakdown = rc_query_options_breakdown(query);
    return code;
}

enum rc_exit_code
rc_command_query_lifecycle(int count, char **arguments)
{
    struct rc_query_options query = {0};
    Recount__V1__LifecycleRequest request = RECOUNT__V1__LIFECYCLE_REQUEST__INIT;
    Recount__V1__LifecycleResponse *reply = NULL;
    rc_query_options_begin(&query);
    rc_options_parse(&argp, count, arguments, &query);
    enum rc_exit_code code = build(&query, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&query, "QueryService/Lifecycle", &request,
                             &recount__v1__lifecycle_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query.output.format == RC_OUTPUT_CSV) {
        rc_render_lifecycle_csv(stdout, reply, query.unit);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query.output.color);
        rc_render_lifecycle(&paint, reply, query.unit);
    }
    rc_query_options_end(&query);
    return code;
}
