/*
 * Column: one property of a columnar batch.
 *
 * Ownership: codes and rows stay in the received bytes; the array of values comes from the arena.
 * Threading: pure functions.
 * Errors:    RC_INVALID names the part of the structure that is broken.
 */
#ifndef RC_SERVER_INGEST_DECODE_COLUMN_H
#define RC_SERVER_INGEST_DECODE_COLUMN_H

#include "engine/intake/batch.h"
#include "server/decode/decode.h"

/* Reads a PropertyColumn of a table of row_count rows. */
RC_MUST_USE enum rc_status
rc_column_read(struct rc_decode *decode,
               struct rc_bytes bytes,
               uint32_t row_count,
               struct rc_batch_column *column);

#endif
