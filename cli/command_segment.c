/* recount segment: saved sets of users. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/expression.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/resource.h"
#include "recount/v1/segment.pb-c.h"

struct segment_command {
    struct rc_session session;
    struct rc_output_options output;
    const char *display_name;
    const char *description;
    const char *words[3];
    int word_count;
    const char *users; /* A file of ids, or "-"; NULL: a rule is given. */
    bool replace;
};

enum key { KEY_DISPLAY_NAME = 0x100, KEY_DESCRIPTION, KEY_REPLACE, KEY_USERS };

static const struct argp_option options[] = {
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people (default: the id)", 1},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "What it is for", 1},
    {"users", KEY_USERS, "FILE", 0,
     "With create, in place of a rule: the users of a list, an id a line (-: standard input)", 1},
    {"replace", KEY_REPLACE, NULL, 0,
     "With create: change the segment if there is one of this name", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct segment_command *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &command->session;
        state->child_inputs[1] = &command->output;
        return 0;
    case KEY_DISPLAY_NAME:
        command->display_name = argument;
        return 0;
    case KEY_DESCRIPTION:
        command->description = argument;
        return 0;
    case KEY_USERS:
        command->users = argument;
        return 0;
    case KEY_REPLACE:
        command->replace = true;
        return 0;
    case ARGP_KEY_ARG:
        if (command->word_count == 3)
            argp_error(state, "too many words; put the rule into quotes");
        command->words[command->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "say create, list, show or delete");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "create NAME RULE\ncreate NAME --users FILE\nlist\nshow NAME\ndelete NAME",
    "Saves a set of users by a rule; its users are found anew in every question.\v"
    "  recount segment create loyal 'user.plan = paid and count(@signed-in) > 4 in prior 7d'\n"
    "  recount segment create quiet 'not did(any) from 2025-03-01 to 2025-04-01'\n"
    "\n"
    "A rule combines by and, or, not and parentheses: tests of user properties (user.x), saved "
    "segments (@name), and behaviour: did(EVENTS), count(EVENTS), days(EVENTS) and sum(PROPERTY, "
    "EVENTS) compared with a number, sequence(EVENTS then next EVENTS then after 5m EVENTS within "
    "1h), \"in prior 7d\" or \"from DATE to DATE\" behind it. EVENTS is an expression as in "
    "recount define; @name in it is a definition. \"recount query segment\" counts a segment.",
    rc_command_children,
    NULL,
    NULL};

/* The ids of a file, a line each; empty lines are left out. */
static enum rc_exit_code
read_users(struct segment_command *command, Recount__V1__UserList **ret_users)
{
    struct rc_arena *arena = command->session.arena;
    struct rc_pointer_list ids = {0};
    char *line = NULL;
    size_t capacity = 0;
    const bool is_input = strcmp(command->users, "-") == 0;
    FILE *in = is_input ? stdin : fopen(command->users, "r");
    if (in == NULL) {
        fprintf(stderr, "recount segment: %s cannot be read\n", command->users);
        return RC_EXIT_FILE;
    }
    while (getline(&line, &capacity, in) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0')
            rc_pointer_list_add(arena, &ids, rc_text_copy(arena, line));
    }
    free(line);
    if (!is_input)
        fclose(in);
    *ret_users = RC_MESSAGE(arena, Recount__V1__UserList, recount__v1__user_list);
    (*ret_users)->n_users = ids.count;
    (*ret_users)->users = (char **)ids.items;
    return RC_EXIT_OK;
}

/* Who is in the segment: the rule, or with --users the list. */
static enum rc_exit_code
read_members(struct segment_command *command, const char *source, Recount__V1__Segment *segment)
{
    struct rc_session *session = &command->session;
    struct rc_expression_error error;
    if (command->users != NULL) {
        segment->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS;
        return read_users(command, &segment->users);
    }
    segment->membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
    if (rc_expression_rule(session->arena, session->project, source, &segment->rule, &error) ==
        RC_OK)
        return RC_EXIT_OK;
    rc_expression_error_print(stderr, source, &error);
    return RC_EXIT_USAGE;
}

static enum rc_exit_code
save(struct segment_command *command, const char *id, const char *source)
{
    struct rc_session *session = &command->session;
    struct rc_call_error call_error;
    Recount__V1__CreateSegmentRequest request = RECOUNT__V1__CREATE_SEGMENT_REQUEST__INIT;
    Recount__V1__CreateSegmentResponse *reply = NULL;
    Recount__V1__Segment segment = RECOUNT__V1__SEGMENT__INIT;
    enum rc_exit_code code = read_members(command, source, &segment);
    if (code != RC_EXIT_OK)
        return code;
    segment.display_name = (char *)(command->display_name == NULL ? "" : command->display_name);
    segment.description = (char *)(command->description == NULL ? "" : command->description);
    request.parent = (char *)session->project;
    request.segment_id = (char *)id;
    request.segment = &segment;
    code = rc_session_try(session, "SegmentService/CreateSegment", &request,
                          &recount__v1__create_segment_response__descriptor, &reply, &call_error);
    if (code == RC_EXIT_CONFLICT && command->replace) {
        Recount__V1__UpdateSegmentRequest update = RECOUNT__V1__UPDATE_SEGMENT_REQUEST__INIT;
        segment.name = rc_session_name(session, "segments", id);
        update.segment = &segment;
        code =
            rc_session_try(session, "SegmentService/UpdateSegment", &update,
                           &recount__v1__update_segment_response__descriptor, &reply, &call_error);
    }
    if (code != RC_EXIT_OK)
        rc_session_print_error(session, &call_error);
    else
        fprintf(stderr, "saved %s\n", id);
    return code;
}

static void
cells_of(struct rc_arena *arena, const ProtobufCMessage *one, const char **cells)
{
    const Recount__V1__Segment *segment = (const Recount__V1__Segment *)one;
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    if (segment->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE)
        rc_expression_print_rule(out, segment->rule);
    else if (segment->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS)
        fprintf(out, "(a list of %zu users)", segment->users->n_users);
    fclose(out);
    cells[0] = rc_session_id(segment->name);
    cells[1] = segment->display_name;
    cells[2] = rc_text_copy(arena, text);
    cells[3] = segment->description;
    free(text);
}

static const struct rc_resource_kind segments = {
    .service = "SegmentService",
    .one = "Segment",
    .field = "segment",
    .many = "segments",
    .list_request = &recount__v1__list_segments_request__descriptor,
    .list_reply = &recount__v1__list_segments_response__descriptor,
    .get_request = &recount__v1__get_segment_request__descriptor,
    .get_reply = &recount__v1__get_segment_response__descriptor,
    .delete_request = &recount__v1__delete_segment_request__descriptor,
    .delete_reply = &recount__v1__delete_segment_response__descriptor,
    .columns = {"name", "display_name", "rule", "description", NULL},
    .table_columns = 3,
    .cells = cells_of};

enum rc_exit_code
rc_command_segment(int count, char **arguments)
{
    struct segment_command command = {0};
    rc_session_begin(&command.session);
    rc_options_parse(&argp, count, arguments, &command);
    struct rc_session *session = &command.session;
    const char *first = command.words[0];
    char *name = rc_session_name(session, "segments", command.words[command.word_count - 1]);
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (command.word_count == 1 && strcmp(first, "list") == 0)
        code = rc_resource_list(session, &command.output, &segments);
    else if (command.word_count == 2 && strcmp(first, "show") == 0)
        code = rc_resource_show(session, &command.output, &segments, name);
    else if (command.word_count == 2 && strcmp(first, "delete") == 0)
        code = rc_resource_delete(session, &segments, name);
    else if (command.word_count == (command.users == NULL ? 3 : 2) && strcmp(first, "create") == 0)
        code = save(&command, command.words[1], command.words[2]);
    else
        fputs("recount segment: write create NAME RULE, list, show NAME or delete NAME\n", stderr);
    rc_session_end(session);
    return code;
}
