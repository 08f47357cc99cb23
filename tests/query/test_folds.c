/*
 * Folds over a whole small project (slabs, heads, dead rows, joined users) against slow twins that
 * read a plain array of events; one and two threads must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/funnel/funnel.h"
#include "engine/query/retention/retention.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 150u

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

static bool
in_range(const struct rc_scope *scope, const struct rig_event *event)
{
    return event->time_ms >= scope->start_ms && event->time_ms < scope->end_ms &&
           event->time_ms <= scope->as_of_ms;
}

/* ---- Series ---------------------------------------------------------------------------------- */

/* Counts events, or persons, of the range that keep(argument, event) keeps. */
static double
slow_measure(const struct rig *rig,
             const struct rc_series_request *request,
             const struct rig_selector *selector,
             enum rc_measure measure,
             int64_t start_ms,
             int64_t end_ms,
             const struct rc_row_label *label,
             const struct rc_series_reply *reply,
             uint32_t series)
{
    bool seen[RIG_USERS] = {false};
    double count = 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (!in_range(&request->scope, event) || event->time_ms < start_ms ||
            event->time_ms >= end_ms || !rig_selects(rig, selector, event, request->scope.as_of_ms))
            continue;
        if (label->kind != RC_ROW_TOTAL) {
            struct rc_value values[2] = {rc_value_null(), rc_value_null()};
            uint32_t value_count = 1;
            if (request->breakdown->scope == RC_LEAF_USER) {
                static const char *const plans[] = {"free", "pro", "team"};
                const uint32_t plan = rig_plan_of(rig, event->person, request->scope.as_of_ms);
                if (plan != RIG_NO_PLAN)
                    values[0] = rc_value_string(rc_bytes_of(plans[plan]));
            } else if (event->price == 1 || event->price == 2) {
                values[0] = rc_value_int(1);
            } else if (event->price == 3 || event->price == 5) {
                values[0] = rc_value_string(RC_BYTES_LITERAL("x"));
                values[1] = rc_value_string(RC_BYTES_LITERAL("y"));
                value_count = event->price == 5 ? 2 : 1;
            } else if (event->price == 4) {
                values[0] = rc_value_bool(true);
            } else if (event->price == 6) {
                values[0] = (struct rc_value){.kind = RC_VALUE_DOUBLE, .real = 2.5};
            }
            bool kept = false;
            for (uint32_t v = 0; v < value_count; v++) {
                bool shown = false;
                for (uint32_t row = 0; row < reply->row_count; row++)
                    shown = shown || (reply->rows[row].series == series &&
                                      reply->rows[row].label.kind == RC_ROW_VALUE &&
                                      rc_value_same(reply->rows[row].label.value, values[v]));
                kept =
                    kept ||
                    (label->kind == RC_ROW_OTHER ? !shown : rc_value_same(label->value, values[v]));
            }
            if (!kept)
                continue;
        }
        if (measure == RC_MEASURE_UNIQUE && seen[event->person])
            continue;
        seen[event->person] = true;
        count++;
    }
    return count;
}

static void
expect_same_series(const struct rc_series_reply *a, const struct rc_series_reply *b)
{
    assert_int_equal(a->bucket_count, b->bucket_count);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->stats.matched_events, b->stats.matched_events);
    for (uint32_t row = 0; row < a->row_count; row++) {
        assert_int_equal(a->rows[row].label.kind, b->rows[row].label.kind);
        assert_true(rc_value_same(a->rows[row].label.value, b->rows[row].label.value));
        assert_true(a->rows[row].total == b->rows[row].total);
        for (uint32_t i = 0; i < a->bucket_count; i++)
            assert_true(a->rows[row].values[i] == b->rows[row].values[i]);
    }
}

