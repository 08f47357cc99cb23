/*
 * Segments and definitions: random rules against a slow twin, the stored form, saved ones, cycles,
 * paging.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/query/plan/hints.h"
#include "engine/query/segment/segment_numbers.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 120u
#define SELECTORS_MAX 64u

static uint64_t random_state;
static struct rig_selector selectors[SELECTORS_MAX]; /* Of the behaviours of the rule at hand. */
static uint32_t selector_count;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

/* A behaviour remembers which selector it was made of by its place in selectors: prior_ms of other
 * windows is free to hold it. */
static struct rc_segment *
random_rule(struct rig *rig, uint32_t depth)
{
    struct rc_segment *segment = rc_arena_zero(rig->arena, sizeof(*segment));
    const uint32_t kind = depth == 0 ? 3 + below(2) : below(5);
    if (kind < 3) {
        segment->kind = (enum rc_segment_kind)(RC_SEGMENT_ALL_OF + kind);
        segment->child_count = segment->kind == RC_SEGMENT_NOT ? 1 : below(4);
        const struct rc_segment **children =
            RC_ARENA_ARRAY(rig->arena, const struct rc_segment *, segment->child_count);
        for (uint32_t i = 0; i < segment->child_count; i++)
            children[i] = random_rule(rig, depth - 1);
        segment->children = children;
    } else if (kind == 3 || selector_count == SELECTORS_MAX) {
        segment->kind = RC_SEGMENT_USER;
        segment->predicate = rig_plan_predicate(rig, below(3));
    } else {
        struct rc_behaviour *behaviour = &segment->behaviour;
        segment->kind = RC_SEGMENT_BEHAVIOUR;
        segment->child_count = 0;
        selectors[selector_count] = rig_random_selector(&random_state);
        behaviour->selector = rig_predicate(rig, &selectors[selector_count]);
        segment->name.size = selector_count++; /* Not read in a behaviour. */
        behaviour->measure = (enum rc_behaviour_measure)(1 + below(2));
        behaviour->comparison = (enum rc_comparison)(RC_EQ + below(6));
        behaviour->n = below(5);
        behaviour->window = (enum rc_behaviour_window)(1 + below(3));
        behaviour->prior_ms = (1 + (int64_t)below(30)) * RIG_DAY_MS;
        behaviour->start_ms = RIG_START_MS + (int64_t)below(50) * RIG_DAY_MS;
        behaviour->end_ms = behaviour->start_ms + (1 + (int64_t)below(30)) * RIG_DAY_MS;
    }
    return segment;
}

static bool
slow_behaviour(const struct rig *rig,
               const struct rc_segment *segment,
               uint32_t person,
               int64_t as_of_ms)
{
    const struct rc_behaviour *behaviour = &segment->behaviour;
    int64_t days[RIG_EVENTS_MAX];
    uint32_t day_count = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->event_count; i++) {
        const struct rig_event *event = &rig->events[i];
        if (event->person != person || event->time_ms > as_of_ms ||
            !rig_selects(rig, &selectors[segment->name.size], event, as_of_ms))
            continue;
        if (behaviour->window == RC_WINDOW_RELATIVE &&
            event->time_ms <= as_of_ms - behaviour->prior_ms)
            continue;
        if (behaviour->window == RC_WINDOW_ABSOLUTE &&
            (event->time_ms < behaviour->start_ms || event->time_ms >= behaviour->end_ms))
            continue;
        const time_t seconds = (time_t)(event->time_ms / 1000);
        struct tm tm;
        localtime_r(&seconds, &tm);
        const int64_t day = tm.tm_year * 1000 + tm.tm_yday;
        bool seen = false;
        for (uint32_t d = 0; d < day_count; d++)
            seen = seen || days[d] == day;
        if (!seen)
            days[day_count++] = day;
        count++;
    }
    const double measure = behaviour->measure == RC_BEHAVIOUR_COUNT ? count : day_count;
    switch (behaviour->comparison) {
    case RC_EQ:
        return measure == behaviour->n;
    case RC_NE:
        return measure != behaviour->n;
    case RC_LT:
        return measure < behaviour->n;
    case RC_LE:
        return measure <= behaviour->n;
    case RC_GT:
        return measure > behaviour->n;
    default:
        return measure >= behaviour->n;
    }
}

