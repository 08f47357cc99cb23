/* Changes of a project: by whom they are carried out, and that the writer's lock is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "engine/store/project/project.h"

struct world {
    struct rc_project *project;
    struct rc_workers *changers;
};

struct seen {
    struct world *world;
    pthread_t by;
    bool stepped_back;
    uint64_t first_id;
};

/* Two at a time would see each other's number. */
static enum rc_status
take_two_ids(void *context)
{
    struct seen *seen = context;
    seen->by = pthread_self();
    seen->stepped_back = rc_thread_steps_back();
    seen->first_id = rc_project_next_slab_id(seen->world->project);
    const uint64_t second = rc_project_next_slab_id(seen->world->project);
    return second == seen->first_id + 1 ? RC_CONFLICT : RC_CORRUPT;
}

/* Its status is what comes back. */
static void
change(void *argument)
{
    struct seen *seen = argument;
    assert_int_equal(rc_project_change(seen->world->project, take_two_ids, seen), RC_CONFLICT);
}

static struct seen
change_by(struct world *world, enum rc_urgency urgency, pthread_t *ret_own)
{
    struct seen seen = {.world = world};
    struct rc_workers *workers;
    struct seen probe = {.world = world};
    assert_int_equal(rc_workers_new(1, urgency, &workers, NULL), RC_OK);
    assert_true(rc_workers_call(workers, 0, change, &seen));
    rc_project_set_changers(world->project, NULL);
    assert_true(rc_workers_call(workers, 0, change, &probe));
    rc_project_set_changers(world->project, world->changers);
    rc_workers_free(workers);
    *ret_own = probe.by; /* Nobody else can have done it. */
    return seen;
}

static int
world_open(void **state)
{
    static struct world world;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("p")};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, 100, &world.project), RC_OK);
    assert_int_equal(rc_workers_new(2, RC_URGENCY_PROMPT, &world.changers, NULL), RC_OK);
    rc_project_set_changers(world.project, world.changers);
    *state = &world;
    return 0;
}

static int
world_close(void **state)
{
    struct world *world = *state;
    world->project = rc_project_unref(world->project);
    world->changers = rc_workers_free(world->changers);
    return 0;
}

static void
test_who_steps_back_has_it_done(void **state)
{
    pthread_t own;
    const struct seen seen = change_by(*state, RC_URGENCY_BACKGROUND, &own);
    assert_false(seen.stepped_back);
    assert_false(pthread_equal(seen.by, own));
}

static void
test_others_do_it_themselves(void **state)
{
    const enum rc_urgency others[] = {RC_URGENCY_PLAIN, RC_URGENCY_PROMPT, RC_URGENCY_FIRST};
    for (size_t i = 0; i < 3; i++) {
        pthread_t own;
        const struct seen seen = change_by(*state, others[i], &own);
        assert_true(pthread_equal(seen.by, own));
    }
}

/* Without memory to hand it over it is done all the same. */
static void
change_without_memory(void *argument)
{
    struct seen *seen = argument;
    rc_alloc_fail_at(1);
    change(seen);
    rc_alloc_fail_at(0);
}

static void
test_no_memory_to_hand_it_over(void **state)
{
    struct seen seen = {.world = *state};
    struct rc_workers *workers;
    assert_int_equal(rc_workers_new(1, RC_URGENCY_BACKGROUND, &workers, NULL), RC_OK);
    assert_true(rc_workers_call(workers, 0, change_without_memory, &seen));
    rc_workers_free(workers);
    assert_true(seen.stepped_back);
}

static void
change_often(void *argument, uint32_t index)
{
    struct seen seen = {.world = argument};
    (void)index;
    change(&seen);
}

static void
test_one_at_a_time(void **state)
{
    struct rc_workers *workers;
    assert_int_equal(rc_workers_new(4, RC_URGENCY_BACKGROUND, &workers, NULL), RC_OK);
    rc_workers_run(workers, 5, 5000, change_often, *state);
    rc_workers_free(workers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_steps_back_has_it_done, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_others_do_it_themselves, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_no_memory_to_hand_it_over, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
