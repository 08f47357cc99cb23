/*
 * Cells in saved segments: the stored form, who reads it, and what a cell names: that must be
 * there, may not lead back, and is in use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/segment/chart_cell.h"
#include "engine/query/segment/references.h"
#include "query_rig.h"

static const struct rc_cell_name names[] = {
    {.kind = RC_CATALOG_DEFINITIONS, .name = RC_BYTES_LITERAL("bought")},
    {.kind = RC_CATALOG_SEGMENTS, .name = RC_BYTES_LITERAL("inner")},
    {.kind = RC_CATALOG_PROPERTIES, .name = RC_BYTES_LITERAL("price")},
};

static const struct rc_segment stored_cell = {.kind = RC_SEGMENT_CELL,
                                              .stored = RC_BYTES_LITERAL("any bytes"),
                                              .name_count = 3,
                                              .names = names};

/* What read_cell gives, and what it was asked for. */
static struct rc_chart_cell cell;
static uint32_t reads;

static enum rc_status
read_cell(struct rc_bytes project,
          struct rc_bytes stored,
          struct rc_arena *arena,
          const struct rc_chart_cell **ret_cell,
          struct rc_error *reterr_error)
{
    (void)arena;
    reads++;
    assert_true(rc_bytes_equal(project, RC_BYTES_LITERAL("p")));
    if (!rc_bytes_equal(stored, stored_cell.stored))
        return rc_error_field(reterr_error, RC_INVALID, "handle", "other bytes");
    *ret_cell = &cell;
    return RC_OK;
}

static struct rc_query_context
context_of(struct rig *rig)
{
    struct rc_query_context context = rig_context(rig, 2);
    context.project = RC_BYTES_LITERAL("p");
    context.read_cell = read_cell;
    return context;
}

static void
put(struct rc_catalog **catalog, const char *name, const struct rc_writer *payload)
{
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = {(const char *)payload->data, payload->size},
                                           .version = 1};
    struct rc_catalog *next;
    assert_int_equal(rc_catalog_put(*catalog, &entry, &next), RC_OK);
    rc_catalog_unref(*catalog);
    *catalog = next;
}

static void
save_segment(struct rig *rig, const char *name, const struct rc_segment *segment)
{
    struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    put(&rig->segments, name, &writer);
    rc_writer_close(&writer);
}

static void
save_definition(struct rig *rig, const char *name)
{
    const struct rig_selector selector = {.names = 1, .plan = RIG_NO_PLAN};
    struct rc_writer writer = {0};
    rc_predicate_write(&writer, rig_predicate(rig, &selector));
    put(&rig->definitions, name, &writer);
    rc_writer_close(&writer);
}

static enum rc_status
count(const struct rc_query_context *context,
      const struct rc_segment *segment,
      uint64_t *ret_users,
      struct rc_error *error)
{
    const struct rc_segment_request request = {.as_of_ms = RIG_START_MS + 2 * RIG_SPAN_MS,
                                               .segment = segment};
    struct rc_segment_reply reply = {0};
    *error = (struct rc_error){.status = RC_OK};
    const enum rc_status status = rc_query_segment(context, &request, &reply, error);
    *ret_users = reply.users;
    return status;
}

static void
the_form_is_kept(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct rc_writer first = {0};
    struct rc_writer second = {0};
    const struct rc_segment *again;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    rc_segment_write(&first, &stored_cell);
    static const char golden[] = "\x08\x09"
                                 "any bytes\x03"
                                 "\x01\x06"
                                 "bought\x02\x05inner\x03\x05price";
    assert_int_equal(first.size, sizeof(golden) - 1);
    assert_memory_equal(first.data, golden, first.size);
    struct rc_reader reader = rc_reader_of(first.data, first.size);
    assert_int_equal(rc_segment_read(&reader, arena, &again, NULL), RC_OK);
    rc_segment_write(&second, again);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    for (uint32_t round = 0; round < 2000; round++) {
        memcpy(first.data, second.data, first.size);
        first.data[rig_random(&seed) % first.size] ^= (unsigned char)(1 + rig_random(&seed) % 255);
        reader = rc_reader_of(first.data, rig_random(&seed) % (first.size + 1));
        const enum rc_status status = rc_segment_read(&reader, arena, &again, NULL);
        assert_true(status == RC_OK || status == RC_CORRUPT);
    }
    rc_writer_close(&first);
    rc_writer_close(&second);
}

static void
limits(void **state)
{
    (void)state;
    static char most[RC_CELL_BYTES_MAX + 1];
    static struct rc_cell_name many[RC_CELL_NAMES_MAX + 1];
    struct rc_error error;
    struct rc_segment segment = stored_cell;
    memset(most, 'x', sizeof(most));
    for (uint32_t i = 0; i <= RC_CELL_NAMES_MAX; i++)
        many[i] = names[0];
    segment.names = many;
    segment.name_count = RC_CELL_NAMES_MAX;
    segment.stored = (struct rc_bytes){most, RC_CELL_BYTES_MAX};
    assert_int_equal(rc_segment_check(&segment, &error), RC_OK);
    segment.name_count++;
    assert_int_equal(rc_segment_check(&segment, &error), RC_LIMIT_EXCEEDED);
    segment.name_count = 0;
    segment.stored.size++;
    assert_int_equal(rc_segment_check(&segment, &error), RC_LIMIT_EXCEEDED);
    segment.stored.size = 0;
    assert_int_equal(rc_segment_check(&segment, &error), RC_INVALID);
    assert_string_equal(error.field, "cell");
}

