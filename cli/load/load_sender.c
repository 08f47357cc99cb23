/*
 * Load sender: a ring of batches between two threads.
 *
 *     first_acked .. sent .. last: [waits for its acknowledgement][waits to be sent]
 *
 * The lock guards the ring and the state. Both threads pump: whoever makes it possible to send (the
 * putting thread with a new batch, the network thread when the last one is on its way) begins the
 * next send, so that none has to wake the other. A new stream begins with a message that only
 * names it; batches follow once the server has answered, and those that it has already are
 * acknowledged as duplicates.
 */
#include "cli/load/load_sender.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "client/client.h"
#include "engine/base/clock.h"

#define METHOD "/recount.v1.IngestService/Ingest"
#define PAUSE_MS_MIN 100
#define PAUSE_MS_MAX 3000

struct batch {
    uint64_t id;
    struct rc_bytes bytes; /* Owned: an rc_alloc block. */
    void *note;
};

struct rc_load_sender {
    struct rc_load_sender_options options;
    struct rc_client *client;
    struct rc_client_stream *stream; /* NULL while there is none. Changed under the lock. */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* Guards all below. */
    pthread_cond_t changed;
    struct batch ring[RC_LOAD_BATCHES_MAX];
    size_t first;
    size_t count;
    size_t sent; /* Of the count: handed to the present stream. */
    size_t bytes;
    bool opened;  /* The present stream has been answered. */
    bool sending; /* A message is on its way into the stream. */
    bool known;   /* last_batch_id holds. */
    bool finishing;
    bool finished; /* The server has ended the stream after all was acknowledged. */
    bool stopping; /* The owner gives up. */
    bool failed;
    uint64_t last_batch_id;
    struct rc_call_error error;
};

static struct batch *
batch_at(struct rc_load_sender *sender, size_t place)
{
    return &sender->ring[(sender->first + place) % RC_LOAD_BATCHES_MAX];
}

/* Begins to send the next batch, or ends the sending side. With the lock held. */
static void
pump(struct rc_load_sender *sender)
{
    if (sender->stream == NULL || !sender->opened || sender->sending)
        return;
    if (sender->sent < sender->count) {
        const struct batch *batch = batch_at(sender, sender->sent);
        if (rc_client_stream_send(sender->stream, batch->bytes) == RC_OK) {
            sender->sending = true;
            sender->sent++;
        }
    } else if (sender->finishing && sender->count == 0) {
        /* A second finish is refused by the stream and does no harm. */
        (void)!rc_client_stream_finish(sender->stream);
    }
}

static void
take_ack(struct rc_load_sender *sender, const Recount__V1__BatchAck *ack)
{
    pthread_mutex_lock(&sender->lock);
    struct batch batch = {0};
    if (sender->count > 0 && batch_at(sender, 0)->id == ack->batch_id) {
        batch = *batch_at(sender, 0);
        sender->first = (sender->first + 1) % RC_LOAD_BATCHES_MAX;
        sender->count--;
        sender->sent--;
        sender->bytes -= batch.bytes.size;
    }
    pthread_mutex_unlock(&sender->lock);
    if (batch.id != 0)
        sender->options.ack(sender->options.context, ack, batch.note);
    rc_alloc_free((void *)batch.bytes.data);
    /* Only now may a waiting finish() believe that all is done: ack has returned. */
    pthread_mutex_lock(&sender->lock);
    pump(sender);
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
}

static void
take_message(struct rc_load_sender *sender, struct rc_writer *message)
{
    Recount__V1__IngestResponse *response =
        recount__v1__ingest_response__unpack(NULL, message->size, message->data);
    if (response == NULL) {
        rc_client_stream_cancel(sender->stream);
        return;
    }
    if (response->kind_case == RECOUNT__V1__INGEST_RESPONSE__KIND_OPENED) {
        pthread_mutex_lock(&sender->lock);
        sender->opened = true;
        if (!sender->known)
            sender->last_batch_id = response->opened->last_batch_id;
        sender->known = true;
        pump(sender);
        pthread_cond_broadcast(&sender->changed);
        pthread_mutex_unlock(&sender->lock);
    } else if (response->kind_case == RECOUNT__V1__INGEST_RESPONSE__KIND_ACK) {
        take_ack(sender, response->ack);
    }
    recount__v1__ingest_response__free_unpacked(response, NULL);
}

