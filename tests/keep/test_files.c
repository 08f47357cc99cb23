/*
 * The files of a checkpoint: damage at any byte is found and the error names the file; what no
 * checkpoint names is removed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/keep/check.h"
#include "engine/keep/checkpoint.h"
#include "engine/keep/manifest_content.h"
#include "engine/keep/restore.h"
#include "engine/keep/state.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define SEED 600u
#define NAMES_MAX 200u

/* What a checkpoint left on the disk. */
struct world {
    struct rc_disk_faulty *faulty;
    struct rc_disk *disk;
    struct rc_workers *workers;
    struct rig_twin twin;
    uint64_t batch_id;
};

static struct rc_engine *
open_engine(struct world *world, struct rc_error *error)
{
    struct rc_engine *engine = NULL;
    const struct rc_engine_options options = {
        .disk = world->disk,
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 16,
        .head_rows_max = 100,
    };
    const enum rc_status status = rc_engine_open(&options, &engine, error);
    assert_true((status == RC_OK) == (engine != NULL));
    return engine;
}

static void
send(struct world *world, struct rc_engine *engine, uint32_t count)
{
    static struct rig_content content;
    for (uint32_t i = 0; i < count; i++) {
        rig_content_make(SEED + ++world->batch_id, 60, true, &content);
        assert_int_equal(rig_ingest(engine, "shop", "s", world->batch_id, &content, NULL), RC_OK);
        rig_twin_apply(&world->twin, &content);
    }
}

static int
open_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->faulty = rc_disk_faulty_new(SEED);
    world->disk = rc_disk_faulty_disk(world->faulty);
    assert_int_equal(rc_workers_new(2, RC_URGENCY_PLAIN, &world->workers, NULL), RC_OK);
    rig_twin_open(&world->twin);
    struct rc_engine *engine = open_engine(world, NULL);
    rig_create(engine, "shop");
    send(world, engine, 12);
    assert_int_equal(rig_define(engine, "shop", "d", 1, 0, NULL), RC_OK);
    rc_engine_settle(engine);
    send(world, engine, 3); /* Some of the slabs' rows die. */
    rc_engine_close(engine, true);
    *state = world;
    return 0;
}

static int
close_world(void **state)
{
    struct world *world = *state;
    rc_workers_free(world->workers);
    rc_disk_faulty_free(world->faulty);
    rig_twin_close(&world->twin);
    free(world);
    return 0;
}

/* ---- names ---- */

struct names {
    size_t count;
    char list[NAMES_MAX][128];
};

static enum rc_status
add_name(void *context, const char *name)
{
    struct names *names = context;
    assert_true(names->count < NAMES_MAX);
    (void)snprintf(names->list[names->count++], sizeof(names->list[0]), "%s", name);
    return RC_OK;
}

static void
list(struct world *world, const char *directory, struct names *names)
{
    names->count = 0;
    assert_int_equal(rc_disk_list(world->disk, directory, add_name, names, NULL), RC_OK);
}

/* The path of the only project. */
static void
project_path(struct world *world, char path[256])
{
    static struct names names;
    list(world, "/data/projects", &names);
    assert_int_equal(names.count, 1);
    (void)snprintf(path, 256, "/data/projects/%s", names.list[0]);
}

/* The path of the n-th file of the project that begins with prefix. */
static void
file_path(struct world *world, const char *prefix, uint32_t nth, char path[400])
{
    static struct names names;
    char directory[256];
    project_path(world, directory);
    list(world, directory, &names);
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.list[i], prefix, strlen(prefix)) != 0 || nth-- != 0)
            continue;
        (void)snprintf(path, 400, "%s/%s", directory, names.list[i]);
        return;
    }
    fail_msg("there is no file %s", prefix);
}

static uint64_t
incarnation_of(struct world *world)
{
    char path[256];
    project_path(world, path);
    return strtoull(strchr(path, '@') + 1, NULL, 16);
}

static uint64_t
number_of(struct world *world)
{
    char path[400];
    file_path(world, "state-", 0, path);
    return strtoull(strrchr(path, '-') + 1, NULL, 16);
}

