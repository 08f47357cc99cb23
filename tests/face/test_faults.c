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

#include "engine/face/engine.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define SEED 90000u
#define ROWS_MAX 60u

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    bool created;
    uint64_t sent;
    _Atomic(uint64_t) acknowledged;
    _Atomic(uint32_t) refused;
};

static enum rc_status
start(struct world *world, struct rc_error *error)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 15,
        .head_rows_max = 96,
    };
    return rc_engine_open(&options, &world->engine, error);
}

static void
start_well(struct world *world)
{
    struct rc_error error = {0};
    if (start(world, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static enum rc_status
create(struct world *world)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop")};
    struct rc_project_settings made;
    if (arena == NULL)
        return RC_NO_MEMORY;
    return rc_engine_put_project(world->engine, &settings, 0, arena, &made, NULL);
}

static void
content_of(uint64_t batch_id, struct rig_content *content)
{
    rig_content_make(SEED + batch_id, ROWS_MAX, true, content);
}

static uint64_t
position_of(struct world *world)
{
    uint64_t position = 0;
    assert_int_equal(rc_engine_stream_position(world->engine, RC_BYTES_LITERAL("shop"),
                                               RC_BYTES_LITERAL("stream"), &position, NULL),
                     RC_OK);
    return position;
}

/* What is there must be the contents up to a position between what was acknowledged and sent. */
static void
expect(struct world *world)
{
    static struct rig_content content;
    struct rig_twin twin;
    const uint64_t position = position_of(world);
    if (position < atomic_load(&world->acknowledged) || position > world->sent)
        fail_msg("position %llu, acknowledged %llu, sent %llu", (unsigned long long)position,
                 (unsigned long long)atomic_load(&world->acknowledged),
                 (unsigned long long)world->sent);
    rig_twin_open(&twin);
    for (uint64_t id = 1; id <= position; id++) {
        content_of(id, &content);
        rig_twin_apply(&twin, &content);
    }
    rig_twin_expect(&twin, world->engine, "shop");
    rig_twin_close(&twin);
}

static enum rc_status
send_next(struct world *world)
{
    static struct rig_content content;
    struct rc_ingest_result result = {0};
    const uint64_t id = atomic_load(&world->acknowledged) + 1;
    content_of(id, &content);
    if (id > world->sent)
        world->sent = id;
    RC_TRY(rig_ingest(world->engine, "shop", "stream", id, &content, &result));
    atomic_store(&world->acknowledged, id);
    return RC_OK;
}

static void
send_well(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(send_next(world), RC_OK);
}

/* ---- the n-th call of the disk ---- */

static void
try_life(struct world *world)
{
    struct rc_snapshot_result result;
    struct rc_error error = {0};
    if (start(world, &error) != RC_OK) {
        assert_true(error.message[0] != '\0');
        return;
    }
    if (create(world) == RC_OK)
        world->created = true;
    for (uint32_t i = 0; i < 5 && world->created; i++)
        if (send_next(world) != RC_OK)
            break;
    rc_engine_settle(world->engine);
    const enum rc_status snapshot = rc_engine_snapshot(world->engine, &result, &error);
    if (world->created) {
        const enum rc_status sent = send_next(world);
        (void)sent;
        expect(world);
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
    for (bool more = true; more; n++) {
        struct world world = {.disk = rc_disk_faulty_new(n)};
        rc_disk_faulty_fail_at(world.disk, n, status);
        try_life(&world);
        more = rc_disk_faulty_calls(world.disk) >= n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        if (cut)
            rc_disk_faulty_reboot(world.disk);
        start_well(&world);
        if (world.created) {
            expect(&world);
        } else if (create(&world) != RC_OK) {
            /* It may have been made although nobody was told. */
            assert_int_equal(position_of(&world), 0);
        }
        atomic_store(&world.acknowledged, position_of(&world));
        send_well(&world, 3);
        expect(&world);
        world.engine = rc_engine_close(world.engine, false);
        start_well(&world);
        expect(&world);
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

/* A snapshot fails at any call; then more comes in; then the next one is cut off by a power cut. */
static void
test_a_failed_snapshot_leaves_no_trace(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct world world = {.disk = rc_disk_faulty_new(n)};
        struct rc_snapshot_result result;
        start_well(&world);
        assert_int_equal(create(&world), RC_OK);
        send_well(&world, 4);
        rc_engine_settle(world.engine);
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
        const enum rc_status failed = rc_engine_snapshot(world.engine, &result, NULL);
        const bool done = rc_disk_faulty_calls(world.disk) < n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        send_well(&world, 4);
        rc_disk_faulty_cut_at(world.disk, 1 + n % 13);
        const enum rc_status cut = rc_engine_snapshot(world.engine, &result, NULL);
        (void)cut;
        world.engine = rc_engine_close(world.engine, false);
        rc_disk_faulty_cut_at(world.disk, 0);
        rc_disk_faulty_reboot(world.disk);
        start_well(&world);
        expect(&world);
        send_well(&world, 2);
        world.engine = rc_engine_close(world.engine, true);
        start_well(&world);
        expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        if (done) {
            assert_int_equal(failed, RC_OK);
            break;
        }
    }
}

/* ---- a full disk ---- */

struct flight {
    struct world *world;
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
launch(struct world *world, uint64_t batch_id)
{
    static struct rig_content content;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_rejects rejects;
    struct flight *flight = malloc(sizeof(*flight));
    *flight = (struct flight){world, batch_id};
    content_of(batch_id, &content);
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
        struct world world = {.disk = rc_disk_faulty_new(round)};
        uint64_t random = round;
        start_well(&world);
        assert_int_equal(create(&world), RC_OK);
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
        expect(&world);
        rc_disk_faulty_set_quota(world.disk, 0);
        world.engine = rc_engine_close(world.engine, round % 2 == 0);
        start_well(&world);
        expect(&world);
        send_well(&world, 3);
        expect(&world);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        refused += atomic_load(&world.refused);
    }
    print_message("%u batches were refused\n", refused);
    assert_true(refused > 0);
}

/* ---- no memory ---- */

static bool
is_refusal(enum rc_status status)
{
    return status == RC_NO_MEMORY || status == RC_LIMIT_EXCEEDED || status == RC_UNAVAILABLE;
}

static void
test_no_memory_to_ingest(void **state)
{
    (void)state;
    struct world world = {.disk = rc_disk_faulty_new(1)};
    static struct rig_content content;
    start_well(&world);
    assert_int_equal(create(&world), RC_OK);
    send_well(&world, 3);
    bool failed_once = false;
    uint64_t n = 1;
    for (bool more = true; more; n += 1 + n / 24) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const uint64_t id = atomic_load(&world.acknowledged) + 1;
        content_of(id, &content);
        const struct rc_batch *batch = rig_batch(arena, &content);
        world.sent = id;
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_ingest_batch(world.engine, "shop", "stream", id, batch, NULL);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        failed_once = failed_once || status != RC_OK;
        if (status == RC_OK)
            atomic_store(&world.acknowledged, id);
        else
            assert_true(is_refusal(status));
        expect(&world);
        struct rc_snapshot_result result;
        if (n % 3 == 0)
            assert_int_equal(rc_engine_snapshot(world.engine, &result, NULL), RC_OK);
        if (status == RC_OK)
            continue;
        /* Sent again it is taken, if need be after a restart. */
        if (!is_refusal(send_next(&world)))
            continue;
        world.engine = rc_engine_close(world.engine, n % 2 == 0);
        start_well(&world);
        expect(&world);
        atomic_store(&world.acknowledged, position_of(&world));
        send_well(&world, 1);
        expect(&world);
    }
    print_message("up to allocation %llu\n", (unsigned long long)n);
    assert_true(failed_once);
    rc_engine_close(world.engine, true);
    rc_disk_faulty_free(world.disk);
}

static void
test_no_memory_to_ask(void **state)
{
    (void)state;
    struct world world = {.disk = rc_disk_faulty_new(1)};
    start_well(&world);
    assert_int_equal(create(&world), RC_OK);
    send_well(&world, 12);
    rc_engine_settle(world.engine);
    const double expected = rig_measure(world.engine, "shop", RC_MEASURE_COUNT, 1);
    bool failed_once = false;
    for (uint64_t n = 1;; n++) {
        double value = -1;
        assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_try_measure(world.engine, "shop", RC_MEASURE_COUNT, 1, &value);
        const bool more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            assert_true(value == expected);
        else
            assert_true(is_refusal(status));
        failed_once = failed_once || status != RC_OK;
        if (!more)
            break;
    }
    assert_true(failed_once);
    assert_true(rig_measure(world.engine, "shop", RC_MEASURE_COUNT, 1) == expected);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

/* At its limit a project takes nothing more, answers, starts again, and goes on when the limit
 * grows. */
static void
test_a_memory_limit(void **state)
{
    (void)state;
    struct world world = {.disk = rc_disk_faulty_new(1)};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_stats stats;
    start_well(&world);
    assert_int_equal(create(&world), RC_OK);
    send_well(&world, 2);
    assert_int_equal(rc_engine_project_stats(world.engine, RC_BYTES_LITERAL("shop"), &stats, NULL),
                     RC_OK);
    struct rc_project_settings settings = {
        .id = RC_BYTES_LITERAL("shop"),
        .memory_bytes_max = stats.memory_bytes + 20000,
    };
    struct rc_project_settings made;
    assert_int_equal(rc_engine_put_project(world.engine, &settings, UINT64_MAX, arena, &made, NULL),
                     RC_OK);
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < 1000 && status == RC_OK; i++)
        status = send_next(&world);
    assert_int_equal(status, RC_LIMIT_EXCEEDED);
    for (uint32_t i = 0; i < 2; i++) {
        expect(&world);
        assert_int_equal(position_of(&world), atomic_load(&world.acknowledged));
        world.engine = rc_engine_close(world.engine, i == 1);
        start_well(&world);
    }
    settings.memory_bytes_max = 0;
    assert_int_equal(rc_engine_put_project(world.engine, &settings, UINT64_MAX, arena, &made, NULL),
                     RC_OK);
    send_well(&world, 5);
    expect(&world);
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
        cmocka_unit_test(test_a_failed_snapshot_leaves_no_trace),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_no_memory_to_ingest),
        cmocka_unit_test(test_no_memory_to_ask),
        cmocka_unit_test(test_a_memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