static bool
slow_rule(const struct rig *rig,
          const struct rc_segment *segment,
          uint32_t person,
          int64_t as_of_ms)
{
    bool all = true;
    bool any = false;
    if (segment->kind == RC_SEGMENT_BEHAVIOUR)
        return slow_behaviour(rig, segment, person, as_of_ms);
    if (segment->kind == RC_SEGMENT_USER) {
        static const char *const plans[] = {"free", "pro", "team"};
        const uint32_t plan = rig_plan_of(rig, person, as_of_ms);
        return plan != RIG_NO_PLAN &&
               rc_bytes_equal(segment->predicate->leaf.values[0].string, rc_bytes_of(plans[plan]));
    }
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const bool child = slow_rule(rig, segment->children[i], person, as_of_ms);
        all = all && child;
        any = any || child;
    }
    return segment->kind == RC_SEGMENT_ALL_OF   ? all
           : segment->kind == RC_SEGMENT_ANY_OF ? any
                                                : !all;
}

static int
compare_ids(const void *a, const void *b)
{
    return rc_bytes_compare(*(const struct rc_bytes *)a, *(const struct rc_bytes *)b);
}

static void
one_round(struct rig *rig, const char *zone)
{
    selector_count = 0;
    const struct rc_segment *rule = random_rule(rig, 3);
    struct rc_segment_request request = {.as_of_ms = RIG_START_MS + (int64_t)below(80) * RIG_DAY_MS,
                                         .zone = rc_bytes_of(zone),
                                         .segment = rule,
                                         .list = true,
                                         .page_rows = 1 + below(20)};
    struct rc_bytes expected[RIG_USERS];
    uint32_t count = 0;
    uint32_t known = 0;
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        if (rig->person[person] != person || !rig_knows(rig, person, request.as_of_ms))
            continue;
        known++;
        if (!slow_rule(rig, rule, person, request.as_of_ms))
            continue;
        /* Shown under the least id of its members. */
        struct rc_bytes id = rc_view_user_id(rig->view, person);
        for (uint32_t user = 0; user < RIG_USERS; user++)
            if (rig->person[user] == person &&
                rc_bytes_compare(rc_view_user_id(rig->view, user), id) < 0)
                id = rc_view_user_id(rig->view, user);
        expected[count++] = id;
    }
    qsort(expected, count, sizeof(expected[0]), compare_ids);
    uint32_t at = 0;
    struct rc_segment_reply reply = {.more = true};
    while (reply.more) {
        struct rc_query_context context = rig_context(rig, 1 + below(2));
        struct rc_query_hints hints = {.walk = (enum rc_walk_hint)below(3)};
        context.hints = &hints;
        assert_int_equal(rc_query_segment(&context, &request, &reply, NULL), RC_OK);
        assert_int_equal(reply.users, count);
        assert_int_equal(reply.known_users, known);
        for (uint32_t i = 0; i < reply.id_count; i++, at++) {
            assert_true(at < count);
            assert_true(rc_bytes_equal(reply.ids[i], expected[at]));
        }
        if (reply.id_count > 0)
            request.after = reply.ids[reply.id_count - 1];
    }
    assert_int_equal(at, count);

    /* The stored form keeps it, byte for byte. */
    struct rc_writer first = {0};
    struct rc_writer second = {0};
    const struct rc_segment *again;
    struct rc_error error;
    rc_segment_write(&first, rule);
    struct rc_reader reader = rc_reader_of(first.data, first.size);
    assert_int_equal(rc_segment_read(&reader, rig->arena, &again, &error), RC_OK);
    rc_segment_write(&second, again);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    for (uint32_t i = 0; i < 50 && first.size > 0; i++) {
        first.data[below((uint32_t)first.size)] ^= (unsigned char)(1 + below(255));
        reader = rc_reader_of(first.data, below((uint32_t)first.size + 1));
        const enum rc_status status = rc_segment_read(&reader, rig->arena, &again, NULL);
        assert_true(status == RC_OK || status == RC_CORRUPT);
    }
    rc_writer_close(&first);
    rc_writer_close(&second);
}

