/*
 * Transport, the server's side: the completion queue, requests that wait for a call ("arms"), start
 * and stop.
 *
 * One queue and one thread at a time that polls it (transport_poll.c): measured cheapest, and
 * enough, since it only hands over what takes long. Each method keeps a few arms; an arm that
 * caught a call waits for the next one before the call is looked at. Calls of methods that are not
 * listed arrive at arms of their own and are answered at once.
 *
 * Stopping, in this order: streams are asked to finish; the server is shut down, so that arms come
 * back empty; after the grace period what is left is cancelled; when no call exists any more the
 * queue is shut down and its thread ends.
 */
#include <errno.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "server/transport/core_locks.h"
#include "server/transport/transport_internal.h"

/* Arms a method: a call that finds none waits until the one before it was looked at. Few, since the
 * core, built for debugging as Debian does, looks for each finished operation through all that are
 * on the way, and arms are nearly all of these. */
#define ARMS 2u

/* A peer that does not answer a ping for this long is gone. */
#define KEEPALIVE_INTERVAL_MS 60000
#define KEEPALIVE_TIMEOUT_MS 20000
#define PING_INTERVAL_MIN_MS 10000

struct arm {
    struct rc_tag tag;
    struct rc_transport *transport;
    const struct rc_method *method; /* NULL: for methods that are not listed. */
    void *registered;
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *payload;
    grpc_call_details details;
};

static void
arm_done(struct rc_tag *tag, bool ok);

/* Waits for the next call of the arm's method. */
static void
arm_wait(struct arm *arm)
{
    struct rc_transport *transport = arm->transport;
    const struct rc_method *method = arm->method;
    grpc_metadata_array_init(&arm->metadata);
    grpc_call_details_init(&arm->details);
    arm->payload = NULL;
    RC_TAG_RELEASE(&arm->tag);
    grpc_call_error error;
    if (method == NULL)
        error =
            grpc_server_request_call(transport->server, &arm->call, &arm->details, &arm->metadata,
                                     transport->queue, transport->queue, &arm->tag);
    else
        error = grpc_server_request_registered_call(transport->server, arm->registered, &arm->call,
                                                    &arm->deadline, &arm->metadata,
                                                    method->unary != NULL ? &arm->payload : NULL,
                                                    transport->queue, transport->queue, &arm->tag);
    RC_ASSERT(error == GRPC_CALL_OK);
}

/* Out of memory only makes one less wait. */
static void
arm_start(struct rc_transport *transport, const struct rc_method *method, void *registered)
{
    struct arm *arm = rc_alloc_zero(sizeof(*arm));
    if (arm == NULL)
        return;
    arm->tag = (struct rc_tag){.done = arm_done, .owner = arm};
    arm->transport = transport;
    arm->method = method;
    arm->registered = registered;
    arm_wait(arm);
}

static void
arm_end(struct arm *arm)
{
    grpc_metadata_array_destroy(&arm->metadata);
    grpc_call_details_destroy(&arm->details);
    rc_alloc_free(arm);
}

/* A call came, or none will any more. The arm is on the way again before the call is looked at,
 * which may take a while. */
static void
arm_done(struct rc_tag *tag, bool ok)
{
    struct arm *arm = tag->owner;
    if (!ok) {
        arm_end(arm);
        return;
    }
    const struct arm caught = *arm;
    arm_wait(arm);
    struct rc_call *call =
        rc_call_new(caught.transport, caught.method, caught.call,
                    caught.method == NULL ? caught.details.deadline : caught.deadline,
                    caught.metadata, caught.payload);
    grpc_call_details details = caught.details;
    grpc_call_details_destroy(&details);
    if (call != NULL) {
        rc_call_begin(call);
        return;
    }
    grpc_metadata_array metadata = caught.metadata;
    grpc_byte_buffer_destroy(caught.payload);
    grpc_metadata_array_destroy(&metadata);
    grpc_call_unref(caught.call);
}

