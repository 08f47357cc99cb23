/*
 * Client over the gRPC C core.
 *
 * A unary call is one batch of all six operations on the client's own completion queue: one
 * completion, no callbacks. A stream has a queue of its own and four kinds of batches, each with
 * its own tag: the beginning (metadata), a receive that is always armed, a send, and the status.
 * I/O progresses only while some thread is inside the queue, so whoever loads keeps a thread in
 * rc_client_stream_next.
 *
 * The lock of a stream guards the few flags that a sending thread and a waiting thread share.
 * A stream ends when the status has come; batches that are still out then complete at once, and
 * are drained when the stream is freed.
 */
#include "client/client.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdlib.h>

struct rc_client {
    grpc_channel *channel;
    grpc_completion_queue *queue; /* Of the unary calls. */
};

struct rc_client_stream {
    grpc_call *call;
    grpc_completion_queue *queue;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_byte_buffer *received;
    grpc_slice status_message;
    grpc_status_code status_code;
    pthread_mutex_t lock; /* Guards the flags and the count below. */
    bool sending;
    bool finished;
    bool over;
    unsigned batches_out;
};

enum stream_tag { TAG_BEGIN = 1, TAG_RECEIVE, TAG_SEND, TAG_FINISH, TAG_STATUS };

struct rc_client *
rc_client_new(const char *address)
{
    RC_CLEANUP(rc_client_freep) struct rc_client *client = rc_alloc_zero(sizeof(*client));
    if (client == NULL)
        return NULL;
    grpc_init();
    grpc_arg arguments[] = {
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = RC_CLIENT_MESSAGE_BYTES_MAX},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
         .value.integer = 2000},
        {.type = GRPC_ARG_STRING,
         .key = (char *)GRPC_ARG_PRIMARY_USER_AGENT_STRING,
         .value.string = (char *)"recount"},
    };
    const grpc_channel_args all = {.num_args = sizeof(arguments) / sizeof(arguments[0]),
                                   .args = arguments};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    client->channel = grpc_channel_create(address, credentials, &all);
    grpc_channel_credentials_release(credentials);
    client->queue = grpc_completion_queue_create_for_next(NULL);
    return RC_TAKE(client);
}

static void
queue_end(grpc_completion_queue *queue)
{
    if (queue == NULL)
        return;
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(queue);
}

struct rc_client *
rc_client_free(struct rc_client *client)
{
    if (client == NULL)
        return NULL;
    if (client->channel != NULL)
        grpc_channel_destroy(client->channel);
    queue_end(client->queue);
    if (client->queue != NULL)
        grpc_shutdown();
    rc_alloc_free(client);
    return NULL;
}

static gpr_timespec
deadline_of(int64_t timeout_ms)
{
    return timeout_ms == 0 ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                           : gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                          gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
}

/* The core takes references of its own to the slice. */
static grpc_call *
call_new(struct rc_client *client,
         grpc_completion_queue *queue,
         const char *method,
         gpr_timespec deadline)
{
    grpc_slice path = grpc_slice_from_copied_string(method);
    grpc_call *call = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                               queue, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
    return call;
}

