/*
 * A log that is gone, or its end: beside a manifest that stood and projects that are there, a start
 * must not go on as if nothing had been acknowledged since. It stops, says what would be lost and
 * how to go on; a repair keeps what there is, and the directory lives on from there. What never had
 * a log, a restored backup, starts; and so does what an earlier version left.
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

#include "engine/base/arena.h"
#include "engine/durable/manifest.h"
#include "engine/durable/wal_format.h"
#include "engine/durable/wal_mark.h"
#include "engine/face/upkeep.h"
#include "engine/keep/manifest_content.h"
#include "tests/base/disk_faulty.h"
#include "tests/base/environment.h"
#include "tests/face/one_stream.h"

#define FILES_MAX 32u

struct files {
    struct rc_disk_faulty *disk;
    size_t count;
    struct {
        char path[96];
        uint64_t sequence_first; /* RC_WAL_NOTHING: nobody has used it. */
    } list[FILES_MAX];
};

static enum rc_status
note_file(void *context, const char *name)
{
    struct files *files = context;
    struct rc_wal_header header = {0};
    bool spare = true;
    uint64_t number = 0;
    size_t size = 0;
    char path[96];
    (void)snprintf(path, sizeof(path), "/data/wal/%s", name);
    if (rc_wal_name_parse(name, &spare, &number) && !spare)
        assert_true(rc_wal_header_decode(rc_disk_faulty_peek(files->disk, path, &size), &header));
    assert_true(files->count < FILES_MAX);
    memcpy(files->list[files->count].path, path, sizeof(path));
    files->list[files->count++].sequence_first = header.sequence_first;
    return RC_OK;
}

static void
list_files(struct one_stream *world, struct files *files)
{
    *files = (struct files){.disk = world->disk};
    assert_int_equal(
        rc_disk_list(rc_disk_faulty_disk(world->disk), "/data/wal", note_file, files, NULL), RC_OK);
}

/* The newest file in use. */
static const char *
newest_of(const struct files *files)
{
    for (size_t i = files->count; i-- > 0;)
        if (files->list[i].sequence_first != RC_WAL_NOTHING)
            return files->list[i].path;
    fail_msg("no file of the log is in use");
    return NULL;
}

static void
end(struct one_stream *world, bool orderly)
{
    if (!orderly)
        rc_disk_faulty_cut(world->disk);
    world->engine = rc_engine_close(world->engine, false);
    if (!orderly)
        rc_disk_faulty_reboot(world->disk);
}

/* Some of it in a snapshot, more of it in several files of the log behind. */
static void
build(struct one_stream *world, uint64_t seed, bool snapshot, bool orderly)
{
    struct rc_snapshot_result result;
    *world = (struct one_stream){.disk = rc_disk_faulty_new(seed)};
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, 6);
    if (snapshot)
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
    one_send_well(world, 20);
    end(world, orderly);
}

static void
note_problem(void *context, enum rc_finding finding, const char *where, const char *what)
{
    char *text = context;
    if (finding == RC_FINDING_PROBLEM && text[0] == '\0')
        (void)snprintf(text, 700, "%s: %s", where, what);
}

static void
check(struct one_stream *world, char problem[700])
{
    const struct rc_engine_options options = one_options(world);
    struct rc_check check = {.on_finding = note_problem, .context = problem};
    problem[0] = '\0';
    assert_int_equal(rc_engine_check_directory(&options, &check, NULL), RC_OK);
}

/* A start says what is the matter, and so do a check and a repair that changes nothing. */
static void
expect_stopped(struct one_stream *world, const char *in_words, struct rc_repair_report *report)
{
    struct rc_error error = {0};
    char problem[700];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_engine_options options = one_options(world);
    const enum rc_status status = one_start(world, &error);
    if (status != RC_CORRUPT || strstr(error.message, in_words) == NULL ||
        strstr(error.message, "recountd --repair") == NULL)
        fail_msg("%s: %s \"%s\"", in_words, rc_status_name(status), error.message);
    check(world, problem);
    assert_true(problem[0] != '\0');
    assert_int_equal(rc_engine_repair(&options, false, arena, report, &error), RC_OK);
    assert_true(report->damaged && !report->repaired);
    assert_int_equal(one_start(world, &error), RC_CORRUPT);
}

