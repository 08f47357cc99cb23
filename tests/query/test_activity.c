/*
 * Lifecycle and stickiness over a whole small project against slow twins that read a plain array of
 * events; one and two threads must agree, and so must the figures among themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/time/calendar.h"
#include "engine/query/usage/lifecycle.h"
#include "engine/query/usage/stickiness.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u
#define BUCKETS_MAX 2000u

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

/* A person's matching events in [from_ms, until_ms). */
static uint32_t
events_in(const struct rig *rig,
          const struct rig_selector *selector,
          uint32_t person,
          int64_t as_of_ms,
          int64_t from_ms,
          int64_t until_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        count += event->person == person && event->time_ms >= from_ms &&
                 event->time_ms < until_ms && event->time_ms <= as_of_ms &&
                 rig_selects(rig, selector, event, as_of_ms);
    }
    return count;
}

static int64_t
later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Lifecycle ------------------------------------------------------------------------------- */

/* Where the bucket before the range begins. */
static int64_t
start_before(const struct rig *rig, const struct rc_lifecycle_request *request, int64_t end_ms)
{
    struct rc_calendar calendar;
    const struct rc_bucket *buckets;
    uint32_t count;
    const struct rc_bucket_request wanted = {.unit = request->unit,
                                             .start_ms = end_ms - 1,
                                             .end_ms = end_ms,
                                             .bucket_max = 1,
                                             .field = "unit"};
    assert_int_equal(rc_calendar_make(request->scope.zone, 0, &calendar, NULL), RC_OK);
    assert_int_equal(rc_calendar_buckets(&calendar, &wanted, rig->arena, &buckets, &count, NULL),
                     RC_OK);
    return buckets[0].start_ms;
}

static void
expect_lifecycle(const struct rig *rig,
                 const struct rig_selector *selector,
                 const struct rc_lifecycle_request *request,
                 const struct rc_lifecycle_reply *reply)
{
    const struct rc_scope *scope = &request->scope;
    for (uint32_t bucket = 0; bucket < reply->bucket_count; bucket++) {
        const struct rc_lifecycle_counts *counts = &reply->counts[bucket];
        struct rc_lifecycle_counts slow = {0};
        const int64_t from_ms = later_of(reply->buckets[bucket].start_ms, scope->start_ms);
        const int64_t until_ms = reply->buckets[bucket].end_ms < scope->end_ms
                                     ? reply->buckets[bucket].end_ms
                                     : scope->end_ms;
        const int64_t before_ms =
            bucket > 0 ? later_of(reply->buckets[bucket - 1].start_ms, scope->start_ms)
                       : start_before(rig, request, reply->buckets[0].start_ms);
        for (uint32_t person = 0; person < RIG_USERS; person++) {
            const int64_t as_of_ms = scope->as_of_ms;
            const int64_t edge_ms = reply->buckets[bucket].start_ms;
            const bool now = events_in(rig, selector, person, as_of_ms, from_ms, until_ms) > 0;
            const bool before = events_in(rig, selector, person, as_of_ms, before_ms, edge_ms) > 0;
            const bool ever = events_in(rig, selector, person, as_of_ms, INT64_MIN, from_ms) > 0;
            slow.new_users += now && !ever;
            slow.returning_users += now && before;
            slow.resurrecting_users += now && ever && !before;
            slow.dormant_users += !now && before;
        }
        assert_int_equal(counts->begun, from_ms <= scope->as_of_ms);
        if (!counts->begun)
            slow = (struct rc_lifecycle_counts){0};
        assert_int_equal(counts->new_users, slow.new_users);
        assert_int_equal(counts->returning_users, slow.returning_users);
        assert_int_equal(counts->resurrecting_users, slow.resurrecting_users);
        assert_int_equal(counts->dormant_users, slow.dormant_users);
    }
}

/* New, returning and resurrecting users are the unique users of a series; those of the bucket
 * before come back or go dormant. */