static grpc_byte_buffer *
buffer_of(struct rc_bytes bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* false: the buffer could not be read (a bad compression) or memory was refused. */
static bool
buffer_read(grpc_byte_buffer *buffer, struct rc_writer *writer)
{
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return false;
    grpc_slice slice;
    while (grpc_byte_buffer_reader_next(&reader, &slice)) {
        rc_write_raw(writer, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return !writer->failed;
}

static void
error_fill(struct rc_call_error *error,
           grpc_status_code code,
           const grpc_slice *message,
           const grpc_metadata_array *trailers)
{
    if (error == NULL)
        return;
    rc_call_error_set(error, (enum rc_call_code)code, "%.*s", (int)GRPC_SLICE_LENGTH(*message),
                      (const char *)GRPC_SLICE_START_PTR(*message));
    for (size_t i = 0; i < trailers->count; i++) {
        const grpc_metadata *entry = &trailers->metadata[i];
        if (grpc_slice_str_cmp(entry->key, "grpc-status-details-bin") == 0)
            rc_call_error_add_details(
                error, (struct rc_bytes){(const char *)GRPC_SLICE_START_PTR(entry->value),
                                         GRPC_SLICE_LENGTH(entry->value)});
    }
}

enum rc_call_code
rc_client_call(struct rc_client *client,
               const char *method,
               struct rc_bytes request,
               int64_t timeout_ms,
               struct rc_writer *ret_reply,
               struct rc_call_error *reterr_error)
{
    grpc_call *call = call_new(client, client->queue, method, deadline_of(timeout_ms));
    grpc_metadata_array initial, trailing;
    grpc_metadata_array_init(&initial);
    grpc_metadata_array_init(&trailing);
    grpc_byte_buffer *sent = buffer_of(request);
    grpc_byte_buffer *received = NULL;
    grpc_status_code code = GRPC_STATUS_UNKNOWN;
    grpc_slice message = grpc_empty_slice();
    const grpc_op operations[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = sent},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &initial},
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &received},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
         .data.recv_status_on_client = {.trailing_metadata = &trailing,
                                        .status = &code,
                                        .status_details = &message}},
    };
    if (grpc_call_start_batch(call, operations, sizeof(operations) / sizeof(operations[0]), call,
                              NULL) == GRPC_CALL_OK)
        grpc_completion_queue_next(client->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    if (code != GRPC_STATUS_OK) {
        error_fill(reterr_error, code, &message, &trailing);
    } else if (received == NULL || !buffer_read(received, ret_reply)) {
        code = GRPC_STATUS_INTERNAL;
        rc_call_error_set(reterr_error, RC_CALL_INTERNAL, "the reply of %s cannot be read", method);
    }
    grpc_slice_unref(message);
    grpc_byte_buffer_destroy(sent);
    if (received != NULL)
        grpc_byte_buffer_destroy(received);
    grpc_metadata_array_destroy(&initial);
    grpc_metadata_array_destroy(&trailing);
    grpc_call_unref(call);
    return (enum rc_call_code)code;
}

/* Starts a batch of one operation or two. Called with the lock held, or before it is shared. */
static bool
stream_start(struct rc_client_stream *stream,
             const grpc_op *operations,
             size_t count,
             enum stream_tag tag)
{
    if (grpc_call_start_batch(stream->call, operations, count, (void *)(uintptr_t)tag, NULL) !=
        GRPC_CALL_OK)
        return false;
    stream->batches_out++;
    return true;
}

static void
stream_receive(struct rc_client_stream *stream)
{
    const grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE,
                               .data.recv_message.recv_message = &stream->received};
    (void)stream_start(stream, &operation, 1, TAG_RECEIVE);
}

struct rc_client_stream *
rc_client_stream_open(struct rc_client *client, const char *method)
{
    struct rc_client_stream *stream = rc_alloc_zero(sizeof(*stream));
    if (stream == NULL)
        return NULL;
    pthread_mutex_init(&stream->lock, NULL);
    grpc_metadata_array_init(&stream->initial_metadata);
    grpc_metadata_array_init(&stream->trailing_metadata);
    stream->status_message = grpc_empty_slice();
    stream->queue = grpc_completion_queue_create_for_next(NULL);
    stream->call = call_new(client, stream->queue, method, gpr_inf_future(GPR_CLOCK_MONOTONIC));
    const grpc_op begin[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_INITIAL_METADATA,
         .data.recv_initial_metadata.recv_initial_metadata = &stream->initial_metadata},
    };
    const grpc_op status = {
        .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
        .data.recv_status_on_client = {.trailing_metadata = &stream->trailing_metadata,
                                       .status = &stream->status_code,
                                       .status_details = &stream->status_message}};
    (void)stream_start(stream, begin, 2, TAG_BEGIN);
    (void)stream_start(stream, &status, 1, TAG_STATUS);
    stream_receive(stream);
    return stream;
}

