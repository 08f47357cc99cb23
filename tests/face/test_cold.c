/*
 * Slabs that live on disk only: they answer as before; what cannot be read fails the query that
 * asked for it and nothing else; late copies replace what is in them; they are merged, kept and
 * restored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/query/list/export.h"
#include "engine/store/slab/slab_format.h"
#include "tests/face/one_stream.h"

#define PATH_BYTES 512u
#define WINDOWS 3u /* That contents lie in. */

static struct rc_engine_stats
stats_of(const struct one_stream *world)
{
    struct rc_engine_stats stats;
    rc_engine_get_stats(world->engine, &stats);
    return stats;
}

static void
snapshot_well(struct one_stream *world)
{
    struct rc_snapshot_result result;
    assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
}

/* A project that is on disk, one slab a window: nothing is left to be merged while a test looks on.
 * As good as nothing of it is in memory. */
static void
open_cold(struct one_stream *world, uint32_t batches)
{
    world->cold_after_ms = 1;
    world->cold_bytes_max = 1;
    one_start_well(world);
    assert_int_equal(one_create(world), RC_OK);
    one_send_well(world, batches);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    snapshot_well(world);
    assert_int_equal(stats_of(world).cold_slabs, WINDOWS);
    assert_int_equal(stats_of(world).cold_cache_bytes, 0);
}

static void
close_cold(struct one_stream *world)
{
    world->engine = rc_engine_close(world->engine, false);
    rc_disk_faulty_free(world->disk);
}

/* What is read of cold slabs is given back when nobody uses it, or kept up to the bound. */
static void
test_cold_slabs_answer(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 20);
    one_expect(&world);
    const struct rc_engine_stats after = stats_of(&world);
    assert_true(after.cold_reads > 0 && after.cold_read_bytes > 0);
    assert_int_equal(after.cold_cache_bytes, 0);
    assert_int_equal(after.cold_read_failures, 0);
    one_send_well(&world, 3);
    one_expect(&world);
    /* A start finds them cold again, and another setting hot. */
    assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
    world.engine = rc_engine_close(world.engine, true);
    world.cold_bytes_max = 1 << 20;
    one_start_well(&world);
    assert_true(stats_of(&world).cold_slabs > 0);
    one_expect(&world);
    assert_true(stats_of(&world).cold_cache_bytes > 0);
    const uint64_t reads = stats_of(&world).cold_reads;
    one_expect(&world);
    assert_int_equal(stats_of(&world).cold_reads, reads);
    world.engine = rc_engine_close(world.engine, false);
    world.cold_after_ms = 0;
    one_start_well(&world);
    assert_int_equal(stats_of(&world).cold_slabs, 0);
    one_expect(&world);
    close_cold(&world);
}

/* A project that comes to rest looks for what may leave its dictionaries: what that reads of cold
 * slabs it reads once. */
static void
test_a_sweep_reads_once(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 12);
    assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK); /* It sweeps in the end. */
    const uint64_t reads = stats_of(&world).cold_reads;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
    assert_int_equal(stats_of(&world).cold_reads, reads);
    one_expect(&world);
    close_cold(&world);
}

/* Only windows that ended before the age are cold. */
static void
test_young_windows_stay(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    world.cold_after_ms = (int64_t)36500 * 86400 * 1000;
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 10);
    rc_engine_settle(world.engine);
    snapshot_well(&world);
    assert_int_equal(stats_of(&world).cold_slabs, 0);
    close_cold(&world);
}

/* Late copies replace rows of cold slabs; those are merged, kept and restored, with and without
 * what was read of them. */
static void
test_cold_slabs_live_on(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 6);
    uint64_t random = 7;
    for (uint32_t round = 0; round < 60; round++) {
        one_send_well(&world, (uint32_t)(rig_random(&random) % 4));
        const uint64_t what = rig_random(&random) % 6;
        if (what == 0)
            rc_engine_settle(world.engine);
        if (what == 1)
            assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
        if (what == 2 || what == 3)
            snapshot_well(&world);
        if (what == 4) {
            world.engine = rc_engine_close(world.engine, rig_random(&random) % 2 == 0);
            world.cold_bytes_max = rig_random(&random) % 2 == 0 ? 1 : 1 << 16;
            one_start_well(&world);
        }
        one_expect(&world);
    }
    assert_true(stats_of(&world).cold_slabs > 0);
    close_cold(&world);
}

static double
measured(const struct one_stream *world, enum rc_measure measure)
{
    return rig_measure(world->engine, "shop", measure, 1);
}