/* Asked by name it is what the cell is that stands in a rule, and at the cell's own moment. */
static void
a_saved_cell_is_the_cell(void **state)
{
    (void)state;
    uint64_t seed = 12;
    struct rc_error error;
    uint64_t users;
    struct rig *rig = rig_new(&seed);
    const struct rig_selector any = {.plan = RIG_NO_PLAN};
    const struct rc_series one = {.selector = rig_predicate(rig, &any),
                                  .measure = RC_MEASURE_UNIQUE};
    struct rc_series_request request = {.scope = {.start_ms = RIG_START_MS,
                                                  .end_ms = RIG_START_MS + RIG_SPAN_MS,
                                                  .as_of_ms = RIG_START_MS + RIG_SPAN_MS / 3},
                                        .series_count = 1,
                                        .series = &one};
    struct rc_series_reply reply;
    struct rc_query_context context = context_of(rig);
    assert_int_equal(rc_query_series(&context, &request, &reply, &error), RC_OK);
    cell = (struct rc_chart_cell){.kind = RC_CHART_SERIES,
                                  .series = &request,
                                  .column = RC_SERIES_RANGE,
                                  .pivot = RC_SERIES_ROW,
                                  .operand = RC_SERIES_NO_OPERAND,
                                  .labels = rc_series_label_hash(&reply, 1)};
    const uint64_t wanted = (uint64_t)reply.rows[0].total;
    struct rc_segment segment = stored_cell;
    segment.name_count = 0;
    save_segment(rig, "a", &segment);
    const struct rc_segment named = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("a")};
    context = context_of(rig);
    reads = 0;
    assert_int_equal(count(&context, &named, &users, &error), RC_OK);
    assert_int_equal(users, wanted);
    assert_int_equal(reads, 1);
    /* A question that leads back to it, unseen by its names, ends at the limit. */
    request.scope.segment = &named;
    reads = 0;
    assert_int_equal(count(&context, &named, &users, &error), RC_INVALID);
    assert_int_equal(reads, RC_CELLS_DEEP_MAX);
    assert_non_null(strstr(error.message, "more than 3 deep"));
    /* Nobody reads it; others' bytes. */
    context.read_cell = NULL;
    assert_int_equal(count(&context, &named, &users, &error), RC_UNSUPPORTED);
    context.read_cell = read_cell;
    segment.stored = RC_BYTES_LITERAL("other");
    assert_int_equal(count(&context, &segment, &users, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.segment.rule.cell.handle");
    rig_free(rig);
}

static enum rc_status
check(struct rig *rig, const char *name, const struct rc_segment *segment, struct rc_error *error)
{
    struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = {(const char *)writer.data, writer.size},
                                           .version = 1};
    *error = (struct rc_error){.status = RC_OK};
    const struct rc_named_catalogs catalogs = {rig->definitions, rig->segments};
    const enum rc_status status = rc_segments_check(&catalogs, &entry, segment, rig->arena, error);
    rc_writer_close(&writer);
    return status;
}

static void
what_it_names_is_in_use(void **state)
{
    (void)state;
    uint64_t seed = 13;
    struct rc_error error;
    struct rc_bytes user;
    struct rig *rig = rig_new(&seed);
    const struct rc_segment pro = {.kind = RC_SEGMENT_USER,
                                   .predicate = rig_plan_predicate(rig, 1)};
    assert_int_equal(check(rig, "outer", &stored_cell, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, "inner"));
    save_segment(rig, "inner", &pro);
    assert_int_equal(check(rig, "outer", &stored_cell, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, "bought"));
    save_definition(rig, "bought");
    assert_int_equal(check(rig, "outer", &stored_cell, &error), RC_OK);
    assert_int_equal(check(rig, "inner", &stored_cell, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "inner -> inner"));
    save_segment(rig, "outer", &stored_cell);
    const struct rc_segment outer = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("outer")};
    assert_int_equal(check(rig, "inner", &outer, &error), RC_INVALID);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(rc_segments_find_user(rig->segments, names[i].kind == RC_CATALOG_SEGMENTS,
                                               names[i].name, &user, &error),
                         RC_OK);
        assert_true(rc_bytes_equal(user, RC_BYTES_LITERAL("outer")));
    }
    struct rc_catalog *derived;
    assert_int_equal(rc_catalog_new(NULL, &derived), RC_OK);
    const struct rc_named_catalogs catalogs = {rig->definitions, rig->segments};
    enum rc_catalog_kind kind;
    assert_int_equal(rc_derived_find_user(derived, &catalogs, names[2].name, &kind, &user, &error),
                     RC_OK);
    assert_int_equal(kind, RC_CATALOG_SEGMENTS);
    assert_true(rc_bytes_equal(user, RC_BYTES_LITERAL("outer")));
    assert_int_equal(
        rc_derived_find_user(derived, &catalogs, RC_BYTES_LITERAL("other"), &kind, &user, &error),
        RC_OK);
    assert_int_equal(user.size, 0);
    rc_catalog_unref(derived);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_kept),
        cmocka_unit_test(limits),
        cmocka_unit_test(a_saved_cell_is_the_cell),
        cmocka_unit_test(what_it_names_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
