/* Receipts: found again, refused for another change, forgotten in order, storing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/store/project/receipts.h"

static void
put(struct rc_receipts **receipts, uint64_t number, size_t reply_bytes)
{
    char id[32];
    char *reply = calloc(1, reply_bytes + 1);
    const int size = snprintf(id, sizeof(id), "request-%llu", (unsigned long long)number);
    const struct rc_receipt receipt = {
        .request_id = {id, (size_t)size},
        .content = number * 3,
        .sequence = number,
        .reply = {reply, reply_bytes},
    };
    struct rc_receipts *next = NULL;
    assert_non_null(reply);
    assert_int_equal(rc_receipts_put(*receipts, &receipt, &next), RC_OK);
    assert_int_equal(rc_receipts_check(next, NULL), RC_OK);
    assert_int_equal(rc_receipts_last(next), number);
    rc_receipts_unref(*receipts);
    *receipts = next;
    free(reply);
}

static const struct rc_receipt *
find(const struct rc_receipts *receipts, uint64_t number)
{
    char id[32];
    const int size = snprintf(id, sizeof(id), "request-%llu", (unsigned long long)number);
    const struct rc_asked asked = {.request_id = {id, (size_t)size}, .content = number * 3};
    const struct rc_receipt *receipt = NULL;
    assert_int_equal(rc_receipts_find(receipts, &asked, &receipt, NULL), RC_OK);
    return receipt;
}

static void
test_finding(void **state)
{
    (void)state;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = NULL;
    const struct rc_receipt *receipt = NULL;
    struct rc_error error = {0};
    assert_int_equal(rc_receipts_new(NULL, &receipts), RC_OK);
    assert_int_equal(rc_receipts_last(receipts), 0);
    put(&receipts, 4, 7);
    put(&receipts, 9, 0);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *before = rc_receipts_ref(receipts);
    put(&receipts, 10, 1);
    assert_int_equal(find(receipts, 4)->reply.size, 7);
    assert_int_equal(find(receipts, 4)->sequence, 4);
    assert_int_equal(find(receipts, 9)->reply.size, 0);
    assert_null(find(receipts, 5));
    assert_null(find(before, 10));
    struct rc_receipts *more = NULL; /* Of the same record. */
    const struct rc_receipt beside = {
        .request_id = RC_BYTES_LITERAL("beside"), .content = 12, .sequence = 10};
    assert_int_equal(rc_receipts_put(receipts, &beside, &more), RC_OK);
    assert_int_equal(rc_receipts_check(more, NULL), RC_OK);
    assert_int_equal(find(more, 10)->sequence, 10);
    assert_int_equal(rc_receipts_last(more), 10);
    rc_receipts_unref(more);
    const struct rc_asked other = {.request_id = RC_BYTES_LITERAL("request-4"), .content = 13};
    assert_int_equal(rc_receipts_find(receipts, &other, &receipt, &error), RC_INVALID);
    assert_string_equal(error.field, "request_id");
    const struct rc_asked nothing = {.content = 12};
    assert_int_equal(rc_receipts_find(receipts, &nothing, &receipt, &error), RC_OK);
    assert_null(receipt);
}

static void
test_an_id_that_comes_again_is_one(void **state)
{
    (void)state;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = NULL;
    assert_int_equal(rc_receipts_new(NULL, &receipts), RC_OK);
    put(&receipts, 1, 2);
    put(&receipts, 2, 2);
    const struct rc_receipt again = {
        .request_id = RC_BYTES_LITERAL("request-1"), .content = 3, .sequence = 7};
    struct rc_receipts *next = NULL;
    assert_int_equal(rc_receipts_put(receipts, &again, &next), RC_OK);
    assert_int_equal(rc_receipts_check(next, NULL), RC_OK);
    assert_int_equal(rc_receipts_count(next), 2);
    assert_int_equal(find(next, 1)->sequence, 7);
    rc_receipts_unref(next);
}

static void
test_limits(void **state)
{
    (void)state;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = NULL;
    assert_int_equal(rc_receipts_new(NULL, &receipts), RC_OK);
    for (uint64_t i = 1; i <= RC_RECEIPTS_MAX; i++)
        put(&receipts, i, 1);
    assert_non_null(find(receipts, 1));
    put(&receipts, RC_RECEIPTS_MAX + 1, 1);
    assert_null(find(receipts, 1));
    assert_non_null(find(receipts, 2));
    /* A reply that takes all there is stands alone; then those behind it fit again. */
    put(&receipts, 5000, RC_RECEIPTS_BYTES_MAX + 1);
    assert_int_equal(rc_receipts_count(receipts), 1);
    put(&receipts, 5001, 1);
    assert_int_equal(rc_receipts_count(receipts), 1);
    const size_t id_bytes = strlen("request-5001");
    put(&receipts, 5002, RC_RECEIPTS_BYTES_MAX - 2 * id_bytes - 1);
    assert_int_equal(rc_receipts_count(receipts), 2);
    put(&receipts, 5003, RC_RECEIPTS_BYTES_MAX - 2 * id_bytes - 1);
    assert_int_equal(rc_receipts_count(receipts), 1);
}

static void
test_storing(void **state)
{
    (void)state;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = NULL;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    assert_int_equal(rc_receipts_new(NULL, &receipts), RC_OK);
    for (uint64_t i = 1; i <= 5; i++)
        put(&receipts, i, i);
    rc_receipts_write(receipts, &writer);
    for (size_t size = 0; size <= writer.size; size++) {
        RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *got = NULL;
        struct rc_reader reader = rc_reader_of(writer.data, size);
        const enum rc_status status = rc_receipts_read(NULL, &reader, &got, NULL);
        assert_int_equal(status, size == writer.size ? RC_OK : RC_CORRUPT);
        for (uint64_t i = 1; status == RC_OK && i <= 5; i++) {
            assert_int_equal(find(got, i)->reply.size, i);
            assert_int_equal(rc_receipts_at(got, (uint32_t)i - 1)->content, i * 3);
        }
    }
}

/* Out of order, an id twice, without an id. */
static void
test_stored_tables_that_are_none(void **state)
{
    (void)state;
    const struct {
        const char *ids[2];
        uint64_t sequences[2];
        enum rc_status status;
    } cases[] = {
        {{"a", "b"}, {1, 2}, RC_OK},      {{"a", "b"}, {2, 2}, RC_OK},
        {{"a", "b"}, {2, 1}, RC_CORRUPT}, {{"a", "a"}, {1, 2}, RC_CORRUPT},
        {{"a", ""}, {1, 2}, RC_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *got = NULL;
        rc_write_varint(&writer, 2);
        for (uint32_t k = 0; k < 2; k++) {
            rc_write_bytes(&writer, rc_bytes_of(cases[i].ids[k]));
            rc_write_u64(&writer, 0);
            rc_write_u64(&writer, cases[i].sequences[k]);
            rc_write_bytes(&writer, RC_BYTES_LITERAL("reply"));
        }
        struct rc_reader reader = rc_reader_of(writer.data, writer.size);
        assert_int_equal(rc_receipts_read(NULL, &reader, &got, NULL), cases[i].status);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_an_id_that_comes_again_is_one),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_storing),
        cmocka_unit_test(test_stored_tables_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
