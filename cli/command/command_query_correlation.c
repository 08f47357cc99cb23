/*
 * recount query correlation. Who converted is told by a segment, or by steps: those who reach the
 * last one, among those who reach the first. Steps are a funnel, which is asked first; its reply's
 * handle names both, so that values of a property can be counted in place of users.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/language/expression.h"
#include "cli/language/when.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_comparisons.h"
#include "recount/v1/cell.pb-c.h"
#include "recount/v1/funnel.pb-c.h"
#include "recount/v1/segment_rule.pb-c.h"

struct correlation {
    struct rc_query_options query;
    const char *converted;
    struct rc_pointer_list steps;
    int64_t window_ms; /* Of the steps; below 0: no limit. */
    const char *among;
    struct rc_pointer_list properties;
    uint64_t least_users;
    double confidence;
};

enum key {
    KEY_AMONG = 0x100,
    KEY_CONFIDENCE,
    KEY_CONVERTED,
    KEY_LEAST,
    KEY_PROPERTY,
    KEY_STEP,
    KEY_WINDOW,
};

static const struct argp_option options[] = {
    {"converted", KEY_CONVERTED, "USERS", 0, "Who converted: a saved segment or a rule", 1},
    {"step", KEY_STEP, "EVENTS", 0,
     "In place of --converted (repeat): who reaches the last step converted; the population are "
     "those who reach the first, if there are several",
     1},
    {"window", KEY_WINDOW, "TIME", 0, "From the first step to the last (no limit)", 1},
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
    struct rc_error error;
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
    case KEY_STEP:
        rc_pointer_list_add(correlation->query.session.arena, &correlation->steps, argument);
        return 0;
    case KEY_WINDOW:
        if (rc_when_duration(argument, &correlation->window_ms, &error) != RC_OK)
            argp_error(state, "--window: %s", error.message);
        return 0;
    case ARGP_KEY_END:
        if ((correlation->converted == NULL) == (correlation->steps.count == 0))
            argp_error(state, "say who converted: --converted, or the steps to that");
        if (correlation->window_ms >= 0 && correlation->steps.count == 0)
            argp_error(state, "--window is one of steps");
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
    "  recount query correlation --converted 'did(purchase)' --in signed-up --property browser\n"
    "  recount query correlation --entity account --step trial --step purchase 'path = /docs'",
    rc_query_children,
    NULL,
    NULL};

/* Asks how far the steps are taken; the handle of the reply. */
static enum rc_exit_code
ask_steps(struct correlation *correlation, Recount__V1__Scope *scope, char **ret_handle)
{
    struct rc_query_options *query = &correlation->query;
    struct rc_arena *arena = query->session.arena;
    Recount__V1__FunnelRequest request = RECOUNT__V1__FUNNEL_REQUEST__INIT;
    Recount__V1__FunnelResponse *reply = NULL;
    enum rc_exit_code code = RC_EXIT_OK;
    request.scope = scope;
    if (correlation->window_ms >= 0) {
        request.optional_window_ms_case = RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS;
        request.window_ms = correlation->window_ms;
    }
    request.steps =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__FunnelStep *, correlation->steps.count));
    for (; request.n_steps < correlation->steps.count && code == RC_EXIT_OK; request.n_steps++) {
        Recount__V1__FunnelStep *step =
            RC_MESSAGE(arena, Recount__V1__FunnelStep, recount__v1__funnel_step);
        code = rc_query_options_selector(query, correlation->steps.items[request.n_steps],
                                         &step->selector);
        request.steps[request.n_steps] = step;
    }
    if (code == RC_EXIT_OK)
        code = rc_session_call(&query->session, "QueryService/Funnel", &request,
                               &recount__v1__funnel_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    *ret_handle = reply->info->cell_handle;
    scope->optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
    scope->as_of_ms = reply->info->as_of_ms;
    return RC_EXIT_OK;
}

static Recount__V1__Cell *
step_cell(struct rc_arena *arena, char *handle, size_t step)
{
    Recount__V1__Cell *cell = RC_MESSAGE(arena, Recount__V1__Cell, recount__v1__cell);
    cell->handle = handle;
    cell->place_case = RECOUNT__V1__CELL__PLACE_FUNNEL;
    cell->funnel = RC_MESSAGE(arena, Recount__V1__FunnelCell, recount__v1__funnel_cell);
    cell->funnel->step = (uint32_t)step;
    return cell;
}

/* The users behind a step as a segment. */
static Recount__V1__SegmentFilter *
step_users(struct rc_arena *arena, char *handle, size_t step)
{
    Recount__V1__SegmentFilter *filter =
        RC_MESSAGE(arena, Recount__V1__SegmentFilter, recount__v1__segment_filter);
    filter->source_case = RECOUNT__V1__SEGMENT_FILTER__SOURCE_RULE;
    filter->rule = RC_MESSAGE(arena, Recount__V1__SegmentRule, recount__v1__segment_rule);
    filter->rule->kind_case = RECOUNT__V1__SEGMENT_RULE__KIND_CELL;
    filter->rule->cell = step_cell(arena, handle, step);
    return filter;
}

/* Who converted, and among whom. */
static enum rc_exit_code
build_converted(struct correlation *correlation, Recount__V1__CorrelationRequest *request)
{
    struct rc_query_options *query = &correlation->query;
    struct rc_arena *arena = query->session.arena;
    const size_t last = correlation->steps.count;
    struct rc_expression_error error;
    char *handle = NULL;
    if (correlation->converted != NULL) {
        if (rc_expression_filter(arena, query->session.project, correlation->converted,
                                 &request->converted, &error) == RC_OK)
            return RC_EXIT_OK;
        rc_expression_error_print(stderr, correlation->converted, &error);
        return RC_EXIT_USAGE;
    }
    const enum rc_exit_code code = ask_steps(correlation, request->scope, &handle);
    if (code != RC_EXIT_OK)
        return code;
    if (query->scope.entity != NULL) {
        request->converted_cell = step_cell(arena, handle, last);
        if (last > 1)
            request->population_cell = step_cell(arena, handle, 1);
    } else {
        request->converted = step_users(arena, handle, last);
        if (last > 1)
            request->scope->segment = step_users(arena, handle, 1);
    }
    return RC_EXIT_OK;
}

static enum rc_exit_code
build(struct correlation *correlation, Recount__V1__CorrelationRequest *request)
{
    struct rc_query_options *query = &correlation->query;
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code =
        rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code == RC_EXIT_OK)
        code = build_converted(correlation, request);
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
    return code;
}

enum rc_exit_code
rc_command_query_correlation(int count, char **arguments)
{
    struct correlation correlation = {.window_ms = -1};
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
