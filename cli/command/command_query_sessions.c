/* recount query sessions. */
#include <stdio.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_usage.h"

struct sessions {
    struct rc_query_options query;
    int64_t gap_ms; /* Negative: the server's default. */
    const char *property;
    bool ends_only;
};

enum key { KEY_GAP = 0x100, KEY_PROPERTY, KEY_ENDS };

static const struct argp_option options[] = {
    {"gap", KEY_GAP, "TIME", 0, "The longest pause inside a session (30m)", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0,
     "Bucket: hour, day, week, ... or \"3 days\" (default: by range)", 1},
    {"property", KEY_PROPERTY, "NAME", 0, "Rank its values at the first and last event", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "The same for each value (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows, and values of --property, before Other (9)", 1},
    {"ends", KEY_ENDS, NULL, 0, "With --csv: the ranked values and not the figures", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct sessions *sessions = state->input;
    struct rc_error error;
    switch (key) {
    case KEY_GAP:
        if (rc_when_duration(argument, &sessions->gap_ms, &error) != RC_OK)
            argp_error(state, "--gap: %s", error.message);
        return 0;
    case KEY_PROPERTY:
        sessions->property = argument;
        return 0;
    case KEY_ENDS:
        sessions->ends_only = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one kind of events; join several with OR");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&sessions->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS]",
    "Sessions: how many, how long, where they begin and end (default: all sessions; with EVENTS "
    "those that hold such an event).\v"
    "  recount query sessions --unit day --from 30d --property path\n"
    "  recount query sessions 'type = purchase' --gap 10m",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct sessions *sessions, Recount__V1__SessionsRequest *request)
{
    struct rc_query_options *query = &sessions->query;
    enum rc_exit_code code = RC_EXIT_OK;
    if (query->words.count > 0)
        code = rc_query_options_selector(query, query->words.items[0], &request->selector);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code != RC_EXIT_OK)
        return code;
    request->bucket = rc_query_options_bucket(query, request->scope);
    if (sessions->gap_ms >= 0) {
        request->optional_gap_ms_case = RECOUNT__V1__SESSIONS_REQUEST__OPTIONAL_GAP_MS_GAP_MS;
        request->gap_ms = sessions->gap_ms;
    }
    if (sessions->property != NULL)
        request->entry_exit_property = (char *)sessions->property;
    request->breakdown = rc_query_options_breakdown(query);
    if (query->top >= 0 && (sessions->property != NULL || request->breakdown == NULL)) {
        request->optional_top_case = RECOUNT__V1__SESSIONS_REQUEST__OPTIONAL_TOP_TOP;
        request->top = (uint32_t)query->top;
    }
    return code;
}

enum rc_exit_code
rc_command_query_sessions(int count, char **arguments)
{
    struct sessions sessions = {.gap_ms = -1};
    Recount__V1__SessionsRequest request = RECOUNT__V1__SESSIONS_REQUEST__INIT;
    Recount__V1__SessionsResponse *reply = NULL;
    rc_query_options_begin(&sessions.query);
    rc_options_parse(&argp, count, arguments, &sessions);
    const struct rc_query_options *query = &sessions.query;
    enum rc_exit_code code = build(&sessions, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&sessions.query, "QueryService/Sessions", &request,
                             &recount__v1__sessions_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_CSV) {
        if (sessions.ends_only)
            rc_render_session_ends_csv(stdout, reply);
        else
            rc_render_sessions_csv(stdout, reply, query->unit);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        rc_render_sessions(&paint, reply, query->unit);
    }
    rc_query_options_end(&sessions.query);
    return code;
}
