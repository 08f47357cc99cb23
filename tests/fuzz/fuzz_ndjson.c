/* Lines of JSON as a batch: every line is a row or a reject that names it. */
#include "server/ingest/decode_batch.h"
#include "tests/fuzz/ingest.h"

static void
check_lines(const uint32_t *lines, uint32_t count, size_t line_count)
{
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_CHECK(lines[i] < line_count);
        FUZZ_CHECK(i == 0 || lines[i - 1] <= lines[i]);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_error error = {0};
    struct rc_decode decode = {.arena = arena, .error = &error};
    (void)rc_decode_enter(&decode, "ndjson");
    struct rc_ndjson ndjson;
    const enum rc_status status =
        rc_decode_ndjson(&decode, (struct rc_bytes){(const char *)data, size}, &ndjson);
    FUZZ_CHECK(status == RC_OK || (status == error.status && error.message[0] != '\0'));
    if (status != RC_OK)
        return 0;
    size_t line_count = 1;
    for (size_t i = 0; i < size; i++)
        line_count += data[i] == '\n';
    check_lines(ndjson.event_lines, ndjson.batch.events.row_count, line_count);
    check_lines(ndjson.write_lines, ndjson.batch.writes.row_count, line_count);
    check_lines(ndjson.alias_lines, ndjson.batch.alias_count, line_count);
    FUZZ_CHECK(ndjson.rejects.count <= line_count);
    fuzz_ingest_use(&ndjson.batch, arena);
    return 0;
}
