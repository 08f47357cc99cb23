/*
 * Sessions over a whole small project against a slow twin that reads a plain array of events; one
 * and two threads must agree. Gaps are long enough for sessions that go far past the range.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/usage/sessions.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static struct rc_scope
random_scope(void)
{
    struct rc_scope scope = {.zone = rc_bytes_of(below(2) == 0 ? "Europe/Berlin" : "")};
    scope.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS + (int64_t)below(5) * 1000;
    scope.end_ms = scope.start_ms + 1 + (int64_t)below(40) * RIG_DAY_MS + (int64_t)below(90000);
    scope.as_of_ms = below(3) == 0 ? scope.start_ms + (int64_t)below(40) * RIG_DAY_MS
                                   : RIG_START_MS + 2 * RIG_SPAN_MS;
    return scope;
}

/* One session: events [first, last] of the rig's array, which are of one person and ascend. */
struct session {
    uint32_t first;
    uint32_t last;
    uint32_t events;
    bool wanted;
};

/* The next session of a person behind event *at; false: there is none. */
static bool
next_session(const struct rig *rig,
             const struct rc_sessions_request *request,
             const struct rig_selector *selector,
             uint32_t person,
             uint32_t *at,
             struct session *ret_session)
{
    const struct rc_scope *scope = &request->scope;
    *ret_session = (struct session){0};
    for (; *at < rig->event_count; ++*at) {
        const struct rig_event *event = &rig->events[*at];
        if (event->person != person || event->time_ms > scope->as_of_ms)
            continue;
        const int64_t before_ms = rig->events[ret_session->last].time_ms;
        if (ret_session->events > 0 && event->time_ms - before_ms > request->gap_ms)
            break;
        if (ret_session->events++ == 0)
            ret_session->first = *at;
        ret_session->last = *at;
        ret_session->wanted =
            ret_session->wanted ||
            (event->time_ms >= scope->start_ms && event->time_ms < scope->end_ms &&
             rig_selects(rig, selector, event, scope->as_of_ms));
    }
    return ret_session->events > 0;
}

static int
compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool
same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : fabs(a - b) <= 1e-9 * fabs(a);
}

/* The figures of the sessions that begin in [from_ms, until_ms). */
static struct rc_sessions_figures
slow_figures(const struct rig *rig,
             const struct rc_sessions_request *request,
             const struct rig_selector *selector,
             int64_t from_ms,
             int64_t until_ms)
{
    static double lengths[RIG_EVENTS_MAX];
    struct rc_sessions_figures slow = {0};
    double events = 0;
    double seconds = 0;
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        struct session session;
        uint64_t before = slow.sessions;
        for (uint32_t at = 0; next_session(rig, request, selector, person, &at, &session);) {
            const int64_t begin_ms = rig->events[session.first].time_ms;
            if (!session.wanted || begin_ms < request->scope.start_ms ||
                begin_ms >= request->scope.end_ms || begin_ms < from_ms || begin_ms >= until_ms)
                continue;
            const double length = (double)(rig->events[session.last].time_ms - begin_ms) / 1000;
            lengths[slow.sessions++] = length;
            slow.bounces += session.events == 1;
            events += session.events;
            seconds += length;
        }
        slow.users += slow.sessions > before;
    }
    const uint64_t count = slow.sessions;
    qsort(lengths, count, sizeof(*lengths), compare_doubles);
    slow.mean_events = events / (double)count;
    slow.mean_s = seconds / (double)count;
    slow.median_s = count == 0 ? NAN : (lengths[(count - 1) / 2] + lengths[count / 2]) / 2;
    return slow;
}

static void
expect_figures(const struct rc_sessions_figures *figures, struct rc_sessions_figures slow)
{
    assert_int_equal(figures->sessions, slow.sessions);
    assert_int_equal(figures->users, slow.users);
    assert_int_equal(figures->bounces, slow.bounces);
    assert_true(same_number(figures->mean_events, slow.mean_events));
    assert_true(same_number(figures->mean_s, slow.mean_s));
    assert_true(same_number(figures->median_s, slow.median_s));
}

/* Whether an event has a value of "price", in group form. */
static bool
has_price(const struct rig_event *event, struct rc_value value)
{
    switch (event->price) {
    case 0:
        return value.kind == RC_VALUE_NULL;
    case 1:
    case 2:
        return rc_value_same(value, rc_value_int(1));
    case 4:
        return rc_value_same(value, rc_value_bool(true));
    case 6:
        return rc_value_same(value, (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 2.5});
    case 5:
        if (rc_value_same(value, rc_value_string(RC_BYTES_LITERAL("y"))))
            return true;
        break;
    default:
        break;
    }
    return rc_value_same(value, rc_value_string(RC_BYTES_LITERAL("x")));
}

