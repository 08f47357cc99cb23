/*
 * The persons behind the numbers of experiments and correlations: of every cell as many as its
 * number says; what is not there is refused by its name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compare/compare_cells.h"
#include "tests/base/environment.h"
#include "tests/query/query_rig.h"

#define ROUNDS 25u

static uint64_t random_state = 19;

struct world {
    struct rig *rig;
    struct rc_query_context context;
    struct rc_scope scope;
    const struct rc_predicate *selectors[3];
};

static void
world_open(struct world *world)
{
    world->rig = rig_new(&random_state);
    world->context = rig_context(world->rig, 2);
    for (uint32_t i = 0; i < 3; i++) {
        const struct rig_selector selector = rig_random_selector(&random_state);
        world->selectors[i] = rig_predicate(world->rig, &selector);
    }
    world->scope = (struct rc_scope){.start_ms = RIG_START_MS + RIG_SPAN_MS / 8,
                                     .end_ms = RIG_START_MS + RIG_SPAN_MS,
                                     .as_of_ms = RIG_START_MS + RIG_SPAN_MS / 2};
}

static enum rc_status
ask(const struct world *world,
    const struct rc_chart_cell *cell,
    uint64_t *ret_count,
    struct rc_error *error)
{
    uint64_t words[RIG_USERS / 64 + 2] = {0};
    struct rc_query_stats stats = {0};
    *error = (struct rc_error){.status = RC_OK};
    const enum rc_status status =
        rc_chart_cell_persons(&world->context, cell, &stats, words, error);
    *ret_count = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        *ret_count += (uint64_t)__builtin_popcountll(words[i]);
    return status;
}

static void
expect_count(const struct world *world,
             struct rc_chart_cell cell,
             enum rc_compared_users users,
             uint64_t wanted)
{
    uint64_t count;
    struct rc_error error;
    cell.place = users;
    assert_int_equal(ask(world, &cell, &count, &error), RC_OK);
    if (count != wanted)
        fail_msg("kind %d, row %u, users %u: %llu persons, not %llu", cell.kind, cell.row,
                 cell.place, (unsigned long long)count, (unsigned long long)wanted);
}

static void
expect_refused(const struct world *world, struct rc_chart_cell cell, const char *field)
{
    uint64_t count;
    struct rc_error error;
    assert_int_equal(ask(world, &cell, &count, &error), RC_INVALID);
    assert_string_equal(error.field, field);
    cell.labels++;
    assert_int_equal(ask(world, &cell, &count, &error), RC_CONFLICT);
    assert_string_equal(error.field, "handle");
}

static void
one_experiment(const struct world *world, const struct rc_experiment_request *request)
{
    struct rc_experiment_reply reply;
    assert_int_equal(rc_query_experiment(&world->context, request, &reply, NULL), RC_OK);
    struct rc_chart_cell cell = {.kind = RC_CHART_EXPERIMENT,
                                 .ask = rc_experiment_persons,
                                 .experiment = request,
                                 .labels = rc_experiment_label_hash(&reply)};
    for (cell.row = 0; cell.row < reply.variant_count; cell.row++) {
        const struct rc_experiment_variant *variant = &reply.variants[cell.row];
        expect_count(world, cell, RC_COMPARED_ALL, variant->users);
        if (request->funnel == NULL)
            continue;
        expect_count(world, cell, RC_COMPARED_CONVERTED, variant->converted);
        expect_count(world, cell, RC_COMPARED_OTHERS, variant->users - variant->converted);
    }
    expect_refused(world, cell, "row");
    cell.row = 0;
    cell.place = RC_COMPARED_CONVERTED;
    if (request->funnel == NULL && reply.variant_count > 0)
        expect_refused(world, cell, "users");
}

static void
experiments(void **state)
{
    static const struct rc_value control = {.kind = RC_VALUE_NULL};
    static const struct rc_breakdown variants[] = {
        {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("name")},
        {.scope = RC_LEAF_USER, .property = RC_BYTES_LITERAL("plan")},
    };
    (void)state;
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        struct world world;
        world_open(&world);
        const struct rc_funnel_request funnel = {
            .step_count = 2, .steps = world.selectors, .window_ms = 9 * RIG_DAY_MS};
        struct rc_experiment_request request = {.scope = world.scope,
                                                .variant = variants[round % 2],
                                                .funnel = &funnel,
                                                .exposure = world.selectors[0],
                                                .metric = world.selectors[1],
                                                .confidence = 0.95};
        one_experiment(&world, &request);
        request.funnel = NULL;
        one_experiment(&world, &request);
        struct rc_experiment_reply reply;
        request.control = &control; /* Who has no plan, if there are such. */
        if (rc_query_experiment(&world.context, &request, &reply, NULL) == RC_OK)
            one_experiment(&world, &request);
        rig_free(world.rig);
    }
}

static void
correlations(void **state)
{
    static const struct rc_breakdown properties[] = {
        {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("name")},
        {.scope = RC_LEAF_USER, .property = RC_BYTES_LITERAL("plan")},
    };
    (void)state;
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        struct world world;
        world_open(&world);
        const struct rc_segment converted = {.kind = RC_SEGMENT_BEHAVIOUR,
                                             .behaviour = {.measure = RC_BEHAVIOUR_COUNT,
                                                           .selector = world.selectors[2],
                                                           .comparison = RC_GE,
                                                           .n = 2,
                                                           .window = RC_WINDOW_ALL_TIME}};
        const struct rc_correlation_request request = {.scope = world.scope,
                                                       .converted = &converted,
                                                       .event_count = 2,
                                                       .events = world.selectors,
                                                       .property_count = 2,
                                                       .properties = properties,
                                                       .top_n = 50,
                                                       .confidence = 0.9};
        struct rc_correlation_reply reply;
        assert_int_equal(rc_query_correlation(&world.context, &request, &reply, NULL), RC_OK);
        struct rc_chart_cell cell = {.kind = RC_CHART_CORRELATION,
                                     .ask = rc_correlation_persons,
                                     .correlation = &request,
                                     .labels = rc_correlation_label_hash(&reply)};
        for (cell.row = 0; cell.row < reply.row_count; cell.row++) {
            const struct rc_correlation_row *row = &reply.rows[cell.row];
            expect_count(&world, cell, RC_COMPARED_ALL, row->converted.count + row->others.count);
            expect_count(&world, cell, RC_COMPARED_CONVERTED, row->converted.count);
            expect_count(&world, cell, RC_COMPARED_OTHERS, row->others.count);
        }
        expect_refused(&world, cell, "row");
        cell.row = RC_CORRELATION_POPULATION;
        expect_count(&world, cell, RC_COMPARED_ALL, reply.users);
        expect_count(&world, cell, RC_COMPARED_CONVERTED, reply.converted_users);
        expect_count(&world, cell, RC_COMPARED_OTHERS, reply.users - reply.converted_users);
        rig_free(world.rig);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experiments),
        cmocka_unit_test(correlations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
