/* recount query, explain: the overview of the questions. */
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"

#define EXPLAIN_WORDS_MAX 1024u

static const struct rc_command_entry questions[] = {
    {"funnel", "how many users come how far along some steps", rc_command_query_funnel},
    {"retention", "how many users come back after how many periods", rc_command_query_retention},
    {"series", "numbers over time", rc_command_query_series},
    {"lifecycle", "who is new, who comes back, who is gone", rc_command_query_lifecycle},
    {"experiment", "what users of each variant did beside a control's",
     rc_command_query_experiment},
    {"correlation", "what tells users who converted from the others", rc_command_query_correlation},
    {"stickiness", "in how many days, weeks, months users are active", rc_command_query_stickiness},
    {"sessions", "how many sessions, how long, where they begin and end",
     rc_command_query_sessions},
    {"paths", "what users do one after the other", rc_command_query_paths},
    {"segment", "how many users a segment has, and which", rc_command_query_segment},
    {"overlap", "how many users some segments have in common", rc_command_query_overlap},
    {"users", "who the users are, and how much they did", rc_command_query_users},
    {"entities", "which accounts, sessions or other values there are, and how much happened",
     rc_command_query_entities},
    {"events", "what one user did", rc_command_query_events},
    {0},
};

static enum rc_exit_code
dispatch(const char *program, const char *about, int count, char **arguments)
{
    const enum rc_exit_code code = rc_command_dispatch(questions, program, about, count, arguments);
    return code == RC_EXIT_EXPLAINED ? RC_EXIT_OK : code;
}

enum rc_exit_code
rc_command_query(int count, char **arguments)
{
    return dispatch("recount query", "Asks a question over all history.", count, arguments);
}

/* The same words as in "recount query", with --explain put in. */
enum rc_exit_code
rc_command_explain(int count, char **arguments)
{
    static char *words[EXPLAIN_WORDS_MAX];
    static char option[] = "--explain";
    if (count + 2 > (int)EXPLAIN_WORDS_MAX) {
        fprintf(stderr, "recount explain: too many words\n");
        return RC_EXIT_USAGE;
    }
    memcpy(words, arguments, (size_t)count * sizeof(*words));
    if (count > 1 && arguments[1][0] != '-') {
        memmove(words + 3, words + 2, (size_t)(count - 2) * sizeof(*words));
        words[2] = option;
        count++;
    }
    return dispatch("recount explain",
                    "Says how a question would be run; with --analyze runs it and says how it was.",
                    count, words);
}
