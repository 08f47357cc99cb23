/*
 * Deletion of users: hidden at once and for good, whatever the layout, and out of every file after
 * a purge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/face/engine.h"
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
expect_counts(struct world *world, uint32_t events, uint32_t users, uint32_t known)
{
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == events);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, UINT32_MAX) == users);
    assert_int_equal(people_known(world->engine, "shop"), known);
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(world->engine, SHOP, &stats, NULL), RC_OK);
    assert_int_equal(stats.events, events);
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
    assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
    assert_int_equal(purged.projects, 1);
    assert_true(purged.slabs > 0);
    assert_false(people_grep(rc_disk_faulty_disk(world->disk), "zoe"));
    assert_true(people_grep(rc_disk_faulty_disk(world->disk), "ann@example.com"));
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hidden_at_once, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_an_id_that_comes_again_is_a_new_user, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_nothing_is_left_after_a_purge, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_a_restart_does_not_forget_the_purge, world_open,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
