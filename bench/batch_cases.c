/* A batch keeps its wire form and what each step makes of it, so that every step can be timed by
 * itself. */
#include "batch_build.h"

#include <stdlib.h>

#include "server/ingest/decode_batch.h"

struct case_batch {
    enum case_encoding encoding;
    struct rc_writer wire;
    struct rc_writer log;
    struct rc_arena *decoded; /* What batch borrows from, beside wire. */
    struct rc_arena *scratch;
    struct rc_batch batch;
    struct rc_batch_keep keep;
};

static void
must(enum rc_status status)
{
    if (status != RC_OK)
        abort();
}

struct case_batch *
case_batch_make(uint64_t seed, enum case_encoding encoding)
{
    struct case_batch *made = calloc(1, sizeof(*made));
    if (made == NULL)
        abort();
    made->encoding = encoding;
    made->wire = encoding == CASE_NDJSON ? batch_build_lines(seed, 0, CASE_BATCH_EVENTS)
                                         : batch_build_columns(seed, encoding, 0);
    made->decoded = rc_arena_new(NULL, 0);
    made->scratch = rc_arena_new(NULL, 0);
    if (made->decoded == NULL || made->scratch == NULL ||
        case_batch_decode(made) != CASE_BATCH_EVENTS || case_batch_check(made) != CASE_BATCH_EVENTS)
        abort();
    case_batch_write(made);
    return made;
}

struct case_batch *
case_batch_free(struct case_batch *made)
{
    if (made != NULL) {
        rc_writer_close(&made->wire);
        rc_writer_close(&made->log);
        rc_arena_free(made->decoded);
        rc_arena_free(made->scratch);
    }
    free(made);
    return NULL;
}

uint64_t
case_batch_wire_bytes(const struct case_batch *made)
{
    return made->wire.size;
}

uint64_t
case_batch_log_bytes(const struct case_batch *made)
{
    return made->log.size;
}

uint32_t
case_batch_decode(struct case_batch *made)
{
    const struct rc_bytes bytes = {(const char *)made->wire.data, made->wire.size};
    struct rc_decode decode = {.arena = made->decoded};
    rc_arena_reset(made->decoded);
    if (made->encoding != CASE_NDJSON) {
        must(rc_decode_columnar(&decode, bytes, &made->batch));
        return made->batch.events.row_count;
    }
    struct rc_ndjson lines;
    must(rc_decode_ndjson(&decode, bytes, &lines));
    made->batch = lines.batch;
    return made->batch.events.row_count;
}

uint64_t
case_batch_check(struct case_batch *made)
{
    struct rc_rejects rejects;
    rc_arena_reset(made->scratch);
    must(rc_batch_check(&made->batch, made->scratch, &made->keep, &rejects));
    return made->keep.accepted;
}

/* Nothing was rejected, so the keep of the check borrows nothing from the arena that both use. */
uint64_t
case_batch_write(struct case_batch *made)
{
    if (made->keep.events != NULL)
        abort();
    rc_arena_reset(made->scratch);
    made->log.size = 0;
    rc_batch_write(&made->log, &made->batch, &made->keep, made->scratch);
    if (made->log.failed)
        abort();
    return made->log.size;
}

uint32_t
case_batch_read(struct case_batch *made)
{
    struct rc_reader reader = rc_reader_of(made->log.data, made->log.size);
    struct rc_batch batch;
    rc_arena_reset(made->scratch);
    must(rc_batch_read(&reader, made->scratch, &batch, NULL));
    return batch.events.row_count;
}