static void
one_series_round(struct rig *rig)
{
    struct rig_selector selectors[3];
    struct rc_series series[3];
    struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("price")};
    struct rc_series_request request = {.scope = random_scope(),
                                        .unit = (enum rc_unit)(RC_UNIT_HOUR + below(4)),
                                        .series_count = 1 + below(3),
                                        .series = series,
                                        .top_n = 1 + below(5)};
    if (below(3) == 0)
        breakdown =
            (struct rc_breakdown){.scope = RC_LEAF_USER, .property = RC_BYTES_LITERAL("plan")};
    if (below(2) == 0)
        request.breakdown = &breakdown;
    const struct rc_segment segment = {.kind = RC_SEGMENT_USER,
                                       .predicate = rig_plan_predicate(rig, 1)};
    const bool filtered = below(4) == 0;
    if (filtered)
        request.scope.segment = &segment;
    for (uint32_t i = 0; i < request.series_count; i++) {
        selectors[i] = rig_random_selector(&random_state);
        if (filtered)
            selectors[i].plan = RIG_NO_PLAN;
        series[i] = (struct rc_series){.selector = rig_predicate(rig, &selectors[i]),
                                       .measure = (enum rc_measure)(1 + below(2))};
        if (filtered)
            selectors[i].plan = 1; /* What the segment says. */
    }
    struct rc_series_reply replies[2];
    struct rc_error error;
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        const enum rc_status status =
            rc_query_series(&context, &request, &replies[threads - 1], &error);
        if (status != RC_OK)
            print_message("%s: %s\n", error.field, error.message);
        assert_int_equal(status, RC_OK);
    }
    expect_same_series(&replies[0], &replies[1]);
    const struct rc_series_reply *reply = &replies[0];
    double before = 0;
    for (uint32_t r = 0; r < reply->row_count; r++) {
        const struct rc_series_row *row = &reply->rows[r];
        const enum rc_measure measure = series[row->series].measure;
        const struct rig_selector *selector = &selectors[row->series];
        assert_true(row->total == slow_measure(rig, &request, selector, measure, INT64_MIN,
                                               INT64_MAX, &row->label, reply, row->series));
        for (uint32_t b = 0; b < reply->bucket_count; b++)
            assert_true(row->values[b] ==
                        slow_measure(rig, &request, selector, measure, reply->buckets[b].start_ms,
                                     reply->buckets[b].end_ms, &row->label, reply, row->series));
        if (r > 0 && reply->rows[r - 1].series == row->series && row->label.kind == RC_ROW_VALUE) {
            assert_true(before >= row->total);
            if (before == row->total)
                assert_true(rc_value_compare(reply->rows[r - 1].label.value, row->label.value) < 0);
        }
        before = row->total;
    }
}

/* ---- Retention ------------------------------------------------------------------------------- */

/* The event with which a person enters the cohort of `period`; NULL: none. */
static const struct rig_event *
cohort_entry(const struct rig *rig,
             const struct rc_retention_request *request,
             const struct rig_selector *start,
             const struct rc_bucket *period,
             uint32_t person)
{
    const int64_t as_of_ms = request->scope.as_of_ms;
    const struct rig_event *first = NULL;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person != person || event->time_ms > as_of_ms ||
            !rig_selects(rig, start, event, as_of_ms))
            continue;
        const bool inside = in_range(&request->scope, event);
        if (first == NULL && (inside || request->cohort == RC_COHORT_FIRST_TIME))
            first = event;
        if (request->cohort != RC_COHORT_RECURRING && event != first)
            continue;
        if (inside && event->time_ms >= period->start_ms && event->time_ms < period->end_ms)
            return event;
    }
    return NULL;
}

static bool
returned_in(const struct rig *rig,
            const struct rc_retention_request *request,
            const struct rig_selector *back,
            const struct rig_event *entry,
            const struct rc_bucket *cell)
{
    const int64_t as_of_ms = request->scope.as_of_ms;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person != entry->person || event->time_ms > as_of_ms || event == entry ||
            event->time_ms < entry->time_ms || !rig_selects(rig, back, event, as_of_ms))
            continue;
        if (event->time_ms >= cell->start_ms &&
            (request->on_or_after || event->time_ms < cell->end_ms))
            return true;
    }
    return false;
}

/* A cohort against persons gone through one by one; `periods` begin with the cohort's own. */
static void
check_cohort(const struct rc_retention_request *request,
             const struct rc_retention_cohort *cohort,
             const struct rc_bucket *periods,
             uint64_t users,
             const uint64_t *cells)
{
    const int64_t as_of_ms = request->scope.as_of_ms;
    assert_int_equal(cohort->users, users);
    for (uint32_t n = 0; n < request->period_count; n++) {
        const struct rc_retention_cell *cell = &cohort->cells[n];
        int64_t begin_ms = periods[n].start_ms;
        if (n == 0 && begin_ms < request->scope.start_ms)
            begin_ms = request->scope.start_ms;
        assert_int_equal(cell->state, as_of_ms >= periods[n].end_ms ? RC_CELL_ELAPSED
                                      : as_of_ms >= begin_ms        ? RC_CELL_BEGUN
                                                                    : RC_CELL_NOT_BEGUN);
        assert_int_equal(cell->users, cell->state == RC_CELL_NOT_BEGUN ? 0 : cells[n]);
    }
}

