/*
 * Entry command: what "recount define", "derive" and "segment" have in common: the flags that say
 * what a thing is called and who saves it, and the words list, show, history, restore and delete.
 *
 * A command puts a struct rc_entry_command first into what its parser takes, names
 * rc_entry_children as the children of its argp and gives them their inputs by rc_entry_init.
 *
 * Ownership: texts belong to the command line, messages to the session's arena.
 * Threading: one thread.
 * Errors:    as rc_session_call: what went wrong is printed.
 */
#ifndef RC_CLI_COMMAND_ENTRY_COMMAND_H
#define RC_CLI_COMMAND_ENTRY_COMMAND_H

#include <argp.h>

#include "cli/command/resource.h"
#include "cli/options/options.h"

#define RC_ENTRY_WORDS_MAX 3u

struct rc_entry_command {
    struct rc_session session;
    struct rc_output_options output;
    const char *display_name; /* NULL: not given; so for the next. */
    const char *description;
    const char *author;
    bool replace;
    bool force;
    const char *hint; /* Set by the command: what to write where nothing is written. */
    uint32_t word_count;
    const char *words[RC_ENTRY_WORDS_MAX];
};

/* --display-name, --description, --author, --replace, --force, words; the session's and the
 * output's flags. */
extern const struct argp_child rc_entry_children[4];

/* For ARGP_KEY_INIT of the command's parser. */
void
rc_entry_init(struct rc_entry_command *command, struct argp_state *state);

/* Whether the words ask for what all kinds have (list, show NAME [VERSION], history NAME, restore
 * NAME VERSION, delete NAME); then it is done, and *ret_code says how. list (may be NULL: all) is
 * the request of what is listed. */
bool
rc_entry_run(struct rc_entry_command *command,
             const struct rc_resource_kind *kind,
             ProtobufCMessage *list,
             enum rc_exit_code *ret_code);

/* The version that the third word says; 0: there is none, or no number of one, which is told. */
uint64_t
rc_entry_version(const struct rc_entry_command *command);

/* Saves the thing under the id, and says so: "defined". */
RC_MUST_USE enum rc_exit_code
rc_entry_save(struct rc_entry_command *command,
              const struct rc_resource_kind *kind,
              const char *id,
              ProtobufCMessage *thing,
              const char *done);

#endif
