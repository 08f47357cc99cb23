/*
 * call_echo: a server of gRPC's core that does nothing: what its calls take is what any server on
 * this core takes at least.
 *
 *   call_echo METHOD REPLY-BYTES
 *
 * Listens on a free port of the loopback, prints it, and answers each call of METHOD with so many
 * bytes, on the one thread that polls, in one batch of operations: the least that the core needs
 * for a call. So it answers the health check, with which clients of bench/ connect. Ends when its
 * standard input does.
 */
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/transport/core_locks.h"

#define CALLS_MAX 128       /* Those of small_calls.py; see ARMS in server/transport/transport.c. */
#define HEALTH_CALLS_MAX 16 /* Of them. */
#define REPLY_BYTES_MAX (1 << 20)

static const char health_check[] = "/grpc.health.v1.Health/Check";

/* A call that is waited for, or answered. */
struct call {
    void *method;
    bool arrived;
    grpc_call *core;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    grpc_byte_buffer *reply;
    int cancelled;
};

struct echo {
    grpc_server *server;
    grpc_completion_queue *queue;
    grpc_byte_buffer *reply;
    grpc_slice no_message;
    struct call calls[CALLS_MAX];
};

static void
wait_for_call(struct echo *echo, struct call *call)
{
    call->arrived = false;
    grpc_metadata_array_init(&call->metadata);
    if (grpc_server_request_registered_call(echo->server, call->method, &call->core,
                                            &call->deadline, &call->metadata, &call->request,
                                            echo->queue, echo->queue, call) != GRPC_CALL_OK)
        abort();
}

static void
answer(struct echo *echo, struct call *call)
{
    call->arrived = true;
    call->reply = grpc_byte_buffer_copy(echo->reply); /* Sending empties it. */
    const grpc_op operations[] = {
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &call->cancelled},
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = call->reply},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.status = GRPC_STATUS_OK,
                                          .status_details = &echo->no_message}},
    };
    if (grpc_call_start_batch(call->core, operations, sizeof(operations) / sizeof(operations[0]),
                              call, NULL) != GRPC_CALL_OK)
        abort();
}

static void
release(struct call *call)
{
    grpc_byte_buffer_destroy(call->request);
    grpc_byte_buffer_destroy(call->reply);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_unref(call->core);
}

static void *
poll_queue(void *argument)
{
    struct echo *echo = argument;
    for (;;) {
        const grpc_event event =
            grpc_completion_queue_next(echo->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        struct call *call = event.tag;
        if (!call->arrived) {
            answer(echo, call);
        } else {
            release(call);
            wait_for_call(echo, call);
        }
    }
    return NULL;
}

static void *
register_method(struct echo *echo, const char *name)
{
    return grpc_server_register_method(echo->server, name, NULL,
                                       GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
}

static grpc_byte_buffer *
reply_of(size_t size)
{
    static char bytes[REPLY_BYTES_MAX];
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes, size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

int
main(int argc, char **argv)
{
    static struct echo echo;
    char byte;
    const int size = argc == 3 ? atoi(argv[2]) : -1;
    if (size < 0 || size > REPLY_BYTES_MAX) {
        fputs("usage: call_echo METHOD REPLY-BYTES\n", stderr);
        return 2;
    }
    rc_core_locks_unwatched();
    grpc_init();
    echo.no_message = grpc_empty_slice();
    echo.reply = reply_of((size_t)size);
    echo.queue = grpc_completion_queue_create_for_next(NULL);
    echo.server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(echo.server, echo.queue, NULL);
    void *const method = register_method(&echo, argv[1]);
    void *const health = register_method(&echo, health_check);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    const int port = grpc_server_add_http2_port(echo.server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    if (port == 0 || method == NULL || health == NULL) {
        fputs("call_echo: cannot listen\n", stderr);
        return 1;
    }
    grpc_server_start(echo.server);
    for (size_t i = 0; i < CALLS_MAX; i++) {
        echo.calls[i].method = i < HEALTH_CALLS_MAX ? health : method;
        wait_for_call(&echo, &echo.calls[i]);
    }
    pthread_t poller;
    if (pthread_create(&poller, NULL, poll_queue, &echo) != 0)
        return 1;
    printf("%d\n", port);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    exit(0); /* Whatever is still open goes with the process. */
}
