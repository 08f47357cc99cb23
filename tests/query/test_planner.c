/*
 * Planner: whatever way is forced, the answer is the same or the hint is refused by its field; what
 * EXPLAIN says adds up; plans that are not run touch nothing.
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
#include "engine/query/plan/explain.h"
#include "engine/query/plan/plan.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 60u
#define STEPS_MAX 5u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static struct rc_scope
random_scope(void)
{
    struct rc_scope scope = {.zone = rc_bytes_of("UTC")};
    scope.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS;
    scope.end_ms = scope.start_ms + 1 + (int64_t)below(60) * RIG_DAY_MS;
    scope.as_of_ms = RIG_START_MS + 2 * RIG_SPAN_MS;
    return scope;
}

/* A way of running a query; the first asks for nothing. */
struct way {
    const char *name;
    enum rc_access forced;
    uint32_t forbidden;
    uint32_t parallel;
    enum rc_keep_hint keep;
    enum rc_walk_hint walk;
    uint32_t honoured;
};

#define BIT(access) ((uint32_t)1 << (access))

static struct way ways[] = {
    {.name = "planner"},
    {.name = "bitmap", .forced = RC_ACCESS_BITMAP},
    {.name = "postings", .forced = RC_ACCESS_POSTINGS},
    {.name = "scan", .forced = RC_ACCESS_SCAN},
    {.name = "scan once", .forced = RC_ACCESS_SCAN_ONCE},
    {.name = "ruled out", .forced = RC_ACCESS_RULED_OUT},
    {.name = "no index", .forbidden = BIT(RC_ACCESS_BITMAP) | BIT(RC_ACCESS_POSTINGS)},
    {.name = "no dictionary", .forbidden = BIT(RC_ACCESS_RULED_OUT)},
    {.name = "keep always", .keep = RC_KEEP_ALWAYS},
    {.name = "keep never", .keep = RC_KEEP_NEVER},
    {.name = "one thread", .parallel = 1},
    {.name = "two threads", .parallel = 2},
    {.name = "hits", .walk = RC_WALK_HITS},
    {.name = "rows", .walk = RC_WALK_ROWS},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* A context that runs a way; hint and hints are its room. */
static struct rc_query_context
context_of(struct rig *rig,
           const struct way *way,
           struct rc_access_hint *hint,
           struct rc_query_hints *hints)
{
    struct rc_query_context context = rig_context(rig, way->parallel == 0 ? 2 : way->parallel);
    *hint = (struct rc_access_hint){
        .field = "scope.hints", .forced = way->forced, .forbidden = way->forbidden};
    *hints = (struct rc_query_hints){.access_count = 1,
                                     .access = hint,
                                     .parallel = way->parallel,
                                     .keep = way->keep,
                                     .walk = way->walk};
    context.hints = hints;
    return context;
}

/* Whether the way was followed; if not, the error says so. */
static bool
followed(struct way *way, enum rc_status status, const struct rc_error *error)
{
    if (status == RC_OK) {
        way->honoured++;
        return true;
    }
    assert_int_equal(status, RC_INVALID);
    assert_true(way->forced != RC_ACCESS_NONE || way->forbidden != 0);
    assert_int_equal(strncmp(error->field, "scope.hints", 11), 0);
    return false;
}

static void
funnel_by_all_ways(struct rig *rig)
{
    const struct rc_predicate *steps[STEPS_MAX];
    struct rc_funnel_request request = {.scope = random_scope(),
                                        .step_count = 1 + below(STEPS_MAX),
                                        .steps = steps,
                                        .window_ms = (int64_t)below(20) * RIG_DAY_MS};
    const struct rc_segment segment = {.kind = RC_SEGMENT_USER,
                                       .predicate = rig_plan_predicate(rig, below(3))};
    if (below(3) == 0)
        request.scope.segment = &segment;
    for (uint32_t i = 0; i < request.step_count; i++) {
        const struct rig_selector selector = rig_random_selector(&random_state);
        steps[i] = rig_predicate(rig, &selector);
    }
    struct rc_funnel_reply first = {0};
    for (size_t w = 0; w < WAYS; w++) {
        struct rc_access_hint hint;
        struct rc_query_hints hints;
        struct rc_funnel_reply reply;
        struct rc_error error;
        if (below(4) == 0)
            rc_match_cache_clear(rig->cache);
        const struct rc_query_context context = context_of(rig, &ways[w], &hint, &hints);
        if (!followed(&ways[w], rc_query_funnel(&context, &request, &reply, &error), &error))
            continue;
        if (w == 0)
            first = reply;
        if (ways[w].walk == RC_WALK_PLANNER) /* Else other events may be fed. */
            assert_int_equal(reply.stats.matched_events, first.stats.matched_events);
        for (uint32_t i = 0; i < request.step_count; i++) {
            const struct rc_funnel_step *step = &reply.rows[0].steps[i];
            assert_int_equal(step->users, first.rows[0].steps[i].users);
            assert_memory_equal(&step->mean_s_from_first, &first.rows[0].steps[i].mean_s_from_first,
                                sizeof(double));
        }
    }
}

static void
series_by_all_ways(struct rig *rig)
{
    const struct rig_selector selector = rig_random_selector(&random_state);
    const struct rc_series series = {.selector = rig_predicate(rig, &selector),
                                     .measure =
                                         below(2) == 0 ? RC_MEASURE_COUNT : RC_MEASURE_UNIQUE};
    const struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT,
                                           .property = RC_BYTES_LITERAL("price")};
    const struct rc_series_request request = {.scope = random_scope(),
                                              .unit = RC_UNIT_DAY,
                                              .series_count = 1,
                                              .series = &series,
                                              .breakdown = below(2) == 0 ? &breakdown : NULL};
    struct rc_series_reply first = {0};
    for (size_t w = 0; w < WAYS; w++) {
        struct rc_access_hint hint;
        struct rc_query_hints hints;
        struct rc_series_reply reply;
        struct rc_error error;
        if (below(4) == 0)
            rc_match_cache_clear(rig->cache);
        const struct rc_query_context context = context_of(rig, &ways[w], &hint, &hints);
        if (!followed(&ways[w], rc_query_series(&context, &request, &reply, &error), &error))
            continue;
        if (w == 0)
            first = reply;
        assert_int_equal(reply.row_count, first.row_count);
        for (uint32_t row = 0; row < reply.row_count; row++) {
            assert_true(reply.rows[row].total == first.rows[row].total);
            assert_memory_equal(reply.rows[row].values, first.rows[row].values,
                                reply.bucket_count * sizeof(double));
        }
    }
}

