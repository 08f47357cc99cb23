/*
 * recount load.
 *
 * A load names its client stream once and writes the name down before it sends anything; --resume
 * finds the name again, and the server knows by it what it has. A load without --resume begins a
 * stream of its own, so that another archive under an old name is never taken for the old one.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/command/command.h"
#include "cli/language/when.h"
#include "cli/load/load_job.h"
#include "cli/load/load_place.h"
#include "cli/load/load_state.h"
#include "cli/options/options.h"
#include "cli/render/paint.h"
#include "cli/session/message.h"
#include "engine/base/hash.h"
#include "recount/v1/project.pb-c.h"

struct file {
    const char *path;
    const char *mapping; /* NULL: none was named before it. */
};

struct load_command {
    struct rc_session session;
    struct file files[RC_LOAD_INPUTS_MAX];
    uint32_t file_count;
    const char *first_mapping;
    const char *mapping;
    const char *rejects_path;
    const char *state_path;
    const char *stream;
    uint64_t rejects_max;
    int64_t retry_ms;
    bool resume, restart, create, no_merge, quiet;
    bool goes_on; /* The state is that of an earlier run. */
    struct rc_load_input inputs[RC_LOAD_INPUTS_MAX];
    const char *paths[RC_LOAD_INPUTS_MAX];
    struct rc_mapping *mappings[RC_LOAD_INPUTS_MAX]; /* Owned. */
    uint32_t mapping_count;
};

enum key {
    KEY_MAPPING = 'm',
    KEY_REJECTS = 0x100,
    KEY_MAX_REJECTS,
    KEY_RESUME,
    KEY_RESTART,
    KEY_STREAM,
    KEY_STATE,
    KEY_CREATE,
    KEY_NO_MERGE,
    KEY_RETRY,
    KEY_QUIET
};

static const struct argp_option options[] = {
    {"mapping", KEY_MAPPING, "FILE|NAME", 0,
     "What the fields are: a mapping file or a shipped mapping (recount). For the files behind it; "
     "a single one is for all",
     1},
    {"rejects", KEY_REJECTS, "FILE", 0, "Write bad rows and why to this file (FILE.rejects)", 1},
    {"max-rejects", KEY_MAX_REJECTS, "N", 0, "Stop when more rows are bad (default: no limit)", 1},
    {"resume", KEY_RESUME, NULL, 0, "Go on where the last load of these files stopped", 1},
    {"restart", KEY_RESTART, NULL, 0, "Begin again, though the last load was not finished", 1},
    {"state", KEY_STATE, "FILE", 0,
     "Where --resume finds how far it was (FILE.load; for an archive in a folder that cannot be "
     "written, a file in $XDG_STATE_HOME/recount)",
     1},
    {"stream", KEY_STREAM, "NAME", 0,
     "Name of the client stream; a load of the same files under the same name goes on by itself",
     1},
    {"create-project", KEY_CREATE, NULL, 0, "Create the project if it is missing", 1},
    {"no-merge", KEY_NO_MERGE, NULL, 0, "Read one file after the other, not merged by time", 1},
    {"retry-for", KEY_RETRY, "TIME", 0, "Longest time to wait for a server that is away (2m)", 1},
    {"quiet", KEY_QUIET, NULL, 0, "Neither progress nor summary", 1},
    {0},
};

static error_t
parse_file(struct load_command *load, char *path, struct argp_state *state)
{
    if (load->file_count == RC_LOAD_INPUTS_MAX)
        argp_error(state, "at most %d files at a time", RC_LOAD_INPUTS_MAX);
    load->files[load->file_count++] = (struct file){path, load->mapping};
    return 0;
}

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct load_command *load = state->input;
    struct rc_error error;
    char *end = NULL;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &load->session;
        return 0;
    case KEY_MAPPING:
        load->mapping = argument;
        if (load->first_mapping == NULL)
            load->first_mapping = argument;
        return 0;
    case KEY_REJECTS:
        load->rejects_path = argument;
        return 0;
    case KEY_MAX_REJECTS:
        load->rejects_max = strtoull(argument, &end, 10);
        if (*argument < '0' || *argument > '9' || *end != '\0')
            argp_error(state, "--max-rejects takes a number");
        return 0;
    case KEY_RESUME:
        load->resume = true;
        return 0;
    case KEY_RESTART:
        load->restart = true;
        return 0;
    case KEY_STATE:
        load->state_path = argument;
        return 0;
    case KEY_STREAM:
        load->stream = argument;
        if (*argument == '\0' || strlen(argument) > 128 || strpbrk(argument, " \t\n") != NULL)
            argp_error(state, "--stream takes 1 to 128 bytes without spaces");
        return 0;
    case KEY_CREATE:
        load->create = true;
        return 0;
    case KEY_NO_MERGE:
        load->no_merge = true;
        return 0;
    case KEY_RETRY:
        if (rc_when_duration(argument, &load->retry_ms, &error) != RC_OK)
            argp_error(state, "--retry-for: %s", error.message);
        return 0;
    case KEY_QUIET:
        load->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        return parse_file(load, argument, state);
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name the files; - is standard input");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&rc_session_argp, 0, NULL, 90}, {0}};