static void
against_a_slow_twin(void **state)
{
    (void)state;
    random_state = test_number("RC_TEST_SEED", 815);
    print_message("seed %llu\n", (unsigned long long)random_state);
    /* In Asuncion clocks went back over midnight on 2024-03-24. */
    static const char *const zones[] = {"America/New_York", "America/Asuncion"};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        setenv("TZ", zones[round % 2], 1);
        tzset();
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 5; i++)
            one_round(rig, zones[round % 2]);
        rig_free(rig);
    }
}

static void
save(struct rc_catalog **catalog, const char *name, const struct rc_writer *payload)
{
    struct rc_catalog_entry before;
    const bool replaces = rc_catalog_find(*catalog, rc_bytes_of(name), &before);
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = {(const char *)payload->data, payload->size},
                                           .version = replaces ? before.version + 1 : 1};
    struct rc_catalog *next;
    assert_int_equal(rc_catalog_put(*catalog, &entry, &next), RC_OK);
    rc_catalog_unref(*catalog);
    *catalog = next;
}

static void
save_segment(struct rig *rig, const char *name, const struct rc_segment *segment)
{
    struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    save(&rig->segments, name, &writer);
    rc_writer_close(&writer);
}

static void
save_definition(struct rig *rig, const char *name, const struct rc_predicate *predicate)
{
    struct rc_writer writer = {0};
    rc_predicate_write(&writer, predicate);
    save(&rig->definitions, name, &writer);
    rc_writer_close(&writer);
}

static void
saved_segments(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    const struct rc_segment pro = {.kind = RC_SEGMENT_USER,
                                   .predicate = rig_plan_predicate(rig, 1)};
    const struct rc_segment a = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("a")};
    const struct rc_segment b = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("b")};
    const struct rc_segment *const children[] = {&b};
    const struct rc_segment not_b = {
        .kind = RC_SEGMENT_NOT, .child_count = 1, .children = children};
    save_segment(rig, "a", &not_b);
    save_segment(rig, "b", &pro);
    struct rc_segment_request request = {.as_of_ms = RIG_START_MS + RIG_SPAN_MS, .segment = &a};
    struct rc_segment_reply with;
    struct rc_segment_reply without;
    struct rc_query_context context = rig_context(rig, 1);
    assert_int_equal(rc_query_segment(&context, &request, &without, &error), RC_OK);
    request.segment = &b;
    assert_int_equal(rc_query_segment(&context, &request, &with, &error), RC_OK);
    assert_int_equal(with.users + without.users, with.known_users);
    assert_true(with.users > 0 && without.users > 0);
    save_segment(rig, "b", &a);
    context = rig_context(rig, 1);
    assert_int_equal(rc_query_segment(&context, &request, &with, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "b -> a -> b"));
    const struct rc_segment none = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("none")};
    request.segment = &none;
    assert_int_equal(rc_query_segment(&context, &request, &with, &error), RC_NOT_FOUND);
    assert_string_equal(error.message, "there is no segment \"none\"");
    save_segment(rig, "b", &none);
    context = rig_context(rig, 1);
    request.segment = &b;
    assert_int_equal(rc_query_segment(&context, &request, &with, &error), RC_NOT_FOUND);
    assert_string_equal(error.message, "there is no segment \"none\", which \"b\" names");
    rig_free(rig);
}

static uint64_t
users_of(struct rig *rig,
         const struct rc_segment *segment,
         enum rc_status expected,
         const char *what)
{
    struct rc_error error = {0};
    struct rc_segment_reply reply = {0};
    const struct rc_query_context context = rig_context(rig, 1);
    const struct rc_segment_request request = {.as_of_ms = RIG_START_MS + RIG_SPAN_MS,
                                               .segment = segment};
    assert_int_equal(rc_query_segment(&context, &request, &reply, &error), expected);
    if (expected != RC_OK) {
        assert_string_equal(error.field, "scope.segment.segment_version");
        assert_non_null(strstr(error.message, what));
    }
    return reply.users;
}