static void
events_by_all_ways(struct rig *rig)
{
    char user[16];
    const struct rig_selector selector = rig_random_selector(&random_state);
    (void)snprintf(user, sizeof(user), "u%u", below(RIG_USERS));
    const struct rc_events_request request = {.scope = random_scope(),
                                              .user_id = rc_bytes_of(user),
                                              .selector = rig_predicate(rig, &selector),
                                              .page_rows = 1 + below(50)};
    struct rc_events_reply first = {0};
    for (size_t w = 0; w < WAYS; w++) {
        struct rc_access_hint hint;
        struct rc_query_hints hints;
        struct rc_events_reply reply;
        struct rc_error error;
        if (below(4) == 0)
            rc_match_cache_clear(rig->cache);
        const struct rc_query_context context = context_of(rig, &ways[w], &hint, &hints);
        const enum rc_status status = rc_query_events(&context, &request, &reply, &error);
        if (w == 0 && status == RC_NOT_FOUND)
            return;
        if (!followed(&ways[w], status, &error))
            continue;
        if (w == 0)
            first = reply;
        assert_int_equal(reply.event_count, first.event_count);
        for (uint32_t i = 0; i < reply.event_count; i++)
            assert_int_equal(reply.events[i].place.time_ms, first.events[i].place.time_ms);
    }
}

static void
every_way_gives_the_same_answer(void **state)
{
    (void)state;
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 4; i++) {
            funnel_by_all_ways(rig);
            series_by_all_ways(rig);
            events_by_all_ways(rig);
        }
        rig_free(rig);
    }
    for (size_t w = 0; w < WAYS; w++) {
        print_message("%-14s followed %u times\n", ways[w].name, ways[w].honoured);
        assert_true(ways[w].honoured > 0);
    }
}

/* A plan of two selectors. */
static enum rc_status
plan_two(struct rig *rig,
         const struct rc_query_context *context,
         struct rc_plan **ret_plan,
         struct rc_error *error)
{
    struct rc_plan_selector selectors[2];
    for (uint32_t i = 0; i < 2; i++) {
        const struct rig_selector selector = {.names = 1u << i, .plan = RIG_NO_PLAN};
        selectors[i] = (struct rc_plan_selector){.predicate = rig_predicate(rig, &selector),
                                                 .from_ms = RIG_START_MS + (int64_t)i * RIG_DAY_MS,
                                                 .until_ms = RIG_START_MS + 2 * RIG_SPAN_MS};
        (void)snprintf(selectors[i].field, sizeof(selectors[i].field), "steps[%u].selector", i);
    }
    return rc_plan_new(context, RIG_START_MS + 2 * RIG_SPAN_MS, NULL, selectors, 2, ret_plan,
                       error);
}

