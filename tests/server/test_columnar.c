/*
 * Columnar batches: a good one is read as it was written; each broken rule of the structure is
 * refused and named; cut at every byte or changed at every byte, nothing but an answer comes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/limits.h"
#include "server/ingest/decode_batch.h"
#include "tests/server/wire_build.h"

/* What a table is made of; each test changes one thing. */
struct table {
    uint64_t row_count;
    const char *users;
    uint32_t user_codes[8];
    uint32_t user_code_count;
    uint64_t times[8];
    uint32_t time_count;
    const char *text_ids; /* NULL: none. */
    uint64_t int_ids[8];
    uint32_t int_id_count;
    bool with_int_ids;
};

struct column {
    const char *name;
    const char *strings;
    uint64_t ints[4];
    uint32_t int_count;
    double doubles[4];
    uint32_t double_count;
    uint32_t elements[4];
    uint32_t element_count;
    uint32_t list_ends[4];
    uint32_t list_count;
    uint64_t code_width;
    unsigned char codes[32];
    uint32_t code_bytes;
    uint32_t rows[8];
    uint32_t row_count;
};

static const struct table good_table = {
    .row_count = 6,
    .users = "ann|bob",
    .user_codes = {0, 1, 0, 1, 0, 1},
    .user_code_count = 6,
    .times = {1, 2, 3, 4, 5, 6},
    .time_count = 6,
};

/* The example of the contract: "free", 5, 5, 9.99, nothing, true; and a list in the
 * place of true. */
static const struct column good_column = {
    .name = "price",
    .strings = "free|a|b",
    .ints = {5},
    .int_count = 1,
    .doubles = {9.99},
    .double_count = 1,
    .elements = {1, 2},
    .element_count = 2,
    .list_ends = {2},
    .list_count = 1,
    .code_width = 1,
    .codes = {4, 7, 7, 8, 0, 9},
    .code_bytes = 6,
};

static void
put_column(struct rc_writer *table, uint32_t field, const struct column *column)
{
    struct rc_writer writer = {.data = NULL};
    put_bytes(&writer, 1, rc_bytes_of(column->name));
    put_texts(&writer, 2, column->strings);
    put_u64s(&writer, 3, column->ints, column->int_count);
    put_bytes(&writer, 4,
              (struct rc_bytes){(const char *)column->doubles, column->double_count * 8});
    struct rc_writer lists = {.data = NULL};
    put_u32s(&lists, 1, column->elements, column->element_count);
    put_u32s(&lists, 2, column->list_ends, column->list_count);
    put_message(&writer, 5, &lists);
    put_number(&writer, 6, column->code_width);
    put_bytes(&writer, 7, (struct rc_bytes){(const char *)column->codes, column->code_bytes});
    put_u32s(&writer, 8, column->rows, column->row_count);
    put_message(table, field, &writer);
}

static struct rc_writer
build(const struct table *table, const struct column *columns, uint32_t column_count)
{
    struct rc_writer batch = {.data = NULL};
    struct rc_writer writer = {.data = NULL};
    put_number(&writer, 1, table->row_count);
    put_texts(&writer, 2, table->users);
    put_u32s(&writer, 3, table->user_codes, table->user_code_count);
    put_u64s(&writer, 4, table->times, table->time_count);
    put_texts(&writer, 5, table->text_ids);
    if (table->with_int_ids)
        put_u64s(&writer, 6, table->int_ids, table->int_id_count);
    for (uint32_t i = 0; i < column_count; i++)
        put_column(&writer, 7, &columns[i]);
    put_message(&batch, 1, &writer);
    return batch;
}

struct outcome {
    struct rc_arena *arena;
    struct rc_error error;
    struct rc_batch batch;
    enum rc_status status;
};

static struct outcome
decode(struct rc_bytes bytes)
{
    struct outcome outcome = {.arena = rc_arena_new(NULL, 0)};
    struct rc_decode context = {.arena = outcome.arena, .error = &outcome.error};
    (void)rc_decode_enter(&context, "columnar");
    outcome.status = rc_decode_columnar(&context, bytes, &outcome.batch);
    return outcome;
}

static void
expect_refused(const struct table *table,
               const struct column *columns,
               uint32_t column_count,
               const char *field)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = build(table, columns, column_count);
    struct outcome outcome = decode(bytes_of(&writer));
    assert_int_equal(outcome.status, RC_INVALID);
    assert_string_equal(outcome.error.field, field);
    assert_true(outcome.error.message[0] != '\0');
    rc_arena_free(outcome.arena);
}

