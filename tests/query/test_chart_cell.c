/*
 * The persons behind the numbers of replies: of every cell as many as its number says, those of a
 * part of a place that is not there are refused by its name, and so is a place in an answer that
 * has other rows by now.
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

#include "engine/query/segment/chart_cell.h"
#include "query_rig.h"
#include "tests/base/environment.h"

static uint64_t random_state;

static const struct rc_breakdown by_name = {.scope = RC_LEAF_EVENT,
                                            .property = RC_BYTES_LITERAL("name")};

/* What a question is about. */
struct world {
    struct rig *rig;
    struct rc_query_context context;
    struct rc_scope scope;
    const struct rc_predicate *any;
    const struct rc_predicate *first; /* "a". */
    const struct rc_predicate *second;
};

static void
world_open(struct world *world)
{
    const struct rig_selector any = {.plan = RIG_NO_PLAN};
    const struct rig_selector first = {.names = 1, .plan = RIG_NO_PLAN};
    const struct rig_selector second = {.names = 2, .plan = RIG_NO_PLAN};
    world->rig = rig_new(&random_state);
    world->context = rig_context(world->rig, 2);
    world->any = rig_predicate(world->rig, &any);
    world->first = rig_predicate(world->rig, &first);
    world->second = rig_predicate(world->rig, &second);
    /* Weeks of which the last ones have not begun. */
    world->scope = (struct rc_scope){.start_ms = RIG_START_MS,
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
expect_count(const struct world *world, const struct rc_chart_cell *cell, uint64_t wanted)
{
    uint64_t count;
    struct rc_error error;
    assert_int_equal(ask(world, cell, &count, &error), RC_OK);
    if (count != wanted)
        fail_msg("kind %d, row %u, place %u, column %u: %llu persons, not %llu", cell->kind,
                 cell->row, cell->place, cell->column, (unsigned long long)count,
                 (unsigned long long)wanted);
}

static void
expect_refused(const struct world *world, struct rc_chart_cell cell, const char *field)
{
    uint64_t count;
    struct rc_error error;
    assert_int_equal(ask(world, &cell, &count, &error), RC_INVALID);
    assert_string_equal(error.field, field);
    assert_true(error.message[0] != '\0');
    /* What the answer has other rows than comes before what is not in it. */
    cell.labels++;
    if (strcmp(field, "buckets") == 0)
        return;
    assert_int_equal(ask(world, &cell, &count, &error), RC_CONFLICT);
    assert_string_equal(error.field, "handle");
}

static void
series(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_series one = {.selector = world.any, .measure = RC_MEASURE_UNIQUE};
    const struct rc_series_request request = {.scope = world.scope,
                                              .unit = RC_UNIT_WEEK,
                                              .series_count = 1,
                                              .series = &one,
                                              .breakdown = &by_name,
                                              .dimension_count = 1};
    struct rc_series_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_SERIES,
                                 .series = &request,
                                 .pivot = RC_SERIES_ROW,
                                 .operand = RC_SERIES_NO_OPERAND};
    assert_int_equal(rc_query_series(&world.context, &request, &reply, NULL), RC_OK);
    for (uint32_t i = 0; i < reply.row_count; i++)
        cell.labels = rc_row_label_hash(cell.labels, &reply.rows[i].label);
    for (cell.row = 0; cell.row < reply.row_count; cell.row++) {
        for (cell.column = 0; cell.column < reply.bucket_count; cell.column++)
            expect_count(&world, &cell, (uint64_t)reply.rows[cell.row].values[cell.column]);
        cell.column = RC_SERIES_RANGE;
        expect_count(&world, &cell, (uint64_t)reply.rows[cell.row].total);
    }
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.column = reply.bucket_count;
    expect_refused(&world, cell, "bucket");
    cell.place = 1;
    expect_refused(&world, cell, "series");
    rig_free(world.rig);
}

/* Each number of the range in a column, of this time and of the earlier one. */
static void
series_columns(void **state)
{
    static const struct rc_breakdown by_plan = {.scope = RC_LEAF_USER,
                                                .property = RC_BYTES_LITERAL("plan")};
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_series one = {.selector = world.any, .measure = RC_MEASURE_UNIQUE};
    struct rc_series_request request = {.scope = world.scope,
                                        .unit = RC_UNIT_WEEK,
                                        .series_count = 1,
                                        .series = &one,
                                        .breakdown = &by_plan,
                                        .dimension_count = 1,
                                        .columns = &by_name,
                                        .column_dimension_count = 1,
                                        .column_top_n = 1,
                                        .compare = RC_COMPARE_PREVIOUS};
    struct rc_series_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_SERIES,
                                 .series = &request,
                                 .column = RC_SERIES_RANGE,
                                 .operand = RC_SERIES_NO_OPERAND};
    request.scope.start_ms += RIG_SPAN_MS / 4;
    assert_int_equal(rc_query_series(&world.context, &request, &reply, NULL), RC_OK);
    cell.labels = rc_series_label_hash(&reply, 1);
    for (cell.row = 0; cell.row < reply.row_count; cell.row++) {
        const struct rc_series_row *row = &reply.rows[cell.row];
        for (cell.pivot = 0; cell.pivot < reply.columns[0].count; cell.pivot++) {
            cell.compared = false;
            expect_count(&world, &cell, (uint64_t)row->by_column[cell.pivot]);
            cell.compared = true;
            expect_count(&world, &cell, (uint64_t)row->compared_by_column[cell.pivot]);
        }
    }
    cell.row = 0;
    expect_refused(&world, cell, "column");
    cell.pivot = 0;
    cell.column = 0;
    expect_refused(&world, cell, "bucket");
    rig_free(world.rig);
}

