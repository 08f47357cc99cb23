/*
 * A call, from its arrival to its last reference.
 *
 * References: one for the close tag, which the core always delivers once the call is watched, and
 * with the final operations if it never was; one for the open call, which the final operations take
 * over (or the close tag drops when the call was cancelled first); one for each operation or task
 * under way; and those of the services.
 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/time.h>

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "server/transport/transport_internal.h"

static void
call_free(struct rc_call *call)
{
    if (call->method != NULL && call->method->stream != NULL && call->method->stream->end != NULL)
        call->method->stream->end(call);
    while (call->queue_first != NULL) {
        struct rc_outgoing *next = call->queue_first->next;
        grpc_byte_buffer_destroy(call->queue_first->buffer);
        rc_alloc_free(call->queue_first);
        call->queue_first = next;
    }
    rc_message_release(&call->request);
    if (call->incoming != NULL)
        grpc_byte_buffer_destroy(call->incoming);
    if (call->final_buffer != NULL)
        grpc_byte_buffer_destroy(call->final_buffer);
    grpc_slice_unref(call->final_message);
    if (call->final_has_details)
        grpc_slice_unref(call->final_details.value);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_unref(call->call);
    pthread_mutex_destroy(&call->lock);
    struct rc_transport *transport = call->transport;
    pthread_mutex_lock(&transport->lock);
    if (call->live_previous != NULL)
        call->live_previous->live_next = call->live_next;
    else
        transport->live = call->live_next;
    if (call->live_next != NULL)
        call->live_next->live_previous = call->live_previous;
    transport->live_count--;
    pthread_cond_broadcast(&transport->changed);
    pthread_mutex_unlock(&transport->lock);
    rc_alloc_free(call);
}

struct rc_call *
rc_call_ref(struct rc_call *call)
{
    const uint32_t before = atomic_fetch_add(&call->references, 1);
    RC_ASSERT(before > 0);
    return call;
}

bool
rc_call_ref_live(struct rc_call *call)
{
    uint32_t count = atomic_load(&call->references);
    while (count > 0)
        if (atomic_compare_exchange_weak(&call->references, &count, count + 1))
            return true;
    return false;
}

struct rc_call *
rc_call_unref(struct rc_call *call)
{
    if (call == NULL)
        return NULL;
    const uint32_t before = atomic_fetch_sub(&call->references, 1);
    RC_ASSERT(before > 0);
    if (before == 1)
        call_free(call);
    return NULL;
}

static void
close_done(struct rc_tag *tag, bool ok)
{
    (void)ok;
    struct rc_call *call = tag->owner;
    if (call->close_flag != 0)
        atomic_store(&call->cancelled, true);
    pthread_mutex_lock(&call->lock);
    const bool drop = !call->closed && call->close_flag != 0;
    if (drop)
        call->closed = true;
    pthread_mutex_unlock(&call->lock);
    if (drop)
        rc_call_unref(call); /* Of the open call: nobody will send an outcome any more. */
    rc_call_unref(call);
}

static void
read_done(struct rc_tag *tag, bool ok);

struct rc_call *
rc_call_new(struct rc_transport *transport,
            const struct rc_method *method,
            grpc_call *core,
            gpr_timespec deadline,
            grpc_metadata_array metadata,
            grpc_byte_buffer *payload)
{
    struct rc_call *call = rc_alloc_zero(sizeof(*call));
    if (call == NULL)
        return NULL;
    call->transport = transport;
    call->method = method;
    call->call = core;
    call->deadline = deadline;
    call->metadata = metadata;
    call->incoming = payload;
    call->received_ms = rc_clock_wall_ms();
    call->received_ns = rc_clock_monotonic_ns();
    call->final_message = grpc_empty_slice();
    atomic_init(&call->references, 2);
    pthread_mutex_init(&call->lock, NULL);
    call->close_tag = (struct rc_tag){.done = close_done, .owner = call};
    call->read_tag = (struct rc_tag){.done = read_done, .owner = call};
    call->write_tag = (struct rc_tag){.done = rc_write_done, .owner = call};
    call->final_tag = (struct rc_tag){.done = rc_final_done, .owner = call};
    pthread_mutex_lock(&transport->lock);
    call->live_next = transport->live;
    if (transport->live != NULL)
        transport->live->live_previous = call;
    transport->live = call;
    transport->live_count++;
    pthread_mutex_unlock(&transport->lock);
    return call;
}

