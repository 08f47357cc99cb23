/*
 * Load sender: carries numbered batches to the server and sees each one acknowledged.
 *
 * A thread of its own keeps the stream: several batches are under way at a time, so that neither
 * the network nor the server's sync is waited for. When the server goes away, the thread opens the
 * stream again with growing pauses and sends what was not acknowledged once more; the server knows
 * batches by their numbers, so nothing is applied twice.
 *
 * Ownership: the sender copies batches. It borrows the address, the names and the context of ack.
 * Threading: one thread puts and finishes; ack is called on the sender's own thread, one call at a
 *            time, in the order of the batches.
 * Units:     milliseconds, bytes.
 * Errors:    RC_UNAVAILABLE: the stream failed for good; rc_load_sender_error says why.
 */
#ifndef RC_CLI_LOAD_LOAD_SENDER_H
#define RC_CLI_LOAD_LOAD_SENDER_H

#include "client/call_error.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "recount/v1/ingest.pb-c.h"

/* Batches and bytes that may wait for their acknowledgement. The server takes as many. */
#define RC_LOAD_BATCHES_MAX 16
#define RC_LOAD_BYTES_MAX ((size_t)32 << 20)

/* Opaque. */
struct rc_load_sender;

struct rc_load_sender_options {
    const char *address;
    const char *project; /* "projects/{project}". */
    const char *stream;  /* The client stream's name. */
    int64_t retry_ms;    /* Give up when the server is away for so long. */
    /* A batch is durable. note is what rc_load_sender_put was given with it. */
    void (*ack)(void *context, const Recount__V1__BatchAck *ack, void *note);
    /* The server is away or refuses, and the sender waits; reason is one sentence. */
    void (*away)(void *context, const char *reason);
    void *context;
};

/*
 * Opens the stream.
 *   RC_OK           *ret_last_batch_id is the highest number that the server has of this stream.
 *   RC_UNAVAILABLE  the server cannot be reached or refuses; *reterr_error says why.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_load_sender_open(const struct rc_load_sender_options *options,
                    struct rc_load_sender **ret_sender,
                    uint64_t *ret_last_batch_id,
                    struct rc_call_error *reterr_error);

/* Ends the thread, whatever is still under way. NULL is fine. Returns NULL. */
struct rc_load_sender *
rc_load_sender_free(struct rc_load_sender *sender);

RC_DEFINE_CLEANUP(struct rc_load_sender *, rc_load_sender_free)

/*
 * Hands over a batch: a packed IngestRequest that has its batch_id and no names. Waits while too
 * much is under way.
 *   RC_OK           ack will be called with note, or the sender fails.
 *   RC_UNAVAILABLE  the stream failed for good.
 *   RC_NO_MEMORY
 */
RC_MUST_USE enum rc_status
rc_load_sender_put(struct rc_load_sender *sender,
                   uint64_t batch_id,
                   struct rc_bytes request,
                   void *note);

/* Waits until all is acknowledged, and ends the stream. */
RC_MUST_USE enum rc_status
rc_load_sender_finish(struct rc_load_sender *sender);

/* Why the stream failed. Only after RC_UNAVAILABLE. */
const struct rc_call_error *
rc_load_sender_error(const struct rc_load_sender *sender);

#endif
