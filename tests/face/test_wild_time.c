/*
 * Wild time: events a month apart over centuries, in reverse, in one millisecond, a head that spans
 * thousands of windows. The answers are exact; what a row costs is printed, so that one can see
 * that it does not grow with the number of rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/engine.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"
#include "tests/face/people_rig.h"

#define SHOP RC_BYTES_LITERAL("shop")
#define BATCH_ROWS 4096u

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    uint64_t batch_id;
};

static void
world_start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(3);
    world_start(world);
    rig_create(world->engine, "shop");
    *state = world;
    return 0;
}

static int
world_close(void **state)
{
    struct world *world = *state;
    rc_engine_close(world->engine, false);
    rc_disk_faulty_free(world->disk);
    free(world);
    return 0;
}

/* Sends rows of which each is step_ms behind the one before. */
static void
send_steps(struct world *world, const char *user, uint32_t rows, int64_t start_ms, int64_t step_ms)
{
    for (uint32_t done = 0; done < rows; done += BATCH_ROWS) {
        const struct people_batch batch = {
            .user = user,
            .event_count = rows - done < BATCH_ROWS ? rows - done : BATCH_ROWS,
            .first_id = 1 + done,
            .start_ms = start_ms + done * step_ms,
            .step_ms = step_ms,
        };
        assert_int_equal(people_send(world->engine, "shop", ++world->batch_id, &batch), RC_OK);
    }
}

static void
expect_events(struct world *world, uint64_t events)
{
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(world->engine, SHOP, &stats, NULL), RC_OK);
    assert_int_equal(stats.events, events);
}

static void
test_years_apart_both_ways(void **state)
{
    struct world *world = *state;
    const int64_t month_ms = 30 * RIG_DAY_MS;
    /* 6,000 months before 2023, up and down: every window has one row of each user. */
    const int64_t first_ms = RIG_START_MS - 6000 * month_ms;
    struct rc_snapshot_result snapshot;
    send_steps(world, "up", 6000, first_ms, month_ms);
    send_steps(world, "down", 6000, RIG_START_MS, -month_ms);
    expect_events(world, 12000);
    assert_int_equal(people_events(world->engine, "shop", "down"), 6000);
    assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    expect_events(world, 12000);
    assert_int_equal(people_events(world->engine, "shop", "up"), 6000);
    send_steps(world, "up", 6000, first_ms, month_ms); /* Again: nothing changes. */
    expect_events(world, 12000);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    world->engine = rc_engine_close(world->engine, true);
    world_start(world);
    expect_events(world, 12000);
    assert_int_equal(people_events(world->engine, "shop", "up"), 6000);
}

/* Twice the rows over twice the windows should cost about twice as much. */
static void
test_what_windows_cost(void **state)
{
    struct world *world = *state;
    const uint32_t sizes[] = {4000, 8000, 16000};
    uint64_t events = 0;
    for (uint32_t i = 0; i < 3; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user-%u", i);
        const int64_t first_ms = RIG_START_MS - (int64_t)sizes[i] * RC_WINDOW_MS;
        send_steps(world, user, sizes[i], first_ms, RC_WINDOW_MS);
        events += sizes[i];
        const uint64_t begun_ns = rc_clock_monotonic_ns();
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        print_message("%u rows in as many windows: %.1f us a row to seal and merge\n", sizes[i],
                      (double)(rc_clock_monotonic_ns() - begun_ns) / sizes[i] / 1e3);
        expect_events(world, events);
    }
}

static void
test_one_millisecond(void **state)
{
    struct world *world = *state;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 50; i++) {
            const struct people_batch batch = {.user = "bot",
                                               .event_count = BATCH_ROWS,
                                               .first_id = 1 + i * BATCH_ROWS,
                                               .same_time = true};
            assert_int_equal(people_send(world->engine, "shop", ++world->batch_id, &batch), RC_OK);
        }
        expect_events(world, 50 * BATCH_ROWS);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        expect_events(world, 50 * BATCH_ROWS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_years_apart_both_ways, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_what_windows_cost, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_one_millisecond, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