/* Asks; fails the test unless the answer is right, or an error that a client can act on. */
static enum rc_status
ask(const struct one_stream *world, enum rc_measure measure, double expected)
{
    double value = -1;
    assert_int_equal(rc_engine_drop_cache(world->engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
    const enum rc_status status = rig_try_measure(world->engine, "shop", measure, 1, &value);
    if (status == RC_OK)
        assert_true(value == expected);
    else
        assert_true(status == RC_UNAVAILABLE || status == RC_CORRUPT);
    return status;
}

/* Every read fails once: that query fails, the next one does not. */
static void
test_any_read_of_a_query_may_fail(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 20);
    const enum rc_measure measures[] = {RC_MEASURE_COUNT, RC_MEASURE_UNIQUE};
    for (uint32_t m = 0; m < 2; m++) {
        const double expected = measured(&world, measures[m]);
        uint64_t n = 1;
        for (bool more = true; more; n++) {
            rc_disk_faulty_fail_at(world.disk, n, RC_IO);
            const enum rc_status status = ask(&world, measures[m], expected);
            more = rc_disk_faulty_calls(world.disk) >= n;
            rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
            assert_int_equal(status, more ? RC_UNAVAILABLE : RC_OK);
            assert_int_equal(ask(&world, measures[m], expected), RC_OK);
        }
        print_message("%llu reads failed\n", (unsigned long long)n - 2);
        assert_true(n > 5);
    }
    assert_true(stats_of(&world).cold_read_failures > 0);
    one_expect(&world);
    close_cold(&world);
}

struct found {
    const char *prefix;
    uint32_t skip;
    char name[PATH_BYTES / 2];
};

static enum rc_status
take_name(void *context, const char *name)
{
    struct found *found = context;
    if (strncmp(name, found->prefix, strlen(found->prefix)) == 0 && found->skip-- == 0)
        (void)snprintf(found->name, sizeof(found->name), "%s", name);
    return RC_OK;
}

/* The path of the index-th slab on disk; false: there are fewer. */
static bool
slab_path(const struct one_stream *world, uint32_t index, char path[2 * PATH_BYTES])
{
    struct rc_disk *disk = rc_disk_faulty_disk(world->disk);
    struct found project = {.prefix = "shop@"};
    struct found slab = {.prefix = "slab-", .skip = index};
    assert_int_equal(rc_disk_list(disk, "/data/projects", take_name, &project, NULL), RC_OK);
    (void)snprintf(path, 2 * PATH_BYTES, "/data/projects/%s", project.name);
    assert_int_equal(rc_disk_list(disk, path, take_name, &slab, NULL), RC_OK);
    (void)snprintf(path, 2 * PATH_BYTES, "/data/projects/%s/%s", project.name, slab.name);
    return slab.name[0] != '\0';
}

/* A session over the project says which file is at fault. */
static void
expect_named(const struct one_stream *world, const char *path)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(
        rc_engine_begin_query(world->engine, RC_BYTES_LITERAL("shop"), NULL, 0, &session, NULL),
        RC_OK);
    struct rc_view *view = rc_query_session_context(session)->view;
    uint32_t count = 0;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    struct rc_error error = {0};
    enum rc_status status = RC_OK;
    (void)slabs;
    for (uint32_t i = 0; i < count && status == RC_OK; i++)
        status = rc_view_use_slab(view, i, RC_SLAB_PARTS_ALL, &error);
    assert_int_equal(status, RC_CORRUPT);
    assert_non_null(strstr(error.message, strrchr(path, '/')));
    assert_int_equal(rc_query_session_check(session, &error), RC_CORRUPT);
    assert_non_null(strstr(error.message, strrchr(path, '/')));
}

/* A bit flips in every part of a slab in turn, and comes back: no query that read it answers. */
static void
test_damage_is_met(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    char path[2 * PATH_BYTES];
    open_cold(&world, 20);
    const double expected = measured(&world, RC_MEASURE_UNIQUE);
    uint32_t met = 0;
    for (uint32_t slab = 0; slab < 6 && slab_path(&world, slab, path); slab++) {
        size_t size = 0;
        (void)rc_disk_faulty_peek(world.disk, path, &size);
        for (uint64_t offset = 640; offset < size; offset += 24) {
            rc_disk_faulty_flip(world.disk, path, offset, 0x10);
            met += ask(&world, RC_MEASURE_UNIQUE, expected) == RC_CORRUPT;
            rc_disk_faulty_flip(world.disk, path, offset, 0x10);
        }
        assert_int_equal(ask(&world, RC_MEASURE_UNIQUE, expected), RC_OK);
    }
    print_message("%u of the flips were met\n", met);
    assert_true(met > 10);
    close_cold(&world);
}

