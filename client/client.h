/*
 * Client: a connection to a Recount server, unary calls and one kind of stream (both ways).
 *
 * It carries bytes: a request is a packed protobuf message, a reply is one to be unpacked. Every
 * call has a deadline; the server is told of it. A failed call leaves an rc_call_error.
 *
 * Ownership: a client owns its connection, a stream its call; both outlive nothing of the other's:
 *            free the streams of a client before the client. Replies are rc_alloc blocks of the
 *            caller.
 * Threading: a client and its unary calls belong to one thread. Of a stream, one thread may wait
 *            (rc_client_stream_next) while another sends.
 * Units:     milliseconds, bytes.
 * Errors:    the code RC_CALL_OK is success; any other leaves every ret_ output as it was and a
 *            filled reterr_error (NULL is fine).
 */
#ifndef RC_CLIENT_CLIENT_H
#define RC_CLIENT_CLIENT_H

#include <stdbool.h>

#include "client/call_error.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

/* Opaque. */
struct rc_client;
struct rc_client_stream;

/* Largest message that a client takes or sends. The server's own limit is 16 MiB for requests. */
#define RC_CLIENT_MESSAGE_BYTES_MAX (256 << 20)

/*
 * Makes a client of "host:port". Nothing is connected before the first call.
 *   NULL  no memory.
 */
struct rc_client *
rc_client_new(const char *address);

/* NULL is fine. Returns NULL. */
struct rc_client *
rc_client_free(struct rc_client *client);

RC_DEFINE_CLEANUP(struct rc_client *, rc_client_free)

/*
 * One request, one reply. method is "/recount.v1.QueryService/Funnel". timeout_ms 0: no deadline.
 * ret_reply is an empty writer of the caller's and holds the reply afterwards.
 */
RC_MUST_USE enum rc_call_code
rc_client_call(struct rc_client *client,
               const char *method,
               struct rc_bytes request,
               int64_t timeout_ms,
               struct rc_writer *ret_reply,
               struct rc_call_error *reterr_error);

enum rc_stream_event_kind {
    RC_STREAM_TIMEOUT, /* Nothing happened in the given time. */
    RC_STREAM_SENT,    /* The message that was being sent is on its way: send the next. */
    RC_STREAM_MESSAGE, /* The server sent a message. */
    RC_STREAM_ENDED,   /* The call is over; nothing comes after it. */
};

struct rc_stream_event {
    enum rc_stream_event_kind kind;
    struct rc_writer message; /* With RC_STREAM_MESSAGE: owned by the caller (rc_writer_close). */
};

/*
 * Begins a stream.
 *   NULL  no memory.
 */
struct rc_client_stream *
rc_client_stream_open(struct rc_client *client, const char *method);

/* Cancels the call if it is not over. NULL is fine. Returns NULL. Not while a thread
 * waits in it. */
struct rc_client_stream *
rc_client_stream_free(struct rc_client_stream *stream);

RC_DEFINE_CLEANUP(struct rc_client_stream *, rc_client_stream_free)

/*
 * Begins to send a message (copied). One at a time: the next only after RC_STREAM_SENT. This is the
 * flow control: a server that does not read delays that event.
 *   RC_OK        it is being sent. If the stream dies, RC_STREAM_SENT never comes.
 *   RC_CONFLICT  the one before is still being sent, or the stream is finished or over.
 */
RC_MUST_USE enum rc_status
rc_client_stream_send(struct rc_client_stream *stream, struct rc_bytes message);

/* Says that no more messages follow. Only while none is being sent: RC_CONFLICT as above. */
RC_MUST_USE enum rc_status
rc_client_stream_finish(struct rc_client_stream *stream);

/* Ends the call from this side; RC_STREAM_ENDED follows. Any thread. */
void
rc_client_stream_cancel(struct rc_client_stream *stream);

/* Waits for the next event, at most timeout_ms. */
void
rc_client_stream_next(struct rc_client_stream *stream,
                      int64_t timeout_ms,
                      struct rc_stream_event *ret_event);

/* How the call ended. Only after RC_STREAM_ENDED. */
enum rc_call_code
rc_client_stream_status(const struct rc_client_stream *stream, struct rc_call_error *reterr_error);

#endif
