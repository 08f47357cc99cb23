/*
 * Transport: gRPC calls, for services that know nothing of gRPC. This file and the transport_*.c
 * beside it are the only ones that include the C core.
 *
 * One thread at a time polls one completion queue: it hands each event of a call to the workers
 * that the method names, and serves those unary calls itself that are known to be quick. A unary
 * method is a function from request bytes to a reply. A stream is a set of callbacks; it reads when
 * it asks to (flow control), and its writes are queued and sent one at a time.
 *
 * Ownership: a call is counted. The transport holds a reference while the client may still hear
 *            from it; rc_call_ref adds one. Replies and statuses are copied.
 * Threading: every function may be called from any thread. Which thread calls back is said at each
 *            callback.
 * Units:     sizes are bytes, times are UTC ms since 1970 or monotonic ns.
 * Errors:    starting reports them; a call that is over swallows what is still sent to it.
 */
#ifndef RC_SERVER_TRANSPORT_TRANSPORT_H
#define RC_SERVER_TRANSPORT_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"

struct rc_transport;
struct rc_call;

/* A received message. Its bytes are valid until it is released. */
struct rc_message {
    struct rc_bytes bytes;
    void *buffer; /* The transport's own. */
};

/* How a call ends. code is a gRPC status code. */
struct rc_outcome {
    int code;
    const char *message;     /* UTF-8; "" for success. */
    struct rc_bytes details; /* A packed google.rpc.Status, or empty. */
};

/* Callbacks of a streaming method. All are optional but open. */
struct rc_stream_handler {
    /* A worker, once, before anything else. Asks for the first message with rc_call_read. */
    void (*open)(void *context, struct rc_call *call);
    /* A worker: a message that was asked for. The callee releases it. */
    void (*message)(struct rc_call *call, struct rc_message message);
    /* A worker: in place of a message, the client has sent its last one (or is gone). */
    void (*half_close)(struct rc_call *call);
    /* The polling thread: a write is done and left more are queued. Must be quick and may not wait.
     */
    void (*written)(struct rc_call *call, uint32_t left);
    /* Any thread: the server stops. Finish the call soon. */
    void (*drain)(struct rc_call *call);
    /* Any thread: nothing else will be called. Free what rc_call_set_state holds. */
    void (*end)(struct rc_call *call);
};

/* A method. Either unary or stream is set. */
struct rc_method {
    const char *path;           /* "/recount.v1.QueryService/Funnel". */
    void *context;              /* Handed to the callbacks. */
    struct rc_workers *workers; /* Where they run. */
    /* The polling thread, may be NULL: whether to take the call. If not, it has answered it. */
    bool (*admit)(void *context, struct rc_call *call);
    /* The polling thread, may be NULL: whether unary will take less than it takes to hand the call
     * over, give or take. Asked of short requests only; may decode it and leave what it found as
     * the call's state. If it was wrong, another thread polls meanwhile. */
    bool (*quick)(void *context, struct rc_call *call, struct rc_bytes request);
    /* A worker, or the polling thread if the call is quick. Answers with rc_call_reply or
     * rc_call_finish; request is valid until it returns. */
    void (*unary)(void *context, struct rc_call *call, struct rc_bytes request);
    /* The polling thread, may be NULL: in place of unary, for an admitted call that no worker could
     * take. It has been answered. */
    void (*drop)(void *context, struct rc_call *call);
    const struct rc_stream_handler *stream;
};

struct rc_transport_options {
    const char *listen;         /* "127.0.0.1:7040"; port 0 takes a free one. */
    uint64_t message_bytes_max; /* Of a received message; larger ones are refused with
                                   RESOURCE_EXHAUSTED. */
    const char *tls_cert_pem;   /* With a key: TLS. NULL: plain text. */
    const char *tls_key_pem;
    const char
        *tls_client_ca_pem; /* Clients must show a certificate of this authority. NULL: need not. */
    const struct rc_method *methods; /* Borrowed until the transport is gone. */
    uint32_t method_count;
    struct rc_outcome unknown_method; /* Answers calls of methods that are not listed; borrowed. */
};

/* Binds the address and starts to serve.
 *   RC_UNAVAILABLE  the address cannot be bound (in use, no permission, no such host).
 *   RC_INVALID      certificate or key cannot be used. */
RC_MUST_USE enum rc_status
rc_transport_start(const struct rc_transport_options *options,
                   struct rc_transport **ret_transport,
                   struct rc_error *reterr_error);

/* The port that was bound. */
int
rc_transport_port(const struct rc_transport *transport);

/* Takes no new calls, asks streams to finish, waits up to grace_ms for calls to end, cancels those
 * that are left, waits for them, and frees everything. NULL is fine. Returns NULL. */
struct rc_transport *
rc_transport_stop(struct rc_transport *transport, uint32_t grace_ms);

/* ---- Calls ------------------------------------------------------------------------------------
 */

struct rc_call *
rc_call_ref(struct rc_call *call);

/* NULL is fine. Returns NULL. */
struct rc_call *
rc_call_unref(struct rc_call *call);

const struct rc_method *
rc_call_method(const struct rc_call *call);

/* True once the client has cancelled, its deadline has passed, or it is gone. */
const _Atomic(bool) *
rc_call_cancelled(const struct rc_call *call);

/* Cancels the call as its client would, but the client is told: whoever serves it sees
 * rc_call_cancelled and answers. Any thread that knows that the call exists. */
void
rc_call_cancel(struct rc_call *call);

/* Whether the client's deadline has passed. */
bool
rc_call_is_late(const struct rc_call *call);

/* Whom the call's tasks take turns with (base/workers.h): of a unary call, the project that its
 * message names; of a stream, what it was set to. 0: nobody's. */
uint64_t
rc_call_lane(const struct rc_call *call);

/* Streams: the project is known. */
void
rc_call_set_lane(struct rc_call *call, struct rc_bytes project);

/* When the call arrived: wall clock, and monotonic. */
int64_t
rc_call_received_ms(const struct rc_call *call);
uint64_t
rc_call_received_ns(const struct rc_call *call);

/* Streams, from the message callback: when the message was there, monotonic. */
uint64_t
rc_call_read_ns(const struct rc_call *call);

void
rc_call_set_state(struct rc_call *call, void *state);
void *
rc_call_state(const struct rc_call *call);

/* Unary: sends the reply and success. Once. */
void
rc_call_reply(struct rc_call *call, struct rc_bytes reply);

/* Streams: asks for the next message; one at a time. message or half_close follows. */
void
rc_call_read(struct rc_call *call);

/* Streams: queues a message. */
void
rc_call_write(struct rc_call *call, struct rc_bytes message);

/* Ends the call after what is queued. Only the first call counts. */
void
rc_call_finish(struct rc_call *call, const struct rc_outcome *outcome);

/* NULL bytes are fine. */
void
rc_message_release(struct rc_message *message);

#endif
