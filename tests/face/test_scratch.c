/*
 * What a query needs on its way is charged to the query, whose limit binds it, and not to the
 * process alone: nothing that grows with the data is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/list/property_list.h"
#include "engine/query/plan/hints.h"
#include "engine/query/query.h"
#include "engine/query/retention/retention.h"
#include "engine/query/series/place_values.h"
#include "tests/face/one_stream.h"

#define ROWS 4096u
#define DAYS 64u

/* The first piece of an arena, in which two values are compared; no more than two bytes a row. */
#define UNOWNED_BYTES_MAX 8300u

static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};

static struct rc_scope
scope_of_second_half(void)
{
    return (struct rc_scope){.start_ms = RIG_START_MS + DAYS / 2 * RIG_DAY_MS,
                             .end_ms = RIG_START_MS + DAYS * RIG_DAY_MS,
                             .as_of_ms = 2 * RIG_START_MS};
}

static struct rc_bytes
text_of(struct rc_arena *arena, const char *form, uint32_t number)
{
    char text[64];
    const int size = snprintf(text, sizeof(text), form, number);
    return (struct rc_bytes){rc_arena_string(arena, text, (size_t)size), (size_t)size};
}

/* A column of ROWS different values, one a row. */
static struct rc_batch_column
column_of(struct rc_arena *arena, const char *name, const char *form, const uint32_t *codes)
{
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, ROWS);
    assert_non_null(values);
    for (uint32_t row = 0; row < ROWS; row++)
        values[row] = form == NULL ? rc_value_int((int64_t)row * 3)
                                   : rc_value_string(text_of(arena, form, row));
    return (struct rc_batch_column){.name = rc_bytes_of(name),
                                    .value_count = ROWS,
                                    .values = values,
                                    .code_width = 4,
                                    .codes = (const unsigned char *)codes};
}

/* Half of the events are of one user, the others of one each; no two have a value in common. */
static void
send_rows(struct rc_engine *engine)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_bytes *users = RC_ARENA_ARRAY(arena, struct rc_bytes, ROWS);
    uint32_t *user_codes = RC_ARENA_ARRAY(arena, uint32_t, ROWS);
    uint32_t *codes = RC_ARENA_ARRAY(arena, uint32_t, ROWS);
    int64_t *times_ms = RC_ARENA_ARRAY(arena, int64_t, ROWS);
    for (uint32_t row = 0; row < ROWS; row++) {
        users[row] = text_of(arena, "user-%u", row);
        user_codes[row] = row % 2 == 0 ? 0 : row;
        codes[row] = row + 1;
        times_ms[row] = RIG_START_MS + row % DAYS * RIG_DAY_MS + row;
    }
    const struct rc_batch_column columns[] = {
        column_of(arena, "url", "https://x.example/%u", codes),
        column_of(arena, "price", NULL, codes)};
    const struct rc_batch_column email = column_of(arena, "email", "%u@x.example", codes);
    struct rc_batch batch = {.events = {.row_count = ROWS,
                                        .user_count = ROWS,
                                        .users = users,
                                        .user_codes = (const unsigned char *)user_codes,
                                        .times_ms = (const unsigned char *)times_ms,
                                        .column_count = 2,
                                        .columns = columns}};
    batch.writes = batch.events;
    batch.writes.column_count = 1;
    batch.writes.columns = &email;
    assert_int_equal(rig_ingest_batch(engine, "shop", "stream", 1, &batch, NULL), RC_OK);
}

/* ---- questions ---- */

static enum rc_status
compare_urls(const struct rc_query_context *context, struct rc_error *error)
{
    struct rc_series_reply reply;
    const struct rc_series series = {.selector = &any, .measure = RC_MEASURE_COUNT};
    const struct rc_breakdown url = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("url")};
    const struct rc_series_request request = {.scope = scope_of_second_half(),
                                              .unit = RC_UNIT_MONTH,
                                              .series_count = 1,
                                              .series = &series,
                                              .breakdown = &url,
                                              .compare = RC_COMPARE_PREVIOUS};
    return rc_query_series(context, &request, &reply, error);
}

