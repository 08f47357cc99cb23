/* Exit codes of the command, by class, so that scripts can tell what to do next. */
#ifndef RC_CLI_SESSION_EXIT_CODE_H
#define RC_CLI_SESSION_EXIT_CODE_H

enum rc_exit_code {
    RC_EXIT_OK = 0,
    RC_EXIT_REJECTED = 1,    /* load: more rows were rejected than --max-rejects allows. */
    RC_EXIT_PROBLEMS = 1,    /* check: something is broken. */
    RC_EXIT_USAGE = 2,       /* The command line or an expression is wrong; nothing was sent. */
    RC_EXIT_REFUSED = 3,     /* The server refuses the request: it is wrong or not supported. */
    RC_EXIT_NOT_FOUND = 4,   /* A project, definition, segment or user is not known. */
    RC_EXIT_CONFLICT = 5,    /* It exists already, or somebody else changed it. */
    RC_EXIT_UNAVAILABLE = 6, /* The server cannot be reached, or is starting or stopping. */
    RC_EXIT_TIMEOUT = 7,     /* The deadline passed, or the call was cancelled. */
    RC_EXIT_LIMIT = 8,       /* The server is at a limit; a retry later may do. */
    RC_EXIT_FILE = 9,        /* A local file cannot be read or written. */
    RC_EXIT_INTERNAL = 10,   /* A fault of the server, or no memory here. */
    RC_EXIT_EXPLAINED = 100, /* Inside the command: the plan, or users, were printed in place of an
                                answer; the process exits with RC_EXIT_OK. */
};

#endif