/* workers: the slabs are read beside the state. */
static enum rc_status
restore_with(struct world *world, struct rc_workers *workers, struct rc_error *error)
{
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    struct rc_kept_slabs kept = {0};
    const struct rc_restore how = {.disk = world->disk,
                                   .directory = "/data",
                                   .parent = &rc_account_process,
                                   .head_rows_max = 100,
                                   .workers = workers,
                                   .large_state_bytes = 1,
                                   .verify = RC_SLAB_WHOLE};
    const struct rc_manifest_project stored = {.id = RC_BYTES_LITERAL("shop"),
                                               .incarnation = incarnation_of(world),
                                               .state_number = number_of(world)};
    const enum rc_status status = rc_restore_project(&how, &stored, &project, &kept, error);
    rc_kept_slabs_close(&kept);
    return status;
}

/* Both ways come to the same. */
static enum rc_status
restore(struct world *world, struct rc_error *error)
{
    struct rc_error other = {0};
    const enum rc_status status = restore_with(world, NULL, error);
    assert_int_equal(restore_with(world, world->workers, &other), status);
    if (status != RC_OK && error != NULL)
        assert_string_equal(other.message, error->message);
    return status;
}

/* ---- damage ---- */

static void
expect_damage(struct world *world, const char *path, const char *what, uint64_t offset)
{
    struct rc_error error = {0};
    const enum rc_status status = restore(world, &error);
    if (status != RC_CORRUPT)
        fail_msg("%s: %s at %" PRIu64 ": status %d", path, what, offset, (int)status);
    if (strstr(error.message, strrchr(path, '/') + 1) == NULL)
        fail_msg("the error does not name %s: %s", path, error.message);
}

static void
flip_every(struct world *world, const char *path, uint64_t step)
{
    size_t size = 0;
    (void)rc_disk_faulty_peek(world->faulty, path, &size);
    for (uint64_t offset = 0; offset < size; offset += step) {
        rc_disk_faulty_flip(world->faulty, path, offset, 0x10);
        expect_damage(world, path, "a flipped bit", offset);
        rc_disk_faulty_flip(world->faulty, path, offset, 0x10);
    }
    assert_int_equal(restore(world, NULL), RC_OK);
}

/* Leaves only the first bytes of a file. */
static void
shorten(struct world *world, const char *path, uint64_t size)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    assert_int_equal(rc_file_open(world->disk, path, RC_FILE_READ_WRITE, &file, NULL), RC_OK);
    assert_int_equal(rc_file_truncate(file, size, NULL), RC_OK);
}

static void
shorten_every(struct world *world, const char *path)
{
    size_t size = 0;
    const void *bytes = rc_disk_faulty_peek(world->faulty, path, &size);
    void *copy = malloc(size);
    memcpy(copy, bytes, size);
    for (uint64_t left = 0; left < size; left += 1 + size / 40) {
        shorten(world, path, left);
        expect_damage(world, path, "cut", left);
        assert_int_equal(rc_disk_replace_file(world->disk, path, copy, size, NULL), RC_OK);
    }
    free(copy);
    assert_int_equal(restore(world, NULL), RC_OK);
}

static void
test_a_damaged_state(void **state)
{
    struct world *world = *state;
    char path[400];
    file_path(world, "state-", 0, path);
    flip_every(world, path, 7);
    shorten_every(world, path);
    struct rc_error error = {0};
    rc_disk_faulty_flip(world->faulty, path, 100, 1);
    assert_null(open_engine(world, &error));
    assert_int_equal(error.status, RC_CORRUPT);
    assert_non_null(strstr(error.message, strrchr(path, '/') + 1));
}

static void
test_a_damaged_slab(void **state)
{
    struct world *world = *state;
    char path[400];
    for (uint32_t slab = 0; slab < 2; slab++) {
        file_path(world, "slab-", slab, path);
        shorten_every(world, path);
        flip_every(world, path, 13);
    }
}

