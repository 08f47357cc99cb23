/*
 * Damage to a log: bits flipped at seeded random places. What had been synced stops the start, with
 * an error that names the file and what would be lost; a repair without leave changes nothing; one
 * with leave keeps exactly what came before, and the directory is a sound one afterwards. Then the
 * repair itself fails at every call of the disk, and loses its power at every one.
 *
 * RC_REPAIR_ROUNDS and RC_REPAIR_SEED choose how many rounds and which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/durable/wal_format.h"
#include "engine/face/upkeep.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/one_stream.h"

#define ROUNDS 150u
#define FILES_MAX 64u

struct files {
    struct rc_disk_faulty *disk;
    size_t count;
    char paths[FILES_MAX][96];
};

static enum rc_status
note_live(void *context, const char *name)
{
    struct files *files = context;
    bool spare = false;
    uint64_t number = 0;
    if (!rc_wal_name_parse(name, &spare, &number) || spare)
        return RC_OK;
    assert_true(files->count < FILES_MAX);
    (void)snprintf(files->paths[files->count++], sizeof(files->paths[0]), "/data/wal/%s", name);
    return RC_OK;
}

static void
list_live(struct one_stream *world, struct files *files)
{
    files->count = 0;
    assert_int_equal(
        rc_disk_list(rc_disk_faulty_disk(world->disk), "/data/wal", note_live, files, NULL), RC_OK);
}

/* A log of several files, part of it in a snapshot now and then, closed in order: every record of
 * it was synced. */
static void
build(struct one_stream *world, uint64_t seed)
{
    uint64_t random = seed;
    struct rc_snapshot_result result;
    *world = (struct one_stream){.disk = rc_disk_faulty_new(seed)};
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, 3 + (uint32_t)(rig_random(&random) % 12));
    if (rig_random(&random) % 3 != 0)
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
    one_send_well(world, 3 + (uint32_t)(rig_random(&random) % 25));
    world->engine = rc_engine_close(world->engine, false);
}

static void
try_repair(struct one_stream *world,
           bool carry_out,
           struct rc_arena *arena,
           struct rc_repair_report *report)
{
    struct rc_error error = {0};
    const struct rc_engine_options options = one_options(world);
    if (rc_engine_repair(&options, carry_out, arena, report, &error) != RC_OK)
        fail_msg("repair: %s", error.message);
}

/* Starts a repaired directory, looks at it, adds to it and starts it once more. */
static void
live_on(struct one_stream *world, uint64_t position)
{
    atomic_store(&world->acknowledged, position);
    one_start_well(world);
    assert_int_equal(one_position(world), position);
    one_expect(world);
    one_send_well(world, 4);
    world->engine = rc_engine_close(world->engine, false);
    one_start_well(world);
    one_expect(world);
    assert_int_equal(one_position(world), position + 4);
    world->engine = rc_engine_close(world->engine, true);
}

/* Whether a file with this name part is in the log's directory. */
static enum rc_status
note_aside(void *context, const char *name)
{
    uint32_t *count = context;
    *count += strncmp(name, "damaged-", 8) == 0;
    return RC_OK;
}

static uint32_t
aside_count(struct one_stream *world)
{
    uint32_t count = 0;
    assert_int_equal(
        rc_disk_list(rc_disk_faulty_disk(world->disk), "/data/wal", note_aside, &count, NULL),
        RC_OK);
    return count;
}

