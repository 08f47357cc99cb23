/* The stored form of bitmaps: golden bytes, every form there and back, and bytes from nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/match/rows/rowset_codec.h"

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static struct rc_rowset *
build(const uint8_t *rows, uint32_t row_count)
{
    struct rc_rowset_builder *builder = NULL;
    struct rc_rowset *set = NULL;
    static uint64_t words[RC_BLOCK_WORDS];
    assert_int_equal(rc_rowset_builder_new(row_count, NULL, &builder), RC_OK);
    for (uint32_t begin = 0; begin < row_count; begin += RC_BLOCK_ROWS) {
        memset(words, 0, sizeof(words));
        for (uint32_t i = 0; i < RC_BLOCK_ROWS && begin + i < row_count; i++)
            words[i / 64] |= (uint64_t)rows[begin + i] << (i % 64);
        assert_int_equal(rc_rowset_builder_append(builder, words), RC_OK);
    }
    assert_int_equal(rc_rowset_builder_finish(builder, &set), RC_OK);
    rc_rowset_builder_free(builder);
    return set;
}

static void
golden(void **state)
{
    (void)state;
    /* 70,000 rows: 3, 5 and 300 of the first block; 10 to 19 and 21 to 40 of the second. */
    static const unsigned char expected[] = {
        2, 2, 0, 3,  0, 5,  0, 44, 1,        /* A list. */
        4, 1, 0, 10, 0, 19, 0, 21, 0, 40, 0, /* Runs. */
    };
    uint8_t *rows = calloc(1, 70000);
    rows[3] = rows[5] = rows[300] = 1;
    memset(rows + 65536 + 10, 1, 10);
    memset(rows + 65536 + 21, 1, 20);
    struct rc_rowset *set = build(rows, 70000);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_rowset_write(&writer, set);
    assert_int_equal(writer.size, sizeof(expected));
    assert_memory_equal(writer.data, expected, sizeof(expected));
    rc_rowset_unref(set);
    free(rows);
}

static void
expect_same(const struct rc_rowset *a, const struct rc_rowset *b)
{
    assert_int_equal(rc_rowset_check(b, NULL), RC_OK);
    assert_int_equal(rc_rowset_cardinality(a), rc_rowset_cardinality(b));
    assert_int_equal(rc_rowset_memory_bytes(a), rc_rowset_memory_bytes(b));
    for (uint32_t row = 0; row < rc_rowset_row_count(a); row++)
        assert_int_equal(rc_rowset_contains(a, row), rc_rowset_contains(b, row));
}

/* There and back; then with a byte changed or the end missing it is refused or is another set. */
static void
random_sets(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 64, 65535, 65536, 65537, 140000};
    uint64_t random = 99;
    for (int round = 0; round < 120; round++) {
        const uint32_t row_count = counts[next(&random) % 6];
        const uint64_t odds = (uint64_t)1 << (next(&random) % 12);
        const uint32_t run = (uint32_t)(next(&random) % 3 == 0 ? 1 + next(&random) % 300 : 1);
        uint8_t *rows = calloc(1, row_count);
        for (uint32_t row = 0; row < row_count; row++)
            if (next(&random) % (odds * run) == 0)
                memset(rows + row, 1, row_count - row < run ? row_count - row : run);
        struct rc_rowset *set = build(rows, row_count);
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        rc_rowset_write(&writer, set);
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        struct rc_rowset *again = NULL;
        assert_int_equal(rc_rowset_read_stored(&reader, row_count, NULL, &again), RC_OK);
        assert_int_equal(rc_reader_left(&reader), 0);
        expect_same(set, again);
        rc_rowset_unref(again);
        for (int i = 0; i < 40; i++) {
            unsigned char *at = &writer.data[next(&random) % writer.size];
            const unsigned char before = *at;
            *at = (unsigned char)next(&random);
            const size_t size = i % 4 == 0 ? next(&random) % writer.size : writer.size;
            reader = rc_reader_of(writer.data, size);
            again = NULL;
            const enum rc_status status = rc_rowset_read_stored(&reader, row_count, NULL, &again);
            assert_true(status == RC_OK || status == RC_CORRUPT);
            if (status == RC_OK)
                assert_int_equal(rc_rowset_check(again, NULL), RC_OK);
            rc_rowset_unref(again);
            *at = before;
        }
        rc_rowset_unref(set);
        free(rows);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden), cmocka_unit_test(random_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