struct rc_client_stream *
rc_client_stream_free(struct rc_client_stream *stream)
{
    if (stream == NULL)
        return NULL;
    if (!stream->over)
        grpc_call_cancel(stream->call, NULL);
    queue_end(stream->queue);
    if (stream->received != NULL)
        grpc_byte_buffer_destroy(stream->received);
    grpc_metadata_array_destroy(&stream->initial_metadata);
    grpc_metadata_array_destroy(&stream->trailing_metadata);
    grpc_slice_unref(stream->status_message);
    grpc_call_unref(stream->call);
    pthread_mutex_destroy(&stream->lock);
    rc_alloc_free(stream);
    return NULL;
}

enum rc_status
rc_client_stream_send(struct rc_client_stream *stream, struct rc_bytes message)
{
    grpc_byte_buffer *buffer = buffer_of(message);
    const grpc_op operation = {.op = GRPC_OP_SEND_MESSAGE,
                               .data.send_message.send_message = buffer};
    pthread_mutex_lock(&stream->lock);
    const bool sent = !stream->sending && !stream->finished && !stream->over &&
                      stream_start(stream, &operation, 1, TAG_SEND);
    stream->sending = stream->sending || sent;
    pthread_mutex_unlock(&stream->lock);
    grpc_byte_buffer_destroy(buffer);
    return sent ? RC_OK : RC_CONFLICT;
}

enum rc_status
rc_client_stream_finish(struct rc_client_stream *stream)
{
    const grpc_op operation = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    pthread_mutex_lock(&stream->lock);
    const bool done = !stream->sending && !stream->finished && !stream->over &&
                      stream_start(stream, &operation, 1, TAG_FINISH);
    stream->finished = stream->finished || done;
    pthread_mutex_unlock(&stream->lock);
    return done ? RC_OK : RC_CONFLICT;
}

void
rc_client_stream_cancel(struct rc_client_stream *stream)
{
    grpc_call_cancel(stream->call, NULL);
}

/* Turns one completion into an event. false: it says nothing to the caller. */
static bool
stream_event(struct rc_client_stream *stream,
             enum stream_tag tag,
             bool success,
             struct rc_stream_event *event)
{
    switch (tag) {
    case TAG_SEND:
        stream->sending = !success;
        event->kind = RC_STREAM_SENT;
        return success;
    case TAG_STATUS:
        stream->over = true;
        return false;
    case TAG_RECEIVE:
        if (stream->received == NULL)
            return false;
        event->kind = RC_STREAM_MESSAGE;
        const bool read = buffer_read(stream->received, &event->message);
        grpc_byte_buffer_destroy(stream->received);
        stream->received = NULL;
        if (read)
            stream_receive(stream);
        else
            grpc_call_cancel(stream->call, NULL);
        return read;
    case TAG_BEGIN:
    case TAG_FINISH:
        break;
    }
    return false;
}

void
rc_client_stream_next(struct rc_client_stream *stream,
                      int64_t timeout_ms,
                      struct rc_stream_event *ret_event)
{
    *ret_event = (struct rc_stream_event){.kind = RC_STREAM_TIMEOUT};
    const gpr_timespec deadline = deadline_of(timeout_ms > 0 ? timeout_ms : 1);
    for (;;) {
        pthread_mutex_lock(&stream->lock);
        const bool ended = stream->over && stream->batches_out == 0;
        pthread_mutex_unlock(&stream->lock);
        if (ended) {
            ret_event->kind = RC_STREAM_ENDED;
            return;
        }
        const grpc_event event = grpc_completion_queue_next(stream->queue, deadline, NULL);
        if (event.type != GRPC_OP_COMPLETE)
            return;
        pthread_mutex_lock(&stream->lock);
        stream->batches_out--;
        const bool told = stream_event(stream, (enum stream_tag)(uintptr_t)event.tag,
                                       event.success != 0, ret_event);
        pthread_mutex_unlock(&stream->lock);
        if (told)
            return;
    }
}

enum rc_call_code
rc_client_stream_status(const struct rc_client_stream *stream, struct rc_call_error *reterr_error)
{
    if (stream->status_code != GRPC_STATUS_OK)
        error_fill(reterr_error, stream->status_code, &stream->status_message,
                   &stream->trailing_metadata);
    return (enum rc_call_code)stream->status_code;
}
