/* recount query retention. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/query_options.h"
#include "cli/options/split_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/retention.pb-c.h"

struct retention {
    struct rc_query_options query;
    struct rc_split_options split;
    Recount__V1__RetentionCohorts cohorts;
    Recount__V1__RetentionReturns returns;
    long last_period; /* -1: as many as the range has. */
    bool rolling;
    bool in_range;
    bool same_value;
    uint32_t at_least;
    const char *brackets;              /* NULL: none. */
    Recount__V1__RetentionValue value; /* Of the property, where there is one. */
    struct rc_pointer_list
        bracket_list; /* Of Recount__V1__PeriodBracket, in the session's arena. */
};

enum key {
    KEY_COHORTS = 0x100,
    KEY_OR_LATER,
    KEY_LAST,
    KEY_ROLLING,
    KEY_BRACKETS,
    KEY_IN_RANGE,
    KEY_SAME_VALUE,
    KEY_AT_LEAST,
    KEY_SUM,
    KEY_MEAN
};

static const struct argp_option options[] = {
    {"cohorts", KEY_COHORTS, "KIND", 0, "recurring (default), first-time, first-in-range", 1},
    {"or-later", KEY_OR_LATER, NULL, 0, "Count returns on a period or later", 1},
    {"last", KEY_LAST, "N", 0, "Number of the last column (default: as the range has periods)", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0, "Period: day, week, month, ... (default: by range)", 1},
    {"rolling", KEY_ROLLING, NULL, 0, "Count periods from each user's start event", 1},
    {"brackets", KEY_BRACKETS, "LIST", 0, "Columns of several periods: 0,1-3,4-12", 1},
    {"in-range", KEY_IN_RANGE, NULL, 0, "Read returns inside the range only", 1},
    {"at-least", KEY_AT_LEAST, "N", 0, "Returns that a cell needs in one of its periods (1)", 1},
    {"sum", KEY_SUM, "PROPERTY", 0, "Also the sum of a property of the returns (in --csv, --json)",
     1},
    {"mean", KEY_MEAN, "PROPERTY", 0, "Also that sum for each returning user", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0,
     "A triangle for each value of the start events (user.x for users'); may repeat", 1},
    {"by-count", RC_SPLIT_KEY_COUNT, "EVENTS", 0, "A triangle for each number of such events", 1},
    {"by-segment", RC_SPLIT_KEY_SEGMENT, "SEGMENT", 0,
     "A triangle for each of these segments; may repeat", 1},
    {"in-bins", RC_SPLIT_KEY_BINS, "N", 0, "Put the numbers of --by and --by-count into bins", 1},
    {"same-value", KEY_SAME_VALUE, NULL, 0, "A return needs the value of its start event", 1},
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
    case KEY_ROLLING:
        retention->rolling = true;
        return 0;
    case KEY_BRACKETS:
        retention->brackets = argument;
        return 0;
    case KEY_IN_RANGE:
        retention->in_range = true;
        return 0;
    case KEY_SAME_VALUE:
        retention->same_value = true;
        return 0;
    case KEY_AT_LEAST:
        retention->at_least = (uint32_t)strtoul(argument, &end, 10);
        if (*argument == '\0' || *end != '\0')
            argp_error(state, "--at-least takes a number");
        return 0;
    case KEY_SUM:
    case KEY_MEAN:
        retention->value.event_property = argument;
        retention->value.aggregate =
            key == KEY_SUM ? RECOUNT__V1__RETENTION_AGGREGATE__RETENTION_AGGREGATE_SUM
                           : RECOUNT__V1__RETENTION_AGGREGATE__RETENTION_AGGREGATE_MEAN_PER_USER;
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
    const error_t of_split =
        rc_split_options_parse(&retention->split, &retention->query, key, argument, state);
    return of_split != ARGP_ERR_UNKNOWN
               ? of_split
               : rc_query_options_parse(&retention->query, key, argument, state);
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

/* Reads "0,1-3". */
static enum rc_exit_code
build_brackets(struct retention *retention, Recount__V1__RetentionRequest *request)
{
    const char *at = retention->brackets;
    struct rc_arena *arena = retention->query.session.arena;
    struct rc_pointer_list *list = &retention->bracket_list;
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        Recount__V1__PeriodBracket *bracket =
            RC_MESSAGE(arena, Recount__V1__PeriodBracket, recount__v1__period_bracket);
        bracket->first = bracket->last = (uint32_t)strtoul(at, &end, 10);
        if (end != at && *end == '-')
            bracket->last = (uint32_t)strtoul(at = end + 1, &end, 10);
        if (end == at || (*end != ',' && *end != '\0')) {
            fputs("recount query retention: --brackets takes periods like 0,1-3,4-12\n", stderr);
            return RC_EXIT_USAGE;
        }
        rc_pointer_list_add(arena, list, bracket);
        at = *end == ',' ? end + 1 : end;
    }
    request->n_brackets = list->count;
    request->brackets = (Recount__V1__PeriodBracket **)list->items;
    return RC_EXIT_OK;
}

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
    if (code == RC_EXIT_OK)
        code = rc_split_options_breakdown(&retention->split, query, &request->breakdown);
    if (code == RC_EXIT_OK)
        code = build_brackets(retention, request);
    if (code != RC_EXIT_OK)
        return code;
    if (retention->rolling)
        request->periods = RECOUNT__V1__RETENTION_PERIODS__RETENTION_PERIODS_ROLLING;
    request->returns_in_range = retention->in_range;
    request->same_value_on_return = retention->same_value;
    request->min_occurrences = retention->at_least;
    if (retention->value.event_property[0] != '\0')
        request->value = &retention->value;
    request->cohorts = retention->cohorts;
    request->returns = retention->returns;
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
    struct retention retention = {.last_period = -1, .value = RECOUNT__V1__RETENTION_VALUE__INIT};
    Recount__V1__RetentionRequest request = RECOUNT__V1__RETENTION_REQUEST__INIT;
    Recount__V1__RetentionResponse *reply = NULL;
    rc_query_options_begin(&retention.query);
    rc_options_parse(&argp, count, arguments, &retention);
    enum rc_exit_code code = build(&retention, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&retention.query, "QueryService/Retention", &request,
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
