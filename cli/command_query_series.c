/* recount query series. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/message_json.h"
#include "cli/query_options.h"
#include "cli/render.h"
#include "recount/v1/series.pb-c.h"

struct series {
    struct rc_query_options query;
    Recount__V1__SeriesMeasure measure;
    const char *property;
    double percentile;
    bool cumulative;
    bool no_buckets;
};

enum key { KEY_MEASURE = 'm', KEY_OF = 0x100, KEY_PERCENTILE, KEY_CUMULATIVE, KEY_TOTAL };

static const struct argp_option options[] = {
    {"measure", KEY_MEASURE, "MEASURE", 0,
     "events (default), users, sessions, mean-per-user, max-per-user, sum, mean, min, max, median, "
     "percentile, distinct",
     1},
    {"of", KEY_OF, "PROPERTY", 0, "The property that sum, mean and the like measure", 1},
    {"percentile", KEY_PERCENTILE, "P", 0, "From 0 to 100, with --measure percentile", 1},
    {"cumulative", KEY_CUMULATIVE, NULL, 0, "Running sums, first-seen users", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0, "Bucket: minute, hour, day, ... (default: by range)", 1},
    {"total", KEY_TOTAL, NULL, 0, "Only the figure of the whole range", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "A line for each value (user.x for users')", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {0},
};

static Recount__V1__SeriesMeasure
measure_of(struct argp_state *state, const char *name)
{
    static const struct {
        const char *name;
        Recount__V1__SeriesMeasure measure;
    } measures[] = {
        {"events", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_EVENTS},
        {"users", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNIQUE_USERS},
        {"sessions", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_SESSIONS},
        {"mean-per-user", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_MEAN_EVENTS_PER_USER},
        {"max-per-user", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_MAX_EVENTS_PER_USER},
        {"sum", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_SUM},
        {"mean", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_MEAN},
        {"min", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_MIN},
        {"max", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_MAX},
        {"median", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_MEDIAN},
        {"percentile", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_PERCENTILE},
        {"distinct", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_DISTINCT_VALUES},
    };
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        if (strcmp(name, measures[i].name) == 0)
            return measures[i].measure;
    }
    argp_error(state, "--measure: there is no measure \"%s\"; see --help", name);
    return RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNSPECIFIED;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct series *series = state->input;
    switch (key) {
    case KEY_MEASURE:
        series->measure = measure_of(state, argument);
        return 0;
    case KEY_OF:
        series->property = argument;
        return 0;
    case KEY_PERCENTILE:
        series->percentile = strtod(argument, NULL);
        return 0;
    case KEY_CUMULATIVE:
        series->cumulative = true;
        return 0;
    case KEY_TOTAL:
        series->no_buckets = true;
        return 0;
    default:
        return rc_query_options_parse(&series->query, key, argument, state);
    }
}

static const struct argp argp = {
    options,
    parse,
    "[EVENTS...]",
    "Numbers over time, a series for each argument (default: any event).\v"
    "  recount query series 'type = click' signed-up --unit day --from 30d\n"
    "  recount query series any --measure users --by country --top 5",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build(struct series *series, Recount__V1__SeriesRequest *request)
{
    struct rc_query_options *query = &series->query;
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    if (query->words.count == 0)
        rc_pointer_list_add(arena, &query->words, rc_text_copy(arena, "any"));
    request->n_series = query->words.count;
    request->series = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__Series *, request->n_series));
    for (size_t i = 0; i < request->n_series && code == RC_EXIT_OK; i++) {
        Recount__V1__Series *one = RC_MESSAGE(arena, Recount__V1__Series, recount__v1__series);
        one->measure = series->measure;
        one->property = series->property == NULL ? one->property : (char *)series->property;
        one->percentile = series->percentile;
        request->series[i] = one;
        code = rc_query_options_selector(query, query->words.items[i], &one->selector);
    }
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code == RC_EXIT_OK && !series->no_buckets)
        request->bucket = rc_query_options_bucket(query, request->scope);
    request->breakdown = rc_query_options_breakdown(query);
    request->cumulative = series->cumulative;
    return code;
}

enum rc_exit_code
rc_command_query_series(int count, char **arguments)
{
    struct series series = {0};
    Recount__V1__SeriesRequest request = RECOUNT__V1__SERIES_REQUEST__INIT;
    Recount__V1__SeriesResponse *reply = NULL;
    rc_query_options_begin(&series.query);
    rc_options_parse(&argp, count, arguments, &series);
    enum rc_exit_code code = build(&series, &request);
    if (code == RC_EXIT_OK)
        code = rc_session_call(&series.query.session, "QueryService/Series", &request,
                               &recount__v1__series_response__descriptor, &reply);
    if (code == RC_EXIT_OK && series.query.output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && series.query.output.format == RC_OUTPUT_CSV) {
        rc_render_series_csv(stdout, reply, series.query.unit);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, series.query.output.color);
        rc_render_series(&paint, reply, series.query.unit);
    }
    rc_query_options_end(&series.query);
    return code;
}