static void
check_retention_summary(const struct rc_retention_request *request,
                        const struct rc_retention_reply *reply)
{
    for (uint32_t n = 0; n < request->period_count; n++) {
        uint64_t users = 0;
        uint64_t cohort_users = 0;
        for (uint32_t c = 0; c < reply->cohort_count; c++) {
            if (reply->rows[0].cohorts[c].cells[n].state != RC_CELL_ELAPSED)
                continue;
            users += reply->rows[0].cohorts[c].cells[n].users;
            cohort_users += reply->rows[0].cohorts[c].users;
        }
        assert_int_equal(reply->rows[0].summary[n].users, users);
        assert_int_equal(reply->rows[0].summary[n].cohort_users, cohort_users);
    }
}

static void
one_retention_round(struct rig *rig)
{
    const struct rig_selector start = rig_random_selector(&random_state);
    const struct rig_selector back = below(2) == 0 ? start : rig_random_selector(&random_state);
    const struct rc_retention_request request = {
        .scope = random_scope(),
        .unit = below(2) == 0 ? RC_UNIT_DAY : RC_UNIT_WEEK,
        .cohort = (enum rc_cohort_kind)(1 + below(3)),
        .start = rig_predicate(rig, &start),
        .back = rig_predicate(rig, &back),
        .period_count = 1 + below(8),
        .on_or_after = below(2) == 0,
    };
    struct rc_retention_reply replies[2];
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_retention(&context, &request, &replies[threads - 1], NULL),
                         RC_OK);
    }
    /* Periods behind the range: asked for as a series over a longer range. */
    const struct rc_series series = {.selector = request.start, .measure = RC_MEASURE_COUNT};
    struct rc_series_request longer = {
        .scope = request.scope, .unit = request.unit, .series_count = 1, .series = &series};
    struct rc_series_reply periods;
    longer.scope.end_ms += 10 * 7 * RIG_DAY_MS;
    const struct rc_query_context context = rig_context(rig, 1);
    assert_int_equal(rc_query_series(&context, &longer, &periods, NULL), RC_OK);
    for (uint32_t c = 0; c < replies[0].cohort_count; c++) {
        uint64_t users = 0;
        uint64_t cells[8] = {0};
        for (uint32_t person = 0; person < RIG_USERS; person++) {
            const struct rig_event *entry =
                cohort_entry(rig, &request, &start, &periods.buckets[c], person);
            users += entry != NULL;
            for (uint32_t n = 0; entry != NULL && n < request.period_count; n++)
                cells[n] += returned_in(rig, &request, &back, entry, &periods.buckets[c + n]);
        }
        for (uint32_t threads = 1; threads <= 2; threads++)
            check_cohort(&request, &replies[threads - 1].rows[0].cohorts[c], &periods.buckets[c],
                         users, cells);
    }
    check_retention_summary(&request, &replies[0]);
}

/* ---- Funnel ---------------------------------------------------------------------------------- */

