/*
 * Eager definitions: their bitmaps come in the background, are stored with a snapshot, found at a
 * start, and never change an answer: neither when the file is damaged nor when the definition is
 * another by then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/match/predicate/definitions.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define BATCHES 40u
#define KIND 1u

struct world {
    struct rc_disk_faulty *faulty;
    struct rc_disk *disk;
    struct rc_engine *engine;
    char directory[256]; /* Of the project. */
    char file[384];      /* A bitmaps file in it. */
};

static void
start(struct world *world)
{
    const struct rc_engine_options options = {.disk = world->disk,
                                              .directory = "/data",
                                              .worker_count = 1,
                                              .wal_file_bytes = 1 << 16,
                                              .head_rows_max = 100};
    assert_int_equal(rc_engine_open(&options, &world->engine, NULL), RC_OK);
}

static void
stop(struct world *world)
{
    world->engine = rc_engine_close(world->engine, true);
}

static void
define_eager(struct world *world, uint32_t kind, uint64_t version)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    char text[32];
    (void)snprintf(text, sizeof(text), "kind-%u", kind);
    const struct rc_value value = rc_value_string(rc_bytes_of(text));
    const struct rc_predicate leaf = {.kind = RC_PREDICATE_LEAF,
                                      .leaf = {.scope = RC_LEAF_EVENT,
                                               .operator= RC_LEAF_IN,
                                               .property = RC_BYTES_LITERAL("kind"),
                                               .value_count = 1,
                                               .values = &value}};
    rc_definition_write(&writer, &(struct rc_definition){.predicate = &leaf, .eager = true});
    const struct rc_catalog_entry entry = {.name = RC_BYTES_LITERAL("d"),
                                           .payload = {(const char *)writer.data, writer.size}};
    struct rc_catalog_entry made;
    assert_int_equal(rc_engine_put_entry(world->engine, RC_BYTES_LITERAL("shop"),
                                         RC_CATALOG_DEFINITIONS, &entry, version, NULL, arena,
                                         &made, NULL),
                     RC_OK);
    assert_int_equal(rc_definition_marks(made.payload), 1u << RC_DEFINITION_EAGER);
}

static enum rc_status
see_project(void *context, const char *name)
{
    struct world *world = context;
    (void)snprintf(world->directory, sizeof(world->directory), "/data/projects/%s", name);
    return RC_OK;
}

static enum rc_status
see_file(void *context, const char *name)
{
    struct world *world = context;
    if (strncmp(name, "bitmaps-", 8) == 0)
        (void)snprintf(world->file, sizeof(world->file), "%s/%s", world->directory, name);
    return RC_OK;
}

static bool
find_file(struct world *world)
{
    world->file[0] = '\0';
    assert_int_equal(rc_disk_list(world->disk, "/data/projects", see_project, world, NULL), RC_OK);
    assert_int_equal(rc_disk_list(world->disk, world->directory, see_file, world, NULL), RC_OK);
    return world->file[0] != '\0';
}

/* Snapshots until the keeper has had the bitmaps built. */
static void
wait_for_file(struct world *world)
{
    for (int i = 0; i < 600; i++) {
        struct rc_snapshot_result result;
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        if (find_file(world))
            return;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    fail_msg("no bitmaps were stored");
}

static uint64_t
bitmap_bytes(struct world *world)
{
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(world->engine, RC_BYTES_LITERAL("shop"), &stats, NULL),
                     RC_OK);
    return stats.bitmap_bytes;
}

static void
open_world(struct world *world, uint64_t seed)
{
    static struct rig_content content;
    rc_eager_settled_ns = 1;
    *world = (struct world){.faulty = rc_disk_faulty_new(seed)};
    world->disk = rc_disk_faulty_disk(world->faulty);
    start(world);
    rig_create(world->engine, "shop");
    define_eager(world, KIND, 0);
    for (uint32_t i = 1; i <= BATCHES; i++) {
        rig_content_make(seed + i, 100, false, &content);
        assert_int_equal(rig_ingest(world->engine, "shop", "s", i, &content, NULL), RC_OK);
    }
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
}

static double
defined(struct world *world)
{
    return rig_measure_defined(world->engine, "shop", "d");
}

static void
stored_and_found(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 4711);
    wait_for_file(&world);
    const double expected = rig_measure(world.engine, "shop", RC_MEASURE_COUNT, KIND);
    assert_true(expected > 0);
    assert_true(defined(&world) == expected);
    stop(&world);
    start(&world);
    const uint64_t found = bitmap_bytes(&world); /* Before anybody has asked. */
    assert_true(defined(&world) == expected);
    stop(&world);
    assert_int_equal(rc_disk_remove(world.disk, world.file, NULL), RC_OK);
    start(&world);
    assert_true(bitmap_bytes(&world) < found);
    assert_true(defined(&world) == expected);
    /* Another meaning of the name asks for another bitmap. */
    define_eager(&world, KIND + 1, UINT64_MAX);
    assert_true(defined(&world) == rig_measure(world.engine, "shop", RC_MEASURE_COUNT, KIND + 1));
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.faulty);
}

/* Every byte of the file turned over, one at a time: it is not believed, and nothing else happens.
 */
static void
damaged(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, 815);
    wait_for_file(&world);
    const double expected = defined(&world);
    rc_engine_close(world.engine, true);
    size_t size = 0;
    assert_non_null(rc_disk_faulty_peek(world.faulty, world.file, &size));
    print_message("%zu bytes\n", size);
    const size_t step = size / 60 + 1;
    for (size_t at = 0; at < size; at += at < 40 ? 1 : step) {
        char path[384];
        (void)snprintf(path, sizeof(path), "%s", world.file);
        rc_disk_faulty_flip(world.faulty, path, at, 0x10);
        start(&world);
        if (defined(&world) != expected)
            fail_msg("with byte %zu damaged", at);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_flip(world.faulty, path, at, 0x10);
    }
    rc_disk_faulty_free(world.faulty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stored_and_found),
                                       cmocka_unit_test(damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
