/*
 * Unordered funnels: random small sequences against a search through every chain, written from
 * docs/semantics.md; sequences whose chains are too many to be searched one by one; the limit, and
 * the cancel flag.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/query/funnel/funnel_unordered.h"

#define EVENTS_MAX 9
#define MANY 400

static uint64_t
next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static enum rc_status
run(const struct rc_funnel_rules *rules,
    const struct rc_funnel_problem *problem,
    struct rc_funnel_attempt *ret_attempt,
    bool *ret_passed)
{
    const struct rc_funnel_span span = {.from_ms = INT64_MIN, .until_ms = INT64_MAX};
    RC_CLEANUP(rc_funnel_unordered_freep) struct rc_funnel_unordered *unordered = NULL;
    assert_int_equal(rc_funnel_unordered_new(rules, &rc_account_process, &unordered), RC_OK);
    const enum rc_status status =
        rc_funnel_unordered_run(unordered, problem, &span, 1, ret_attempt, NULL);
    *ret_passed = rc_funnel_unordered_passed(unordered);
    return status;
}

static struct rc_funnel_attempt
choose(const struct rc_funnel_rules *rules, const struct rc_funnel_problem *problem)
{
    struct rc_funnel_attempt attempt;
    bool passed;
    assert_int_equal(run(rules, problem, &attempt, &passed), RC_OK);
    assert_false(passed);
    return attempt;
}

/* ---- The slow twin --------------------------------------------------------------------------- */

struct twin {
    const struct rc_funnel_rules *rules;
    const struct rc_funnel_problem *problem;
    struct rc_funnel_attempt best; /* Of the entry at hand. */
    uint32_t chain[EVENTS_MAX];
};

/* Whether the events of a chain can take different steps. */
static bool
can_fill(const struct twin *twin, uint32_t count, uint64_t taken)
{
    if (count == 0)
        return true;
    const uint64_t fill = twin->problem->events[twin->chain[count - 1]].fill;
    for (uint32_t step = 0; step < twin->rules->step_count; step++)
        if (((fill & ~taken) >> step & 1) != 0 &&
            can_fill(twin, count - 1, taken | (uint64_t)1 << step))
            return true;
    return false;
}

static bool
is_void(const struct twin *twin, uint32_t count)
{
    const struct rc_funnel_event *events = twin->problem->events;
    for (uint32_t i = 0; i < twin->rules->exclusion_count; i++) {
        const struct rc_funnel_exclusion *exclusion = &twin->rules->exclusions[i];
        const struct rc_funnel_times *times = &twin->problem->excluded[i];
        if (exclusion->after >= count)
            continue;
        const uint32_t last = exclusion->before < count ? exclusion->before : count - 1;
        for (uint32_t k = 0; k < times->count; k++)
            if (times->times_ms[k] > events[twin->chain[exclusion->after]].time_ms &&
                times->times_ms[k] < events[twin->chain[last]].time_ms)
                return true;
    }
    return false;
}

static void
offer(struct twin *twin, uint32_t count)
{
    bool better = count > twin->best.depth;
    if (count < twin->best.depth || is_void(twin, count) || !can_fill(twin, count, 0))
        return;
    for (uint32_t i = 0; i < count && !better; i++) {
        if (twin->chain[i] > twin->best.hits[i])
            return;
        better = twin->chain[i] < twin->best.hits[i];
    }
    twin->best.depth = count;
    memcpy(twin->best.hits, twin->chain, count * sizeof(twin->chain[0]));
}

/* Every set of events from at on behind a chain of count. */
static void
extend(struct twin *twin, uint32_t at, uint32_t count)
{
    const struct rc_funnel_event *events = twin->problem->events;
    const int64_t entry_ms = events[twin->chain[0]].time_ms;
    const int64_t last_ms = events[twin->chain[count - 1]].time_ms;
    offer(twin, count);
    for (; at < twin->problem->count && count < twin->rules->step_count; at++) {
        if (at == twin->chain[0] || events[at].time_ms < entry_ms ||
            events[at].time_ms > rc_funnel_deadline(twin->rules, entry_ms) ||
            (twin->rules->strict_times && events[at].time_ms == last_ms))
            continue;
        twin->chain[count] = at;
        extend(twin, at + 1, count + 1);
    }
}

static struct rc_funnel_attempt
search(const struct rc_funnel_rules *rules, const struct rc_funnel_problem *problem)
{
    struct rc_funnel_attempt best = {.depth = 0};
    for (uint32_t entry = 0; entry < problem->count; entry++) {
        struct twin twin = {.rules = rules, .problem = problem, .chain = {entry}};
        extend(&twin, 0, 1);
        if (best.depth == 0 || rc_funnel_is_better(&twin.best, &best))
            best = twin.best;
    }
    return best;
}

