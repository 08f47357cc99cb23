/*
 * Retention: the ways of one question against each other. Rows of slabs read as columns, rows of
 * those who begin alone, and persons fed event by event must give the same reply, number for
 * number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/query/plan/hints.h"
#include "engine/query/retention/retention.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u
#define QUESTIONS 12u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static struct rc_scope
random_scope(void)
{
    struct rc_scope scope = {.zone = rc_bytes_of(below(2) == 0 ? "Europe/Berlin" : ""),
                             .week_start = below(7)};
    scope.start_ms = RIG_START_MS + (int64_t)below(60) * RIG_DAY_MS + (int64_t)below(5) * 1000;
    scope.end_ms = scope.start_ms + 1 + (int64_t)below(70) * RIG_DAY_MS + (int64_t)below(90000);
    scope.as_of_ms = below(4) == 0 ? scope.start_ms + (int64_t)below(60) * RIG_DAY_MS
                                   : RIG_START_MS + 2 * RIG_SPAN_MS;
    return scope;
}

static void
assert_same(const struct rc_retention_reply *a, const struct rc_retention_reply *b)
{
    assert_int_equal(a->cohort_count, b->cohort_count);
    assert_int_equal(a->column_count, b->column_count);
    assert_int_equal(a->row_count, 1);
    assert_int_equal(b->row_count, 1);
    for (uint32_t cohort = 0; cohort < a->cohort_count; cohort++) {
        const struct rc_retention_cohort *x = &a->rows[0].cohorts[cohort];
        const struct rc_retention_cohort *y = &b->rows[0].cohorts[cohort];
        assert_int_equal(x->users, y->users);
        for (uint32_t n = 0; n < a->column_count; n++) {
            assert_int_equal(x->cells[n].state, y->cells[n].state);
            assert_int_equal(x->cells[n].users, y->cells[n].users);
        }
    }
    for (uint32_t n = 0; n < a->column_count; n++) {
        assert_int_equal(a->rows[0].summary[n].users, b->rows[0].summary[n].users);
        assert_int_equal(a->rows[0].summary[n].cohort_users, b->rows[0].summary[n].cohort_users);
    }
}

/* A question about some events; brackets is its room. */
static struct rc_retention_request
random_request(struct rc_retention_bracket brackets[3])
{
    static const enum rc_unit units[] = {RC_UNIT_DAY, RC_UNIT_WEEK, RC_UNIT_MONTH};
    for (uint32_t i = 0; i < 3; i++) {
        brackets[i].first = below(6);
        brackets[i].last = brackets[i].first + below(4);
    }
    const bool bracketed = below(3) == 0;
    return (struct rc_retention_request){
        .scope = random_scope(),
        .unit = units[below(3)],
        .cohort = below(2) == 0 ? RC_COHORT_RECURRING : RC_COHORT_FIRST_IN_RANGE,
        .period_count = bracketed ? 0 : below(12),
        .bracket_count = bracketed ? 3 : 0,
        .brackets = brackets,
        .on_or_after = below(2) == 0,
        .in_range = below(3) == 0,
    };
}

/* Asks a question in both ways; whether rows were read, and in how many columns somebody came
 * back. */
static void
ask_both(struct rig *rig,
         const struct rc_retention_request *request,
         struct rc_retention_reply replies[2],
         uint32_t *by_rows,
         uint32_t *returned)
{
    for (uint32_t rows = 0; rows < 2; rows++) {
        struct rc_query_hints hints = {.walk = rows == 1 ? RC_WALK_ROWS : RC_WALK_HITS};
        struct rc_query_context context = rig_context(rig, 1 + below(2));
        context.hints = &hints;
        assert_int_equal(rc_query_retention(&context, request, &replies[rows], NULL), RC_OK);
        assert_true(rows == 1 || !hints.rows_read);
        *by_rows += hints.rows_read;
    }
    assert_same(&replies[0], &replies[1]);
    for (uint32_t n = 0; n < replies[0].column_count; n++)
        *returned += replies[0].rows[0].summary[n].users > 0;
}

static void
ask_one_event(struct rig *rig, uint32_t *by_rows, uint32_t *returned)
{
    const struct rig_selector selector = {.names = 1 + below((1u << RIG_NAMES) - 1),
                                          .plan = RIG_NO_PLAN};
    struct rc_retention_bracket brackets[3];
    struct rc_retention_reply replies[2];
    struct rc_retention_request request = random_request(brackets);
    request.start = rig_predicate(rig, &selector);
    request.back = rig_predicate(rig, &selector);
    ask_both(rig, &request, replies, by_rows, returned);
    assert_int_equal(replies[0].stats.matched_events, replies[1].stats.matched_events);
}

/* The start is another event, or more events than the return, or some of it. */
static void
ask_two_events(struct rig *rig, uint32_t *by_rows, uint32_t *returned)
{
    const struct rig_selector start = {.names = 1 + below((1u << RIG_NAMES) - 1),
                                       .plan = RIG_NO_PLAN};
    const struct rig_selector back = {.names = below(1u << RIG_NAMES), .plan = RIG_NO_PLAN};
    const struct rc_segment segment = {.kind = RC_SEGMENT_USER,
                                       .predicate = rig_plan_predicate(rig, below(3))};
    struct rc_retention_bracket brackets[3];
    struct rc_retention_reply replies[2];
    struct rc_retention_request request = random_request(brackets);
    request.start = below(3) == 0 ? rig_rare_predicate(rig) : rig_predicate(rig, &start);
    request.back = rig_predicate(rig, &back);
    if (below(3) == 0)
        request.cohort = RC_COHORT_FIRST_TIME;
    if (below(4) == 0)
        request.scope.segment = &segment;
    ask_both(rig, &request, replies, by_rows, returned);
    assert_true(replies[1].stats.matched_events <= 2 * replies[0].stats.matched_events);
}

static void
agree(void (*ask)(struct rig *rig, uint32_t *by_rows, uint32_t *returned), uint64_t seed)
{
    uint32_t by_rows = 0;
    uint32_t returned = 0;
    random_state = test_number("RC_TEST_SEED", seed);
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < QUESTIONS; i++)
            ask(rig, &by_rows, &returned);
        rig_free(rig);
    }
    print_message("%u questions by rows, %u columns with returns\n", by_rows, returned);
    assert_true(by_rows > rounds * QUESTIONS / 3);
    assert_true(returned > rounds * QUESTIONS);
}

static void
rows_and_persons_agree(void **state)
{
    (void)state;
    agree(ask_one_event, 190);
}

static void
few_and_persons_agree(void **state)
{
    (void)state;
    agree(ask_two_events, 2026);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_and_persons_agree),
                                       cmocka_unit_test(few_and_persons_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
