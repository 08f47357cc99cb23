/*
 * Deletion of users: hidden at once and for good, whatever the layout, and out of every file after
 * a purge.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/face/engine.h"
#include "engine/face/engine_state.h"
#include "engine/face/upkeep.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"
#include "tests/face/people_rig.h"

#define SHOP RC_BYTES_LITERAL("shop")

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
        .wal_file_bytes = 1 << 16,
        .head_rows_max = 50,
        .window_rows_max = 60,
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(7);
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

static void
restart(struct world *world, bool snapshot)
{
    world->engine = rc_engine_close(world->engine, snapshot);
    world_start(world);
}

/* Events of a user, a property of the user, and a text that only they have. */
static void
send_user(struct world *world, const char *user, const char *text, uint32_t events)
{
    const struct people_batch batch = {
        .user = user, .text = text, .event_count = events, .first_id = world->batch_id * 1000};
    assert_int_equal(people_send(world->engine, "shop", ++world->batch_id, &batch), RC_OK);
}

static void
send_alias(struct world *world, const char *left, const char *right)
{
    const struct people_batch batch = {.user = left, .alias = right};
    assert_int_equal(people_send(world->engine, "shop", ++world->batch_id, &batch), RC_OK);
}

static enum rc_status
delete_user(struct world *world, const char *user, struct rc_user_deleted *ret_deleted)
{
    struct rc_error error = {0};
    return rc_engine_delete_user(world->engine, SHOP, rc_bytes_of(user), ret_deleted, &error);
}

static void
fail_of_check(void *context, enum rc_finding finding, const char *where, const char *what)
{
    (void)context;
    if (finding == RC_FINDING_PROBLEM)
        fail_msg("%s: %s", where, what);
}

static void
expect_sound(struct world *world)
{
    struct rc_check check = {.on_finding = fail_of_check};
    assert_int_equal(rc_engine_check(world->engine, SHOP, &check, NULL), RC_OK);
    assert_int_equal(check.counts.projects, 1);
}

static void
expect_counts(struct world *world, uint32_t events, uint32_t users, uint32_t known)
{
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == events);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, UINT32_MAX) == users);
    assert_int_equal(people_known(world->engine, "shop"), known);
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(world->engine, SHOP, &stats, NULL), RC_OK);
    assert_int_equal(stats.events, events);
    expect_sound(world);
}

static void
test_hidden_at_once(void **state)
{
    struct world *world = *state;
    struct rc_user_deleted deleted;
    send_user(world, "ann", "ann@example.com", 20);
    send_user(world, "zoe", "zoe@example.com", 70); /* Some in a slab, some in the head. */
    send_user(world, "zoe-phone", "zoe@phone.example", 10);
    send_user(world, "bob", "bob@example.com", 5);
    send_alias(world, "zoe", "zoe-phone");
    expect_counts(world, 105, 3, 3);
    assert_int_equal(delete_user(world, "nobody", &deleted), RC_NOT_FOUND);
    assert_int_equal(delete_user(world, "zoe-phone", &deleted), RC_OK);
    assert_int_equal(deleted.users, 2);
    assert_int_equal(deleted.events, 80);
    expect_counts(world, 25, 2, 2);
    assert_int_equal(delete_user(world, "zoe", &deleted), RC_NOT_FOUND);
    for (uint32_t round = 0; round < 4; round++) {
        restart(world, round % 2 == 0);
        expect_counts(world, 25, 2, 2);
        assert_int_equal(delete_user(world, "zoe", &deleted), RC_NOT_FOUND);
        if (round == 1)
            assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        expect_counts(world, 25, 2, 2);
    }
}

static void
test_an_id_that_comes_again_is_a_new_user(void **state)
{
    struct world *world = *state;
    struct rc_user_deleted deleted;
    send_user(world, "zoe", "old@example.com", 30);
    send_user(world, "zoe-phone", "phone@example.com", 30);
    send_alias(world, "zoe", "zoe-phone");
    assert_int_equal(delete_user(world, "zoe", &deleted), RC_OK);
    send_user(world, "zoe", "new@example.com", 3);
    expect_counts(world, 3, 1, 1);
    send_user(world, "zoe-phone", "phone@example.com", 2);
    expect_counts(world, 5, 2, 2); /* The alias is gone. */
    for (uint32_t round = 0; round < 3; round++) {
        restart(world, round == 1);
        expect_counts(world, 5, 2, 2);
    }
    assert_int_equal(delete_user(world, "zoe", &deleted), RC_OK);
    assert_int_equal(deleted.events, 3);
    expect_counts(world, 2, 1, 1);
}

