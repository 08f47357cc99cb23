/* recount segment: saved sets of users. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/csv.h"
#include "cli/expression.h"
#include "cli/message.h"
#include "cli/message_json.h"
#include "cli/options.h"
#include "cli/paint.h"
#include "recount/v1/segment.pb-c.h"

struct segment_command {
    struct rc_session session;
    struct rc_output_options output;
    const char *display_name;
    const char *description;
    const char *words[3];
    int word_count;
    bool replace;
};

enum key { KEY_DISPLAY_NAME = 0x100, KEY_DESCRIPTION, KEY_REPLACE };

static const struct argp_option options[] = {
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people (default: the id)", 1},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "What it is for", 1},
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

static const struct argp_child children[] = {{&rc_session_argp, 0, NULL, 0},
                                             {&rc_output_argp, 0, NULL, 0},
                                             {0}};

static const struct argp argp = {
    options,
    parse,
    "create NAME RULE\nlist\nshow NAME\ndelete NAME",
    "Saves a set of users by a rule; its users are found anew in every question.\v"
    "  recount segment create loyal 'user.plan = paid and count(@signed-in) > 4 in prior 7d'\n"
    "  recount segment create quiet 'not did(any) from 2025-03-01 to 2025-04-01'\n"
    "\n"
    "A rule combines by and, or, not and parentheses: tests of user properties (user.x), saved "
    "segments (@name), and behaviour: did(EVENTS), count(EVENTS) and days(EVENTS) compared with a "
    "number, \"in prior 7d\" or \"from DATE to DATE\" behind it. EVENTS is an expression as in "
    "recount define; @name in it is a definition. \"recount query segment\" counts a segment.",
    children,
    NULL,
    NULL};

static enum rc_exit_code
save(struct segment_command *command, const char *id, const char *source)
{
    struct rc_session *session = &command->session;
    struct rc_expression_error error;
    struct rc_call_error call_error;
    Recount__V1__CreateSegmentRequest request = RECOUNT__V1__CREATE_SEGMENT_REQUEST__INIT;
    Recount__V1__CreateSegmentResponse *reply = NULL;
    Recount__V1__Segment segment = RECOUNT__V1__SEGMENT__INIT;
    if (rc_expression_rule(session->arena, session->project, source, &segment.rule, &error) !=
        RC_OK) {
        rc_expression_error_print(stderr, source, &error);
        return RC_EXIT_USAGE;
    }
    segment.membership_case = RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE;
    segment.display_name = (char *)(command->display_name == NULL ? "" : command->display_name);
    segment.description = (char *)(command->description == NULL ? "" : command->description);
    request.parent = (char *)session->project;
    request.segment_id = (char *)id;
    request.segment = &segment;
    enum rc_exit_code code =
        rc_session_try(session, "SegmentService/CreateSegment", &request,
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
print_rule(struct rc_arena *arena, const Recount__V1__Segment *segment, char **ret_text)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = rc_need(open_memstream(&text, &size));
    if (segment->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_RULE)
        rc_expression_print_rule(out, segment->rule);
    else if (segment->membership_case == RECOUNT__V1__SEGMENT__MEMBERSHIP_USERS)
        fprintf(out, "(a list of %zu users)", segment->users->n_users);
    fclose(out);
    *ret_text = rc_text_copy(arena, text);
    free(text);
}

static void
print_all(struct segment_command *command, Recount__V1__Segment *const *segments, size_t count)
{
    static const char *const head[] = {"name", "display_name", "rule", "description", NULL};
    const bool csv_wanted = command->output.format == RC_OUTPUT_CSV;
    const struct rc_paint paint = rc_paint_of(stdout, command->output.color);
    RC_CLEANUP(rc_table_freep) struct rc_table *table = rc_table_new("lll");
    struct rc_csv_writer csv = {.out = stdout};
    if (csv_wanted)
        rc_csv_head(&csv, head);
    for (size_t i = 0; i < 3; i++)
        rc_table_add(table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        char *rule = NULL;
        const Recount__V1__Segment *one = segments[i];
        print_rule(command->session.arena, one, &rule);
        if (csv_wanted) {
            rc_csv_text(&csv, rc_session_id(one->name));
            rc_csv_text(&csv, one->display_name);
            rc_csv_text(&csv, rule);
            rc_csv_text(&csv, one->description);
            rc_csv_end_row(&csv);
        }
        rc_table_add(table, "%s", rc_session_id(one->name));
        rc_table_add(table, "%s", one->display_name);
        rc_table_add(table, "%s", rule);
    }
    if (!csv_wanted)
        rc_table_paint(table, &paint);
}

static enum rc_exit_code
list(struct segment_command *command)
{
    struct rc_session *session = &command->session;
    struct rc_pointer_list all = {0};
    Recount__V1__ListSegmentsRequest request = RECOUNT__V1__LIST_SEGMENTS_REQUEST__INIT;
    Recount__V1__ListSegmentsResponse *reply = NULL;
    request.parent = (char *)session->project;
    request.page_size = 1000;
    do {
        const enum rc_exit_code code =
            rc_session_call(session, "SegmentService/ListSegments", &request,
                            &recount__v1__list_segments_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            return code;
        for (size_t i = 0; i < reply->n_segments; i++)
            rc_pointer_list_add(session->arena, &all, reply->segments[i]);
        request.page_token = reply->next_page_token;
    } while (*request.page_token != '\0');
    if (command->output.format == RC_OUTPUT_JSON) {
        Recount__V1__ListSegmentsResponse whole = RECOUNT__V1__LIST_SEGMENTS_RESPONSE__INIT;
        whole.n_segments = all.count;
        whole.segments = (Recount__V1__Segment **)all.items;
        rc_message_json_print(stdout, &whole.base);
    } else {
        print_all(command, (Recount__V1__Segment **)all.items, all.count);
    }
    return RC_EXIT_OK;
}

static enum rc_exit_code
show(struct segment_command *command, const char *id)
{
    Recount__V1__GetSegmentRequest request = RECOUNT__V1__GET_SEGMENT_REQUEST__INIT;
    Recount__V1__GetSegmentResponse *reply = NULL;
    request.name = rc_session_name(&command->session, "segments", id);
    const enum rc_exit_code code =
        rc_session_call(&command->session, "SegmentService/GetSegment", &request,
                        &recount__v1__get_segment_response__descriptor, &reply);
    if (code != RC_EXIT_OK || reply->segment == NULL)
        return code;
    if (command->output.format == RC_OUTPUT_JSON)
        rc_message_json_print(stdout, &reply->segment->base);
    else
        print_all(command, &reply->segment, 1);
    return RC_EXIT_OK;
}

static enum rc_exit_code delete (struct segment_command *command, const char *id) {
    Recount__V1__DeleteSegmentRequest request = RECOUNT__V1__DELETE_SEGMENT_REQUEST__INIT;
    Recount__V1__DeleteSegmentResponse *reply = NULL;
    request.name = rc_session_name(&command->session, "segments", id);
    return rc_session_call(&command->session,
                           "SegmentService/DeleteSegment",
                           &request,
                           &recount__v1__delete_segment_response__descriptor,
                           &reply);
}

enum rc_exit_code
rc_command_segment(int count, char **arguments)
{
    struct segment_command command = {0};
    rc_session_begin(&command.session);
    rc_options_parse(&argp, count, arguments, &command);
    const char *first = command.words[0];
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (command.word_count == 1 && strcmp(first, "list") == 0)
        code = list(&command);
    else if (command.word_count == 2 && strcmp(first, "show") == 0)
        code = show(&command, command.words[1]);
    else if (command.word_count == 2 && strcmp(first, "delete") == 0)
        code = delete (&command, command.words[1]);
    else if (command.word_count == 3 && strcmp(first, "create") == 0)
        code = save(&command, command.words[1], command.words[2]);
    else
        fputs("recount segment: write create NAME RULE, list, show NAME or delete NAME\n", stderr);
    rc_session_end(&command.session);
    return code;
}
