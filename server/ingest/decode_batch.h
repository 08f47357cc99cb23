/*
 * Decode, the ingestion part: from a message of the stream to a batch of columns.
 *
 * Columnar batches are decoded by hand: their numbers stay where they are, in the received bytes,
 * and only the arrays of distinct values are built. NDJSON becomes the same columns, line by line.
 *
 * Ownership: a batch borrows from the received bytes and from the arena.
 * Threading: pure functions.
 * Errors:    as in decode.h: a broken structure refuses the batch and names the field
 *            ("columnar.events.times_ms"). What is wrong in single rows is not looked at here, but
 * for lines that are no row at all.
 */
#ifndef RC_SERVER_INGEST_DECODE_BATCH_H
#define RC_SERVER_INGEST_DECODE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/intake/batch.h"
#include "server/decode/decode.h"

enum rc_payload { RC_PAYLOAD_NONE, RC_PAYLOAD_COLUMNAR, RC_PAYLOAD_NDJSON };

/* An IngestRequest. */
struct rc_ingest_message {
    struct rc_bytes project;       /* As sent; empty when not sent. */
    struct rc_bytes client_stream; /* Empty when not sent. */
    uint64_t batch_id;
    enum rc_payload kind;
    struct rc_bytes payload;
};

RC_MUST_USE enum rc_status
rc_decode_ingest(struct rc_bytes bytes,
                 struct rc_ingest_message *ret_message,
                 struct rc_error *reterr_error);

/* decode->path is where the batch is ("columnar"). */
RC_MUST_USE enum rc_status
rc_decode_columnar(struct rc_decode *decode, struct rc_bytes bytes, struct rc_batch *ret_batch);

/* The rows of NDJSON lines, and from which line each row of the batch comes. */
struct rc_ndjson {
    struct rc_batch batch;
    const uint32_t *event_lines;
    const uint32_t *write_lines;
    const uint32_t *alias_lines;
    const uint32_t *account_lines;
    struct rc_rejects rejects; /* Lines that are no row: row is the line, part is 0. */
};

/* decode->path is where the batch is ("ndjson"). */
RC_MUST_USE enum rc_status
rc_decode_ndjson(struct rc_decode *decode, struct rc_bytes bytes, struct rc_ndjson *ret_ndjson);

#endif
