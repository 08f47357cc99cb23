/* recount query series. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/compare_options.h"
#include "cli/options/query_options.h"
#include "cli/options/split_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render.h"
#include "recount/v1/series.pb-c.h"

struct series {
    struct rc_query_options query;
    struct rc_split_options split;
    struct rc_pointer_list measures; /* Names; the last one is of all further series. */
    struct rc_pointer_list formulas;
    struct rc_pointer_list columns; /* Properties. */
    int columns_top;                /* Below 0: the server's own. */
    const char *property;
    const char *compare;
    double percentile;
    uint32_t bins;
    uint32_t days;
    int64_t gap_ms;
    bool cumulative;
    bool no_buckets;
};

enum key {
    KEY_MEASURE = 'm',
    KEY_OF = 0x100,
    KEY_PERCENTILE,
    KEY_CUMULATIVE,
    KEY_TOTAL,
    KEY_BINS,
    KEY_DAYS,
    KEY_GAP,
    KEY_FORMULA,
    KEY_COMPARE,
    KEY_COLUMNS,
    KEY_COLUMNS_TOP,
};

static const struct argp_option options[] = {
    {"measure", KEY_MEASURE, "MEASURE", 0,
     "events (default), users, sessions, rolling, mean-per-user, max-per-user, sum, mean, min, "
     "max, "
     "median, percentile, histogram, distinct; given again, it is that of the next series",
     1},
    {"of", KEY_OF, "PROPERTY", 0,
     "The property that sum, mean and the like measure: x or account.KEY.x", 1},
    {"percentile", KEY_PERCENTILE, "P", 0, "From 0 to 100, with --measure percentile", 1},
    {"bins", KEY_BINS, "N", 0, "Bins of --measure histogram (10)", 1},
    {"days", KEY_DAYS, "N", 0, "Days of --measure rolling (7)", 1},
    {"gap", KEY_GAP, "DURATION", 0, "The pause that --measure sessions allow (30m)", 1},
    {"formula", KEY_FORMULA, "EXPRESSION", 0, "Of the series by letter: \"A / B\"; may repeat", 1},
    {"compare", KEY_COMPARE, "TIME", 0, "Also an earlier time: \"previous\", \"1 month\", ...", 1},
    {"cumulative", KEY_CUMULATIVE, NULL, 0, "Running sums, first-seen users", 1},
    {"unit", RC_QUERY_KEY_UNIT, "UNIT", 0,
     "Bucket: minute, hour, day, ... or \"3 days\" (default: by range)", 1},
    {"total", KEY_TOTAL, NULL, 0, "Only the figure of the whole range", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0, "A line for each value (user.x for users'); may repeat",
     1},
    {"by-count", RC_SPLIT_KEY_COUNT, "EVENTS", 0, "A line for each number of such events of a user",
     1},
    {"by-segment", RC_SPLIT_KEY_SEGMENT, "SEGMENT", 0,
     "A line for it, and for the rest; may repeat", 1},
    {"in-bins", RC_SPLIT_KEY_BINS, "N", 0, "Put the numbers of --by and --by-count into bins", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {"columns", KEY_COLUMNS, "PROPERTY", 0,
     "A table: cut every line by the values of this property too; may repeat", 1},
    {"columns-top", KEY_COLUMNS_TOP, "N", 0, "Columns before Other (9)", 1},
    {0},
};

/* false: there is none of this name. */
static bool
measure_of(const char *name, Recount__V1__SeriesMeasure *ret_measure)
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
        {"rolling", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_ROLLING_ACTIVE_USERS},
        {"histogram", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_HISTOGRAM},
        {"percentile", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_PERCENTILE},
        {"distinct", RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_DISTINCT_VALUES},
    };
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        if (strcmp(name, measures[i].name) != 0)
            continue;
        *ret_measure = measures[i].measure;
        return true;
    }
    return false;
}

