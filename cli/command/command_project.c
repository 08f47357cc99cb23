/* recount project: data sets that share nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/resource.h"
#include "cli/language/when.h"
#include "cli/options/options.h"
#include "cli/session/message.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "recount/v1/project.pb-c.h"

struct project {
    struct rc_session session;
    struct rc_output_options output;
    const char *zone;
    const char *display_name;
    const char *retention_days; /* NULL: not given; so for the next. */
    const char *future_limit;
    const char *shown_ids;
    bool yes;
    const char *words[2];
    int word_count;
};

enum key {
    KEY_ZONE = 0x100,
    KEY_DISPLAY_NAME,
    KEY_YES,
    KEY_RETENTION_DAYS,
    KEY_FUTURE_LIMIT,
    KEY_SHOWN_IDS
};

static const struct argp_option options[] = {
    {"zone", KEY_ZONE, "ZONE", 0, "IANA time zone of its queries (UTC)", 1},
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people", 1},
    {"retention-days", KEY_RETENTION_DAYS, "N", 0, "Remove events older than N days (0: never)", 1},
    {"future-limit", KEY_FUTURE_LIMIT, "SECONDS", 0,
     "Reject times further ahead of the server's clock than this (0: a day)", 1},
    {"shown-ids", KEY_SHOWN_IDS, "REGEX", 0,
     "Show joined users under an id in which REGEX is found (each id will do)", 1},
    {"yes", KEY_YES, NULL, 0, "With delete: really delete all its data", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct project *project = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &project->session;
        state->child_inputs[1] = &project->output;
        return 0;
    case KEY_ZONE:
        project->zone = argument;
        return 0;
    case KEY_DISPLAY_NAME:
        project->display_name = argument;
        return 0;
    case KEY_RETENTION_DAYS:
    case KEY_FUTURE_LIMIT:
        if (*argument == '\0' || argument[strspn(argument, "0123456789")] != '\0')
            argp_error(state, "\"%s\" is not a whole number", argument);
        if (key == KEY_RETENTION_DAYS)
            project->retention_days = argument;
        else
            project->future_limit = argument;
        return 0;
    case KEY_SHOWN_IDS:
        project->shown_ids = argument;
        return 0;
    case KEY_YES:
        project->yes = true;
        return 0;
    case ARGP_KEY_ARG:
        if (project->word_count == 2)
            argp_error(state, "too many words");
        project->words[project->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "say create, list, update or delete");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options,
                                 parse,
                                 "create ID\nlist\nupdate ID\ndelete ID",
                                 "Manages projects: data sets that share nothing.",
                                 rc_command_children,
                                 NULL,
                                 NULL};

static void
fill_settings(const struct project *project, Recount__V1__Project *settings)
{
    settings->time_zone = (char *)(project->zone == NULL ? "" : project->zone);
    settings->display_name = (char *)(project->display_name == NULL ? "" : project->display_name);
    if (project->retention_days != NULL)
        settings->retention_days = (uint32_t)strtoul(project->retention_days, NULL, 10);
    if (project->future_limit != NULL)
        settings->future_limit_seconds = strtoull(project->future_limit, NULL, 10);
    if (project->shown_ids != NULL)
        settings->shown_ids = (char *)project->shown_ids;
}

/* Changes the settings that were given, those that are set to zero included. */
static enum rc_exit_code
update(struct project *project, const char *id)
{
    const struct {
        const char *given;
        const char *path;
    } fields[] = {{project->zone, "time_zone"},
                  {project->display_name, "display_name"},
                  {project->retention_days, "retention_days"},
                  {project->future_limit, "future_limit_seconds"},
                  {project->shown_ids, "shown_ids"}};
    char *paths[sizeof(fields) / sizeof(fields[0])];
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Recount__V1__Project settings = RECOUNT__V1__PROJECT__INIT;
    Recount__V1__UpdateProjectRequest request = RECOUNT__V1__UPDATE_PROJECT_REQUEST__INIT;
    Recount__V1__UpdateProjectResponse *reply = NULL;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].given != NULL)
            paths[mask.n_paths++] = (char *)fields[i].path;
    if (mask.n_paths == 0) {
        fputs("recount project: say what is to change, such as --retention-days 400\n", stderr);
        return RC_EXIT_USAGE;
    }
    fill_settings(project, &settings);
    settings.name = rc_text_format(project->session.arena, "projects/%s", id);
    mask.paths = paths;
    request.project = &settings;
    request.update_mask = &mask;
    const enum rc_exit_code code =
        rc_session_call(&project->session, "ProjectService/UpdateProject", &request,
                        &recount__v1__update_project_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        fprintf(stderr, "updated %s\n", id);
    return code;
}