/* Repairs, and lives on from what was kept. */
static void
repair(struct one_stream *world)
{
    struct rc_error error = {0};
    struct rc_repair_report report;
    struct rc_engine_stats stats;
    char problem[700];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_engine_options options = one_options(world);
    if (rc_engine_repair(&options, true, arena, &report, &error) != RC_OK)
        fail_msg("repair: %s", error.message);
    assert_true(report.damaged && report.repaired);
    check(world, problem);
    assert_string_equal(problem, "");
    one_start_well(world);
    rc_engine_get_stats(world->engine, &stats);
    assert_true(stats.wal_sequence >= world->sent + 1); /* No number is given twice. */
    if (one_create(world) == RC_OK)
        atomic_store(&world->acknowledged, 0); /* Even the project was lost. */
    atomic_store(&world->acknowledged, one_position(world));
    one_expect(world);
    one_send_well(world, 3);
    for (unsigned i = 0; i < 2; i++) {
        world->engine = rc_engine_close(world->engine, i == 1);
        one_start_well(world);
        one_expect(world);
    }
    world->engine = rc_engine_close(world->engine, false);
}

static void
remove_file(struct one_stream *world, const char *path)
{
    struct rc_disk *disk = rc_disk_faulty_disk(world->disk);
    assert_int_equal(rc_disk_remove(disk, path, NULL), RC_OK);
    assert_int_equal(rc_disk_sync_dir(disk, "/data/wal", NULL), RC_OK);
}

/* ---- what is missing ---- */

/* Each file of the log, in turn: the start is stopped, or it was none that anybody needs. */
static void
test_each_file(void **state)
{
    (void)state;
    uint32_t stopped = 0;
    uint32_t not_needed = 0;
    for (uint32_t way = 0; way < 8; way++) {
        struct files files = {.count = 1};
        for (size_t i = 0; i < files.count; i++) {
            struct one_stream world;
            struct rc_repair_report report;
            build(&world, 50 + way, way % 2 == 0, way / 2 % 2 == 0);
            list_files(&world, &files);
            if (i >= files.count) { /* The helper had made one more in the life before. */
                rc_disk_faulty_free(world.disk);
                break;
            }
            const char *path = files.list[i].path;
            const bool newest = strcmp(path, newest_of(&files)) == 0;
            const bool used = files.list[i].sequence_first != RC_WAL_NOTHING;
            remove_file(&world, path);
            if (way >= 4) /* Beside that, one half of the mark is damaged. */
                rc_disk_faulty_flip(world.disk, "/data/MARK", i % 2 * RC_WAL_MARK_SLOT_BYTES, 1);
            if (used && (newest || way % 2 == 1)) {
                expect_stopped(&world, newest ? strrchr(path, '/') + 1 : "record", &report);
                assert_true(!newest || report.records_uncounted_max > 0);
                assert_true(report.records_lost + report.records_uncounted_max >=
                            world.sent + 1 - files.list[i].sequence_first);
                repair(&world);
                stopped++;
            } else if (one_start(&world, NULL) == RC_OK) { /* The snapshot holds it. */
                assert_int_equal(one_position(&world), world.sent);
                one_expect(&world);
                world.engine = rc_engine_close(world.engine, true);
                not_needed++;
            }
            rc_disk_faulty_free(world.disk);
        }
    }
    print_message("%u files were missed, %u were not needed\n", stopped, not_needed);
    assert_true(stopped >= 5);
}

static void
remove_log(struct one_stream *world)
{
    static struct files files;
    list_files(world, &files);
    for (size_t i = 0; i < files.count; i++)
        remove_file(world, files.list[i].path);
    assert_int_equal(rc_disk_remove(rc_disk_faulty_disk(world->disk), "/data/wal", NULL), RC_OK);
    assert_int_equal(rc_disk_sync_dir(rc_disk_faulty_disk(world->disk), "/data", NULL), RC_OK);
}

