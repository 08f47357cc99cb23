/*
 * Records that wait to be applied: a project does not wait for another's, what is told of one
 * project comes in the order of its log, a snapshot leaves no record out, and a purge erases those
 * too. Sealing goes on without who applies.
 *
 * An applier is held by the callback of a batch, which is called when the batch is applied.
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
#include "engine/face/engine.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"
#include "tests/face/people_rig.h"

#define SMALL_BYTES 1024u
#define LARGE_ROWS 200u
#define TOLD_MAX 64u

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct rig_twin large;
    struct rig_twin small;
    uint64_t small_sent;
    uint32_t worker_count;

    pthread_mutex_t mutex; /* Guards what follows. */
    pthread_cond_t changed;
    bool held;     /* Who calls back about batch 1 stays there. */
    bool holding;  /* Somebody does. */
    uint32_t told; /* Batches, by their order. */
    uint64_t told_ids[TOLD_MAX];
};

/* ---- a log whose syncs can be held ---- */

static const struct rc_disk_ops *true_ops;
static _Atomic(bool) syncs_wait;

static enum rc_status
sync_later(struct rc_file *file, struct rc_error *reterr_error)
{
    while (atomic_load(&syncs_wait))
        rc_clock_sleep_ns(100000);
    return true_ops->sync(file, reterr_error);
}

static void
start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = world->worker_count,
        .wal_file_bytes = 1 << 17,
        .head_rows_max = 150,
        .small_record_bytes = SMALL_BYTES,
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    static struct rc_disk_ops ops;
    world->worker_count = 2;
    world->disk = rc_disk_faulty_new(3);
    true_ops = rc_disk_faulty_disk(world->disk)->ops;
    ops = *true_ops;
    ops.sync = sync_later;
    rc_disk_faulty_disk(world->disk)->ops = &ops;
    pthread_mutex_init(&world->mutex, NULL);
    pthread_cond_init(&world->changed, NULL);
    rig_twin_open(&world->large);
    rig_twin_open(&world->small);
    start(world);
    rig_create(world->engine, "large");
    rig_create(world->engine, "small");
    *state = world;
    return 0;
}

static void
let_go(struct world *world)
{
    pthread_mutex_lock(&world->mutex);
    world->held = false;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->mutex);
}

static int
world_close(void **state)
{
    struct world *world = *state;
    let_go(world); /* A test may have failed. */
    rc_engine_close(world->engine, false);
    rig_twin_close(&world->large);
    rig_twin_close(&world->small);
    rc_disk_faulty_free(world->disk);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->mutex);
    free(world);
    return 0;
}

struct flight {
    struct world *world;
    uint64_t batch_id;
};

static void
on_done(void *context, const struct rc_ingest_result *result)
{
    struct flight *flight = context;
    struct world *world = flight->world;
    assert_int_equal(result->status, RC_OK);
    pthread_mutex_lock(&world->mutex);
    if (flight->batch_id == 1 && world->held) {
        world->holding = true;
        pthread_cond_broadcast(&world->changed);
        while (world->held)
            pthread_cond_wait(&world->changed, &world->mutex);
    }
    world->told_ids[world->told++] = flight->batch_id;
    pthread_mutex_unlock(&world->mutex);
    free(flight);
}

/* Sends a batch of the large project and does not wait for it. */
static void
launch(struct world *world, uint64_t batch_id, const struct rig_content *content)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_rejects rejects;
    struct flight *flight = malloc(sizeof(*flight));
    *flight = (struct flight){world, batch_id};
    assert_int_equal(rc_engine_ingest(world->engine, RC_BYTES_LITERAL("large"),
                                      RC_BYTES_LITERAL("stream"), batch_id,
                                      rig_batch(arena, content), arena, on_done, flight, &rejects,
                                      NULL),
                     RC_OK);
}

/* Of about rows events: rows of 0 and of 1 may be none. */
static void
content_of(uint64_t seed, uint32_t rows, struct rig_content *content)
{
    do
        rig_content_make(seed++, rows, false, content);
    while (content->event_count < rows / 2 + 1);
}

static void
launch_large(struct world *world, uint64_t batch_id, uint32_t rows)
{
    static struct rig_content content;
    content_of(batch_id * 1000, rows, &content);
    rig_twin_apply(&world->large, &content);
    launch(world, batch_id, &content);
}

/* Sends batch 1, which is applied by somebody who then stays there. */
static void
hold(struct world *world)
{
    world->held = true;
    launch_large(world, 1, LARGE_ROWS);
    pthread_mutex_lock(&world->mutex);
    while (!world->holding)
        pthread_cond_wait(&world->changed, &world->mutex);
    pthread_mutex_unlock(&world->mutex);
}

static uint32_t
told(struct world *world)
{
    pthread_mutex_lock(&world->mutex);
    const uint32_t count = world->told;
    pthread_mutex_unlock(&world->mutex);
    return count;
}

static void
send_small(struct world *world, uint32_t rows)
{
    static struct rig_content content;
    const uint64_t id = ++world->small_sent;
    content_of(id * 777, rows, &content);
    rig_twin_apply(&world->small, &content);
    assert_int_equal(rig_ingest(world->engine, "small", "stream", id, &content, NULL), RC_OK);
}

static void
expect(struct world *world)
{
    rig_twin_expect(&world->large, world->engine, "large");
    rig_twin_expect(&world->small, world->engine, "small");
}

/* Small batches of another project, and its large ones, are applied while one waits; of the same
 * project nothing is, however small. */
