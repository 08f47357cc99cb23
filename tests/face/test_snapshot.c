/*
 * Snapshots write what changed: a project that took nothing since its state was written keeps that
 * file, and a start finds it as it was, whatever happened to the snapshots in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/face/one_stream.h"

#define PROJECTS 5u
#define ROWS_MAX 40u

struct shop {
    char id[16];
    struct rig_twin twin;
    uint64_t batches;
};

struct market {
    struct one_stream world;
    struct shop shops[PROJECTS];
};

static struct rc_snapshot_result
snapshot(struct market *market)
{
    struct rc_snapshot_result result;
    assert_int_equal(rc_engine_snapshot(market->world.engine, &result, NULL), RC_OK);
    return result;
}

static void
send(struct market *market, uint32_t index)
{
    static struct rig_content content;
    struct shop *shop = &market->shops[index];
    rig_content_make(shop->batches * PROJECTS + index, ROWS_MAX, true, &content);
    assert_int_equal(
        rig_ingest(market->world.engine, shop->id, "stream", ++shop->batches, &content, NULL),
        RC_OK);
    rig_twin_apply(&shop->twin, &content);
}

static void
expect_all(struct market *market)
{
    for (uint32_t i = 0; i < PROJECTS; i++)
        rig_twin_expect(&market->shops[i].twin, market->world.engine, market->shops[i].id);
}

static void
open_market(struct market *market, uint64_t seed)
{
    *market = (struct market){.world = {.disk = rc_disk_faulty_new(seed)}};
    one_start_well(&market->world);
    for (uint32_t i = 0; i < PROJECTS; i++) {
        (void)snprintf(market->shops[i].id, sizeof(market->shops[i].id), "shop%u", i);
        rig_twin_open(&market->shops[i].twin);
        rig_create(market->world.engine, market->shops[i].id);
        send(market, i);
    }
    rc_engine_settle(market->world.engine);
}

static void
close_market(struct market *market)
{
    rc_engine_close(market->world.engine, false);
    for (uint32_t i = 0; i < PROJECTS; i++)
        rig_twin_close(&market->shops[i].twin);
    rc_disk_faulty_free(market->world.disk);
}

static void
restart(struct market *market, bool with_snapshot)
{
    market->world.engine = rc_engine_close(market->world.engine, with_snapshot);
    one_start_well(&market->world);
}

/* Each kind of change, and what is none. */
static void
test_only_what_changed_is_written(void **state)
{
    (void)state;
    struct market market;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    open_market(&market, 1);
    assert_int_equal(snapshot(&market).states_written, PROJECTS);
    struct rc_snapshot_result result = snapshot(&market);
    assert_int_equal(result.states_written + result.slabs_written + result.bytes_written, 0);
    send(&market, 3);
    assert_int_equal(snapshot(&market).states_written, 1);
    assert_int_equal(rig_define(market.world.engine, "shop1", "name", 1, 0, NULL), RC_OK);
    assert_int_equal(snapshot(&market).states_written, 1);
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop2"), .week_start = 3};
    struct rc_project_settings made;
    assert_int_equal(
        rc_engine_put_project(market.world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    assert_int_equal(snapshot(&market).states_written, 1);
    expect_all(&market);
    assert_int_equal(snapshot(&market).states_written, 0);
    /* A start is no change; what it may find to merge is done before. */
    assert_int_equal(rc_engine_compact(market.world.engine, NULL), RC_OK);
    restart(&market, true);
    expect_all(&market);
    assert_int_equal(snapshot(&market).states_written, 0);
    restart(&market, false);
    send(&market, 0);
    assert_int_equal(snapshot(&market).states_written, 1);
    /* One that is deleted and made anew is another. */
    assert_int_equal(rc_engine_delete_project(market.world.engine, RC_BYTES_LITERAL("shop4"),
                                              UINT64_MAX, NULL, NULL),
                     RC_OK);
    assert_int_equal(snapshot(&market).states_written, 0);
    rig_twin_close(&market.shops[4].twin);
    rig_twin_open(&market.shops[4].twin);
    market.shops[4].batches = 0;
    rig_create(market.world.engine, "shop4");
    send(&market, 4);
    assert_int_equal(snapshot(&market).states_written, 1);
    restart(&market, false);
    expect_all(&market);
    close_market(&market);
}

/* Slabs that go to disk only are the same data. */
static void
test_cooling_is_no_change(void **state)
{
    (void)state;
    struct market market;
    open_market(&market, 1);
    market.world.cold_after_ms = 1;
    market.world.cold_bytes_max = 1;
    restart(&market, false);
    assert_int_equal(rc_engine_compact(market.world.engine, NULL), RC_OK);
    assert_int_equal(snapshot(&market).states_written, PROJECTS);
    struct rc_engine_stats stats;
    rc_engine_get_stats(market.world.engine, &stats);
    assert_true(stats.cold_slabs > 0);
    assert_int_equal(snapshot(&market).states_written, 0);
    expect_all(&market);
    close_market(&market);
}

/* Batches for some, snapshots that fail at any call, power cuts, starts. */
static void
test_whatever_fails(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 12; round++) {
        struct market market;
        uint64_t random = round + 77;
        open_market(&market, round);
        for (uint32_t step = 0; step < 60; step++) {
            struct rc_snapshot_result result;
            const uint64_t what = rig_random(&random) % 8;
            if (what < 3)
                send(&market, (uint32_t)(rig_random(&random) % PROJECTS));
            else if (what < 5)
                (void)snapshot(&market);
            else if (what == 5)
                restart(&market, rig_random(&random) % 2 == 0);
            if (what < 6)
                continue;
            if (what == 6)
                rc_disk_faulty_fail_at(market.world.disk, 1 + rig_random(&random) % 40, RC_IO);
            else
                rc_disk_faulty_cut_at(market.world.disk, 1 + rig_random(&random) % 40);
            const enum rc_status failed = rc_engine_snapshot(market.world.engine, &result, NULL);
            (void)failed;
            rc_disk_faulty_fail_at(market.world.disk, 0, RC_OK);
            if (what == 7) {
                market.world.engine = rc_engine_close(market.world.engine, false);
                rc_disk_faulty_cut_at(market.world.disk, 0);
                rc_disk_faulty_reboot(market.world.disk);
                one_start_well(&market.world);
            }
            if (step % 4 == 0)
                expect_all(&market);
        }
        expect_all(&market);
        restart(&market, true);
        expect_all(&market);
        close_market(&market);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_changed_is_written),
        cmocka_unit_test(test_cooling_is_no_change),
        cmocka_unit_test(test_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
