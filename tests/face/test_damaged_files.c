/*
 * Damage at random places: any file of a data directory is flipped, overwritten, cut short, made
 * longer, taken away or replaced by another one of its kind. Either a start says which file it is,
 * and a check too, or it goes on with all that there was; and nothing else ever happens.
 *
 * RC_DAMAGE_ROUNDS sets the rounds (300), RC_DAMAGE_SEED the first seed (1).
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/arena.h"
#include "engine/face/upkeep.h"
#include "engine/match/predicate/definitions.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/one_stream.h"

#define FILES_MAX 64u
#define SECTOR_BYTES 512u

/* ---- a directory, kept ---- */

struct kept_file {
    char path[300];
    char directory[300];
    void *data;
    size_t size;
};

struct kept {
    struct rc_disk *disk;
    const char *listed; /* The directory that is being listed. */
    struct kept_file files[FILES_MAX];
    uint32_t count;
};

/* Callback of a listing: a file, or a directory of more. */
static enum rc_status
keep_file(void *context, const char *name)
{
    struct kept *kept = context;
    const char *directory = kept->listed;
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (strcmp(name, "LOCK") == 0)
        return RC_OK;
    kept->listed = path;
    const enum rc_status status = rc_disk_list(kept->disk, path, keep_file, kept, NULL);
    kept->listed = directory;
    if (status == RC_OK)
        return RC_OK;
    assert_true(kept->count < FILES_MAX);
    struct kept_file *file = &kept->files[kept->count++];
    memcpy(file->path, path, sizeof(path));
    (void)snprintf(file->directory, sizeof(file->directory), "%s", directory);
    return rc_disk_read_file(kept->disk, path, NULL, &file->data, &file->size, NULL);
}

static void
keep(struct kept *kept, struct rc_disk *disk)
{
    *kept = (struct kept){.disk = disk, .listed = "/data"};
    assert_int_equal(rc_disk_list(disk, "/data", keep_file, kept, NULL), RC_OK);
}

static void
kept_close(struct kept *kept)
{
    for (uint32_t i = 0; i < kept->count; i++)
        rc_alloc_free(kept->files[i].data);
    kept->count = 0;
}