static enum rc_status
add_prices(const struct rc_query_context *context, struct rc_error *error)
{
    struct rc_series_reply reply;
    const struct rc_series series = {
        .selector = &any, .measure = RC_MEASURE_MEDIAN, .property = RC_BYTES_LITERAL("price")};
    const struct rc_series_request request = {.scope = scope_of_second_half(),
                                              .unit = RC_UNIT_MONTH,
                                              .series_count = 1,
                                              .series = &series};
    return rc_query_series(context, &request, &reply, error);
}

/* So many values of so many rows that they are counted in many rounds. */
static enum rc_status
count_urls_by_price(const struct rc_query_context *context, struct rc_error *error)
{
    struct rc_series_reply reply;
    const uint64_t slots_max = rc_place_values_slots_max;
    const struct rc_series series = {
        .selector = &any, .measure = RC_MEASURE_DISTINCT, .property = RC_BYTES_LITERAL("url")};
    const struct rc_breakdown price = {.scope = RC_LEAF_EVENT,
                                       .property = RC_BYTES_LITERAL("price")};
    const struct rc_series_request request = {.scope = scope_of_second_half(),
                                              .series_count = 1,
                                              .series = &series,
                                              .breakdown = &price,
                                              .top_n = 3};
    rc_place_values_slots_max = 64;
    const enum rc_status status = rc_query_series(context, &request, &reply, error);
    rc_place_values_slots_max = slots_max;
    for (uint32_t row = 0; status == RC_OK && row < reply.row_count; row++) {
        const uint32_t events[] = {
            [RC_ROW_VALUE] = 1, [RC_ROW_OTHER] = ROWS / 2 - 3, [RC_ROW_TOTAL] = ROWS / 2};
        assert_int_equal((uint32_t)reply.rows[row].total, events[reply.rows[row].label.kind]);
    }
    return status;
}

static enum rc_status
retain(const struct rc_query_context *context,
       const struct rc_breakdown *breakdown,
       uint32_t least,
       struct rc_error *error)
{
    struct rc_retention_reply reply;
    const struct rc_retention_request request = {.scope = scope_of_second_half(),
                                                 .unit = RC_UNIT_DAY,
                                                 .cohort = RC_COHORT_RECURRING,
                                                 .start = &any,
                                                 .back = &any,
                                                 .period_count = 8,
                                                 .rolling = least > 1,
                                                 .occurrences_min = least,
                                                 .breakdown = breakdown,
                                                 .dimension_count = breakdown == NULL ? 0 : 1};
    return rc_query_retention(context, &request, &reply, error);
}

static enum rc_status
retain_by_url(const struct rc_query_context *context, struct rc_error *error)
{
    const struct rc_breakdown url = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("url")};
    return retain(context, &url, 1, error);
}

static enum rc_status
retain_who_came_twice(const struct rc_query_context *context, struct rc_error *error)
{
    return retain(context, NULL, 2, error);
}

/* Who begins is looked up: by many events, which are kept until they are dealt. */
static enum rc_status
retain_who_paid(const struct rc_query_context *context, struct rc_error *error)
{
    struct rc_retention_reply reply;
    struct rc_query_hints hints = {.walk = RC_WALK_ROWS};
    struct rc_query_context hinted = *context;
    const struct rc_value least = rc_value_int((int64_t)ROWS);
    const struct rc_predicate paid = {.kind = RC_PREDICATE_LEAF,
                                      .leaf = {.scope = RC_LEAF_EVENT,
                                               .operator= RC_LEAF_GREATER,
                                               .property = RC_BYTES_LITERAL("price"),
                                               .value_count = 1,
                                               .values = &least}};
    const struct rc_retention_request request = {.scope = scope_of_second_half(),
                                                 .unit = RC_UNIT_DAY,
                                                 .cohort = RC_COHORT_RECURRING,
                                                 .start = &paid,
                                                 .back = &any,
                                                 .period_count = 8};
    hinted.hints = &hints;
    RC_TRY(rc_query_retention(&hinted, &request, &reply, error));
    assert_true(hints.rows_read);
    return RC_OK;
}

