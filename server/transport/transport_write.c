/*
 * A call's way out: queued messages, the reply, the outcome.
 *
 * What a client sees is ordered by the queue: messages go out one at a time, and the outcome after
 * the last. A call that was cancelled still gets its outcome: the core then fails the operations at
 * once, which is as good a way to let go of them as any.
 */
#include <grpc/byte_buffer.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "server/transport/transport_internal.h"

#define DETAILS_KEY "grpc-status-details-bin"

/* Sent when the workers cannot take a task: memory is short or the server is about to end. */
const struct rc_outcome rc_outcome_no_worker = {.code = GRPC_STATUS_UNAVAILABLE,
                                                .message = "the server cannot take the call now"};

void
rc_batch_start(struct rc_call *call, const grpc_op *ops, size_t count, struct rc_tag *tag)
{
    RC_TAG_RELEASE(tag);
    const grpc_call_error error = grpc_call_start_batch(call->call, ops, count, tag, NULL);
    RC_ASSERT(error == GRPC_CALL_OK);
}

void
rc_final_done(struct rc_tag *tag, bool ok)
{
    struct rc_call *call = tag->owner;
    (void)ok;
    if (call->final_closes)
        rc_call_unref(call); /* Of the close tag. */
    rc_call_unref(call);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static grpc_byte_buffer *
buffer_of(struct rc_bytes bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static void
final_take(struct rc_call *call, const struct rc_outcome *outcome)
{
    call->final_code = outcome->code;
    grpc_slice_unref(call->final_message);
    call->final_message = grpc_slice_from_copied_string(outcome->message);
    if (outcome->details.size > 0) {
        call->final_details = (grpc_metadata){
            .key = grpc_slice_from_static_string(DETAILS_KEY),
            .value = grpc_slice_from_copied_buffer(outcome->details.data, outcome->details.size)};
        call->final_has_details = true;
    }
}

/* Sends the outcome, after an only message if there is one. The open call's reference goes with it,
 * and the close tag's if nobody has watched the call. */
static void
final_start(struct rc_call *call)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    ops[0].data.send_status_from_server.status = (grpc_status_code)call->final_code;
    ops[0].data.send_status_from_server.status_details = &call->final_message;
    if (call->final_has_details) {
        ops[0].data.send_status_from_server.trailing_metadata_count = 1;
        ops[0].data.send_status_from_server.trailing_metadata = &call->final_details;
    }
    size_t count = 1;
    if (!call->initial_sent)
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    call->initial_sent = true;
    if (call->final_buffer != NULL) {
        ops[count] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[count++].data.send_message.send_message = call->final_buffer;
    }
    if (!call->watched) {
        call->watched = true;
        call->final_closes = true;
        ops[count] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
        ops[count++].data.recv_close_on_server.cancelled = &call->close_flag;
    }
    rc_batch_start(call, ops, count, &call->final_tag);
}

/* Starts the next operation of the queue. Under the call's lock. */
static void
write_next(struct rc_call *call)
{
    if (call->writing)
        return;
    if (call->queue_first == NULL) {
        if (call->finishing && !call->closed) {
            call->closed = true;
            final_start(call);
        }
        return;
    }
    call->writing = true;
    rc_call_ref(call);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_INITIAL_METADATA}};
    ops[0].data.send_message.send_message = call->queue_first->buffer;
    const size_t count = call->initial_sent ? 1 : 2;
    call->initial_sent = true;
    rc_batch_start(call, ops, count, &call->write_tag);
}

static void
queue_pop(struct rc_call *call)
{
    struct rc_outgoing *first = call->queue_first;
    call->queue_first = first->next;
    if (first->next == NULL)
        call->queue_last = NULL;
    call->queue_count--;
    grpc_byte_buffer_destroy(first->buffer);
    rc_alloc_free(first);
}

void
rc_write_done(struct rc_tag *tag, bool ok)
{
    struct rc_call *call = tag->owner;
    const struct rc_stream_handler *stream = call->method->stream;
    pthread_mutex_lock(&call->lock);
    call->writing = false;
    queue_pop(call);
    while (!ok && call->queue_first != NULL)
        queue_pop(call);
    const uint32_t left = call->queue_count;
    write_next(call);
    pthread_mutex_unlock(&call->lock);
    if (stream->written != NULL)
        stream->written(call, left);
    rc_call_unref(call);
}

void
rc_call_write(struct rc_call *call, struct rc_bytes message)
{
    struct rc_outgoing *outgoing = rc_alloc_zero(sizeof(*outgoing));
    if (outgoing == NULL) {
        rc_call_finish(call, &rc_outcome_no_worker);
        return;
    }
    outgoing->buffer = buffer_of(message);
    pthread_mutex_lock(&call->lock);
    if (call->closed || call->finishing) {
        grpc_byte_buffer_destroy(outgoing->buffer);
        rc_alloc_free(outgoing);
    } else {
        if (call->queue_last == NULL)
            call->queue_first = outgoing;
        else
            call->queue_last->next = outgoing;
        call->queue_last = outgoing;
        call->queue_count++;
        write_next(call);
    }
    pthread_mutex_unlock(&call->lock);
}

void
rc_call_reply(struct rc_call *call, struct rc_bytes reply)
{
    pthread_mutex_lock(&call->lock);
    if (!call->closed && !call->finishing) {
        const struct rc_outcome success = {.code = GRPC_STATUS_OK, .message = ""};
        call->finishing = true;
        call->closed = true;
        final_take(call, &success);
        call->final_buffer = buffer_of(reply);
        if (!rc_polling_hold(call->transport->polling, call, call->turn))
            final_start(call);
    }
    pthread_mutex_unlock(&call->lock);
}

void
rc_call_send_final(struct rc_call *call)
{
    pthread_mutex_lock(&call->lock);
    final_start(call);
    pthread_mutex_unlock(&call->lock);
}

void
rc_call_finish(struct rc_call *call, const struct rc_outcome *outcome)
{
    pthread_mutex_lock(&call->lock);
    if (!call->closed && !call->finishing) {
        call->finishing = true;
        final_take(call, outcome);
        write_next(call);
    }
    pthread_mutex_unlock(&call->lock);
}
