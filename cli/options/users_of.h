/*
 * Users of: who is behind a number of an answer, in place of the answer: --users-of, which every
 * question takes whose answer has such numbers.
 *
 * Ownership: texts belong to the command line, messages to the session's arena.
 * Threading: one thread.
 * Errors:    as rc_session_call: what went wrong is printed.
 */
#ifndef RC_CLI_OPTIONS_USERS_OF_H
#define RC_CLI_OPTIONS_USERS_OF_H

#include <argp.h>
#include <protobuf-c/protobuf-c.h>

#include "cli/session/exit_code.h"
#include "engine/base/status.h"

struct rc_users_of_options {
    char *place;         /* cell_place.h; NULL: the answer itself is wanted. */
    const char *save_as; /* Id of a segment to save them as. */
};

struct rc_query_options;

/* --users-of, --save-users. The input is a struct rc_users_of_options. */
extern const struct argp rc_users_of_argp;

/* Lists the users of the place in the reply, if that was asked for: RC_EXIT_EXPLAINED; or saves
 * them. RC_EXIT_OK: it was not. */
RC_MUST_USE enum rc_exit_code
rc_users_of(struct rc_query_options *query, const ProtobufCMessage *reply);

/* For answers without such numbers: refuses to be asked. */
RC_MUST_USE enum rc_exit_code
rc_users_of_refuse(const struct rc_query_options *query);

#endif