static void
expect_agreement(struct rig *rig,
                 const struct rc_lifecycle_request *request,
                 const struct rc_lifecycle_reply *reply)
{
    const struct rc_query_context context = rig_context(rig, 2);
    const struct rc_series series = {.selector = request->selector, .measure = RC_MEASURE_UNIQUE};
    const struct rc_series_request asked = {
        .scope = request->scope, .unit = request->unit, .series_count = 1, .series = &series};
    struct rc_series_reply answer;
    assert_int_equal(rc_query_series(&context, &asked, &answer, NULL), RC_OK);
    assert_int_equal(answer.bucket_count, reply->bucket_count);
    for (uint32_t bucket = 0; bucket < reply->bucket_count; bucket++) {
        const struct rc_lifecycle_counts *counts = &reply->counts[bucket];
        const uint64_t active =
            counts->new_users + counts->returning_users + counts->resurrecting_users;
        assert_true((double)active == answer.rows[0].values[bucket]);
        if (bucket > 0 && counts->begun)
            assert_true((double)(counts->returning_users + counts->dormant_users) ==
                        answer.rows[0].values[bucket - 1]);
    }
}

static void
one_lifecycle_round(struct rig *rig)
{
    const struct rig_selector selector = rig_random_selector(&random_state);
    struct rc_lifecycle_request request = {
        .scope = random_scope(), .selector = rig_predicate(rig, &selector), .unit = RC_UNIT_DAY};
    struct rc_lifecycle_reply replies[2];
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_lifecycle(&context, &request, &replies[threads - 1], NULL),
                         RC_OK);
    }
    assert_int_equal(replies[0].stats.matched_events, replies[1].stats.matched_events);
    assert_memory_equal(replies[0].counts, replies[1].counts,
                        replies[0].bucket_count * sizeof(*replies[0].counts));
    expect_lifecycle(rig, &selector, &request, &replies[0]);
    expect_agreement(rig, &request, &replies[0]);
    request.unit = (enum rc_unit)(RC_UNIT_HOUR + below(6));
    const struct rc_query_context context = rig_context(rig, 2);
    assert_int_equal(rc_query_lifecycle(&context, &request, &replies[0], NULL), RC_OK);
    expect_agreement(rig, &request, &replies[0]);
}

/* ---- Stickiness ------------------------------------------------------------------------------ */

static void
slow_stickiness(const struct rig *rig,
                const struct rig_selector *selector,
                const struct rc_stickiness_request *request,
                const struct rc_stickiness_reply *reply,
                uint64_t users[BUCKETS_MAX])
{
    const struct rc_scope *scope = &request->scope;
    memset(users, 0, BUCKETS_MAX * sizeof(*users));
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        uint32_t active = 0;
        for (uint32_t bucket = 0; bucket < reply->bucket_count; bucket++) {
            const struct rc_bucket *at = &reply->buckets[bucket];
            active += events_in(rig, selector, person, scope->as_of_ms,
                                later_of(at->start_ms, scope->start_ms),
                                at->end_ms < scope->end_ms ? at->end_ms : scope->end_ms) >=
                      request->min_events;
        }
        for (uint32_t k = request->at_least ? 1 : active; k > 0 && k <= active; k++)
            users[k - 1]++;
    }
}