/* Flips a bit somewhere in the log. Returns whether the start is stopped by it. */
static bool
damage_and_repair(uint64_t seed)
{
    struct one_stream world;
    static struct files files;
    build(&world, seed);
    list_live(&world, &files);
    uint64_t random = seed ^ 0x5eed;
    const char *path = files.paths[rig_random(&random) % files.count];
    size_t size = 0;
    (void)rc_disk_faulty_peek(world.disk, path, &size);
    const uint64_t offset =
        rig_random(&random) % 8 == 0 ? rig_random(&random) % 40 : rig_random(&random) % size;
    rc_disk_faulty_flip(world.disk, path, offset, (uint8_t)(1u << (rig_random(&random) % 8)));

    struct rc_error error = {0};
    const enum rc_status status = one_start(&world, &error);
    if (status == RC_OK) { /* It hit what no record uses. */
        one_expect(&world);
        assert_int_equal(one_position(&world), world.sent);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
        return false;
    }
    assert_int_equal(status, RC_CORRUPT);
    assert_non_null(strstr(error.message, "wal-"));
    assert_non_null(strstr(error.message, "recountd --repair"));

    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_repair_report tried;
    struct rc_repair_report done;
    try_repair(&world, false, arena, &tried);
    assert_true(tried.damaged && !tried.repaired);
    assert_int_equal(one_start(&world, &error), RC_CORRUPT);
    try_repair(&world, true, arena, &done);
    assert_true(done.damaged && done.repaired);
    assert_int_equal(done.records_lost, tried.records_lost);
    assert_int_equal(done.records_kept, tried.records_kept);
    assert_string_equal(done.file, tried.file);
    assert_non_null(strstr(path, done.file)); /* The damage is in the file that was damaged, */
    assert_true(done.offset <= offset);       /* at the record that was hit or before it. */
    assert_int_equal(aside_count(&world), files.count);
    /* A record of the log made the project, each other one is a batch. */
    uint64_t batches = 0;
    uint64_t changes = 0;
    for (uint32_t i = 0; i < done.loss_count; i++) {
        batches += done.losses[i].batches;
        changes += done.losses[i].changes;
    }
    assert_int_equal(batches + changes + done.records_unreadable, done.records_lost);
    if (done.records_lost > world.sent) { /* Even the project is lost. */
        one_start_well(&world);
        assert_int_equal(one_create(&world), RC_OK);
        world.engine = rc_engine_close(world.engine, false);
        live_on(&world, 0);
    } else {
        live_on(&world, world.sent - done.records_lost);
    }
    try_repair(&world, true, arena, &done);
    assert_false(done.damaged);
    rc_disk_faulty_free(world.disk);
    return true;
}

static void
test_flipped_bits(void **state)
{
    (void)state;
    const uint64_t rounds = test_number("RC_REPAIR_ROUNDS", test_rounds(ROUNDS));
    const uint64_t seed = test_number("RC_REPAIR_SEED", 1);
    uint64_t stopped = 0;
    for (uint64_t i = 0; i < rounds; i++)
        stopped += damage_and_repair(seed + i);
    print_message("seeds %llu to %llu, %llu of them stopped the start\n", (unsigned long long)seed,
                  (unsigned long long)(seed + rounds - 1), (unsigned long long)stopped);
    assert_true(stopped > rounds / 4);
}

/* The newest file that holds records: behind it may be one that is only ready to. */
static const char *
newest_in_use(struct one_stream *world, const struct files *files, struct rc_wal_header *header)
{
    for (size_t i = files->count; i-- > 0;) {
        size_t size = 0;
        const unsigned char *bytes = rc_disk_faulty_peek(world->disk, files->paths[i], &size);
        assert_true(rc_wal_header_decode(bytes, header));
        if (header->sequence_first != RC_WAL_NOTHING)
            return files->paths[i];
    }
    fail_msg("no file of the log holds records");
    return NULL;
}

/* A log whose third record behind the snapshot is damaged; *ret_position: what a repair keeps. */
static void
build_damaged(struct one_stream *world, uint64_t *ret_position)
{
    struct rc_snapshot_result result;
    static struct files files;
    *world = (struct one_stream){.disk = rc_disk_faulty_new(7)};
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, 4);
    assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
    one_send_well(world, 12);
    world->engine = rc_engine_close(world->engine, false);
    list_live(world, &files);
    size_t size = 0;
    struct rc_wal_header header;
    struct rc_wal_frame frame;
    const char *path = newest_in_use(world, &files, &header);
    const unsigned char *bytes = rc_disk_faulty_peek(world->disk, path, &size);
    uint64_t at = RC_WAL_HEADER_BYTES;
    for (;;) {
        assert_true(rc_wal_frame_decode(bytes + at, size - at, header.salt, &frame));
        if (frame.sequence > result.sequence + 2)
            break;
        at += rc_wal_record_bytes(frame.payload_bytes);
    }
    *ret_position = frame.sequence - 2; /* Record 1 made the project. */
    rc_disk_faulty_flip(world->disk, path, at + RC_WAL_FRAME_BYTES, 0x40);
}

