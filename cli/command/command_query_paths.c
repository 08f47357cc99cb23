/* recount query paths. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_usage.h"

struct paths {
    struct rc_query_options query;
    const char *property;
    const char *excluded;
    int64_t gap_ms; /* Negative: the server's default. */
    uint32_t depth;
    struct rc_pointer_list start;
    const char *end;
};

enum key { KEY_PROPERTY = 0x100, KEY_EXCLUDE, KEY_GAP, KEY_DEPTH, KEY_START, KEY_END };

static const struct argp_option options[] = {
    {"property", KEY_PROPERTY, "NAME", 0, "Nodes are the values of this property", 1},
    {"start", KEY_START, "NODE", 0, "Begin at this node; several times: at this chain", 1},
    {"end", KEY_END, "NODE", 0, "End at this node", 1},
    {"exclude", KEY_EXCLUDE, "EVENTS", 0, "Go past these events", 1},
    {"gap", KEY_GAP, "TIME", 0, "The longest pause inside a session (30m)", 1},
    {"depth", KEY_DEPTH, "N", 0, "Levels, from 1 to 20 (5)", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0,
     "The same for each value where walks begin (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows, and nodes of a level, before Other (9)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct paths *paths = state->input;
    struct rc_error error;
    char *end = NULL;
    switch (key) {
    case KEY_PROPERTY:
        paths->property = argument;
        return 0;
    case KEY_EXCLUDE:
        paths->excluded = argument;
        return 0;
    case KEY_START:
        rc_pointer_list_add(paths->query.session.arena, &paths->start, argument);
        return 0;
    case KEY_END:
        paths->end = argument;
        return 0;
    case KEY_GAP:
        if (rc_when_duration(argument, &paths->gap_ms, &error) != RC_OK)
            argp_error(state, "--gap: %s", error.message);
        return 0;
    case KEY_DEPTH:
        paths->depth = (uint32_t)strtoul(argument, &end, 10);
        if (*end != '\0' || paths->depth < 1 || paths->depth > 20)
            argp_error(state, "--depth takes a number from 1 to 20");
        return 0;
    case ARGP_KEY_END:
        if ((paths->property == NULL) == (paths->query.words.count == 0))
            argp_error(state, "give --property, or the events that are nodes");
        return 0;
    default:
        return rc_query_options_parse(&paths->query, key, argument, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS...]",
    "What users do one after the other in a session: values of a property, or the given events, "
    "each of which is a node.\v"
    "  recount query paths --property path --start / --from 30d\n"
    "  recount query paths --property path --by user.plan\n"
    "  recount query paths viewed added 'type = purchase' --end 'type = purchase'",
    rc_query_children,
    NULL,
    NULL};

static Recount__V1__Value *
text_value(struct rc_arena *arena, const char *text)
{
    Recount__V1__Value *value = RC_MESSAGE(arena, Recount__V1__Value, recount__v1__value);
    value->kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
    value->string_value = rc_text_copy(arena, text);
    return value;
}

/* The arguments as nodes; their names are what was typed. */
static enum rc_exit_code
build_selectors(struct rc_query_options *query, Recount__V1__PathsRequest *request)
{
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    Recount__V1__PathSelectors *nodes =
        RC_MESSAGE(arena, Recount__V1__PathSelectors, recount__v1__path_selectors);
    nodes->n_selectors = query->words.count;
    nodes->selectors =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__PathSelector *, nodes->n_selectors));
    for (size_t i = 0; i < nodes->n_selectors && code == RC_EXIT_OK; i++) {
        nodes->selectors[i] =
            RC_MESSAGE(arena, Recount__V1__PathSelector, recount__v1__path_selector);
        nodes->selectors[i]->name = query->words.items[i];
        code =
            rc_query_options_selector(query, query->words.items[i], &nodes->selectors[i]->selector);
    }
    request->nodes_case = RECOUNT__V1__PATHS_REQUEST__NODES_SELECTORS;
    request->selectors = nodes;
    return code;
}

static enum rc_exit_code
build(struct paths *paths, Recount__V1__PathsRequest *request)
{
    struct rc_query_options *query = &paths->query;
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    if (paths->property != NULL) {
        request->nodes_case = RECOUNT__V1__PATHS_REQUEST__NODES_PROPERTY;
        request->property = rc_text_copy(arena, paths->property);
    } else {
        code = build_selectors(query, request);
    }
    if (code == RC_EXIT_OK && paths->excluded != NULL)
        code = rc_query_options_selector(query, paths->excluded, &request->excluded);
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    request->depth = paths->depth;
    request->n_start_nodes = paths->start.count;
    request->start_nodes =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__Value *, paths->start.count + 1));
    for (size_t i = 0; i < paths->start.count; i++)
        request->start_nodes[i] = text_value(arena, paths->start.items[i]);
    if (paths->end != NULL)
        request->end_node = text_value(arena, paths->end);
    if (paths->gap_ms >= 0) {
        request->optional_gap_ms_case = RECOUNT__V1__PATHS_REQUEST__OPTIONAL_GAP_MS_GAP_MS;
        request->gap_ms = paths->gap_ms;
    }
    request->breakdown = rc_query_options_breakdown(query);
    if (query->top >= 0) {
        request->optional_top_case = RECOUNT__V1__PATHS_REQUEST__OPTIONAL_TOP_TOP;
        request->top = (uint32_t)query->top;
    }
    return code;
}

enum rc_exit_code
rc_command_query_paths(int count, char **arguments)
{
    struct paths paths = {.gap_ms = -1};
    Recount__V1__PathsRequest request = RECOUNT__V1__PATHS_REQUEST__INIT;
    Recount__V1__PathsResponse *reply = NULL;
    rc_query_options_begin(&paths.query);
    rc_options_parse(&argp, count, arguments, &paths);
    const struct rc_query_options *query = &paths.query;
    enum rc_exit_code code = build(&paths, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&paths.query, "QueryService/Paths", &request,
                             &recount__v1__paths_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_CSV) {
        rc_render_paths_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        rc_render_paths(&paint, reply);
    }
    rc_query_options_end(&paths.query);
    return code;
}