static void
expect_ends(const struct rig *rig,
            const struct rc_sessions_request *request,
            const struct rig_selector *selector,
            const struct rc_session_end *ends,
            uint32_t count,
            bool exits)
{
    for (uint32_t row = 0; row < count; row++) {
        uint64_t sessions = 0;
        uint64_t bounces = 0;
        for (uint32_t person = 0; person < RIG_USERS; person++) {
            struct session session;
            for (uint32_t at = 0; next_session(rig, request, selector, person, &at, &session);) {
                const int64_t begin_ms = rig->events[session.first].time_ms;
                const struct rig_event *end = &rig->events[exits ? session.last : session.first];
                if (!session.wanted || begin_ms < request->scope.start_ms ||
                    begin_ms >= request->scope.end_ms)
                    continue;
                uint32_t shown = 0;
                for (uint32_t i = 0; i < count; i++)
                    shown +=
                        ends[i].label.kind == RC_ROW_VALUE && has_price(end, ends[i].label.value);
                const uint32_t has = end->price == 5 ? 2 : 1;
                const bool kept =
                    ends[row].label.kind == RC_ROW_TOTAL ||
                    (ends[row].label.kind == RC_ROW_OTHER ? shown < has
                                                          : has_price(end, ends[row].label.value));
                sessions += kept;
                bounces += kept && session.events == 1;
            }
        }
        assert_int_equal(ends[row].sessions, sessions);
        assert_int_equal(ends[row].bounces, bounces);
        if (row > 0 && ends[row].label.kind == RC_ROW_VALUE)
            assert_true(ends[row - 1].sessions >= sessions);
    }
    assert_int_equal(ends[count - 1].label.kind, RC_ROW_TOTAL);
}

static void
one_round(struct rig *rig)
{
    static const int64_t gaps_ms[] = {0, 1800000, RIG_HOUR_MS, RIG_DAY_MS, 5 * RIG_DAY_MS};
    const struct rig_selector selector = rig_random_selector(&random_state);
    struct rc_sessions_request request = {
        .scope = random_scope(),
        .selector = rig_predicate(rig, &selector),
        .gap_ms = gaps_ms[below(5)],
        .unit = below(4) == 0 ? 0 : (enum rc_unit)(RC_UNIT_HOUR + below(4)),
        .top_n = below(4) == 0 ? RC_TOP_NONE : 1 + below(6),
    };
    if (below(2) == 0)
        request.property = RC_BYTES_LITERAL("price");
    struct rc_sessions_reply replies[2];
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_sessions(&context, &request, &replies[threads - 1], NULL), RC_OK);
    }
    assert_int_equal(replies[0].stats.matched_events, replies[1].stats.matched_events);
    for (uint32_t i = 0; i < 2; i++) {
        const struct rc_sessions_reply *reply = &replies[i];
        expect_figures(&reply->total, slow_figures(rig, &request, &selector, INT64_MIN, INT64_MAX));
        for (uint32_t b = 0; b < reply->bucket_count; b += 1 + b / 10)
            expect_figures(&reply->figures[b],
                           slow_figures(rig, &request, &selector, reply->buckets[b].start_ms,
                                        reply->buckets[b].end_ms));
        assert_int_equal(reply->entry_count > 0, request.property.size > 0);
        if (request.property.size == 0)
            continue;
        expect_ends(rig, &request, &selector, reply->entries, reply->entry_count, false);
        expect_ends(rig, &request, &selector, reply->exits, reply->exit_count, true);
    }
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 4713);
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
    struct rc_sessions_reply reply;
    struct rc_sessions_request request = {.scope = {.start_ms = RIG_START_MS,
                                                    .end_ms = RIG_START_MS + RIG_DAY_MS,
                                                    .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
                                          .selector = &any,
                                          .gap_ms = -1};
    assert_int_equal(rc_query_sessions(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "gap_ms");
    request.gap_ms = RC_SESSION_GAP_MS_MAX + 1;
    assert_int_equal(rc_query_sessions(&context, &request, &reply, &error), RC_INVALID);
    request.gap_ms = RC_SESSION_GAP_MS_MAX;
    assert_int_equal(rc_query_sessions(&context, &request, &reply, &error), RC_OK);
    request.top_n = RC_BREAKDOWN_ROWS_MAX + 1;
    assert_int_equal(rc_query_sessions(&context, &request, &reply, &error), RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "top");
    request.top_n = 0;
    request.unit = RC_UNIT_SECOND;
    assert_int_equal(rc_query_sessions(&context, &request, &reply, &error), RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "bucket.unit");
    request.unit = RC_UNIT_DAY;
    const _Atomic(bool) cancel = true;
    context.cancel = &cancel;
    assert_int_equal(rc_query_sessions(&context, &request, &reply, NULL), RC_CANCELLED);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(against_a_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
