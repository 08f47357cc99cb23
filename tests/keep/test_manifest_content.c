/* The manifest's content there and back, cut at every byte; and as it was before states were kept
 * from one checkpoint to the next, and before changes were remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/keep/manifest_content.h"

static void
test_round_trip_and_cuts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_manifest_project projects[] = {
        {.id = RC_BYTES_LITERAL("alpha"),
         .incarnation = 1,
         .sequence = 10,
         .state_number = 7,
         .state_crc32c = 5},
        {.id = RC_BYTES_LITERAL("shop"),
         .incarnation = UINT64_MAX,
         .sequence = 11,
         .state_number = 3,
         .state_crc32c = UINT32_MAX},
    };
    const struct rc_bytes receipts = RC_BYTES_LITERAL("\0");
    for (uint32_t round = 0; round <= 5; round++) {
        const uint32_t count = round % 3;
        const uint64_t log = round / 3 * 9;
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        const struct rc_manifest_content content = {.number = 7,
                                                    .sequence = 9,
                                                    .project_count = count,
                                                    .projects = projects,
                                                    .receipts = receipts,
                                                    .log = log};
        struct rc_manifest_content got;
        rc_manifest_content_write(&writer, &content);
        assert_false(writer.failed);
        const size_t log_size = writer.size - count * 4;
        const size_t receipts_size = log == 0 && count == 0 ? log_size : log_size - 8;
        const size_t middle_size = receipts_size - 1 - receipts.size;
        const size_t old_size = middle_size - count;
        for (size_t size = 0; size <= writer.size; size++) {
            char *copy = malloc(size + 1);
            memcpy(copy, writer.data, size);
            const enum rc_status status =
                rc_manifest_content_read((struct rc_bytes){copy, size}, arena, &got, NULL);
            const bool whole = size == writer.size || size == receipts_size ||
                               size == middle_size || size == old_size ||
                               (size == log_size && log != 0);
            assert_int_equal(status, whole ? RC_OK : RC_CORRUPT);
            if (status == RC_OK)
                assert_int_equal(got.receipts.size, size >= receipts_size ? receipts.size : 0);
            if (status == RC_OK)
                assert_int_equal(got.log, size >= log_size ? log : 0);
            if (status == RC_OK && count == 2) {
                assert_int_equal(got.number, 7);
                assert_int_equal(got.sequence, 9);
                assert_int_equal(got.project_count, 2);
                assert_true(rc_bytes_equal(got.projects[1].id, projects[1].id));
                assert_true(got.projects[1].incarnation == UINT64_MAX);
                assert_int_equal(got.projects[0].sequence, 10);
                assert_int_equal(got.projects[0].state_number, 7);
                assert_int_equal(got.projects[1].state_number, size == old_size ? 7 : 3);
                assert_int_equal(got.projects[0].state_crc32c, size == writer.size ? 5 : 0);
                assert_int_equal(got.projects[1].state_crc32c,
                                 size == writer.size ? UINT32_MAX : 0);
            }
            free(copy);
        }
        rc_write_u8(&writer, 0);
        assert_int_equal(
            rc_manifest_content_read((struct rc_bytes){(const char *)writer.data, writer.size},
                                     arena, &got, NULL),
            RC_CORRUPT);
    }
}

/* As it was written before changes were remembered. */
static void
test_golden(void **state)
{
    (void)state;
    static const unsigned char golden_manifest[] = {
        7,   0,   0, 0, 0, 0, 0, 0, 9, 0, 0,  0, 0, 0, 0, 0, 2, 5, 97, 108, 112,
        104, 97,  1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 4,  115, 104,
        111, 112, 9, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0,  4,
    };
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_manifest_content got;
    assert_int_equal(rc_manifest_content_read(
                         (struct rc_bytes){(const char *)golden_manifest, sizeof(golden_manifest)},
                         arena, &got, NULL),
                     RC_OK);
    assert_int_equal(got.project_count, 2);
    assert_int_equal(got.projects[1].incarnation, 9);
    assert_int_equal(got.projects[1].state_number, 3);
    assert_int_equal(got.receipts.size, 0);
}

/* What is in the place of receipts must be receipts. */
static void
test_receipts_that_are_none(void **state)
{
    (void)state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    static const struct rc_bytes cases[] = {
        {"\1", 1}, {"\0\0", 2}, {"\1\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 19}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        const struct rc_manifest_content content = {.number = 7, .receipts = cases[i]};
        struct rc_manifest_content got;
        rc_manifest_content_write(&writer, &content);
        assert_int_equal(
            rc_manifest_content_read((struct rc_bytes){(const char *)writer.data, writer.size},
                                     arena, &got, NULL),
            RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_and_cuts),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_receipts_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