/* A second event so long after the first that a user's first ones are all kept. */
static enum rc_status
count_who_came_back(const struct rc_query_context *context, struct rc_error *error)
{
    struct rc_segment_reply reply;
    const struct rc_sequence_step steps[] = {{.selector = &any},
                                             {.selector = &any, .least_ms = 2 * DAYS * RIG_DAY_MS}};
    const struct rc_segment segment = {.kind = RC_SEGMENT_BEHAVIOUR,
                                       .behaviour = {.measure = RC_BEHAVIOUR_SEQUENCE,
                                                     .step_count = 2,
                                                     .steps = steps,
                                                     .within_ms = -1,
                                                     .comparison = RC_EQ,
                                                     .window = RC_WINDOW_ALL_TIME}};
    const struct rc_segment_request request = {.as_of_ms = scope_of_second_half().as_of_ms,
                                               .segment = &segment};
    RC_TRY(rc_query_segment(context, &request, &reply, error));
    assert_int_equal((uint32_t)reply.users, ROWS / 2 + 1);
    return RC_OK;
}

static enum rc_status
list_properties(const struct rc_query_context *context, struct rc_error *error)
{
    RC_CLEANUP(rc_property_list_close) struct rc_property_list_reply reply = {0};
    const struct rc_property_list_request request = {.scope = scope_of_second_half(),
                                                     .selector = &any};
    return rc_query_property_list(context, &request, &reply, error);
}

static const struct {
    const char *name;
    enum rc_status (*ask)(const struct rc_query_context *context, struct rc_error *error);
} questions[] = {
    {"compare by url", compare_urls},
    {"median of prices", add_prices},
    {"urls by price", count_urls_by_price},
    {"retention by url", retain_by_url},
    {"retention of those who came twice", retain_who_came_twice},
    {"retention of those who paid", retain_who_paid},
    {"who came back", count_who_came_back},
    {"properties", list_properties},
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

/* An engine with the rows in a head, or in slabs. */
static void
open_world(struct one_stream *world, bool sealed)
{
    *world = (struct one_stream){.disk = rc_disk_faulty_new(1)};
    struct rc_engine_options options = one_options(world);
    options.wal_file_bytes = 1 << 22;
    options.head_rows_max = 0;
    assert_int_equal(rc_engine_open(&options, &world->engine, NULL), RC_OK);
    assert_int_equal(one_create(world), RC_OK);
    send_rows(world->engine);
    if (sealed)
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    rc_engine_settle(world->engine);
}

static void
close_world(struct one_stream *world)
{
    rc_engine_close(world->engine, false);
    rc_disk_faulty_free(world->disk);
}

/* Asks a question, of whose allocations the n-th fails; 0: none. */
static enum rc_status
ask(struct one_stream *world, size_t question, uint64_t n, struct rc_error *error)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(
        rc_engine_begin_query(world->engine, RC_BYTES_LITERAL("shop"), NULL, 0, &session, NULL),
        RC_OK);
    rc_alloc_fail_at(n);
    return questions[question].ask(rc_query_session_context(session), error);
}

static void
test_scratch_is_the_querys(void **state)
{
    (void)state;
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        struct one_stream world;
        open_world(&world, sealed == 1);
        for (size_t i = 0; i < QUESTIONS; i++) {
            struct rc_error error = {0};
            enum rc_status status = RC_OK;
            uint64_t bytes = UINT64_MAX;
            /* The log's threads may allocate at the same time, but not each time. */
            for (uint32_t n = 0; n < 20 && status == RC_OK && bytes > UNOWNED_BYTES_MAX; n++) {
                status = ask(&world, i, 0, &error);
                bytes = rc_alloc_unowned_max();
            }
            if (status != RC_OK || bytes > UNOWNED_BYTES_MAX)
                fail_msg("%s: %s %s, and %llu bytes of the process", questions[i].name,
                         rc_status_name(status), error.message, (unsigned long long)bytes);
        }
        close_world(&world);
    }
}

/* No memory at an allocation: the question fails, and nothing of it stays (the session's end
 * asserts that). */
static void
test_no_memory_on_the_way(void **state)
{
    (void)state;
    struct one_stream world;
    open_world(&world, true);
    for (size_t i = 0; i < QUESTIONS; i++) {
        uint32_t failed = 0;
        uint64_t n = 1;
        for (bool more = true; more; n += 1 + n / 8) {
            assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL),
                             RC_OK);
            const enum rc_status status = ask(&world, i, n, NULL);
            more = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_true(status == RC_OK || status == RC_NO_MEMORY);
            failed += status != RC_OK;
        }
        print_message("%s: %u failed, up to allocation %llu\n", questions[i].name, failed,
                      (unsigned long long)n);
        assert_true(failed > 0);
    }
    close_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scratch_is_the_querys),
        cmocka_unit_test(test_no_memory_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
