/* Session: see session.h. protobuf-c allocates replies in the arena through rc_arena_alloc. */
#include "cli/session/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/session/message.h"
#include "recount/v1/project.pb-c.h"

void
rc_session_begin(struct rc_session *session)
{
    const char *address = getenv("RECOUNT_SERVER");
    const char *project = getenv("RECOUNT_PROJECT");
    *session = (struct rc_session){
        .arena = rc_need(rc_arena_new(NULL, 0)),
        .address = address != NULL && *address != '\0' ? address : RC_SESSION_ADDRESS_DEFAULT,
        .timeout_ms = 60000,
    };
    session->project =
        rc_text_format(session->arena, "projects/%s",
                       project != NULL && *project != '\0' ? project : RC_SESSION_PROJECT_DEFAULT);
}

void
rc_session_end(struct rc_session *session)
{
    session->client = rc_client_free(session->client);
    session->arena = rc_arena_free(session->arena);
}

struct rc_client *
rc_session_client(struct rc_session *session)
{
    if (session->client == NULL)
        session->client = rc_need(rc_client_new(session->address));
    return session->client;
}

static void *
reply_alloc(void *arena, size_t size)
{
    return rc_arena_alloc(arena, size);
}

static void
reply_free(void *arena, void *block)
{
    (void)arena;
    (void)block;
}

enum rc_exit_code
rc_exit_code_of_call(enum rc_call_code code)
{
    switch (code) {
    case RC_CALL_OK:
        return RC_EXIT_OK;
    case RC_CALL_NOT_FOUND:
        return RC_EXIT_NOT_FOUND;
    case RC_CALL_ALREADY_EXISTS:
    case RC_CALL_ABORTED:
        return RC_EXIT_CONFLICT;
    case RC_CALL_UNAVAILABLE:
        return RC_EXIT_UNAVAILABLE;
    case RC_CALL_DEADLINE_EXCEEDED:
    case RC_CALL_CANCELLED:
        return RC_EXIT_TIMEOUT;
    case RC_CALL_RESOURCE_EXHAUSTED:
        return RC_EXIT_LIMIT;
    case RC_CALL_INTERNAL:
    case RC_CALL_UNKNOWN:
    case RC_CALL_DATA_LOSS:
        return RC_EXIT_INTERNAL;
    default:
        return RC_EXIT_REFUSED;
    }
}

void
rc_session_print_error(const struct rc_session *session, const struct rc_call_error *error)
{
    if (error->code == RC_CALL_UNAVAILABLE && error->retry_delay_ms < 0) { /* A server says when. */
        fprintf(stderr, "recount: no server at %s: %s\n", session->address, error->message);
        return;
    }
    fprintf(stderr, "recount: %s (%s)\n", error->message, rc_call_code_name(error->code));
    for (size_t i = 0; i < error->violation_count; i++) {
        const struct rc_call_violation *violation = &error->violations[i];
        if (strstr(error->message, violation->description) != NULL)
            fprintf(stderr, "  at %s\n", violation->field);
        else
            fprintf(stderr, "  at %s: %s\n", violation->field, violation->description);
    }
    if (error->retry_delay_ms >= 0)
        fprintf(stderr, "  try again in %.1f s\n", (double)error->retry_delay_ms / 1000);
}

enum rc_exit_code
rc_session_try(struct rc_session *session,
               const char *method,
               const void *request,
               const ProtobufCMessageDescriptor *reply_descriptor,
               void *ret_reply,
               struct rc_call_error *reterr_error)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer bytes = {0};
    const char *path =
        *method == '/' ? method : rc_text_format(session->arena, "/recount.v1.%s", method);
    const enum rc_call_code code =
        rc_client_call(rc_session_client(session), path, rc_message_pack(session->arena, request),
                       session->timeout_ms, &bytes, reterr_error);
    if (code != RC_CALL_OK)
        return rc_exit_code_of_call(code);
    ProtobufCAllocator allocator = {reply_alloc, reply_free, session->arena};
    ProtobufCMessage *reply =
        protobuf_c_message_unpack(reply_descriptor, &allocator, bytes.size, bytes.data);
    if (reply == NULL) {
        rc_call_error_set(reterr_error, RC_CALL_INTERNAL, "the reply of %s cannot be read", method);
        return RC_EXIT_INTERNAL;
    }
    *(void **)ret_reply = reply;
    return RC_EXIT_OK;
}

enum rc_exit_code
rc_session_call(struct rc_session *session,
                const char *method,
                const void *request,
                const ProtobufCMessageDescriptor *reply_descriptor,
                void *ret_reply)
{
    struct rc_call_error error;
    const enum rc_exit_code code =
        rc_session_try(session, method, request, reply_descriptor, ret_reply, &error);
    if (code != RC_EXIT_OK)
        rc_session_print_error(session, &error);
    return code;
}

char *
rc_session_name(struct rc_session *session, const char *kind, const char *id)
{
    return rc_text_format(session->arena, "%s/%s/%s", session->project, kind, id + (*id == '@'));
}

const char *
rc_session_id(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

enum rc_exit_code
rc_session_project_zone(struct rc_session *session, const char **ret_zone)
{
    if (session->project_zone == NULL) {
        Recount__V1__GetProjectRequest request = RECOUNT__V1__GET_PROJECT_REQUEST__INIT;
        Recount__V1__GetProjectResponse *reply = NULL;
        request.name = (char *)session->project;
        const enum rc_exit_code code =
            rc_session_call(session, "ProjectService/GetProject", &request,
                            &recount__v1__get_project_response__descriptor, &reply);
        if (code != RC_EXIT_OK)
            return code;
        const bool named = reply->project != NULL && *reply->project->time_zone != '\0';
        session->project_zone = named ? reply->project->time_zone : "UTC";
    }
    *ret_zone = session->project_zone;
    return RC_EXIT_OK;
}
