/* Funnel options: see funnel_options.h. */
#include "cli/options/funnel_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/language/when.h"
#include "cli/options/split_options.h"
#include "cli/session/message.h"

enum key {
    KEY_WINDOW = 'w',
    KEY_ORDER = 0x100,
    KEY_FIRST_ONLY,
    KEY_STRICT_TIMES,
    KEY_STEP_WINDOW,
    KEY_OPTIONAL,
    KEY_SAME_DAY,
    KEY_REUSE,
    KEY_EXCLUDE,
    KEY_ATTEMPT_ONLY,
    KEY_HOLD,
    KEY_TOTALS,
    KEY_AT,
    KEY_HISTOGRAM,
};

const struct argp_option rc_funnel_option_list[] = {
    {"window", KEY_WINDOW, "TIME", 0, "Longest time from the first step to the last: 7d, 30m", 1},
    {"step-window", KEY_STEP_WINDOW, "N=TIME", 0,
     "Longest time from the step before to step N; may repeat", 1},
    {"same-day", KEY_SAME_DAY, NULL, 0, "All steps on the local day of the first", 1},
    {"order", KEY_ORDER, "ORDER", 0, "ordered (default), strict, strict-steps, unordered", 1},
    {"first-only", KEY_FIRST_ONLY, NULL, 0, "Only a user's first event of step 1 may start", 1},
    {"strict-times", KEY_STRICT_TIMES, NULL, 0, "Two steps may not have the same time", 1},
    {"reuse-event", KEY_REUSE, NULL, 0, "One event may fill consecutive steps", 1},
    {"optional", KEY_OPTIONAL, "N", 0, "Step N may be left out; may repeat", 1},
    {"exclude", KEY_EXCLUDE, "EVENTS", 0,
     "Events that end an attempt between its steps; \"1-2: EVENTS\" between those; may repeat", 1},
    {"exclude-attempts", KEY_ATTEMPT_ONLY, NULL, 0,
     "An excluded attempt does not exist, and its user may have another", 1},
    {"hold", KEY_HOLD, "PROPERTY", 0,
     "The steps share its value; \"PROPERTY@1,3\": those steps; may repeat", 1},
    {"totals", KEY_TOTALS, NULL, 0, "Count attempts, not users", 1},
    {"over-time", RC_QUERY_KEY_UNIT, "UNIT", 0,
     "Also a funnel for each hour, day, \"3 days\", ... of entry", 1},
    {"histogram", KEY_HISTOGRAM, "N", 0, "Also the times between steps in N bins", 1},
    {"by", RC_QUERY_KEY_BY, "PROPERTY", 0,
     "A funnel for each value (user.x for users'); may repeat", 1},
    {"by-count", RC_SPLIT_KEY_COUNT, "EVENTS", 0, "One for each number of such events of a user",
     1},
    {"by-segment", RC_SPLIT_KEY_SEGMENT, "SEGMENT", 0, "One for it, and for the rest; may repeat",
     1},
    {"in-bins", RC_SPLIT_KEY_BINS, "N", 0, "Put the numbers of --by and --by-count into bins", 1},
    {"at", KEY_AT, "PLACE", 0,
     "Where the value is read: first (default), last, first-in-range, all, or a step's number", 1},
    {"top", RC_QUERY_KEY_TOP, "N", 0, "Rows before Other (9)", 1},
    {0},
};

static Recount__V1__FunnelOrder
order_of(struct argp_state *state, const char *name)
{
    static const char *const names[] = {"ordered", "strict", "strict-steps", "unordered"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            return (Recount__V1__FunnelOrder)(i + 1);
    }
    argp_error(state, "--order takes ordered, strict, strict-steps or unordered");
    return RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_UNSPECIFIED;
}

static uint32_t
bins_of(struct argp_state *state, const char *argument)
{
    char *end = NULL;
    const unsigned long bins = strtoul(argument, &end, 10);
    if (*argument == '\0' || *end != '\0' || bins == 0 || bins > 1000)
        argp_error(state, "--histogram takes a number from 1 to 1000");
    return (uint32_t)bins;
}

