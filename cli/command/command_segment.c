/* recount segment: saved sets of users. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command/command.h"
#include "cli/command/entry_command.h"
#include "cli/command/segment_export.h"
#include "cli/language/expression.h"
#include "cli/session/message.h"
#include "recount/v1/segment.pb-c.h"

struct segment_command {
    struct rc_entry_command entry;
    struct rc_segment_export export_;
    const char *users; /* A file of ids, or "-"; NULL: a rule is given. */
};

enum key { KEY_USERS = 0x100, KEY_FORMAT, KEY_PROPERTIES, KEY_AS_OF, KEY_FILE = 'o' };

static const struct argp_option options[] = {
    {"users", KEY_USERS, "FILE", 0,
     "With create, in place of a rule: the users of a list, an id a line (-: standard input)", 1},
    {"format", KEY_FORMAT, "FORMAT", 0,
     "With export: ndjson, a line of JSON a user (default), or csv", 1},
    {"properties", KEY_PROPERTIES, "NAMES", 0,
     "With export: only these properties, with commas between them (default: all)", 1},
    {"as-of", KEY_AS_OF, "TIME", 0, "With export: the users of that moment (default: now)", 1},
    {"file", KEY_FILE, "FILE", 0, "With export: write to FILE instead of standard output", 1},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct segment_command *command = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        rc_entry_init(&command->entry, state);
        return 0;
    case KEY_USERS:
        command->users = argument;
        return 0;
    case KEY_FORMAT:
        command->export_.csv = strcmp(argument, "csv") == 0;
        if (!command->export_.csv && strcmp(argument, "ndjson") != 0)
            argp_error(state, "--format takes ndjson or csv");
        return 0;
    case KEY_PROPERTIES:
        command->export_.properties = argument;
        return 0;
    case KEY_AS_OF:
        command->export_.as_of = argument;
        return 0;
    case KEY_FILE:
        command->export_.file = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "create NAME RULE\ncreate NAME --users FILE\nlist\nshow NAME [VERSION]\n"
    "history NAME\nrestore NAME VERSION\ndelete NAME\nexport NAME|RULE [VERSION]",
    "Saves a set of users by a rule; its users are found anew in every question.\v"
    "  recount segment create loyal 'user.plan = paid and count(@signed-in) > 4 in prior 7d'\n"
    "  recount segment create quiet 'not did(any) from 2025-03-01 to 2025-04-01'\n"
    "\n"
    "A rule combines by and, or, not and parentheses: tests of user properties (user.x), saved "
    "segments (@name), and behaviour: did(EVENTS), count(EVENTS), days(EVENTS) and sum(PROPERTY, "
    "EVENTS) compared with a number, sequence(EVENTS then next EVENTS then after 5m EVENTS within "
    "1h), \"in prior 7d\" or \"from DATE to DATE\" behind it. EVENTS is an expression as in "
    "recount define; @name in it is a definition. history lists what a segment was, since when and "
    "by whom; restore makes it that again. \"recount query segment\" counts a segment, export "
    "writes all its users, by their ids, with properties, first and last event:\n"
    "  recount segment export loyal --format csv --properties plan,city > loyal.csv",
    rc_entry_children,
    NULL,
    NULL};

/* The ids of a file, a line each; empty lines are left out. */
static enum rc_exit_code
read_users(struct segment_command *command, Recount__V1__UserList **ret_users)
{
    struct rc_arena *arena = command->entry.session.arena;
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
    struct rc_session *session = &command->entry.session;
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

static const char *const paths[] = {"display_name", "description", "rule", "users", NULL};

static const struct rc_resource_kind segments = {
    .service = "SegmentService",
    .one = "Segment",
    .field = "segment",
    .many = "segments",
    .list_call = {&recount__v1__list_segments_request__descriptor,
                  &recount__v1__list_segments_response__descriptor},
    .get_call = {&recount__v1__get_segment_request__descriptor,
                 &recount__v1__get_segment_response__descriptor},
    .delete_call = {&recount__v1__delete_segment_request__descriptor,
                    &recount__v1__delete_segment_response__descriptor},
    .create_call = {&recount__v1__create_segment_request__descriptor,
                    &recount__v1__create_segment_response__descriptor},
    .update_call = {&recount__v1__update_segment_request__descriptor,
                    &recount__v1__update_segment_response__descriptor},
    .versions_call = {&recount__v1__list_segment_versions_request__descriptor,
                      &recount__v1__list_segment_versions_response__descriptor},
    .paths = paths,
    .columns = {"name", "display_name", "rule", "description", NULL},
    .table_columns = 3,
    .cells = cells_of};

static enum rc_exit_code
save(struct segment_command *command, const char *id, const char *source)
{
    Recount__V1__Segment segment = RECOUNT__V1__SEGMENT__INIT;
    const enum rc_exit_code code = read_members(command, source, &segment);
    return code == RC_EXIT_OK
               ? rc_entry_save(&command->entry, &segments, id, &segment.base, "saved")
               : code;
}

enum rc_exit_code
rc_command_segment(int count, char **arguments)
{
    struct segment_command command = {
        .entry = {.hint = "say create, list, show, history, restore, delete or export"}};
    struct rc_entry_command *entry = &command.entry;
    rc_session_begin(&entry->session);
    rc_options_parse(&argp, count, arguments, &command);
    const uint32_t words = command.users == NULL ? 3 : 2;
    enum rc_exit_code code = RC_EXIT_USAGE;
    if (rc_entry_run(entry, &segments, NULL, &code))
        ; /* Done. */
    else if (entry->word_count == words && strcmp(entry->words[0], "create") == 0)
        code = save(&command, entry->words[1], entry->words[2]);
    else if (entry->word_count >= 2 && strcmp(entry->words[0], "export") == 0)
        code = rc_segment_export(entry, &command.export_);
    else
        fputs("recount segment: write create NAME RULE, list, show NAME, history NAME, restore "
              "NAME VERSION, delete NAME or export NAME\n",
              stderr);
    rc_session_end(&entry->session);
    return code;
}
