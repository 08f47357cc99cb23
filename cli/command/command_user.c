/* recount user: what is held of one user: shown, taken out as a file, deleted. */
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/download.h"
#include "cli/language/when.h"
#include "cli/options/options.h"
#include "cli/render/message_json.h"
#include "cli/render/paint.h"
#include "cli/render/render.h"
#include "recount/v1/event_list.pb-c.h"
#include "recount/v1/ingest.pb-c.h"

struct user {
    struct rc_session session;
    struct rc_output_options output;
    bool yes;
    const char *file; /* export: NULL is standard output. */
    const char *words[2];
    int word_count;
};

enum key { KEY_YES = 0x100, KEY_FILE = 'o' };

static const struct argp_option options[] = {
    {"yes", KEY_YES, NULL, 0, "With delete: really delete all that is held of the user", 1},
    {"file", KEY_FILE, "FILE", 0, "With export: write to FILE instead of standard output", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct user *user = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &user->session;
        state->child_inputs[1] = &user->output;
        return 0;
    case KEY_YES:
        user->yes = true;
        return 0;
    case KEY_FILE:
        user->file = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (user->word_count == 2)
            argp_error(state, "too many words");
        user->words[user->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "say show, export or delete, and name a user");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options,
                                 parse,
                                 "show USER\nexport USER\ndelete USER",
                                 "What a project holds of one user, with all ids that are joined.\v"
                                 "An export is lines of JSON that \"recount load\" takes back:\n"
                                 "  recount user export u42 --file u42.ndjson",
                                 rc_command_children,
                                 NULL,
                                 NULL};

/* The user as shown, its properties and its latest events. */
static enum rc_exit_code
show(struct user *user)
{
    Recount__V1__ListEventsRequest request = RECOUNT__V1__LIST_EVENTS_REQUEST__INIT;
    Recount__V1__ListEventsResponse *reply = NULL;
    request.parent = (char *)user->session.project;
    request.user = (char *)user->words[1];
    request.descending = true;
    request.page_size = 10;
    const enum rc_exit_code code =
        rc_session_call(&user->session, "QueryService/ListEvents", &request,
                        &recount__v1__list_events_response__descriptor, &reply);
    if (code != RC_EXIT_OK)
        return code;
    if (user->output.format == RC_OUTPUT_JSON) {
        rc_message_json_print(stdout, &reply->base);
    } else if (user->output.format == RC_OUTPUT_CSV) {
        rc_render_events_csv(stdout, reply, true);
    } else {
        const struct rc_paint paint = rc_paint_of(stdout, user->output.color);
        rc_render_events(&paint, reply);
    }
    return RC_EXIT_OK;
}

static enum rc_exit_code
delete_user(struct user *user)
{
    char due[RC_WHEN_TEXT_BYTES];
    Recount__V1__DeleteUserRequest request = RECOUNT__V1__DELETE_USER_REQUEST__INIT;
    Recount__V1__DeleteUserResponse *reply = NULL;
    if (!user->yes) {
        fprintf(stderr,
                "recount: this deletes all that is held of %s; say --yes if that is meant\n",
                user->words[1]);
        return RC_EXIT_USAGE;
    }
    request.parent = (char *)user->session.project;
    request.user = (char *)user->words[1];
    const enum rc_exit_code code =
        rc_session_call(&user->session, "IngestService/DeleteUser", &request,
                        &recount__v1__delete_user_response__descriptor, &reply);
    if (code == RC_EXIT_OK && user->output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->base);
    else if (code == RC_EXIT_OK)
        printf("deleted %llu ids with %llu events; out of all files by %s\n",
               (unsigned long long)reply->deleted_ids, (unsigned long long)reply->deleted_events,
               rc_when_write(due, reply->purge_due_time_ms, 0, RC_WHEN_RFC3339));
    return code;
}

static bool
write_piece(void *context, struct rc_bytes message, FILE *out)
{
    (void)context;
    Recount__V1__ExportUserResponse *piece = recount__v1__export_user_response__unpack(
        NULL, message.size, (const uint8_t *)message.data);
    if (piece == NULL)
        return false;
    (void)fwrite(piece->lines.data, 1, piece->lines.len, out);
    recount__v1__export_user_response__free_unpacked(piece, NULL);
    return true;
}

static enum rc_exit_code
export_user(struct user *user)
{
    Recount__V1__ExportUserRequest request = RECOUNT__V1__EXPORT_USER_REQUEST__INIT;
    request.parent = (char *)user->session.project;
    request.user = (char *)user->words[1];
    return rc_download(&user->session, "/recount.v1.IngestService/ExportUser", &request, user->file,
                       write_piece, NULL);
}

enum rc_exit_code
rc_command_user(int count, char **arguments)
{
    struct user user = {0};
    rc_session_begin(&user.session);
    rc_options_parse(&argp, count, arguments, &user);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (user.word_count == 2 && strcmp(user.words[0], "show") == 0)
        code = show(&user);
    else if (user.word_count == 2 && strcmp(user.words[0], "export") == 0)
        code = export_user(&user);
    else if (user.word_count == 2 && strcmp(user.words[0], "delete") == 0)
        code = delete_user(&user);
    else
        fputs("recount user: write show USER, export USER or delete USER\n", stderr);
    rc_session_end(&user.session);
    return code;
}