/* How many persons have an event in a time whose price is 1 ("1.0" is too) or, in the second bin,
 * 2.5. */
static uint64_t
count_in_bin(const struct world *world, uint32_t bin, int64_t from_ms, int64_t until_ms)
{
    bool has[RIG_USERS] = {false};
    uint64_t count = 0;
    for (uint32_t i = 0; i < world->rig->event_count; i++) {
        const struct rig_event *event = &world->rig->events[i];
        const bool is_in = bin == 0 ? event->price == 1 || event->price == 2 : event->price == 6;
        const uint32_t person = event->person;
        if (!is_in || event->time_ms < from_ms || event->time_ms >= until_ms ||
            event->time_ms > world->scope.as_of_ms || has[person])
            continue;
        has[person] = true;
        count++;
    }
    return count;
}

/* The bins of a histogram, in each bucket and in the range. */
static void
series_bins(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    struct rc_series one = {.selector = world.any,
                            .measure = RC_MEASURE_HISTOGRAM,
                            .property = RC_BYTES_LITERAL("price"),
                            .bins = 2};
    const struct rc_series_request request = {
        .scope = world.scope, .unit = RC_UNIT_WEEK, .series_count = 1, .series = &one};
    struct rc_series_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_SERIES,
                                 .series = &request,
                                 .pivot = RC_SERIES_ROW,
                                 .operand = RC_SERIES_NO_OPERAND,
                                 .bin = {.is_asked = true}};
    assert_int_equal(rc_query_series(&world.context, &request, &reply, NULL), RC_OK);
    cell.labels = rc_series_label_hash(&reply, 1);
    for (uint32_t bin = 0; bin < 2; bin++) {
        cell.bin.low = bin == 0 ? 1 : 1.75;
        cell.bin.high = bin == 0 ? 1.75 : 2.5;
        cell.bin.high_included = bin == 1;
        for (cell.column = 0; cell.column < reply.bucket_count; cell.column++)
            expect_count(&world, &cell,
                         count_in_bin(&world, bin, reply.buckets[cell.column].start_ms,
                                      reply.buckets[cell.column].end_ms));
        cell.column = RC_SERIES_RANGE;
        expect_count(&world, &cell,
                     count_in_bin(&world, bin, request.scope.start_ms, request.scope.end_ms));
    }
    cell.bin.high_included = false; /* The greatest number is left out, */
    expect_count(&world, &cell, 0);
    cell.bin = (struct rc_series_bin){.is_asked = true, .low = 2.5, .high = 2.5};
    expect_refused(&world, cell, "bin"); /* and here all are, */
    cell.bin.high_included = true;       /* and not here. */
    expect_count(&world, &cell,
                 count_in_bin(&world, 1, request.scope.start_ms, request.scope.end_ms));
    cell.bin.low = NAN;
    expect_refused(&world, cell, "bin");
    cell.bin = (struct rc_series_bin){.is_asked = true, .low = 2, .high = 1};
    expect_refused(&world, cell, "bin");
    one.measure = RC_MEASURE_MEAN;
    one.bins = 0;
    cell.bin.high = 3;
    expect_refused(&world, cell, "bin");
    rig_free(world.rig);
}

