/*
 * The world fails once, at every place in turn: the n-th call of the disk, the n-th allocation, and
 * a disk without space. Nothing acknowledged is lost, nothing is there twice, the error is a
 * status, and work goes on or is refused until a restart.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/file_ops.h"
#include "engine/base/limits.h"
#include "engine/face/engine.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/one_stream.h"

/* ---- the n-th call of the disk ---- */

/* Sends a batch more: a log that takes none says why in the statistics, and only then. */
static void
send_last(struct one_stream *world)
{
    struct rc_engine_stats stats;
    const enum rc_status sent = one_send_next(world);
    rc_engine_get_stats(world->engine, &stats);
    assert_int_equal(stats.wal_error[0] != '\0', sent == RC_UNAVAILABLE);
}

static void
try_life(struct one_stream *world)
{
    struct rc_snapshot_result result;
    struct rc_error error = {0};
    if (one_start(world, &error) != RC_OK) {
        assert_true(error.message[0] != '\0');
        return;
    }
    if (one_create(world) == RC_OK)
        world->created = true;
    for (uint32_t i = 0; i < 5 && world->created; i++)
        if (one_send_next(world) != RC_OK)
            break;
    rc_engine_settle(world->engine);
    const enum rc_status snapshot = rc_engine_snapshot(world->engine, &result, &error);
    if (world->created) {
        send_last(world);
        one_expect(world);
    }
    /* A snapshot that failed is no reason why the next one should. */
    if (snapshot != RC_OK)
        assert_int_equal(rc_engine_snapshot(world->engine, &result, &error), RC_OK);
    world->engine = rc_engine_close(world->engine, true);
}

static void
fail_calls(enum rc_status status, bool cut)
{
    uint64_t n = 1;
    for (bool more = true; more; n += test_stride()) {
        struct one_stream world = {.disk = rc_disk_faulty_new(n)};
        rc_disk_faulty_fail_at(world.disk, n, status);
        try_life(&world);
        more = rc_disk_faulty_calls(world.disk) >= n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        if (cut)
            rc_disk_faulty_reboot(world.disk);
        one_start_well(&world);
        if (world.created) {
            one_expect(&world);
        } else if (one_create(&world) != RC_OK) {
            /* It may have been made although nobody was told. */
            assert_int_equal(one_position(&world), 0);
        }
        atomic_store(&world.acknowledged, one_position(&world));
        one_send_well(&world, 3);
        one_expect(&world);
        world.engine = rc_engine_close(world.engine, false);
        one_start_well(&world);
        one_expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
    }
    print_message("%llu calls failed\n", (unsigned long long)n - 1);
    assert_true(n > 50);
}

static void
test_any_call_may_fail(void **state)
{
    (void)state;
    fail_calls(RC_IO, false);
}

static void
test_any_call_may_fail_before_a_power_cut(void **state)
{
    (void)state;
    fail_calls(RC_IO, true);
}

static void
test_any_call_may_find_no_space(void **state)
{
    (void)state;
    fail_calls(RC_NO_SPACE, true);
}

/* ---- the n-th call of a start ---- */

enum failing { CALLS, ALLOCATIONS };

/* A start over a snapshot and the log behind it, which ends with something at the n-th place. */
static bool
start_failing(struct one_stream *world, enum failing failing, uint64_t n)
{
    struct rc_error error = {0};
    if (failing == CALLS)
        rc_disk_faulty_fail_at(world->disk, n, RC_IO);
    else
        rc_alloc_fail_at(n);
    const enum rc_status status = one_start(world, &error);
    const bool more =
        (failing == CALLS ? rc_disk_faulty_calls(world->disk) : rc_alloc_count()) >= n;
    rc_disk_faulty_fail_at(world->disk, 0, RC_OK);
    rc_alloc_fail_at(0);
    if (status == RC_OK) {
        one_expect(world);
        world->engine = rc_engine_close(world->engine, false);
    } else {
        assert_true(more);
        assert_true(error.message[0] != '\0');
        assert_int_equal(status, failing == CALLS ? RC_IO : RC_NO_MEMORY);
    }
    return more;
}

/* Nothing that a start does leaves a trace when it fails: the next one has all that there was. */
static void
test_any_call_of_a_start_may_fail(void **state)
{
    (void)state;
    for (enum failing failing = CALLS; failing <= ALLOCATIONS; failing++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(1)};
        struct rc_snapshot_result result;
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        one_send_well(&world, 8);
        assert_int_equal(rc_engine_snapshot(world.engine, &result, NULL), RC_OK);
        one_send_well(&world, 8);
        world.engine = rc_engine_close(world.engine, false);
        uint64_t n = 1;
        for (bool more = true; more; n += failing == CALLS ? 1 : 1 + n / 16) {
            more = start_failing(&world, failing, n);
            one_start_well(&world);
            one_expect(&world);
            world.engine = rc_engine_close(world.engine, false);
        }
        print_message("%s: up to the %lluth\n", failing == CALLS ? "calls" : "allocations",
                      (unsigned long long)n);
        one_start_well(&world);
        one_send_well(&world, 2);
        one_expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
    }
}

