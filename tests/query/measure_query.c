/*
 * Measures folds over ten slabs of a million rows each, 200,000 users, cached bitmaps (the first
 * run, which computes them, is printed too). Not a test: it prints, best of RUNS.
 *
 * Expected on two cores of 2 GHz: funnel 10 / 1 / 0.2 % 15 ms, daily counts of 10 % 10 ms, a rare
 * event in a week 0.3 ms, daily uniques over everything 40 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/query/funnel.h"
#include "engine/query/query.h"
#include "engine/query/retention.h"
#include "engine/store/project.h"
#include "engine/store/slab_builder.h"

#define SLABS 10u
#define USERS 200000u
#define RUNS 7u
#define DAY_MS ((int64_t)86400000)

static const int64_t start_ms = (int64_t)1709251200000 / RC_WINDOW_MS * RC_WINDOW_MS;

static void
ok(enum rc_status status)
{
    if (status == RC_OK)
        return;
    fprintf(stderr, "%s\n", rc_status_name(status));
    exit(1);
}

static uint64_t
next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Names by share: view 88.8 %, step1 10 %, step2 1 %, step3 0.2 %, rare one in 50,000. */
static const char *const names[] = {"view", "step1", "step2", "step3", "rare"};

static uint32_t
random_name(uint64_t *state)
{
    const uint64_t draw = next_random(state) % 100000;
    return draw < 10000 ? 1 : draw < 11000 ? 2 : draw < 11200 ? 3 : draw < 11202 ? 4 : 0;
}

static struct rc_slab *
make_slab(struct rc_project *project,
          const rc_cell *cells,
          uint32_t rows,
          uint64_t *state,
          uint32_t window)
{
    uint32_t *users = malloc(rows * sizeof(*users));
    int64_t *times_ms = malloc(rows * sizeof(*times_ms));
    struct rc_event_id *ids = calloc(rows, sizeof(*ids));
    rc_cell *column = malloc(rows * sizeof(*column));
    rc_cell *city = malloc(rows * sizeof(*city));
    const uint32_t properties[2] = {0, 1};
    const rc_cell *const columns[2] = {column, city};
    if (users == NULL || times_ms == NULL || ids == NULL || column == NULL || city == NULL)
        exit(1);
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t draw = next_random(state) % USERS;
        users[i] =
            (uint32_t)(draw * (next_random(state) % USERS) / USERS); /* Early users do more. */
        times_ms[i] = start_ms + window * RC_WINDOW_MS +
                      (int64_t)(next_random(state) % (uint64_t)RC_WINDOW_MS);
        ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = next_random(state) >> 11};
        column[i] = cells[random_name(state)];
        city[i] = (rc_cell)(next_random(state) % 800) << 3 | RC_CELL_INT;
    }
    const struct rc_row_source source = {.row_count = rows,
                                         .users = users,
                                         .times_ms = times_ms,
                                         .ids = ids,
                                         .column_count = 2,
                                         .column_properties = properties,
                                         .column_cells = columns};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    struct rc_slab *slab;
    ok(rc_slab_build(sources, 1, start_ms + window * RC_WINDOW_MS, rc_project_account(project),
                     NULL, &slab, NULL));
    free(users);
    free(times_ms);
    free(ids);
    free(column);
    free(city);
    return slab;
}

