/*
 * A logged batch: read, checked, written and read again; and what passes is applied to a project,
 * as replay would.
 */
#include "engine/intake/apply.h"
#include "engine/intake/batch.h"
#include "tests/fuzz/fuzz.h"

static void
apply(const struct rc_batch *batch, struct rc_arena *arena)
{
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("p"),
                                                 .zone = RC_BYTES_LITERAL("UTC")};
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    FUZZ_CHECK(rc_project_new(&settings, &rc_account_process, 64, &project) == RC_OK);
    struct rc_applied applied;
    FUZZ_CHECK(rc_apply_batch(project, RC_BYTES_LITERAL("s"), 1, batch, 1, arena, &applied, NULL) ==
               RC_OK);
    /* Once more: events with an id take the place of the first ones. */
    FUZZ_CHECK(rc_apply_batch(project, RC_BYTES_LITERAL("s"), 2, batch, 2, arena, &applied, NULL) ==
               RC_OK);
    FUZZ_CHECK(rc_project_data_version(project) == 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    struct rc_reader reader = rc_reader_of(data, size);
    struct rc_batch batch;
    struct rc_error error;
    if (rc_batch_read(&reader, arena, &batch, &error) != RC_OK)
        return 0;
    struct rc_batch_keep keep;
    struct rc_rejects rejects;
    FUZZ_CHECK(rc_batch_check(&batch, arena, &keep, &rejects) == RC_OK);
    const uint64_t rows = (uint64_t)batch.events.row_count + batch.writes.row_count +
                          batch.alias_count + batch.accounts.row_count;
    FUZZ_CHECK(keep.accepted + rejects.count == rows);
    FUZZ_CHECK(rejects.listed <= RC_REJECTS_LISTED_MAX && rejects.listed <= rejects.count);

    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_batch_write(&writer, &batch, &keep, arena);
    const struct rc_bytes written = fuzz_written(&writer);
    struct rc_reader again_reader = rc_reader_of(written.data, written.size);
    struct rc_batch again;
    FUZZ_CHECK(rc_batch_read(&again_reader, arena, &again, &error) == RC_OK);
    /* What was kept is kept: writing is a fixed point. */
    FUZZ_CHECK(rc_batch_check(&again, arena, &keep, &rejects) == RC_OK);
    FUZZ_CHECK(rejects.count == 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer twice = {0};
    rc_batch_write(&twice, &again, &keep, arena);
    FUZZ_CHECK(rc_bytes_equal(fuzz_written(&twice), written));
    apply(&again, arena);
    return 0;
}