/* Opens a stream and sends its names. */
static bool
stream_begin(struct rc_load_sender *sender)
{
    Recount__V1__IngestRequest request = RECOUNT__V1__INGEST_REQUEST__INIT;
    request.project = (char *)sender->options.project;
    request.client_stream = (char *)sender->options.stream;
    uint8_t bytes[1024];
    const size_t size = recount__v1__ingest_request__get_packed_size(&request);
    if (size > sizeof(bytes))
        return false;
    recount__v1__ingest_request__pack(&request, bytes);
    struct rc_client_stream *stream = rc_client_stream_open(sender->client, METHOD);
    if (stream == NULL)
        return false;
    pthread_mutex_lock(&sender->lock);
    sender->stream = stream;
    sender->sent = 0;
    sender->opened = false;
    sender->sending =
        rc_client_stream_send(stream, (struct rc_bytes){(const char *)bytes, size}) == RC_OK;
    pthread_mutex_unlock(&sender->lock);
    return true;
}

/* Runs one stream to its end. Returns whether it was ever answered; *ret_error says how
 * it ended. */
static bool
stream_run(struct rc_load_sender *sender, struct rc_call_error *ret_error)
{
    bool stopped = false;
    rc_call_error_set(ret_error, RC_CALL_OK, "the server ended the stream");
    if (!stream_begin(sender)) {
        rc_call_error_set(ret_error, RC_CALL_INTERNAL, "the stream cannot be opened");
        return false;
    }
    for (;;) {
        struct rc_stream_event event;
        rc_client_stream_next(sender->stream, 200, &event);
        if (event.kind == RC_STREAM_MESSAGE)
            take_message(sender, &event.message);
        rc_writer_close(&event.message);
        if (event.kind == RC_STREAM_ENDED)
            break;
        pthread_mutex_lock(&sender->lock);
        if (event.kind == RC_STREAM_SENT)
            sender->sending = false;
        pump(sender);
        if (sender->stopping && !stopped) {
            rc_client_stream_cancel(sender->stream);
            stopped = true;
        }
        pthread_mutex_unlock(&sender->lock);
    }
    (void)!rc_client_stream_status(sender->stream, ret_error);
    pthread_mutex_lock(&sender->lock);
    struct rc_client_stream *stream = RC_TAKE(sender->stream);
    const bool answered = sender->opened;
    sender->opened = false;
    sender->sending = false;
    pthread_mutex_unlock(&sender->lock);
    rc_client_stream_free(stream);
    return answered;
}

/* Waits before the next try, less if the owner stops. */
static void
pause_ms(struct rc_load_sender *sender, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&sender->lock);
    while (!sender->stopping &&
           pthread_cond_timedwait(&sender->changed, &sender->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&sender->lock);
}

static bool
may_retry(const struct rc_call_error *error)
{
    /* A stream that ends without an error before all is done, or with one that time can mend. */
    return error->code == RC_CALL_OK || error->code == RC_CALL_UNAVAILABLE ||
           error->code == RC_CALL_RESOURCE_EXHAUSTED || error->code == RC_CALL_CANCELLED;
}

static void *
run(void *argument)
{
    struct rc_load_sender *sender = argument;
    uint64_t last_answer_ns = rc_clock_monotonic_ns();
    int64_t pause = PAUSE_MS_MIN;
    for (;;) {
        struct rc_call_error error;
        const bool answered = stream_run(sender, &error);
        if (answered) {
            last_answer_ns = rc_clock_monotonic_ns();
            pause = PAUSE_MS_MIN;
        }
        const int64_t away_ms = (int64_t)((rc_clock_monotonic_ns() - last_answer_ns) / 1000000);
        pthread_mutex_lock(&sender->lock);
        sender->finished = sender->finishing && sender->count == 0 && error.code == RC_CALL_OK;
        const bool again = !sender->finished && !sender->stopping && may_retry(&error) &&
                           away_ms < sender->options.retry_ms;
        if (!again) {
            sender->failed = !sender->finished;
            sender->error = error;
            pthread_cond_broadcast(&sender->changed);
        }
        pthread_mutex_unlock(&sender->lock);
        if (!again)
            return NULL;
        sender->options.away(sender->options.context, error.message);
        pause_ms(sender, error.retry_delay_ms > pause ? error.retry_delay_ms : pause);
        pause = pause * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause * 2;
    }
}