/* A formula that is the figure of one of its series, in rows of its own. */
static void
formulas(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_series all[3] = {{.selector = world.second, .measure = RC_MEASURE_COUNT},
                                     {.selector = world.any, .measure = RC_MEASURE_UNIQUE},
                                     {.selector = world.first, .measure = RC_MEASURE_UNIQUE}};
    const struct rc_series_formula formula = {.expression = RC_BYTES_LITERAL("B + 0 * A")};
    const struct rc_series_request request = {.scope = world.scope,
                                              .unit = RC_UNIT_WEEK,
                                              .series_count = 3,
                                              .series = all,
                                              .formula_count = 1,
                                              .formulas = &formula,
                                              .breakdown = &by_name,
                                              .dimension_count = 1,
                                              .top_n = 2};
    struct rc_series_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_SERIES,
                                 .series = &request,
                                 .place = 3,
                                 .pivot = RC_SERIES_ROW,
                                 .operand = 1};
    assert_int_equal(rc_query_series(&world.context, &request, &reply, NULL), RC_OK);
    cell.labels = rc_series_label_hash(&reply, 4);
    for (uint32_t i = 0; i < reply.row_count; i++) {
        const struct rc_series_row *row = &reply.rows[i];
        if (row->series != 3)
            continue;
        for (cell.column = 0; cell.column < reply.bucket_count; cell.column++)
            expect_count(&world, &cell, (uint64_t)row->values[cell.column]);
        cell.column = RC_SERIES_RANGE;
        expect_count(&world, &cell, (uint64_t)row->total);
        cell.row++;
    }
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.operand = 2; /* The formula does not name it. */
    expect_refused(&world, cell, "operand");
    cell.operand = 3;
    expect_refused(&world, cell, "operand");
    cell.operand = RC_SERIES_NO_OPERAND;
    expect_refused(&world, cell, "operand");
    cell.place = 1;
    cell.operand = 1;
    expect_refused(&world, cell, "operand");
    cell.place = 4;
    expect_refused(&world, cell, "series");
    rig_free(world.rig);
}

static void
funnel(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_predicate *steps[2] = {world.first, world.second};
    const struct rc_funnel_request request = {.scope = world.scope,
                                              .step_count = 2,
                                              .steps = steps,
                                              .window_ms = 7 * RIG_DAY_MS,
                                              .breakdown = &by_name,
                                              .dimension_count = 1,
                                              .over_time = RC_UNIT_WEEK};
    struct rc_funnel_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_FUNNEL, .funnel = &request};
    assert_int_equal(rc_query_funnel(&world.context, &request, &reply, NULL), RC_OK);
    for (uint32_t i = 0; i < reply.row_count; i++)
        cell.labels = rc_row_label_hash(cell.labels, &reply.rows[i].label);
    for (cell.row = 0; cell.row < reply.row_count; cell.row++) {
        for (cell.column = 0; cell.column <= reply.bucket_count; cell.column++) {
            const bool range = cell.column == reply.bucket_count;
            const struct rc_funnel_row *row =
                range ? &reply.rows[cell.row] : &reply.bucket_rows[cell.column][cell.row];
            struct rc_chart_cell at = cell;
            at.column = range ? RC_FUNNEL_NO_BUCKET : cell.column;
            for (at.place = 0; at.place < 2; at.place++) {
                at.dropped = false;
                expect_count(&world, &at, row->steps[at.place].users);
                at.dropped = true;
                expect_count(&world, &at, row->steps[0].users - row->steps[at.place].users);
            }
        }
    }
    cell.column = RC_FUNNEL_NO_BUCKET;
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.place = 2;
    expect_refused(&world, cell, "step");
    cell.place = 0;
    cell.column = reply.bucket_count;
    expect_refused(&world, cell, "bucket");
    rig_free(world.rig);
}