static void
test_nothing_is_left_after_a_purge(void **state)
{
    struct world *world = *state;
    struct rc_user_deleted deleted;
    struct rc_snapshot_result snapshot;
    struct rc_purge_result purged;
    send_user(world, "ann", "ann@example.com", 60);
    send_user(world, "zoe", "zoe@example.com", 130);
    assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
    send_user(world, "zoe-phone", "zoe@phone.example", 10);
    send_alias(world, "zoe", "zoe-phone");
    send_user(world, "bob", "bob@example.com", 5);
    assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    assert_int_equal(delete_user(world, "zoe", &deleted), RC_OK);
    assert_true(people_remembered(world->engine, "shop", "zoe"));
    assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
    assert_int_equal(purged.projects, 1);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    assert_false(people_remembered(world->engine, "shop", "zoe"));
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "ann@example.com"));
    assert_true(people_remembered(world->engine, "shop", "ann@example.com"));
    expect_counts(world, 65, 2, 2);
    assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
    assert_int_equal(purged.projects, 0);
    restart(world, true);
    expect_counts(world, 65, 2, 2);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    send_user(world, "zoe", "zoe@example.com", 1);
    expect_counts(world, 66, 3, 3);
    restart(world, true);
    expect_counts(world, 66, 3, 3);
}

static void
test_when_a_purge_is_due(void **state)
{
    (void)state;
    const uint64_t day_ms = 86400000;
    assert_false(rc_purge_is_due(0, 1000, day_ms)); /* Nobody waits. */
    assert_false(rc_purge_is_due(1000000, 1000000 + (int64_t)day_ms / 2 - 1, day_ms));
    assert_true(rc_purge_is_due(1000000, 1000000 + (int64_t)day_ms / 2, day_ms));
    assert_false(rc_purge_is_due(1000000, 1000000 - 2000, day_ms)); /* A clock put right. */
    /* One that was a year ahead when the deletion came: not a year later. */
    assert_true(rc_purge_is_due(1000000 + 365 * (int64_t)day_ms, 1000000, day_ms));
    /* The keeper looks before the deadline, also the shortest. */
    static const uint64_t settings_ms[] = {86400000, 60000, 10000, 1000};
    for (size_t i = 0; i < sizeof(settings_ms) / sizeof(settings_ms[0]); i++)
        assert_true((uint64_t)rc_calendar_period_ms(settings_ms[i]) <= settings_ms[i] / 8);
}

/* A crash before the purge: the next start still knows that something is to be erased. */
static void
test_a_restart_does_not_forget_the_purge(void **state)
{
    struct world *world = *state;
    struct rc_user_deleted deleted;
    struct rc_purge_result purged;
    send_user(world, "ann", "ann@example.com", 60);
    send_user(world, "zoe", "zoe@example.com", 130);
    assert_int_equal(delete_user(world, "zoe", &deleted), RC_OK);
    restart(world, true);
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
    assert_int_equal(purged.projects, 1);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    expect_counts(world, 60, 1, 1);
}

/* Of a deleted project not even the directory stays. */
static void
test_a_deleted_project_leaves_nothing(void **state)
{
    struct world *world = *state;
    struct rc_snapshot_result snapshot;
    rig_create(world->engine, "market");
    const struct people_batch batch = {.user = "ann", .text = "ann@market", .event_count = 60};
    assert_int_equal(people_send(world->engine, "market", 1, &batch), RC_OK);
    assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "market@"));
    assert_int_equal(
        rc_engine_delete_project(world->engine, RC_BYTES_LITERAL("market"), UINT64_MAX, NULL, NULL),
        RC_OK);
    assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "market@"));
    restart(world, false);
    expect_counts(world, 0, 0, 0);
}

/* ---- The world fails ---- */

static void
expect_purge_told(struct rc_engine *engine, bool failed, bool waits)
{
    struct rc_engine_stats stats;
    rc_engine_get_stats(engine, &stats);
    assert_int_equal(stats.purge_failures, failed ? 1 : 0);
    assert_int_equal(stats.purge_error[0] != '\0', failed);
    assert_int_equal(stats.purge_due_ms != 0, waits);
}

