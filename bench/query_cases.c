/* The world of a case is a function of its seed alone, so that numbers compare between runs. */
#include "query_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/query/funnel/funnel.h"
#include "engine/query/query.h"
#include "engine/query/retention/retention.h"
#include "engine/query/usage/lifecycle.h"
#include "engine/query/usage/paths.h"
#include "engine/query/usage/sessions.h"
#include "engine/query/usage/stickiness.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/project/project.h"

#define SLABS 4u
#define SLAB_ROWS 250000u
#define USERS 20000u
#define CITIES 800u
#define NAMES 5u
#define DAY_MS ((int64_t)86400000)
#define START_MS ((int64_t)1709251200000 / RC_WINDOW_MS * RC_WINDOW_MS)

static const char *const names[NAMES] = {"view", "step1", "step2", "step3", "rare"};

struct rows {
    uint32_t users[SLAB_ROWS];
    int64_t times_ms[SLAB_ROWS];
    struct rc_event_id ids[SLAB_ROWS];
    rc_cell names[SLAB_ROWS];
    rc_cell cities[SLAB_ROWS];
};

struct world {
    struct rc_project *project;
    struct rc_query_context context;
    struct rc_predicate any;
    struct rc_predicate named[NAMES];
    struct rc_value values[NAMES];
    struct rc_scope scope;
};

static void
ok(enum rc_status status)
{
    if (status == RC_OK)
        return;
    (void)fprintf(stderr, "%s\n", rc_status_name(status));
    abort();
}

static uint64_t
next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static uint32_t
random_name(uint64_t *state)
{
    const uint64_t draw = next(state) % 100000;
    return draw < 10000 ? 1 : draw < 11000 ? 2 : draw < 11200 ? 3 : draw < 11202 ? 4 : 0;
}

static struct rc_slab *
make_slab(struct rc_project *project, const rc_cell *cells, uint32_t window, uint64_t *state)
{
    struct rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL)
        abort();
    const int64_t from_ms = START_MS + window * RC_WINDOW_MS;
    for (uint32_t i = 0; i < SLAB_ROWS; i++) {
        const uint64_t draw = next(state) % USERS;
        rows->users[i] = (uint32_t)(draw * (next(state) % USERS) / USERS);
        rows->times_ms[i] = from_ms + (int64_t)(next(state) % (uint64_t)RC_WINDOW_MS);
        rows->ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = next(state) >> 11};
        rows->names[i] = cells[random_name(state)];
        rows->cities[i] = (rc_cell)(next(state) % CITIES) << 3 | RC_CELL_INT;
    }
    const uint32_t properties[2] = {0, 1};
    const rc_cell *const columns[2] = {rows->names, rows->cities};
    const struct rc_row_source source = {.row_count = SLAB_ROWS,
                                         .users = rows->users,
                                         .times_ms = rows->times_ms,
                                         .ids = rows->ids,
                                         .column_count = 2,
                                         .column_properties = properties,
                                         .column_cells = columns};
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    struct rc_slab *slab;
    ok(rc_slab_build(sources, 1, rc_window_longest(from_ms), NULL, rc_project_account(project),
                     NULL, &slab, NULL));
    free(rows);
    return slab;
}

static struct rc_project *
make_project(void)
{
    uint64_t state = 42;
    struct rc_project *project;
    struct rc_version *draft;
    uint32_t code;
    rc_cell cells[NAMES];
    char text[16];
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("bench"), .version = 1};
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
    for (uint32_t i = 0; i < NAMES; i++)
        ok(rc_cell_intern(rc_properties_dictionary(properties, 0),
                          rc_value_string(rc_bytes_of(names[i])), &cells[i]));
    ok(rc_version_draft(rc_project_version(project), &draft));
    for (uint32_t i = 0; i < SLABS; i++) {
        struct rc_slab *slab = make_slab(project, cells, i, &state);
        ok(rc_version_add_slab(draft, slab, rc_project_next_slab_id(project), NULL));
        rc_slab_unref(slab);
    }
    rc_project_publish(project, draft, 1);
    rc_project_unlock_writer(project);
    return project;
}

static struct world *
world_get(void)
{
    static struct world world;
    if (world.project != NULL)
        return &world;
    world.project = make_project();
    ok(rc_project_view(world.project, rc_project_account(world.project), &world.context.view));
    ok(rc_match_cache_new(rc_project_account(world.project), &world.context.cache));
    ok(rc_workers_new(2, RC_URGENCY_PLAIN, &world.context.workers, NULL));
    world.context.account = rc_project_account(world.project);
    world.context.arena = rc_arena_new(NULL, 0);
    world.any.kind = RC_PREDICATE_TRUE;
    world.scope = (struct rc_scope){.start_ms = START_MS,
                                    .end_ms = START_MS + SLABS * RC_WINDOW_MS,
                                    .as_of_ms = START_MS + 2 * SLABS * RC_WINDOW_MS};
    for (uint32_t i = 0; i < NAMES; i++) {
        world.values[i] = rc_value_string(rc_bytes_of(names[i]));
        world.named[i].kind = RC_PREDICATE_LEAF;
        world.named[i].leaf = (struct rc_leaf){.scope = RC_LEAF_EVENT,
                                               .operator= RC_LEAF_IN,
                                               .property = RC_BYTES_LITERAL("name"),
                                               .value_count = 1,
                                               .values = &world.values[i]};
    }
    return &world;
}