static void
retention(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_retention_request request = {.scope = world.scope,
                                                 .unit = RC_UNIT_WEEK,
                                                 .cohort = RC_COHORT_RECURRING,
                                                 .start = world.first,
                                                 .back = world.second,
                                                 .period_count = 6,
                                                 .breakdown = &by_name,
                                                 .dimension_count = 1};
    struct rc_retention_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_RETENTION, .retention = &request};
    assert_int_equal(rc_query_retention(&world.context, &request, &reply, NULL), RC_OK);
    for (uint32_t i = 0; i < reply.row_count; i++)
        cell.labels = rc_row_label_hash(cell.labels, &reply.rows[i].label);
    for (cell.row = 0; cell.row < reply.row_count; cell.row++) {
        for (cell.place = 0; cell.place < reply.cohort_count; cell.place++) {
            const struct rc_retention_cohort *cohort = &reply.rows[cell.row].cohorts[cell.place];
            for (cell.column = 0; cell.column < reply.column_count; cell.column++) {
                const struct rc_retention_cell *number = &cohort->cells[cell.column];
                const bool begun = number->state != RC_CELL_NOT_BEGUN;
                expect_count(&world, &cell, begun ? number->users : 0);
            }
            cell.column = RC_RETENTION_SIZE;
            expect_count(&world, &cell, cohort->users);
        }
    }
    cell.place = 0;
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.place = reply.cohort_count;
    expect_refused(&world, cell, "cohort");
    cell.place = 0;
    cell.column = reply.column_count;
    expect_refused(&world, cell, "column");
    rig_free(world.rig);
}

static uint64_t
in_state(const struct rc_lifecycle_counts *counts, enum rc_lifecycle_state state)
{
    if (!counts->begun)
        return 0;
    return state == RC_LIFECYCLE_NEW            ? counts->new_users
           : state == RC_LIFECYCLE_RETURNING    ? counts->returning_users
           : state == RC_LIFECYCLE_RESURRECTING ? counts->resurrecting_users
                                                : counts->dormant_users;
}

static void
lifecycle(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_lifecycle_request request = {.scope = world.scope,
                                                 .selector = world.any,
                                                 .unit = RC_UNIT_WEEK,
                                                 .breakdown = &by_name,
                                                 .dimension_count = 1};
    struct rc_lifecycle_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_LIFECYCLE, .lifecycle = &request};
    assert_int_equal(rc_query_lifecycle(&world.context, &request, &reply, NULL), RC_OK);
    for (uint32_t i = 0; i < reply.row_count; i++)
        cell.labels = rc_row_label_hash(cell.labels, &reply.rows[i].label);
    for (cell.row = 0; cell.row <= reply.row_count; cell.row++) {
        const struct rc_lifecycle_counts *counts =
            cell.row == reply.row_count ? reply.counts : reply.rows[cell.row].counts;
        for (cell.column = 0; cell.column < reply.bucket_count; cell.column++)
            for (cell.state = RC_LIFECYCLE_NEW; cell.state <= RC_LIFECYCLE_DORMANT; cell.state++)
                expect_count(&world, &cell, in_state(&counts[cell.column], cell.state));
    }
    cell.state = RC_LIFECYCLE_NEW;
    cell.column = 0;
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.column = reply.bucket_count;
    expect_refused(&world, cell, "bucket");
    rig_free(world.rig);
}

static void
stickiness(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_stickiness_request request = {.scope = world.scope,
                                                  .selector = world.any,
                                                  .unit = RC_UNIT_WEEK,
                                                  .min_events = 1,
                                                  .breakdown = &by_name,
                                                  .dimension_count = 1};
    struct rc_stickiness_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_STICKINESS, .stickiness = &request};
    assert_int_equal(rc_query_stickiness(&world.context, &request, &reply, NULL), RC_OK);
    for (uint32_t i = 0; i < reply.row_count; i++)
        cell.labels = rc_row_label_hash(cell.labels, &reply.rows[i].label);
    for (cell.row = 0; cell.row <= reply.row_count; cell.row++) {
        const struct rc_stickiness_counts *counts =
            cell.row == reply.row_count ? &reply.counts : &reply.rows[cell.row].counts;
        for (cell.place = 1; cell.place <= reply.place_count; cell.place++)
            expect_count(&world, &cell, counts->users[cell.place - 1]);
    }
    cell.place = 1;
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.place = 0;
    expect_refused(&world, cell, "buckets");
    rig_free(world.rig);
}

/* The walks of one row's flow, or of the total's. */
static void
expect_flow(const struct world *world, struct rc_chart_cell cell, const struct rc_path_flow *flow)
{
    cell.path.part = RC_PATH_WALKS;
    expect_count(world, &cell, flow->users);
    for (uint32_t level = 0; level < flow->level_count; level++) {
        for (uint32_t node = 0; node < flow->levels[level].node_count; node++) {
            const struct rc_path_node *at = &flow->levels[level].nodes[node];
            cell.path.level = level;
            cell.path.node = node;
            cell.path.part = RC_PATH_NODE;
            expect_count(world, &cell, at->users);
            cell.path.part = RC_PATH_DROP_OFF;
            expect_count(world, &cell, at->drop_off_users);
        }
    }
    cell.path.part = RC_PATH_EDGE;
    for (uint64_t i = 0; i < flow->edge_count; i++) {
        cell.path.level = flow->edges[i].level;
        cell.path.node = flow->edges[i].source;
        cell.path.target = flow->edges[i].target;
        expect_count(world, &cell, flow->edges[i].users);
    }
}

