/*
 * A project's state file, with its checksum put right by the harness; the first byte is its
 * version. What is read is queried for its parts, written again, and must be read again.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/keep/state.h"
#include "tests/fuzz/fuzz.h"

#define MAGIC_BYTES 7

static void
write_again(struct rc_project *project,
            const struct rc_state_slab *slabs,
            uint32_t slab_count,
            struct rc_arena *arena)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_state state = {
        .project = project, .next_slab_id = 7, .slab_count = slab_count, .slabs = slabs};
    rc_state_pin_catalogs(&state);
    FUZZ_CHECK(rc_project_get_settings(project, arena, &state.settings) == RC_OK);
    FUZZ_CHECK(rc_project_view(project, NULL, &state.view) == RC_OK);
    FUZZ_CHECK(rc_streams_copy(rc_project_streams(project), arena, &state.streams) == RC_OK);
    rc_state_write(&writer, &state);
    rc_view_release(state.view);
    rc_state_unpin_catalogs(&state);

    RC_CLEANUP(rc_project_unrefp) struct rc_project *again = NULL;
    struct rc_state_slab *slabs_again;
    uint32_t slab_count_again;
    struct rc_error error;
    FUZZ_CHECK(rc_state_read(fuzz_written(&writer), &rc_account_process, 64, arena, &again,
                             &slabs_again, &slab_count_again, &error) == RC_OK);
    FUZZ_CHECK(slab_count_again == slab_count);
    FUZZ_CHECK(rc_project_data_version(again) == rc_project_data_version(project));
    FUZZ_CHECK(rc_bytes_equal(rc_project_id(again), rc_project_id(project)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = malloc(size + MAGIC_BYTES + 4);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, "RCSTATE", MAGIC_BYTES);
    memcpy(bytes + MAGIC_BYTES, data, size);
    const uint32_t crc = rc_crc32c(bytes, size + MAGIC_BYTES);
    memcpy(bytes + size + MAGIC_BYTES, &crc, sizeof(crc));

    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    FUZZ_CHECK(arena != NULL);
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    struct rc_state_slab *slabs;
    uint32_t slab_count;
    struct rc_error error;
    if (rc_state_read((struct rc_bytes){(const char *)bytes, size + MAGIC_BYTES + 4},
                      &rc_account_process, 64, arena, &project, &slabs, &slab_count,
                      &error) == RC_OK)
        write_again(project, slabs, slab_count, arena);
    free(bytes);
    return 0;
}