/* How many steps a person reaches, by trying every chain of three. */
static uint32_t
slow_depth(const struct rig *rig,
           const struct rc_funnel_request *request,
           const struct rig_selector *selectors,
           uint32_t person)
{
    const struct rc_scope *scope = &request->scope;
    uint32_t depth = 0;
    int64_t first_ms = INT64_MAX;
    const struct rig_event *end = rig->events + rig->event_count;
    for (const struct rig_event *a = rig->events; a < end; a++)
        if (a->person == person && in_range(scope, a) && a->time_ms < first_ms &&
            rig_selects(rig, &selectors[0], a, scope->as_of_ms))
            first_ms = a->time_ms;
    for (const struct rig_event *a = rig->events; a < end; a++) {
        if (a->person != person || !in_range(scope, a) ||
            !rig_selects(rig, &selectors[0], a, scope->as_of_ms) ||
            (request->first_only && a->time_ms != first_ms))
            continue;
        depth = depth < 1 ? 1 : depth;
        for (const struct rig_event *b = rig->events; b < end; b++) {
            if (b->person != person || b == a || b->time_ms < a->time_ms ||
                (request->strict_times && b->time_ms == a->time_ms) ||
                b->time_ms > scope->as_of_ms ||
                (request->window_ms >= 0 && b->time_ms - a->time_ms > request->window_ms) ||
                !rig_selects(rig, &selectors[1], b, scope->as_of_ms))
                continue;
            depth = depth < 2 ? 2 : depth;
            for (const struct rig_event *c = rig->events; c < end; c++) {
                if (c->person == person && c != a && c != b && c->time_ms >= b->time_ms &&
                    !(request->strict_times && c->time_ms == b->time_ms) &&
                    c->time_ms <= scope->as_of_ms &&
                    !(request->window_ms >= 0 && c->time_ms - a->time_ms > request->window_ms) &&
                    rig_selects(rig, &selectors[2], c, scope->as_of_ms))
                    return 3;
            }
        }
    }
    return depth;
}

static void
one_funnel_round(struct rig *rig)
{
    struct rig_selector selectors[3];
    const struct rc_predicate *steps[3];
    const struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT,
                                           .property = RC_BYTES_LITERAL("price")};
    for (uint32_t i = 0; i < 3; i++) {
        selectors[i] = rig_random_selector(&random_state);
        steps[i] = rig_predicate(rig, &selectors[i]);
    }
    const struct rc_funnel_request request = {
        .scope = random_scope(),
        .step_count = 3,
        .steps = steps,
        .window_ms = below(3) == 0 ? -1 : (int64_t)below(20) * RIG_DAY_MS,
        .first_only = below(3) == 0,
        .strict_times = below(3) == 0,
        .breakdown = below(2) == 0 ? &breakdown : NULL,
        .top_n = 2,
    };
    struct rc_funnel_reply replies[2];
    for (uint32_t threads = 1; threads <= 2; threads++) {
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_funnel(&context, &request, &replies[threads - 1], NULL), RC_OK);
    }
    uint64_t users[3] = {0};
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        const uint32_t depth = slow_depth(rig, &request, selectors, person);
        for (uint32_t step = 0; step < depth; step++)
            users[step]++;
    }
    assert_int_equal(replies[0].row_count, replies[1].row_count);
    for (uint32_t row = 0; row < replies[0].row_count; row++) {
        const struct rc_funnel_step *a = replies[0].rows[row].steps;
        const struct rc_funnel_step *b = replies[1].rows[row].steps;
        for (uint32_t step = 0; step < 3; step++) {
            assert_int_equal(a[step].users, b[step].users);
            assert_memory_equal(&a[step].mean_s_from_first, &b[step].mean_s_from_first, 8);
            assert_memory_equal(&a[step].median_s_from_previous, &b[step].median_s_from_previous,
                                8);
        }
    }
    const struct rc_funnel_row *total = &replies[0].rows[replies[0].row_count - 1];
    assert_int_equal(total->label.kind, RC_ROW_TOTAL);
    for (uint32_t step = 0; step < 3; step++)
        assert_int_equal(total->steps[step].users, users[step]);
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void
one_events_round(struct rig *rig)
{
    const struct rig_selector selector = rig_random_selector(&random_state);
    const uint32_t user = below(RIG_USERS);
    const uint32_t person = rig->person[user];
    struct rc_event_place place;
    struct rc_events_request request = {
        .scope = random_scope(),
        .user_id = rc_view_user_id(rig->view, user),
        .selector = rig_predicate(rig, &selector),
        .descending = below(2) == 0,
        .page_rows = 1 + below(4),
    };
    const struct rig_event *expected[RIG_EVENTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person == person && in_range(&request.scope, event) &&
            rig_selects(rig, &selector, event, request.scope.as_of_ms))
            expected[count++] = event;
    }
    struct rc_events_reply reply = {.more = true};
    uint32_t at = 0;
    while (reply.more) {
        const struct rc_query_context context = rig_context(rig, 1);
        assert_int_equal(rc_query_events(&context, &request, &reply, NULL), RC_OK);
        for (uint32_t i = 0; i < reply.event_count; i++, at++) {
            assert_true(at < count);
            const struct rig_event *event = expected[request.descending ? count - 1 - at : at];
            char text[24];
            assert_int_equal(reply.events[i].place.time_ms, event->time_ms);
            assert_true(
                rc_bytes_equal(reply.events[i].place.event_id, rc_event_id_text(&event->id, text)));
            assert_true(rc_bytes_equal(reply.events[i].place.user_id,
                                       rc_view_user_id(rig->view, event->user)));
            const uint32_t properties =
                (event->name != RIG_NAMES ? 1u : 0u) + (event->price != 0 ? 1u : 0u);
            assert_int_equal(reply.events[i].property_count, properties);
            place = reply.events[i].place;
        }
        request.after = &place;
    }
    assert_int_equal(at, count);
    const bool has_plan = rig_plan_of(rig, person, request.scope.as_of_ms) != RIG_NO_PLAN;
    assert_int_equal(reply.user_property_count, has_plan ? 1 : 0);
}

