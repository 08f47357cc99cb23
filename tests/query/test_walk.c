/*
 * Walk: what a fold with required selectors is fed, against what the plain walk feeds of the same
 * persons, with both ways of leaving the others out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"
#include "query_rig.h"
#include "tests/base/environment.h"

#define ROUNDS 150u
#define LANES_MAX 3u

static uint64_t random_state;

static uint32_t
below(uint32_t limit)
{
    return (uint32_t)(rig_random(&random_state) % limit);
}

/* All that was fed. A person is fed by one lane. */
struct fed {
    uint32_t counts[RIG_USERS];
    struct rc_hit hits[RIG_USERS][RIG_EVENTS_MAX];
    uint64_t masks[RIG_USERS];
};

static enum rc_status
feed(struct fed *fed, uint32_t person, const struct rc_hit *hit)
{
    assert_true(fed->counts[person] < RIG_EVENTS_MAX);
    fed->hits[person][fed->counts[person]++] = *hit;
    fed->masks[person] |= hit->mask;
    return RC_OK;
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct fed *fed = state;
    assert_int_equal(fed->counts[person], 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(feed(fed, person, &hits[i]), RC_OK);
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(feed(state, rc_walk_person(block, slots[i]), &hits[i]), RC_OK);
    return RC_OK;
}

static int
compare_hits(const void *a, const void *b)
{
    const struct rc_hit *x = a;
    const struct rc_hit *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void
walk(const struct rc_plan *plan, uint64_t required, bool ordered, struct fed *fed)
{
    const uint32_t lanes = 1 + below(LANES_MAX);
    void *states[LANES_MAX] = {fed, fed, fed};
    uint64_t hit_count = 0;
    const struct rc_fold fold = {
        .ordered = ordered,
        .required = required,
        .lane_count = lanes,
        .lanes = states,
        .hits = ordered ? NULL : fold_hits,
        .person = ordered ? fold_person : NULL,
    };
    memset(fed, 0, sizeof(*fed));
    assert_int_equal(rc_walk(plan, &fold, &hit_count), RC_OK);
    uint64_t sum = 0;
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        sum += fed->counts[person];
        if (!ordered)
            qsort(fed->hits[person], fed->counts[person], sizeof(fed->hits[0][0]), compare_hits);
    }
    assert_int_equal(sum, hit_count);
}

static uint64_t
one_round(struct rig *rig, struct fed *all, struct fed *few)
{
    struct rc_query_context context = rig_context(rig, 2);
    struct rc_plan_selector selectors[3] = {0};
    const uint32_t selector_count = 2 + below(2);
    uint64_t persons = 0;
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    for (uint32_t i = 0; i < selector_count; i++) {
        struct rig_selector selector = rig_random_selector(&random_state);
        if (i == 0)
            selector.names = 1u << below(RIG_NAMES);
        if (i == 1 && below(2) == 0)
            selector = (struct rig_selector){.names = 0, .plan = RIG_NO_PLAN};
        selectors[i].predicate = rig_predicate(rig, &selector);
        selectors[i].from_ms = RIG_START_MS + (int64_t)below(40) * RIG_DAY_MS;
        selectors[i].until_ms = selectors[i].from_ms + (int64_t)(1 + below(40)) * RIG_DAY_MS;
    }
    for (uint32_t i = 0; i < RIG_USERS; i++)
        persons |= (uint64_t)below(2) << i;
    assert_int_equal(rc_plan_new(&context, RIG_START_MS + RIG_SPAN_MS,
                                 below(2) == 0 ? &persons : NULL, selectors, selector_count, &plan,
                                 NULL),
                     RC_OK);
    const uint64_t required = below(4) == 0 ? 5 : 1;
    const bool ordered = below(3) > 0;
    walk(plan, 0, ordered, all);
    rc_walk_look_up_rows = below(2) == 0 ? 0 : UINT32_MAX;
    walk(plan, required, ordered, few);
    rc_walk_look_up_rows = 8;
    uint64_t left_out = 0;
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        if ((all->masks[person] & required) == 0) {
            left_out += few->counts[person] == 0 && all->counts[person] > 0;
            continue;
        }
        assert_int_equal(few->counts[person], all->counts[person]);
        assert_memory_equal(few->hits[person], all->hits[person],
                            all->counts[person] * sizeof(all->hits[0][0]));
    }
    return left_out;
}

static void
required_leaves_nobody_out(void **state)
{
    (void)state;
    struct fed *all = malloc(sizeof(*all));
    struct fed *few = malloc(sizeof(*few));
    uint64_t left_out = 0;
    assert_non_null(all);
    assert_non_null(few);
    random_state = test_number("RC_TEST_SEED", 4711);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        rc_walk_block_hits = round % 2 == 0 ? 16384 : 1 + below(100);
        rc_walk_users_share = below(2) == 0 ? RC_ROWSET_TIMES_SHARE : 1;
        struct rig *rig = rig_new(&random_state);
        for (uint32_t i = 0; i < 10; i++)
            left_out += one_round(rig, all, few);
        rig_free(rig);
    }
    rc_walk_block_hits = 16384;
    rc_walk_users_share = RC_ROWSET_TIMES_SHARE;
    assert_true(left_out > ROUNDS); /* Else nothing was tested. */
    free(all);
    free(few);
}

/* A question of many series is many walks: what one needs for the hits of heads must go with it. */
static void
walks_do_not_add_up_in_memory(void **state)
{
    (void)state;
    struct fed *fed = malloc(sizeof(*fed));
    assert_non_null(fed);
    random_state = 4712;
    struct rig *rig = rig_new(&random_state);
    struct rc_query_context context = rig_context(rig, 2);
    const struct rc_plan_selector selector = {
        .predicate = rig_predicate(rig, &(struct rig_selector){.plan = RIG_NO_PLAN}),
        .from_ms = RIG_START_MS,
        .until_ms = RIG_START_MS + RIG_SPAN_MS,
    };
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    assert_int_equal(
        rc_plan_new(&context, RIG_START_MS + RIG_SPAN_MS, NULL, &selector, 1, &plan, NULL), RC_OK);
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(rig->view, &chunk_count);
    assert_true(chunk_count > 0 && chunks[0].row_count > 10);
    const uint64_t before = rc_arena_bytes(context.arena);
    for (uint32_t i = 0; i < 1000; i++)
        walk(plan, 0, false, fed);
    assert_in_range(rc_arena_bytes(context.arena) - before, 0, 1000 * 128);
    plan = rc_plan_free(plan);
    rig_free(rig);
    free(fed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_leaves_nobody_out),
        cmocka_unit_test(walks_do_not_add_up_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
