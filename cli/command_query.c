/* recount query: the overview of the questions. */
#include "cli/command.h"

static const struct rc_command_entry questions[] = {
    {"funnel", "how many users come how far along some steps", rc_command_query_funnel},
    {"retention", "how many users come back after how many periods", rc_command_query_retention},
    {"series", "numbers over time", rc_command_query_series},
    {"lifecycle", "who is new, who comes back, who is gone", rc_command_query_lifecycle},
    {"stickiness", "in how many days, weeks, months users are active", rc_command_query_stickiness},
    {"sessions", "how many sessions, how long, where they begin and end",
     rc_command_query_sessions},
    {"paths", "what users do one after the other", rc_command_query_paths},
    {"segment", "how many users a segment has, and which", rc_command_query_segment},
    {"users", "who the users are, and how much they did", rc_command_query_users},
    {"events", "what one user did", rc_command_query_events},
    {0},
};

enum rc_exit_code
rc_command_query(int count, char **arguments)
{
    return rc_command_dispatch(questions, "recount query", "Asks a question over all history.",
                               count, arguments);
}
