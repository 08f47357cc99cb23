/*
 * Chosen attempts of funnels: worked examples, and random small sequences against a search through
 * every chain of every entry, written from docs/semantics.md without looking at the engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/funnel/funnel_attempt.h"
#include "engine/query/funnel/funnel_search.h"
#include "tests/base/environment.h"

#define HITS_MAX 12
#define STEPS_MAX 5

static uint64_t
next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* The search that takes every option. */
static struct rc_funnel_attempt
search_choose(const struct rc_funnel_rules *rules, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_attempt attempt;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_funnel_event *events = rc_alloc(count * sizeof(*events));
    struct rc_funnel_span span = {.from_ms = INT64_MIN, .until_ms = INT64_MAX};
    RC_CLEANUP(rc_funnel_search_freep) struct rc_funnel_search *search = NULL;
    assert_non_null(events);
    for (uint32_t i = count; i-- > 0;) {
        events[i] =
            (struct rc_funnel_event){.time_ms = hits[i].time_ms, .fill = hits[i].mask, .hit = i};
        if (rules->first_only && (hits[i].mask & 1) != 0) {
            span.from_ms = hits[i].time_ms;
            span.until_ms = hits[i].time_ms + 1;
        }
    }
    const struct rc_funnel_problem problem = {.count = count, .events = events};
    assert_int_equal(rc_funnel_search_new(rules, &rc_account_process, &search), RC_OK);
    assert_int_equal(rc_funnel_search_choose(search, &problem, &span, 1, &attempt), RC_OK);
    return attempt;
}

/* Both ways, where both are there. */
static struct rc_funnel_attempt
choose(const struct rc_funnel_rules *rules, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_attempt quick;
    const struct rc_funnel_attempt attempt = search_choose(rules, hits, count);
    if (rc_funnel_quick(rules, hits, count, &quick)) {
        assert_int_equal(quick.depth, attempt.depth);
        for (uint32_t step = 0; step < quick.depth; step++)
            assert_int_equal(quick.hits[step], attempt.hits[step]);
    }
    return attempt;
}

/* ---- The slow twin --------------------------------------------------------------------------- */

struct search {
    const struct rc_funnel_rules *rules;
    const struct rc_hit *hits;
    uint32_t count;
    int64_t entry_until_ms;
    struct rc_funnel_attempt best; /* Of the entry at hand. */
    uint32_t chain[STEPS_MAX];
};

/* Tries every way to go on from a chain of depth steps, in total order; keeps the first of the
 * deepest. */
static void
search_on(struct search *search, uint32_t depth)
{
    if (depth > search->best.depth) {
        search->best.depth = depth;
        memcpy(search->best.hits, search->chain, depth * sizeof(search->chain[0]));
    }
    if (depth == search->rules->step_count)
        return;
    const int64_t last_ms = search->hits[search->chain[depth - 1]].time_ms;
    const int64_t entry_ms = search->hits[search->chain[0]].time_ms;
    for (uint32_t i = 0; i < search->count; i++) {
        const int64_t time_ms = search->hits[i].time_ms;
        bool free =
            (search->hits[i].mask >> depth & 1) != 0 && time_ms >= last_ms &&
            !(search->rules->strict_times && time_ms == last_ms) &&
            (search->rules->window_ms < 0 || time_ms - entry_ms <= search->rules->window_ms);
        for (uint32_t k = 0; k < depth; k++)
            free = free && search->chain[k] != i;
        if (!free)
            continue;
        search->chain[depth] = i;
        search_on(search, depth + 1);
    }
}

