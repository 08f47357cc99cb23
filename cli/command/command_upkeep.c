/* recount check, backup: what an operator asks of a running server. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/options/options.h"
#include "cli/render/message_json.h"
#include "cli/session/session.h"
#include "recount/v1/admin.pb-c.h"

struct upkeep {
    struct rc_session session;
    struct rc_output_options output;
    const char *word; /* check: a project, or NULL; backup: the backup's id. */
    bool copy;
};

enum { KEY_COPY = 0x500 };

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct upkeep *upkeep = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &upkeep->session;
        state->child_inputs[1] = &upkeep->output;
        return 0;
    case KEY_COPY:
        upkeep->copy = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "too many words");
        upkeep->word = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option backup_options[] = {
    {"copy", KEY_COPY, NULL, 0, "Copy files although they could be linked", 0},
    {0}};

static const struct argp check_argp = {
    NULL,
    parse,
    "[PROJECT]",
    "Verifies every invariant of what a project, or each, holds; exits with 0 if all is in order, "
    "with 1 if something is broken. \"recountd --check DIRECTORY\" does it without a server.",
    rc_command_children,
    NULL,
    NULL};
static const struct argp backup_argp = {
    backup_options,
    parse,
    "ID",
    "Writes a backup into the directory ID below the server's backup-directory; \"recountd "
    "--restore BACKUP --data DIRECTORY\" makes a data directory of it.",
    rc_command_children,
    NULL,
    NULL};

static void
begin(struct upkeep *upkeep, const struct argp *argp, int count, char **arguments)
{
    rc_session_begin(&upkeep->session);
    /* It takes as long as it takes, unless --timeout says otherwise. */
    upkeep->session.timeout_ms = 0;
    rc_options_parse(argp, count, arguments, upkeep);
}

static void
print_check(const Recount__V1__CheckResponse *reply)
{
    for (size_t i = 0; i < reply->n_findings; i++)
        printf("problem: %s: %s\n", reply->findings[i]->place, reply->findings[i]->description);
    printf("checked %llu projects, %llu slabs, %llu events, %llu users, %llu dictionary entries in "
           "%.1f s\n",
           (unsigned long long)reply->checked_projects, (unsigned long long)reply->checked_slabs,
           (unsigned long long)reply->checked_events, (unsigned long long)reply->checked_users,
           (unsigned long long)reply->checked_dictionary_entries,
           (double)reply->elapsed_micros / 1e6);
    if (reply->problem_count == 0)
        puts("all is in order");
    else
        printf("%llu problems\n", (unsigned long long)reply->problem_count);
}

enum rc_exit_code
rc_command_check(int count, char **arguments)
{
    struct upkeep upkeep = {0};
    Recount__V1__CheckRequest request = RECOUNT__V1__CHECK_REQUEST__INIT;
    Recount__V1__CheckResponse *reply = NULL;
    char project[256];
    begin(&upkeep, &check_argp, count, arguments);
    if (upkeep.word != NULL) {
        (void)snprintf(project, sizeof(project), "projects/%s", upkeep.word);
        request.parent = project;
    }
    enum rc_exit_code code = rc_session_call(&upkeep.session, "AdminService/Check", &request,
                                             &recount__v1__check_response__descriptor, &reply);
    if (code == RC_EXIT_OK) {
        if (upkeep.output.format == RC_OUTPUT_JSON)
            rc_message_json_print(stdout, &reply->base);
        else
            print_check(reply);
        if (reply->problem_count > 0)
            code = RC_EXIT_PROBLEMS;
    }
    rc_session_end(&upkeep.session);
    return code;
}

enum rc_exit_code
rc_command_backup(int count, char **arguments)
{
    struct upkeep upkeep = {0};
    Recount__V1__CreateBackupRequest request = RECOUNT__V1__CREATE_BACKUP_REQUEST__INIT;
    Recount__V1__CreateBackupResponse *reply = NULL;
    begin(&upkeep, &backup_argp, count, arguments);
    if (upkeep.word == NULL) {
        fprintf(stderr, "recount backup: it needs an id, such as 2026-11-22\n");
        rc_session_end(&upkeep.session);
        return RC_EXIT_USAGE;
    }
    request.backup_id = (char *)(uintptr_t)upkeep.word;
    request.copy = upkeep.copy;
    const enum rc_exit_code code =
        rc_session_call(&upkeep.session, "AdminService/CreateBackup", &request,
                        &recount__v1__create_backup_response__descriptor, &reply);
    if (code == RC_EXIT_OK && upkeep.output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (code == RC_EXIT_OK)
        printf("backup in %s: %llu files of %.1f MB, %.1f MB of them copied, in %.1f s\n",
               reply->directory, (unsigned long long)reply->file_count,
               (double)reply->file_bytes / 1e6, (double)reply->copied_bytes / 1e6,
               (double)reply->elapsed_micros / 1e6);
    rc_session_end(&upkeep.session);
    return code;
}