/* A version is read as it was stored, names its own older ones, and is no way around a circle. */
static void
versions(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct rig *rig = rig_new(&seed);
    const struct rc_segment pro = {.kind = RC_SEGMENT_USER,
                                   .predicate = rig_plan_predicate(rig, 1)};
    const struct rc_segment a = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("a")};
    struct rc_segment a_was = {
        .kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("a"), .version = 1};
    const struct rc_segment b = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("b")};
    const struct rc_segment *const children[] = {&a_was};
    const struct rc_segment not_was = {
        .kind = RC_SEGMENT_NOT, .child_count = 1, .children = children};
    save_segment(rig, "a", &pro);
    const uint64_t first = users_of(rig, &a, RC_OK, NULL);
    save_segment(rig, "a", &not_was);
    const uint64_t second = users_of(rig, &a, RC_OK, NULL);
    assert_int_equal(users_of(rig, &a_was, RC_OK, NULL), first);
    assert_true(first > 0 && second > 0 && first != second);
    a_was.version = 2;
    assert_int_equal(users_of(rig, &a_was, RC_OK, NULL), second);
    a_was.version = 3;
    (void)users_of(rig, &a_was, RC_NOT_FOUND, "version 3 of \"a\" is not kept");
    a_was.version = 2;
    save_segment(rig, "b", &a_was);
    assert_int_equal(users_of(rig, &b, RC_OK, NULL), second);
    struct rc_segment c_was = {
        .kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("c"), .version = 1};
    const struct rc_segment d = {.kind = RC_SEGMENT_SAVED, .name = RC_BYTES_LITERAL("d")};
    save_segment(rig, "c", &d);
    save_segment(rig, "d", &c_was);
    struct rc_error error;
    struct rc_segment_reply reply;
    const struct rc_query_context context = rig_context(rig, 1);
    const struct rc_segment_request request = {.as_of_ms = RIG_START_MS, .segment = &c_was};
    assert_int_equal(rc_query_segment(&context, &request, &reply, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "c@1 -> d -> c@1"));
    rig_free(rig);
}

static void
definitions(void **state)
{
    (void)state;
    uint64_t seed = 4;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    const struct rig_selector selector = {.names = 3, .plan = RIG_NO_PLAN};
    const struct rc_predicate by_name = {.kind = RC_PREDICATE_DEFINITION,
                                         .definition = RC_BYTES_LITERAL("outer")};
    const struct rc_predicate inner = {.kind = RC_PREDICATE_DEFINITION,
                                       .definition = RC_BYTES_LITERAL("inner")};
    const struct rc_predicate *const children[] = {&inner, &inner};
    const struct rc_predicate twice = {
        .kind = RC_PREDICATE_ANY_OF, .child_count = 2, .children = children};
    save_definition(rig, "inner", rig_predicate(rig, &selector));
    save_definition(rig, "outer", &twice);
    const struct rc_series series[2] = {
        {.selector = &by_name, .measure = RC_MEASURE_COUNT},
        {.selector = rig_predicate(rig, &selector), .measure = RC_MEASURE_COUNT}};
    const struct rc_series_request request = {.scope = {.start_ms = RIG_START_MS,
                                                        .end_ms = RIG_START_MS + RIG_SPAN_MS,
                                                        .as_of_ms = RIG_START_MS + RIG_SPAN_MS},
                                              .series_count = 2,
                                              .series = series};
    struct rc_series_reply reply;
    struct rc_query_context context = rig_context(rig, 2);
    assert_int_equal(rc_query_series(&context, &request, &reply, &error), RC_OK);
    assert_int_equal(reply.bucket_count, 0);
    assert_true(reply.rows[0].total > 0 && reply.rows[0].total == reply.rows[1].total);
    /* A circle is refused when it is saved, and when it is there all the same. */
    assert_int_equal(
        rc_definitions_check(rig->definitions, RC_BYTES_LITERAL("inner"), &by_name, &error),
        RC_INVALID);
    assert_non_null(strstr(error.message, "inner -> outer -> inner"));
    save_definition(rig, "inner", &by_name);
    context = rig_context(rig, 2);
    assert_int_equal(rc_query_series(&context, &request, &reply, &error), RC_INVALID);
    assert_non_null(strstr(error.message, "outer -> inner -> outer"));
    rig_free(rig);
}

