/*
 * Backup and restore: a backup that is made while batches come in holds exactly what a start of it
 * shows, and goes on as a data directory of its own; damage is refused before anything is made; and
 * each fails at every call of the disk, loses its power at every one, and lacks memory everywhere.
 */
#include <inttypes.h>
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

#include "engine/face/upkeep.h"
#include "engine/keep/backup_list.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/one_stream.h"

#define BACKUP "/backup"
#define RESTORED "/restored"

static enum rc_status
back_up(struct one_stream *world, bool copy, struct rc_backup *backup, struct rc_error *error)
{
    const struct rc_backup_options options = {.directory = BACKUP, .copy = copy};
    struct rc_snapshot_result snapshot;
    return rc_engine_backup(world->engine, &options, backup, &snapshot, error);
}

static void
back_up_well(struct one_stream *world, bool copy, struct rc_backup *backup)
{
    struct rc_error error = {0};
    if (back_up(world, copy, backup, &error) != RC_OK)
        fail_msg("backup: %s", error.message);
}

static enum rc_status
restore(struct one_stream *world, struct rc_error *error)
{
    struct rc_backup restored;
    return rc_engine_restore_backup(rc_disk_faulty_disk(world->disk), BACKUP, RESTORED, &restored,
                                    error);
}

static void
restore_well(struct one_stream *world)
{
    struct rc_error error = {0};
    if (restore(world, &error) != RC_OK)
        fail_msg("restore: %s", error.message);
}

static enum rc_status
start_restored(struct one_stream *world, struct rc_error *error)
{
    struct rc_engine_options options = one_options(world);
    options.directory = RESTORED;
    return rc_engine_open(&options, &world->engine, error);
}

/* Starts what was restored, looks at it and lives on in it. Returns the position it had. */
static uint64_t
live_on_restored(struct one_stream *world)
{
    struct rc_error error = {0};
    atomic_store(&world->acknowledged, 0);
    if (start_restored(world, &error) != RC_OK)
        fail_msg("open what was restored: %s", error.message);
    const uint64_t position = one_position(world);
    one_expect(world);
    atomic_store(&world->acknowledged, position);
    one_send_well(world, 3);
    world->engine = rc_engine_close(world->engine, false);
    assert_int_equal(start_restored(world, &error), RC_OK);
    one_expect(world);
    world->engine = rc_engine_close(world->engine, true);
    return position;
}

static void
build(struct one_stream *world, uint64_t seed)
{
    *world = (struct one_stream){.disk = rc_disk_faulty_new(seed)};
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, 8);
}

/* ---- under load ---- */

struct sender {
    struct one_stream *world;
    _Atomic(bool) stop;
};

static void *
send_batches(void *argument)
{
    struct sender *sender = argument;
    while (!atomic_load(&sender->stop))
        one_send_well(sender->world, 1);
    return NULL;
}

static void
test_a_backup_under_load(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 6; round++) {
        struct one_stream world;
        struct sender sender = {.world = &world};
        struct rc_backup backup;
        pthread_t thread;
        build(&world, round);
        rig_create(world.engine, "other"); /* Captured at another record. */
        const uint64_t before = atomic_load(&world.acknowledged);
        assert_int_equal(pthread_create(&thread, NULL, send_batches, &sender), 0);
        while (atomic_load(&world.acknowledged) < before + 3)
            sched_yield();
        back_up_well(&world, round % 2 == 0, &backup);
        const uint64_t after = atomic_load(&world.acknowledged);
        while (atomic_load(&world.acknowledged) < after + 3)
            sched_yield();
        atomic_store(&sender.stop, true);
        pthread_join(thread, NULL);
        assert_true(backup.files >= 3 && backup.bytes > 0);
        assert_true(round % 2 == 1 || backup.copied == backup.bytes);
        assert_true(round % 2 == 0 || backup.copied < backup.bytes);
        one_expect(&world);
        world.engine = rc_engine_close(world.engine, true);
        restore_well(&world);
        const uint64_t position = live_on_restored(&world);
        assert_true(position >= before + 3 && position <= after + 1);
        assert_true(backup.position >= before && backup.position <= position + 3);
        rc_disk_faulty_free(world.disk);
    }
}

/* ---- what is refused ---- */

static void
test_what_is_refused(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_backup backup;
    struct rc_error error = {0};
    build(&world, 1);
    assert_int_equal(restore(&world, &error), RC_NOT_FOUND); /* There is no backup. */
    back_up_well(&world, false, &backup);
    assert_int_equal(back_up(&world, false, &backup, &error), RC_EXISTS);
    assert_non_null(strstr(error.message, BACKUP));
    struct rc_backup restored;
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    assert_int_equal(rc_engine_restore_backup(disk, BACKUP, "/data", &restored, &error), RC_EXISTS);
    assert_non_null(strstr(error.message, "not empty"));
    one_send_well(&world, 2); /* It goes on. */
    world.engine = rc_engine_close(world.engine, true);
    restore_well(&world);
    assert_int_equal(restore(&world, &error), RC_EXISTS);
    live_on_restored(&world);
    rc_disk_faulty_free(world.disk);
}

