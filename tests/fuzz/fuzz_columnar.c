/* A columnar batch: what the decoder lets in must be sound enough for all that follows. */
#include "server/ingest/decode_batch.h"
#include "tests/fuzz/ingest.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_error error = {0};
    struct rc_decode decode = {.arena = arena, .error = &error};
    (void)rc_decode_enter(&decode, "columnar");
    struct rc_batch batch;
    const enum rc_status status =
        rc_decode_columnar(&decode, (struct rc_bytes){(const char *)data, size}, &batch);
    FUZZ_CHECK(status == RC_OK || (status == error.status && error.message[0] != '\0'));
    if (status == RC_OK)
        fuzz_ingest_use(&batch, arena);
    return 0;
}