static struct rc_funnel_attempt
slow_choose(const struct rc_funnel_rules *rules, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_attempt best = {0};
    struct search search = {.rules = rules, .hits = hits, .count = count};
    search.entry_until_ms = INT64_MAX;
    for (uint32_t i = 0; i < count && rules->first_only; i++) {
        if ((hits[i].mask & 1) != 0) {
            search.entry_until_ms = hits[i].time_ms;
            break;
        }
    }
    for (uint32_t entry = 0; entry < count; entry++) {
        if ((hits[entry].mask & 1) == 0 || hits[entry].time_ms > search.entry_until_ms)
            continue;
        search.best.depth = 0;
        search.chain[0] = entry;
        search_on(&search, 1);
        const struct rc_funnel_attempt *mine = &search.best;
        if (mine->depth < best.depth)
            continue;
        /* Entries come in total order, so of equals the later one stands. */
        if (mine->depth > best.depth || mine->hits[mine->depth - 1] <= best.hits[best.depth - 1])
            best = *mine;
    }
    return best;
}

static void
print_case(const struct rc_funnel_rules *rules, const struct rc_hit *hits, uint32_t count)
{
    print_message("steps %u window %lld first_only %d strict %d\n", rules->step_count,
                  (long long)rules->window_ms, rules->first_only, rules->strict_times);
    for (uint32_t i = 0; i < count; i++)
        print_message("  %u: time %lld mask %llx\n", i, (long long)hits[i].time_ms,
                      (unsigned long long)hits[i].mask);
}

static void
random_sequences(void **state)
{
    (void)state;
    const uint64_t seed = test_number("RC_TEST_SEED", 20240607);
    print_message("seed %llu\n", (unsigned long long)seed);
    uint64_t random = seed;
    uint64_t reached[STEPS_MAX + 1] = {0};
    const uint32_t rounds = test_rounds(60000);
    for (uint32_t round = 0; round < rounds; round++) {
        struct rc_hit hits[HITS_MAX];
        const uint32_t count = 1 + (uint32_t)(next_random(&random) % HITS_MAX);
        const struct rc_funnel_rules rules = {
            .step_count = 1 + (uint32_t)(next_random(&random) % STEPS_MAX),
            .window_ms = (int64_t)(next_random(&random) % 9) - 1,
            .first_only = next_random(&random) % 4 == 0,
            .strict_times = next_random(&random) % 4 == 0,
        };
        const uint64_t span = 1 + next_random(&random) % 4; /* Small steps of time: many ties. */
        const bool overlapping = next_random(&random) % 2 == 0;
        int64_t time_ms = 100;
        for (uint32_t i = 0; i < count; i++) {
            time_ms += (int64_t)(next_random(&random) % span);
            uint64_t mask = (uint64_t)1 << (next_random(&random) % rules.step_count);
            const uint64_t some = next_random(&random);
            if (overlapping)
                mask |= some & next_random(&random) & (((uint64_t)1 << rules.step_count) - 1);
            hits[i] = (struct rc_hit){.time_ms = time_ms, .mask = mask, .row = i};
        }
        const struct rc_funnel_attempt expected = slow_choose(&rules, hits, count);
        const struct rc_funnel_attempt found = choose(&rules, hits, count);
        const bool same =
            found.depth == expected.depth &&
            memcmp(found.hits, expected.hits, found.depth * sizeof(found.hits[0])) == 0;
        reached[expected.depth]++;
        if (!same) {
            print_message("round %u\n", round);
            print_case(&rules, hits, count);
            for (uint32_t i = 0; i < found.depth || i < expected.depth; i++)
                print_message("  step %u: found %d expected %d\n", i,
                              i < found.depth ? (int)found.hits[i] : -1,
                              i < expected.depth ? (int)expected.hits[i] : -1);
        }
        assert_true(same);
    }
    for (uint32_t depth = 0; depth <= STEPS_MAX; depth++)
        assert_true(reached[depth] > 100);
}

/* ---- Worked examples ------------------------------------------------------------------------- */

#define ANY_WINDOW ((int64_t)-1)

