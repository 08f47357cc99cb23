/*
 * Replacement, sealing and merging below the engine, where each can be done by itself: whatever
 * lies in the newest head, in one that waits, in slabs, and whatever dies while a slab of it is
 * built, the live rows are those of the twin.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/intake/merge.h"
#include "engine/intake/seal.h"
#include "tests/intake/layout_rig.h"

#define SEED 7000u

/* ---- one step after another ---- */

static bool
seal(struct rc_project *project)
{
    bool sealed = false;
    assert_int_equal(rc_seal_oldest(project, NULL, &sealed, NULL), RC_OK);
    return sealed;
}

static bool
merge(struct rc_project *project, void (*pick)(const struct rc_version *, struct rc_merge_plan *))
{
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    pick(version, &plan);
    if (plan.count == 0)
        return false;
    assert_int_equal(rc_merge_run(project, &plan, NULL, NULL, NULL), RC_OK);
    return true;
}

static void
test_random_steps(void **state)
{
    (void)state;
    print_message("seed %u\n", SEED);
    for (uint64_t round = 0; round < 30; round++) {
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
        static struct rig_content content;
        struct rig_twin twin;
        uint64_t random = SEED + round;
        rig_twin_open(&twin);
        if (round % 3 != 0) /* Windows become short on the way, or at once. */
            rc_project_bound_windows(project, round % 3 == 1 ? 1 : 100);
        for (uint64_t step = 1; step <= 60; step++) {
            const uint64_t choice = rig_random(&random) % 8;
            rig_content_make(SEED * round + step, RIG_ROWS_MAX, false, &content);
            if (choice < 4)
                assert_int_equal(layout_apply(project, &content, step),
                                 rig_twin_apply(&twin, &content));
            else if (choice == 4)
                assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
            else if (choice == 5)
                seal(project);
            else
                merge(project, choice == 6     ? rc_merge_pick
                               : step % 2 == 0 ? rc_merge_pick_idle
                                               : rc_merge_pick_all);
            if (step % 4 == 0)
                layout_expect(project, &twin);
        }
        assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
        while (seal(project) || merge(project, rc_merge_pick_all))
            layout_expect(project, &twin);
        layout_expect(project, &twin);
        rig_twin_close(&twin);
    }
}

/* ---- while it is built ---- */

struct building {
    struct rc_project *project;
    _Atomic(bool) stop;
    uint64_t sealed;
    _Atomic(uint64_t) merged;
};

static void *
build(void *argument)
{
    struct building *building = argument;
    while (!atomic_load(&building->stop)) {
        building->sealed += seal(building->project);
        building->merged += merge(building->project, rc_merge_pick_all);
    }
    return NULL;
}

static void
test_rows_die_while_slabs_are_built(void **state)
{
    (void)state;
    struct building building = {.project = layout_project()};
    static struct rig_content content;
    struct rig_twin twin;
    pthread_t thread;
    rig_twin_open(&twin);
    assert_int_equal(pthread_create(&thread, NULL, build, &building), 0);
    for (uint64_t i = 1; i <= 400; i++) {
        rig_content_make(SEED + i, RIG_ROWS_MAX, false, &content);
        for (uint32_t row = 0; row < content.event_count; row++)
            if (content.events[row].id == 0) /* All of them are sent again and again. */
                content.events[row].id = 1 + row;
        assert_int_equal(layout_apply(building.project, &content, i),
                         rig_twin_apply(&twin, &content));
        if (i % 20 == 0)
            layout_expect(building.project, &twin);
    }
    while (atomic_load(&building.merged) == 0) /* The thread may begin late. */
        rc_clock_sleep_ns(100000);
    atomic_store(&building.stop, true);
    pthread_join(thread, NULL);
    layout_expect(building.project, &twin);
    print_message("%llu seals, %llu merges\n", (unsigned long long)building.sealed,
                  (unsigned long long)building.merged);
    rig_twin_close(&twin);
    rc_project_unref(building.project);
}

/* ---- plans ---- */

static struct rig_content
events_from(uint32_t first_id, uint32_t count, int64_t day)
{
    struct rig_content content = {.event_count = count};
    for (uint32_t i = 0; i < count; i++)
        content.events[i] = (struct rig_event){
            .user = i % RIG_USERS,
            .id = first_id + i,
            .time_ms = RIG_START_MS + day * RIG_DAY_MS + i,
            .amount = first_id + i,
        };
    return content;
}

static void
add_slab(struct rc_project *project, uint32_t first_id, int64_t day, uint64_t sequence)
{
    static struct rig_content content;
    content = events_from(first_id, 40, day);
    layout_apply(project, &content, sequence);
    assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    assert_true(seal(project));
}