/* A slab's file loses its end. */
static void
test_a_short_file_is_met(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    struct rc_disk *disk = rc_disk_faulty_disk(world.disk);
    char path[2 * PATH_BYTES];
    open_cold(&world, 20);
    const double expected = measured(&world, RC_MEASURE_UNIQUE);
    assert_true(slab_path(&world, 0, path));
    size_t size = 0;
    const void *content = rc_disk_faulty_peek(world.disk, path, &size);
    RC_CLEANUP(rc_alloc_freep) void *copy = rc_alloc(size);
    memcpy(copy, content, size);
    for (size_t left = 0; left < size - 64; left += 1 + size / 40) {
        RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
        assert_int_equal(rc_file_open(disk, path, RC_FILE_READ_WRITE, &file, NULL), RC_OK);
        assert_int_equal(rc_file_truncate(file, left, NULL), RC_OK);
        /* The last columns are not asked for. */
        const enum rc_status status = ask(&world, RC_MEASURE_UNIQUE, expected);
        assert_true(status == RC_CORRUPT || left > size / 2);
        expect_named(&world, path);
        assert_int_equal(rc_file_write_at(file, copy, size, 0, NULL), RC_OK);
        assert_int_equal(ask(&world, RC_MEASURE_UNIQUE, expected), RC_OK);
    }
    close_cold(&world);
}

/* A batch that was refused, and has been logged or not, is taken again once a snapshot stands;
 * false: not before a start, since it was the log that failed. */
static bool
is_taken_again(struct one_stream *world)
{
    struct rc_snapshot_result result;
    one_expect(world);
    if (rc_engine_snapshot(world->engine, &result, NULL) != RC_OK)
        return false;
    return one_send_next(world) == RC_OK;
}

/* Every call of the disk fails once while batches replace rows of cold slabs: what was acknowledged
 * stands, what was refused is taken again without a restart, or after one. */
static void
test_any_call_of_a_batch_may_fail(void **state)
{
    (void)state;
    for (uint32_t restart = 0; restart < 2; restart++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(1)};
        open_cold(&world, 12);
        uint32_t refused = 0;
        uint32_t again = 0;
        uint64_t n = 1;
        for (bool more = true; more; n++) {
            rc_disk_faulty_fail_at(world.disk, n, RC_IO);
            const enum rc_status status = one_send_next(&world);
            more = rc_disk_faulty_calls(world.disk) >= n;
            rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
            refused += status != RC_OK;
            if (status != RC_OK && restart == 0 && is_taken_again(&world)) {
                again++;
            } else if (status != RC_OK) {
                world.engine = rc_engine_close(world.engine, n % 2 == 0);
                one_start_well(&world);
                one_expect(&world);
                atomic_store(&world.acknowledged, one_position(&world));
            }
            one_send_well(&world, 1);
            one_expect(&world);
        }
        print_message("%llu calls failed, %u batches were refused, %u taken without a start\n",
                      (unsigned long long)n - 2, refused, again);
        assert_true(refused > 0 && (restart == 1 || again > refused / 2));
        world.engine = rc_engine_close(world.engine, restart == 0);
        one_start_well(&world);
        one_expect(&world);
        close_cold(&world);
    }
}

/* A slab's ids are damaged for good: batches that meet it are refused, and after the first one
 * before they are logged; all others are taken; and all when the damage is mended. */
static void
test_damage_that_stays(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    static struct rig_content content;
    char path[2 * PATH_BYTES];
    open_cold(&world, 12);
    assert_true(slab_path(&world, 0, path));
    size_t size = 0;
    const void *bytes = rc_disk_faulty_peek(world.disk, path, &size);
    struct rc_slab_header header;
    memcpy(&header, bytes, sizeof(header));
    const struct rc_slab_section *ids = &header.sections[RC_SLAB_IDS - 1];
    for (uint64_t at = 0; at < ids->size; at += 8)
        rc_disk_faulty_flip(world.disk, path, ids->offset + at, 1);
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < 50 && status == RC_OK; i++)
        status = one_send_next(&world);
    assert_int_equal(status, RC_CORRUPT);
    assert_int_equal(one_send_next(&world), RC_UNAVAILABLE);
    snapshot_well(&world);
    /* Not stalled any more, and not let in. */
    struct rc_engine_stats before = stats_of(&world);
    assert_int_equal(one_send_next(&world), RC_CORRUPT);
    assert_int_equal(stats_of(&world).wal_sequence, before.wal_sequence);
    /* Another stream's events without ids meet nothing. */
    rig_content_make(4711, 40, false, &content);
    for (uint32_t i = 0; i < content.event_count; i++)
        content.events[i].id = 0;
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(rig_ingest(world.engine, "shop", "other", i, &content, NULL), RC_OK);
    for (uint64_t at = 0; at < ids->size; at += 8)
        rc_disk_faulty_flip(world.disk, path, ids->offset + at, 1);
    one_send_well(&world, 2);
    const double count = rig_measure(world.engine, "shop", RC_MEASURE_COUNT, UINT32_MAX);
    world.engine = rc_engine_close(world.engine, false);
    one_start_well(&world);
    assert_true(rig_measure(world.engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == count);
    close_cold(&world);
}