static const struct argp argp = {
    options,
    parse,
    "FILE...",
    "Loads archives; gzip and zstd are known by their first bytes, - is standard input.\v"
    "  recount load events.ndjson.gz\n"
    "  recount load access.log --mapping combined-log --create-project --project site\n"
    "  recount load -m stackexchange-users users.csv.gz -m stackexchange-posts posts.csv.gz\n"
    "\n"
    "Bad rows are counted and written to the reject file: input, line, reason, row. After a stop "
    "of any kind, --resume goes on exactly: nothing is lost and nothing is counted twice.",
    children,
    NULL,
    NULL};

/* A mapping by name, read once. NULL: it was not read and the error is printed. */
static const struct rc_mapping *
mapping_of(struct load_command *load, uint32_t file)
{
    const char *name = load->files[file].mapping;
    if (name == NULL)
        name = load->first_mapping == NULL ? "recount" : load->first_mapping;
    load->files[file].mapping = name;
    for (uint32_t i = 0; i < file; i++) {
        if (strcmp(load->files[i].mapping, name) == 0)
            return load->inputs[i].mapping;
    }
    struct rc_error error;
    struct rc_mapping *mapping = NULL;
    if (rc_mapping_load(name, &mapping, &error) != RC_OK) {
        fprintf(stderr, "recount: %s%s%s\n", error.field, *error.field == '\0' ? "" : ": ",
                error.message);
        return NULL;
    }
    load->mappings[load->mapping_count++] = mapping;
    return mapping;
}

/* What the batches depend on: how large they become, the files, the mappings, the order of reading.
 */
