/* recount query retention. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/message_json.h"
#include "cli/query_options.h"
#include "cli/render.h"
#include "recount/v1/retention.pb-c.h"

struct retention {
    struct rc_query_options query;
    Recount__V1__RetentionCohorts cohorts;
    Recount__V1__RetentionReturns returns;
    long last_period; /* -1: as many as the range has. */
};

enum key { KEY_COHORTS = 0x100, KEY_OR_LATER, KEY_LAST };

static const struct argp_option options[] = {
    {"cohorts", KEY_COHORTS, "KIND", 0, "recurring (default), first-time, first-in-range", 1},
    {"or-later", KEY_OR_LATER, NULL, 0, "Count returns on a period or later", 1},
    {"last", KEY_LAST, "N", 0, "Number of the last column (default: as the range has periods)", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0, "Period: day, week, month, ... (default: by range)", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "A triangle for each value", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    static const char *const kinds[] = {"recurring", "first-time", "first-in-range"};
    struct retention *retention = state->input;
    char *end = NULL;
    switch (key) {
    case KEY_COHORTS:
        for (int i = 0; i < 3; i++) {
            if (strcmp(argument, kinds[i]) == 0)
                retention->cohorts = (Recount__V1__RetentionCohorts)(i + 1);
        }
        if (retention->cohorts == 0)
            argp_error(state, "--cohorts takes recurring, first-time or first-in-range");
        return 0;
    case KEY_OR_LATER:
        retention->returns = RECOUNT__V1__RETENTION_RETURNS__RETENTION_RETURNS_ON_OR_AFTER;
        return 0;
    case KEY_LAST:
        retention->last_period = strtol(argument, &end, 10);
        if (*argument == '\0' || *end != '\0' || retention->last_period < 0)
            argp_error(state, "--last takes a number");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name the start event, and the return event if it is another");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 2)
            argp_error(state, "there is one start event and one return event");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&retention->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "START [RETURN]",
    "How many users come back after how many periods.\v"
    "  recount query retention signed-up any --unit week --cohorts first-time",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct retention *retention, Recount__V1__RetentionRequest *request)
{
    struct rc_query_options *query = &retention->query;
    enum rc_exit_code code =
        rc_query_options_selector(query, query->words.items[0], &request->start_event);
    if (code == RC_EXIT_OK && query->words.count > 1)
        code = rc_query_options_selector(query, query->words.items[1], &request->return_event);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code != RC_EXIT_OK)
        return code;
    request->cohorts = retention->cohorts;
    request->returns = retention->returns;
    request->breakdown = rc_query_options_breakdown(query);
    request->period = rc_query_options_bucket(query, request->scope);
    if (retention->last_period >= 0) {
        request->optional_last_period_case =
            RECOUNT__V1__RETENTION_REQUEST__OPTIONAL_LAST_PERIOD_LAST_PERIOD;
        request->last_period = (uint32_t)retention->last_period;
    }
    return code;
}

enum rc_exit_code
rc_command_query_retention(int count, char **arguments)
{
    struct retention retention = {.last_period = -1};
    Recount__V1__RetentionRequest request = RECOUNT__V1__RETENTION_REQUEST__INIT;
    Recount__V1__RetentionResponse *reply = NULL;
    rc_query_options_begin(&retention.query);
    rc_options_parse(&argp, count, arguments, &retention);
    enum rc_exit_code code = build(&retention, &request);
    if (code == RC_EXIT_OK)
        code = rc_session_call(&retention.query.session, "QueryService/Retention", &request,
                               &recount__v1__retention_response__descriptor, &reply);
    if (code == RC_EXIT_OK && retention.query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && retention.query.output.format == RC_OUTPUT_CSV) {
        rc_render_retention_csv(stdout, reply, retention.query.unit);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, retention.query.output.color);
        rc_render_retention(&paint, reply, retention.query.unit);
    }
    rc_query_options_end(&retention.query);
    return code;
}