static void
put_back(const struct kept *kept, struct rc_disk *disk)
{
    assert_int_equal(rc_disk_make_dir(disk, "/data", NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(disk, "/data/wal", NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(disk, "/data/projects", NULL), RC_OK);
    for (uint32_t i = 0; i < kept->count; i++) {
        const struct kept_file *file = &kept->files[i];
        const enum rc_status made = rc_disk_make_dir(disk, file->directory, NULL);
        assert_true(made == RC_OK || made == RC_CONFLICT);
        assert_int_equal(rc_disk_replace_file(disk, file->path, file->data, file->size, NULL),
                         RC_OK);
    }
}

/* ---- damage ---- */

enum damage {
    FLIPPED_BIT,
    OVERWRITTEN,
    ZEROED_SECTOR,
    CUT_SHORT,
    LONGER,
    REPLACED,
    MISSING,
    DAMAGES,
};

static const char *const damage_names[] = {
    "a flipped bit", "overwritten",   "a sector of zeros", "cut short",
    "longer",        "another one's", "missing",
};

/* Another file of a like name: another slab, another file of the log. */
static const struct kept_file *
another_of(const struct kept *kept, const struct kept_file *file, uint64_t *random)
{
    const char *name = strrchr(file->path, '/') + 1;
    const struct kept_file *other = file;
    for (uint32_t i = 0; i < 20 && (other == file || strncmp(strrchr(other->path, '/') + 1, name,
                                                             strcspn(name, "-")) != 0);
         i++)
        other = &kept->files[rig_random(random) % kept->count];
    return other;
}

static void
overwrite(unsigned char *data, size_t size, uint64_t at, uint64_t bytes, uint64_t *random)
{
    for (uint64_t i = at; i < size && i < at + bytes; i++)
        data[i] = random == NULL ? 0 : (unsigned char)rig_random(random);
}

/* Damages a copy of a file. false: it is as it was. */
static bool
damage_file(const struct kept *kept,
            const struct kept_file *file,
            enum damage damage,
            uint64_t *random,
            struct rc_disk *disk)
{
    const struct kept_file *other = another_of(kept, file, random);
    const size_t extra = damage == LONGER ? 1 + rig_random(random) % 5000 : 0;
    size_t size = file->size + extra;
    if (damage == MISSING)
        return rc_disk_remove(disk, file->path, NULL) == RC_OK;
    RC_CLEANUP(rc_alloc_freep) unsigned char *data = rc_alloc_zero(size + 1);
    assert_non_null(data);
    memcpy(data, file->data, file->size);
    const uint64_t at = rig_random(random) % file->size;
    if (damage == FLIPPED_BIT)
        data[at] ^= (unsigned char)(1U << rig_random(random) % 8);
    else if (damage == OVERWRITTEN)
        overwrite(data, size, at, 1 + rig_random(random) % 600, random);
    else if (damage == ZEROED_SECTOR)
        overwrite(data, size, at / SECTOR_BYTES * SECTOR_BYTES, SECTOR_BYTES, NULL);
    else if (damage == CUT_SHORT)
        size = at;
    else if (damage == LONGER && rig_random(random) % 2 == 0)
        overwrite(data, size, file->size, extra, random);
    const void *after = damage == REPLACED ? other->data : data;
    if (damage == REPLACED)
        size = other->size;
    assert_int_equal(rc_disk_replace_file(disk, file->path, after, size, NULL), RC_OK);
    return size != file->size || memcmp(after, file->data, size) != 0;
}

/* ---- the world ---- */

static void
define_eager(struct one_stream *world, const char *name, uint32_t kind)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_definition definition;
    struct rc_catalog_entry made;
    assert_int_equal(
        rc_definition_read(rig_definition_payload(arena, kind), arena, &definition, NULL), RC_OK);
    definition.eager = true;
    rc_definition_write(&writer, &definition);
    const struct rc_catalog_entry entry = {.name = rc_bytes_of(name),
                                           .payload = {(const char *)writer.data, writer.size}};
    assert_int_equal(rc_engine_put_entry(world->engine, RC_BYTES_LITERAL("shop"),
                                         RC_CATALOG_DEFINITIONS, &entry, 0, NULL, arena, &made,
                                         NULL),
                     RC_OK);
}

/* Snapshots until the keeper has had the bitmaps built. */
static void
wait_for_bitmaps(struct one_stream *world, struct kept *kept)
{
    for (int i = 0; i < 600; i++) {
        struct rc_snapshot_result result;
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        keep(kept, rc_disk_faulty_disk(world->disk));
        bool found = false;
        for (uint32_t k = 0; k < kept->count; k++)
            found = found || strstr(kept->files[k].path, "/bitmaps-") != NULL;
        kept_close(kept);
        if (found)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    fail_msg("no bitmaps were stored");
}

/* A directory with slabs, bitmaps and several files of log behind the snapshot. Only after an
 * orderly end everything that the log holds is known to have been synced. */
static void
build(struct one_stream *world, struct kept *kept, bool orderly)
{
    rc_eager_settled_ns = 1;
    *world = (struct one_stream){.disk = rc_disk_faulty_new(7)};
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    define_eager(world, "d", 1);
    define_eager(world, "e", 2);
    one_send_well(world, 12);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    one_send_well(world, 4);
    wait_for_bitmaps(world, kept);
    assert_int_equal(rig_define(world->engine, "shop", "f", 3, 0, NULL), RC_OK);
    one_send_well(world, 20);
    if (!orderly)
        rc_disk_faulty_cut(world->disk);
    world->engine = rc_engine_close(world->engine, false);
    if (!orderly)
        rc_disk_faulty_reboot(world->disk);
    keep(kept, rc_disk_faulty_disk(world->disk));
    world->disk = rc_disk_faulty_free(world->disk);
}

/* ---- what is said ---- */

struct findings {
    uint32_t problems;
    char text[2000]; /* Of the first few. */
};

static void
on_finding(void *context, enum rc_finding finding, const char *where, const char *what)
{
    struct findings *findings = context;
    const size_t used = strlen(findings->text);
    findings->problems += finding == RC_FINDING_PROBLEM;
    (void)snprintf(findings->text + used, sizeof(findings->text) - used, "%s: %s\n", where, what);
}

struct counts {
    uint32_t stopped;
    uint32_t went_on;
    uint32_t kinds[DAMAGES];
};

/* It goes on, so nothing may be lost; only what the last group held behind a power cut may be. */
static void
expect_all(struct one_stream *world, const char *path, bool orderly)
{
    const uint64_t sent = world->sent;
    if (!orderly && strstr(path, "/wal/") != NULL)
        atomic_store(&world->acknowledged, 1);
    one_expect(world);
    atomic_store(&world->acknowledged, sent);
    for (uint32_t kind = 1; kind < 4; kind++) {
        const char *const name = kind == 1 ? "d" : kind == 2 ? "e" : "f";
        if (orderly || kind < 3)
            assert_true(rig_measure_defined(world->engine, "shop", name) ==
                        rig_measure(world->engine, "shop", RC_MEASURE_COUNT, kind));
    }
}

static void
run_round(struct one_stream *world,
          const struct kept *kept,
          uint64_t seed,
          bool orderly,
          struct counts *counts)
{
    uint64_t random = seed;
    struct rc_error error = {0};
    struct findings findings = {0};
    struct rc_check check = {.on_finding = on_finding, .context = &findings};
    const struct kept_file *file = &kept->files[rig_random(&random) % kept->count];
    const bool log = strstr(file->path, "/wal/") != NULL;
    const enum damage damage = rig_random(&random) % DAMAGES;
    /* That one is missing between two files of the log is noticed by what they hold. */
    const char *name = log && damage == MISSING ? "log" : strrchr(file->path, '/') + 1;
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *disk = rc_disk_faulty_new(seed);
    world->disk = disk;
    put_back(kept, rc_disk_faulty_disk(disk));
    const bool changed = damage_file(kept, file, damage, &random, rc_disk_faulty_disk(disk));
    const struct rc_engine_options options = one_options(world);
    const enum rc_status checked = rc_engine_check_directory(&options, &check, &error);
    if (checked != RC_OK)
        fail_msg("seed %" PRIu64 ", %s, %s: a check says %s, \"%s\"", seed, file->path,
                 damage_names[damage], rc_status_name(checked), error.message);
    const enum rc_status status = one_start(world, &error);
    if (status == RC_OK) {
        expect_all(world, file->path, orderly);
        world->engine = rc_engine_close(world->engine, seed % 2 == 0);
        counts->went_on++;
    } else {
        const bool named = strstr(error.message, log ? "log" : name) != NULL;
        const bool damaged = status == RC_CORRUPT || (status == RC_NOT_FOUND && damage == MISSING);
        if (!damaged || !changed || !named || findings.problems == 0)
            fail_msg("seed %" PRIu64 ", %s, %s: a start says %s, \"%s\", a check \"%s\"", seed,
                     file->path, damage_names[damage], rc_status_name(status), error.message,
                     findings.text);
        counts->stopped++;
    }
    if (findings.problems > 0 && (!changed || strstr(findings.text, name) == NULL))
        fail_msg("seed %" PRIu64 ", %s, %s: a check says \"%s\"", seed, file->path,
                 damage_names[damage], findings.text);
    counts->kinds[damage] += findings.problems > 0;
}

static void
run_rounds(bool orderly)
{
    const uint64_t rounds = test_number("RC_DAMAGE_ROUNDS", test_rounds(300));
    const uint64_t seed = test_number("RC_DAMAGE_SEED", 1);
    static struct kept kept;
    struct one_stream world;
    struct counts counts = {0};
    build(&world, &kept, orderly);
    for (uint64_t i = 0; i < rounds; i++)
        run_round(&world, &kept, seed + i, orderly, &counts);
    print_message("seeds %" PRIu64 " to %" PRIu64 ", %u files: %u starts stopped, %u went on\n",
                  seed, seed + rounds - 1, kept.count, counts.stopped, counts.went_on);
    for (uint32_t i = 0; i < DAMAGES; i++)
        print_message("%s: found %u times\n", damage_names[i], counts.kinds[i]);
    assert_true(rounds < 100 || (counts.stopped > 0 && counts.went_on > 0));
    kept_close(&kept);
}

/* A file of the first snapshot in the place of its like of the second, intact as it is. */
static void
expect_other(const char *kind, const char *in_words)
{
    static struct kept first;
    static struct kept second;
    struct one_stream world;
    struct rc_error error = {0};
    const struct kept_file *old = NULL;
    const struct kept_file *new = NULL;
    build(&world, &first, true);
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *disk = rc_disk_faulty_new(3);
    world.disk = disk;
    put_back(&first, rc_disk_faulty_disk(disk));
    one_start_well(&world);
    one_send_well(&world, 2);
    world.engine = rc_engine_close(world.engine, true);
    keep(&second, rc_disk_faulty_disk(disk));
    for (uint32_t i = 0; i < first.count; i++)
        if (strstr(first.files[i].path, kind) != NULL)
            old = &first.files[i];
    for (uint32_t i = 0; i < second.count; i++)
        if (strstr(second.files[i].path, kind) != NULL)
            new = &second.files[i];
    assert_true(old != NULL && new != NULL &&strcmp(old->path, new->path) != 0);
    assert_int_equal(
        rc_disk_replace_file(rc_disk_faulty_disk(disk), new->path, old->data, old->size, NULL),
        RC_OK);
    assert_int_equal(one_start(&world, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, new->path));
    assert_non_null(strstr(error.message, in_words));
    kept_close(&first);
    kept_close(&second);
}

static void
test_another_slab_and_another_state(void **state)
{
    (void)state;
    expect_other("/slab-", "it is intact, and not the slab that the state names");
    expect_other("/state-", "it is intact, and not the state that the manifest names");
}

static void
test_after_an_orderly_end(void **state)
{
    (void)state;
    run_rounds(true);
}

static void
test_after_a_power_cut(void **state)
{
    (void)state;
    run_rounds(false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_slab_and_another_state),
        cmocka_unit_test(test_after_an_orderly_end),
        cmocka_unit_test(test_after_a_power_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
