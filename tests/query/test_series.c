/*
 * Series in all their variety over a small random project: the short ways of series_scan.h against
 * the long ones, one thread against two, bit for bit. What the numbers should be is the business of
 * the oracle and, for counts and users, of test_folds.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "engine/query/series/place_values.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/split/text_parts.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 250u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static bool
same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void
expect_same_row(const struct rc_series_reply *reply,
                const struct rc_series_row *a,
                const struct rc_series_row *b,
                bool compares)
{
    assert_int_equal(a->label.kind, b->label.kind);
    assert_int_equal(a->label.part_count, b->label.part_count);
    for (uint32_t i = 0; i < a->label.part_count; i++) {
        assert_int_equal(a->label.parts[i].kind, b->label.parts[i].kind);
        assert_true(rc_value_same(a->label.parts[i].value, b->label.parts[i].value));
        assert_true(same(a->label.parts[i].low, b->label.parts[i].low));
        assert_true(same(a->label.parts[i].high, b->label.parts[i].high));
    }
    assert_true(same(a->total, b->total));
    for (uint32_t i = 0; i < reply->bucket_count; i++)
        assert_true(same(a->values[i], b->values[i]));
    for (uint32_t i = 0; compares && i < reply->bucket_count; i++)
        assert_true(same(a->compared_values[i], b->compared_values[i]));
    assert_true(!compares || same(a->compared_total, b->compared_total));
    for (uint32_t i = 0; a->histograms != NULL && i <= reply->bucket_count; i++) {
        assert_int_equal(a->histograms[i].bin_count, b->histograms[i].bin_count);
        for (uint32_t bin = 0; bin < a->histograms[i].bin_count; bin++)
            assert_int_equal(a->histograms[i].counts[bin], b->histograms[i].counts[bin]);
    }
}

static struct rc_series
random_series(struct rig *rig)
{
    const struct rig_selector selector = rig_random_selector(&random_state);
    const struct rc_series series = {
        .selector = below(4) == 0 ? rig_rare_predicate(rig) : rig_predicate(rig, &selector),
        .measure = (enum rc_measure)(below(3) == 0 ? 1 + below(2) : 1 + below(RC_MEASURE_ROLLING)),
        .property = RC_BYTES_LITERAL("price"),
        .percentile = 5 * below(21),
        .bins = 1 + below(4),
        .rolling_days = 1 + below(9),
        .session_gap_ms = 1 + (int64_t)below(48) * RIG_HOUR_MS,
    };
    return series;
}

static void
random_request(struct rig *rig,
               struct rc_series_request *request,
               struct rc_series *series,
               struct rc_breakdown *dimensions)
{
    static const struct rc_series_formula formulas[] = {{RC_BYTES_LITERAL("A / B")},
                                                        {RC_BYTES_LITERAL("2 * B - A")}};
    bool histogram = false;
    bool plain = true;
    *request = (struct rc_series_request){
        .scope = {.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS,
                  .as_of_ms = RIG_START_MS + /* Often in the range, or before it. */
                              (below(2) == 0 ? (int64_t)below(60) * RIG_DAY_MS : 2 * RIG_SPAN_MS)},
        .unit = below(5) == 0 ? (enum rc_unit)0 : (enum rc_unit)(RC_UNIT_HOUR + below(4)),
        .series_count = 2 + below(2),
        .series = series,
        .top_n = below(4) == 0 ? RC_TOP_NONE : 1 + below(5),
    };
    request->scope.end_ms =
        request->scope.start_ms + 1 + (int64_t)below(40) * RIG_DAY_MS + (int64_t)below(90000);
    for (uint32_t i = 0; i < request->series_count; i++) {
        series[i] = random_series(rig);
        if (i > 0 && below(3) == 0)
            series[i].selector = series[0].selector;
        histogram = histogram || series[i].measure == RC_MEASURE_HISTOGRAM;
        plain = plain && series[i].measure <= RC_MEASURE_UNIQUE;
    }
    request->dimension_count = 1 + below(2);
    dimensions[0] =
        (struct rc_breakdown){.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("price")};
    dimensions[1] =
        (struct rc_breakdown){.scope = RC_LEAF_USER, .property = RC_BYTES_LITERAL("plan")};
    request->breakdown = below(2) == 0 ? NULL : &dimensions[below(3 - request->dimension_count)];
    request->cumulative = plain && below(2) == 0;
    request->formulas = formulas;
    request->formula_count = histogram ? 0 : below(3);
    request->compare = histogram ? RC_COMPARE_NONE : (enum rc_compare_kind)below(3);
    request->shift_unit = RC_UNIT_WEEK;
    request->shift_count = 1 + below(3);
    dimensions[0].bins = below(4);
    if (below(3) == 0) { /* Plain counts by value. */
        for (uint32_t i = 0; i < request->series_count; i++)
            series[i].measure = RC_MEASURE_COUNT;
        request->dimension_count = 1;
        request->breakdown = dimensions;
        request->formula_count = 0;
        request->compare = RC_COMPARE_NONE;
        dimensions[0].bins = 0;
    }
}

