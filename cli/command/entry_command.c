/* Entry command: see the header. */
#include "cli/command/entry_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session/message.h"

enum key { KEY_DISPLAY_NAME = 0x1500, KEY_DESCRIPTION, KEY_AUTHOR, KEY_REPLACE, KEY_FORCE };

static const struct argp_option options[] = {
    {"display-name", KEY_DISPLAY_NAME, "TEXT", 0, "Name for people (default: the id)", 2},
    {"description", KEY_DESCRIPTION, "TEXT", 0, "What it is for", 2},
    {"author", KEY_AUTHOR, "TEXT", 0, "Who says so, for the history", 2},
    {"replace", KEY_REPLACE, NULL, 0, "Change the one of this name if there is one", 2},
    {"force", KEY_FORCE, NULL, 0, "With delete: also while others use it", 2},
    {0},
};

static error_t
parse(int key, char *argument, struct argp_state *state)
{
    struct rc_entry_command *command = state->input;
    switch (key) {
    case KEY_DISPLAY_NAME:
        command->display_name = argument;
        return 0;
    case KEY_DESCRIPTION:
        command->description = argument;
        return 0;
    case KEY_AUTHOR:
        command->author = argument;
        return 0;
    case KEY_REPLACE:
        command->replace = true;
        return 0;
    case KEY_FORCE:
        command->force = true;
        return 0;
    case ARGP_KEY_ARG:
        if (command->word_count == RC_ENTRY_WORDS_MAX)
            argp_error(state, "too many words; put what is saved into quotes");
        command->words[command->word_count++] = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "%s", command->hint);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp entry_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

const struct argp_child rc_entry_children[4] = {{&entry_argp, 0, NULL, 0},
                                                {&rc_session_argp, 0, NULL, 0},
                                                {&rc_output_argp, 0, NULL, 0},
                                                {0}};

void
rc_entry_init(struct rc_entry_command *command, struct argp_state *state)
{
    state->child_inputs[0] = command;
    state->child_inputs[1] = &command->session;
    state->child_inputs[2] = &command->output;
}

uint64_t
rc_entry_version(const struct rc_entry_command *command)
{
    const char *word = command->word_count == 3 ? command->words[2] : "";
    const bool is_number = word[strspn(word, "0123456789")] == '\0';
    const uint64_t version = is_number ? strtoull(word, NULL, 10) : 0;
    if (version == 0)
        fprintf(stderr, "recount: \"%s\" is no version; history lists them\n", word);
    return version;
}

static enum rc_exit_code
show(struct rc_entry_command *command, const struct rc_resource_kind *kind, char *name)
{
    const bool was = command->word_count == 3;
    const uint64_t version = was ? rc_entry_version(command) : 0;
    return was && version == 0
               ? RC_EXIT_USAGE
               : rc_resource_show(&command->session, &command->output, kind, name, version);
}

static enum rc_exit_code
restore(struct rc_entry_command *command, const struct rc_resource_kind *kind, char *name)
{
    const uint64_t version = rc_entry_version(command);
    return version == 0
               ? RC_EXIT_USAGE
               : rc_resource_restore(&command->session, kind, name, version, command->author);
}

bool
rc_entry_run(struct rc_entry_command *command,
             const struct rc_resource_kind *kind,
             ProtobufCMessage *list,
             enum rc_exit_code *ret_code)
{
    struct rc_session *session = &command->session;
    const char *first = command->words[0];
    if (command->word_count == 1 && strcmp(first, "list") == 0) {
        *ret_code = list == NULL ? rc_resource_list(session, &command->output, kind)
                                 : rc_resource_list_some(session, &command->output, kind, list);
        return true;
    }
    if (command->word_count == 1)
        return false;
    char *name = rc_session_name(session, kind->many, command->words[1]);
    if (strcmp(first, "show") == 0)
        *ret_code = show(command, kind, name);
    else if (strcmp(first, "restore") == 0)
        *ret_code = restore(command, kind, name);
    else if (command->word_count == 2 && strcmp(first, "history") == 0)
        *ret_code = rc_resource_history(session, &command->output, kind, name);
    else if (command->word_count == 2 && strcmp(first, "delete") == 0)
        *ret_code = rc_resource_delete(session, kind, name, command->force);
    else
        return false;
    return true;
}

enum rc_exit_code
rc_entry_save(struct rc_entry_command *command,
              const struct rc_resource_kind *kind,
              const char *id,
              ProtobufCMessage *thing,
              const char *done)
{
    if (command->display_name != NULL)
        *(const char **)rc_message_member(thing, "display_name") = command->display_name;
    if (command->description != NULL)
        *(const char **)rc_message_member(thing, "description") = command->description;
    const enum rc_exit_code code =
        rc_resource_save(&command->session, kind, id, thing, command->author, command->replace);
    if (code == RC_EXIT_OK)
        fprintf(stderr, "%s %s\n", done, id);
    return code;
}
