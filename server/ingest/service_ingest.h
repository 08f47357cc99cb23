/*
 * The parts of IngestService: one batch on its way, and the acknowledgement that it becomes.
 *
 * Ownership: a flight owns its message and its arena from the decoding until its acknowledgement is
 *            queued.
 * Threading: one thread at a time for a flight.
 */
#ifndef RC_SERVER_INGEST_SERVICE_INGEST_H
#define RC_SERVER_INGEST_SERVICE_INGEST_H

#include <stdatomic.h>

#include "engine/base/arena.h"
#include "engine/face/engine.h"
#include "server/ingest/decode_batch.h"
#include "server/transport/transport.h"

struct rc_ingest_stream;

/* A batch in flight. */
struct rc_flight {
    struct rc_ingest_stream *stream;
    struct rc_arena *arena;
    struct rc_message message;
    uint64_t message_bytes;
    uint64_t batch_id;
    bool is_ndjson;
    struct rc_batch batch;
    struct rc_ndjson ndjson;
    struct rc_rejects rejects; /* The engine's. */
    struct rc_ingest_result result;
    uint64_t read_ns;       /* When its message was there, monotonic. */
    uint64_t decoding_ns;   /* When a thread began with it. */
    _Atomic uint32_t waits; /* For the engine to return and for it to be done, in any order. */
};

/* NULL is fine. Returns NULL. */
struct rc_flight *
rc_flight_free(struct rc_flight *flight);

RC_DEFINE_CLEANUP(struct rc_flight *, rc_flight_free)

/* The packed IngestResponse that acknowledges the batch. data is NULL: no memory. */
struct rc_bytes
rc_flight_ack(struct rc_flight *flight, const struct rc_ingest_result *result);

/* The packed IngestResponse that opens a stream. data is NULL: no memory. */
struct rc_bytes
rc_ingest_opened(struct rc_arena *arena, uint64_t last_batch_id);

#endif