static uint64_t
fingerprint(const struct load_command *load)
{
    const uint64_t limits[] = {load->no_merge, RC_LOAD_BATCH_ROWS, RC_LOAD_BATCH_BYTES,
                               RC_LOAD_ARCHIVE_BATCH_ROWS, RC_LOAD_ARCHIVE_BATCH_BYTES};
    uint64_t hash = rc_hash(limits, sizeof(limits));
    for (uint32_t i = 0; i < load->file_count; i++) {
        const struct file *file = &load->files[i];
        char text[RC_LOAD_PATH_BYTES + 512];
        struct stat status = {0};
        if (strcmp(file->path, "-") != 0)
            (void)stat(file->path, &status);
        const int size = snprintf(text, sizeof(text), "%016" PRIx64 "|%s|%s|%lld", hash, file->path,
                                  file->mapping, (long long)status.st_size);
        hash = rc_hash(text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
    }
    return hash;
}

/* Creates the project if that is wanted; the one by default always is. */
static enum rc_exit_code
create_project(struct load_command *load)
{
    struct rc_session *session = &load->session;
    const char *id = rc_session_id(session->project);
    Recount__V1__CreateProjectRequest request = RECOUNT__V1__CREATE_PROJECT_REQUEST__INIT;
    Recount__V1__CreateProjectResponse *reply = NULL;
    Recount__V1__Project project = RECOUNT__V1__PROJECT__INIT;
    struct rc_call_error error;
    if (!load->create && strcmp(id, RC_SESSION_PROJECT_DEFAULT) != 0)
        return RC_EXIT_OK;
    request.project_id = (char *)id;
    request.project = &project;
    const enum rc_exit_code code =
        rc_session_try(session, "ProjectService/CreateProject", &request,
                       &recount__v1__create_project_response__descriptor, &reply, &error);
    if (code == RC_EXIT_OK || code == RC_EXIT_CONFLICT)
        return RC_EXIT_OK;
    rc_session_print_error(session, &error);
    return code;
}

/* Decides where to begin: fills the state, and the position if there is one. */
static enum rc_exit_code
decide_begin(struct load_command *load,
             struct rc_load_state *state,
             struct rc_position *position,
             bool *ret_has_position)
{
    struct rc_error error;
    const uint64_t wanted = fingerprint(load);
    const char *position_path =
        rc_text_format(load->session.arena, "%s.position", load->state_path);
    const enum rc_status found = rc_load_state_read(load->state_path, state, &error);
    *ret_has_position = false;
    if (found == RC_OK && !state->done && !load->resume && !load->restart) {
        fprintf(stderr,
                "recount: the last load of %s was not finished (%s); say --resume to go on "
                "or --restart to begin again\n",
                load->files[0].path, load->state_path);
        return RC_EXIT_USAGE;
    }
    if (found == RC_OK && load->resume) {
        if (state->fingerprint != wanted || strcmp(state->project, load->session.project) != 0) {
            fprintf(stderr,
                    "recount: %s is of other files, mappings or another project; say "
                    "--restart to begin again\n",
                    load->state_path);
            return RC_EXIT_USAGE;
        }
        *ret_has_position = rc_position_load(position_path, load->paths, load->file_count, position,
                                             &error) == RC_OK;
        load->goes_on = true;
        return RC_EXIT_OK;
    }
    if (found != RC_OK && found != RC_NOT_FOUND && !load->restart) {
        fprintf(stderr, "recount: %s\n", error.message);
        return RC_EXIT_FILE;
    }
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = wanted;
    *state = (struct rc_load_state){.fingerprint = wanted};
    snprintf(state->stream, sizeof(state->stream), "load-%016" PRIx64, number);
    snprintf(state->project, sizeof(state->project), "%s", load->session.project);
    (void)remove(position_path);
    return RC_EXIT_OK;
}

static void
print_summary(const struct rc_load_job_result *result, const char *rejects_path)
{
    char count[32], rate[32];
    fprintf(stderr, "%s rows in %.1f s, %s rows/s", rc_paint_count(count, result->accepted),
            result->seconds,
            rc_paint_count(rate, result->seconds > 0
                                     ? (uint64_t)((double)result->accepted / result->seconds)
                                     : 0));
    if (result->replaced > 0)
        fprintf(stderr, "; %s replaced an earlier copy", rc_paint_count(count, result->replaced));
    if (result->skipped > 0)
        fprintf(stderr, "; %s skipped by the mapping", rc_paint_count(count, result->skipped));
    if (result->batches_known > 0)
        fprintf(stderr, "; %s batches were there already",
                rc_paint_count(count, result->batches_known));
    if (result->rejected > 0)
        fprintf(stderr, "; %s rejected, see %s", rc_paint_count(count, result->rejected),
                rejects_path);
    fputc('\n', stderr);
}

/* Everything is decided: opens the reject file and runs. */
static enum rc_exit_code
run(struct load_command *load, struct rc_load_state *state, const struct rc_position *position)
{
    struct rc_error error;
    struct rc_load_job_result result = {0};
    RC_CLEANUP(rc_rejects_freep) struct rc_rejects *rejects = NULL;
    const struct rc_position beginning = {.input_count = load->file_count};
    const bool keep_state = load->state_path != NULL;
    enum rc_status status = RC_OK;
    if (load->resume || load->stream != NULL)
        status = rc_load_state_trim_rejects(load->rejects_path, load->paths,
                                            position == NULL ? &beginning : position, &error);
    if (status == RC_OK)
        status = rc_rejects_new(load->rejects_path, load->rejects_max,
                                load->resume || load->stream != NULL, &rejects, &error);
    if (status == RC_OK && keep_state)
        status = rc_load_state_save(state, load->state_path, &error);
    if (status != RC_OK) {
        fprintf(stderr, "recount: %s\n", error.message);
        return RC_EXIT_FILE;
    }
    const struct rc_load_job_options job = {
        .session = &load->session,
        .inputs = load->inputs,
        .paths = load->paths,
        .input_count = load->file_count,
        .merge_by_time = load->file_count > 1 && !load->no_merge,
        .stream = state->stream,
        .position_path = keep_state
                             ? rc_text_format(load->session.arena, "%s.position", load->state_path)
                             : NULL,
        .position = position,
        .rejects = rejects,
        .retry_ms = load->retry_ms,
        .quiet = load->quiet,
    };
    enum rc_exit_code code = rc_load_job_run(&job, &result);
    state->done = code == RC_EXIT_OK;
    if (state->done && keep_state && rc_load_state_save(state, load->state_path, &error) != RC_OK) {
        fprintf(stderr, "recount: %s\n", error.message);
        code = RC_EXIT_FILE;
    }
    /* The server never took the stream (it has no such project, say): there is nothing to resume.
     */
    const bool begun = result.opened || load->goes_on;
    if (!begun && keep_state)
        (void)remove(load->state_path);
    if (!load->quiet && begun)
        print_summary(&result, load->rejects_path);
    if (code == RC_EXIT_OK && result.accepted == 0 && result.batches_known == 0 &&
        result.rejected > 0)
        code = RC_EXIT_REJECTED;
    if (code != RC_EXIT_OK && code != RC_EXIT_NOT_FOUND && begun && keep_state && !load->quiet)
        fputs("recount: the same command with --resume goes on from there\n", stderr);
    return code;
}

/* What the name of the reject file begins with: the first file's path, or only its name (so in the
 * working directory) where its folder cannot be written. */
static const char *
stem_of(struct load_command *load)
{
    const char *path = load->files[0].path;
    const char *slash = strrchr(path, '/');
    if (strcmp(path, "-") == 0)
        return "stdin";
    return slash == NULL || rc_load_place_is_writable(load->session.arena, path) ? path : slash + 1;
}

static enum rc_exit_code
prepare_and_run(struct load_command *load)
{
    struct rc_load_state state = {0};
    struct rc_position position;
    bool has_position = false;
    for (uint32_t i = 0; i < load->file_count; i++) {
        load->paths[i] = load->files[i].path;
        load->inputs[i] = (struct rc_load_input){load->files[i].path, mapping_of(load, i)};
        if (load->inputs[i].mapping == NULL)
            return RC_EXIT_USAGE;
    }
    const bool piped = strcmp(load->files[0].path, "-") == 0;
    const char *stem = stem_of(load);
    if (load->rejects_path == NULL)
        load->rejects_path = rc_text_format(load->session.arena, "%s.rejects", stem);
    if (load->state_path == NULL && load->stream == NULL && !piped)
        load->state_path = rc_load_place_state(load->session.arena, load->files[0].path);
    enum rc_exit_code code = create_project(load);
    if (code == RC_EXIT_OK && load->state_path != NULL) {
        code = decide_begin(load, &state, &position, &has_position);
    } else if (code == RC_EXIT_OK && load->resume) {
        fputs("recount: --resume needs a file that is not a pipe, --state or --stream\n", stderr);
        code = load->stream == NULL ? RC_EXIT_USAGE : RC_EXIT_OK;
    } else if (code == RC_EXIT_OK) {
        uint64_t number = 0;
        (void)!getrandom(&number, sizeof(number), 0);
        snprintf(state.stream, sizeof(state.stream), "load-%016" PRIx64, number);
    }
    if (code != RC_EXIT_OK)
        return code;
    if (load->stream != NULL)
        snprintf(state.stream, sizeof(state.stream), "%s", load->stream);
    if (load->resume && state.done) {
        fprintf(stderr, "recount: %s is loaded completely\n", load->files[0].path);
        return RC_EXIT_OK;
    }
    return run(load, &state, has_position ? &position : NULL);
}

/* Each batch allocates and frees a few blocks of about a megabyte. Left to itself, malloc gives
 * them back to the system every time and faults them in anew: 40 pages in a thousand rows. */
static void
keep_freed_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

enum rc_exit_code
rc_command_load(int count, char **arguments)
{
    keep_freed_memory();
    static struct load_command load; /* Too large for a stack. */
    load = (struct load_command){.rejects_max = UINT64_MAX, .retry_ms = 120000};
    rc_session_begin(&load.session);
    argp_err_exit_status = RC_EXIT_USAGE;
    (void)argp_parse(&argp, count, arguments, ARGP_IN_ORDER, NULL, &load);
    const enum rc_exit_code code = prepare_and_run(&load);
    for (uint32_t i = 0; i < load.mapping_count; i++)
        rc_mapping_free(load.mappings[i]);
    rc_session_end(&load.session);
    return code;
}