/* A snapshot fails at any call; then more comes in; then the next one is cut off by a power cut. */
static void
test_a_failed_snapshot_leaves_no_trace(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n += test_stride()) {
        struct one_stream world = {.disk = rc_disk_faulty_new(n)};
        struct rc_snapshot_result result;
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        one_send_well(&world, 4);
        rc_engine_settle(world.engine);
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
        const enum rc_status failed = rc_engine_snapshot(world.engine, &result, NULL);
        const bool done = rc_disk_faulty_calls(world.disk) < n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        one_send_well(&world, 4);
        rc_disk_faulty_cut_at(world.disk, 1 + n % 13);
        const enum rc_status cut = rc_engine_snapshot(world.engine, &result, NULL);
        (void)cut;
        world.engine = rc_engine_close(world.engine, false);
        rc_disk_faulty_cut_at(world.disk, 0);
        rc_disk_faulty_reboot(world.disk);
        one_start_well(&world);
        one_expect(&world);
        one_send_well(&world, 2);
        world.engine = rc_engine_close(world.engine, true);
        one_start_well(&world);
        one_expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        if (done) {
            assert_int_equal(failed, RC_OK);
            break;
        }
    }
}

/* ---- what happens while a snapshot is made ---- */

static struct one_stream *hooked_world;
static const struct rc_disk_ops *true_ops;

/* The snapshot makes the directory of a project that it has listed: just then the project is
 * deleted and made anew. */
static enum rc_status
delete_meanwhile(struct rc_disk *disk, const char *path, struct rc_error *reterr_error)
{
    struct one_stream *world = hooked_world;
    if (world != NULL && strstr(path, "/projects/") != NULL) {
        hooked_world = NULL;
        assert_int_equal(rc_engine_delete_project(world->engine, RC_BYTES_LITERAL("shop"),
                                                  UINT64_MAX, NULL, NULL),
                         RC_OK);
        if (world->created) {
            assert_int_equal(one_create(world), RC_OK);
            world->sent = 0;
            atomic_store(&world->acknowledged, 0);
            one_send_well(world, 2);
        }
    }
    return true_ops->make_dir(disk, path, reterr_error);
}

static void
test_a_project_is_deleted_during_a_snapshot(void **state)
{
    (void)state;
    for (uint32_t anew = 0; anew < 2; anew++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(1), .created = anew == 1};
        struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
        struct rc_snapshot_result result;
        static struct rc_disk_ops ops;
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        one_send_well(&world, 5);
        true_ops = disk->ops;
        ops = *disk->ops;
        ops.make_dir = delete_meanwhile;
        disk->ops = &ops;
        hooked_world = &world;
        assert_int_equal(rc_engine_snapshot(world.engine, &result, NULL), RC_OK);
        disk->ops = true_ops;
        assert_null(hooked_world);
        for (uint32_t i = 0; i < 2; i++) {
            world.engine = rc_engine_close(world.engine, i == 1);
            one_start_well(&world);
            double value;
            if (anew == 1)
                one_expect(&world);
            else
                assert_int_equal(
                    rig_try_measure(world.engine, "shop", RC_MEASURE_COUNT, UINT32_MAX, &value),
                    RC_NOT_FOUND);
        }
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
    }
}

/* ---- a full disk ---- */

struct flight {
    struct one_stream *world;
    uint64_t batch_id;
};

static void
on_done(void *context, const struct rc_ingest_result *result)
{
    struct flight *flight = context;
    if (result->status == RC_OK)
        atomic_store(&flight->world->acknowledged, flight->batch_id);
    else
        atomic_fetch_add(&flight->world->refused, 1);
    free(flight);
}

static enum rc_status
launch(struct one_stream *world, uint64_t batch_id)
{
    static struct rig_content content;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_rejects rejects;
    struct flight *flight = malloc(sizeof(*flight));
    *flight = (struct flight){world, batch_id};
    one_content(batch_id, &content);
    const enum rc_status status = rc_engine_ingest(
        world->engine, RC_BYTES_LITERAL("shop"), RC_BYTES_LITERAL("stream"), batch_id,
        rig_batch(arena, &content), arena, on_done, flight, &rejects, NULL);
    if (status != RC_OK)
        free(flight);
    if (batch_id > world->sent)
        world->sent = batch_id;
    return status;
}

/* Batches are on their way in numbers while the disk fills up and has room again: a batch behind
 * one that was refused must not be taken in its place. */
