/* The list of users over a whole small project against a slow twin: pages put together, counts,
 * times, properties; one and two threads must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/list/users.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 80u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static bool
is_wanted(const struct rc_users_request *request, const char *property)
{
    for (uint32_t i = 0; i < request->property_count; i++)
        if (rc_bytes_equal(request->properties[i], rc_bytes_of(property)))
            return true;
    return request->property_count == 0;
}

static void
expect_row(const struct rig *rig,
           const struct rc_users_request *request,
           const struct rig_selector *selector,
           const struct rc_user_row *row)
{
    static const char *const plans[] = {"free", "pro", "team"};
    const struct rc_scope *scope = &request->scope;
    const uint32_t user = rc_view_find_user(rig->view, row->id);
    assert_int_not_equal(user, RC_CODE_NONE);
    const uint32_t person = rc_view_person_of(rig->view, user);
    uint64_t count = 0;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person != person || event->time_ms < scope->start_ms ||
            event->time_ms >= scope->end_ms || event->time_ms > scope->as_of_ms ||
            !rig_selects(rig, selector, event, scope->as_of_ms))
            continue;
        first_ms = count == 0 ? event->time_ms : first_ms; /* Times of a person ascend. */
        last_ms = event->time_ms;
        count++;
    }
    assert_int_equal(row->events.event_count, count);
    assert_int_equal(row->events.first_ms, first_ms);
    assert_int_equal(row->events.last_ms, last_ms);
    const uint32_t plan = rig_plan_of(rig, person, scope->as_of_ms);
    const bool has_plan = plan != RIG_NO_PLAN && is_wanted(request, "plan");
    assert_int_equal(row->property_count, has_plan);
    if (has_plan)
        assert_true(
            rc_value_same(row->properties[0].value, rc_value_string(rc_bytes_of(plans[plan]))));
}

/* All users at once are those of the pages, in their order. */
static void
expect_stream(struct rig *rig,
              const struct rc_users_request *request,
              const struct rig_selector *selector,
              uint64_t expected)
{
    const struct rc_query_context context = rig_context(rig, 1 + below(2));
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_users_stream *stream = NULL;
    struct rc_query_stats stats;
    char last[RC_USER_ID_BYTES_MAX];
    struct rc_bytes before = {last, 0};
    uint64_t count = 0;
    assert_int_equal(rc_users_stream_open(&context, request, &stats, &stream, NULL), RC_OK);
    assert_int_equal(rc_users_stream_property_count(stream), is_wanted(request, "plan"));
    for (;;) {
        struct rc_user_row row;
        bool more = false;
        rc_arena_reset(arena);
        assert_int_equal(rc_users_stream_next(stream, arena, &row, &more, NULL), RC_OK);
        if (!more)
            break;
        assert_true(count == 0 || rc_bytes_compare(before, row.id) < 0);
        memcpy(last, row.id.data, row.id.size);
        before.size = row.id.size;
        expect_row(rig, request, selector, &row);
        count++;
    }
    assert_int_equal(count, expected);
    rc_users_stream_close(stream);
}

static void
one_round(struct rig *rig)
{
    const struct rig_selector selector = rig_random_selector(&random_state);
    const struct rc_segment segment = {.kind = RC_SEGMENT_USER,
                                       .predicate = rig_plan_predicate(rig, 1)};
    struct rc_users_request request = {.selector = rig_predicate(rig, &selector),
                                       .page_rows = 1 + below(20)};
    request.scope.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS;
    request.scope.end_ms = request.scope.start_ms + 1 + (int64_t)below(40) * RIG_DAY_MS;
    request.scope.as_of_ms = RIG_START_MS + (int64_t)below(90) * RIG_DAY_MS;
    const struct rc_bytes names[] = {RC_BYTES_LITERAL("nothing"), RC_BYTES_LITERAL("plan")};
    request.properties = names;
    request.property_count = below(3);
    if (below(2) == 0)
        request.scope.segment = &segment;
    uint64_t listed = 0;
    uint64_t expected = 0;
    for (uint32_t user = 0; user < RIG_USERS; user++)
        expected +=
            rig->person[user] == user && rig_knows(rig, user, request.scope.as_of_ms) &&
            (request.scope.segment == NULL || rig_plan_of(rig, user, request.scope.as_of_ms) == 1);
    bool more = true;
    while (more) {
        struct rc_users_reply reply;
        const struct rc_query_context context = rig_context(rig, 1 + below(2));
        assert_int_equal(rc_query_users(&context, &request, &reply, NULL), RC_OK);
        assert_int_equal(reply.users, expected);
        for (uint32_t i = 0; i < reply.row_count; i++) {
            assert_true(request.after.size == 0 ||
                        rc_bytes_compare(request.after, reply.rows[i].id) < 0);
            request.after = reply.rows[i].id;
            expect_row(rig, &request, &selector, &reply.rows[i]);
        }
        listed += reply.row_count;
        more = reply.more;
        assert_true(!more || reply.row_count == request.page_rows);
    }
    assert_int_equal(listed, expected);
    expect_stream(rig, &request, &selector, expected);
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 4715);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 3; i++)
            one_round(rig);
        rig_free(rig);
    }
}

static void
bad_requests_name_the_field(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    struct rc_query_context context = rig_context(rig, 2);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    struct rc_users_reply reply;
    struct rc_users_request request = {
        .scope = {.start_ms = 0, .end_ms = RIG_START_MS, .as_of_ms = RIG_START_MS},
        .selector = &any};
    assert_int_equal(rc_query_users(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "page_size");
    request.page_rows = RC_PAGE_ROWS_MAX + 1;
    assert_int_equal(rc_query_users(&context, &request, &reply, &error), RC_INVALID);
    request.page_rows = RC_PAGE_ROWS_MAX;
    assert_int_equal(rc_query_users(&context, &request, &reply, &error), RC_OK);
    request.selector = NULL;
    assert_int_equal(rc_query_users(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "selector");
    rig_free(rig);
}

static void
a_stream_can_be_cancelled(void **state)
{
    (void)state;
    uint64_t seed = 2;
    struct rig *rig = rig_new(&seed);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_users_request request = {
        .scope = {.start_ms = 0, .end_ms = RIG_START_MS, .as_of_ms = RIG_START_MS},
        .selector = &any};
    _Atomic(bool) cancel = false;
    struct rc_query_context context = rig_context(rig, 1);
    struct rc_users_stream *stream = NULL;
    struct rc_query_stats stats;
    struct rc_user_row row;
    bool more;
    context.cancel = &cancel;
    assert_int_equal(rc_users_stream_open(&context, &request, &stats, &stream, NULL), RC_OK);
    assert_int_equal(rc_users_stream_next(stream, context.arena, &row, &more, NULL), RC_OK);
    cancel = true;
    assert_int_equal(rc_users_stream_next(stream, context.arena, &row, &more, NULL), RC_CANCELLED);
    assert_int_equal(rc_users_stream_open(&context, &request, &stats, &stream, NULL), RC_CANCELLED);
    rc_users_stream_close(stream);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(a_stream_can_be_cancelled),
        cmocka_unit_test(against_a_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