static void
test_the_whole_folder(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 8; way++) {
        struct one_stream world;
        struct rc_repair_report report;
        const bool mark_too = way / 4 == 1;
        const bool snapshot = way % 2 == 0;
        build(&world, 60 + way, snapshot, way / 2 % 2 == 0);
        if (mark_too && !snapshot) { /* Nothing names a log then: projects do not stand yet. */
            rc_disk_faulty_free(world.disk);
            continue;
        }
        remove_log(&world);
        if (mark_too)
            assert_int_equal(rc_disk_remove(rc_disk_faulty_disk(world.disk), "/data/MARK", NULL),
                             RC_OK);
        expect_stopped(&world, "missing", &report);
        assert_int_equal(report.records_kept, 0);
        assert_true(report.records_uncounted_max > 0);
        repair(&world);
        rc_disk_faulty_free(world.disk);
    }
}

/* After the last snapshot nothing was logged, and the process was stopped: the log is missed all
 * the same, and nothing is lost. */
static void
test_the_folder_after_a_snapshot_at_the_end(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_repair_report report;
    build(&world, 70, true, true);
    one_start_well(&world);
    world.engine = rc_engine_close(world.engine, true);
    remove_log(&world);
    expect_stopped(&world, "missing", &report);
    assert_int_equal(report.records_lost, 0);
    repair(&world);
    one_start_well(&world);
    assert_int_equal(one_position(&world), world.sent);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

/* The manifest is gone, and the log begins behind a snapshot: what no manifest names is not taken
 * for what an interrupted snapshot left, which a repair would remove. */
static void
test_the_manifest(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_repair_report report;
    struct rc_error error = {0};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    build(&world, 75, true, true);
    one_start_well(&world);
    world.engine = rc_engine_close(world.engine, true);
    one_start_well(&world);
    one_send_well(&world, 3);
    world.engine = rc_engine_close(world.engine, false);
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    assert_int_equal(rc_disk_rename(disk, "/data/MANIFEST", "/data/aside", NULL), RC_OK);
    const struct rc_engine_options options = one_options(&world);
    assert_int_equal(one_start(&world, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, "neither a MANIFEST nor a log"));
    assert_int_equal(rc_engine_repair(&options, true, arena, &report, &error), RC_CORRUPT);
    char problem[700];
    check(&world, problem);
    assert_non_null(strstr(problem, "neither a MANIFEST nor a log"));
    assert_int_equal(rc_disk_rename(disk, "/data/aside", "/data/MANIFEST", NULL), RC_OK);
    one_start_well(&world);
    assert_int_equal(one_position(&world), world.sent);
    one_expect(&world);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

static void
test_the_newest_file_is_cut_short(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 6; way++) {
        struct one_stream world;
        struct rc_repair_report report;
        static struct files files;
        struct rc_file *file = NULL;
        build(&world, 80 + way, true, way % 2 == 0);
        list_files(&world, &files);
        const char *path = newest_of(&files);
        assert_int_equal(
            rc_file_open(rc_disk_faulty_disk(world.disk), path, RC_FILE_READ_WRITE, &file, NULL),
            RC_OK);
        assert_int_equal(rc_file_truncate(file, (uint64_t)(way / 2) * 6000, NULL), RC_OK);
        assert_int_equal(rc_file_sync(file, NULL), RC_OK);
        rc_file_close(file);
        expect_stopped(&world, strrchr(path, '/') + 1, &report);
        assert_non_null(strstr(path, report.file));
        repair(&world);
        rc_disk_faulty_free(world.disk);
    }
}

static void
test_the_mark(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2; way++) {
        struct one_stream world;
        struct rc_repair_report report;
        build(&world, 90, true, true);
        if (way == 0) {
            assert_int_equal(rc_disk_remove(rc_disk_faulty_disk(world.disk), "/data/MARK", NULL),
                             RC_OK);
        } else {
            rc_disk_faulty_flip(world.disk, "/data/MARK", 3, 1);
            rc_disk_faulty_flip(world.disk, "/data/MARK", RC_WAL_MARK_SLOT_BYTES + 20, 1);
        }
        expect_stopped(&world, "MARK", &report);
        assert_string_equal(report.file, "MARK");
        assert_int_equal(report.records_lost, 0);
        repair(&world);
        one_start_well(&world); /* The log was whole: all is there. */
        assert_int_equal(one_position(&world), world.sent);
        rc_engine_close(world.engine, false);
        rc_disk_faulty_free(world.disk);
    }
}