static void
shutdown_done(struct rc_tag *tag, bool ok)
{
    (void)ok;
    struct rc_transport *transport = tag->owner;
    pthread_mutex_lock(&transport->lock);
    transport->shut_down = true;
    pthread_cond_broadcast(&transport->changed);
    pthread_mutex_unlock(&transport->lock);
}

static grpc_server_credentials *
credentials_of(const struct rc_transport_options *options)
{
    if (options->tls_cert_pem == NULL)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {.private_key = options->tls_key_pem,
                                       .cert_chain = options->tls_cert_pem};
    const grpc_ssl_client_certificate_request_type request =
        options->tls_client_ca_pem == NULL
            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    return grpc_ssl_server_credentials_create_ex(options->tls_client_ca_pem, &pair, 1, request,
                                                 NULL);
}

static grpc_arg
integer_argument(const char *key, uint64_t value)
{
    grpc_arg argument = {.type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key};
    argument.value.integer = value > INT32_MAX ? INT32_MAX : (int)value;
    return argument;
}

static grpc_server *
server_new(const struct rc_transport_options *options)
{
    grpc_arg list[] = {
        /* Without this two servers silently share a port. */
        integer_argument(GRPC_ARG_ALLOW_REUSEPORT, 0),
        integer_argument(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, options->message_bytes_max),
        integer_argument(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_INTERVAL_MS),
        integer_argument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        integer_argument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer_argument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                         PING_INTERVAL_MIN_MS),
    };
    const grpc_channel_args arguments = {.num_args = sizeof(list) / sizeof(list[0]), .args = list};
    return grpc_server_create(&arguments, NULL);
}

static void
transport_free(struct rc_transport *transport)
{
    if (transport == NULL)
        return;
    rc_polling_free(transport->polling);
    pthread_cond_destroy(&transport->changed);
    pthread_mutex_destroy(&transport->lock);
    rc_alloc_free(transport);
}