static void
test_others_do_not_wait(void **state)
{
    struct world *world = *state;
    hold(world);
    for (uint64_t id = 2; id < 8; id++)
        launch_large(world, id, id % 2 == 0 ? 2 : LARGE_ROWS);
    static struct rig_content again;
    content_of(1000, LARGE_ROWS, &again);
    launch(world, 1, &again); /* The stream has it: said behind the others. */
    for (uint32_t i = 0; i < 10; i++)
        send_small(world, i % 3 == 0 ? LARGE_ROWS : 2);
    rig_twin_expect(&world->small, world->engine, "small");
    assert_int_equal(told(world), 0);
    let_go(world);
    rc_engine_settle(world->engine);
    assert_int_equal(world->told, 8);
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(world->told_ids[i], i + 1);
    assert_int_equal(world->told_ids[7], 1);
    expect(world);
}

/* A snapshot that is made while records wait does not count them as in it. */
static void
test_a_snapshot_leaves_none_out(void **state)
{
    struct world *world = *state;
    struct rc_snapshot_result before;
    struct rc_snapshot_result meanwhile;
    struct rc_snapshot_result after;
    send_small(world, 2);
    rc_engine_settle(world->engine);
    assert_int_equal(rc_engine_snapshot(world->engine, &before, NULL), RC_OK);
    hold(world);
    for (uint64_t id = 2; id < 8; id++)
        launch_large(world, id, id % 2 == 0 ? 2 : LARGE_ROWS);
    for (uint32_t i = 0; i < 5; i++)
        send_small(world, 2);
    assert_int_equal(rc_engine_snapshot(world->engine, &meanwhile, NULL), RC_OK);
    assert_int_equal(meanwhile.sequence, before.sequence + 1);
    let_go(world);
    rc_engine_settle(world->engine);
    expect(world);
    for (uint32_t i = 0; i < 2; i++) { /* From that snapshot, then from one of all. */
        world->engine = rc_engine_close(world->engine, false);
        start(world);
        expect(world);
        assert_int_equal(rc_engine_snapshot(world->engine, &after, NULL), RC_OK);
        assert_int_equal(after.sequence, before.sequence + 12);
    }
}

/* Heads are sealed while all who apply are held: they may be held until that is done. */
static void
test_sealing_does_not_wait(void **state)
{
    struct world *world = *state;
    struct rc_project_stats stats = {0};
    world->engine = rc_engine_close(world->engine, false);
    world->worker_count = 1;
    start(world);
    hold(world); /* More events than a head takes. */
    while (stats.slab_count == 0) {
        rc_clock_sleep_ns(1000000);
        assert_int_equal(
            rc_engine_project_stats(world->engine, RC_BYTES_LITERAL("large"), &stats, NULL), RC_OK);
    }
    assert_int_equal(told(world), 0);
    let_go(world);
    rc_engine_settle(world->engine);
    expect(world);
}

/* ---- a change of the project itself ---- */

static void *
delete_large(void *argument)
{
    struct world *world = argument;
    assert_int_equal(
        rc_engine_delete_project(world->engine, RC_BYTES_LITERAL("large"), UINT64_MAX, NULL, NULL),
        RC_OK);
    assert_int_equal(told(world), 3); /* Those before it in the log. */
    return NULL;
}

static void
test_a_deletion_waits(void **state)
{
    struct world *world = *state;
    pthread_t thread;
    hold(world);
    launch_large(world, 2, LARGE_ROWS);
    launch_large(world, 3, 2);
    assert_int_equal(pthread_create(&thread, NULL, delete_large, world), 0);
    let_go(world);
    pthread_join(thread, NULL);
    rig_twin_close(&world->large);
    rig_twin_open(&world->large);
    rig_create(world->engine, "large");
    expect(world);
    world->engine = rc_engine_close(world->engine, false);
    start(world);
    expect(world);
}

/* ---- a purge ---- */

static void *
purge(void *argument)
{
    struct world *world = argument;
    struct rc_purge_result purged;
    assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
    assert_int_equal(purged.projects, 1);
    return NULL;
}

/* The log's files that are to go hold records that wait: they are applied before. */
static void
test_a_purge_reaches_what_waits(void **state)
{
    struct world *world = *state;
    struct rc_user_deleted deleted;
    pthread_t thread;
    const struct people_batch zoe = {.user = "zoe", .text = "zoe@example.com", .event_count = 9};
    assert_int_equal(people_send(world->engine, "small", 1, &zoe), RC_OK);
    assert_int_equal(rc_engine_delete_user(world->engine, RC_BYTES_LITERAL("small"),
                                           RC_BYTES_LITERAL("zoe"), &deleted, NULL),
                     RC_OK);
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    hold(world);
    launch_large(world, 2, LARGE_ROWS);
    assert_int_equal(pthread_create(&thread, NULL, purge, world), 0);
    let_go(world);
    pthread_join(thread, NULL);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    rig_twin_expect(&world->large, world->engine, "large");
    world->engine = rc_engine_close(world->engine, false);
    start(world);
    rig_twin_expect(&world->large, world->engine, "large");
}

/* ---- without memory ---- */

/* A record that cannot wait for want of memory is applied all the same, in its order. */
static void
test_no_memory_to_wait(void **state)
{
    struct world *world = *state;
    hold(world);
    atomic_store(&syncs_wait, true);
    for (uint64_t id = 2; id < 6; id++)
        launch_large(world, id, LARGE_ROWS);
    rc_alloc_fail_at(1); /* Asked for next by the log's thread. */
    atomic_store(&syncs_wait, false);
    while (rc_alloc_count() == 0)
        rc_clock_sleep_ns(100000);
    let_go(world);
    rc_engine_settle(world->engine);
    rc_alloc_fail_at(0);
    assert_int_equal(world->told, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(world->told_ids[i], i + 1);
    expect(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_others_do_not_wait, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_snapshot_leaves_none_out, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_sealing_does_not_wait, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_deletion_waits, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_purge_reaches_what_waits, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_no_memory_to_wait, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