static void
test_a_full_disk(void **state)
{
    (void)state;
    uint32_t refused = 0;
    for (uint32_t round = 0; round < 12; round++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(round)};
        uint64_t random = round;
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        for (uint32_t burst = 0; burst < 40; burst++) {
            if (burst % 8 == 0)
                rc_disk_faulty_set_quota(world.disk, rc_disk_faulty_used(world.disk) +
                                                         rig_random(&random) % 9000);
            const uint64_t first = atomic_load(&world.acknowledged) + 1;
            for (uint64_t id = first; id < first + 8; id++)
                if (launch(&world, id) != RC_OK)
                    break;
            if (burst % 8 == 7)
                rc_disk_faulty_set_quota(world.disk, 0);
            rc_engine_settle(world.engine);
        }
        one_expect(&world);
        rc_disk_faulty_set_quota(world.disk, 0);
        world.engine = rc_engine_close(world.engine, round % 2 == 0);
        one_start_well(&world);
        one_expect(&world);
        one_send_well(&world, 3);
        one_expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        refused += atomic_load(&world.refused);
    }
    print_message("%u batches were refused\n", refused);
    assert_true(refused > 0);
}

/* ---- names that meet before they are counted ---- */

static _Atomic(bool) syncs_wait;

static enum rc_status
sync_later(struct rc_file *file, struct rc_error *reterr_error)
{
    while (atomic_load(&syncs_wait))
        rc_clock_sleep_ns(100000);
    return true_ops->sync(file, reterr_error);
}

/* Launches a batch of one event with count properties, which begin with prefix. */
static enum rc_status
launch_names(struct one_stream *world, const char *stream, char prefix, uint32_t count)
{
    static const uint32_t code = 1;
    static const uint32_t user = 0;
    static const int64_t time_ms = RIG_START_MS;
    static const struct rc_bytes user_id = {"ann", 3};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_value *value = RC_ARENA_ARRAY(arena, struct rc_value, 1);
    struct rc_batch_column *columns = RC_ARENA_ARRAY(arena, struct rc_batch_column, count);
    struct rc_rejects rejects;
    *value = rc_value_int(1);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        const int size = snprintf(name, sizeof(name), "%c%u", prefix, i);
        columns[i] = (struct rc_batch_column){
            .name = {rc_arena_string(arena, name, (size_t)size), (size_t)size},
            .value_count = 1,
            .values = value,
            .code_width = 4,
            .codes = (const unsigned char *)&code,
        };
    }
    const struct rc_batch batch = {.events = {
                                       .row_count = 1,
                                       .user_count = 1,
                                       .users = &user_id,
                                       .user_codes = (const unsigned char *)&user,
                                       .times_ms = (const unsigned char *)&time_ms,
                                       .column_count = count,
                                       .columns = columns,
                                   }};
    struct flight *flight = malloc(sizeof(*flight));
    *flight = (struct flight){world, 1};
    const enum rc_status status =
        rc_engine_ingest(world->engine, RC_BYTES_LITERAL("shop"), rc_bytes_of(stream), 1, &batch,
                         arena, on_done, flight, &rejects, NULL);
    if (status != RC_OK)
        free(flight);
    return status;
}

/* Two batches bring names that fit each by itself and not together; both are in the log before
 * either is applied. The second is refused, here and at a replay, and the project goes on. */
static void
test_names_that_meet_in_the_log(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    static struct rc_disk_ops ops;
    struct rc_engine_options options = one_options(&world);
    options.wal_file_bytes = 1 << 20;
    assert_int_equal(rc_engine_open(&options, &world.engine, NULL), RC_OK);
    assert_int_equal(one_create(&world), RC_OK);
    true_ops = disk->ops;
    ops = *disk->ops;
    ops.sync = sync_later;
    disk->ops = &ops;
    atomic_store(&syncs_wait, true);
    assert_int_equal(launch_names(&world, "one", 'a', RC_PROPERTIES_MAX - 10), RC_OK);
    assert_int_equal(launch_names(&world, "two", 'b', 20), RC_OK);
    atomic_store(&syncs_wait, false);
    rc_engine_settle(world.engine);
    disk->ops = true_ops;
    assert_int_equal(atomic_load(&world.refused), 1);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rig_measure(world.engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == 1 + i);
        assert_int_equal(launch_names(&world, "two", 'b', 20), RC_LIMIT_EXCEEDED);
        const char stream[] = {(char)('x' + i), '\0'};
        assert_int_equal(launch_names(&world, stream, 'a', 20), RC_OK);
        rc_engine_settle(world.engine);
        rc_engine_close(world.engine, i == 1);
        assert_int_equal(rc_engine_open(&options, &world.engine, NULL), RC_OK);
    }
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_call_may_fail),
        cmocka_unit_test(test_any_call_may_fail_before_a_power_cut),
        cmocka_unit_test(test_any_call_may_find_no_space),
        cmocka_unit_test(test_any_call_of_a_start_may_fail),
        cmocka_unit_test(test_a_failed_snapshot_leaves_no_trace),
        cmocka_unit_test(test_a_project_is_deleted_during_a_snapshot),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_names_that_meet_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
