/*
 * IngestService.Ingest: a stream of batches in, a stream of acknowledgements out.
 *
 * One message is read and decoded at a time, so batches reach the engine in the order of the
 * stream. Several are then on their way to the disk together, which hides the time of a sync; their
 * number and bytes are bounded, and acknowledgements that the client does not fetch count too. The
 * engine says "done" in order, so acknowledgements need no sorting.
 *
 * A stream ends by a failure, by the client's half-close, or because the server stops; in each case
 * after all that is in flight is acknowledged. The outcome is sent once nothing is read and nothing
 * in flight.
 */
#include "server/ingest/service_ingest.h"

#include <pthread.h>
#include <recount/v1/ingest.pb-c.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "server/call/server_calls.h"
#include "server/process/log.h"

/* Batches of a stream between reading and acknowledgement: enough for a sync of 4 ms at the rate of
 * decoding. */
#define FLIGHTS_MAX 16u
#define FLIGHT_BYTES_MAX ((uint64_t)32 << 20)

/* Decoded columns are at most about ten times as large as the bytes that they come from. */
#define ARENA_FACTOR 32u
#define ARENA_BYTES_MIN ((uint64_t)16 << 20)

struct rc_ingest_stream {
    struct rc_call *call; /* Not counted: the stream is the call's state. */
    struct rc_server *server;
    struct rc_bytes project; /* Owned. */
    struct rc_bytes client_stream;
    char project_text[RC_PROJECT_ID_BYTES_MAX + 1];
    char stream_text[RC_NAME_BYTES_MAX + 1];
    uint64_t batch_id; /* The last one of this call. */
    bool opened;

    pthread_mutex_t lock; /* Guards what follows. */
    uint32_t in_flight;
    uint64_t in_flight_bytes;
    uint32_t unsent; /* Messages queued and not yet sent. */
    bool reading;    /* A read or the decoding of its message is under way. */
    bool decoding;   /* The latter. */
    bool ending;     /* Nothing more is read. */
    bool finished;   /* The outcome is on its way. */
    bool has_failed;
    struct rc_failure failure; /* With has_failed. */
};

/* ---- Ending and going on --------------------------------------------------------------------- */

/* Under the lock: sends the outcome if it is time. */
static void
finish_if_idle(struct rc_ingest_stream *stream)
{
    if (!stream->ending || stream->finished || stream->decoding || stream->in_flight > 0)
        return;
    stream->finished = true;
    if (stream->has_failed) {
        rc_call_fail(stream->call, &stream->failure);
        return;
    }
    const struct rc_outcome success = {.code = RC_CODE_OK, .message = ""};
    rc_call_finish(stream->call, &success);
}

/* Under the lock: asks for the next message if there is room for it. */
static void
read_if_room(struct rc_ingest_stream *stream)
{
    if (stream->ending || stream->reading || stream->in_flight + stream->unsent >= FLIGHTS_MAX ||
        stream->in_flight_bytes >= FLIGHT_BYTES_MAX)
        return;
    stream->reading = true;
    rc_call_read(stream->call);
}

/* Under the lock. Only the first failure counts. */
static void
end_with(struct rc_ingest_stream *stream, const struct rc_failure *failure)
{
    stream->ending = true;
    if (stream->has_failed)
        return;
    stream->has_failed = true;
    stream->failure = *failure;
}

