/* grpc.health.v1: what health.h says, as messages. Whoever can connect can be served, since the
 * port is opened last; what changes then is told to those who watch. */
#include <grpc/health/v1/health.pb-c.h>

#include "engine/base/alloc.h"
#include "server/admin/health.h"
#include "server/call/server_calls.h"
#include "server/call/service.h"
#include "server/decode/decode.h"

typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

static serving_status
status_of(enum rc_health_state state)
{
    static const serving_status statuses[] = {
        [RC_HEALTH_UNKNOWN] = STATUS(SERVICE_UNKNOWN),
        [RC_HEALTH_SERVING] = STATUS(SERVING),
        [RC_HEALTH_NOT_SERVING] = STATUS(NOT_SERVING),
    };
    return statuses[state];
}

static enum rc_status
check(struct rc_request *request, const void *message, void *reply)
{
    const Grpc__Health__V1__HealthCheckRequest *in = message;
    Grpc__Health__V1__HealthCheckResponse *out = reply;
    const enum rc_health_state state = rc_health_state(request->server->health, in->service);
    if (state == RC_HEALTH_UNKNOWN)
        return rc_error_field(request->error, RC_NOT_FOUND, "service",
                              "this server has no service \"%.100s\"", in->service);
    out->status = status_of(state);
    return RC_OK;
}

static const struct rc_service_method methods[] = {
    {"/grpc.health.v1.Health/Check", &grpc__health__v1__health_check_request__descriptor,
     &grpc__health__v1__health_check_response__descriptor, check, RC_SERVICE_CONTROL},
};

const struct rc_service rc_service_health = {methods, sizeof(methods) / sizeof(methods[0])};

/* ---- Watch ----------------------------------------------------------------------------------- */

struct watching {
    struct rc_health *health;
    struct rc_health_watch *watch; /* NULL until the request came. */
};

/* Callback rc_health_tell. A call that is over swallows it. */
static void
write_state(void *watcher, enum rc_health_state state)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    uint8_t bytes[16];
    response.status = status_of(state);
    const size_t size = protobuf_c_message_pack(&response.base, bytes);
    rc_call_write(watcher, (struct rc_bytes){(const char *)bytes, size});
}

static void
fail_for_memory(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, RC_NO_MEMORY, "no memory for the call");
    rc_call_fail(call, &failure);
}

static void
watch_open(void *context, struct rc_call *call)
{
    struct watching *watching = rc_alloc_zero(sizeof(*watching));
    if (watching == NULL) {
        fail_for_memory(call);
        return;
    }
    watching->health = ((const struct rc_server *)context)->health;
    rc_call_set_state(call, watching);
    rc_call_read(call);
}

static enum rc_status
watch_begin(struct rc_call *call, struct rc_bytes bytes, struct rc_error *reterr_error)
{
    struct watching *watching = rc_call_state(call);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 1u << 20);
    ProtobufCMessage *message = NULL;
    if (arena == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the call");
    RC_TRY(rc_decode_message(&grpc__health__v1__health_check_request__descriptor, bytes, arena,
                             &message, reterr_error));
    const Grpc__Health__V1__HealthCheckRequest *in =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    RC_TRY_OR(reterr_error,
              rc_health_watch(watching->health, in->service, write_state, call, &watching->watch));
    return RC_OK;
}

/* The one request. The call then stays open. */
static void
watch_message(struct rc_call *call, struct rc_message message)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    const enum rc_status status = watch_begin(call, message.bytes, &failure.error);
    rc_message_release(&message);
    if (status != RC_OK)
        rc_call_fail(call, &failure);
}

/* Who watches was told before (rc_health_stop). */
static void
watch_drain(struct rc_call *call)
{
    struct rc_failure failure = {.error = {.status = RC_OK}};
    rc_error_set(&failure.error, RC_UNAVAILABLE, "the server stops");
    rc_call_fail(call, &failure);
}

static void
watch_end(struct rc_call *call)
{
    struct watching *watching = rc_call_state(call);
    if (watching != NULL)
        rc_health_unwatch(watching->watch);
    rc_alloc_free(watching);
}

const struct rc_stream_handler rc_health_watch_stream = {.open = watch_open,
                                                         .message = watch_message,
                                                         .drain = watch_drain,
                                                         .end = watch_end};
