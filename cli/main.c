/* recount: the command line of Recount. It speaks gRPC to a server and knows nothing of
 * the engine. */
#include <argp.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/command/command.h"

const char *argp_program_version = "recount 0.1.0";

static const struct rc_command_entry commands[] = {
    {"load", "load archives into a project", rc_command_load},
    {"define", "say what an event means: create, list, show, preview, suggest, build, delete",
     rc_command_define},
    {"properties", "list properties, and the values of one", rc_command_properties},
    {"derive", "make a property of another: create, list, show, delete", rc_command_derive},
    {"segment", "saved sets of users: create, list, show, delete", rc_command_segment},
    {"query",
     "funnel, retention, series, lifecycle, stickiness, sessions, paths, experiment, correlation, "
     "segment, users, events",
     rc_command_query},
    {"explain", "how a query would be run: recount explain funnel ...", rc_command_explain},
    {"statements", "what queries of one shape took", rc_command_statements},
    {"queries", "the queries that run now", rc_command_queries},
    {"cancel", "end a query that runs", rc_command_cancel},
    {"project", "create, list, update, delete projects", rc_command_project},
    {"user", "what is held of one user: show, export, delete", rc_command_user},
    {"stats", "figures of the server and its projects", rc_command_stats},
    {"snapshot", "write a snapshot now", rc_command_snapshot},
    {"backup", "write a backup on the server's machine", rc_command_backup},
    {"check", "verify everything that the server holds", rc_command_check},
    {"purge", "erase now what deleted users left on disk", rc_command_purge},
    {"health", "ask whether the server is ready", rc_command_health},
    {"generate", "write a sample archive", rc_command_generate},
    {0},
};

enum rc_exit_code
rc_command_dispatch(const struct rc_command_entry *entries,
                    const char *program,
                    const char *about,
                    int count,
                    char **arguments)
{
    static char name[128];
    const char *wanted = count > 1 ? arguments[1] : "--help";
    for (const struct rc_command_entry *entry = entries; entry->name != NULL; entry++) {
        if (strcmp(entry->name, wanted) != 0)
            continue;
        snprintf(name, sizeof(name), "%s %s", program, entry->name);
        arguments[1] = name;
        return entry->run(count - 1, arguments + 1);
    }
    if (strcmp(wanted, "--version") == 0 || strcmp(wanted, "-V") == 0) {
        puts(argp_program_version);
        return RC_EXIT_OK;
    }
    const bool asked = strcmp(wanted, "--help") == 0 || strcmp(wanted, "-?") == 0;
    FILE *out = asked && count > 1 ? stdout : stderr;
    if (!asked && wanted[0] == '-')
        fprintf(out, "%s: options stand behind the command: \"%s COMMAND %s\"\n\n", program,
                program, wanted);
    else if (!asked)
        fprintf(out, "%s: there is no command \"%s\"\n\n", program, wanted);
    fprintf(out, "Usage: %s COMMAND ...\n%s\n\n", program, about);
    for (const struct rc_command_entry *entry = entries; entry->name != NULL; entry++)
        fprintf(out, "  %-12s %s\n", entry->name, entry->summary);
    fprintf(out, "\n\"%s COMMAND --help\" says more.\n", program);
    return out == stdout ? RC_EXIT_OK : RC_EXIT_USAGE;
}

int
main(int count, char **arguments)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    return (int)rc_command_dispatch(
        commands, "recount",
        "Counts again what users did: events are defined after they were recorded.\n"
        "The server is 127.0.0.1:7040 unless --server or RECOUNT_SERVER names another.",
        count, arguments);
}
