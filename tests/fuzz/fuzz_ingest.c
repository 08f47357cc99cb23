/* A message of the ingestion stream: its envelope, then the batch in it. */
#include "server/ingest/decode_batch.h"
#include "tests/fuzz/ingest.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_error error = {0};
    struct rc_ingest_message message;
    if (rc_decode_ingest((struct rc_bytes){(const char *)data, size}, &message, &error) != RC_OK) {
        FUZZ_CHECK(error.message[0] != '\0');
        return 0;
    }
    struct rc_decode decode = {.arena = arena, .error = &error};
    struct rc_batch batch;
    struct rc_ndjson ndjson;
    if (message.kind == RC_PAYLOAD_COLUMNAR &&
        rc_decode_columnar(&decode, message.payload, &batch) == RC_OK)
        fuzz_ingest_use(&batch, arena);
    if (message.kind == RC_PAYLOAD_NDJSON &&
        rc_decode_ndjson(&decode, message.payload, &ndjson) == RC_OK)
        fuzz_ingest_use(&ndjson.batch, arena);
    return 0;
}