static uint64_t
funnel(const struct world *world, enum case_question question)
{
    static const struct rc_breakdown city = {.scope = RC_LEAF_EVENT,
                                             .property = RC_BYTES_LITERAL("city")};
    const struct rc_predicate *steps[64];
    for (uint32_t i = 0; i < 64; i++)
        steps[i] = &world->named[1];
    if (question != CASE_FUNNEL_64) {
        steps[0] = &world->named[question == CASE_FUNNEL_RARE ? 4 : 1];
        steps[1] = &world->named[2];
        steps[2] = &world->named[3];
    }
    const struct rc_funnel_request request = {
        .scope = world->scope,
        .step_count = question == CASE_FUNNEL_64 ? 64 : 3,
        .steps = steps,
        .window_ms = 7 * DAY_MS,
        .order = question == CASE_FUNNEL_STRICT ? RC_FUNNEL_STRICT : RC_FUNNEL_ORDERED,
        .breakdown = question == CASE_FUNNEL_BY_CITY ? &city : NULL,
    };
    struct rc_funnel_reply reply;
    ok(rc_query_funnel(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
retention(const struct world *world, uint32_t start, uint32_t back)
{
    const struct rc_retention_request request = {.scope = world->scope,
                                                 .unit = RC_UNIT_WEEK,
                                                 .cohort = RC_COHORT_RECURRING,
                                                 .start = &world->named[start],
                                                 .back = &world->named[back],
                                                 .period_count = 12};
    struct rc_retention_reply reply;
    ok(rc_query_retention(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
series(const struct world *world, enum case_question question)
{
    static const struct rc_breakdown city = {.scope = RC_LEAF_EVENT,
                                             .property = RC_BYTES_LITERAL("city")};
    const bool all = question == CASE_COUNTS_ALL || question == CASE_UNIQUES_ALL;
    const bool counts = question != CASE_UNIQUES_ALL && question != CASE_UNIQUES_BY_CITY;
    const struct rc_series one = {
        .selector = all ? &world->any : &world->named[question == CASE_RARE_IN_WEEK ? 4 : 1],
        .measure = counts ? RC_MEASURE_COUNT : RC_MEASURE_UNIQUE,
    };
    struct rc_series_request request = {
        .scope = world->scope,
        .unit = question == CASE_UNIQUES_BY_CITY ? RC_UNIT_WEEK : RC_UNIT_DAY,
        .series_count = 1,
        .series = &one,
        .breakdown = question == CASE_UNIQUES_BY_CITY ? &city : NULL,
    };
    if (question == CASE_RARE_IN_WEEK) {
        request.unit = RC_UNIT_WEEK;
        request.scope.start_ms += 40 * DAY_MS;
        request.scope.end_ms = request.scope.start_ms + 7 * DAY_MS;
    }
    struct rc_series_reply reply;
    ok(rc_query_series(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
segment(const struct world *world)
{
    const struct rc_segment rule = {.kind = RC_SEGMENT_BEHAVIOUR,
                                    .behaviour = {.selector = &world->named[1],
                                                  .measure = RC_BEHAVIOUR_COUNT,
                                                  .comparison = RC_LE,
                                                  .n = 1,
                                                  .window = RC_WINDOW_ALL_TIME}};
    const struct rc_segment_request request = {.as_of_ms = world->scope.as_of_ms, .segment = &rule};
    struct rc_segment_reply reply;
    ok(rc_query_segment(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
lifecycle(const struct world *world)
{
    const struct rc_lifecycle_request request = {
        .scope = world->scope, .selector = &world->named[1], .unit = RC_UNIT_WEEK};
    struct rc_lifecycle_reply reply;
    ok(rc_query_lifecycle(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
stickiness(const struct world *world)
{
    const struct rc_stickiness_request request = {
        .scope = world->scope, .selector = &world->named[1], .unit = RC_UNIT_DAY, .min_events = 1};
    struct rc_stickiness_reply reply;
    ok(rc_query_stickiness(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
sessions(const struct world *world)
{
    const struct rc_sessions_request request = {
        .scope = world->scope, .selector = &world->any, .gap_ms = 30 * 60000, .unit = RC_UNIT_DAY};
    struct rc_sessions_reply reply;
    ok(rc_query_sessions(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

static uint64_t
paths(const struct world *world)
{
    const struct rc_paths_request request = {.scope = world->scope,
                                             .property = RC_BYTES_LITERAL("name"),
                                             .gap_ms = 30 * 60000,
                                             .depth = 5};
    struct rc_paths_reply reply;
    ok(rc_query_paths(&world->context, &request, &reply, NULL));
    return reply.stats.matched_events;
}

uint64_t
case_question_run(enum case_question question, uint32_t threads)
{
    struct world *world = world_get();
    uint64_t events = 0;
    world->context.parallel_max = threads;
    switch (question) {
    case CASE_FUNNEL_3:
    case CASE_FUNNEL_RARE:
    case CASE_FUNNEL_64:
    case CASE_FUNNEL_STRICT:
    case CASE_FUNNEL_BY_CITY:
        events = funnel(world, question);
        break;
    case CASE_RETENTION:
        events = retention(world, 1, 1);
        break;
    case CASE_RETENTION_RARE:
        events = retention(world, 4, 0);
        break;
    case CASE_COUNTS:
    case CASE_COUNTS_ALL:
    case CASE_UNIQUES_ALL:
    case CASE_UNIQUES_BY_CITY:
    case CASE_RARE_IN_WEEK:
        events = series(world, question);
        break;
    case CASE_SEGMENT:
        events = segment(world);
        break;
    case CASE_LIFECYCLE:
        events = lifecycle(world);
        break;
    case CASE_STICKINESS:
        events = stickiness(world);
        break;
    case CASE_SESSIONS:
        events = sessions(world);
        break;
    case CASE_PATHS:
    case CASE_QUESTIONS:
        events = paths(world);
        break;
    }
    rc_arena_reset(world->context.arena);
    return events;
}