/* d0 names d1 twice, d1 names d2 twice, and so on: 2^20 nodes. */
static void
definitions_that_multiply_stop_at_the_limit(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct rc_error error;
    struct rig *rig = rig_new(&seed);
    char names[21][8];
    for (uint32_t i = 0; i < 21; i++)
        snprintf(names[i], sizeof(names[i]), "d%u", i);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    save_definition(rig, names[20], &any);
    for (uint32_t i = 0; i < 20; i++) {
        const struct rc_predicate next = {.kind = RC_PREDICATE_DEFINITION,
                                          .definition = rc_bytes_of(names[i + 1])};
        const struct rc_predicate *const children[] = {&next, &next};
        const struct rc_predicate both = {
            .kind = RC_PREDICATE_ALL_OF, .child_count = 2, .children = children};
        save_definition(rig, names[i], &both);
    }
    const struct rc_predicate first = {.kind = RC_PREDICATE_DEFINITION,
                                       .definition = rc_bytes_of(names[0])};
    const struct rc_predicate *resolved;
    assert_int_equal(
        rc_definitions_resolve(rig->definitions, &first, rig->arena, NULL, &resolved, &error),
        RC_LIMIT_EXCEEDED);
    rig_free(rig);
}

static void
bad_rules_name_the_node(void **state)
{
    (void)state;
    struct rc_error error;
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    struct rc_segment bad = {.kind = RC_SEGMENT_BEHAVIOUR,
                             .behaviour = {.selector = &any,
                                           .measure = RC_BEHAVIOUR_COUNT,
                                           .comparison = RC_EQ,
                                           .window = RC_WINDOW_RELATIVE}};
    const struct rc_segment *const children[] = {&bad};
    const struct rc_segment outer = {
        .kind = RC_SEGMENT_ANY_OF, .child_count = 1, .children = children};
    assert_int_equal(rc_segment_check(&outer, &error), RC_INVALID);
    assert_string_equal(error.field, "any_of[0].behavior.window.prior_ms");
    bad.behaviour.prior_ms = 1;
    assert_int_equal(rc_segment_check(&outer, &error), RC_OK);
    struct rc_segment deep[RC_SEGMENT_DEPTH_MAX + 1];
    const struct rc_segment *inner[RC_SEGMENT_DEPTH_MAX + 1];
    for (uint32_t i = 0; i <= RC_SEGMENT_DEPTH_MAX; i++) {
        inner[i] = i == RC_SEGMENT_DEPTH_MAX ? &bad : &deep[i + 1];
        deep[i] =
            (struct rc_segment){.kind = RC_SEGMENT_NOT, .child_count = 1, .children = &inner[i]};
    }
    assert_int_equal(rc_segment_check(&deep[2], &error), RC_OK);
    assert_int_equal(rc_segment_check(&deep[1], &error), RC_LIMIT_EXCEEDED);
}