static struct rc_project *
make_project(uint32_t rows)
{
    uint64_t state = 42;
    struct rc_project *project;
    struct rc_version *draft;
    uint32_t code;
    rc_cell cells[5];
    char text[16];
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("measure"), .version = 1};
    ok(rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &project));
    rc_project_lock_writer(project);
    for (uint32_t i = 0; i < USERS; i++) {
        const int size = snprintf(text, sizeof(text), "user%u", i);
        ok(rc_dictionary_intern(rc_people_ids(rc_project_people(project)),
                                (struct rc_bytes){text, (size_t)size}, &code));
    }
    struct rc_properties *properties = rc_project_event_properties(project);
    ok(rc_properties_intern(properties, RC_BYTES_LITERAL("name"), &code));
    ok(rc_properties_intern(properties, RC_BYTES_LITERAL("city"), &code));
    for (uint32_t i = 0; i < 5; i++)
        ok(rc_cell_intern(rc_properties_dictionary(properties, 0),
                          rc_value_string(rc_bytes_of(names[i])), &cells[i]));
    ok(rc_version_draft(rc_project_version(project), &draft));
    for (uint32_t i = 0; i < SLABS; i++) {
        struct rc_slab *slab = make_slab(project, cells, rows, &state, i);
        ok(rc_version_add_slab(draft, slab, rc_project_next_slab_id(project), NULL));
        rc_slab_unref(slab);
    }
    rc_project_publish(project, draft, 1);
    rc_project_unlock_writer(project);
    return project;
}

struct measured {
    struct rc_query_context context;
    struct rc_predicate named[5];
    struct rc_value values[5];
    struct rc_predicate any;
    struct rc_scope scope;
};

static double
funnel(struct measured *m)
{
    const struct rc_predicate *steps[3] = {&m->named[1], &m->named[2], &m->named[3]};
    const struct rc_funnel_request request = {
        .scope = m->scope, .step_count = 3, .steps = steps, .window_ms = 7 * DAY_MS};
    struct rc_funnel_reply reply;
    ok(rc_query_funnel(&m->context, &request, &reply, NULL));
    return (double)reply.rows[0].steps[2].users;
}

static double
series(struct measured *m,
       const struct rc_predicate *selector,
       enum rc_measure measure,
       enum rc_unit unit,
       const struct rc_breakdown *breakdown)
{
    const struct rc_series one = {.selector = selector, .measure = measure};
    const struct rc_series_request request = {
        .scope = m->scope, .unit = unit, .series_count = 1, .series = &one, .breakdown = breakdown};
    struct rc_series_reply reply;
    ok(rc_query_series(&m->context, &request, &reply, NULL));
    return reply.rows[reply.row_count - 1].total;
}

static double
daily_counts(struct measured *m)
{
    return series(m, &m->named[1], RC_MEASURE_COUNT, RC_UNIT_DAY, NULL);
}

static double
daily_counts_of_all(struct measured *m)
{
    return series(m, &m->any, RC_MEASURE_COUNT, RC_UNIT_DAY, NULL);
}

static double
daily_uniques_of_all(struct measured *m)
{
    return series(m, &m->any, RC_MEASURE_UNIQUE, RC_UNIT_DAY, NULL);
}

static double
rare_in_a_week(struct measured *m)
{
    struct measured week = *m;
    week.scope.start_ms = start_ms + 100 * DAY_MS;
    week.scope.end_ms = start_ms + 107 * DAY_MS;
    return series(&week, &m->named[4], RC_MEASURE_COUNT, RC_UNIT_DAY, NULL);
}

static double
common_in_a_week(struct measured *m)
{
    struct measured week = *m;
    week.scope.start_ms = start_ms + 100 * DAY_MS;
    week.scope.end_ms = start_ms + 107 * DAY_MS;
    return series(&week, &m->named[1], RC_MEASURE_COUNT, RC_UNIT_DAY, NULL);
}

static double
uniques_by_city(struct measured *m)
{
    const struct rc_breakdown city = {.scope = RC_LEAF_EVENT, .property = RC_BYTES_LITERAL("city")};
    return series(m, &m->named[1], RC_MEASURE_UNIQUE, RC_UNIT_WEEK, &city);
}

static double
retention(struct measured *m)
{
    const struct rc_retention_request request = {.scope = m->scope,
                                                 .unit = RC_UNIT_WEEK,
                                                 .cohort = RC_COHORT_RECURRING,
                                                 .start = &m->named[1],
                                                 .back = &m->named[1],
                                                 .period_count = 12};
    struct rc_retention_reply reply;
    ok(rc_query_retention(&m->context, &request, &reply, NULL));
    return (double)reply.rows[0].cohorts[0].users;
}

