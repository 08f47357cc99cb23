/* Users, as far as they are not asked about: deletion. */
#include <recount/v1/ingest.pb-c.h>

#include "server/call/service.h"
#include "server/decode/decode.h"

static enum rc_status
delete_user(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__DeleteUserRequest *in = message;
    Recount__V1__DeleteUserResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_user_deleted deleted;
    struct rc_bytes project;
    RC_TRY(rc_decode_project(&decode, "parent", in->parent, &project));
    if (in->user[0] == '\0')
        return rc_decode_fail(&decode, RC_INVALID, "user", "the user is missing");
    RC_TRY(rc_request_project(request, project, NULL));
    const enum rc_status status = rc_engine_delete_user(
        request->server->engine, project, rc_bytes_of(in->user), &deleted, request->error);
    const bool of_user = strcmp(request->error->field, "user") == 0;
    if (status == RC_NOT_FOUND && of_user && in->allow_missing)
        return RC_OK;
    if (status == RC_NOT_FOUND && of_user)
        rc_request_resource(request, "recount.v1.User", "%s", in->user);
    RC_TRY(rc_request_no_project(request, project, status));
    out->deleted_ids = deleted.users;
    out->deleted_events = deleted.events;
    out->purge_due_time_ms = deleted.purge_due_ms;
    return RC_OK;
}

static const struct rc_service_method methods[] = {
    {"/recount.v1.IngestService/DeleteUser", &recount__v1__delete_user_request__descriptor,
     &recount__v1__delete_user_response__descriptor, delete_user, RC_SERVICE_CONTROL},
};

const struct rc_service rc_service_user = {methods, sizeof(methods) / sizeof(methods[0])};