static void
test_reads_what_was_written(void **state)
{
    (void)state;
    struct table table = good_table;
    table.text_ids = "e1||e3|e4|e5|e6";
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = build(&table, &good_column, 1);
    struct outcome outcome = decode(bytes_of(&writer));
    assert_int_equal(outcome.status, RC_OK);
    const struct rc_batch_table *events = &outcome.batch.events;
    assert_int_equal(events->row_count, 6);
    assert_int_equal(events->user_count, 2);
    assert_true(rc_bytes_equal(events->users[1], RC_BYTES_LITERAL("bob")));
    assert_true(rc_bytes_equal(outcome.batch.text_ids[0], RC_BYTES_LITERAL("e1")));
    assert_int_equal(outcome.batch.text_ids[1].size, 0);
    const struct rc_batch_column *column = &events->columns[0];
    assert_int_equal(column->value_count, 9);
    const struct rc_value *values = column->values;
    assert_int_equal(values[0].kind, RC_VALUE_NULL);
    assert_true(!values[1].boolean && values[2].boolean);
    assert_true(rc_bytes_equal(values[3].string, RC_BYTES_LITERAL("free")));
    assert_int_equal(values[6].integer, 5);
    assert_true(fabs(values[7].real - 9.99) < 1e-12);
    assert_int_equal(values[8].item_count, 2);
    assert_true(rc_bytes_equal(values[8].items[1], RC_BYTES_LITERAL("b")));
    assert_int_equal(column->codes[3], 8);
    assert_null(column->rows);
    rc_arena_free(outcome.arena);
}

static void
test_reads_sparse_and_wide_codes(void **state)
{
    (void)state;
    struct column column = good_column;
    column.code_width = 2;
    memcpy(column.codes, (const unsigned char[]){4, 0, 9, 0}, 4);
    column.code_bytes = 4;
    column.rows[0] = 1;
    column.rows[1] = 5;
    column.row_count = 2;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = build(&good_table, &column, 1);
    struct outcome outcome = decode(bytes_of(&writer));
    assert_int_equal(outcome.status, RC_OK);
    assert_int_equal(outcome.batch.events.columns[0].sparse_count, 2);
    assert_int_equal(outcome.batch.events.columns[0].code_width, 2);
    rc_arena_free(outcome.arena);
}

static void
test_refuses_broken_tables(void **state)
{
    (void)state;
    struct table table = good_table;
    table.row_count = 7;
    expect_refused(&table, NULL, 0, "columnar.events.user_codes");
    table = good_table;
    table.row_count = (uint64_t)RC_BATCH_ROWS_MAX + 1;
    expect_refused(&table, NULL, 0, "columnar.events.event_count");
    table = good_table;
    table.user_codes[3] = 2;
    expect_refused(&table, NULL, 0, "columnar.events.user_codes");
    table = good_table;
    table.time_count = 5;
    expect_refused(&table, NULL, 0, "columnar.events.times_ms");
    table = good_table;
    table.users = "a|b|c|d|e|f|g";
    expect_refused(&table, NULL, 0, "columnar.events.users");
    table = good_table;
    table.text_ids = "1|2|3|4|5";
    expect_refused(&table, NULL, 0, "columnar.events.text_ids");
    table = good_table;
    table.with_int_ids = true;
    table.int_id_count = 5;
    expect_refused(&table, NULL, 0, "columnar.events.int_ids");
    table.int_id_count = 6;
    table.text_ids = "1|2|3|4|5|6";
    expect_refused(&table, NULL, 0, "columnar.events.int_ids");
}

static void
test_refuses_broken_columns(void **state)
{
    (void)state;
    const char *codes = "columnar.events.properties[0].codes";
    struct column column = good_column;
    column.codes[2] = 10;
    expect_refused(&good_table, &column, 1, codes);
    column = good_column;
    column.code_bytes = 5;
    expect_refused(&good_table, &column, 1, codes);
    column = good_column;
    column.code_width = 3;
    expect_refused(&good_table, &column, 1, "columnar.events.properties[0].code_width");
    column = good_column;
    column.elements[1] = 3;
    expect_refused(&good_table, &column, 1, "columnar.events.properties[0].lists.elements");
    column = good_column;
    column.list_ends[0] = 1;
    expect_refused(&good_table, &column, 1, "columnar.events.properties[0].lists.ends");
    column = good_column;
    column.rows[0] = 6;
    column.row_count = 1;
    column.code_bytes = 1;
    expect_refused(&good_table, &column, 1, "columnar.events.properties[0].rows");
    column.rows[0] = 2;
    column.rows[1] = 2;
    column.row_count = 2;
    column.code_bytes = 2;
    expect_refused(&good_table, &column, 1, "columnar.events.properties[0].rows");
    const struct column twice[] = {good_column, good_column};
    expect_refused(&good_table, twice, 2, "columnar.events.properties");
}