/* A directory in which somebody keeps something is neither written into nor cleared. */
static void
test_what_others_keep_stays(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_backup backup;
    struct rc_error error = {0};
    size_t size = 0;
    build(&world, 4);
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    assert_int_equal(rc_disk_make_dir(disk, BACKUP, NULL), RC_OK);
    assert_int_equal(rc_disk_replace_file(disk, BACKUP "/letters", "dear", 4, NULL), RC_OK);
    assert_int_equal(back_up(&world, false, &backup, &error), RC_EXISTS);
    assert_non_null(strstr(error.message, "not empty"));
    const unsigned char *letters = rc_disk_faulty_peek(world.disk, BACKUP "/letters", &size);
    assert_true(letters != NULL && size == 4 && memcmp(letters, "dear", 4) == 0);
    assert_int_equal(rc_disk_remove(disk, BACKUP "/letters", NULL), RC_OK);
    back_up_well(&world, false, &backup);
    world.engine = rc_engine_close(world.engine, true);
    restore_well(&world);
    live_on_restored(&world);
    rc_disk_faulty_free(world.disk);
}

static enum rc_status
fail_on_name(void *context, const char *name)
{
    (void)context;
    fail_msg("%s was made", name);
    return RC_OK;
}

/* Every file of the backup is damaged in turn: the restore names it and makes nothing. */
static void
test_a_damaged_backup(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_backup backup;
    RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
    build(&world, 2);
    back_up_well(&world, true, &backup);
    world.engine = rc_engine_close(world.engine, true);
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    assert_int_equal(rc_backup_list_read(disk, BACKUP, &list, NULL), RC_OK);
    assert_int_equal(list.count, backup.files);
    uint64_t random = 2;
    for (size_t i = 0; i <= list.count; i++) {
        const char *name = i < list.count ? list.files[i].path : RC_BACKUP_LIST_NAME;
        char path[300];
        size_t size = 0;
        (void)snprintf(path, sizeof(path), BACKUP "/%s", name);
        (void)rc_disk_faulty_peek(world.disk, path, &size);
        struct rc_error error = {0};
        const uint64_t offset = rig_random(&random) % size;
        const uint8_t mask = (uint8_t)(1u << (rig_random(&random) % 8));
        rc_disk_faulty_flip(world.disk, path, offset, mask);
        const enum rc_status status = restore(&world, &error);
        if (status == RC_OK || (i < list.count && status != RC_CORRUPT))
            fail_msg("%s: a flipped bit at %" PRIu64 ": status %d", path, offset, (int)status);
        assert_true(i == list.count || strstr(error.message, name) != NULL);
        struct rc_backup restored;
        assert_int_equal(rc_engine_restore_backup(disk, BACKUP, "/none", &restored, NULL), status);
        assert_int_equal(rc_disk_list(disk, "/none", fail_on_name, NULL, NULL), RC_NOT_FOUND);
        rc_disk_faulty_flip(world.disk, path, offset, mask);
    }
    rc_disk_faulty_free(world.disk);
}

/* ---- faults ---- */

static void
fail_backup(bool cut)
{
    uint64_t n = 1;
    for (bool more = true; more; n += test_stride()) {
        struct one_stream world;
        struct rc_backup backup;
        struct rc_error error = {0};
        build(&world, n);
        if (cut)
            rc_disk_faulty_cut_at(world.disk, n);
        else
            rc_disk_faulty_fail_at(world.disk, n, n % 2 == 0 ? RC_IO : RC_NO_SPACE);
        const enum rc_status status = back_up(&world, n / 2 % 2 == 0, &backup, &error);
        more = cut ? rc_disk_faulty_is_cut(world.disk) : rc_disk_faulty_calls(world.disk) >= n;
        assert_true(status == RC_OK || error.message[0] != '\0');
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        rc_disk_faulty_cut_at(world.disk, 0);
        if (cut) {
            world.engine = rc_engine_close(world.engine, false);
            rc_disk_faulty_reboot(world.disk);
            one_start_well(&world);
        }
        one_expect(&world);
        const enum rc_status half = restore(&world, &error);
        if (status == RC_OK)
            assert_int_equal(half, RC_OK); /* What was reported as done stands. */
        if (half != RC_OK && back_up(&world, false, &backup, &error) != RC_OK)
            fail_msg("call %" PRIu64 ": the next backup: %s", n, error.message);
        one_send_well(&world, 2);
        one_expect(&world);
        world.engine = rc_engine_close(world.engine, true);
        if (half != RC_OK)
            restore_well(&world);
        assert_int_equal(live_on_restored(&world), 8);
        rc_disk_faulty_free(world.disk);
    }
    print_message("%" PRIu64 " calls failed\n", n - 1);
    assert_true(n > 30);
}

