/* recount query correlation. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/expression.h"
#include "cli/message_json.h"
#include "cli/query_options.h"
#include "cli/render_comparisons.h"

struct correlation {
    struct rc_query_options query;
    const char *converted;
    const char *among;
    struct rc_pointer_list properties;
    uint64_t least_users;
    double confidence;
};

enum key { KEY_AMONG = 0x100, KEY_CONFIDENCE, KEY_CONVERTED, KEY_LEAST, KEY_PROPERTY };

static const struct argp_option options[] = {
    {"converted", KEY_CONVERTED, "USERS", 0, "Who converted: a saved segment or a rule", 1},
    {"property", KEY_PROPERTY, "PROPERTY", 0, "Its values are candidates: NAME, user.NAME (repeat)",
     1},
    {"among", KEY_AMONG, "EVENTS", 0, "Read properties of these events only", 1},
    {"least", KEY_LEAST, "N", 0, "Leave out what fewer users have", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Show so many (20)", 1},
    {"confidence", KEY_CONFIDENCE, "SHARE", 0, "Of intervals (0.95)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct correlation *correlation = state->input;
    char *end = NULL;
    switch (key) {
    case KEY_AMONG:
        correlation->among = argument;
        return 0;
    case KEY_CONFIDENCE:
        correlation->confidence = strtod(argument, &end);
        if (*argument == '\0' || *end != '\0')
            argp_error(state, "--confidence takes a number between 0 and 1");
        return 0;
    case KEY_CONVERTED:
        correlation->converted = argument;
        return 0;
    case KEY_LEAST:
        correlation->least_users = strtoull(argument, &end, 10);
        if (*argument < '0' || *argument > '9' || *end != '\0')
            argp_error(state, "--least takes a number");
        return 0;
    case KEY_PROPERTY:
        rc_pointer_list_add(correlation->query.session.arena, &correlation->properties, argument);
        return 0;
    case ARGP_KEY_END:
        if (correlation->converted == NULL)
            argp_error(state, "say who converted: --converted");
        if (correlation->query.words.count == 0 && correlation->properties.count == 0)
            argp_error(state, "name events, or properties with --property");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&correlation->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS...]",
    "What users who converted have more often than the others, or less.\v"
    "  recount query correlation --converted buyers --property user.plan 'path = /pricing'\n"
    "  recount query correlation --converted 'did(purchase)' --in signed-up --property browser",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct correlation *correlation, Recount__V1__CorrelationRequest *request)
{
    struct rc_query_options *query = &correlation->query;
    struct rc_arena *arena = query->session.arena;
    struct rc_expression_error error;
    enum rc_exit_code code = RC_EXIT_OK;
    if (rc_expression_filter(arena, query->session.project, correlation->converted,
                             &request->converted, &error) != RC_OK) {
        rc_expression_error_print(stderr, correlation->converted, &error);
        return RC_EXIT_USAGE;
    }
    request->events =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__Selector *, query->words.count + 1));
    for (; request->n_events < query->words.count && code == RC_EXIT_OK; request->n_events++)
        code = rc_query_options_selector(query, query->words.items[request->n_events],
                                         &request->events[request->n_events]);
    request->properties = rc_need(
        RC_ARENA_ARRAY(arena, Recount__V1__PropertyRef *, correlation->properties.count + 1));
    for (; request->n_properties < correlation->properties.count; request->n_properties++)
        request->properties[request->n_properties] =
            rc_query_options_property(arena, correlation->properties.items[request->n_properties]);
    if (code == RC_EXIT_OK && correlation->among != NULL)
        code = rc_query_options_selector(query, correlation->among, &request->among);
    request->least_users = correlation->least_users;
    request->top = query->top > 0 ? (uint32_t)query->top : 0;
    request->confidence = correlation->confidence;
    return code == RC_EXIT_OK
               ? rc_options_scope(&query->session, &query->scope, true, &request->scope)
               : code;
}

enum rc_exit_code
rc_command_query_correlation(int count, char **arguments)
{
    struct correlation correlation = {0};
    Recount__V1__CorrelationRequest request = RECOUNT__V1__CORRELATION_REQUEST__INIT;
    Recount__V1__CorrelationResponse *reply = NULL;
    rc_query_options_begin(&correlation.query);
    rc_options_parse(&argp, count, arguments, &correlation);
    const struct rc_query_options *query = &correlation.query;
    enum rc_exit_code code = build(&correlation, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&correlation.query, "QueryService/Correlation", &request,
                             &recount__v1__correlation_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_CSV) {
        rc_render_correlation_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        rc_render_correlation(&paint, reply);
    }
    rc_query_options_end(&correlation.query);
    return code;
}