/* A start whose log meets what cannot be read says which file it is, and succeeds another time. */
static void
test_any_call_of_a_start_may_fail(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 12);
    one_send_well(&world, 2); /* They are in the log only, and replace what is cold. */
    uint32_t failed = 0;
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        struct rc_error error = {0};
        world.engine = rc_engine_close(world.engine, false);
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
        const enum rc_status status = one_start(&world, &error);
        more = rc_disk_faulty_calls(world.disk) >= n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        if (status != RC_OK) {
            failed++;
            assert_true(error.message[0] != '\0');
            one_start_well(&world);
        }
        if (n % 16 == 0)
            one_expect(&world);
    }
    one_send_well(&world, 1);
    one_expect(&world);
    print_message("%llu calls failed, %u starts with them\n", (unsigned long long)n - 2, failed);
    assert_true(failed > 10);
    close_cold(&world);
}

/* The same for every allocation; a start without memory is tried again. */
static void
test_any_allocation_of_a_start_may_fail(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 12);
    one_send_well(&world, 3);
    uint32_t failed = 0;
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        struct rc_error error = {0};
        world.engine = rc_engine_close(world.engine, false);
        const uint64_t used = rc_account_used(&rc_account_process);
        rc_alloc_fail_at(n);
        const enum rc_status status = one_start(&world, &error);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        if (status != RC_OK) {
            failed++;
            assert_true(status == RC_NO_MEMORY || status == RC_LIMIT_EXCEEDED);
            assert_true(error.message[0] != '\0');
            assert_int_equal(rc_account_used(&rc_account_process), used);
            one_start_well(&world);
        }
        one_expect(&world);
    }
    print_message("%llu allocations failed, %u starts with them\n", (unsigned long long)n - 2,
                  failed);
    assert_true(failed > 10);
    close_cold(&world);
}

/* Every allocation fails once while a query reads cold slabs, and while a batch looks into them. */
static void
test_any_allocation_over_cold_slabs_may_fail(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 12);
    const double expected = measured(&world, RC_MEASURE_UNIQUE);
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        double value = -1;
        assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_try_measure(world.engine, "shop", RC_MEASURE_UNIQUE, 1, &value);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        assert_true(status == RC_OK ? value == expected
                                    : status == RC_NO_MEMORY || status == RC_LIMIT_EXCEEDED);
    }
    print_message("%llu allocations of a query failed\n", (unsigned long long)n - 2);
    assert_true(n > 20);
    uint32_t again = 0;
    uint32_t restarts = 0;
    n = 1;
    for (bool more = true; more; n++) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        static struct rig_content content;
        const uint64_t id = atomic_load(&world.acknowledged) + 1;
        one_content(id, &content);
        const struct rc_batch *batch = rig_batch(arena, &content);
        world.sent = id;
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_ingest_batch(world.engine, "shop", "stream", id, batch, NULL);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        one_expect(&world);
        if (status == RC_OK) {
            atomic_store(&world.acknowledged, id);
            continue;
        }
        snapshot_well(&world);
        again++;
        if (one_send_next(&world) != RC_OK) {
            /* A batch that was applied in part. */
            restarts++;
            world.engine = rc_engine_close(world.engine, n % 2 == 0);
            one_start_well(&world);
            one_expect(&world);
            atomic_store(&world.acknowledged, one_position(&world));
        }
        one_expect(&world);
    }
    print_message("%llu allocations of batches failed, %u batches, %u needed a start\n",
                  (unsigned long long)n - 2, again, restarts);
    assert_true(again > restarts);
    close_cold(&world);
}

/* Every read fails once while cold slabs are merged: they stay as they are, and the next merge
 * succeeds. */