/* Takes down what server_open left behind: nothing has been served yet. */
static enum rc_status
start_failed(struct rc_transport *transport)
{
    if (transport->server != NULL) {
        grpc_server_shutdown_and_notify(transport->server, transport->queue,
                                        &transport->shutdown_tag);
        const grpc_event event =
            grpc_completion_queue_next(transport->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        RC_ASSERT(event.tag == &transport->shutdown_tag);
        grpc_server_destroy(transport->server);
    }
    grpc_completion_queue_shutdown(transport->queue);
    while (grpc_completion_queue_next(transport->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)
               .type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(transport->queue);
    grpc_shutdown();
    transport_free(transport);
    return RC_UNAVAILABLE;
}

static void
arm_all(struct rc_transport *transport, void *const *registered)
{
    for (uint32_t i = 0; i < transport->method_count; i++) {
        for (uint32_t k = 0; k < ARMS; k++)
            arm_start(transport, &transport->methods[i], registered[i]);
    }
    for (uint32_t k = 0; k < ARMS; k++)
        arm_start(transport, NULL, NULL);
}

static struct rc_transport *
transport_new(const struct rc_transport_options *options)
{
    struct rc_transport *transport = rc_alloc_zero(sizeof(*transport));
    if (transport == NULL)
        return NULL;
    transport->polling = rc_polling_new();
    if (transport->polling == NULL) {
        rc_alloc_free(transport);
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&transport->lock, NULL);
    pthread_cond_init(&transport->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    transport->methods = options->methods;
    transport->method_count = options->method_count;
    transport->unknown_method = options->unknown_method;
    transport->shutdown_tag = (struct rc_tag){.done = shutdown_done, .owner = transport};
    return transport;
}

enum rc_status
rc_transport_start(const struct rc_transport_options *options,
                   struct rc_transport **ret_transport,
                   struct rc_error *reterr_error)
{
    struct rc_transport *transport = transport_new(options);
    RC_CLEANUP(rc_alloc_freep)
    void **registered = rc_alloc((options->method_count + 1) * sizeof(void *));
    if (transport == NULL || registered == NULL) {
        transport_free(transport);
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the transport");
    }
    rc_core_locks_unwatched();
    grpc_init();
    transport->queue = grpc_completion_queue_create_for_next(NULL);
    transport->server = server_new(options);
    grpc_server_register_completion_queue(transport->server, transport->queue, NULL);
    for (uint32_t i = 0; i < options->method_count; i++) {
        registered[i] = grpc_server_register_method(
            transport->server, options->methods[i].path, NULL,
            options->methods[i].unary != NULL ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER
                                              : GRPC_SRM_PAYLOAD_NONE,
            0);
        RC_ASSERT(registered[i] != NULL);
    }
    grpc_server_credentials *credentials = credentials_of(options);
    if (credentials != NULL) {
        transport->port =
            grpc_server_add_http2_port(transport->server, options->listen, credentials);
        grpc_server_credentials_release(credentials);
    }
    if (transport->port == 0) {
        (void)start_failed(transport);
        return credentials == NULL
                   ? rc_error_field(reterr_error, RC_INVALID, "tls-cert",
                                    "the certificate or its key cannot be used")
                   : rc_error_field(reterr_error, RC_UNAVAILABLE, "listen",
                                    "cannot listen on %s (is the port in use, the certificate "
                                    "readable, the address one of this machine?)",
                                    options->listen);
    }
    grpc_server_start(transport->server);
    arm_all(transport, registered);
    rc_polling_start(transport->polling, transport->queue);
    *ret_transport = transport;
    return RC_OK;
}

int
rc_transport_port(const struct rc_transport *transport)
{
    return transport->port;
}

/* Asks each live stream to finish. A call that begins meanwhile sees draining itself. */
static void
drain_streams(struct rc_transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    transport->draining = true;
    const uint32_t count = transport->live_count;
    struct rc_call **calls = rc_alloc((count + 1) * sizeof(*calls));
    uint32_t taken = 0;
    for (struct rc_call *call = transport->live; call != NULL && calls != NULL;
         call = call->live_next)
        if (call->method != NULL && call->method->stream != NULL &&
            call->method->stream->drain != NULL && rc_call_ref_live(call))
            calls[taken++] = call;
    pthread_mutex_unlock(&transport->lock);
    for (uint32_t i = 0; i < taken; i++) {
        calls[i]->method->stream->drain(calls[i]);
        rc_call_unref(calls[i]);
    }
    rc_alloc_free(calls);
}

struct rc_transport *
rc_transport_stop(struct rc_transport *transport, uint32_t grace_ms)
{
    if (transport == NULL)
        return NULL;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += grace_ms / 1000;
    until.tv_nsec += (long)(grace_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    drain_streams(transport);
    RC_TAG_RELEASE(&transport->shutdown_tag);
    grpc_server_shutdown_and_notify(transport->server, transport->queue, &transport->shutdown_tag);
    pthread_mutex_lock(&transport->lock);
    while (!transport->shut_down) {
        if (pthread_cond_timedwait(&transport->changed, &transport->lock, &until) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&transport->lock);
        grpc_server_cancel_all_calls(transport->server);
        pthread_mutex_lock(&transport->lock);
        while (!transport->shut_down)
            pthread_cond_wait(&transport->changed, &transport->lock);
    }
    while (transport->live_count > 0)
        pthread_cond_wait(&transport->changed, &transport->lock);
    pthread_mutex_unlock(&transport->lock);
    grpc_server_destroy(transport->server);
    grpc_completion_queue_shutdown(transport->queue);
    transport->polling = rc_polling_free(transport->polling);
    grpc_completion_queue_destroy(transport->queue);
    grpc_shutdown();
    transport_free(transport);
    return NULL;
}