static void
equal_times_take_whichever_assignment_goes_deepest(void **state)
{
    (void)state;
    /* Events at 1, 2, 2 matching {1,3}, {2,3}, {2}. */
    const struct rc_hit hits[] = {
        {.time_ms = 1, .mask = 5}, {.time_ms = 2, .mask = 6}, {.time_ms = 2, .mask = 2}};
    const struct rc_funnel_rules rules = {.step_count = 3, .window_ms = ANY_WINDOW};
    const struct rc_funnel_attempt attempt = choose(&rules, hits, 3);
    assert_int_equal(attempt.depth, 3);
    assert_int_equal(attempt.hits[1], 2);
    assert_int_equal(attempt.hits[2], 1);
}

static void
one_event_fills_one_step(void **state)
{
    (void)state;
    const struct rc_hit hits[] = {{.time_ms = 1, .mask = 3}};
    const struct rc_funnel_rules rules = {.step_count = 2, .window_ms = ANY_WINDOW};
    assert_int_equal(choose(&rules, hits, 1).depth, 1);
}

static void
the_window_is_inclusive(void **state)
{
    (void)state;
    const struct rc_hit hits[] = {{.time_ms = 10, .mask = 1}, {.time_ms = 20, .mask = 2}};
    struct rc_funnel_rules rules = {.step_count = 2, .window_ms = 10};
    assert_int_equal(choose(&rules, hits, 2).depth, 2);
    rules.window_ms = 9;
    assert_int_equal(choose(&rules, hits, 2).depth, 1);
}

static void
a_later_entry_may_start(void **state)
{
    (void)state;
    const struct rc_hit hits[] = {
        {.time_ms = 0, .mask = 1}, {.time_ms = 95, .mask = 1}, {.time_ms = 100, .mask = 2}};
    struct rc_funnel_rules rules = {.step_count = 2, .window_ms = 10};
    assert_int_equal(choose(&rules, hits, 3).hits[0], 1);
    rules.first_only = true;
    assert_int_equal(choose(&rules, hits, 3).depth, 1);
}

static void
sixty_four_steps(void **state)
{
    (void)state;
    struct rc_hit hits[128];
    for (uint32_t i = 0; i < 128; i++)
        hits[i] = (struct rc_hit){.time_ms = i / 4, .mask = UINT64_MAX};
    const struct rc_funnel_rules rules = {.step_count = 64, .window_ms = ANY_WINDOW};
    assert_int_equal(choose(&rules, hits, 64).depth, 64);
    assert_int_equal(choose(&rules, hits, 63).depth, 63);
    for (uint32_t i = 0; i < 64; i++)
        hits[i] = (struct rc_hit){.time_ms = i, .mask = (uint64_t)1 << i};
    assert_int_equal(choose(&rules, hits, 64).depth, 64);
}

/* A bot: a million events, many of them at equal times and of several steps. Linear, or the test
 * does not end. */
static void
a_million_events(void **state)
{
    (void)state;
    const uint32_t count = test_rounds(1000000);
    uint64_t random = 7;
    struct rc_hit *hits = calloc(count, sizeof(*hits));
    assert_non_null(hits);
    for (uint32_t i = 0; i < count; i++)
        hits[i] = (struct rc_hit){.time_ms = i / 3, .mask = 1 + next_random(&random) % 3};
    hits[count - 1].mask = 4;
    const struct rc_funnel_rules rules = {.step_count = 3, .window_ms = 1000};
    assert_int_equal(choose(&rules, hits, count).depth, 3);
    for (uint32_t i = 0; i < count; i++)
        hits[i].time_ms = 5;
    assert_int_equal(choose(&rules, hits, count).depth, 3);
    free(hits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_times_take_whichever_assignment_goes_deepest),
        cmocka_unit_test(one_event_fills_one_step),
        cmocka_unit_test(the_window_is_inclusive),
        cmocka_unit_test(a_later_entry_may_start),
        cmocka_unit_test(sixty_four_steps),
        cmocka_unit_test(a_million_events),
        cmocka_unit_test(random_sequences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
