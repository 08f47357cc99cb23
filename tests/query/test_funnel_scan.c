/*
 * Funnel scan: random plain funnels over random projects, once with the events of step 1, or of
 * steps 1 and 2, read as bits and once fed; every figure of every row must be the same. Projects at
 * rest (no two slabs have the same times) and others, joined users, heads, dead rows, events of one
 * time, events that match several steps, breakdowns in which an event has several rows.
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

#include "engine/query/funnel/funnel.h"
#include "engine/query/funnel/funnel_scan.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 300u
#define QUESTIONS 20u
#define STEPS_MAX 6u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static bool
same_double(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void
assert_same(const struct rc_funnel_reply *a, const struct rc_funnel_reply *b)
{
    assert_int_equal(a->row_count, b->row_count);
    for (uint32_t row = 0; row < a->row_count; row++) {
        assert_int_equal(a->rows[row].label.kind, b->rows[row].label.kind);
        assert_true(rc_value_same(a->rows[row].label.value, b->rows[row].label.value));
        for (uint32_t i = 0; i < a->step_count; i++) {
            const struct rc_funnel_step *x = &a->rows[row].steps[i];
            const struct rc_funnel_step *y = &b->rows[row].steps[i];
            assert_int_equal(x->users, y->users);
            assert_true(same_double(x->mean_s_from_previous, y->mean_s_from_previous));
            assert_true(same_double(x->median_s_from_previous, y->median_s_from_previous));
            assert_true(same_double(x->mean_s_from_first, y->mean_s_from_first));
            assert_true(same_double(x->median_s_from_first, y->median_s_from_first));
            assert_int_equal(x->from_first.bin_count, y->from_first.bin_count);
            for (uint32_t bin = 0; bin < x->from_first.bin_count; bin++)
                assert_int_equal(x->from_first.counts[bin], y->from_first.counts[bin]);
        }
    }
}

/* What was met, so that nothing is asked in vain. */
struct met {
    uint32_t by_rows;
    uint32_t deep;  /* Some user came to step 3. */
    uint32_t split; /* More rows than the total. */
};

static void
ask(struct rig *rig, struct met *met)
{
    const bool breaks = below(2) == 0;
    const bool of_user = below(4) == 0;
    const struct rc_breakdown breakdown = {.scope = of_user ? RC_LEAF_USER : RC_LEAF_EVENT,
                                           .property = rc_bytes_of(of_user ? "plan" : "price")};
    const struct rc_predicate *steps[STEPS_MAX];
    struct rc_funnel_request request = {
        .scope = {.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS,
                  .as_of_ms = RIG_START_MS + (int64_t)(1 + below(2)) * RIG_SPAN_MS,
                  .zone = RC_BYTES_LITERAL("UTC")},
        .step_count = 1 + below(STEPS_MAX),
        .steps = steps,
        .window_ms = below(4) == 0 ? -1 : (int64_t)below(30) * RIG_DAY_MS,
        .strict_times = below(4) == 0,
        .breakdown = breaks ? &breakdown : NULL,
        .dimension_count = breaks,
        .at = breaks ? (enum rc_funnel_at)below(3) : RC_FUNNEL_AT_FIRST,
        .top_n = breaks ? 1 + below(8) : 0,
        .histogram_bins = below(3) == 0 ? 4 : 0,
    };
    request.scope.end_ms = request.scope.start_ms + 1 + (int64_t)below(60) * RIG_DAY_MS;
    for (uint32_t i = 0; i < request.step_count; i++) {
        const struct rig_selector selector = {.names = 1 + below((1u << RIG_NAMES) - 1),
                                              .plan = RIG_NO_PLAN};
        steps[i] = i > 2 && below(3) == 0 ? steps[1 + below(i - 1)] : rig_predicate(rig, &selector);
    }
    struct rc_funnel_reply replies[2];
    for (uint32_t rows = 0; rows < 2; rows++) {
        struct rc_query_hints hints = {.walk = rows == 1 ? RC_WALK_ROWS : RC_WALK_HITS};
        struct rc_query_context context = rig_context(rig, 1 + below(2));
        context.hints = &hints;
        struct rc_error error;
        const enum rc_status status = rc_query_funnel(&context, &request, &replies[rows], &error);
        if (status != RC_OK)
            fail_msg("%s: %s", rc_status_name(status), error.message);
        assert_true(rows == 1 || !hints.rows_read);
        met->by_rows += hints.rows_read;
    }
    assert_same(&replies[0], &replies[1]);
    const struct rc_funnel_step *total = replies[0].rows[replies[0].row_count - 1].steps;
    met->deep += request.step_count > 2 && total[2].users > 0;
    met->split += replies[0].row_count > 2;
}

static void
bits_and_events_agree(void **state)
{
    (void)state;
    struct met met = {0};
    random_state = test_number("RC_TEST_SEED", 4);
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        rc_walk_look_up_rows = below(2) * 8;
        rc_funnel_scan_share = below(2) * 1000; /* 0: two bit steps where there may be. */
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < QUESTIONS; i++)
            ask(rig, &met);
        rig_free(rig);
    }
    print_message("%u questions by rows, %u deep, %u in rows\n", met.by_rows, met.deep, met.split);
    assert_true(met.by_rows > rounds * QUESTIONS / 2);
    assert_true(met.deep > rounds * QUESTIONS / 4);
    assert_true(met.split > rounds * QUESTIONS / 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits_and_events_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