static enum rc_exit_code
create(struct project *project, const char *id)
{
    Recount__V1__Project settings = RECOUNT__V1__PROJECT__INIT;
    Recount__V1__CreateProjectRequest request = RECOUNT__V1__CREATE_PROJECT_REQUEST__INIT;
    Recount__V1__CreateProjectResponse *reply = NULL;
    fill_settings(project, &settings);
    request.project_id = (char *)id;
    request.project = &settings;
    const enum rc_exit_code code =
        rc_session_call(&project->session, "ProjectService/CreateProject", &request,
                        &recount__v1__create_project_response__descriptor, &reply);
    if (code == RC_EXIT_OK)
        fprintf(stderr, "created %s\n", id);
    return code;
}

static void
cells_of(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells)
{
    const Recount__V1__Project *project = (const Recount__V1__Project *)one;
    char *created = rc_need(rc_arena_alloc(arena, RC_WHEN_TEXT_BYTES));
    cells[0] = rc_session_id(project->name);
    cells[1] = project->display_name;
    cells[2] = project->time_zone;
    cells[3] = rc_when_write(created, project->create_time_ms, 0, RC_WHEN_RFC3339);
}

static const struct rc_resource_kind projects = {
    .service = "ProjectService",
    .one = "Project",
    .field = "project",
    .many = "projects",
    .list_call = {&recount__v1__list_projects_request__descriptor,
                  &recount__v1__list_projects_response__descriptor},
    .get_call = {&recount__v1__get_project_request__descriptor,
                 &recount__v1__get_project_response__descriptor},
    .delete_call = {&recount__v1__delete_project_request__descriptor,
                    &recount__v1__delete_project_response__descriptor},
    .columns = {"project", "display_name", "time_zone", "created", NULL},
    .table_columns = 4,
    .cells = cells_of};

/* Deletes a project, when that is meant. */
static enum rc_exit_code
erase(struct project *project, const char *id)
{
    if (project->yes)
        return rc_resource_delete(&project->session, &projects,
                                  rc_text_format(project->session.arena, "projects/%s", id), false);
    fprintf(stderr, "recount: this deletes all data of %s; say --yes if that is meant\n", id);
    return RC_EXIT_USAGE;
}

enum rc_exit_code
rc_command_project(int count, char **arguments)
{
    struct project project = {0};
    rc_session_begin(&project.session);
    rc_options_parse(&argp, count, arguments, &project);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (project.word_count == 1 && strcmp(project.words[0], "list") == 0)
        code = rc_resource_list(&project.session, &project.output, &projects);
    else if (project.word_count == 2 && strcmp(project.words[0], "create") == 0)
        code = create(&project, project.words[1]);
    else if (project.word_count == 2 && strcmp(project.words[0], "update") == 0)
        code = update(&project, project.words[1]);
    else if (project.word_count == 2 && strcmp(project.words[0], "delete") == 0)
        code = erase(&project, project.words[1]);
    else
        fputs("recount project: write create ID, list, update ID or delete ID\n", stderr);
    rc_session_end(&project.session);
    return code;
}