/* Lists, sums and sequences: the stored form keeps them, byte for byte, and damage is refused. */
static void
lists_sums_and_sequences_are_stored(void **state)
{
    (void)state;
    random_state = 7;
    struct rig *rig = rig_new(&random_state);
    const struct rig_selector selector = {.names = 1, .plan = RIG_NO_PLAN};
    const struct rc_predicate *predicate = rig_predicate(rig, &selector);
    const struct rc_bytes users[] = {RC_BYTES_LITERAL("u1"), RC_BYTES_LITERAL("u2")};
    const struct rc_sequence_step steps[] = {
        {.selector = predicate}, {.selector = predicate, .adjacent = true, .least_ms = 5}};
    const struct rc_segment segments[] = {
        {.kind = RC_SEGMENT_LIST, .user_count = 2, .users = users},
        {.kind = RC_SEGMENT_BEHAVIOUR,
         .behaviour = {.measure = RC_BEHAVIOUR_SUM,
                       .property = RC_BYTES_LITERAL("price"),
                       .selector = predicate,
                       .comparison = RC_GT,
                       .n = 1.5,
                       .window = RC_WINDOW_ALL_TIME}},
        {.kind = RC_SEGMENT_BEHAVIOUR,
         .behaviour = {.measure = RC_BEHAVIOUR_SEQUENCE,
                       .step_count = 2,
                       .steps = steps,
                       .within_ms = -1,
                       .comparison = RC_GE,
                       .n = 1,
                       .window = RC_WINDOW_ALL_TIME}},
    };
    for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
        struct rc_writer first = {0};
        struct rc_writer second = {0};
        const struct rc_segment *again;
        rc_segment_write(&first, &segments[i]);
        struct rc_reader reader = rc_reader_of(first.data, first.size);
        assert_int_equal(rc_segment_read(&reader, rig->arena, &again, NULL), RC_OK);
        rc_segment_write(&second, again);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        for (uint32_t round = 0; round < 300; round++) {
            first.data[below((uint32_t)first.size)] ^= (unsigned char)(1 + below(255));
            reader = rc_reader_of(first.data, below((uint32_t)first.size + 1));
            const enum rc_status status = rc_segment_read(&reader, rig->arena, &again, NULL);
            assert_true(status == RC_OK || status == RC_CORRUPT);
        }
        rc_writer_close(&first);
        rc_writer_close(&second);
    }
    rig_free(rig);
}

/* Counts beyond what a byte holds, and numbers that no byte is compared with, beside plain ones; of
 * everybody, of many, of few and of nobody. */
static void
numbers_are_compared(void **state)
{
    static const double against[] = {-1, 0, 0.5, 1, 4, 253, 254, 254.5, 255, 256, 300, 1e300};
    static uint32_t counts[1000];
    uint32_t few = 0;
    (void)state;
    for (uint32_t i = 0; i < sizeof(against) / sizeof(against[0]) * 6; i++) {
        const struct rc_behaviour behaviour = {.comparison = (enum rc_comparison)(RC_EQ + i % 6),
                                               .n = against[i / 6]};
        const uint32_t person_count = below(1000);
        const uint32_t odds = 1 + below(i % 3 == 0 ? 3 : 300);
        uint64_t words[1000 / 64 + 1];
        uint64_t asked[1000 / 64 + 1] = {0};
        struct rc_segment_numbers numbers;
        uint32_t asked_count = 0;
        memset(words, 0xaa, sizeof(words));
        for (uint32_t person = 0; person < person_count; person++) {
            const uint64_t is_asked = odds == 1 || below(odds) == 0;
            asked[person / 64] |= is_asked << (person % 64);
            asked_count += (uint32_t)is_asked;
        }
        assert_int_equal(rc_segment_numbers_open(&numbers, &behaviour, person_count,
                                                 odds == 1 ? NULL : asked, NULL),
                         RC_OK);
        few += numbers.few != NULL && asked_count > 0;
        assert_int_equal(numbers.few != NULL,
                         odds > 1 && asked_count <= person_count / RC_SEGMENT_FEW_SHARE);
        for (uint32_t person = 0; person < person_count; person++) {
            if ((asked[person / 64] >> (person % 64) & 1) == 0)
                continue;
            counts[person] = below(3) == 0 ? 250 + below(60) : below(7);
            for (uint32_t k = 0; k < counts[person]; k++)
                rc_segment_numbers_add(&numbers, person);
        }
        rc_segment_numbers_compare(&numbers, words);
        for (uint32_t person = 0; person < person_count; person++)
            if ((asked[person / 64] >> (person % 64) & 1) != 0)
                assert_int_equal(words[person / 64] >> (person % 64) & 1,
                                 rc_behaviour_passes(&behaviour, counts[person]));
        rc_segment_numbers_close(&numbers);
    }
    assert_true(few > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_rules_name_the_node),
        cmocka_unit_test(saved_segments),
        cmocka_unit_test(versions),
        cmocka_unit_test(lists_sums_and_sequences_are_stored),
        cmocka_unit_test(definitions),
        cmocka_unit_test(definitions_that_multiply_stop_at_the_limit),
        cmocka_unit_test(numbers_are_compared),
        cmocka_unit_test(against_a_slow_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
