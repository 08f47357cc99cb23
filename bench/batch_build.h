/*
 * Batch build: seeded batches of web events as a loader would send them: as columns, in each of the
 * encodings that the contract has, or as lines of JSON of the same events.
 *
 * Users, times and ids are a function of an event's number alone, values of it and the seed.
 *
 * Ownership: a batch is the caller's (rc_writer_close). Functions abort when memory is refused.
 * Threading: pure functions.
 */
#ifndef RC_BENCH_BATCH_BUILD_H
#define RC_BENCH_BATCH_BUILD_H

#include "batch_cases.h"
#include "engine/base/bytes.h"

/* The time of event 0; each is a second behind the one before. */
#define BATCH_BUILD_START_MS ((int64_t)1709251200000)

/* A ColumnarBatch of CASE_BATCH_EVENTS events from first on. The text of value 7 of column 2 is
 * "c2-value-00007"; in CASE_WEB columns 0 to 7 have 100 values and columns 8 to 12 have 5,000. */
struct rc_writer
batch_build_columns(uint64_t seed, enum case_encoding encoding, uint64_t first);

/* Makes the events of a batch of columns those from first on, but for their values, which stay: a
 * batch that was not sent yet at the cost of two arrays. times_at and ids_at are what
 * batch_build_places found in the batch, or in the message that it was copied into. */
struct batch_places {
    size_t times_at;
    size_t ids_at;
};

struct batch_places
batch_build_places(struct rc_bytes message, uint64_t first);

void
batch_build_renumber(unsigned char *message, struct batch_places places, uint64_t first);

/* An NdjsonBatch of count events of CASE_WEB. */
struct rc_writer
batch_build_lines(uint64_t seed, uint64_t first, uint32_t count);

#endif
