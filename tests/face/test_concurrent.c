/*
 * Everything at once: two threads ingest, two ask, one snapshots and compacts, one changes
 * definitions and projects. While it goes on, answers only grow; afterwards, and after a replay,
 * they are exact.
 *
 * Each ingesting thread has users of its own, so that what it sent stands whatever the others did
 * meanwhile.
 */
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
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define LIVES 6u
#define BATCHES 120u /* Of a thread in a life. */
#define INGESTERS 2u

struct world {
    struct rc_disk *disk;
    struct rc_engine *engine;
    struct rig_twin twins[INGESTERS];
    uint64_t batch_ids[INGESTERS];
    _Atomic(uint64_t) acknowledged; /* Live events. */
    _Atomic(uint32_t) definitions_won;
    _Atomic(bool) stop;
    bool temporary_exists;
    uint64_t life;
};

struct ingester {
    struct world *world;
    uint32_t index;
};

static void
content_of(uint32_t thread, uint64_t batch_id, struct rig_content *content)
{
    rig_content_make(thread * 50000 + batch_id, 100, false, content);
    for (uint32_t i = 0; i < content->event_count; i++)
        content->events[i].user =
            content->events[i].user % (RIG_USERS / INGESTERS) + thread * (RIG_USERS / INGESTERS);
    for (uint32_t i = 0; i < content->write_count; i++)
        content->writes[i].user =
            content->writes[i].user % (RIG_USERS / INGESTERS) + thread * (RIG_USERS / INGESTERS);
}

static void *
ingest(void *argument)
{
    struct ingester *ingester = argument;
    struct world *world = ingester->world;
    struct rig_twin *twin = &world->twins[ingester->index];
    struct rig_content *content = malloc(sizeof(*content));
    char stream[16];
    (void)snprintf(stream, sizeof(stream), "stream-%u", ingester->index);
    for (uint32_t i = 0; i < BATCHES; i++) {
        const uint64_t id = ++world->batch_ids[ingester->index];
        const size_t before = twin->event_count;
        struct rc_ingest_result result = {0};
        content_of(ingester->index, id, content);
        const enum rc_status status =
            rig_ingest(world->engine, "shop", stream, id, content, &result);
        const uint64_t replaced = rig_twin_apply(twin, content);
        if (status != RC_OK || result.duplicate || result.replaced != replaced)
            fail_msg("batch %llu of thread %u: status %d, replaced %llu, expected %llu",
                     (unsigned long long)id, ingester->index, (int)status,
                     (unsigned long long)result.replaced, (unsigned long long)replaced);
        atomic_fetch_add(&world->acknowledged, twin->event_count - before);
    }
    free(content);
    return NULL;
}

static void *
ask(void *argument)
{
    struct world *world = argument;
    double last = 0;
    while (!atomic_load(&world->stop)) {
        const double least = (double)atomic_load(&world->acknowledged);
        const double count = rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX);
        if (count < least || count < last)
            fail_msg("%g events, acknowledged were %g, the last answer was %g", count, least, last);
        last = count;
        double kinds = 0;
        for (uint32_t kind = 0; kind < 4; kind++)
            kinds += rig_measure(world->engine, "shop", RC_MEASURE_COUNT, kind) >= 0;
        assert_true(kinds == 4);
    }
    return NULL;
}

static void *
keep(void *argument)
{
    struct world *world = argument;
    while (!atomic_load(&world->stop)) {
        struct rc_snapshot_result result;
        struct rc_error error = {0};
        if (rc_engine_snapshot(world->engine, &result, &error) != RC_OK)
            fail_msg("snapshot: %s", error.message);
        if (rc_engine_compact(world->engine, &error) != RC_OK)
            fail_msg("compact: %s", error.message);
    }
    return NULL;
}

static void
tell(void *context, enum rc_finding finding, const char *where, const char *what)
{
    (void)context;
    (void)finding;
    fail_msg("check: %s: %s", where, what);
}

/* Checks all the while, and makes a backup now and then, in which nothing is wrong either. */
static void *
look_after(void *argument)
{
    struct world *world = argument;
    struct rc_check check = {.on_finding = tell};
    for (uint32_t i = 0; !atomic_load(&world->stop); i++) {
        struct rc_error error = {0};
        if (rc_engine_check(world->engine, (struct rc_bytes){0}, &check, &error) != RC_OK)
            fail_msg("check: %s", error.message);
        char path[64];
        struct rc_backup backup;
        struct rc_snapshot_result result;
        const struct rc_backup_options options = {.directory = path};
        (void)snprintf(path, sizeof(path), "/backup-%llu-%u", (unsigned long long)world->life, i);
        if (i < 5 && rc_engine_backup(world->engine, &options, &backup, &result, &error) != RC_OK)
            fail_msg("backup: %s", error.message);
        const struct rc_engine_options copy = {
            .disk = world->disk, .directory = path, .worker_count = 1};
        if (i < 5 && rc_engine_check_directory(&copy, &check, &error) != RC_OK)
            fail_msg("check of a backup: %s", error.message);
    }
    return NULL;
}

