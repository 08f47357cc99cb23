/*
 * Paths over a whole small project against a slow twin that reads a plain array of events; one and
 * two threads must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/usage/paths.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u
#define NODES RIG_NAMES /* Names "a" .. "d"; events without one are no node here. */
#define WALKS_MAX RIG_EVENTS_MAX

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

static struct rc_scope
random_scope(void)
{
    struct rc_scope scope = {.zone = rc_bytes_of("")};
    scope.start_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS + (int64_t)below(5) * 1000;
    scope.end_ms = scope.start_ms + 1 + (int64_t)below(40) * RIG_DAY_MS + (int64_t)below(90000);
    scope.as_of_ms = below(3) == 0 ? scope.start_ms + (int64_t)below(40) * RIG_DAY_MS
                                   : RIG_START_MS + 2 * RIG_SPAN_MS;
    return scope;
}

struct question {
    struct rc_paths_request request;
    struct rc_path_selector selectors[NODES];
    struct rc_value start[3];
    struct rc_value end;
    uint32_t start_names[3];
    uint32_t end_name;
    struct rig_selector excluded;
};

struct walk {
    uint32_t person;
    uint32_t nodes[RIG_EVENTS_MAX];
    uint32_t count;
    bool drops_off;
};

static const char *const names[NODES] = {"a", "b", "c", "d"};

static void
ask(struct rig *rig, struct question *question)
{
    static const int64_t gaps_ms[] = {0, 1800000, RIG_HOUR_MS, RIG_DAY_MS, 5 * RIG_DAY_MS};
    struct rc_paths_request *request = &question->request;
    *request = (struct rc_paths_request){.scope = random_scope(),
                                         .gap_ms = gaps_ms[below(5)],
                                         .depth = 1 + below(7),
                                         .top_n = below(5) == 0 ? RC_TOP_NONE : 1 + below(4)};
    request->selectors = question->selectors;
    request->selector_count = NODES;
    for (uint32_t i = 0; i < NODES; i++) {
        const struct rig_selector one = {.names = 1u << i, .plan = RIG_NO_PLAN};
        question->selectors[i] = (struct rc_path_selector){.name = rc_bytes_of(names[i]),
                                                           .selector = rig_predicate(rig, &one)};
    }
    question->excluded = (struct rig_selector){.plan = RIG_NO_PLAN};
    if (below(2) == 0) {
        question->excluded.names = 1u << below(NODES);
        request->excluded = rig_predicate(rig, &question->excluded);
    }
    request->start_count = below(2) == 0 ? 0 : 1 + below(request->depth < 2 ? request->depth : 2);
    request->start = question->start;
    for (uint32_t i = 0; i < request->start_count; i++) {
        question->start_names[i] = below(NODES);
        question->start[i] = rc_value_string(rc_bytes_of(names[question->start_names[i]]));
    }
    if (below(3) == 0) {
        question->end_name = below(NODES);
        question->end = rc_value_string(rc_bytes_of(names[question->end_name]));
        request->end = &question->end;
    }
}

/* Cuts a session's nodes into a walk; false: there is none. */
static bool
cut(const struct question *question, struct walk *walk)
{
    const struct rc_paths_request *request = &question->request;
    uint32_t begin = 0;
    for (;; begin++) {
        if (begin + request->start_count > walk->count || walk->count == 0)
            return false;
        if (memcmp(walk->nodes + begin, question->start_names,
                   request->start_count * sizeof(uint32_t)) == 0)
            break;
    }
    uint32_t end = walk->count;
    walk->drops_off = request->end == NULL;
    if (request->end != NULL) {
        end = begin + request->start_count;
        while (end < walk->count && walk->nodes[end] != question->end_name)
            end++;
        if (end++ == walk->count)
            return false;
        begin = end - begin > request->depth ? end - request->depth : begin;
    } else if (end - begin > request->depth) {
        end = begin + request->depth;
        walk->drops_off = false;
    }
    walk->count = end - begin;
    memmove(walk->nodes, walk->nodes + begin, walk->count * sizeof(uint32_t));
    return walk->count > 0;
}