/* A table whose numbers are no whole numbers, ends that fall, a field that is sent twice, one that
 * is unknown. */
static void
test_refuses_broken_messages(void **state)
{
    (void)state;
    const struct {
        uint32_t text_field;
        uint32_t ends[3];
        uint32_t ends_bytes;
        enum rc_status status;
        const char *field;
    } cases[] = {
        {1, {1, 2, 0}, 7, RC_INVALID, "columnar.aliases.left.ends"},
        {1, {2, 1, 3}, 12, RC_INVALID, "columnar.aliases.left.ends"},
        {1, {1, 2, 2}, 12, RC_INVALID, "columnar.aliases.left.ends"},
        {2, {1, 2, 3}, 12, RC_INVALID, "columnar.aliases.left.ends"},
        {3, {1, 2, 3}, 12, RC_UNSUPPORTED, "columnar.aliases.left"},
        {1, {1, 2, 3}, 12, RC_INVALID, "columnar.aliases.right"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_writer batch = {.data = NULL};
        struct rc_writer aliases = {.data = NULL};
        struct rc_writer left = {.data = NULL};
        put_bytes(&left, 2, (struct rc_bytes){(const char *)cases[i].ends, cases[i].ends_bytes});
        put_bytes(&left, cases[i].text_field, RC_BYTES_LITERAL("abc"));
        put_message(&aliases, 1, &left);
        put_message(&batch, 3, &aliases);
        struct outcome outcome = decode(bytes_of(&batch));
        assert_int_equal(outcome.status, cases[i].status);
        assert_string_equal(outcome.error.field, cases[i].field);
        rc_arena_free(outcome.arena);
        rc_writer_close(&batch);
    }
}

/* The answer to a batch cut short or with one byte changed is an answer. */
static void
test_survives_cuts_and_changes(void **state)
{
    (void)state;
    struct table table = good_table;
    table.text_ids = "1|2|3|4|5|6";
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = build(&table, &good_column, 1);
    uint32_t refused = 0;
    for (size_t size = 1; size < writer.size; size++) {
        char *copy =
            malloc(size); /* Of exactly this size, so that a sanitizer sees every step past it. */
        memcpy(copy, writer.data, size);
        struct outcome outcome = decode((struct rc_bytes){copy, size});
        refused += outcome.status != RC_OK;
        rc_arena_free(outcome.arena);
        free(copy);
    }
    assert_int_equal(refused, writer.size - 1);
    for (size_t at = 0; at < writer.size; at++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            writer.data[at] = (unsigned char)(writer.data[at] ^ 1u << bit);
            struct outcome outcome = decode(bytes_of(&writer));
            rc_arena_free(outcome.arena);
            writer.data[at] = (unsigned char)(writer.data[at] ^ 1u << bit);
        }
}

static void
test_reads_the_envelope(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    struct rc_ingest_message message;
    struct rc_error error;
    put_bytes(&writer, 1, RC_BYTES_LITERAL("projects/p"));
    put_number(&writer, 3, 7);
    put_bytes(&writer, 5, RC_BYTES_LITERAL("x"));
    assert_int_equal(rc_decode_ingest(bytes_of(&writer), &message, &error), RC_OK);
    assert_int_equal(message.batch_id, 7);
    assert_int_equal(message.kind, RC_PAYLOAD_NDJSON);
    assert_int_equal(message.payload.size, 1);
    put_bytes(&writer, 4, RC_BYTES_LITERAL("y"));
    assert_int_equal(rc_decode_ingest(bytes_of(&writer), &message, &error), RC_INVALID);
    assert_string_equal(error.field, "columnar");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_was_written),
        cmocka_unit_test(test_reads_sparse_and_wide_codes),
        cmocka_unit_test(test_refuses_broken_tables),
        cmocka_unit_test(test_refuses_broken_columns),
        cmocka_unit_test(test_refuses_broken_messages),
        cmocka_unit_test(test_survives_cuts_and_changes),
        cmocka_unit_test(test_reads_the_envelope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
