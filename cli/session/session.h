/*
 * Session: one run of a command against one project of one server.
 *
 * It holds what the global options say, the connection (made when first used) and an arena for the
 * messages of the run. A call packs a request, unpacks the reply, and on failure prints what a
 * person needs to know to standard error and gives the exit code of its class.
 *
 * Ownership: requests, replies and texts belong to the session's arena: nothing is freed one by
 *            one.
 * Threading: one thread.
 * Units:     milliseconds.
 */
#ifndef RC_CLI_SESSION_SESSION_H
#define RC_CLI_SESSION_SESSION_H

#include <protobuf-c/protobuf-c.h>

#include "cli/session/exit_code.h"
#include "client/client.h"
#include "engine/base/arena.h"

#define RC_SESSION_ADDRESS_DEFAULT "127.0.0.1:7040"
#define RC_SESSION_PROJECT_DEFAULT "default"

struct rc_session {
    struct rc_arena *arena;
    struct rc_client *client; /* NULL until the first call. */
    const char *address;
    const char *project;      /* "projects/{project}". */
    const char *project_zone; /* NULL until asked for. */
    int64_t timeout_ms;
};

/* Takes the server and the project from the environment, or else the defaults. */
void
rc_session_begin(struct rc_session *session);

void
rc_session_end(struct rc_session *session);

/* The connection. Never NULL. */
struct rc_client *
rc_session_client(struct rc_session *session);

/*
 * Calls method of a service of recount.v1 ("QueryService/Funnel"), or of another ("/a.B/C").
 *   RC_EXIT_OK  *ret_reply is the reply, a message of the descriptor.
 *   other       what went wrong is printed, and this is the code to exit with.
 */
RC_MUST_USE enum rc_exit_code
rc_session_call(struct rc_session *session,
                const char *method,
                const void *request,
                const ProtobufCMessageDescriptor *reply_descriptor,
                void *ret_reply);

/* The same, but prints nothing: the caller judges the error. */
RC_MUST_USE enum rc_exit_code
rc_session_try(struct rc_session *session,
               const char *method,
               const void *request,
               const ProtobufCMessageDescriptor *reply_descriptor,
               void *ret_reply,
               struct rc_call_error *reterr_error);

/* Prints an error of a call to standard error. */
void
rc_session_print_error(const struct rc_session *session, const struct rc_call_error *error);

/* The exit code of a gRPC code. */
enum rc_exit_code
rc_exit_code_of_call(enum rc_call_code code);

/* The full name of a thing of the project: kind "definitions", id "signed-up" or "@signed-up". */
char *
rc_session_name(struct rc_session *session, const char *kind, const char *id);

/* The id in a full name: what follows the last slash. */
const char *
rc_session_id(const char *name);

/* Asks the server for the project's time zone, once. */
RC_MUST_USE enum rc_exit_code
rc_session_project_zone(struct rc_session *session, const char **ret_zone);

#endif
