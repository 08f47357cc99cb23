/* recount query events: what one user did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/event_list.pb-c.h"

struct events {
    struct rc_query_options query;
    const char *events; /* NULL: all. */
    bool latest;
    bool all_pages;
    bool with_definitions;
    struct rc_pointer_list properties;
    int32_t limit;
};

enum key {
    KEY_EVENTS = 'e',
    KEY_LATEST = 0x100,
    KEY_LIMIT,
    KEY_PROPERTY,
    KEY_ALL,
    KEY_DEFINITIONS
};

static const struct argp_option options[] = {
    {"events", KEY_EVENTS, "EVENTS", 0, "Only these: a definition's name or an expression", 1},
    {"latest", KEY_LATEST, NULL, 0, "Latest first", 1},
    {"limit", KEY_LIMIT, "N", 0, "Most events (100)", 1},
    {"definitions", KEY_DEFINITIONS, NULL, 0, "Also say which definitions each event means", 1},
    {"all", KEY_ALL, NULL, 0, "All events, page by page", 1},
    {"property", KEY_PROPERTY, "NAME", 0, "Show only this property; may be given several times", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct events *events = state->input;
    switch (key) {
    case KEY_EVENTS:
        events->events = argument;
        return 0;
    case KEY_LATEST:
        events->latest = true;
        return 0;
    case KEY_LIMIT:
        events->limit = atoi(argument);
        if (events->limit < 1 || events->limit > 1000)
            argp_error(state, "--limit takes a number from 1 to 1000; --all shows more");
        return 0;
    case KEY_DEFINITIONS:
        events->with_definitions = true;
        return 0;
    case KEY_ALL:
        events->all_pages = true;
        return 0;
    case KEY_PROPERTY:
        rc_pointer_list_add(events->query.session.arena, &events->properties, argument);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name a user");
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num >= 1)
            argp_error(state, "there is one user");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&events->query, key, argument, state);
}

static const struct argp argp = {options,
                                 parse,
                                 "USER",
                                 "What one user did, event by event; times are UTC.\v"
                                 "  recount query events u42 --latest --limit 20 --property path",
                                 rc_query_children,
                                 NULL,
                                 NULL};

static enum rc_exit_code
build(struct events *events, Recount__V1__ListEventsRequest *request)
{
    struct rc_query_options *query = &events->query;
    Recount__V1__Scope *scope = NULL;
    const bool with_range = query->scope.from != NULL || query->scope.to != NULL;
    if (query->scope.segment != NULL) {
        fputs("recount: --segment does not go with one user\n", stderr);
        return RC_EXIT_USAGE;
    }
    enum rc_exit_code code = rc_options_scope(&query->session, &query->scope, with_range, &scope);
    if (code == RC_EXIT_OK && events->events != NULL)
        code = rc_query_options_selector(query, events->events, &request->selector);
    request->parent = scope->project;
    request->user = query->words.items[0];
    request->range = scope->range;
    if (scope->optional_as_of_ms_case != 0) {
        request->optional_as_of_ms_case =
            RECOUNT__V1__LIST_EVENTS_REQUEST__OPTIONAL_AS_OF_MS_AS_OF_MS;
        request->as_of_ms = scope->as_of_ms;
    }
    request->descending = events->latest;
    request->with_definitions = events->with_definitions;
    request->page_size = events->all_pages ? 1000 : events->limit;
    request->n_properties = events->properties.count;
    request->properties = (char **)events->properties.items;
    return code;
}

static void
write_page(const struct events *events, const Recount__V1__ListEventsResponse *reply, bool is_first)
{
    if (events->query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (events->query.output.format == RC_OUTPUT_CSV) {
        rc_render_events_csv(stdout, reply, is_first);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, events->query.output.color);
        rc_render_events(&paint, reply);
    }
}

enum rc_exit_code
rc_command_query_events(int count, char **arguments)
{
    struct events events = {.limit = 100};
    Recount__V1__ListEventsRequest request = RECOUNT__V1__LIST_EVENTS_REQUEST__INIT;
    Recount__V1__ListEventsResponse *reply = NULL;
    rc_query_options_begin(&events.query);
    rc_options_parse(&argp, count, arguments, &events);
    enum rc_exit_code code = build(&events, &request);
    bool more = code == RC_EXIT_OK;
    while (more) {
        const bool is_first = *request.page_token == '\0';
        code = rc_query_call(&events.query, "QueryService/ListEvents", &request,
                             &recount__v1__list_events_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            break;
        write_page(&events, reply, is_first);
        request.page_token = reply->next_page_token;
        more = events.all_pages && *request.page_token != '\0';
    }
    rc_query_options_end(&events.query);
    return code;
}