/* All walks; returns how many. */
static uint32_t
slow_walks(const struct rig *rig, const struct question *question, struct walk *walks)
{
    const struct rc_scope *scope = &question->request.scope;
    uint32_t count = 0;
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        struct walk *walk = &walks[count];
        int64_t last_ms = INT64_MIN;
        *walk = (struct walk){.person = person};
        for (uint32_t i = 0; i <= rig->event_count; i++) {
            const struct rig_event *event = &rig->events[i];
            const bool at_end = i == rig->event_count;
            if (!at_end && (event->person != person || event->time_ms < scope->start_ms ||
                            event->time_ms >= scope->end_ms || event->time_ms > scope->as_of_ms))
                continue;
            if (last_ms != INT64_MIN &&
                (at_end || event->time_ms - last_ms > question->request.gap_ms)) {
                count += cut(question, walk);
                walk = &walks[count];
                *walk = (struct walk){.person = person};
            }
            if (at_end)
                break;
            last_ms = event->time_ms;
            const bool is_node =
                event->name < NODES && !(question->request.excluded != NULL &&
                                         question->excluded.names == 1u << event->name);
            if (is_node && (walk->count == 0 || walk->nodes[walk->count - 1] != event->name))
                walk->nodes[walk->count++] = event->name;
        }
    }
    return count;
}

/* The row of a name at a level. */
static uint32_t
row_of(const struct rc_path_level *level, uint32_t name)
{
    for (uint32_t row = 0; row < level->node_count; row++)
        if (level->nodes[row].label.kind == RC_ROW_VALUE &&
            rc_bytes_equal(level->nodes[row].label.value.string, rc_bytes_of(names[name])))
            return row;
    assert_int_equal(level->nodes[level->node_count - 1].label.kind, RC_ROW_OTHER);
    return level->node_count - 1;
}

struct tally {
    uint64_t walks;
    uint64_t users;
    uint32_t last_person;
};

static void
add(struct tally *tally, uint32_t person)
{
    tally->users += tally->walks == 0 || tally->last_person != person;
    tally->last_person = person;
    tally->walks++;
}

static void
expect_paths(const struct rc_path_flow *flow, const struct walk *walks, uint32_t count)
{
    struct tally all = {0};
    for (uint32_t w = 0; w < count; w++) {
        add(&all, walks[w].person);
        assert_true(walks[w].count <= flow->level_count);
    }
    assert_int_equal(flow->walks, all.walks);
    assert_int_equal(flow->users, all.users);
    uint64_t edge = 0;
    for (uint32_t i = 0; i < flow->level_count; i++) {
        const struct rc_path_level *level = &flow->levels[i];
        for (uint32_t row = 0; row < level->node_count; row++) {
            struct tally here = {0};
            struct tally ends = {0};
            struct tally next[NODES + 1] = {0};
            for (uint32_t w = 0; w < count; w++) {
                if (walks[w].count <= i || row_of(level, walks[w].nodes[i]) != row)
                    continue;
                add(&here, walks[w].person);
                if (walks[w].count > i + 1)
                    add(&next[row_of(&flow->levels[i + 1], walks[w].nodes[i + 1])],
                        walks[w].person);
                else if (walks[w].drops_off)
                    add(&ends, walks[w].person);
            }
            assert_int_equal(level->nodes[row].walks, here.walks);
            assert_int_equal(level->nodes[row].users, here.users);
            assert_int_equal(level->nodes[row].drop_off_walks, ends.walks);
            assert_int_equal(level->nodes[row].drop_off_users, ends.users);
            if (row > 0 && level->nodes[row].label.kind == RC_ROW_VALUE)
                assert_true(level->nodes[row - 1].walks >= here.walks);
            for (uint32_t target = 0; target <= NODES; target++) {
                if (next[target].walks == 0)
                    continue;
                assert_true(edge < flow->edge_count);
                const struct rc_path_edge *found = &flow->edges[edge++];
                assert_int_equal(found->level, i);
                assert_int_equal(found->source, row);
                assert_int_equal(found->target, target);
                assert_int_equal(found->walks, next[target].walks);
                assert_int_equal(found->users, next[target].users);
            }
        }
    }
    assert_int_equal(edge, flow->edge_count);
}