/* Numbers of lost records are never given again: whoever kept a position is not misled. */
static void
expect_positions_go_on(struct one_stream *world)
{
    struct rc_engine_stats stats;
    one_start_well(world);
    rc_engine_get_stats(world->engine, &stats);
    assert_true(stats.wal_sequence >= world->sent + 1); /* One made the project. */
    world->engine = rc_engine_close(world->engine, false);
}

static void
fail_repair(bool cut)
{
    uint64_t n = 1;
    for (bool more = true; more; n += test_stride()) {
        struct one_stream world;
        uint64_t position = 0;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_repair_report report;
        build_damaged(&world, &position);
        const struct rc_engine_options options = one_options(&world);
        struct rc_error error = {0};
        if (cut)
            rc_disk_faulty_cut_at(world.disk, n);
        else
            rc_disk_faulty_fail_at(world.disk, n, n % 2 == 0 ? RC_IO : RC_NO_SPACE);
        const enum rc_status status = rc_engine_repair(&options, true, arena, &report, &error);
        more = cut ? rc_disk_faulty_is_cut(world.disk) : rc_disk_faulty_calls(world.disk) >= n;
        assert_true(status == RC_OK || error.message[0] != '\0');
        if (!more)
            assert_int_equal(status, RC_OK);
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        rc_disk_faulty_cut_at(world.disk, 0);
        if (cut)
            rc_disk_faulty_reboot(world.disk);
        if (status != RC_OK)
            try_repair(&world, true, arena, &report);
        expect_positions_go_on(&world);
        live_on(&world, position);
        rc_disk_faulty_free(world.disk);
    }
    print_message("%llu calls failed\n", (unsigned long long)n - 1);
    assert_true(n > 15);
}

static void
test_any_call_of_a_repair_may_fail(void **state)
{
    (void)state;
    fail_repair(false);
}

static void
test_the_power_may_go_at_any_call_of_a_repair(void **state)
{
    (void)state;
    fail_repair(true);
}

static void
test_no_memory_for_a_repair(void **state)
{
    (void)state;
    struct one_stream world;
    uint64_t position = 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_repair_report report;
    build_damaged(&world, &position);
    const struct rc_engine_options options = one_options(&world);
    uint64_t n = 1;
    for (;; n++) {
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_engine_repair(&options, false, arena, &report, NULL);
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            break;
        assert_int_equal(status, RC_NO_MEMORY);
    }
    print_message("%llu allocations failed\n", (unsigned long long)n - 1);
    assert_true(n > 10);
    assert_true(report.damaged);
    try_repair(&world, true, arena, &report);
    live_on(&world, position);
    rc_disk_faulty_free(world.disk);
}

/* The same while it is carried out: what it reports as failed can be done again. */
static void
test_no_memory_while_a_repair_is_carried_out(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (bool more = true; more; n += 3) {
        struct one_stream world;
        uint64_t position = 0;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_repair_report report;
        build_damaged(&world, &position);
        const struct rc_engine_options options = one_options(&world);
        rc_alloc_fail_at(n);
        const enum rc_status status = rc_engine_repair(&options, true, arena, &report, NULL);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        assert_true(status == RC_OK || status == RC_NO_MEMORY);
        if (status != RC_OK)
            try_repair(&world, true, arena, &report);
        live_on(&world, position);
        rc_disk_faulty_free(world.disk);
    }
    print_message("%llu allocations failed\n", (unsigned long long)n / 3);
    assert_true(n > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_any_call_of_a_repair_may_fail),
        cmocka_unit_test(test_the_power_may_go_at_any_call_of_a_repair),
        cmocka_unit_test(test_no_memory_for_a_repair),
        cmocka_unit_test(test_no_memory_while_a_repair_is_carried_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