enum rc_status
rc_load_sender_open(const struct rc_load_sender_options *options,
                    struct rc_load_sender **ret_sender,
                    uint64_t *ret_last_batch_id,
                    struct rc_call_error *reterr_error)
{
    RC_CLEANUP(rc_load_sender_freep) struct rc_load_sender *sender = rc_alloc_zero(sizeof(*sender));
    if (sender == NULL)
        return RC_NO_MEMORY;
    sender->options = *options;
    pthread_mutex_init(&sender->lock, NULL);
    pthread_cond_init(&sender->changed, NULL);
    sender->client = rc_client_new(options->address);
    if (sender->client == NULL || pthread_create(&sender->thread, NULL, run, sender) != 0)
        return RC_NO_MEMORY;
    sender->has_thread = true;
    pthread_mutex_lock(&sender->lock);
    while (!sender->known && !sender->failed)
        pthread_cond_wait(&sender->changed, &sender->lock);
    const bool known = sender->known;
    const uint64_t last_batch_id = sender->last_batch_id;
    *reterr_error = sender->error;
    pthread_mutex_unlock(&sender->lock);
    if (!known)
        return RC_UNAVAILABLE;
    *ret_last_batch_id = last_batch_id;
    *ret_sender = RC_TAKE(sender);
    return RC_OK;
}

struct rc_load_sender *
rc_load_sender_free(struct rc_load_sender *sender)
{
    if (sender == NULL)
        return NULL;
    pthread_mutex_lock(&sender->lock);
    sender->stopping = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    if (sender->has_thread)
        pthread_join(sender->thread, NULL);
    for (size_t i = 0; i < sender->count; i++)
        rc_alloc_free((void *)batch_at(sender, i)->bytes.data);
    rc_client_free(sender->client);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->lock);
    rc_alloc_free(sender);
    return NULL;
}

enum rc_status
rc_load_sender_put(struct rc_load_sender *sender,
                   uint64_t batch_id,
                   struct rc_bytes request,
                   void *note)
{
    char *copy = rc_alloc(request.size);
    if (copy == NULL)
        return RC_NO_MEMORY;
    memcpy(copy, request.data, request.size);
    pthread_mutex_lock(&sender->lock);
    /* A batch that is larger than the limit alone still goes, alone. */
    while (!sender->failed &&
           (sender->count == RC_LOAD_BATCHES_MAX ||
            (sender->count > 0 && sender->bytes + request.size > RC_LOAD_BYTES_MAX)))
        pthread_cond_wait(&sender->changed, &sender->lock);
    const bool failed = sender->failed;
    if (!failed) {
        *batch_at(sender, sender->count++) = (struct batch){batch_id, {copy, request.size}, note};
        sender->bytes += request.size;
        pump(sender);
    }
    pthread_mutex_unlock(&sender->lock);
    if (failed)
        rc_alloc_free(copy);
    return failed ? RC_UNAVAILABLE : RC_OK;
}

enum rc_status
rc_load_sender_finish(struct rc_load_sender *sender)
{
    pthread_mutex_lock(&sender->lock);
    sender->finishing = true;
    pump(sender);
    while (!sender->finished && !sender->failed)
        pthread_cond_wait(&sender->changed, &sender->lock);
    const bool finished = sender->finished;
    pthread_mutex_unlock(&sender->lock);
    return finished ? RC_OK : RC_UNAVAILABLE;
}

const struct rc_call_error *
rc_load_sender_error(const struct rc_load_sender *sender)
{
    return &sender->error;
}