static void
send(struct rc_ingest_stream *stream, struct rc_bytes message)
{
    pthread_mutex_lock(&stream->lock);
    stream->unsent++;
    pthread_mutex_unlock(&stream->lock);
    rc_call_write(stream->call, message);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void
flight_failed(struct rc_failure *failure, enum rc_status status)
{
    rc_error_set(&failure->error, status, "%s", rc_status_sentence(status));
}

static double
ms_between(uint64_t from_ns, uint64_t to_ns)
{
    return (double)(to_ns - from_ns) / 1e6;
}

/* Logs a batch that was slow, and where it waited. */
static void
log_slow(const struct rc_flight *flight, uint64_t now_ns)
{
    const struct rc_ingest_times *times = &flight->result.times;
    RC_LOG(RC_LOG_WARN, "slow batch", {"project", flight->stream->project_text, 0},
           {"stream", flight->stream->stream_text, 0}, {"batch", NULL, (double)flight->batch_id},
           {"bytes", NULL, (double)flight->message_bytes},
           {"dur_ms", NULL, ms_between(flight->read_ns, now_ns)},
           {"thread_ms", NULL, ms_between(flight->read_ns, flight->decoding_ns)},
           {"decode_ms", NULL, ms_between(flight->decoding_ns, times->checked_ns)},
           {"room_ms", NULL, ms_between(times->checked_ns, times->let_in_ns)},
           {"log_ms", NULL, ms_between(times->let_in_ns, times->writing_ns)},
           {"sync_ms", NULL, ms_between(times->writing_ns, times->durable_ns)},
           {"queue_ms", NULL, ms_between(times->durable_ns, times->applying_ns)},
           {"apply_ms", NULL, ms_between(times->applying_ns, times->applied_ns)},
           {"reply_ms", NULL, ms_between(times->applied_ns, now_ns)});
}

static void
log_if_slow(const struct rc_flight *flight)
{
    const uint64_t slow_ms = flight->stream->server->config->slow_batch_ms;
    if (slow_ms == 0)
        return;
    const uint64_t now_ns = rc_clock_monotonic_ns();
    if (now_ns - flight->read_ns >= slow_ms * 1000000)
        log_slow(flight, now_ns);
}

/* The batch's fate is known: acknowledges it. In the order of the stream, since a batch is given to
 * the engine only after the call for the one before it has returned. */
static void
land(struct rc_flight *flight)
{
    struct rc_ingest_stream *stream = flight->stream;
    struct rc_call *call = stream->call;
    struct rc_failure failure = {.error = {.status = RC_OK}};
    if (flight->result.status != RC_OK) {
        flight_failed(&failure, flight->result.status);
    } else {
        const struct rc_bytes ack = rc_flight_ack(flight, &flight->result);
        if (ack.data == NULL)
            flight_failed(&failure, RC_NO_MEMORY);
        else
            send(stream, ack);
    }
    log_if_slow(flight);
    pthread_mutex_lock(&stream->lock);
    if (failure.error.status != RC_OK)
        end_with(stream, &failure);
    stream->in_flight--;
    stream->in_flight_bytes -= flight->message_bytes;
    finish_if_idle(stream);
    read_if_room(stream);
    pthread_mutex_unlock(&stream->lock);
    rc_flight_free(flight);
    rc_call_unref(call); /* Of the flight; the stream may be gone after it. */
}

/* One of the two things that a flight waits for has happened. */
static void
flight_step(struct rc_flight *flight)
{
    if (atomic_fetch_sub(&flight->waits, 1) == 1)
        land(flight);
}

static void
on_done(void *context, const struct rc_ingest_result *result)
{
    struct rc_flight *flight = context;
    flight->result = *result;
    flight_step(flight);
}

static enum rc_status
decode_payload(struct rc_ingest_stream *stream,
               struct rc_flight *flight,
               const struct rc_ingest_message *message,
               struct rc_error *error)
{
    struct rc_decode decode = {.arena = flight->arena, .error = error, .project = stream->project};
    flight->is_ndjson = message->kind == RC_PAYLOAD_NDJSON;
    (void)rc_decode_enter(&decode, flight->is_ndjson ? "ndjson" : "columnar");
    if (!flight->is_ndjson)
        return rc_decode_columnar(&decode, message->payload, &flight->batch);
    RC_TRY(rc_decode_ndjson(&decode, message->payload, &flight->ndjson));
    flight->batch = flight->ndjson.batch;
    return RC_OK;
}

/* Decodes a batch and gives it to the engine, which owns the flight from then on. */
static enum rc_status
take_batch(struct rc_ingest_stream *stream,
           const struct rc_ingest_message *message,
           struct rc_message *buffer,
           struct rc_error *error)
{
    RC_CLEANUP(rc_flight_freep) struct rc_flight *flight = rc_alloc_zero(sizeof(*flight));
    if (flight == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for a batch");
    flight->stream = stream;
    flight->message = *buffer;
    *buffer = (struct rc_message){.buffer = NULL};
    flight->message_bytes = flight->message.bytes.size;
    flight->batch_id = message->batch_id;
    flight->read_ns = rc_call_read_ns(stream->call);
    flight->decoding_ns = rc_clock_monotonic_ns();
    flight->arena = rc_arena_new(NULL, flight->message_bytes * ARENA_FACTOR + ARENA_BYTES_MIN);
    if (flight->arena == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for a batch");
    RC_TRY(decode_payload(stream, flight, message, error));
    pthread_mutex_lock(&stream->lock);
    stream->in_flight++;
    stream->in_flight_bytes += flight->message_bytes;
    pthread_mutex_unlock(&stream->lock);
    rc_call_ref(stream->call);
    atomic_init(&flight->waits, 2);
    const enum rc_status status = rc_engine_ingest(
        stream->server->engine, stream->project, stream->client_stream, message->batch_id,
        &flight->batch, flight->arena, on_done, flight, &flight->rejects, error);
    if (status == RC_OK) {
        flight_step(RC_TAKE(flight));
        return RC_OK;
    }
    pthread_mutex_lock(&stream->lock);
    stream->in_flight--;
    stream->in_flight_bytes -= flight->message_bytes;
    pthread_mutex_unlock(&stream->lock);
    rc_call_unref(stream->call); /* Not the last one: the task has its own. */
    return status;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static enum rc_status
keep_text(struct rc_bytes text, char *copy, size_t capacity, struct rc_bytes *ret)
{
    if (text.size >= capacity)
        return RC_LIMIT_EXCEEDED;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *ret = (struct rc_bytes){copy, text.size};
    return RC_OK;
}

/* The first message names project and client stream. */
static enum rc_status
open_stream(struct rc_ingest_stream *stream,
            const struct rc_ingest_message *message,
            struct rc_failure *failure)
{
    struct rc_error *error = &failure->error;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    if (arena == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for a stream");
    struct rc_decode decode = {.arena = arena, .error = error};
    const char *name = rc_arena_string(arena, message->project.data, message->project.size);
    struct rc_bytes id;
    uint64_t last = 0;
    if (name == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for a stream");
    RC_TRY(rc_decode_project(&decode, "project", name, &id));
    if (keep_text(id, stream->project_text, sizeof(stream->project_text), &stream->project) !=
        RC_OK)
        return rc_error_field(error, RC_INVALID, "project", "a project's id has at most %u bytes",
                              RC_PROJECT_ID_BYTES_MAX);
    if (message->client_stream.size == 0 ||
        keep_text(message->client_stream, stream->stream_text, sizeof(stream->stream_text),
                  &stream->client_stream) != RC_OK)
        return rc_error_field(error, RC_INVALID, "client_stream",
                              "the name of a client stream has 1 to %u bytes", RC_NAME_BYTES_MAX);
    const enum rc_status status = rc_engine_stream_position(stream->server->engine, stream->project,
                                                            stream->client_stream, &last, error);
    if (status == RC_NOT_FOUND) {
        failure->resource.type = "recount.v1.Project";
        (void)snprintf(failure->resource.name, sizeof(failure->resource.name), "projects/%s",
                       stream->project_text);
    }
    RC_TRY(status);
    const struct rc_bytes opened = rc_ingest_opened(arena, last);
    if (opened.data == NULL)
        return rc_error_set(error, RC_NO_MEMORY, "no memory for a stream");
    stream->opened = true;
    rc_call_set_lane(stream->call, stream->project);
    send(stream, opened);
    return RC_OK;
}

/* Later messages may repeat the names, but not change them. */
static enum rc_status
check_names(const struct rc_ingest_stream *stream,
            const struct rc_ingest_message *message,
            struct rc_error *error)
{
    const size_t prefix = strlen("projects/");
    const struct rc_bytes name = message->project;
    if (name.size > 0 && (name.size < prefix ||
                          !rc_bytes_equal((struct rc_bytes){name.data + prefix, name.size - prefix},
                                          stream->project)))
        return rc_error_field(error, RC_INVALID, "project",
                              "the project cannot change within a call");
    if (message->client_stream.size > 0 &&
        !rc_bytes_equal(message->client_stream, stream->client_stream))
        return rc_error_field(error, RC_INVALID, "client_stream",
                              "the client stream cannot change within a call");
    return RC_OK;
}

static enum rc_status
take_message(struct rc_ingest_stream *stream, struct rc_message *buffer, struct rc_failure *failure)
{
    struct rc_ingest_message message;
    struct rc_error *error = &failure->error;
    RC_TRY(rc_decode_ingest(buffer->bytes, &message, error));
    const bool first = !stream->opened;
    if (first)
        RC_TRY(open_stream(stream, &message, failure));
    else
        RC_TRY(check_names(stream, &message, error));
    if (message.kind == RC_PAYLOAD_NONE) {
        if (first && message.batch_id == 0)
            return RC_OK;
        return rc_error_field(error, RC_INVALID, message.batch_id == 0 ? "columnar" : "batch_id",
                              message.batch_id == 0
                                  ? "only the first message may come without a batch"
                                  : "there is a number but no batch");
    }
    if (message.batch_id <= stream->batch_id)
        return rc_error_field(error, RC_INVALID, "batch_id",
                              message.batch_id == 0
                                  ? "a batch is numbered from 1"
                                  : "the number is not above the one before it in this call");
    stream->batch_id = message.batch_id;
    return take_batch(stream, &message, buffer, error);
}

static void
on_message(struct rc_call *call, struct rc_message buffer)
{
    struct rc_ingest_stream *stream = rc_call_state(call);
    struct rc_failure failure = {.error = {.status = RC_OK}};
    pthread_mutex_lock(&stream->lock);
    stream->decoding = true;
    const bool finished = stream->finished;
    pthread_mutex_unlock(&stream->lock);
    enum rc_status status = RC_OK;
    if (!finished)
        status = take_message(stream, &buffer, &failure);
    rc_message_release(&buffer);
    pthread_mutex_lock(&stream->lock);
    stream->reading = false;
    stream->decoding = false;
    if (status != RC_OK) {
        failure.error.status = status;
        end_with(stream, &failure);
    }
    finish_if_idle(stream);
    read_if_room(stream);
    pthread_mutex_unlock(&stream->lock);
}

/* ---- Callbacks of the transport -------------------------------------------------------------- */

static void
on_open(void *context, struct rc_call *call)
{
    struct rc_ingest_stream *stream = rc_alloc_zero(sizeof(*stream));
    if (stream == NULL) {
        struct rc_failure failure = {.error = {.status = RC_OK}};
        flight_failed(&failure, RC_NO_MEMORY);
        rc_call_fail(call, &failure);
        return;
    }
    stream->call = call;
    stream->server = context;
    pthread_mutex_init(&stream->lock, NULL);
    rc_call_set_state(call, stream);
    pthread_mutex_lock(&stream->lock);
    read_if_room(stream);
    pthread_mutex_unlock(&stream->lock);
}

static void
on_half_close(struct rc_call *call)
{
    struct rc_ingest_stream *stream = rc_call_state(call);
    pthread_mutex_lock(&stream->lock);
    stream->reading = false;
    stream->ending = true;
    finish_if_idle(stream);
    pthread_mutex_unlock(&stream->lock);
}

static void
on_written(struct rc_call *call, uint32_t left)
{
    struct rc_ingest_stream *stream = rc_call_state(call);
    (void)left;
    pthread_mutex_lock(&stream->lock);
    stream->unsent--;
    read_if_room(stream);
    pthread_mutex_unlock(&stream->lock);
}

static void
on_drain(struct rc_call *call)
{
    struct rc_ingest_stream *stream = rc_call_state(call);
    struct rc_failure failure = {.error = {.status = RC_OK}};
    if (stream == NULL)
        return;
    rc_error_set(&failure.error, RC_UNAVAILABLE, "the server stops");
    pthread_mutex_lock(&stream->lock);
    end_with(stream, &failure);
    finish_if_idle(stream);
    pthread_mutex_unlock(&stream->lock);
}

static void
on_end(struct rc_call *call)
{
    struct rc_ingest_stream *stream = rc_call_state(call);
    if (stream == NULL)
        return;
    pthread_mutex_destroy(&stream->lock);
    rc_alloc_free(stream);
}

const struct rc_stream_handler rc_ingest_stream = {
    .open = on_open,
    .message = on_message,
    .half_close = on_half_close,
    .written = on_written,
    .drain = on_drain,
    .end = on_end,
};