static double
segment(struct measured *m)
{
    const struct rc_segment rule = {.kind = RC_SEGMENT_BEHAVIOUR,
                                    .behaviour = {.selector = &m->named[1],
                                                  .measure = RC_BEHAVIOUR_COUNT,
                                                  .comparison = RC_LE,
                                                  .n = 1,
                                                  .window = RC_WINDOW_ALL_TIME}};
    const struct rc_segment_request request = {.as_of_ms = m->scope.as_of_ms, .segment = &rule};
    struct rc_segment_reply reply;
    ok(rc_query_segment(&m->context, &request, &reply, NULL));
    return (double)reply.users;
}

/* Of all threads: what the work costs on a busy machine too. */
static double
cpu_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Only queries whose name holds this are run, RUNS times unless told. */
static const char *wanted = "";
static uint32_t runs = RUNS;

static void
run(struct measured *m, const char *name, double (*query)(struct measured *m))
{
    if (strstr(name, wanted) == NULL)
        return;
    double best_ms = 1e9;
    double best_cpu_ms = 1e9;
    double first_ms = 0;
    double answer = 0;
    for (uint32_t i = 0; i < runs; i++) {
        const uint64_t begin_ns = rc_clock_monotonic_ns();
        const double begin_cpu_ms = cpu_ms();
        answer = query(m);
        const double ms = (double)(rc_clock_monotonic_ns() - begin_ns) / 1e6;
        const double used_ms = cpu_ms() - begin_cpu_ms;
        best_cpu_ms = used_ms < best_cpu_ms ? used_ms : best_cpu_ms;
        first_ms = i == 0 ? ms : first_ms;
        best_ms = ms < best_ms ? ms : best_ms;
        rc_arena_reset(m->context.arena);
    }
    printf("%-22s threads %u  first %8.2f ms  best %8.2f ms  cpu %8.2f ms  answer %.0f\n", name,
           m->context.parallel_max, first_ms, best_ms, best_cpu_ms, answer);
}

int
main(int argc, char **argv)
{
    const uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    wanted = argc > 2 ? argv[2] : wanted;
    runs = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : RUNS;
    struct rc_project *project = make_project(rows);
    struct measured m = {.any.kind = RC_PREDICATE_TRUE};
    ok(rc_project_view(project, rc_project_account(project), &m.context.view));
    ok(rc_match_cache_new(rc_project_account(project), &m.context.cache));
    ok(rc_workers_new(2, 0, &m.context.workers, NULL));
    m.context.account = rc_project_account(project);
    m.context.arena = rc_arena_new(NULL, 0);
    m.scope = (struct rc_scope){.start_ms = start_ms,
                                .end_ms = start_ms + SLABS * RC_WINDOW_MS,
                                .as_of_ms = start_ms + 2 * SLABS * RC_WINDOW_MS};
    for (uint32_t i = 0; i < 5; i++) {
        m.values[i] = rc_value_string(rc_bytes_of(names[i]));
        m.named[i].kind = RC_PREDICATE_LEAF;
        m.named[i].leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                           .operator= RC_LEAF_IN,
                                           .property = RC_BYTES_LITERAL("name"),
                                           .value_count = 1,
                                           .values = &m.values[i]};
    }
    for (m.context.parallel_max = 1; m.context.parallel_max <= 2; m.context.parallel_max++) {
        run(&m, "funnel", funnel);
        run(&m, "daily counts 10 %", daily_counts);
        run(&m, "daily counts of all", daily_counts_of_all);
        run(&m, "daily uniques of all", daily_uniques_of_all);
        run(&m, "rare in a week", rare_in_a_week);
        run(&m, "common in a week", common_in_a_week);
        run(&m, "uniques by city", uniques_by_city);
        run(&m, "weekly retention", retention);
        run(&m, "segment at most 1", segment);
    }
    rc_arena_free(m.context.arena);
    rc_workers_free(m.context.workers);
    rc_match_cache_free(m.context.cache);
    rc_view_release(m.context.view);
    rc_project_unref(project);
    return 0;
}