static void
one_round(struct rig *rig)
{
    static struct walk walks[WALKS_MAX];
    struct question question = {.start_names = {0}};
    ask(rig, &question);
    const uint32_t count = slow_walks(rig, &question, walks);
    for (uint32_t threads = 1; threads <= 2; threads++) {
        struct rc_paths_reply reply;
        const struct rc_query_context context = rig_context(rig, threads);
        assert_int_equal(rc_query_paths(&context, &question.request, &reply, NULL), RC_OK);
        expect_paths(&reply.total, walks, count);
        /* The names are values of a property: with the events without one excluded, the same. */
        const struct rc_predicate named = {.kind = RC_PREDICATE_LEAF,
                                           .leaf = {.scope = RC_LEAF_EVENT,
                                                    .property = RC_BYTES_LITERAL("name"),
                                                    .operator= RC_LEAF_IS_SET } };
        const struct rc_predicate *nobody = &named;
        const struct rc_predicate unnamed = {
            .kind = RC_PREDICATE_NOT, .child_count = 1, .children = &nobody};
        const struct rc_predicate *both[2] = {&unnamed, question.request.excluded};
        const struct rc_predicate excluded = {
            .kind = RC_PREDICATE_ANY_OF, .child_count = 2, .children = both};
        question.request.property = RC_BYTES_LITERAL("name");
        question.request.selector_count = 0;
        question.request.excluded = both[1] == NULL ? &unnamed : &excluded;
        assert_int_equal(rc_query_paths(&context, &question.request, &reply, NULL), RC_OK);
        expect_paths(&reply.total, walks, count);
        question.request.property = (struct rc_bytes){0};
        question.request.selector_count = NODES;
        question.request.excluded = both[1];
    }
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 4714);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 4; i++)
            one_round(rig);
        rig_free(rig);
    }
}

static void
bad_requests_name_the_field(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    struct rc_query_context context = rig_context(rig, 2);
    struct rc_paths_reply reply;
    struct rc_path_selector selectors[RC_PATH_SELECTORS_MAX + 1];
    char texts[RC_PATH_SELECTORS_MAX + 1][8];
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_value start[3] = {{.kind = RC_VALUE_NULL}};
    struct rc_paths_request request = {.scope = {.start_ms = RIG_START_MS,
                                                 .end_ms = RIG_START_MS + RIG_DAY_MS,
                                                 .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
                                       .excluded = &any,
                                       .selectors = selectors,
                                       .start = start,
                                       .depth = 2};
    for (uint32_t i = 0; i <= RC_PATH_SELECTORS_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%u", i);
        selectors[i] = (struct rc_path_selector){.name = rc_bytes_of(texts[i]), .selector = &any};
    }
    const struct {
        const char *field;
        enum rc_status status;
        uint32_t selector_count, depth, top_n, start_count;
        int64_t gap_ms;
    } cases[] = {
        {"nodes", RC_INVALID, 0, 2, 0, 0, 0},
        {"selectors", RC_LIMIT_EXCEEDED, RC_PATH_SELECTORS_MAX + 1, 2, 0, 0, 0},
        {"depth", RC_INVALID, 1, 0, 0, 0, 0},
        {NULL, RC_OK, 1, 1, 0, 0, 0},
        {"depth", RC_INVALID, 1, RC_PATH_DEPTH_MAX + 1, 0, 0, 0},
        {"top", RC_LIMIT_EXCEEDED, 1, 2, RC_PATH_TOP_MAX + 1, 0, 0},
        {"start_nodes", RC_INVALID, 1, 2, 0, 3, 0},
        {"gap_ms", RC_INVALID, 1, 2, 0, 0, -1},
        {"gap_ms", RC_INVALID, 1, 2, 0, 0, RC_SESSION_GAP_MS_MAX + 1},
        {NULL, RC_OK, RC_PATH_SELECTORS_MAX, RC_PATH_DEPTH_MAX, RC_PATH_TOP_MAX, 3,
         RC_SESSION_GAP_MS_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request.selector_count = cases[i].selector_count;
        request.depth = cases[i].depth;
        request.top_n = cases[i].top_n;
        request.start_count = cases[i].start_count;
        request.gap_ms = cases[i].gap_ms;
        assert_int_equal(rc_query_paths(&context, &request, &reply, &error), cases[i].status);
        if (cases[i].field != NULL)
            assert_string_equal(error.field, cases[i].field);
    }
    selectors[1].name = selectors[0].name;
    assert_int_equal(rc_query_paths(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "selectors.selectors[1].name");
    request.selector_count = 1;
    const struct rc_breakdown breakdown = {.scope = RC_LEAF_EVENT,
                                           .property = RC_BYTES_LITERAL("name")};
    request.breakdown = &breakdown;
    request.dimension_count = 1;
    request.breakdown_top_n = RC_PATH_ROWS_MAX + 1;
    assert_int_equal(rc_query_paths(&context, &request, &reply, &error), RC_INVALID);
    assert_string_equal(error.field, "breakdown.top");
    request.breakdown_top_n = RC_PATH_ROWS_MAX;
    assert_int_equal(rc_query_paths(&context, &request, &reply, &error), RC_OK);
    const _Atomic(bool) cancel = true;
    context.cancel = &cancel;
    assert_int_equal(rc_query_paths(&context, &request, &reply, NULL), RC_CANCELLED);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_requests_name_the_field),
        cmocka_unit_test(against_a_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