static void
one_stickiness_round(struct rig *rig)
{
    static uint64_t slow[BUCKETS_MAX];
    const struct rig_selector selector = rig_random_selector(&random_state);
    struct rc_stickiness_request request = {.scope = random_scope(),
                                            .selector = rig_predicate(rig, &selector),
                                            .unit = (enum rc_unit)(RC_UNIT_HOUR + below(4)),
                                            .min_events = 1 + below(3),
                                            .at_least = below(2) == 0,
                                            .compare = (enum rc_compare_kind)below(3),
                                            .shift_unit = RC_UNIT_DAY + below(2),
                                            .shift_count = 1 + below(9)};
    struct rc_stickiness_reply replies[2];
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_stickiness(&context, &request, &replies[threads - 1], NULL),
                         RC_OK);
    }
    const struct rc_stickiness_reply *reply = &replies[0];
    const size_t bytes = reply->place_count * sizeof(uint64_t);
    assert_true(reply->place_count >= reply->bucket_count && reply->place_count <= BUCKETS_MAX);
    assert_memory_equal(reply->counts.users, replies[1].counts.users, bytes);
    slow_stickiness(rig, &selector, &request, reply, slow);
    assert_memory_equal(reply->counts.users, slow, bytes);
    if (request.compare == RC_COMPARE_NONE) {
        assert_null(reply->compared.users);
        return;
    }
    /* The earlier time is the same question about another range. */
    struct rc_stickiness_reply earlier;
    struct rc_stickiness_request again = request;
    again.compare = RC_COMPARE_NONE;
    again.scope.start_ms = reply->compared_start_ms;
    again.scope.end_ms = reply->compared_end_ms;
    if (request.compare == RC_COMPARE_PREVIOUS) {
        assert_int_equal(reply->compared_end_ms, request.scope.start_ms);
        assert_int_equal(reply->compared_end_ms - reply->compared_start_ms,
                         request.scope.end_ms - request.scope.start_ms);
    }
    const struct rc_query_context context = rig_context(rig, 2);
    assert_int_equal(rc_query_stickiness(&context, &again, &earlier, NULL), RC_OK);
    assert_int_equal(reply->compared.active_users, earlier.counts.active_users);
    assert_memory_equal(reply->compared.users, earlier.counts.users,
                        earlier.place_count * sizeof(uint64_t));
}

static void
against_slow_twins(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 4712);
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 3; i++) {
            one_lifecycle_round(rig);
            one_stickiness_round(rig);
        }
        rig_free(rig);
    }
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void
bad_requests_name_the_field(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    struct rc_query_context context = rig_context(rig, 2);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_scope scope = {
        .start_ms = RIG_START_MS, .end_ms = RIG_START_MS + RIG_DAY_MS, .as_of_ms = RIG_START_MS};
    struct rc_lifecycle_reply lifecycle;
    struct rc_lifecycle_request life = {.scope = scope, .selector = &any};
    assert_int_equal(rc_query_lifecycle(&context, &life, &lifecycle, &error), RC_INVALID);
    assert_string_equal(error.field, "bucket.unit");
    life.unit = RC_UNIT_SECOND;
    assert_int_equal(rc_query_lifecycle(&context, &life, &lifecycle, &error), RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "bucket.unit");
    life.selector = NULL;
    life.unit = RC_UNIT_DAY;
    assert_int_equal(rc_query_lifecycle(&context, &life, &lifecycle, &error), RC_INVALID);
    assert_string_equal(error.field, "selector");
    struct rc_stickiness_reply stickiness;
    struct rc_stickiness_request stick = {.scope = scope, .selector = &any, .unit = RC_UNIT_DAY};
    assert_int_equal(rc_query_stickiness(&context, &stick, &stickiness, &error), RC_INVALID);
    assert_string_equal(error.field, "min_events_per_bucket");
    stick.min_events = 1;
    stick.compare = RC_COMPARE_SHIFT; /* The 30th and the 31st of March are the 29th of February. */
    stick.shift_unit = RC_UNIT_MONTH;
    stick.shift_count = 1;
    stick.scope.start_ms += 29 * RIG_DAY_MS;
    stick.scope.end_ms += 29 * RIG_DAY_MS;
    assert_int_equal(rc_query_stickiness(&context, &stick, &stickiness, &error), RC_OK);
    assert_int_equal(stickiness.compared_start_ms, stickiness.compared_end_ms);
    assert_int_equal(stickiness.compared.active_users, 0);
    stick.shift_count = 100000;
    assert_int_equal(rc_query_stickiness(&context, &stick, &stickiness, &error), RC_INVALID);
    assert_string_equal(error.field, "comparison");
    stick.compare = RC_COMPARE_NONE;
    assert_int_equal(rc_query_stickiness(&context, &stick, &stickiness, &error), RC_OK);
    const _Atomic(bool) cancel = true;
    context.cancel = &cancel;
    assert_int_equal(rc_query_stickiness(&context, &stick, &stickiness, NULL), RC_CANCELLED);
    life.selector = &any;
    assert_int_equal(rc_query_lifecycle(&context, &life, &lifecycle, NULL), RC_CANCELLED);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(against_slow_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
