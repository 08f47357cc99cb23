/* NDJSON: lines become rows with the right values; each kind of bad line is rejected by its place,
 * field and reason, and leaves nothing behind in its neighbours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/ingest/decode_batch.h"
#include "server/ingest/decode_time.h"
#include "tests/server/wire_build.h"

struct outcome {
    struct rc_arena *arena;
    struct rc_error error;
    struct rc_ndjson ndjson;
};

static void
decode(struct outcome *outcome, const char *lines)
{
    *outcome = (struct outcome){.arena = rc_arena_new(NULL, 0)};
    struct rc_decode context = {.arena = outcome->arena, .error = &outcome->error};
    struct rc_writer writer = {.data = NULL};
    put_bytes(&writer, 1, rc_bytes_of(lines));
    assert_int_equal(rc_decode_ndjson(&context, bytes_of(&writer), &outcome->ndjson), RC_OK);
    rc_writer_close(&writer);
}

/* The value of a property in a row; NULL kind with *ret_set false: not set. */
static struct rc_value
value_of(const struct rc_batch_table *table, const char *name, uint32_t row, bool *ret_set)
{
    *ret_set = false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rc_batch_column *column = &table->columns[i];
        if (!rc_bytes_equal(column->name, rc_bytes_of(name)))
            continue;
        const uint32_t entries = column->rows == NULL ? table->row_count : column->sparse_count;
        for (uint32_t k = 0; k < entries; k++) {
            uint32_t at = k;
            uint32_t code = 0;
            if (column->rows != NULL)
                memcpy(&at, column->rows + 4 * k, 4);
            memcpy(&code, column->codes + 4 * k, 4);
            if (at != row || code == 0)
                continue;
            *ret_set = true;
            return column->values[code - 1];
        }
    }
    return rc_value_null();
}

static void
expect_text(const struct rc_batch_table *table, const char *name, uint32_t row, const char *text)
{
    bool set = false;
    const struct rc_value value = value_of(table, name, row, &set);
    assert_true(set);
    assert_int_equal(value.kind, RC_VALUE_STRING);
    assert_true(rc_bytes_equal(value.string, rc_bytes_of(text)));
}

static void
test_reads_rows(void **state)
{
    (void)state;
    struct outcome outcome;
    decode(
        &outcome,
        "{\"user\":\"u1\",\"time\":1000,\"id\":7,\"properties\":{\"a\":\"x\",\"d\":{\"os\":\"y\","
        "\"deep\":{\"z\":true}},\"n\":5,\"f\":1.5,\"l\":[\"p\",\"q\"],\"e\":[],\"o\":{}}}\r\n"
        "\n"
        "{\"time\":\"1970-01-01T00:00:02.5+00:00\",\"properties\":{\"a\":\"x\"},\"user\":42}\n"
        "{\"user\":\"u1\",\"time\":3,\"set\":{\"plan\":\"paid\",\"trial\":null}}\n"
        "{\"alias\":[\"a\",9]}\n"
        "{\"set\":{\"plan\":\"team\",\"seats\":3},\"account\":7,\"account_key\":\"company\","
        "\"time\":4}");
    const struct rc_batch *batch = &outcome.ndjson.batch;
    assert_int_equal(outcome.ndjson.rejects.count, 0);
    assert_int_equal(batch->events.row_count, 2);
    assert_int_equal(batch->writes.row_count, 1);
    assert_int_equal(batch->alias_count, 1);
    assert_int_equal(batch->accounts.row_count, 1);
    assert_int_equal(batch->accounts.column_count, 2);
    assert_int_equal(outcome.ndjson.account_lines[0], 5);
    assert_true(rc_bytes_equal(batch->accounts.users[0], RC_BYTES_LITERAL("company\0"
                                                                          "7")));
    assert_int_equal(outcome.ndjson.event_lines[1], 2);
    assert_int_equal(outcome.ndjson.write_lines[0], 3);
    assert_int_equal(outcome.ndjson.alias_lines[0], 4);
    assert_true(rc_bytes_equal(batch->events.users[1], RC_BYTES_LITERAL("42")));
    assert_true(rc_bytes_equal(batch->text_ids[0], RC_BYTES_LITERAL("7")));
    assert_int_equal(batch->text_ids[1].size, 0);
    assert_true(rc_bytes_equal(batch->alias_right[0], RC_BYTES_LITERAL("9")));
    int64_t time_ms = 0;
    memcpy(&time_ms, batch->events.times_ms + 8, 8);
    assert_int_equal(time_ms, 2500);
    expect_text(&batch->events, "a", 1, "x");
    expect_text(&batch->events, "d.os", 0, "y");
    expect_text(&batch->writes, "plan", 0, "paid");
    expect_text(&batch->accounts, "plan", 0, "team");
    bool set = false;
    assert_true(value_of(&batch->events, "d.deep.z", 0, &set).boolean && set);
    assert_int_equal(value_of(&batch->events, "n", 0, &set).integer, 5);
    assert_true(value_of(&batch->events, "f", 0, &set).real > 1.4);
    assert_int_equal(value_of(&batch->events, "l", 0, &set).item_count, 2);
    assert_int_equal(value_of(&batch->events, "e", 0, &set).kind, RC_VALUE_NULL);
    (void)value_of(&batch->events, "o", 0, &set);
    assert_false(set);
    assert_int_equal(value_of(&batch->writes, "trial", 0, &set).kind, RC_VALUE_NULL);
    assert_true(set);
    rc_arena_free(outcome.arena);
}