static void
ask(struct rig *rig,
    const struct rc_series_request *request,
    uint32_t threads,
    bool short_ways,
    struct rc_series_reply *ret_reply)
{
    struct rc_error error = {0};
    struct rc_query_context context = rig_context(rig, threads);
    /* The planner takes rows where they are many: here they are few. */
    struct rc_query_hints hints = {.walk = below(2) == 0 ? RC_WALK_ROWS : RC_WALK_PLANNER};
    context.hints = &hints;
    rc_series_short_ways = short_ways;
    rc_text_parts_look_ups_min = below(3) == 0 ? 0 : 1024;
    rc_place_values_slots_max = (uint64_t)1 << (below(2) == 0 ? 2 : 21);
    const enum rc_status status = rc_query_series(&context, request, ret_reply, &error);
    rc_series_short_ways = true;
    rc_text_parts_look_ups_min = 1024;
    rc_place_values_slots_max = (uint64_t)1 << 21;
    if (status != RC_OK)
        print_message("%s: %s\n", error.field, error.message);
    assert_int_equal(status, RC_OK);
}

static void
all_ways_agree(void **state)
{
    (void)state;
    random_state = 8128;
    print_message("seed %llu\n", (unsigned long long)random_state);
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        struct rig *rig = rig_new(&random_state);
        rc_walk_block_hits = below(2) == 0 ? 16 : 16384;
        for (uint32_t query = 0; query < 4; query++) {
            struct rc_series_request request;
            struct rc_series series[3];
            struct rc_breakdown dimensions[2];
            struct rc_series_reply replies[3];
            const struct rc_segment segment = {.kind = RC_SEGMENT_USER,
                                               .predicate = rig_plan_predicate(rig, below(3))};
            random_request(rig, &request, series, dimensions);
            request.scope.segment = below(3) == 0 ? &segment : NULL;
            ask(rig, &request, 1, false, &replies[0]);
            ask(rig, &request, 1, true, &replies[1]);
            ask(rig, &request, 2, true, &replies[2]);
            for (uint32_t other = 1; other < 3; other++) {
                assert_int_equal(replies[0].row_count, replies[other].row_count);
                for (uint32_t row = 0; row < replies[0].row_count; row++)
                    expect_same_row(&replies[0], &replies[0].rows[row], &replies[other].rows[row],
                                    request.compare != RC_COMPARE_NONE);
            }
        }
        rig_free(rig);
    }
    rc_walk_block_hits = 16384;
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void
expect_fault(struct rig *rig, const struct rc_series_request *request, const char *field)
{
    struct rc_error error = {0};
    struct rc_series_reply reply;
    const struct rc_query_context context = rig_context(rig, 1);
    const enum rc_status status = rc_query_series(&context, request, &reply, &error);
    assert_true(status == RC_INVALID || status == RC_LIMIT_EXCEEDED);
    assert_string_equal(error.field, field);
}