/* A user is deleted and purged while the disk fails or loses power at the n-th call. Whatever
 * happened, a deletion that was acknowledged stands, the other user is whole, a purge that failed
 * is told, and a later one leaves nothing. */
static void
fail_once(uint64_t n, bool cut, bool *ret_more)
{
    struct world world = {.disk = rc_disk_faulty_new(n)};
    struct rc_user_deleted deleted;
    struct rc_purge_result purged;
    struct rc_snapshot_result snapshot;
    world_start(&world);
    rig_create(world.engine, "shop");
    send_user(&world, "ann", "ann@example.com", 60);
    send_user(&world, "zoe", "zoe@example.com", 90);
    assert_int_equal(rc_engine_snapshot(world.engine, &snapshot, NULL), RC_OK);
    if (cut)
        rc_disk_faulty_cut_at(world.disk, n);
    else
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
    const bool acknowledged = delete_user(&world, "zoe", &deleted) == RC_OK;
    const enum rc_status purge = rc_engine_purge(world.engine, &purged, NULL);
    if (acknowledged)
        expect_purge_told(world.engine, purge != RC_OK, purge != RC_OK);
    *ret_more = rc_disk_faulty_calls(world.disk) >= n;
    if (!cut)
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
    if (purge == RC_OK && acknowledged && !cut)
        assert_false(people_grep(rc_disk_faulty_disk(world.disk), "zoe"));
    if (acknowledged)
        assert_int_equal(people_events(world.engine, "shop", "zoe"), 0);
    world.engine = rc_engine_close(world.engine, false);
    rc_disk_faulty_cut_at(world.disk, 0);
    rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
    if (cut)
        rc_disk_faulty_reboot(world.disk);
    world_start(&world);
    const uint32_t left = people_events(world.engine, "shop", "zoe");
    assert_true(left == 0 || (left == 90 && !acknowledged));
    if (left > 0)
        assert_int_equal(delete_user(&world, "zoe", &deleted), RC_OK);
    assert_int_equal(rc_engine_purge(world.engine, &purged, NULL), RC_OK);
    expect_purge_told(world.engine, false, false);
    assert_false(people_grep(rc_disk_faulty_disk(world.disk), "zoe"));
    expect_counts(&world, 60, 1, 1);
    send_user(&world, "zoe", "zoe@example.com", 2);
    restart(&world, false);
    expect_counts(&world, 62, 2, 2);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

static void
test_any_call_may_fail(void **state)
{
    (void)state;
    for (uint32_t cut = 0; cut < 2; cut++) {
        uint64_t n = 0;
        for (bool more = true; more;)
            fail_once(++n, cut != 0, &more);
        print_message("%llu calls %s\n", (unsigned long long)n - 1, cut ? "cut off" : "failed");
        assert_true(n > 15);
    }
}

/* ---- Deletion and expiry beside ingestion, sealing and merging ---- */

#define THREADS 3u
#define USERS_EACH 4u
#define STEPS 150u
#define RETENTION_DAYS 36500u /* So that the clock itself finds nothing too old. */

struct churn {
    struct rc_engine *engine;
    uint32_t thread;
    uint64_t random;
    uint32_t events[USERS_EACH]; /* That must be there in the end. */
    uint32_t kept[USERS_EACH];   /* Of them, those behind the cut. */
};

static void
user_name(const struct churn *churn, uint32_t user, char name[32])
{
    (void)snprintf(name, 32, "user-%u-%u", churn->thread, user);
}

/* Half of the batches have ids; some lie before the cut that the test makes. */
static void
churn_send(struct churn *churn, uint32_t user, uint32_t step)
{
    char name[32];
    char stream[32];
    const uint32_t count = 1 + (uint32_t)(rig_random(&churn->random) % 40);
    const bool old = rig_random(&churn->random) % 4 == 0;
    user_name(churn, user, name);
    (void)snprintf(stream, sizeof(stream), "churn-%u", churn->thread);
    const struct people_batch batch = {
        .user = name,
        .text = "a text",
        .event_count = count,
        .first_id = rig_random(&churn->random) % 2 == 0 ? 0 : 1 + step * 1000,
        .start_ms = old ? RIG_START_MS - 100 * RIG_DAY_MS : RIG_START_MS,
        .stream = stream,
    };
    assert_int_equal(people_send(churn->engine, "shop", step, &batch), RC_OK);
    churn->events[user] += count;
    churn->kept[user] += old ? 0 : count;
}

static void *
churn_run(void *argument)
{
    struct churn *churn = argument;
    for (uint32_t step = 1; step <= STEPS; step++) {
        const uint32_t user = (uint32_t)(rig_random(&churn->random) % USERS_EACH);
        struct rc_user_deleted deleted = {0};
        char name[32];
        user_name(churn, user, name);
        if (rig_random(&churn->random) % 6 != 0) {
            churn_send(churn, user, step);
            continue;
        }
        const enum rc_status status =
            rc_engine_delete_user(churn->engine, SHOP, rc_bytes_of(name), &deleted, NULL);
        assert_int_equal(status, churn->events[user] == 0 ? RC_NOT_FOUND : RC_OK);
        assert_int_equal(deleted.events, churn->events[user]);
        churn->events[user] = 0;
        churn->kept[user] = 0;
    }
    return NULL;
}

static void
churn_expect(struct world *world, const struct churn *churns, bool cut)
{
    uint32_t events = 0;
    uint32_t users = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        for (uint32_t user = 0; user < USERS_EACH; user++) {
            char name[32];
            user_name(&churns[i], user, name);
            const uint32_t expected = cut ? churns[i].kept[user] : churns[i].events[user];
            assert_int_equal(people_events(world->engine, "shop", name), expected);
            events += expected;
            users += expected > 0;
        }
    }
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == events);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, UINT32_MAX) == users);
}