void
rc_call_watch(struct rc_call *call)
{
    pthread_mutex_lock(&call->lock);
    if (!call->watched) {
        grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
        op.data.recv_close_on_server.cancelled = &call->close_flag;
        call->watched = true;
        rc_batch_start(call, &op, 1, &call->close_tag);
    }
    pthread_mutex_unlock(&call->lock);
}

/* ---- Lanes ----------------------------------------------------------------------------------- */

/* A project is named early in a message, as "projects/ID": what is looked at. */
#define LANE_BYTES 512u

static uint64_t
lane_of_project(struct rc_bytes project)
{
    return rc_hash(project.data, project.size) | 1;
}

static bool
is_of_id(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The lane of a message that nobody has decoded yet: of the first project that it seems to name. A
 * wrong guess costs a wrong turn, nothing else. */
static uint64_t
lane_of_bytes(const char *bytes, size_t size)
{
    static const char word[] = "projects/";
    const char *at = memmem(bytes, size < LANE_BYTES ? size : LANE_BYTES, word, strlen(word));
    if (at == NULL)
        return 0;
    at += strlen(word);
    size_t length = 0;
    while (at + length < bytes + size && is_of_id(at[length]))
        length++;
    return lane_of_project((struct rc_bytes){at, length});
}

static uint64_t
lane_of_buffer(grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice *slice = NULL;
    char bytes[LANE_BYTES + RC_PROJECT_ID_BYTES_MAX];
    size_t size = 0;
    if (buffer == NULL || !grpc_byte_buffer_reader_init(&reader, buffer))
        return 0;
    /* A message comes in as many slices as the reads that brought it: a name may lie in two. */
    while (size < sizeof(bytes) && grpc_byte_buffer_reader_peek(&reader, &slice)) {
        const size_t more = GRPC_SLICE_LENGTH(*slice);
        const size_t taken = more < sizeof(bytes) - size ? more : sizeof(bytes) - size;
        memcpy(bytes + size, GRPC_SLICE_START_PTR(*slice), taken);
        size += taken;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return lane_of_bytes(bytes, size);
}

/* ---- Handing over to workers ----------------------------------------------------------------- */

/* The task owns a reference, and for a message also what the read filled. */
static void
submit(struct rc_call *call, void (*task)(void *argument))
{
    rc_call_ref(call);
    const struct rc_method *method = call->method;
    if (rc_workers_submit_in(method->workers, call->lane, task, call) == RC_OK)
        return;
    rc_call_finish(call, &rc_outcome_no_worker);
    if (method->drop != NULL)
        method->drop(method->context, call);
    rc_call_unref(call);
}

/* The request's bytes. */
static struct rc_bytes
request_of(struct rc_call *call)
{
    if (call->request.buffer == NULL)
        call->request = rc_message_of_buffer(call->incoming);
    return call->request.bytes;
}

void
rc_call_serve(struct rc_call *call)
{
    call->method->unary(call->method->context, call, request_of(call));
}

static void
unary_task(void *argument)
{
    struct rc_call *call = argument;
    rc_call_serve(call);
    rc_call_unref(call);
}

static void
open_task(void *argument)
{
    struct rc_call *call = argument;
    const struct rc_stream_handler *stream = call->method->stream;
    stream->open(call->method->context, call);
    pthread_mutex_lock(&call->transport->lock);
    const bool draining = call->transport->draining;
    pthread_mutex_unlock(&call->transport->lock);
    if (draining && stream->drain != NULL)
        stream->drain(call);
    rc_call_unref(call);
}

/* What takes a few microseconds to decode. */
#define QUICK_REQUEST_BYTES_MAX 4096u

/* Whether the polling thread may serve the call itself. A long request is not even looked at. */
static bool
will_be_quick(struct rc_call *call)
{
    const struct rc_method *method = call->method;
    return method->quick != NULL && call->incoming != NULL &&
           grpc_byte_buffer_length(call->incoming) <= QUICK_REQUEST_BYTES_MAX &&
           rc_polling_may_serve(call->transport->polling, call->lane) &&
           method->quick(method->context, call, request_of(call));
}

void
rc_call_begin(struct rc_call *call)
{
    if (call->method == NULL) {
        rc_call_finish(call, &call->transport->unknown_method);
        return;
    }
    if (call->method->unary != NULL)
        call->lane = lane_of_buffer(call->incoming);
    if (call->method->admit != NULL && !call->method->admit(call->method->context, call))
        return;
    if (will_be_quick(call)) {
        rc_polling_serve(call->transport->polling, call);
    } else {
        rc_call_watch(call);
        submit(call, call->method->unary != NULL ? unary_task : open_task);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct rc_message
rc_message_of_buffer(grpc_byte_buffer *buffer)
{
    struct rc_message message = {.bytes = {"", 0}, .buffer = NULL};
    grpc_byte_buffer_reader reader;
    if (buffer == NULL || !grpc_byte_buffer_reader_init(&reader, buffer))
        return message;
    grpc_slice *whole = rc_alloc(sizeof(*whole));
    if (whole != NULL) {
        *whole = grpc_byte_buffer_reader_readall(&reader);
        message.bytes = (struct rc_bytes){(const char *)GRPC_SLICE_START_PTR(*whole),
                                          GRPC_SLICE_LENGTH(*whole)};
        message.buffer = whole;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return message;
}

void
rc_message_release(struct rc_message *message)
{
    if (message->buffer != NULL) {
        grpc_slice_unref(*(grpc_slice *)message->buffer);
        rc_alloc_free(message->buffer);
    }
    *message = (struct rc_message){.bytes = {"", 0}, .buffer = NULL};
}

static void
message_task(void *argument)
{
    struct rc_call *call = argument;
    struct rc_message message = rc_message_of_buffer(call->incoming);
    grpc_byte_buffer_destroy(call->incoming);
    call->incoming = NULL;
    call->method->stream->message(call, message);
    rc_call_unref(call);
}

static void
half_close_task(void *argument)
{
    struct rc_call *call = argument;
    call->method->stream->half_close(call);
    rc_call_unref(call);
}

static void
read_done(struct rc_tag *tag, bool ok)
{
    struct rc_call *call = tag->owner;
    const struct rc_stream_handler *stream = call->method->stream;
    call->read_ns = rc_clock_monotonic_ns();
    if (ok && call->incoming != NULL)
        submit(call, message_task);
    else if (stream->half_close != NULL)
        submit(call, half_close_task);
    rc_call_unref(call);
}

void
rc_call_read(struct rc_call *call)
{
    RC_ASSERT(call->incoming == NULL);
    rc_call_ref(call);
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->incoming;
    rc_batch_start(call, &op, 1, &call->read_tag);
}

/* ---- What a call knows ----------------------------------------------------------------------- */

const struct rc_method *
rc_call_method(const struct rc_call *call)
{
    return call->method;
}

void
rc_call_cancel(struct rc_call *call)
{
    atomic_store(&call->cancelled, true);
}

const _Atomic(bool) *
rc_call_cancelled(const struct rc_call *call)
{
    return &call->cancelled;
}

bool
rc_call_is_late(const struct rc_call *call)
{
    const gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    return gpr_time_cmp(gpr_convert_clock_type(call->deadline, GPR_CLOCK_MONOTONIC), now) <= 0;
}

uint64_t
rc_call_lane(const struct rc_call *call)
{
    return call->lane;
}

void
rc_call_set_lane(struct rc_call *call, struct rc_bytes project)
{
    call->lane = lane_of_project(project);
}

int64_t
rc_call_received_ms(const struct rc_call *call)
{
    return call->received_ms;
}

uint64_t
rc_call_received_ns(const struct rc_call *call)
{
    return call->received_ns;
}

uint64_t
rc_call_read_ns(const struct rc_call *call)
{
    return call->read_ns;
}

void
rc_call_set_state(struct rc_call *call, void *state)
{
    call->state = state;
}

void *
rc_call_state(const struct rc_call *call)
{
    return call->state;
}
