/*
 * What the parts of the transport share. Included by transport*.c only.
 *
 * Every operation that is given to the core carries a tag: a struct with the function that the
 * polling thread calls when the operation is done.
 */
#ifndef RC_SERVER_TRANSPORT_TRANSPORT_INTERNAL_H
#define RC_SERVER_TRANSPORT_TRANSPORT_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>

#include "server/transport/transport.h"

/* The core is not instrumented: tell ThreadSanitizer that a tag carries order from the thread that
 * starts an operation to the one that sees it done. */
#if defined(__SANITIZE_THREAD__)
void
__tsan_acquire(void *address);
void
__tsan_release(void *address);
#define RC_TAG_RELEASE(tag) __tsan_release(tag)
#define RC_TAG_ACQUIRE(tag) __tsan_acquire(tag)
#else
#define RC_TAG_RELEASE(tag) ((void)(tag))
#define RC_TAG_ACQUIRE(tag) ((void)(tag))
#endif

struct rc_tag {
    void (*done)(struct rc_tag *tag, bool ok); /* The polling thread. */
    void *owner;
};

/* A queued outgoing message. */
struct rc_outgoing {
    struct rc_outgoing *next;
    grpc_byte_buffer *buffer;
};

struct rc_call {
    struct rc_transport *transport;
    const struct rc_method *method; /* NULL: a method that is not listed. */
    grpc_call *call;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_byte_buffer *incoming; /* Unary: the request. Streams: what the read in flight fills. */
    struct rc_message request;  /* Unary: its bytes, once somebody wanted them. */
    int64_t received_ms;
    uint64_t received_ns;
    uint64_t read_ns; /* Streams: when the last message was there. */
    void *state;
    uint64_t lane; /* Set by one task or before the first one. */
    uint64_t turn; /* Of the polling thread that serves it; 0: its reply is not held. */
    _Atomic uint32_t references;
    _Atomic(bool) cancelled;
    int close_flag; /* Filled by the core, once it is asked. */
    struct rc_tag close_tag;
    struct rc_tag read_tag;
    struct rc_tag write_tag;
    struct rc_tag final_tag;
    grpc_byte_buffer *final_buffer; /* Unary: the reply. */
    grpc_slice final_message;
    grpc_metadata final_details;
    bool final_has_details;
    bool final_closes; /* What the core says at the end comes with the final operations. */
    int final_code;
    struct rc_call *live_previous; /* Guarded by the transport's lock. */
    struct rc_call *live_next;

    pthread_mutex_t lock; /* Guards what follows. */
    struct rc_outgoing *queue_first;
    struct rc_outgoing *queue_last;
    uint32_t queue_count;
    bool watched; /* The core was asked to say when the call is cancelled or over. */
    bool writing;
    bool initial_sent;
    bool finishing; /* An outcome is there; it is sent when the queue is empty. */
    bool closed;    /* The final operations were started, or the call was cancelled. */
};

struct rc_transport {
    grpc_completion_queue *queue;
    struct rc_polling *polling;
    grpc_server *server;
    const struct rc_method *methods;
    uint32_t method_count;
    struct rc_outcome unknown_method;
    int port;
    struct rc_tag shutdown_tag;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* Monotonic clock. */
    struct rc_call *live;   /* Calls that exist. */
    uint32_t live_count;
    bool draining;
    bool shut_down;
};

/* Makes the call of an arrived request and puts it on the live list: two references, one for the
 * close tag and one for the open call. Nobody hears of a cancellation before it is watched.
 * NULL: no memory. */
struct rc_call *
rc_call_new(struct rc_transport *transport,
            const struct rc_method *method,
            grpc_call *call,
            gpr_timespec deadline,
            grpc_metadata_array metadata,
            grpc_byte_buffer *payload);

/* Adds a reference unless the last one is gone. For calls found on the live list, under
 * its lock. */
bool
rc_call_ref_live(struct rc_call *call);

/* From now on rc_call_cancelled is kept, unless it was already. To ask the core for that is a
 * twentieth of what a small call takes, so one that is served where it arrived is watched only if
 * it takes long. Any thread that holds a reference. */
void
rc_call_watch(struct rc_call *call);

/* Does what the method of a unary call is for. */
void
rc_call_serve(struct rc_call *call);

/* Serves a call, starts a method's work on its workers, or answers a call that nobody can take. The
 * polling thread. */
void
rc_call_begin(struct rc_call *call);

/* The threads that poll the queue (transport_poll.c); none runs yet. NULL: no memory. */
struct rc_polling *
rc_polling_new(void);

void
rc_polling_start(struct rc_polling *polling, grpc_completion_queue *queue);

/* After the queue was shut down: waits for the threads, if they were started. NULL is fine. Returns
 * NULL. */
struct rc_polling *
rc_polling_free(struct rc_polling *polling);

/* The polling thread: whether it may serve one more call of this lane by itself. */
bool
rc_polling_may_serve(struct rc_polling *polling, uint64_t lane);

/* The polling thread: serves a call, while somebody else sees to it that the queue is polled and
 * the call watched if that takes long. */
void
rc_polling_serve(struct rc_polling *polling, struct rc_call *call);

/* Whether a reply that is there is sent by the polling thread, before long. */
bool
rc_polling_hold(struct rc_polling *polling, struct rc_call *call, uint64_t turn);

/* Sends a reply that was held. */
void
rc_call_send_final(struct rc_call *call);

/* Gives operations to the core; tag->done is called once they are done. */
void
rc_batch_start(struct rc_call *call, const grpc_op *ops, size_t count, struct rc_tag *tag);

/* Callbacks of tags. */
void
rc_write_done(struct rc_tag *tag, bool ok);
void
rc_final_done(struct rc_tag *tag, bool ok);

extern const struct rc_outcome rc_outcome_no_worker;

/* The bytes of a received buffer, in one piece. */
struct rc_message
rc_message_of_buffer(grpc_byte_buffer *buffer);

#endif
