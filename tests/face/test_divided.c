/*
 * Windows that are divided while an engine lives: slabs of several lengths are kept, restored,
 * checked and cooled, a start with another bound goes on from what there is, and a limit of memory
 * stops neither.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/upkeep.h"
#include "tests/face/one_stream.h"

#define BOUND 20u /* Rows; contents lie in three windows of 28 days, a few days of each. */

static struct rc_engine_stats
stats_of(const struct one_stream *world)
{
    struct rc_engine_stats stats;
    rc_engine_get_stats(world->engine, &stats);
    return stats;
}

static void
tell(void *context, enum rc_finding finding, const char *where, const char *what)
{
    (void)context;
    if (finding == RC_FINDING_PROBLEM)
        fail_msg("check: %s: %s", where, what);
}

static void
check_well(struct one_stream *world)
{
    struct rc_check check = {.on_finding = tell};
    assert_int_equal(rc_engine_check(world->engine, rc_bytes_of("shop"), &check, NULL), RC_OK);
    one_expect(world);
}

static void
snapshot_well(struct one_stream *world)
{
    struct rc_snapshot_result result;
    assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
}

static void
restart(struct one_stream *world, bool checkpoint, uint64_t window_rows_max)
{
    world->engine = rc_engine_close(world->engine, checkpoint);
    world->window_rows_max = window_rows_max;
    one_start_well(world);
    check_well(world);
}

static void
close_world(struct one_stream *world)
{
    world->engine = rc_engine_close(world->engine, false);
    rc_disk_faulty_free(world->disk);
}

/* Starts with other bounds, amid whatever the one before had divided. */
static void
test_a_start_goes_on(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {0, BOUND, 0, 5 * BOUND, 1};
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    uint64_t random = 11;
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    for (uint32_t round = 0; round < 40; round++) {
        one_send_well(&world, (uint32_t)(rig_random(&random) % 6));
        const uint64_t what = rig_random(&random) % 4;
        if (what == 0)
            rc_engine_settle(world.engine);
        if (what == 1)
            assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
        if (what == 2)
            snapshot_well(&world);
        if (rig_random(&random) % 2 == 0)
            restart(&world, rig_random(&random) % 2 == 0, bounds[round % 5]);
        else
            check_well(&world);
    }
    close_world(&world);
}

/* A window of a day or a week becomes cold once it has ended, which the longer one around it has
 * not; a start finds the same ones cold. */
static void
test_short_windows_cool_by_themselves(void **state)
{
    (void)state;
    for (uint32_t divided = 0; divided < 2; divided++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(1)};
        world.window_rows_max = divided ? BOUND : 0;
        /* The first of the windows of 28 days ends on the ninth day of the contents. */
        world.cold_after_ms = rc_clock_wall_ms() - (RIG_START_MS + 13 * RIG_DAY_MS / 2);
        world.cold_bytes_max = 1;
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        one_send_well(&world, 20);
        assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
        snapshot_well(&world);
        const uint64_t cold = stats_of(&world).cold_slabs;
        assert_int_equal(cold, divided ? 5 : 0);
        check_well(&world);
        restart(&world, false, world.window_rows_max);
        assert_int_equal(stats_of(&world).cold_slabs, cold);
        one_send_well(&world, 10); /* Copies of what is cold too. */
        check_well(&world);
        close_world(&world);
    }
}

/* ---- tight memory ---- */

struct narrow {
    struct one_stream world;
    _Atomic(bool) stop;
    uint32_t refused;
};

static void
limit_memory(struct one_stream *world, uint64_t memory_bytes_max)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_settings made;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"),
                                                 .memory_bytes_max = memory_bytes_max};
    assert_int_equal(
        rc_engine_put_project(world->engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
}

/* Sends on and on; what is refused for want of memory is sent again. */
static void *
send_batches(void *argument)
{
    struct narrow *narrow = argument;
    while (!atomic_load(&narrow->stop)) {
        const enum rc_status status = one_send_next(&narrow->world);
        assert_true(status == RC_OK || status == RC_LIMIT_EXCEEDED);
        narrow->refused += status == RC_LIMIT_EXCEEDED;
        if (status != RC_OK)
            sched_yield();
    }
    return NULL;
}

/* Windows are divided and merged while a limit of the project's memory refuses what comes in, and
 * lets it in again: beside it every view is whole, and nothing that was acknowledged is lost. */
static void
test_windows_are_divided_in_tight_memory(void **state)
{
    (void)state;
    struct narrow narrow = {.world = {.disk = rc_disk_faulty_new(1), .window_rows_max = BOUND}};
    struct one_stream *world = &narrow.world;
    pthread_t thread;
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, 3);
    assert_int_equal(pthread_create(&thread, NULL, send_batches, &narrow), 0);
    for (uint32_t round = 0; round < 12; round++) {
        const uint64_t before = atomic_load(&world->acknowledged);
        struct rc_project_stats stats;
        assert_int_equal(
            rc_engine_project_stats(world->engine, RC_BYTES_LITERAL("shop"), &stats, NULL), RC_OK);
        limit_memory(world, stats.memory_bytes + 4096 * round);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        limit_memory(world, 0);
        while (atomic_load(&world->acknowledged) < before + 2)
            sched_yield();
    }
    limit_memory(world, 1); /* Nothing comes in: it merges and divides on. */
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    snapshot_well(world);
    atomic_store(&narrow.stop, true);
    pthread_join(thread, NULL);
    assert_true(narrow.refused > 0);
    check_well(world);
    restart(world, false, BOUND);
    restart(world, true, 0);
    limit_memory(world, 0);
    one_send_well(world, 3);
    check_well(world);
    close_world(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_start_goes_on),
        cmocka_unit_test(test_short_windows_cool_by_themselves),
        cmocka_unit_test(test_windows_are_divided_in_tight_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
