/*
 * grpc.health.v1: whether the server can be used. It can from its first call on, since it listens
 * only once the engine is open; it cannot once it stops.
 */
#include <grpc/health/v1/health.pb-c.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "server/decode.h"
#include "server/server_calls.h"
#include "server/service.h"

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static bool
is_known(const char *service)
{
    static const char *const names[] = {
        "",
        "recount.v1.ProjectService",
        "recount.v1.IngestService",
        "recount.v1.DefinitionService",
        "recount.v1.SegmentService",
        "recount.v1.QueryService",
        "recount.v1.AdminService",
        "grpc.health.v1.Health",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], service) == 0)
            return true;
    return false;
}

static Grpc__Health__V1__HealthCheckResponse__ServingStatus
status_of(const struct rc_server *server)
{
    return atomic_load(&server->draining) ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

static enum rc_status
check(struct rc_request *request, const void *message, void *reply)
{
    const Grpc__Health__V1__HealthCheckRequest *in = message;
    Grpc__Health__V1__HealthCheckResponse *out = reply;
    if (!is_known(in->service))
        return rc_error_field(request->error, RC_NOT_FOUND, "service",
                              "this server has no service \"%.100s\"", in->service);
    out->status = status_of(request->server);
    return RC_OK;
}

static const struct rc_service_method methods[] = {
    {"/grpc.health.v1.Health/Check", &grpc__health__v1__health_check_request__descriptor,
     &grpc__health__v1__health_check_response__descriptor, check, RC_SERVICE_CONTROL},
};

const struct rc_service rc_service_health = {methods, sizeof(methods) / sizeof(methods[0])};

/* ---- Watch ----------------------------------------------------------------------------------- */

static void
write_status(struct rc_call *call, Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    uint8_t bytes[16];
    response.status = status;
    const size_t size = protobuf_c_message_pack(&response.base, bytes);
    rc_call_write(call, (struct rc_bytes){(const char *)bytes, size});
}

static void
watch_open(void *context, struct rc_call *call)
{
    rc_call_set_state(call, context); /* The server. */
    rc_call_read(call);
}

/* The one request. The call then stays open. */
static void
watch_message(struct rc_call *call, struct rc_message message)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 1u << 20);
    ProtobufCMessage *request = NULL;
    enum rc_status status = RC_NO_MEMORY;
    if (arena == NULL)
        rc_error_set(&failure.error, RC_NO_MEMORY, "no memory for the call");
    else
        status = rc_decode_message(&grpc__health__v1__health_check_request__descriptor,
                                   message.bytes, arena, &request, &failure.error);
    rc_message_release(&message);
    if (status != RC_OK) {
        rc_call_fail(call, &failure);
        return;
    }
    const char *service = ((Grpc__Health__V1__HealthCheckRequest *)request)->service;
    write_status(call,
                 is_known(service) ? status_of(rc_call_state(call)) : STATUS(SERVICE_UNKNOWN));
}

static void
watch_drain(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    write_status(call, STATUS(NOT_SERVING));
    rc_error_set(&failure.error, RC_UNAVAILABLE, "the server stops");
    rc_call_fail(call, &failure);
}

const struct rc_stream_handler rc_health_watch_stream = {.open = watch_open,
                                                         .message = watch_message,
                                                         .drain = watch_drain};