static void
test_rejects_bad_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum rc_reject_reason reason;
        const char *field;
    } cases[] = {
        {"nonsense", RC_REJECT_SYNTAX, ""},
        {"[1]", RC_REJECT_SYNTAX, ""},
        {"{\"user\":\"u\",\"time\":1", RC_REJECT_SYNTAX, ""},
        {"{\"time\":1}", RC_REJECT_MISSING, "user"},
        {"{\"user\":\"u\"}", RC_REJECT_MISSING, "time"},
        {"{\"user\":true,\"time\":1}", RC_REJECT_WRONG_TYPE, "user"},
        {"{\"account\":\"a\",\"time\":1,\"set\":{}}", RC_REJECT_MISSING, "account_key"},
        {"{\"account_key\":\"k\",\"time\":1,\"set\":{}}", RC_REJECT_MISSING, "account"},
        {"{\"account_key\":\"k\",\"account\":1,\"time\":1}", RC_REJECT_MISSING, "set"},
        {"{\"account_key\":1,\"account\":1,\"time\":1}", RC_REJECT_WRONG_TYPE, "account_key"},
        {"{\"account_key\":\"k\",\"account\":1,\"time\":1,\"set\":{},\"user\":1}",
         RC_REJECT_UNKNOWN_FIELD, "user"},
        {"{\"user\":1.5,\"time\":1}", RC_REJECT_WRONG_TYPE, "user"},
        {"{\"user\":\"u\",\"time\":1.5}", RC_REJECT_WRONG_TYPE, "time"},
        {"{\"user\":\"u\",\"time\":\"yesterday\"}", RC_REJECT_WRONG_TYPE, "time"},
        {"{\"user\":\"u\",\"time\":18446744073709551615}", RC_REJECT_OUT_OF_RANGE, "time"},
        {"{\"user\":\"u\",\"time\":1,\"id\":[]}", RC_REJECT_WRONG_TYPE, "id"},
        {"{\"user\":\"u\",\"time\":1,\"x\":2}", RC_REJECT_UNKNOWN_FIELD, "x"},
        {"{\"user\":\"u\",\"user\":\"u\",\"time\":1}", RC_REJECT_DUPLICATE_FIELD, "user"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":1,\"a\":2}}", RC_REJECT_DUPLICATE_FIELD,
         "a"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a.b\":1,\"a\":{\"b\":2}}}",
         RC_REJECT_DUPLICATE_FIELD, "a.b"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":[1]}}", RC_REJECT_WRONG_TYPE, "a"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":[[\"x\"]]}}", RC_REJECT_WRONG_TYPE, "a"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":18446744073709551615}}",
         RC_REJECT_OUT_OF_RANGE, "a"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":{\"a\":1e999}}", RC_REJECT_OUT_OF_RANGE, "a"},
        {"{\"user\":\"1e999\",\"time\":1,\"properties\":{\"x\":[\"1e999\"],\"b\":{\"q\\\"\":7,"
         "\"c\":"
         "99999999999999999999}}}",
         RC_REJECT_OUT_OF_RANGE, "b.c"},
        {"{\"user\":\"u\",\"time\":-99999999999999999999}", RC_REJECT_OUT_OF_RANGE, "time"},
        {"{\"user\":\"u\",\"time\":1,\"properties\":7}", RC_REJECT_WRONG_TYPE, "properties"},
        {"{\"user\":\"u\",\"time\":1,\"id\":\"e\",\"set\":{}}", RC_REJECT_UNKNOWN_FIELD, "id"},
        {"{\"alias\":[\"a\",\"b\"],\"user\":\"u\"}", RC_REJECT_UNKNOWN_FIELD, "user"},
        {"{\"alias\":[\"a\"]}", RC_REJECT_WRONG_TYPE, "alias"},
        {"{\"alias\":[\"a\",\"b\",\"c\"]}", RC_REJECT_WRONG_TYPE, "alias"},
        {"{\"user\":\"\xff\",\"time\":1}", RC_REJECT_ENCODING, ""},
    };
    const size_t count = sizeof(cases) / sizeof(cases[0]);
    RC_CLEANUP(rc_writer_close) struct rc_writer lines = {.data = NULL};
    const char *good = "{\"user\":\"ok\",\"time\":1,\"properties\":{\"a\":\"good\"}}\n";
    for (size_t i = 0; i < count; i++) {
        rc_write_raw(&lines, good, strlen(good));
        rc_write_raw(&lines, cases[i].line, strlen(cases[i].line));
        rc_write_raw(&lines, "\n", 1);
    }
    rc_write_u8(&lines, 0);
    struct outcome outcome;
    decode(&outcome, (const char *)lines.data);
    assert_int_equal(outcome.ndjson.rejects.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct rc_reject *reject = &outcome.ndjson.rejects.list[i];
        assert_int_equal(reject->row, 2 * i + 1);
        assert_int_equal(reject->reason, cases[i].reason);
        assert_true(rc_bytes_equal(reject->field, rc_bytes_of(cases[i].field)));
    }
    const struct rc_batch_table *events = &outcome.ndjson.batch.events;
    assert_int_equal(events->row_count, count);
    assert_int_equal(events->column_count, 1);
    for (uint32_t row = 0; row < events->row_count; row++)
        expect_text(events, "a", row, "good");
    rc_arena_free(outcome.arena);
}