/* A whole number from 1 to most. */
static uint32_t
number_of(struct argp_state *state, const char *option, const char *argument, unsigned long most)
{
    char *end = NULL;
    const unsigned long number = strtoul(argument, &end, 10);
    if (*argument == '\0' || *end != '\0' || number == 0 || number > most)
        argp_error(state, "--%s takes a number from 1 to %lu", option, most);
    return (uint32_t)number;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct series *series = state->input;
    struct rc_arena *arena = series->query.session.arena;
    Recount__V1__SeriesMeasure measure;
    struct rc_error error;
    const error_t known =
        rc_split_options_parse(&series->split, &series->query, key, argument, state);
    if (known != ARGP_ERR_UNKNOWN)
        return known;
    switch (key) {
    case KEY_MEASURE:
        if (!measure_of(argument, &measure))
            argp_error(state, "--measure: there is no measure \"%s\"; see --help", argument);
        rc_pointer_list_add(arena, &series->measures, argument);
        return 0;
    case KEY_BINS:
        series->bins = number_of(state, "bins", argument, 1000);
        return 0;
    case KEY_DAYS:
        series->days = number_of(state, "days", argument, 1000);
        return 0;
    case KEY_GAP:
        if (rc_when_duration(argument, &series->gap_ms, &error) != RC_OK || series->gap_ms < 1)
            argp_error(state, "--gap takes a duration such as 30m");
        return 0;
    case KEY_FORMULA:
        rc_pointer_list_add(arena, &series->formulas, argument);
        return 0;
    case KEY_COMPARE:
        series->compare = argument;
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
    case KEY_COLUMNS:
        rc_pointer_list_add(arena, &series->columns, argument);
        return 0;
    case KEY_COLUMNS_TOP:
        series->columns_top = (int)number_of(state, "columns-top", argument, 10000);
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
    "  recount query series any --measure users --by country --top 5\n"
    "  recount query series any any -m events -m users --formula 'A / B' --compare '1 month'\n"
    "  recount query series 'type = purchase' --measure percentile --percentile 95 --of price",
    rc_query_children,
    NULL,
    NULL};

static void
measure_property(struct rc_arena *arena, char *name, Recount__V1__Series *series)
{
    const Recount__V1__PropertyRef *property = rc_query_options_property(arena, name);
    if (property->source_case == RECOUNT__V1__PROPERTY_REF__SOURCE_ACCOUNT_PROPERTY)
        series->account_property = property->account_property;
    else
        series->property = name;
}

/* The n-th series without its selector. */
static Recount__V1__Series *
build_one(struct series *series, size_t index)
{
    struct rc_arena *arena = series->query.session.arena;
    Recount__V1__Series *one = RC_MESSAGE(arena, Recount__V1__Series, recount__v1__series);
    const size_t measures = series->measures.count;
    const bool of_property =
        measures > 0 &&
        measure_of(series->measures.items[index < measures ? index : measures - 1],
                   &one->measure) &&
        one->measure >= RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_SUM &&
        one->measure <= RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_DISTINCT_VALUES;
    if (series->property != NULL && (of_property || measures < 2))
        measure_property(arena, (char *)series->property, one);
    switch (one->measure) {
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_PERCENTILE:
        one->percentile = series->percentile;
        break;
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_PROPERTY_HISTOGRAM:
        one->histogram_bins = series->bins == 0 ? 10 : series->bins;
        break;
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_ROLLING_ACTIVE_USERS:
        one->rolling_days = series->days == 0 ? 7 : series->days;
        break;
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_SESSIONS:
        one->session_gap_ms = series->gap_ms;
        break;
    default:
        break;
    }
    return one;
}

static void
build_formulas(struct series *series, Recount__V1__SeriesRequest *request)
{
    struct rc_arena *arena = series->query.session.arena;
    request->n_formulas = series->formulas.count;
    request->formulas =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__Formula *, request->n_formulas + 1));
    for (size_t i = 0; i < request->n_formulas; i++) {
        request->formulas[i] = RC_MESSAGE(arena, Recount__V1__Formula, recount__v1__formula);
        request->formulas[i]->expression = series->formulas.items[i];
    }
}

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
        request->series[i] = build_one(series, i);
        code =
            rc_query_options_selector(query, query->words.items[i], &request->series[i]->selector);
    }
    if (code == RC_EXIT_OK)
        code = rc_options_scope(&query->session, &query->scope, true, &request->scope);
    if (code == RC_EXIT_OK && !series->no_buckets)
        request->bucket = rc_query_options_bucket(query, request->scope);
    if (code == RC_EXIT_OK)
        code = rc_split_options_breakdown(&series->split, query, &request->breakdown);
    request->columns = rc_split_options_properties(arena, &series->columns, series->columns_top);
    if (code == RC_EXIT_OK)
        code = rc_compare_options_read(series->query.session.arena, series->compare,
                                       &request->comparison);
    build_formulas(series, request);
    request->cumulative = series->cumulative;
    return code;
}

enum rc_exit_code
rc_command_query_series(int count, char **arguments)
{
    struct series series = {.columns_top = -1};
    Recount__V1__SeriesRequest request = RECOUNT__V1__SERIES_REQUEST__INIT;
    Recount__V1__SeriesResponse *reply = NULL;
    rc_query_options_begin(&series.query);
    rc_options_parse(&argp, count, arguments, &series);
    enum rc_exit_code code = build(&series, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&series.query, "QueryService/Series", &request,
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