static void
hints_name_what_cannot_be_followed(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&random_state);
    struct rc_access_hint hint = {.field = "scope.hints.selectors[3]",
                                  .selector = rc_bytes_of("steps[1].selector"),
                                  .forced = RC_ACCESS_BITMAP};
    struct rc_query_hints hints = {.access_count = 1, .access = &hint};
    struct rc_query_context context = rig_context(rig, 2);
    struct rc_plan *plan = NULL;
    struct rc_error error;
    context.hints = &hints;
    /* Of the second selector, no bitmap is there yet. */
    assert_int_equal(plan_two(rig, &context, &plan, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.hints.selectors[3]");
    assert_non_null(strstr(error.message, "steps[1].selector"));
    assert_non_null(strstr(error.message, "no bitmap"));
    /* Then one is. */
    hint.forced = RC_ACCESS_SCAN;
    assert_int_equal(plan_two(rig, &context, &plan, &error), RC_OK);
    rc_plan_free(plan);
    hint.forced = RC_ACCESS_BITMAP;
    assert_int_equal(plan_two(rig, &context, &plan, &error), RC_OK);
    rc_plan_free(plan);
    assert_int_equal(rc_hints_check_used(&hints, &error), RC_OK);
    /* All ways forbidden. */
    hint.forced = RC_ACCESS_NONE;
    hint.forbidden = UINT32_MAX;
    assert_int_equal(plan_two(rig, &context, &plan, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.hints.selectors[3]");
    /* A selector that is not there; rows that nobody can read. */
    hint = (struct rc_access_hint){.field = "scope.hints.selectors[0]",
                                   .selector = rc_bytes_of("steps[9].selector"),
                                   .forbidden = BIT(RC_ACCESS_POSTINGS)};
    assert_int_equal(plan_two(rig, &context, &plan, &error), RC_OK);
    rc_plan_free(plan);
    assert_int_equal(rc_hints_check_used(&hints, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.hints.selectors[0].selector");
    hints = (struct rc_query_hints){.walk = RC_WALK_ROWS, .feed_field = "scope.hints.feed"};
    assert_int_equal(rc_hints_check_used(&hints, &error), RC_INVALID);
    assert_string_equal(error.field, "scope.hints.feed");
    rig_free(rig);
}

static void
explain_adds_up(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&random_state);
    for (uint32_t run = 0; run < 3; run++) { /* Not run, built, found. */
        struct rc_explain explain = {.arena = rig->arena,
                                     .plan_only = run == 0,
                                     .detail = true,
                                     .estimates_all = run == 0,
                                     .parallel_max = 2};
        struct rc_query_context context = rig_context(rig, 2);
        struct rc_plan *plan = NULL;
        context.explain = &explain;
        assert_int_equal(plan_two(rig, &context, &plan, NULL), RC_OK);
        const struct rc_explain_plan *out = explain.plans;
        assert_non_null(out);
        assert_int_equal(out->selector_count, 2);
        uint64_t rows = 0;
        for (uint32_t s = 0; s < 2; s++) {
            const struct rc_explain_selector *selector = &out->selectors[s];
            uint32_t chosen = 0;
            uint32_t reasons = 0;
            for (uint32_t w = RC_ACCESS_BITMAP; w < RC_ACCESS_COUNT; w++) {
                chosen += selector->ways[w].slabs_chosen;
                for (uint32_t r = 0; r < RC_REASON_COUNT; r++)
                    reasons += selector->ways[w].reasons[r];
            }
            assert_int_equal(chosen, selector->slabs);
            assert_int_equal(reasons, selector->slabs * (RC_ACCESS_COUNT - 1));
            assert_int_equal(selector->slab_count, selector->slabs);
            assert_int_equal(selector->slabs + selector->slabs_by_time, out->slabs);
            rows += selector->rows_actual;
            if (run == 2)
                assert_true(selector->rows_estimate == (double)selector->rows_actual);
        }
        assert_int_equal(plan->slab_count == 0, run == 0);
        if (run != 0)
            assert_int_equal(rows, plan->hits_max);
        const struct rc_bytes text = rc_explain_text(&explain, "test", rig->arena);
        assert_non_null(text.data);
        assert_non_null(strstr(text.data, "steps[1].selector: name = \"b\""));
        assert_non_null(strstr(text.data, "lost: "));
        assert_non_null(strstr(text.data, "     slab "));
        assert_int_equal(strstr(text.data, "actual") == NULL, run == 0);
        rc_plan_free(plan);
        if (run == 0) {
            struct rc_match_cache_stats stats;
            rc_match_cache_get_stats(rig->cache, &stats);
            assert_int_equal(stats.rowset_count, 0);
        }
    }
    rig_free(rig);
}

/* Of slabs in the selector's time: those without an event of the person. */
static uint32_t
slabs_without(const struct rig *rig, uint32_t person)
{
    uint32_t slab_count;
    uint32_t without = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(rig->view, &slab_count);
    for (uint32_t i = 0; i < slab_count; i++) {
        const uint32_t *users = rc_slab_users(slabs[i].slab);
        bool found = false;
        for (uint32_t k = 0; k < rc_slab_get_info(slabs[i].slab)->user_count; k++)
            found = found || rig->person[users[k]] == person;
        without += !found;
    }
    return without;
}

/* Events of one user, by the leaf over its id: slabs without the user are not looked at, whether
 * the plan is run or only made, and whatever stands beside the leaf. */
static void
user_ids_prune(void **state)
{
    (void)state;
    struct rig *rig = rig_new(&random_state);
    const uint64_t names = 1 + below((1u << RIG_NAMES) - 1);
    const struct rig_selector named = {.names = (uint32_t)names, .plan = RIG_NO_PLAN};
    uint32_t pruned = 0;
    for (uint32_t user = 0; user < RIG_USERS; user++) {
        const struct rc_value id = rc_value_string(rc_view_user_id(rig->view, user));
        const struct rc_predicate leaf = {
            .kind = RC_PREDICATE_LEAF,
            .leaf = {
                .scope = RC_LEAF_USER_ID, .operator= RC_LEAF_IN, .value_count = 1, .values = &id}};
        const struct rc_predicate *both[2] = {&leaf, rig_predicate(rig, &named)};
        const struct rc_predicate narrow = {
            .kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = both};
        const uint32_t person = rig->person[user];
        for (uint32_t run = 0; run < 4; run++) {
            const struct rc_predicate *selector = run % 2 == 0 ? &leaf : &narrow;
            struct rc_explain explain = {
                .arena = rig->arena, .plan_only = run < 2, .parallel_max = 1};
            struct rc_query_context context = rig_context(rig, 1);
            const struct rc_series series = {.selector = selector, .measure = RC_MEASURE_COUNT};
            struct rc_series_request request = {
                .scope = random_scope(), .series_count = 1, .series = &series};
            struct rc_series_reply reply;
            context.explain = &explain;
            request.scope.start_ms = RIG_START_MS - RIG_SPAN_MS;
            request.scope.end_ms = RIG_START_MS + 2 * RIG_SPAN_MS;
            assert_int_equal(rc_query_series(&context, &request, &reply, NULL), RC_OK);
            assert_int_equal(explain.plans->selectors[0].slabs_by_users,
                             slabs_without(rig, person));
            pruned += explain.plans->selectors[0].slabs_by_users;
            uint32_t expected = 0;
            for (uint32_t i = 0; i < rig->event_count; i++)
                expected += rig->events[i].person == person &&
                            (run == 2 || rig_selects(rig, &named, &rig->events[i], INT64_MAX));
            if (run >= 2)
                assert_true(reply.rows[0].total == expected);
        }
    }
    assert_true(pruned > 0);
    rig_free(rig);
}

/* A range that begins after as_of has no time: a slab around both has nothing of it. */
static void
a_stream_without_time_sees_no_slab(void **state)
{
    (void)state;
    const struct rc_slab_info info = {.time_min_ms = 0, .time_max_ms = 10};
    const struct rc_stream ends_first = {.from_ms = 6, .until_ms = 3};
    const struct rc_stream empty = {.from_ms = 5, .until_ms = 5};
    const struct rc_stream one = {.from_ms = 5, .until_ms = 6};
    assert_false(rc_plan_stream_sees(&ends_first, &info));
    assert_false(rc_plan_stream_sees(&empty, &info));
    assert_true(rc_plan_stream_sees(&one, &info));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_without_time_sees_no_slab),
        cmocka_unit_test(hints_name_what_cannot_be_followed),
        cmocka_unit_test(explain_adds_up),
        cmocka_unit_test(user_ids_prune),
        cmocka_unit_test(every_way_gives_the_same_answer),
    };
    random_state = test_number("RC_TEST_SEED", 20261);
    print_message("RC_TEST_SEED=%llu\n", (unsigned long long)random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
