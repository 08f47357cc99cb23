/* A stored segment: what is read passes its check, and comes back the same. */
#include "engine/query/segment/segment.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_reader reader = rc_reader_of(data, size);
    const struct rc_segment *segment;
    const struct rc_segment *again;
    struct rc_error error;
    if (rc_segment_read(&reader, arena, &segment, &error) != RC_OK)
        return 0;
    FUZZ_CHECK(rc_segment_check(segment, &error) == RC_OK);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    const struct rc_bytes written = fuzz_written(&writer);
    reader = rc_reader_of(written.data, written.size);
    FUZZ_CHECK(rc_segment_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_reader_left(&reader) == 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer twice = {0};
    rc_segment_write(&twice, again);
    FUZZ_CHECK(rc_bytes_equal(fuzz_written(&twice), written));
    return 0;
}
