/* recount generate: a sample archive of web events. */
#include <argp.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/generate/generate.h"
#include "cli/language/when.h"
#include "cli/options/options.h"

struct generate {
    uint64_t events;
    uint64_t users; /* 0: as many as suit the events. */
    uint64_t seed;
    uint64_t days;
    const char *start;
    const char *path; /* NULL or "-": standard output. */
    bool quiet;
};

enum key {
    KEY_EVENTS = 'n',
    KEY_OUTPUT = 'o',
    KEY_USERS = 0x100,
    KEY_SEED,
    KEY_DAYS,
    KEY_START,
    KEY_QUIET
};

static const struct argp_option options[] = {
    {"events", KEY_EVENTS, "N", 0, "Events to write (1000000; 10k, 5M and 2G are understood)", 1},
    {"output", KEY_OUTPUT, "FILE", 0, "Write to a file (default: standard output)", 1},
    {"users", KEY_USERS, "N", 0, "Users (default: one in 50 events)", 1},
    {"seed", KEY_SEED, "N", 0, "Another seed, another archive (1)", 1},
    {"start", KEY_START, "DATE", 0, "First day (2025-01-01)", 1},
    {"days", KEY_DAYS, "N", 0, "Days (90)", 1},
    {"quiet", KEY_QUIET, NULL, 0, "Do not say what was written", 1},
    {0},
};

static uint64_t
number_of(struct argp_state *state, const char *option, const char *text)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    const double scale = strcmp(end, "k") == 0   ? 1e3
                         : strcmp(end, "M") == 0 ? 1e6
                         : strcmp(end, "G") == 0 ? 1e9
                                                 : 1;
    if (end == text || number < 0 || number * scale > 1e15 || (scale == 1 && *end != '\0'))
        argp_error(state, "--%s takes a number, such as 10000, 10k or 5M", option);
    return (uint64_t)(number * scale + 0.5);
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct generate *generate = state->input;
    switch (key) {
    case KEY_EVENTS:
        generate->events = number_of(state, "events", argument);
        return 0;
    case KEY_OUTPUT:
        generate->path = argument;
        return 0;
    case KEY_USERS:
        generate->users = number_of(state, "users", argument);
        return 0;
    case KEY_SEED:
        generate->seed = strtoull(argument, NULL, 10);
        return 0;
    case KEY_DAYS:
        generate->days = number_of(state, "days", argument);
        return 0;
    case KEY_START:
        generate->start = argument;
        return 0;
    case KEY_QUIET:
        generate->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "too many words");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "",
    "Writes a sample archive of web events as NDJSON: the same options give the same bytes.\v"
    "  recount generate -n 1M -o events.ndjson\n"
    "  recount generate -n 10M | recount load - --mapping recount",
    NULL,
    NULL,
    NULL};

static enum rc_exit_code
run(const struct generate *generate, int descriptor)
{
    struct rc_error error;
    struct rc_generate_result result;
    struct rc_generate_options wanted =
        rc_generate_options_default(generate->events, generate->seed);
    if (generate->users > 0)
        wanted.users = generate->users;
    if (generate->days > 0)
        wanted.days = generate->days > RC_GENERATE_DAYS_MAX ? RC_GENERATE_DAYS_MAX + 1
                                                            : (uint32_t)generate->days;
    if (generate->start != NULL &&
        rc_when_moment(generate->start, "UTC", 0, &wanted.start_ms, &error) != RC_OK) {
        fprintf(stderr, "recount: --start: %s\n", error.message);
        return RC_EXIT_USAGE;
    }
    const enum rc_status status = rc_generate(&wanted, descriptor, &result, &error);
    if (status != RC_OK) {
        fprintf(stderr, "recount: %s%s%s\n", error.field, *error.field == '\0' ? "" : ": ",
                error.message);
        return status == RC_INVALID ? RC_EXIT_USAGE
               : status == RC_IO    ? RC_EXIT_FILE
                                    : RC_EXIT_INTERNAL;
    }
    if (!generate->quiet)
        fprintf(stderr,
                "%" PRIu64 " events of %" PRIu64 " users (%" PRIu64 " sign-ups), %" PRIu64
                " bytes, %.1f properties an event\n",
                result.events, wanted.users, result.signups, result.bytes,
                result.events == 0 ? 0.0 : (double)result.property_count / (double)result.events);
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_command_generate(int count, char **arguments)
{
    struct generate generate = {.events = 1000000, .seed = 1};
    rc_options_parse(&argp, count, arguments, &generate);
    if (generate.path == NULL || strcmp(generate.path, "-") == 0)
        return run(&generate, STDOUT_FILENO);
    const int descriptor = open(generate.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        fprintf(stderr, "recount: %s: %m\n", generate.path);
        return RC_EXIT_FILE;
    }
    enum rc_exit_code code = run(&generate, descriptor);
    if (close(descriptor) != 0 && code == RC_EXIT_OK) {
        fprintf(stderr, "recount: %s: %m\n", generate.path);
        code = RC_EXIT_FILE;
    }
    return code;
}
