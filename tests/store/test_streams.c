/* Positions of client streams: set, unknown, stored and read back, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/project/streams.h"

static struct rc_bytes
name_of(uint32_t number, char buffer[16])
{
    return (struct rc_bytes){buffer, (size_t)snprintf(buffer, 16, "stream-%u", number)};
}

static void
test_set_and_store(void **state)
{
    (void)state;
    struct rc_streams streams;
    struct rc_streams read;
    char buffer[16];
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    assert_int_equal(rc_streams_open(&streams, NULL), RC_OK);
    assert_int_equal(rc_streams_highest(&streams, name_of(0, buffer)), 0);
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(rc_streams_set(&streams, name_of(i, buffer), i * 10 + 1), RC_OK);
    assert_int_equal(rc_streams_set(&streams, name_of(7, buffer), UINT64_MAX), RC_OK);
    assert_int_equal(rc_streams_set(&streams, name_of(8, buffer), 3), RC_OK);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_streams_copy copy;
    assert_int_equal(rc_streams_copy(&streams, arena, &copy), RC_OK);
    /* What comes later is not in it. */
    assert_int_equal(rc_streams_set(&streams, name_of(3, buffer), 99), RC_OK);
    assert_int_equal(rc_streams_set(&streams, name_of(40, buffer), 99), RC_OK);
    rc_streams_write(&copy, &writer);
    for (size_t size = 0; size <= writer.size; size++) {
        struct rc_reader reader = rc_reader_of(writer.data, size);
        assert_int_equal(rc_streams_open(&read, NULL), RC_OK);
        const enum rc_status status = rc_streams_read(&read, &reader, NULL);
        assert_int_equal(status, size == writer.size ? RC_OK : RC_CORRUPT);
        if (status == RC_OK) {
            for (uint32_t i = 0; i < 40; i++)
                assert_true(rc_streams_highest(&read, name_of(i, buffer)) == (i == 7 ? UINT64_MAX
                                                                              : i == 8
                                                                                  ? 3
                                                                                  : i * 10 + 1));
            assert_int_equal(rc_streams_highest(&read, name_of(40, buffer)), 0);
        }
        rc_streams_close(&read);
    }
    rc_streams_close(&streams);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