static void
test_random(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 30000; round++) {
        uint64_t seed = round;
        struct rc_funnel_event events[EVENTS_MAX] = {0};
        int64_t excluded_ms[3][EVENTS_MAX];
        struct rc_funnel_times excluded[3];
        struct rc_funnel_exclusion exclusions[3] = {0};
        const uint32_t steps = 2 + (uint32_t)(next_random(&seed) % 4);
        const uint64_t gap = 1 + next_random(&seed) % 3;
        struct rc_funnel_problem problem = {.count =
                                                1 + (uint32_t)(next_random(&seed) % EVENTS_MAX),
                                            .events = events,
                                            .excluded = excluded};
        const struct rc_funnel_rules rules = {
            .step_count = steps,
            .order = RC_FUNNEL_UNORDERED,
            .window_ms = next_random(&seed) % 2 == 0 ? -1 : (int64_t)(next_random(&seed) % 9),
            .strict_times = next_random(&seed) % 3 == 0,
            .exclusion_count = (uint32_t)(next_random(&seed) % 4),
            .exclusions = exclusions};
        int64_t time_ms = 0;
        for (uint32_t i = 0; i < problem.count; i++) {
            time_ms += (int64_t)(next_random(&seed) % (gap + 1));
            uint64_t fill = next_random(&seed) & rc_funnel_below(steps);
            if (next_random(&seed) % 2 == 0)
                fill &= next_random(&seed);
            if (fill == 0)
                fill = (uint64_t)1 << next_random(&seed) % steps;
            events[i] = (struct rc_funnel_event){.time_ms = time_ms, .fill = fill, .hit = i};
        }
        for (uint32_t e = 0; e < rules.exclusion_count; e++) {
            exclusions[e].before = 1 + (uint32_t)(next_random(&seed) % (steps - 1));
            exclusions[e].after = (uint32_t)(next_random(&seed) % exclusions[e].before);
            excluded[e] = (struct rc_funnel_times){.times_ms = excluded_ms[e]};
            for (int64_t at = 0; at <= time_ms && excluded[e].count < EVENTS_MAX; at++)
                if (next_random(&seed) % 4 == 0)
                    excluded_ms[e][excluded[e].count++] = at;
        }
        const struct rc_funnel_attempt expected = search(&rules, &problem);
        const struct rc_funnel_attempt attempt = choose(&rules, &problem);
        assert_int_equal(attempt.depth, expected.depth);
        for (uint32_t i = 0; i < expected.depth; i++)
            assert_int_equal(attempt.hits[i], expected.hits[i]);
    }
}

/* ---- Many events ----------------------------------------------------------------------------- */

/* Many events that match several steps, some at equal times, and excluded events among them. */
struct world {
    struct rc_funnel_event events[MANY];
    int64_t times_ms[MANY];
    struct rc_funnel_times excluded[3];
    struct rc_funnel_exclusion exclusions[3];
    struct rc_funnel_problem problem;
    struct rc_funnel_rules rules;
};

/* every: an excluded event after so many events. */
static void
make_world(struct world *world, uint32_t steps, uint32_t every)
{
    uint64_t seed = 1;
    uint32_t count = 0;
    *world = (struct world){0};
    for (uint32_t i = 0; i < MANY; i++) {
        world->events[i].time_ms = i / 2;
        world->events[i].hit = i;
        do {
            const uint64_t half = next_random(&seed) & rc_funnel_below(steps);
            world->events[i].fill = half & next_random(&seed);
        } while (world->events[i].fill == 0);
        if (i % every == 0)
            world->times_ms[count++] = i / 2;
    }
    for (uint32_t i = 0; i < 3; i++) {
        world->exclusions[i].after = i * steps / 3;
        world->exclusions[i].before = steps - 1;
        world->excluded[i] = (struct rc_funnel_times){.times_ms = world->times_ms, .count = count};
    }
    world->problem = (struct rc_funnel_problem){
        .count = MANY, .events = world->events, .excluded = world->excluded};
    world->rules = (struct rc_funnel_rules){.step_count = steps,
                                            .order = RC_FUNNEL_UNORDERED,
                                            .window_ms = -1,
                                            .exclusion_count = 3,
                                            .exclusions = world->exclusions};
}

/* One choice of an excluded event for each of three exclusions are 8 million choices an entry. */
static void
test_many(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 6, 2);
    const struct rc_funnel_attempt free = choose(&world.rules, &world.problem);
    /* Between neighbouring times: all events of two times, of which the last may be excluded. */
    assert_int_equal(free.depth, 4);
    world.rules.strict_times = true;
    assert_int_equal(choose(&world.rules, &world.problem).depth, 2);
    world.rules.exclusion_count = 0;
    assert_int_equal(choose(&world.rules, &world.problem).depth, 6);
}

/* Many events of one time: it is the first event's chain, since none is earlier. */
static void
test_equal(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 9, 2);
    for (uint32_t i = 0; i < MANY; i++)
        world.events[i].time_ms = 100;
    const struct rc_funnel_attempt attempt = choose(&world.rules, &world.problem);
    assert_int_equal(attempt.depth, 9);
}

/* A search with more states than are allowed says so. */
static void
test_limit(void **state)
{
    (void)state;
    struct world world;
    struct rc_funnel_attempt attempt;
    bool passed;
    make_world(&world, 40, MANY / 2);
    assert_int_equal(run(&world.rules, &world.problem, &attempt, &passed), RC_LIMIT_EXCEEDED);
    assert_true(passed);
    make_world(&world, 11, 20); /* Up to 11 steps there are none. */
    world.exclusions[2].after = 9;
    world.problem.count = 60;
    choose(&world.rules, &world.problem);
}

static void *
cancel(void *flag)
{
    atomic_store((_Atomic(bool) *)flag, true);
    return NULL;
}

/* The search takes long, and the flag is set by another thread while it does. */
static void
test_cancelled(void **state)
{
    (void)state;
    struct world world;
    struct rc_funnel_attempt attempt;
    _Atomic(bool) flag = false;
    pthread_t thread;
    bool passed;
    make_world(&world, 14, 20);
    world.rules.cancel = &flag;
    assert_int_equal(pthread_create(&thread, NULL, cancel, &flag), 0);
    assert_int_equal(run(&world.rules, &world.problem, &attempt, &passed), RC_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),    cmocka_unit_test(test_many),
        cmocka_unit_test(test_equal),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
