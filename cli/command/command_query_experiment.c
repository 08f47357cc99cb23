/* recount query experiment. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/options/query_options.h"
#include "cli/render/message_json.h"
#include "cli/render/render_comparisons.h"

struct experiment {
    struct rc_query_options query;
    char *variant;
    char *control;
    const char *window;
    const char *mean;
    char *sum;
    double confidence;
};

enum key { KEY_CONFIDENCE = 0x100, KEY_CONTROL, KEY_MEAN, KEY_SUM, KEY_VARIANT, KEY_WINDOW };

static const struct argp_option options[] = {
    {"variant", KEY_VARIANT, "PROPERTY", 0, "Its values are the variants: NAME or user.NAME", 1},
    {"control", KEY_CONTROL, "TEXT", 0, "The variant to compare with (default: of most users)", 1},
    {"window", KEY_WINDOW, "TIME", 0, "Longest time from the first step to the last: 7d, 30m", 1},
    {"mean", KEY_MEAN, "EVENTS", 0, "Compare the number of these events a user, not conversion", 1},
    {"sum", KEY_SUM, "PROPERTY", 0, "With --mean: the sum of a property of them", 1},
    {"confidence", KEY_CONFIDENCE, "SHARE", 0, "Of intervals (0.95)", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct experiment *experiment = state->input;
    char *end = NULL;
    switch (key) {
    case KEY_CONFIDENCE:
        experiment->confidence = strtod(argument, &end);
        if (*argument == '\0' || *end != '\0')
            argp_error(state, "--confidence takes a number between 0 and 1");
        return 0;
    case KEY_CONTROL:
        experiment->control = argument;
        return 0;
    case KEY_MEAN:
        experiment->mean = argument;
        return 0;
    case KEY_SUM:
        experiment->sum = argument;
        return 0;
    case KEY_VARIANT:
        experiment->variant = argument;
        return 0;
    case KEY_WINDOW:
        experiment->window = argument;
        return 0;
    case ARGP_KEY_END:
        if (experiment->variant == NULL)
            argp_error(state, "name the property of the variants: --variant");
        if (experiment->mean != NULL && experiment->query.words.count > 1)
            argp_error(state, "with --mean there is one kind of events by which users take part");
        if (experiment->mean == NULL && experiment->query.words.count < 2)
            argp_error(state, "name two steps or more, or --mean");
        break;
    default:
        break;
    }
    return rc_query_options_parse(&experiment->query, key, argument, state);
}

static const struct argp argp = {
    options,
    parse,
    "STEP STEP...\nEXPOSURE --mean EVENTS",
    "What users of each variant did beside those of a control, with what chance could have done.\v"
    "  recount query experiment 'path = /pricing' purchase --variant experiment --window 7d\n"
    "  recount query experiment 'path = /pricing' --mean purchase --sum price --variant user.group",
    rc_query_children,
    NULL,
    NULL};

static enum rc_exit_code
build_funnel(struct experiment *experiment, Recount__V1__FunnelRequest *funnel)
{
    struct rc_query_options *query = &experiment->query;
    struct rc_arena *arena = query->session.arena;
    struct rc_error error;
    funnel->n_steps = query->words.count;
    funnel->steps = rc_need(RC_ARENA_ARRAY(arena, Recount__V1__FunnelStep *, funnel->n_steps));
    for (size_t i = 0; i < funnel->n_steps; i++) {
        funnel->steps[i] = RC_MESSAGE(arena, Recount__V1__FunnelStep, recount__v1__funnel_step);
        const enum rc_exit_code code =
            rc_query_options_selector(query, query->words.items[i], &funnel->steps[i]->selector);
        if (code != RC_EXIT_OK)
            return code;
    }
    if (experiment->window != NULL) {
        funnel->optional_window_ms_case = RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS;
        if (rc_when_duration(experiment->window, &funnel->window_ms, &error) != RC_OK) {
            fprintf(stderr, "recount: --window: %s\n", error.message);
            return RC_EXIT_USAGE;
        }
    }
    return rc_options_scope(&query->session, &query->scope, true, &funnel->scope);
}

static enum rc_exit_code
build_mean(struct experiment *experiment, Recount__V1__ExperimentMean *mean)
{
    struct rc_query_options *query = &experiment->query;
    const char *exposure = query->words.count > 0 ? query->words.items[0] : "any";
    enum rc_exit_code code = rc_query_options_selector(query, exposure, &mean->exposure);
    if (code == RC_EXIT_OK)
        code = rc_query_options_selector(query, experiment->mean, &mean->metric);
    if (code == RC_EXIT_OK && experiment->sum != NULL)
        mean->property = experiment->sum;
    return code == RC_EXIT_OK ? rc_options_scope(&query->session, &query->scope, true, &mean->scope)
                              : code;
}

static enum rc_exit_code
build(struct experiment *experiment, Recount__V1__ExperimentRequest *request)
{
    struct rc_arena *arena = experiment->query.session.arena;
    request->variant = rc_query_options_property(arena, experiment->variant);
    request->confidence = experiment->confidence;
    if (experiment->control != NULL) {
        request->optional_control_case = RECOUNT__V1__EXPERIMENT_REQUEST__OPTIONAL_CONTROL_CONTROL;
        request->control = RC_MESSAGE(arena, Recount__V1__Value, recount__v1__value);
        request->control->kind_case = RECOUNT__V1__VALUE__KIND_STRING_VALUE;
        request->control->string_value = experiment->control;
    }
    if (experiment->mean != NULL) {
        request->subject_case = RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT_MEAN;
        request->mean =
            RC_MESSAGE(arena, Recount__V1__ExperimentMean, recount__v1__experiment_mean);
        return build_mean(experiment, request->mean);
    }
    request->subject_case = RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT_FUNNEL;
    request->funnel = RC_MESSAGE(arena, Recount__V1__FunnelRequest, recount__v1__funnel_request);
    return build_funnel(experiment, request->funnel);
}

enum rc_exit_code
rc_command_query_experiment(int count, char **arguments)
{
    struct experiment experiment = {0};
    Recount__V1__ExperimentRequest request = RECOUNT__V1__EXPERIMENT_REQUEST__INIT;
    Recount__V1__ExperimentResponse *reply = NULL;
    rc_query_options_begin(&experiment.query);
    rc_options_parse(&argp, count, arguments, &experiment);
    const struct rc_query_options *query = &experiment.query;
    enum rc_exit_code code = build(&experiment, &request);
    if (code == RC_EXIT_OK)
        code = rc_query_call(&experiment.query, "QueryService/Experiment", &request,
                             &recount__v1__experiment_response__descriptor, &reply);
    if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (code == RC_EXIT_OK && query->output.format == RC_OUTPUT_CSV) {
        rc_render_experiment_csv(stdout, reply);
    } else if (code == RC_EXIT_OK) {
        const struct rc_paint paint = rc_paint_of(stdout, query->output.color);
        rc_render_experiment(&paint, reply, experiment.mean == NULL);
    }
    rc_query_options_end(&experiment.query);
    return code;
}