static void
paths(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_paths_request request = {.scope = world.scope,
                                             .property = RC_BYTES_LITERAL("name"),
                                             .gap_ms = 30 * RIG_DAY_MS,
                                             .depth = 3,
                                             .top_n = 2,
                                             .breakdown = &by_name,
                                             .dimension_count = 1};
    struct rc_paths_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_PATHS, .paths = &request};
    assert_int_equal(rc_query_paths(&world.context, &request, &reply, NULL), RC_OK);
    cell.labels = rc_paths_label_hash(&reply);
    for (cell.row = 0; cell.row <= reply.row_count; cell.row++)
        expect_flow(&world, cell,
                    cell.row == reply.row_count ? &reply.total : &reply.rows[cell.row].flow);
    cell.path.part = RC_PATH_WALKS;
    expect_refused(&world, cell, "row");
    cell.row = 0;
    cell.path.part = RC_PATH_NODE;
    cell.path.level = reply.total.level_count;
    expect_refused(&world, cell, "level");
    for (uint32_t level = 0; level < reply.total.level_count; level++) {
        const bool last = level + 1 == reply.total.level_count;
        cell.path = (struct rc_path_cell){.part = RC_PATH_EDGE, .level = level};
        cell.path.target = last ? 0 : reply.total.levels[level + 1].node_count;
        expect_refused(&world, cell, "target");
        cell.path.part = RC_PATH_NODE;
        cell.path.node = reply.total.levels[level].node_count;
        expect_refused(&world, cell, "node");
    }
    rig_free(world.rig);
}

static void
sessions(void **state)
{
    struct world world;
    (void)state;
    world_open(&world);
    const struct rc_sessions_request request = {.scope = world.scope,
                                                .selector = world.first,
                                                .gap_ms = RIG_DAY_MS,
                                                .unit = RC_UNIT_WEEK,
                                                .property = RC_BYTES_LITERAL("name"),
                                                .breakdown = &by_name,
                                                .dimension_count = 1};
    struct rc_sessions_reply reply;
    struct rc_chart_cell cell = {.kind = RC_CHART_SESSIONS, .sessions = &request};
    struct rc_sessions_cell *at = &cell.session;
    assert_int_equal(rc_query_sessions(&world.context, &request, &reply, NULL), RC_OK);
    cell.labels = rc_sessions_label_hash(&reply);
    for (at->row = 0; at->row <= reply.row_count; at->row++) {
        const bool total = at->row == reply.row_count;
        for (at->bucket = 0; at->bucket < reply.bucket_count; at->bucket++)
            expect_count(&world, &cell,
                         total ? reply.figures[at->bucket].users
                               : reply.rows[at->row].figures[at->bucket].users);
        at->bucket = RC_SESSIONS_RANGE;
        expect_count(&world, &cell, total ? reply.total.users : reply.rows[at->row].total.users);
    }
    expect_refused(&world, cell, "row");
    at->row = 0;
    at->bucket = reply.bucket_count;
    expect_refused(&world, cell, "bucket");
    at->bucket = RC_SESSIONS_RANGE;
    at->part = RC_SESSIONS_ENTRIES;
    at->row = reply.entry_count;
    expect_refused(&world, cell, "entry");
    at->part = RC_SESSIONS_EXITS;
    at->row = reply.exit_count;
    expect_refused(&world, cell, "exit");
    rig_free(world.rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series),    cmocka_unit_test(series_columns),
        cmocka_unit_test(formulas),  cmocka_unit_test(series_bins),
        cmocka_unit_test(funnel),    cmocka_unit_test(retention),
        cmocka_unit_test(lifecycle), cmocka_unit_test(stickiness),
        cmocka_unit_test(paths),     cmocka_unit_test(sessions),
    };
    random_state = test_number("RC_TEST_SEED", 1);
    print_message("RC_TEST_SEED=%llu\n", (unsigned long long)random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