static void
test_bounds_depth(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer line = {.data = NULL};
    const char *head = "{\"user\":\"u\",\"time\":1,\"properties\":";
    rc_write_raw(&line, head, strlen(head));
    for (uint32_t i = 0; i < 100000; i++)
        rc_write_raw(&line, "{\"a\":", 5);
    rc_write_raw(&line, "1", 1);
    for (uint32_t i = 0; i <= 100000; i++)
        rc_write_raw(&line, "}", 1);
    rc_write_u8(&line, 0);
    struct outcome outcome;
    decode(&outcome, (const char *)line.data);
    assert_int_equal(outcome.ndjson.rejects.count, 1);
    assert_int_equal(outcome.ndjson.rejects.list[0].reason, RC_REJECT_TOO_MANY);
    rc_arena_free(outcome.arena);
}

static void
test_lists_only_the_first_rejects(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer lines = {.data = NULL};
    for (uint32_t i = 0; i < 250; i++)
        rc_write_raw(&lines, "x\n", 2);
    rc_write_u8(&lines, 0);
    struct outcome outcome;
    decode(&outcome, (const char *)lines.data);
    assert_int_equal(outcome.ndjson.rejects.count, 250);
    assert_int_equal(outcome.ndjson.rejects.listed, RC_REJECTS_LISTED_MAX);
    rc_arena_free(outcome.arena);
}

static void
test_reads_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t time_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2015-01-01T00:00:00.123Z", true, 1420070400123},
        {"2015-01-01T00:00:00.1239Z", true, 1420070400123},
        {"2015-01-01t01:30:00+01:30", true, 1420070400000},
        {"2016-02-29 12:00:00-00:30", true, 1456749000000},
        {"0001-01-01T00:00:00Z", true, -62135596800000},
        {"9999-12-31T23:59:59.999Z", true, 253402300799999},
        {"1969-12-31T23:59:59.999Z", true, -1},
        {"2016-12-31T23:59:60Z", true, 1483228799000},
        {"2015-02-29T00:00:00Z", false, 0},
        {"2015-01-01T24:00:00Z", false, 0},
        {"2015-01-01T00:00:00", false, 0},
        {"2015-01-01T00:00:00.Z", false, 0},
        {"2015-01-01T00:00:00Zx", false, 0},
        {"2015-13-01T00:00:00Z", false, 0},
        {"0000-01-01T00:00:00Z", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t time_ms = 0;
        assert_int_equal(rc_decode_time_text(rc_bytes_of(cases[i].text), &time_ms), cases[i].good);
        if (cases[i].good)
            assert_int_equal(time_ms, cases[i].time_ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_rows),   cmocka_unit_test(test_rejects_bad_lines),
        cmocka_unit_test(test_bounds_depth), cmocka_unit_test(test_lists_only_the_first_rejects),
        cmocka_unit_test(test_reads_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
