/* recount query stickiness. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/options/compare_options.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_usage.h"

struct stickiness {
    struct rc_query_options query;
    uint32_t min_events;
    bool at_least;
    const char *compare;
};

enum key { KEY_AT_LEAST = 0x100, KEY_COMPARE, KEY_MIN };

static const struct argp_option options[] = {
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "The same for each value (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0,
     "Bucket: day, week, month, ... or \"3 days\" (default: by range)", 1},
    {"at-least", KEY_AT_LEAST, NULL, 0, "Users of so many buckets or more (default: exactly)", 1},
    {"min-events", KEY_MIN, "N", 0, "Events that make a bucket active (1)", 1},
    {"compare", KEY_COMPARE, "TIME", 0, "Also an earlier time: \"previous\", \"1 month\", ...", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct stickiness *stickiness = state->input;
    char *end = NULL;
    switch (key) {
    case KEY_AT_LEAST:
        stickiness->at_least = true;
        return 0;
    case KEY_COMPARE:
        stickiness->compare = argument;
        return 0;
    case KEY_MIN:
        stickiness->min_events = (uint32_t)strtoul(argument, &end, 10);
        if (*argument < '0' || *argument > '9' || *end != '\0' || stickiness->min_events == 0)
            argp_error(state, "--min-events takes a number from 1 on");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one kind of events; join several with OR");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&stickiness->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS]",
    "In how many days (weeks, months) users are active (default: any event is activity).\v"
    "  recount query stickiness --unit day --from 30d --compare previous\n"
    "  recount query stickiness 'type = purchase' --unit week --min-events 2 --at-least",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct stickiness *stickiness, Recount__V1__StickinessRequest *request)
{
    struct rc_query_options *query = &stickiness->query;
    const char *events = query->words.count > 0 ? query->words.items[0] : "any";
    enum rc_exit_code code = rc_query_options_selector(query, events, &request->selector);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code != RC_EXIT_OK)
        return code;
    request->bucket = rc_query_options_bucket(query, request->scope);
    request->breakdown = rc_query_options_breakdown(query);
    request->min_events_per_bucket = stickiness->min_events;
    if (stickiness->at_least)
        request->count = RECOUNT__V1__STICKINESS_COUNT__STICKINESS_COUNT_AT_LEAST;
    return rc_compare_options_read(query->session.arena, stickiness->compare, &request->comparison);
}

enum rc_exit_code
rc_command_query_stickiness(int count, char **arguments)
{
    struct stickiness stickiness = {0};
    Recount__V1__StickinessRequest request = RECOUNT__V1__STICKINESS_REQUEST__INIT;
    Recount__V1__StickinessResponse *reply = NULL;
    rc_query_options_begin(&stickiness.query);
    rc_options_parse(&argp, count, arguments, &stickiness);
    const struct rc_query_options *query = &stickiness.query;
    enum rc_exit_code code = build(&stickiness, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&stickiness.query, "QueryService/Stickiness", &request,
                             &recount__v1__stickiness_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_CSV) {
        rc_render_stickiness_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        rc_render_stickiness(&paint, reply, query->unit);
    }
    rc_query_options_end(&stickiness.query);
    return code;
}