/* What no state names is no part of the data, however it looks. */
static void
test_a_slab_that_nobody_names(void **state)
{
    struct world *world = *state;
    char path[400];
    char other[400];
    size_t size = 0;
    file_path(world, "slab-", 0, path);
    const void *bytes = rc_disk_faulty_peek(world->faulty, path, &size);
    void *copy = malloc(size);
    memcpy(copy, bytes, size);
    project_path(world, other);
    const size_t end = strlen(other);
    (void)snprintf(other + end, sizeof(other) - end, "/slab-00000000000fffff");
    assert_int_equal(rc_disk_replace_file(world->disk, other, copy, size, NULL), RC_OK);
    assert_int_equal(restore(world, NULL), RC_OK);
    rc_disk_faulty_flip(world->faulty, other, size / 2, 1);
    assert_int_equal(restore(world, NULL), RC_OK);
    struct rc_engine *engine = open_engine(world, NULL);
    assert_non_null(engine);
    rig_twin_expect(&world->twin, engine, "shop");
    rc_engine_close(engine, false);
    free(copy);
}

/* Moves all files of one directory into another. */
static void
move_all(struct world *world, const char *from, const char *to)
{
    static struct names names;
    char old[400];
    char new[400];
    list(world, from, &names);
    for (size_t i = 0; i < names.count; i++) {
        (void)snprintf(old, sizeof(old), "%s/%s", from, names.list[i]);
        (void)snprintf(new, sizeof(new), "%s/%s", to, names.list[i]);
        assert_int_equal(rc_disk_rename(world->disk, old, new, NULL), RC_OK);
    }
}

/* Callback rc_check.on_finding. */
static void
count_problem(void *context, enum rc_finding finding, const char *where, const char *what)
{
    uint32_t *count = context;
    (void)where;
    (void)what;
    *count += finding == RC_FINDING_PROBLEM;
}

static uint32_t
problems_of(struct world *world)
{
    uint32_t problems = 0;
    struct rc_check check = {.on_finding = count_problem, .context = &problems};
    assert_int_equal(rc_check_directory(&check, world->disk, "/data", NULL, NULL), RC_OK);
    return problems;
}

/* It must not look like a new directory, whose first snapshot would clear the projects away. */
static void
test_manifest_and_log_are_gone(void **state)
{
    struct world *world = *state;
    struct rc_error error = {0};
    char path[400];
    size_t size = 0;
    const void *bytes = rc_disk_faulty_peek(world->faulty, "/data/MANIFEST", &size);
    void *manifest = malloc(size);
    memcpy(manifest, bytes, size);
    assert_int_equal(problems_of(world), 0);
    assert_int_equal(rc_disk_remove(world->disk, "/data/MANIFEST", NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(world->disk, "/aside", NULL), RC_OK);
    move_all(world, "/data/wal", "/aside");
    assert_null(open_engine(world, &error));
    assert_int_equal(error.status, RC_CORRUPT);
    assert_non_null(strstr(error.message, "MANIFEST"));
    assert_int_equal(problems_of(world), 1);
    file_path(world, "slab-", 0, path); /* Nothing was cleared away, */
    assert_int_equal(rc_disk_replace_file(world->disk, "/data/MANIFEST", manifest, size, NULL),
                     RC_OK);
    assert_null(open_engine(world, &error)); /* The log is missed by itself, */
    assert_non_null(strstr(error.message, "the newest one, is missing"));
    assert_int_equal(problems_of(world), 1);
    move_all(world, "/aside", "/data/wal");
    struct rc_engine *engine = open_engine(world, &error); /* and all is back. */
    assert_non_null(engine);
    rig_twin_expect(&world->twin, engine, "shop");
    rc_engine_close(engine, false);
    free(manifest);
}

static void
test_a_missing_file(void **state)
{
    struct world *world = *state;
    struct rc_error error = {0};
    char path[400];
    file_path(world, "slab-", 1, path);
    assert_int_equal(rc_disk_remove(world->disk, path, NULL), RC_OK);
    assert_int_equal(restore(world, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, strrchr(path, '/') + 1));
    assert_null(open_engine(world, &error));
}

static void
test_a_damaged_manifest(void **state)
{
    struct world *world = *state;
    size_t size = 0;
    (void)rc_disk_faulty_peek(world->faulty, "/data/MANIFEST", &size);
    for (uint64_t offset = 0; offset < size; offset++) {
        struct rc_error error = {0};
        rc_disk_faulty_flip(world->faulty, "/data/MANIFEST", offset, 0x40);
        assert_null(open_engine(world, &error));
        assert_int_equal(error.status, RC_CORRUPT);
        assert_non_null(strstr(error.message, "MANIFEST"));
        rc_disk_faulty_flip(world->faulty, "/data/MANIFEST", offset, 0x40);
    }
    struct rc_engine *engine = open_engine(world, NULL);
    rig_twin_expect(&world->twin, engine, "shop");
    rc_engine_close(engine, false);
}

/* ---- the state beyond its checksum ---- */

/* Cuts a state at every byte and signs it anew: the content itself must be found short. */
static void
test_a_state_that_is_signed_and_wrong(void **state)
{
    struct world *world = *state;
    char path[400];
    size_t size = 0;
    file_path(world, "state-", 0, path);
    const unsigned char *bytes = rc_disk_faulty_peek(world->faulty, path, &size);
    for (size_t left = 8; left + 4 < size; left += 1 + left / 200) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        struct rc_project *project = NULL;
        struct rc_state_slab *slabs = NULL;
        uint32_t count = 0;
        rc_write_raw(&writer, bytes, left);
        rc_write_u32(&writer, rc_crc32c(writer.data, writer.size));
        const struct rc_bytes cut = {(const char *)writer.data, writer.size};
        assert_int_equal(
            rc_state_read(cut, &rc_account_process, 100, arena, &project, &slabs, &count, NULL),
            RC_CORRUPT);
        assert_null(project);
    }
}

