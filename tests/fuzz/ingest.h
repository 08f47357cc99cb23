/* What the ingestion targets do with a decoded batch. */
#ifndef RC_TESTS_FUZZ_INGEST_H
#define RC_TESTS_FUZZ_INGEST_H

#include "engine/intake/batch.h"
#include "tests/fuzz/fuzz.h"

/* Checks it, writes it to the log's form, and reads that. A batch from the door must manage all of
 * it. */
static inline void
fuzz_ingest_use(const struct rc_batch *batch, struct rc_arena *arena)
{
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    struct rc_error error;
    FUZZ_CHECK(rc_batch_check(batch, arena, &keep, &rejects) == RC_OK);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_batch_write(&writer, batch, &keep, arena);
    const struct rc_bytes written = fuzz_written(&writer);
    struct rc_reader reader = rc_reader_of(written.data, written.size);
    struct rc_batch again;
    FUZZ_CHECK(rc_batch_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK((uint64_t)again.events.row_count + again.writes.row_count + again.alias_count ==
               keep.accepted);
}

#endif