static void
test_any_call_of_a_merge_may_fail(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        struct one_stream world = {.disk = rc_disk_faulty_new(n)};
        open_cold(&world, 12);
        one_send_well(&world, 1);
        rc_engine_settle(world.engine);
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
        const enum rc_status status = rc_engine_compact(world.engine, NULL);
        more = rc_disk_faulty_calls(world.disk) >= n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        assert_true(status == RC_OK || status == RC_UNAVAILABLE);
        one_expect(&world);
        assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
        one_expect(&world);
        close_cold(&world);
    }
    print_message("%llu calls failed\n", (unsigned long long)n - 2);
    assert_true(n > 4);
}

/* Everything of a user, summed; how many items there are. */
static enum rc_status
export_user(const struct one_stream *world, uint64_t *ret_sum, uint32_t *ret_count)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    RC_CLEANUP(rc_export_closep) struct rc_export *export_ = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_error error = {0};
    struct rc_export_item item;
    bool more = true;
    uint32_t count = 0;
    RC_TRY(rc_engine_begin_query(world->engine, RC_BYTES_LITERAL("shop"), NULL, 0, &session, NULL));
    RC_TRY(rc_export_open(rc_query_session_context(session), RC_BYTES_LITERAL("user-1"), &export_,
                          &error));
    for (;;) {
        RC_TRY(rc_export_next(export_, arena, &item, &more, &error));
        if (!more)
            break;
        count++;
        rc_write_u64(&writer, (uint64_t)item.time_ms);
        rc_write_bytes(&writer, item.event_id);
        for (uint32_t i = 0; i < item.property_count; i++) {
            rc_write_bytes(&writer, item.properties[i].name);
            rc_value_write(&writer, item.properties[i].value);
        }
    }
    assert_false(writer.failed);
    *ret_sum = rc_hash(writer.data, writer.size);
    *ret_count = count;
    return RC_OK;
}

/* An export says the same of cold slabs, or that it cannot: its properties and ids are read as it
 * goes. */
static void
test_any_read_of_an_export_may_fail(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 20);
    world.engine = rc_engine_close(world.engine, true);
    world.cold_after_ms = 0;
    one_start_well(&world);
    uint64_t expected = 0;
    uint32_t count = 0;
    assert_int_equal(export_user(&world, &expected, &count), RC_OK);
    assert_true(count > 10);
    world.engine = rc_engine_close(world.engine, false);
    world.cold_after_ms = 1;
    one_start_well(&world);
    assert_int_equal(stats_of(&world).cold_slabs, WINDOWS);
    uint64_t n = 1;
    for (bool more = true; more; n++) {
        uint64_t sum = 0;
        rc_disk_faulty_fail_at(world.disk, n, RC_IO);
        const enum rc_status status = export_user(&world, &sum, &count);
        more = rc_disk_faulty_calls(world.disk) >= n;
        rc_disk_faulty_fail_at(world.disk, 0, RC_OK);
        assert_int_equal(status, more ? RC_UNAVAILABLE : RC_OK);
        assert_true(status != RC_OK || sum == expected);
    }
    print_message("%llu reads failed\n", (unsigned long long)n - 2);
    assert_true(n > 8);
    close_cold(&world);
}

/* No memory at the n-th allocation of a query over cold slabs. */
static void
test_no_memory_to_read(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    open_cold(&world, 12);
    const double expected = measured(&world, RC_MEASURE_UNIQUE);
    for (uint64_t n = 1;; n++) {
        double value = -1;
        assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_try_measure(world.engine, "shop", RC_MEASURE_UNIQUE, 1, &value);
        const bool more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            assert_true(value == expected);
        else
            assert_int_equal(status, RC_NO_MEMORY);
        if (!more)
            break;
    }
    close_cold(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cold_slabs_answer),
        cmocka_unit_test(test_a_sweep_reads_once),
        cmocka_unit_test(test_young_windows_stay),
        cmocka_unit_test(test_cold_slabs_live_on),
        cmocka_unit_test(test_any_read_of_a_query_may_fail),
        cmocka_unit_test(test_damage_is_met),
        cmocka_unit_test(test_a_short_file_is_met),
        cmocka_unit_test(test_any_call_of_a_batch_may_fail),
        cmocka_unit_test(test_damage_that_stays),
        cmocka_unit_test(test_any_call_of_a_start_may_fail),
        cmocka_unit_test(test_any_allocation_of_a_start_may_fail),
        cmocka_unit_test(test_any_allocation_over_cold_slabs_may_fail),
        cmocka_unit_test(test_any_call_of_a_merge_may_fail),
        cmocka_unit_test(test_any_read_of_an_export_may_fail),
        cmocka_unit_test(test_no_memory_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