static uint32_t
plan_size(struct rc_project *project,
          void (*pick)(const struct rc_version *, struct rc_merge_plan *))
{
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    pick(version, &plan);
    return plan.count;
}

static uint32_t
slab_count(struct rc_project *project)
{
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    return version->slab_count;
}

static void
test_plans(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    uint64_t sequence = 0;
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    add_slab(project, 1000, 0, ++sequence);
    add_slab(project, 9000, 60, ++sequence); /* Another window. */
    assert_int_equal(plan_size(project, rc_merge_pick), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    for (uint32_t i = 2; i <= RC_MERGE_FANOUT; i++) {
        assert_int_equal(plan_size(project, rc_merge_pick), 0);
        add_slab(project, 1000 + i * 100, 0, ++sequence);
        assert_int_equal(plan_size(project, rc_merge_pick_idle), i);
        assert_int_equal(plan_size(project, rc_merge_pick_all), i);
    }
    assert_int_equal(plan_size(project, rc_merge_pick), RC_MERGE_FANOUT);
    assert_true(merge(project, rc_merge_pick));
    assert_int_equal(slab_count(project), 2);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    /* Ten rows of the other window's forty die: a quarter. */
    static struct rig_content content;
    content = events_from(9000, 9, 60);
    assert_int_equal(layout_apply(project, &content, ++sequence), 9);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 0);
    assert_int_equal(plan_size(project, rc_merge_pick_all), 1);
    content = events_from(9000, 10, 60);
    assert_int_equal(layout_apply(project, &content, ++sequence), 10);
    assert_int_equal(plan_size(project, rc_merge_pick_idle), 1);
    assert_true(merge(project, rc_merge_pick_idle));
    assert_int_equal(plan_size(project, rc_merge_pick_all), 0);
    /* All rows of a slab die: nothing comes in its place. */
    content = events_from(9000, 40, 0);
    assert_int_equal(layout_apply(project, &content, ++sequence), 40);
    assert_true(merge(project, rc_merge_pick_all));
    assert_int_equal(slab_count(project), 1);
}

/* However many slabs of a window come, fewer than sixteen of a tier are left when merging has
 * caught up: what a query can meet is bounded. 12,000 rows are two tiers. */
static void
test_a_window_has_few_slabs(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    uint32_t most = 0;
    for (uint32_t i = 0; i < 300; i++) {
        add_slab(project, 1 + i * 40, 0, i + 1);
        while (merge(project, rc_merge_pick))
            continue;
        most = slab_count(project) > most ? slab_count(project) : most;
    }
    assert_in_range(most, RC_MERGE_FANOUT - 1, 2 * (RC_MERGE_FANOUT - 1));
    while (merge(project, rc_merge_pick_idle))
        continue;
    assert_int_equal(slab_count(project), 1);
}

/* A cancelled seal or merge, or one without memory, leaves everything as it was. */
static void
test_nothing_happens_by_halves(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = layout_project();
    struct rig_twin twin;
    static struct rig_content content;
    rig_twin_open(&twin);
    for (uint64_t i = 1; i <= 6; i++) {
        rig_content_make(SEED + i, 120, false, &content);
        layout_apply(project, &content, i);
        rig_twin_apply(&twin, &content);
        assert_int_equal(rc_seal_end_head(project, NULL), RC_OK);
    }
    const _Atomic(bool) cancel = true;
    bool sealed = false;
    assert_int_equal(rc_seal_oldest(project, &cancel, &sealed, NULL), RC_CANCELLED);
    assert_false(sealed);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_seal_oldest(project, NULL, &sealed, NULL);
        rc_alloc_fail_at(0);
        layout_expect(project, &twin);
        if (status == RC_OK)
            break; /* An audit build may do without its last allocation. */
        assert_int_equal(status, RC_NO_MEMORY);
    }
    while (seal(project))
        ;
    struct rc_merge_plan plan;
    RC_CLEANUP(rc_version_unrefp) struct rc_version *version = rc_project_pin_version(project);
    rc_merge_pick_all(version, &plan);
    assert_true(plan.count > 1);
    assert_int_equal(rc_merge_run(project, &plan, NULL, &cancel, NULL), RC_CANCELLED);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_merge_run(project, &plan, NULL, NULL, NULL);
        rc_alloc_fail_at(0);
        layout_expect(project, &twin);
        if (status == RC_OK)
            break; /* An audit build may do without its last allocation. */
        assert_int_equal(status, RC_NO_MEMORY);
    }
    version = rc_version_unref(version);
    rig_twin_close(&twin);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps),
        cmocka_unit_test(test_rows_die_while_slabs_are_built),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_a_window_has_few_slabs),
        cmocka_unit_test(test_nothing_happens_by_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