static void
bad_requests_name_the_field(void **state)
{
    (void)state;
    random_state = 17;
    struct rig *rig = rig_new(&random_state);
    const struct rig_selector any = {.plan = RIG_NO_PLAN};
    const struct rc_series good = {.selector = rig_predicate(rig, &any),
                                   .measure = RC_MEASURE_COUNT};
    struct rc_series series = good;
    struct rc_breakdown dimension = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("price")};
    const struct rc_series_formula formula = {RC_BYTES_LITERAL("A / B")};
    const struct rc_series_request base = {
        .scope = {.start_ms = RIG_START_MS,
                  .end_ms = RIG_START_MS + RIG_DAY_MS,
                  .as_of_ms = RIG_START_MS},
        .series_count = 1,
        .series = &series,
    };
    static const struct {
        struct rc_series series;
        const char *field;
    } bad[] = {
        {{.measure = RC_MEASURE_SUM}, "series[0].property"},
        {{.measure = RC_MEASURE_PERCENTILE, .property = RC_BYTES_LITERAL("p"), .percentile = 101},
         "series[0].percentile"},
        {{.measure = RC_MEASURE_PERCENTILE, .property = RC_BYTES_LITERAL("p"), .percentile = NAN},
         "series[0].percentile"},
        {{.measure = RC_MEASURE_HISTOGRAM, .property = RC_BYTES_LITERAL("p")},
         "series[0].histogram_bins"},
        {{.measure = RC_MEASURE_HISTOGRAM, .property = RC_BYTES_LITERAL("p"), .bins = 1001},
         "series[0].histogram_bins"},
        {{.measure = RC_MEASURE_ROLLING}, "series[0].rolling_days"},
        {{.measure = RC_MEASURE_ROLLING, .rolling_days = 1001}, "series[0].rolling_days"},
        {{.measure = RC_MEASURE_SESSIONS}, "series[0].session_gap_ms"},
        {{.measure = (enum rc_measure)15}, "series[0].measure"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        series = bad[i].series;
        series.selector = good.selector;
        expect_fault(rig, &base, bad[i].field);
    }
    struct rc_series_request request = base;
    series = (struct rc_series){
        .selector = good.selector, .measure = RC_MEASURE_MEAN, .property = RC_BYTES_LITERAL("p")};
    request.cumulative = true;
    expect_fault(rig, &request, "series[0].measure");
    series = good;
    request = base;
    request.formulas = &formula;
    request.formula_count = 1;
    expect_fault(rig, &request, "formulas[0].expression");
    request.formula_count = RC_FORMULAS_MAX + 1;
    expect_fault(rig, &request, "formulas");
    request = base;
    request.compare = RC_COMPARE_SHIFT;
    request.shift_unit = RC_UNIT_YEAR;
    request.shift_count = 1;
    expect_fault(rig, &request, "comparison.shift.unit");
    request.shift_unit = RC_UNIT_MONTH;
    request.shift_count = 30000;
    expect_fault(rig, &request, "comparison");
    request = base;
    request.breakdown = &dimension;
    dimension.bins = RC_BINS_MAX + 1;
    expect_fault(rig, &request, "breakdown.dimensions[0].bins.count");
    dimension = (struct rc_breakdown){.kind = RC_DIMENSION_SEGMENTS};
    expect_fault(rig, &request, "breakdown.dimensions[0].segments.segments");
    rig_free(rig);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Every allocation fails once: the query says so, and nothing is left behind. */
static void
memory_may_run_out(void **state)
{
    (void)state;
    random_state = 4;
    struct rig *rig = rig_new(&random_state);
    for (uint32_t query = 0; query < 12; query++) {
        struct rc_series_request request;
        struct rc_series series[3];
        struct rc_breakdown dimensions[2];
        struct rc_series_reply reply;
        random_request(rig, &request, series, dimensions);
        for (uint64_t n = 1;; n += 1 + n / 8) {
            const struct rc_query_context context = rig_context(rig, 1);
            rc_alloc_fail_at(n);
            const enum rc_status status = rc_query_series(&context, &request, &reply, NULL);
            const bool reached = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_true(status == RC_OK || status == RC_NO_MEMORY);
            if (!reached)
                break;
        }
    }
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_agree),
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