/* ---- a repair that fails ---- */

static void
fail_repair(bool cut)
{
    uint64_t n = 1;
    for (bool more = true; more; n += test_stride()) {
        struct one_stream world;
        static struct files files;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        struct rc_repair_report report;
        struct rc_error error = {0};
        build(&world, n, true, n % 2 == 0);
        list_files(&world, &files);
        remove_file(&world, newest_of(&files));
        const struct rc_engine_options options = one_options(&world);
        if (cut)
            rc_disk_faulty_cut_at(world.disk, n);
        else
            rc_disk_faulty_fail_at(world.disk, n, n % 2 == 0 ? RC_IO : RC_NO_SPACE);
        const enum rc_status status = rc_engine_repair(&options, true, arena, &report, &error);
        more = cut ? rc_disk_faulty_is_cut(world.disk) : rc_disk_faulty_calls(world.disk) >= n;
        assert_true(status == RC_OK || error.message[0] != '\0');
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        rc_disk_faulty_cut_at(world.disk, 0);
        if (cut)
            rc_disk_faulty_reboot(world.disk);
        if (one_start(&world, &error) == RC_OK) { /* It was done, or nearly. */
            atomic_store(&world.acknowledged, one_position(&world));
            one_expect(&world);
            world.engine = rc_engine_close(world.engine, true);
        } else {
            repair(&world);
        }
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

/* ---- what has no log ---- */

static void
test_a_restored_backup_starts(void **state)
{
    (void)state;
    struct one_stream world;
    struct rc_backup backup;
    struct rc_snapshot_result result;
    struct rc_engine *engine = NULL;
    char problem[700] = "";
    build(&world, 100, true, true);
    struct rc_engine_options options = one_options(&world);
    struct rc_check check = {.on_finding = note_problem, .context = problem};
    const struct rc_backup_options how = {.directory = "/backup"};
    one_start_well(&world);
    assert_int_equal(rc_engine_backup(world.engine, &how, &backup, &result, NULL), RC_OK);
    end(&world, false);
    assert_int_equal(rc_engine_restore_backup(options.disk, "/backup", "/restored", &backup, NULL),
                     RC_OK);
    static const char *const directories[] = {"/restored", "/backup"};
    for (size_t i = 0; i < 2; i++) { /* The backup itself is a directory as good. */
        options.directory = directories[i];
        assert_int_equal(rc_engine_check_directory(&options, &check, NULL), RC_OK);
        assert_string_equal(problem, "");
        for (uint32_t k = 0; k < 2; k++) {
            assert_int_equal(rc_engine_open(&options, &engine, NULL), RC_OK);
            world.engine = engine;
            assert_int_equal(one_position(&world), world.sent);
            one_expect(&world);
            world.engine = rc_engine_close(engine, k == 1);
        }
    }
    rc_disk_faulty_free(world.disk);
}

/* As an earlier version left it: a manifest that names no log, and no mark. */
static void
test_an_earlier_version(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 2; way++) {
        struct one_stream world;
        struct rc_manifest_content content;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
        RC_CLEANUP(rc_writer_close) struct rc_writer earlier = {0};
        build(&world, 110, true, way == 0);
        struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
        assert_int_equal(rc_manifest_read(disk, "/data", &payload, NULL), RC_OK);
        assert_int_equal(
            rc_manifest_content_read((struct rc_bytes){(const char *)payload.data, payload.size},
                                     arena, &content, NULL),
            RC_OK);
        assert_true(content.log != 0);
        content.log = 0;
        rc_manifest_content_write(&earlier, &content);
        assert_int_equal(
            rc_manifest_write(disk, "/data",
                              (struct rc_bytes){(const char *)earlier.data, earlier.size}, NULL),
            RC_OK);
        assert_int_equal(rc_disk_remove(disk, "/data/MARK", NULL), RC_OK);
        assert_int_equal(rc_disk_sync_dir(disk, "/data", NULL), RC_OK);
        for (uint32_t k = 0; k < 2; k++) {
            one_start_well(&world);
            assert_int_equal(one_position(&world), world.sent);
            one_expect(&world);
            end(&world, k == 1);
        }
        struct rc_repair_report report;
        static struct files files;
        list_files(&world, &files);
        remove_file(&world, newest_of(&files)); /* From its first start on it is noticed. */
        expect_stopped(&world, "missing", &report);
        rc_disk_faulty_free(world.disk);
    }
}

/* ---- in use ---- */

static enum rc_status
enter_project(void *context, const char *name)
{
    (void)snprintf(context, 96, "/data/projects/%s", name);
    return RC_OK;
}

struct taken {
    struct one_stream *world;
    const char *directory;
    uint32_t count;
};

/* Takes a file away, has it missed, and puts it back. */
static enum rc_status
take_away(void *context, const char *name)
{
    struct taken *taken = context;
    struct rc_disk *disk = rc_disk_faulty_disk(taken->world->disk);
    char problem[700] = "";
    char path[300];
    struct rc_check check = {.on_finding = note_problem, .context = problem};
    (void)snprintf(path, sizeof(path), "%s/%s", taken->directory, name);
    assert_int_equal(rc_disk_rename(disk, path, "/data/aside", NULL), RC_OK);
    assert_int_equal(rc_engine_check(taken->world->engine, (struct rc_bytes){0}, &check, NULL),
                     RC_OK);
    assert_non_null(strstr(problem, name));
    assert_non_null(strstr(problem, "is missing"));
    assert_int_equal(rc_disk_rename(disk, "/data/aside", path, NULL), RC_OK);
    taken->count++;
    return RC_OK;
}

static void
expect_files_of_projects_missed(struct one_stream *world)
{
    struct rc_disk *disk = rc_disk_faulty_disk(world->disk);
    char directory[96] = "";
    struct taken taken = {.world = world, .directory = directory};
    assert_int_equal(rc_disk_list(disk, "/data/projects", enter_project, directory, NULL), RC_OK);
    assert_int_equal(rc_disk_list(disk, directory, take_away, &taken, NULL), RC_OK);
    assert_true(taken.count > 1); /* A state and a slab. */
}

static void
test_a_check_of_what_runs(void **state)
{
    (void)state;
    struct one_stream world;
    static struct files files;
    char problem[700] = "";
    struct rc_check check = {.on_finding = note_problem, .context = problem};
    build(&world, 120, true, true);
    one_start_well(&world);
    assert_int_equal(rc_engine_check(world.engine, (struct rc_bytes){0}, &check, NULL), RC_OK);
    assert_string_equal(problem, "");
    expect_files_of_projects_missed(&world);
    list_files(&world, &files);
    const char *path = newest_of(&files);
    remove_file(&world, path);
    one_send_well(&world, 1); /* It does not notice. */
    assert_int_equal(rc_engine_check(world.engine, (struct rc_bytes){0}, &check, NULL), RC_OK);
    assert_non_null(strstr(problem, strrchr(path, '/') + 1));
    /* A snapshot puts what was acknowledged out of danger; the log is missed all the same. */
    world.engine = rc_engine_close(world.engine, true);
    struct rc_repair_report report;
    expect_stopped(&world, "missing", &report);
    repair(&world);
    one_start_well(&world);
    assert_true(one_position(&world) >= world.sent);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_file),
        cmocka_unit_test(test_the_whole_folder),
        cmocka_unit_test(test_the_folder_after_a_snapshot_at_the_end),
        cmocka_unit_test(test_the_manifest),
        cmocka_unit_test(test_the_newest_file_is_cut_short),
        cmocka_unit_test(test_the_mark),
        cmocka_unit_test(test_any_call_of_a_repair_may_fail),
        cmocka_unit_test(test_the_power_may_go_at_any_call_of_a_repair),
        cmocka_unit_test(test_a_restored_backup_starts),
        cmocka_unit_test(test_an_earlier_version),
        cmocka_unit_test(test_a_check_of_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