static void
against_slow_twins(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 4711);
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 3; i++) {
            one_series_round(rig);
            one_retention_round(rig);
            one_funnel_round(rig);
            one_events_round(rig);
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
    const struct rc_query_context context = rig_context(rig, 2);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_predicate *steps[65];
    struct rc_funnel_reply funnel;
    struct rc_funnel_request request = {.scope = {.start_ms = 0, .end_ms = 10, .as_of_ms = 20},
                                        .step_count = 65,
                                        .steps = steps,
                                        .window_ms = -1};
    for (uint32_t i = 0; i < 65; i++)
        steps[i] = &any;
    assert_int_equal(rc_query_funnel(&context, &request, &funnel, &error), RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, "steps");
    request.step_count = 64;
    assert_int_equal(rc_query_funnel(&context, &request, &funnel, &error), RC_OK);
    request.step_count = 3;
    const struct rc_predicate unknown = {.kind = RC_PREDICATE_DEFINITION,
                                         .definition = RC_BYTES_LITERAL("nothing")};
    steps[2] = &unknown;
    assert_int_equal(rc_query_funnel(&context, &request, &funnel, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, "nothing"));
    steps[2] = &any;
    request.scope.end_ms = 0;
    assert_int_equal(rc_query_funnel(&context, &request, &funnel, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.range.end_ms");
    request.scope.end_ms = 10;
    request.scope.zone = RC_BYTES_LITERAL("Mars/Base");
    assert_int_equal(rc_query_funnel(&context, &request, &funnel, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.time_zone");
    struct rc_events_reply events;
    struct rc_events_request list = {.scope = {.start_ms = 0, .end_ms = 10, .as_of_ms = 20},
                                     .user_id = RC_BYTES_LITERAL("nobody"),
                                     .selector = &any};
    assert_int_equal(rc_query_events(&context, &list, &events, &error), RC_INVALID);
    assert_string_equal(error.field, "page_size");
    list.page_rows = RC_PAGE_ROWS_MAX + 1;
    assert_int_equal(rc_query_events(&context, &list, &events, &error), RC_INVALID);
    assert_string_equal(error.field, "page_size");
    list.page_rows = RC_PAGE_ROWS_MAX;
    assert_int_equal(rc_query_events(&context, &list, &events, &error), RC_NOT_FOUND);
    rig_free(rig);
}

static void
a_cancelled_query_ends(void **state)
{
    (void)state;
    uint64_t seed = 2;
    struct rig *rig = rig_new(&seed);
    struct rc_query_context context = rig_context(rig, 2);
    const _Atomic(bool) cancel = true;
    context.cancel = &cancel;
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_series series = {.selector = &any, .measure = RC_MEASURE_COUNT};
    const struct rc_series_request request = {.scope = {.start_ms = RIG_START_MS,
                                                        .end_ms = RIG_START_MS + RIG_DAY_MS,
                                                        .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
                                              .unit = RC_UNIT_DAY,
                                              .series_count = 1,
                                              .series = &series};
    struct rc_series_reply reply;
    assert_int_equal(rc_query_series(&context, &request, &reply, NULL), RC_CANCELLED);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(a_cancelled_query_ends),
        cmocka_unit_test(against_slow_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