static void
test_any_call_of_a_backup_may_fail(void **state)
{
    (void)state;
    fail_backup(false);
}

static void
test_the_power_may_go_at_any_call_of_a_backup(void **state)
{
    (void)state;
    fail_backup(true);
}

static void
fail_restore(bool cut)
{
    uint64_t n = 1;
    for (bool more = true; more; n += test_stride()) {
        struct one_stream world;
        struct rc_backup backup;
        struct rc_error error = {0};
        build(&world, n);
        back_up_well(&world, true, &backup);
        world.engine = rc_engine_close(world.engine, true);
        if (cut)
            rc_disk_faulty_cut_at(world.disk, n);
        else
            rc_disk_faulty_fail_at(world.disk, n, n % 2 == 0 ? RC_IO : RC_NO_SPACE);
        const enum rc_status status = restore(&world, &error);
        more = cut ? rc_disk_faulty_is_cut(world.disk) : rc_disk_faulty_calls(world.disk) >= n;
        assert_true(status == RC_OK || error.message[0] != '\0');
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        rc_disk_faulty_cut_at(world.disk, 0);
        if (cut)
            rc_disk_faulty_reboot(world.disk);
        /* All of it is there, or it cannot be mistaken for a directory that is in order. */
        if (status != RC_OK && restore(&world, &error) == RC_EXISTS)
            assert_non_null(strstr(error.message, "not empty"));
        assert_int_equal(live_on_restored(&world), 8);
        rc_disk_faulty_free(world.disk);
    }
    print_message("%" PRIu64 " calls failed\n", n - 1);
    assert_true(n > 30);
}

static void
test_any_call_of_a_restore_may_fail(void **state)
{
    (void)state;
    fail_restore(false);
}

static void
test_the_power_may_go_at_any_call_of_a_restore(void **state)
{
    (void)state;
    fail_restore(true);
}

/* What an interrupted restore left is not opened. */
static void
test_a_half_restored_directory_is_not_opened(void **state)
{
    (void)state;
    uint32_t refused = 0;
    for (uint64_t n = 12;; n += 5) {
        struct one_stream world;
        struct rc_backup backup;
        struct rc_error error = {0};
        build(&world, n);
        back_up_well(&world, true, &backup);
        world.engine = rc_engine_close(world.engine, true);
        rc_disk_faulty_cut_at(world.disk, n);
        const enum rc_status status = restore(&world, &error);
        rc_disk_faulty_cut_at(world.disk, 0);
        rc_disk_faulty_reboot(world.disk);
        const enum rc_status started = start_restored(&world, &error);
        if (started == RC_OK && status != RC_OK) {
            /* Before it began, or when it was done but for the last word. */
            double value = 0;
            const enum rc_status has =
                rig_try_measure(world.engine, "shop", RC_MEASURE_COUNT, UINT32_MAX, &value);
            assert_true(has == RC_NOT_FOUND || value > 0);
        }
        if (started != RC_OK) {
            assert_non_null(strstr(error.message, "restore again"));
            refused++;
        }
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        if (status == RC_OK)
            break;
    }
    assert_true(refused > 3);
}

static void
test_no_memory(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_backup backup;
    build(&world, 1);
    rc_engine_settle(world.engine);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = back_up(&world, false, &backup, NULL);
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            break;
        assert_int_equal(status, RC_NO_MEMORY);
    }
    one_expect(&world);
    world.engine = rc_engine_close(world.engine, true);
    for (uint64_t n = 1;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = restore(&world, NULL);
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            break;
        assert_int_equal(status, RC_NO_MEMORY);
    }
    assert_int_equal(live_on_restored(&world), 8);
    rc_disk_faulty_free(world.disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_backup_under_load),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_what_others_keep_stays),
        cmocka_unit_test(test_a_damaged_backup),
        cmocka_unit_test(test_any_call_of_a_backup_may_fail),
        cmocka_unit_test(test_the_power_may_go_at_any_call_of_a_backup),
        cmocka_unit_test(test_any_call_of_a_restore_may_fail),
        cmocka_unit_test(test_the_power_may_go_at_any_call_of_a_restore),
        cmocka_unit_test(test_a_half_restored_directory_is_not_opened),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