static void
test_beside_everything_else(void **state)
{
    struct world *world = *state;
    struct churn churns[THREADS];
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        churns[i] = (struct churn){.engine = world->engine, .thread = i, .random = 99 + i};
        assert_int_equal(pthread_create(&threads[i], NULL, churn_run, &churns[i]), 0);
    }
    struct rc_purge_result purged;
    struct rc_snapshot_result snapshot;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
        assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        expect_sound(world);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    churn_expect(world, churns, false);
    restart(world, false);
    churn_expect(world, churns, false);
    people_keep(world->engine, "shop", RETENTION_DAYS);
    const int64_t now_ms = RIG_START_MS + (RETENTION_DAYS - 50) * RIG_DAY_MS;
    assert_int_equal(rc_engine_expire(world->engine, now_ms, NULL), RC_OK);
    churn_expect(world, churns, true);
    restart(world, true);
    churn_expect(world, churns, true);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    restart(world, false);
    churn_expect(world, churns, true);
}

/* A cut while heads are sealed and slabs merged: rows without an id cannot be found one by one. */
static void
test_a_cut_beside_everything_else(void **state)
{
    struct world *world = *state;
    people_keep(world->engine, "shop", RETENTION_DAYS);
    const int64_t start_ms = RIG_START_MS;
    uint32_t sent = 0;
    for (uint32_t i = 0; i < 60; i++) {
        const struct people_batch batch = {.user = i % 2 == 0 ? "ann" : "bob",
                                           .event_count = 70,
                                           .start_ms = start_ms,
                                           .step_ms = RIG_DAY_MS / 2};
        assert_int_equal(people_send(world->engine, "shop", ++world->batch_id, &batch), RC_OK);
        sent++;
        const int64_t cut_ms = start_ms + i * RIG_DAY_MS / 2;
        const int64_t now_ms = cut_ms + RETENTION_DAYS * RIG_DAY_MS;
        assert_int_equal(rc_engine_expire(world->engine, now_ms, NULL), RC_OK);
        /* Of each batch the first i events are old, but for what the whole hour adds. */
        const int64_t over_ms = cut_ms % 3600000;
        const uint32_t old =
            over_ms == 0
                ? i
                : (uint32_t)((cut_ms - over_ms - start_ms + RIG_DAY_MS / 2 - 1) / (RIG_DAY_MS / 2));
        const double expected = sent * (70.0 - (i == 0 ? 0 : old));
        assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == expected);
    }
    restart(world, false);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == sent * 11.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hidden_at_once, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_an_id_that_comes_again_is_a_new_user, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_nothing_is_left_after_a_purge, world_open,
                                        world_close),
        cmocka_unit_test(test_when_a_purge_is_due),
        cmocka_unit_test_setup_teardown(test_a_restart_does_not_forget_the_purge, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_a_deleted_project_leaves_nothing, world_open,
                                        world_close),
        cmocka_unit_test(test_any_call_may_fail),
        cmocka_unit_test_setup_teardown(test_beside_everything_else, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_cut_beside_everything_else, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