error_t
rc_funnel_options_parse(struct rc_funnel_options *funnel,
                        struct rc_query_options *query,
                        int key,
                        char *argument,
                        struct argp_state *state)
{
    struct rc_arena *arena = query->session.arena;
    switch (key) {
    case KEY_WINDOW:
        funnel->window = argument;
        return 0;
    case KEY_ORDER:
        funnel->order = order_of(state, argument);
        return 0;
    case KEY_FIRST_ONLY:
        funnel->reentry = RECOUNT__V1__FUNNEL_REENTRY__FUNNEL_REENTRY_FIRST_ONLY;
        return 0;
    case KEY_STRICT_TIMES:
        funnel->same_time = RECOUNT__V1__FUNNEL_SAME_TIME__FUNNEL_SAME_TIME_STRICT;
        return 0;
    case KEY_STEP_WINDOW:
        rc_pointer_list_add(arena, &funnel->step_windows, argument);
        return 0;
    case KEY_OPTIONAL:
        rc_pointer_list_add(arena, &funnel->optional, argument);
        return 0;
    case KEY_EXCLUDE:
        rc_pointer_list_add(arena, &funnel->exclusions, argument);
        return 0;
    case KEY_HOLD:
        rc_pointer_list_add(arena, &funnel->holds, argument);
        return 0;
    case KEY_SAME_DAY:
        funnel->same_day = true;
        return 0;
    case KEY_REUSE:
        funnel->reuse_event = true;
        return 0;
    case KEY_ATTEMPT_ONLY:
        funnel->attempt_only = true;
        return 0;
    case KEY_TOTALS:
        funnel->totals = true;
        return 0;
    case KEY_AT:
        funnel->at = argument;
        return 0;
    case KEY_HISTOGRAM:
        funnel->histogram_bins = bins_of(state, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- Into a request -------------------------------------------------------------------------- */

static enum rc_exit_code
wrong(const char *option, const char *what)
{
    fprintf(stderr, "recount: --%s: %s\n", option, what);
    return RC_EXIT_USAGE;
}

/* A step's number, from 1. */
static bool
read_step(const char **at, size_t step_count, uint32_t *ret_step)
{
    char *end = NULL;
    const unsigned long step = strtoul(*at, &end, 10);
    if (end == *at || step == 0 || step > step_count)
        return false;
    *at = end;
    *ret_step = (uint32_t)step;
    return true;
}

static enum rc_exit_code
fill_window(const char *option, const char *text, int64_t *ret_window_ms)
{
    struct rc_error error;
    return rc_when_duration(text, ret_window_ms, &error) == RC_OK ? RC_EXIT_OK
                                                                  : wrong(option, error.message);
}

static enum rc_exit_code
fill_steps(const struct rc_funnel_options *funnel, Recount__V1__FunnelRequest *request)
{
    for (size_t i = 0; i < funnel->step_windows.count; i++) {
        const char *at = funnel->step_windows.items[i];
        uint32_t number;
        if (!read_step(&at, request->n_steps, &number) || *at != '=')
            return wrong("step-window", "it takes a step's number and a time: 2=30m");
        Recount__V1__FunnelStep *step = request->steps[number - 1];
        step->optional_window_ms_case = RECOUNT__V1__FUNNEL_STEP__OPTIONAL_WINDOW_MS_WINDOW_MS;
        const enum rc_exit_code code = fill_window("step-window", at + 1, &step->window_ms);
        if (code != RC_EXIT_OK)
            return code;
    }
    for (size_t i = 0; i < funnel->optional.count; i++) {
        const char *at = funnel->optional.items[i];
        uint32_t number;
        if (!read_step(&at, request->n_steps, &number) || *at != '\0')
            return wrong("optional", "it takes a step's number");
        request->steps[number - 1]->is_optional = true;
    }
    return RC_EXIT_OK;
}

/* "1-2: EVENTS" or "EVENTS". */
static enum rc_exit_code
fill_exclusion(struct rc_query_options *query,
               const char *source,
               size_t step_count,
               Recount__V1__FunnelExclusion *exclusion)
{
    const char *at = source;
    uint32_t after;
    uint32_t before;
    if (read_step(&at, step_count, &after) && *at++ == '-' && read_step(&at, step_count, &before) &&
        *at == ':') {
        exclusion->after_step = after;
        exclusion->before_step = before;
        source = at + 1;
    }
    return rc_query_options_selector(query, source, &exclusion->selector);
}

static enum rc_exit_code
fill_exclusions(const struct rc_funnel_options *funnel,
                struct rc_query_options *query,
                Recount__V1__FunnelRequest *request)
{
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    request->exclusions =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__FunnelExclusion *, funnel->exclusions.count));
    for (size_t i = 0; i < funnel->exclusions.count && code == RC_EXIT_OK; i++) {
        request->exclusions[i] =
            RC_MESSAGE(arena, Recount__V1__FunnelExclusion, recount__v1__funnel_exclusion);
        request->n_exclusions++;
        code = fill_exclusion(query, funnel->exclusions.items[i], request->n_steps,
                              request->exclusions[i]);
    }
    if (funnel->attempt_only)
        request->exclusion_mode =
            RECOUNT__V1__FUNNEL_EXCLUSION_MODE__FUNNEL_EXCLUSION_MODE_ATTEMPT_ONLY;
    return code;
}

/* "PROPERTY@1,3" or "PROPERTY". */
static enum rc_exit_code
fill_hold(struct rc_arena *arena,
          char *source,
          size_t step_count,
          Recount__V1__FunnelHoldConstant *hold)
{
    char *split = strrchr(source, '@');
    hold->event_property = source;
    if (split == NULL)
        return RC_EXIT_OK;
    *split = '\0';
    const char *at = split + 1;
    hold->steps = rc_need(RC_ARENA_ARRAY(arena, uint32_t, step_count));
    while (hold->n_steps < step_count && read_step(&at, step_count, &hold->steps[hold->n_steps])) {
        hold->n_steps++;
        if (*at == '\0')
            return RC_EXIT_OK;
        if (*at++ != ',')
            break;
    }
    return wrong("hold", "behind @ it takes numbers of steps: PROPERTY@1,3");
}

static enum rc_exit_code
fill_holds(const struct rc_funnel_options *funnel,
           struct rc_query_options *query,
           Recount__V1__FunnelRequest *request)
{
    struct rc_arena *arena = query->session.arena;
    enum rc_exit_code code = RC_EXIT_OK;
    request->hold_constant =
        rc_need(RC_ARENA_ARRAY(arena, Recount__V1__FunnelHoldConstant *, funnel->holds.count));
    for (size_t i = 0; i < funnel->holds.count && code == RC_EXIT_OK; i++) {
        request->hold_constant[i] =
            RC_MESSAGE(arena, Recount__V1__FunnelHoldConstant, recount__v1__funnel_hold_constant);
        request->n_hold_constant++;
        code =
            fill_hold(arena, funnel->holds.items[i], request->n_steps, request->hold_constant[i]);
    }
    return code;
}

static enum rc_exit_code
fill_place(const char *place, Recount__V1__FunnelRequest *request)
{
    static const struct {
        const char *name;
        Recount__V1__FunnelBreakdownAt at;
    } places[] = {
        {"first", RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_FIRST_STEP},
        {"last", RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_LAST_STEP},
        {"first-in-range", RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_FIRST_IN_RANGE},
        {"all", RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_ALL},
    };
    const char *at = place;
    if (place == NULL)
        return RC_EXIT_OK;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (strcmp(place, places[i].name) != 0)
            continue;
        request->breakdown_at = places[i].at;
        return RC_EXIT_OK;
    }
    request->breakdown_at = RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_STEP;
    if (!read_step(&at, request->n_steps, &request->breakdown_step) || *at != '\0')
        return wrong("at", "it takes first, last, first-in-range, all, or a step's number");
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_funnel_options_fill(const struct rc_funnel_options *funnel,
                       struct rc_query_options *query,
                       Recount__V1__FunnelRequest *request)
{
    enum rc_exit_code code = fill_steps(funnel, request);
    if (code == RC_EXIT_OK && funnel->window != NULL) {
        request->optional_window_ms_case =
            RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS;
        code = fill_window("window", funnel->window, &request->window_ms);
    }
    if (code == RC_EXIT_OK)
        code = fill_exclusions(funnel, query, request);
    if (code == RC_EXIT_OK)
        code = fill_holds(funnel, query, request);
    if (code == RC_EXIT_OK)
        code = fill_place(funnel->at, request);
    request->order = funnel->order;
    request->reentry = funnel->reentry;
    request->same_time = funnel->same_time;
    request->same_local_day = funnel->same_day;
    request->reuse_event = funnel->reuse_event;
    request->histogram_bins = funnel->histogram_bins;
    if (funnel->totals)
        request->count = RECOUNT__V1__FUNNEL_COUNT__FUNNEL_COUNT_TOTALS;
    if (query->unit != 0) {
        request->over_time =
            RC_MESSAGE(query->session.arena, Recount__V1__BucketSize, recount__v1__bucket_size);
        request->over_time->unit = query->unit;
        request->over_time->multiple = query->unit_count;
    }
    return code;
}
