/* Command: one entry point for each subcommand; each takes its own command line, with its full name
 * ("recount query funnel") as arguments[0], and returns the exit code. */
#ifndef RC_CLI_COMMAND_COMMAND_H
#define RC_CLI_COMMAND_COMMAND_H

#include "cli/session/exit_code.h"

typedef enum rc_exit_code (*rc_command)(int count, char **arguments);

struct rc_command_entry {
    const char *name;
    const char *summary; /* One line for the overview. */
    rc_command run;
};

/*
 * Runs the entry that arguments[1] names, with the rest of the command line; prints the overview
 * for --help, for no name and for an unknown one. entries end with a NULL name.
 */
enum rc_exit_code
rc_command_dispatch(const struct rc_command_entry *entries,
                    const char *program,
                    const char *about,
                    int count,
                    char **arguments);

enum rc_exit_code
rc_command_load(int count, char **arguments);
enum rc_exit_code
rc_command_define(int count, char **arguments);

enum rc_exit_code
rc_command_derive(int count, char **arguments);
enum rc_exit_code
rc_command_properties(int count, char **arguments);
enum rc_exit_code
rc_command_preview(int count, char **arguments); /* Of "recount define", as the next. */
enum rc_exit_code
rc_command_suggest(int count, char **arguments);
enum rc_exit_code
rc_command_segment(int count, char **arguments);
enum rc_exit_code
rc_command_query(int count, char **arguments);
enum rc_exit_code
rc_command_query_funnel(int count, char **arguments);
enum rc_exit_code
rc_command_query_retention(int count, char **arguments);
enum rc_exit_code
rc_command_query_series(int count, char **arguments);
enum rc_exit_code
rc_command_query_lifecycle(int count, char **arguments);
enum rc_exit_code
rc_command_query_sessions(int count, char **arguments);
enum rc_exit_code
rc_command_query_paths(int count, char **arguments);
enum rc_exit_code
rc_command_query_experiment(int count, char **arguments);
enum rc_exit_code
rc_command_query_correlation(int count, char **arguments);
enum rc_exit_code
rc_command_query_stickiness(int count, char **arguments);
enum rc_exit_code
rc_command_query_segment(int count, char **arguments);
enum rc_exit_code
rc_command_query_overlap(int count, char **arguments);
enum rc_exit_code
rc_command_query_users(int count, char **arguments);
enum rc_exit_code
rc_command_query_entities(int count, char **arguments);
enum rc_exit_code
rc_command_query_events(int count, char **arguments);
enum rc_exit_code
rc_command_project(int count, char **arguments);
enum rc_exit_code
rc_command_explain(int count, char **arguments);
enum rc_exit_code
rc_command_statements(int count, char **arguments);
enum rc_exit_code
rc_command_queries(int count, char **arguments);
enum rc_exit_code
rc_command_cancel(int count, char **arguments);
enum rc_exit_code
rc_command_stats(int count, char **arguments);
enum rc_exit_code
rc_command_snapshot(int count, char **arguments);
enum rc_exit_code
rc_command_check(int count, char **arguments);
enum rc_exit_code
rc_command_backup(int count, char **arguments);
enum rc_exit_code
rc_command_purge(int count, char **arguments);
enum rc_exit_code
rc_command_user(int count, char **arguments);
enum rc_exit_code
rc_command_health(int count, char **arguments);
enum rc_exit_code
rc_command_generate(int count, char **arguments);

#endif
