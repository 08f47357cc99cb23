/* recount project: data sets that share nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/csv.h"
#include "cli/message.h"
#include "cli/message_json.h"
#include "cli/options.h"
#include "cli/paint.h"
#include "cli/when.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "recount/v1/project.pb-c.h"

struct project {
    struct rc_session session;
    struct rc_output_options output;
    const char *zone;
    const char *display_name;
    const char *retention_days; /* NULL: not given; so for the next. */
    const char *future_limit;
    bool yes;
    const char *words[2];
    int word_count;
};

enum key { KEY_ZONE = 0x100, KEY_DISPLAY_NAME, KEY_YES, KEY_RETENTION_DAYS, KEY_FUTURE_LIMIT };

static const struct argp_option options[] = {
    {"zone", KEY_ZONE, "ZONE", 0, "IANA time zone of its queries (UTC)", 1},
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people", 1},
    {"retention-days", KEY_RETENTION_DAYS, "N", 0, "Remove events older than N days (0: never)", 1},
    {"future-limit", KEY_FUTURE_LIMIT, "SECONDS", 0,
     "Reject times further ahead of the server's clock than this (0: a day)", 1},
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

static const struct argp_child children[] = {{&rc_session_argp, 0, NULL, 0},
                                             {&rc_output_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {options,
                                 parse,
                                 "create ID\nlist\nupdate ID\ndelete ID",
                                 "Manages projects: data sets that share nothing.",
                                 children,
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
                  {project->future_limit, "future_limit_seconds"}};
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
print_all(const struct project *project, const Recount__V1__ListProjectsResponse *reply)
{
    static const char *const head[] = {"project", "display_name", "time_zone", "created", NULL};
    const bool csv_wanted = project->output.format == RC_OUTPUT_CSV;
    const struct rc_paint paint = rc_paint_of(stdout, project->output.color);
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("llll");
    struct rc_csv_writer csv = {.out = stdout};
    if (csv_wanted)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < 4; i++)
        rc_table_add(table, "%s", head[i]);
    for (size_t i = 0; i < reply->n_projects; i++) {
        char created[RC_WHEN_TEXT_BYTES];
        const Recount__V1__Project *one = reply->projects[i];
        const char *cells[] = {rc_session_id(one->name), one->display_name, one->time_zone,
                               rc_when_write(created, one->create_time_ms, 0, RC_WHEN_RFC3339)};
        for (size_t c = 0; c < 4; c++) {
            rc_table_add(table, "%s", cells[c]);
            if (csv_wanted)
                rc_csv_text(&csv, cells[c]);
        }
        if (csv_wanted)
            rc_csv_end_row(&csv);
    }
    if (!csv_wanted)
        rc_table_paint(table, &paint);
}

static enum rc_exit_code
list(struct project *project)
{
    struct rc_pointer_list all = {0};
    Recount__V1__ListProjectsResponse whole = RECOUNT__V1__LIST_PROJECTS_RESPONSE__INIT;
    Recount__V1__ListProjectsRequest request = RECOUNT__V1__LIST_PROJECTS_REQUEST__INIT;
    Recount__V1__ListProjectsResponse *reply = NULL;
    request.page_size = 1000;
    do {
        const enum rc_exit_code code =
            rc_session_call(&project->session, "ProjectService/ListProjects", &request,
                            &recount__v1__list_projects_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            return code;
        for (size_t i = 0; i < reply->n_projects; i++)
            rc_pointer_list_add(project->session.arena, &all, reply->projects[i]);
        request.page_token = reply->next_page_token;
    } while (*request.page_token != '\0');
    whole.n_projects = all.count;
    whole.projects = (Recount__V1__Project **)all.items;
    if (project->output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &whole.base);
    else
        print_all(project, &whole);
    return RC_EXIT_OK;
}

static enum rc_exit_code delete (struct project *project, const char *id) {
    Recount__V1__DeleteProjectRequest request = RECOUNT__V1__DELETE_PROJECT_REQUEST__INIT;
    Recount__V1__DeleteProjectResponse *reply = NULL; if (!project->yes){
        fprintf(stderr, "recount: this deletes all data of %s; say --yes if that is meant\n", id);
        return RC_EXIT_USAGE;}
request.name = rc_text_format(project->session.arena, "projects/%s", id);
return rc_session_call(&project->session,
                       "ProjectService/DeleteProject",
                       &request,
                       &recount__v1__delete_project_response__descriptor,
                       &reply);
}

enum rc_exit_code
rc_command_project(int count, char **arguments)
{
    struct project project = {0};
    rc_session_begin(&project.session);
    rc_options_parse(&argp, count, arguments, &project);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (project.word_count == 1 && strcmp(project.words[0], "list") == 0)
        code = list(&project);
    else if (project.word_count == 2 && strcmp(project.words[0], "create") == 0)
        code = create(&project, project.words[1]);
    else if (project.word_count == 2 && strcmp(project.words[0], "update") == 0)
        code = update(&project, project.words[1]);
    else if (project.word_count == 2 && strcmp(project.words[0], "delete") == 0)
        code = delete (&project, project.words[1]);
    else
        fputs("recount project: write create ID, list, update ID or delete ID\n", stderr);
    rc_session_end(&project.session);
    return code;
}