/* Makes and deletes a project, and the definition that another thread wants to make too. */
static void *
change(void *argument)
{
    struct world *world = argument;
    while (!atomic_load(&world->stop)) {
        if (world->temporary_exists)
            assert_int_equal(rc_engine_delete_project(world->engine, RC_BYTES_LITERAL("temporary"),
                                                      UINT64_MAX, NULL, NULL),
                             RC_OK);
        else
            rig_create(world->engine, "temporary");
        world->temporary_exists = !world->temporary_exists;
    }
    return NULL;
}

static void *
define(void *argument)
{
    struct world *world = argument;
    for (uint32_t i = 0; i < 30; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "d-%llu-%u", (unsigned long long)world->life, i);
        const enum rc_status status = rig_define(world->engine, "shop", name, i % 4, 0, NULL);
        if (status == RC_OK)
            atomic_fetch_add(&world->definitions_won, 1);
        else if (status != RC_EXISTS)
            fail_msg("definition %s: status %d", name, (int)status);
    }
    return NULL;
}

static void
expect(struct world *world)
{
    struct rig_twin all;
    rig_twin_open(&all);
    for (uint32_t t = 0; t < INGESTERS; t++) {
        const struct rig_twin *twin = &world->twins[t];
        const uint32_t first = t * (RIG_USERS / INGESTERS);
        all.events =
            realloc(all.events, (all.event_count + twin->event_count + 1) * sizeof(all.events[0]));
        if (twin->event_count > 0)
            memcpy(all.events + all.event_count, twin->events,
                   twin->event_count * sizeof(all.events[0]));
        all.event_count += twin->event_count;
        for (uint32_t user = first; user < first + RIG_USERS / INGESTERS; user++) {
            all.plans[user] = twin->plans[user];
            all.plan_times_ms[user] = twin->plan_times_ms[user];
        }
    }
    rig_twin_expect(&all, world->engine, "shop");
    rig_twin_close(&all);
    double ignored;
    assert_int_equal(
        rig_try_measure(world->engine, "temporary", RC_MEASURE_COUNT, UINT32_MAX, &ignored),
        world->temporary_exists ? RC_OK : RC_NOT_FOUND);
}

static void
start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = world->disk,
        .directory = "/data",
        .worker_count = 2,
        .wal_file_bytes = 1 << 18,
        .head_rows_max = 700,
        .window_rows_max = world->life % 4 < 2 ? 500 : 0,
        .dictionary_entries_max = 2, /* Of four kinds. */
        /* In every second life what was kept is read from disk, and hardly any of it stays. */
        .cold_after_ms = world->life % 2,
        .cold_bytes_max = 1 << 14,
        /* All is applied by the log's thread, all beside it, some here and some there. */
        .small_record_bytes = world->life % 3 == 0   ? 0
                              : world->life % 3 == 1 ? 1
                                                     : 2048,
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static void
live(struct world *world)
{
    pthread_t threads[INGESTERS + 7];
    struct ingester ingesters[INGESTERS];
    atomic_store(&world->stop, false);
    for (uint32_t t = 0; t < INGESTERS; t++) {
        ingesters[t] = (struct ingester){world, t};
        assert_int_equal(pthread_create(&threads[t], NULL, ingest, &ingesters[t]), 0);
    }
    void *(*const others[])(void *) = {ask, ask, keep, change, define, define, look_after};
    for (uint32_t i = 0; i < 7; i++)
        assert_int_equal(pthread_create(&threads[INGESTERS + i], NULL, others[i], world), 0);
    for (uint32_t t = 0; t < INGESTERS; t++)
        pthread_join(threads[t], NULL);
    atomic_store(&world->stop, true);
    for (uint32_t i = 0; i < 7; i++)
        pthread_join(threads[INGESTERS + i], NULL);
}

static void
test_everything_at_once(void **state)
{
    (void)state;
    struct world *world = calloc(1, sizeof(*world));
    struct rc_disk_faulty *disk = rc_disk_faulty_new(1);
    world->disk = rc_disk_faulty_disk(disk);
    for (uint32_t t = 0; t < INGESTERS; t++)
        rig_twin_open(&world->twins[t]);
    for (uint32_t life = 0; life < LIVES; life++) {
        world->life = life;
        start(world);
        if (life == 0)
            rig_create(world->engine, "shop");
        expect(world);
        live(world);
        expect(world);
        assert_int_equal(atomic_load(&world->definitions_won), (life + 1) * 30);
        world->engine = rc_engine_close(world->engine, false);
    }
    start(world);
    expect(world);
    rc_engine_close(world->engine, true);
    for (uint32_t t = 0; t < INGESTERS; t++)
        rig_twin_close(&world->twins[t]);
    rc_disk_faulty_free(disk);
    free(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
