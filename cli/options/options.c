/*
 * Options: the keys of the shared parsers lie above 0x100 * n each, so that no two collide in one
 * command line; a command's own keys are letters or lie below.
 */
#include "cli/options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "cli/language/expression.h"
#include "cli/language/when.h"
#include "cli/session/message.h"
#include "recount/v1/admin.pb-c.h"

enum session_key { KEY_SERVER = 0x1100, KEY_PROJECT, KEY_TIMEOUT };
enum output_key { KEY_JSON = 0x1200, KEY_CSV, KEY_COLOR };
enum scope_key {
    KEY_FROM = 0x1300,
    KEY_TO,
    KEY_ZONE,
    KEY_AS_OF,
    KEY_SEGMENT,
    KEY_WEEK_START,
    KEY_ENTITY,
};

static error_t
parse_session(int key, char *argument, struct argp_state *state)
{
    struct rc_session *session = state->input;
    struct rc_error error;
    switch (key) {
    case KEY_SERVER:
        session->address = argument;
        return 0;
    case KEY_PROJECT:
        session->project = rc_text_format(session->arena, "projects/%s", argument);
        return 0;
    case KEY_TIMEOUT:
        if (rc_when_duration(argument, &session->timeout_ms, &error) != RC_OK)
            argp_error(state, "--timeout: %s", error.message);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option session_options[] = {
    {"server", KEY_SERVER, "HOST:PORT", 0,
     "The server (else RECOUNT_SERVER, else " RC_SESSION_ADDRESS_DEFAULT ")", 90},
    {"project", KEY_PROJECT, "ID", 0,
     "The project (else RECOUNT_PROJECT, else " RC_SESSION_PROJECT_DEFAULT ")", 90},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "Longest time for a call (60s; 0s means none)", 90},
    {0},
};

const struct argp rc_session_argp = {session_options, parse_session, NULL, NULL, NULL, NULL, NULL};

static error_t
parse_output(int key, char *argument, struct argp_state *state)
{
    struct rc_output_options *options = state->input;
    switch (key) {
    case KEY_JSON:
        options->format = RC_OUTPUT_JSON;
        return 0;
    case KEY_CSV:
        options->format = RC_OUTPUT_CSV;
        return 0;
    case KEY_COLOR:
        if (strcmp(argument, "always") == 0)
            options->color = 1;
        else if (strcmp(argument, "never") == 0)
            options->color = -1;
        else if (strcmp(argument, "auto") != 0)
            argp_error(state, "--color takes auto, always or never");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option output_options[] = {
    {"json", KEY_JSON, NULL, 0, "Write the reply as JSON", 80},
    {"csv", KEY_CSV, NULL, 0, "Write a table as CSV", 80},
    {"color", KEY_COLOR, "WHEN", 0, "auto (default), always or never; NO_COLOR is obeyed", 80},
    {0},
};

const struct argp rc_output_argp = {output_options, parse_output, NULL, NULL, NULL, NULL, NULL};

const struct argp_child rc_command_children[3] = {{&rc_session_argp, 0, NULL, 0},
                                                  {&rc_output_argp, 0, NULL, 0},
                                                  {0}};

static Recount__V1__Weekday
weekday_of(struct argp_state *state, const char *name)
{
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    for (int i = 0; i < 7; i++) {
        if (strcasecmp(name, days[i]) == 0)
            return (Recount__V1__Weekday)(i + 1);
    }
    argp_error(state, "--week-start: \"%s\" is no day of the week", name);
    return RECOUNT__V1__WEEKDAY__WEEKDAY_UNSPECIFIED;
}

static error_t
parse_scope(int key, char *argument, struct argp_state *state)
{
    struct rc_scope_options *options = state->input;
    switch (key) {
    case KEY_FROM:
        options->from = argument;
        return 0;
    case KEY_TO:
        options->to = argument;
        return 0;
    case KEY_ZONE:
        options->zone = argument;
        return 0;
    case KEY_AS_OF:
        options->as_of = argument;
        return 0;
    case KEY_SEGMENT:
        options->segment = argument;
        return 0;
    case KEY_ENTITY:
        options->entity = argument;
        return 0;
    case KEY_WEEK_START:
        options->week_start = weekday_of(state, argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option scope_options[] = {
    {"from", KEY_FROM, "WHEN", 0,
     "Start of the range: 2025-01-31, 2025-01-31T10:00Z, today, or 30d (before the end). Default: "
     "the first event",
     70},
    {"to", KEY_TO, "WHEN", 0, "End of the range, not included. Default: behind the last event", 70},
    {"zone", KEY_ZONE, "ZONE", 0, "IANA time zone (default: the project's)", 70},
    {"as-of", KEY_AS_OF, "WHEN", 0, "The moment of the question (default: now)", 70},
    {"segment", KEY_SEGMENT, "RULE", 0, "Count only these users: a saved segment or a rule", 70},
    {"entity", KEY_ENTITY, "PROPERTY", 0,
     "Count the values of this event property (an account, a session id) in place of users", 70},
    {"week-start", KEY_WEEK_START, "DAY", 0, "First day of the week (default: the project's)", 70},
    {0},
};

const struct argp rc_scope_argp = {scope_options, parse_scope, NULL, NULL, NULL, NULL, NULL};

bool
rc_options_unit(const char *name, Recount__V1__TimeUnit *ret_unit)
{
    static const char *const units[] = {"second", "minute", "hour",    "day",
                                        "week",   "month",  "quarter", "year"};
    for (int i = 0; i < 8; i++) {
        if (strcasecmp(name, units[i]) == 0) {
            *ret_unit = (Recount__V1__TimeUnit)(i + 1);
            return true;
        }
    }
    return false;
}

bool
rc_options_units(const char *text, Recount__V1__TimeUnit *ret_unit, unsigned *ret_count)
{
    char name[16];
    char *end = NULL;
    const bool counted = *text >= '0' && *text <= '9';
    const unsigned long count = counted ? strtoul(text, &end, 10) : 1;
    const char *rest = counted ? end + strspn(end, " ") : text;
    size_t size = strlen(rest);
    if (counted && size > 0 && rest[size - 1] == 's')
        size--;
    if (count == 0 || count > UINT16_MAX || size >= sizeof(name))
        return false;
    memcpy(name, rest, size);
    name[size] = '\0';
    *ret_count = (unsigned)count;
    return rc_options_unit(name, ret_unit);
}

Recount__V1__TimeUnit
rc_options_unit_for(const Recount__V1__TimeRange *range)
{
    const int64_t days = (range->end_ms - range->start_ms) / INT64_C(86400000);
    return days <= 2     ? RECOUNT__V1__TIME_UNIT__TIME_UNIT_HOUR
           : days <= 120 ? RECOUNT__V1__TIME_UNIT__TIME_UNIT_DAY
           : days <= 730 ? RECOUNT__V1__TIME_UNIT__TIME_UNIT_WEEK
                         : RECOUNT__V1__TIME_UNIT__TIME_UNIT_MONTH;
}

/* The range of all data of the project. */
static enum rc_exit_code
whole_range(struct rc_session *session, Recount__V1__TimeRange *range)
{
    Recount__V1__GetStatisticsRequest request = RECOUNT__V1__GET_STATISTICS_REQUEST__INIT;
    Recount__V1__GetStatisticsResponse *reply = NULL;
    request.project = (char *)session->project;
    const enum rc_exit_code code =
        rc_session_call(session, "AdminService/GetStatistics", &request,
                        &recount__v1__get_statistics_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (reply->n_projects != 1 || reply->projects[0]->event_count == 0) {
        fprintf(stderr, "recount: %s has no events yet; name a range with --from and --to\n",
                session->project);
        return RC_EXIT_NOT_FOUND;
    }
    range->start_ms = reply->projects[0]->first_event_time_ms;
    range->end_ms = reply->projects[0]->last_event_time_ms + 1;
    return RC_EXIT_OK;
}

static enum rc_exit_code
moment_of(const char *option, const char *text, const char *zone, int64_t base, int64_t *ret_ms)
{
    struct rc_error error;
    if (rc_when_moment(text, zone, base, ret_ms, &error) == RC_OK)
        return RC_EXIT_OK;
    fprintf(stderr, "recount: --%s: %s\n", option, error.message);
    return RC_EXIT_USAGE;
}

static enum rc_exit_code
range_of(struct rc_session *session,
         const struct rc_scope_options *options,
         const char *zone,
         int64_t now_ms,
         Recount__V1__TimeRange *range)
{
    enum rc_exit_code code = RC_EXIT_OK;
    if (options->from == NULL || options->to == NULL)
        code = whole_range(session, range);
    if (code == RC_EXIT_OK && options->to != NULL)
        code = moment_of("to", options->to, zone, now_ms, &range->end_ms);
    if (code == RC_EXIT_OK && options->from != NULL)
        code = moment_of("from", options->from, zone, range->end_ms, &range->start_ms);
    if (code == RC_EXIT_OK && range->start_ms >= range->end_ms) {
        fputs("recount: the range ends before it begins\n", stderr);
        code = RC_EXIT_USAGE;
    }
    return code;
}

enum rc_exit_code
rc_options_scope(struct rc_session *session,
                 const struct rc_scope_options *options,
                 bool with_range,
                 Recount__V1__Scope **ret_scope)
{
    Recount__V1__Scope *scope = RC_MESSAGE(session->arena, Recount__V1__Scope, recount__v1__scope);
    const char *zone = options->zone;
    int64_t now_ms = 0;
    enum rc_exit_code code = moment_of("to", "now", "UTC", 0, &now_ms);
    scope->project = (char *)session->project;
    scope->week_start = options->week_start;
    scope->entity_property = options->entity == NULL ? "" : (char *)options->entity;
    scope->time_zone = zone == NULL ? "" : (char *)zone;
    if (zone == NULL && (options->from != NULL || options->to != NULL || options->as_of != NULL))
        code = rc_session_project_zone(session, &zone);
    if (code == RC_EXIT_OK && with_range) {
        scope->range = RC_MESSAGE(session->arena, Recount__V1__TimeRange, recount__v1__time_range);
        code = range_of(session, options, zone, now_ms, scope->range);
    }
    if (code == RC_EXIT_OK && options->as_of != NULL) {
        scope->optional_as_of_ms_case = RECOUNT__V1__SCOPE__OPTIONAL_AS_OF_MS_AS_OF_MS;
        code = moment_of("as-of", options->as_of, zone, now_ms, &scope->as_of_ms);
    }
    struct rc_expression_error error;
    if (code == RC_EXIT_OK && options->segment != NULL &&
        rc_expression_filter(session->arena, session->project, options->segment, &scope->segment,
                             &error) != RC_OK) {
        rc_expression_error_print(stderr, options->segment, &error);
        code = RC_EXIT_USAGE;
    }
    *ret_scope = scope;
    return code;
}

void
rc_options_parse(const struct argp *argp, int count, char **arguments, void *input)
{
    argp_err_exit_status = RC_EXIT_USAGE;
    (void)argp_parse(argp, count, arguments, 0, NULL, input);
}