/* ---- stale files ---- */

static void
test_stale_files_go(void **state)
{
    struct world *world = *state;
    static struct names before;
    static struct names after;
    char directory[256];
    char path[400];
    project_path(world, directory);
    list(world, directory, &before);
    const char *const strangers[] = {"slab-ffffffffffffffff", "state-0000000000000000",
                                     "slab-0000000000000001.new", "something"};
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, strangers[i]);
        assert_int_equal(rc_disk_replace_file(world->disk, path, "x", 1, NULL), RC_OK);
    }
    struct rc_engine *engine = open_engine(world, NULL);
    rig_twin_expect(&world->twin, engine, "shop");
    assert_int_equal(rc_engine_compact(engine, NULL), RC_OK); /* The old slabs are of no use. */
    rc_engine_close(engine, true);
    list(world, directory, &after);
    for (size_t i = 0; i < after.count; i++) {
        for (size_t k = 0; k < 4; k++)
            assert_string_not_equal(after.list[i], strangers[k]);
        for (size_t k = 0; k < before.count; k++)
            assert_string_not_equal(after.list[i], before.list[k]);
    }
    engine = open_engine(world, NULL);
    rig_twin_expect(&world->twin, engine, "shop");
    rc_engine_close(engine, false);
}

static void
test_the_files_of_a_deleted_project_go(void **state)
{
    struct world *world = *state;
    static struct names names;
    static struct names files;
    char old[256];
    project_path(world, old);
    struct rc_engine *engine = open_engine(world, NULL);
    assert_int_equal(
        rc_engine_delete_project(engine, RC_BYTES_LITERAL("shop"), UINT64_MAX, NULL, NULL), RC_OK);
    rig_create(engine, "shop");
    rig_twin_close(&world->twin);
    rig_twin_open(&world->twin);
    world->batch_id = 0;
    send(world, engine, 2);
    rc_engine_close(engine, true);
    list(world, "/data/projects", &names);
    bool found = false;
    for (size_t i = 0; i < names.count; i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "/data/projects/%s", names.list[i]);
        list(world, path, &files);
        if (strcmp(path, old) == 0)
            assert_int_equal(files.count, 0);
        else
            found = found || files.count > 0;
    }
    assert_true(found);
    engine = open_engine(world, NULL);
    rig_twin_expect(&world->twin, engine, "shop");
    rc_engine_close(engine, false);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_damaged_state),
        CASE(test_a_damaged_slab),
        CASE(test_a_slab_that_nobody_names),
        CASE(test_manifest_and_log_are_gone),
        CASE(test_a_missing_file),
        CASE(test_a_damaged_manifest),
        CASE(test_a_state_that_is_signed_and_wrong),
        CASE(test_stale_files_go),
        CASE(test_the_files_of_a_deleted_project_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
