/*
 * A stored predicate: read, checked, brought to its canonical form, which is a fixed point, written
 * and read again.
 */
#include "engine/match/predicate/predicate.h"
#include "tests/fuzz/fuzz.h"

static void
write_and_read(const struct rc_predicate *predicate, struct rc_arena *arena, struct rc_writer *out)
{
    const struct rc_predicate *again;
    struct rc_error error;
    rc_predicate_write(out, predicate);
    const struct rc_bytes written = fuzz_written(out);
    struct rc_reader reader = rc_reader_of(written.data, written.size);
    FUZZ_CHECK(rc_predicate_read(&reader, arena, &again, &error) == RC_OK);
    FUZZ_CHECK(rc_reader_left(&reader) == 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer twice = {0};
    rc_predicate_write(&twice, again);
    FUZZ_CHECK(rc_bytes_equal(fuzz_written(&twice), written));
    FUZZ_CHECK(rc_predicate_reads_user(again) == rc_predicate_reads_user(predicate));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_reader reader = rc_reader_of(data, size);
    const struct rc_predicate *predicate;
    struct rc_error error;
    if (rc_predicate_read(&reader, arena, &predicate, &error) != RC_OK)
        return 0;
    RC_CLEANUP(rc_writer_close) struct rc_writer plain = {0};
    write_and_read(predicate, arena, &plain);
    if (rc_predicate_check(predicate, &error) != RC_OK)
        return 0;
    const struct rc_predicate *canonical;
    const struct rc_predicate *twice;
    FUZZ_CHECK(rc_predicate_canonical(predicate, arena, &canonical) == RC_OK);
    FUZZ_CHECK(rc_predicate_canonical(canonical, arena, &twice) == RC_OK);
    RC_CLEANUP(rc_writer_close) struct rc_writer first = {0};
    RC_CLEANUP(rc_writer_close) struct rc_writer second = {0};
    write_and_read(canonical, arena, &first);
    write_and_read(twice, arena, &second);
    FUZZ_CHECK(rc_bytes_equal(fuzz_written(&first), fuzz_written(&second)));
    return 0;
}
