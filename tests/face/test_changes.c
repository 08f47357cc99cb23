/*
 * Changes of entries by many callers at once: those that come during a sync of the log share the
 * next, each is checked against those before it, and together they are there or not, whatever
 * fails.
 *
 * The disk's syncs can be held, so that a test says which changes wait for which sync.
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

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"
#include "engine/match/predicate/definitions.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"
#include "tests/face/held_disk.h"

#define SHOP RC_BYTES_LITERAL("shop")
#define CALLS_MAX 24u

/* A change that a thread of its own asks for. */
struct call {
    struct world *world;
    pthread_t thread;
    enum rc_record_kind kind;
    char name[16];
    char names[16];      /* The definition that it names; empty: none. */
    char request_id[16]; /* Empty: none. */
    uint64_t version_expected;
    size_t description_bytes;

    enum rc_status status;
    struct rc_error error;
    uint64_t version; /* That was made. */
};

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct tenant *shop;
    uint32_t call_count;
    struct call calls[CALLS_MAX];
};

static void
start(struct world *world)
{
    const struct rc_engine_options options = {.disk = rc_disk_faulty_disk(world->disk),
                                              .directory = "/data",
                                              .worker_count = 1,
                                              .wal_file_bytes = 1 << 16};
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
    world->shop = rc_tenant_find(world->engine, SHOP, NULL);
}

static void
stop(struct world *world)
{
    world->shop = rc_tenant_unref(world->shop);
    world->engine = rc_engine_close(world->engine, false);
}

static struct world *
world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(seed);
    held_disk_wrap(rc_disk_faulty_disk(world->disk), "d1");
    start(world);
    rig_create(world->engine, "shop");
    world->shop = rc_tenant_find(world->engine, SHOP, NULL);
    return world;
}

static void
world_free(struct world *world)
{
    held_disk_let_go();
    stop(world);
    rc_disk_faulty_free(world->disk);
    free(world);
}

static int
world_open(void **state)
{
    *state = world_new(7);
    return 0;
}

static int
world_close(void **state)
{
    world_free(*state);
    return 0;
}

/* ---- calls ---- */

/* Events of a kind, or what another definition selects. */
static struct rc_bytes
payload_of(struct rc_arena *arena, const struct call *call)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const struct rc_predicate named = {.kind = RC_PREDICATE_DEFINITION,
                                       .definition = rc_bytes_of(call->names)};
    if (call->names[0] == '\0')
        return rig_definition_payload(arena, 1);
    rc_predicate_write(&writer, &named);
    return (struct rc_bytes){rc_arena_copy(arena, writer.data, writer.size), writer.size};
}

static void
ask(struct call *call)
{
    static char text[RC_DESCRIPTION_BYTES_MAX];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_asked asked = {.request_id = rc_bytes_of(call->request_id)};
    struct rc_engine *engine = call->world->engine;
    struct rc_catalog_entry made = {.version = 0};
    uint32_t failed = 0;
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(call->name),
        .description = {memset(text, 'x', sizeof(text)), call->description_bytes},
        .payload = payload_of(arena, call),
    };
    if (call->kind == RC_RECORD_ENTRY_REMOVE)
        call->status = rc_engine_delete_entry(engine, SHOP, RC_CATALOG_DEFINITIONS, entry.name,
                                              call->version_expected, false, &asked, &call->error);
    else if (call->kind == RC_RECORD_ENTRIES_PUT)
        call->status = rc_engine_create_entries(engine, SHOP, RC_CATALOG_DEFINITIONS, &entry, 1,
                                                &asked, arena, &made, &failed, &call->error);
    else
        call->status =
            rc_engine_put_entry(engine, SHOP, RC_CATALOG_DEFINITIONS, &entry,
                                call->version_expected, &asked, arena, &made, &call->error);
    call->version = made.version;
}

static void *
ask_in_thread(void *argument)
{
    ask(argument);
    return NULL;
}

/* How many wait behind the round that is made. */
static uint32_t
waiting_count(struct tenant *tenant)
{
    uint32_t count = 0;
    pthread_mutex_lock(&tenant->changes.lock);
    for (const struct change *at = tenant->changes.first; at != NULL; at = at->next)
        count++;
    pthread_mutex_unlock(&tenant->changes.lock);
    return count;
}

static bool
is_round_made(struct tenant *tenant)
{
    pthread_mutex_lock(&tenant->changes.lock);
    const bool made = tenant->changes.taken;
    pthread_mutex_unlock(&tenant->changes.lock);
    return made && held_disk_waits();
}

/* Has a call made by a thread of its own. The first is a round, whose sync is held; the others wait
 * in the order in which they are launched. */
static struct call *
launch(struct world *world, struct call call)
{
    struct call *made = &world->calls[world->call_count];
    assert_true(world->call_count < CALLS_MAX);
    *made = call;
    made->world = world;
    assert_int_equal(pthread_create(&made->thread, NULL, ask_in_thread, made), 0);
    while (!is_round_made(world->shop) || waiting_count(world->shop) != world->call_count)
        rc_clock_sleep_ns(100000);
    world->call_count++;
    return made;
}

static struct call *
launch_create(struct world *world, const char *name)
{
    struct call call = {.kind = RC_RECORD_ENTRY_PUT};
    (void)snprintf(call.name, sizeof(call.name), "%s", name);
    return launch(world, call);
}

/* Lets the syncs go, and waits until all calls are answered. */
static void
let_go(struct world *world)
{
    held_disk_let_go();
    for (uint32_t i = 0; i < world->call_count; i++)
        assert_int_equal(pthread_join(world->calls[i].thread, NULL), 0);
    world->call_count = 0;
}

static uint64_t
version_of(struct world *world, const char *name)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    struct rc_catalog_entry entry = {.version = 0};
    assert_int_equal(rc_engine_catalog(world->engine, SHOP, RC_CATALOG_DEFINITIONS, &catalog, NULL),
                     RC_OK);
    (void)rc_catalog_find(catalog, rc_bytes_of(name), &entry);
    return entry.version;
}

static uint64_t
records(struct world *world)
{
    struct rc_engine_stats stats;
    rc_engine_get_stats(world->engine, &stats);
    return stats.wal_sequence;
}

/* ---- tests ---- */

static void
test_a_sync_is_shared(void **state)
{
    struct world *world = *state;
    char name[16];
    const uint64_t before = records(world);
    held_disk_hold();
    (void)launch_create(world, "first");
    const uint32_t syncs_before = held_disk_syncs();
    for (uint32_t i = 1; i < CALLS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%u", i);
        (void)launch_create(world, name);
    }
    assert_int_equal(version_of(world, "first"), 0); /* Not durable, so nobody sees it. */
    let_go(world);
    assert_int_equal(records(world), before + 2);
    assert_true(held_disk_syncs() - syncs_before < 6); /* Two, and some of a log at rest. */
    for (uint32_t again = 0; again < 2; again++) {
        for (uint32_t i = 1; i < CALLS_MAX; i++) {
            (void)snprintf(name, sizeof(name), "d%u", i);
            assert_int_equal(version_of(world, name), 1);
        }
        assert_int_equal(version_of(world, "first"), 1);
        stop(world);
        start(world);
    }
}

/* Each is checked against those before it that share its record. */
static void
test_changes_build_on_each_other(void **state)
{
    struct world *world = *state;
    held_disk_hold();
    (void)launch_create(world, "first");
    const struct call *create = launch_create(world, "a");
    const struct call *user =
        launch(world, (struct call){.kind = RC_RECORD_ENTRIES_PUT, .name = "b", .names = "a"});
    const struct call *again = launch_create(world, "a");
    const struct call *update = launch(
        world, (struct call){.kind = RC_RECORD_ENTRY_PUT, .name = "a", .version_expected = 1});
    const struct call *late = launch(
        world, (struct call){.kind = RC_RECORD_ENTRY_PUT, .name = "a", .version_expected = 1});
    const struct call *circle = launch(
        world, (struct call){
                   .kind = RC_RECORD_ENTRY_PUT, .name = "a", .names = "b", .version_expected = 2});
    const struct call *used =
        launch(world, (struct call){.kind = RC_RECORD_ENTRY_REMOVE, .name = "a"});
    const struct call *stale = launch(
        world, (struct call){.kind = RC_RECORD_ENTRY_REMOVE, .name = "b", .version_expected = 2});
    const struct call *gone =
        launch(world, (struct call){.kind = RC_RECORD_ENTRY_REMOVE, .name = "b"});
    const struct call *free_now =
        launch(world, (struct call){.kind = RC_RECORD_ENTRY_REMOVE, .name = "a"});
    const struct call *missing =
        launch(world, (struct call){.kind = RC_RECORD_ENTRY_PUT, .name = "c", .names = "a"});
    const struct call *anew = launch_create(world, "a");
    const uint64_t before = records(world);
    let_go(world);
    assert_int_equal(records(world), before + 2);
    assert_int_equal(create->status, RC_OK);
    assert_int_equal(user->status, RC_OK);
    assert_int_equal(again->status, RC_EXISTS);
    assert_string_equal(again->error.field, "name");
    assert_int_equal(update->status, RC_OK);
    assert_int_equal(update->version, 2);
    assert_int_equal(late->status, RC_CONFLICT);
    assert_string_equal(late->error.field, "etag");
    assert_int_equal(circle->status, RC_INVALID);
    assert_int_equal(used->status, RC_CONFLICT);
    assert_non_null(strstr(used->error.message, "is used by the definition \"b\""));
    assert_int_equal(stale->status, RC_CONFLICT);
    assert_int_equal(gone->status, RC_OK);
    assert_int_equal(free_now->status, RC_OK);
    assert_int_equal(missing->status, RC_NOT_FOUND);
    assert_int_equal(anew->status, RC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(version_of(world, "a"), 1);
        assert_int_equal(version_of(world, "b"), 0);
        assert_int_equal(version_of(world, "c"), 0);
        stop(world);
        start(world);
    }
}

/* A change that is asked for again while the first is on its way is made once. */
static void
test_a_retry_meets_the_first(void **state)
{
    struct world *world = *state;
    const struct call update = {.kind = RC_RECORD_ENTRY_PUT,
                                .name = "a",
                                .request_id = "r",
                                .version_expected = UINT64_MAX};
    const struct call removal = {.kind = RC_RECORD_ENTRY_REMOVE, .name = "c", .request_id = "s"};
    held_disk_hold();
    (void)launch_create(world, "a");
    (void)launch_create(world, "c");
    const struct call *first = launch(world, update);
    const struct call *second = launch(world, update);
    const struct call *removed = launch(world, removal);
    const struct call *again = launch(world, removal);
    (void)launch_create(world, "d");
    let_go(world);
    assert_int_equal(first->status, RC_OK);
    assert_int_equal(second->status, RC_OK);
    assert_int_equal(first->version, 2);
    assert_int_equal(second->version, 2);
    assert_int_equal(removed->status, RC_OK);
    assert_int_equal(again->status, RC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct call once_more = update;
        once_more.world = world;
        ask(&once_more);
        assert_int_equal(once_more.status, RC_OK);
        assert_int_equal(once_more.version, 2);
        assert_int_equal(version_of(world, "a"), 2);
        assert_int_equal(version_of(world, "c"), 0);
        assert_int_equal(version_of(world, "d"), 1);
        stop(world);
        start(world);
    }
}

/* What would make a record large goes into the next. */
static void
test_large_changes_part(void **state)
{
    struct world *world = *state;
    char name[16];
    held_disk_hold();
    (void)launch_create(world, "first");
    const uint64_t before = records(world);
    for (uint32_t i = 1; i < 12; i++) {
        struct call call = {.kind = RC_RECORD_ENTRY_PUT,
                            .description_bytes = RC_DESCRIPTION_BYTES_MAX};
        (void)snprintf(call.name, sizeof(call.name), "d%u", i);
        (void)launch(world, call);
    }
    let_go(world);
    const uint64_t each = RC_CHANGES_LOGGED_BYTES_MAX / RC_DESCRIPTION_BYTES_MAX;
    assert_true(records(world) - before > 1 + 11 / (each + 1));
    assert_true(each < 2 || records(world) - before < 12);
    for (uint32_t i = 1; i < 12; i++) {
        (void)snprintf(name, sizeof(name), "d%u", i);
        assert_int_equal(version_of(world, name), 1);
    }
}

/* A call of the disk fails under a round: none of its changes is there, and all of their callers
 * are told why. after_start: whether they are there then, all or none. */
static void
fail_round(struct world *world, enum rc_status expected, bool after_start)
{
    char name[16];
    held_disk_hold();
    (void)launch_create(world, "first");
    for (uint32_t i = 1; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "d%u", i);
        (void)launch_create(world, name);
    }
    let_go(world);
    assert_int_equal(world->calls[0].status, RC_OK);
    for (uint32_t i = 1; i < 9; i++) {
        assert_int_equal(world->calls[i].status, expected);
        assert_int_equal(version_of(world, world->calls[i].name), 0);
    }
    held_disk_fail_sync(RC_OK);
    stop(world);
    start(world);
    assert_int_equal(version_of(world, "first"), 1);
    for (uint32_t i = 1; i < 9; i++)
        assert_int_equal(version_of(world, world->calls[i].name), after_start);
}

/* Nothing of the record is in the log; the next change is. */
static void
test_no_space(void **state)
{
    struct world *world = *state;
    struct call *call = &world->calls[1];
    held_disk_fail_write(RC_NO_SPACE);
    fail_round(world, RC_NO_SPACE, false);
    ask(call);
    assert_int_equal(call->status, RC_OK);
    assert_int_equal(version_of(world, call->name), 1);
}

/* The log takes no more until a start, which finds what was written. */
static void
test_a_failed_sync(void **state)
{
    struct world *world = *state;
    struct call *call = &world->calls[1];
    held_disk_fail_sync(RC_IO);
    fail_round(world, RC_UNAVAILABLE, true);
    ask(call);
    assert_int_equal(call->status, RC_EXISTS);
}

/* The power goes at some call: a record is there whole or not, and retries make what is not. */
static void
test_power_cuts(void **state)
{
    (void)state;
    uint32_t kept = 0;
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world *world = world_new(seed);
        held_disk_hold();
        for (uint32_t i = 0; i < 9; i++) {
            struct call call = {.kind = RC_RECORD_ENTRY_PUT};
            (void)snprintf(call.name, sizeof(call.name), "d%u", i);
            (void)snprintf(call.request_id, sizeof(call.request_id), "r%u", i);
            (void)launch(world, call);
        }
        rc_disk_faulty_cut_at(world->disk, 1 + seed % 10);
        let_go(world);
        stop(world);
        rc_disk_faulty_reboot(world->disk);
        start(world);
        const uint64_t there = version_of(world, "d1");
        kept += there == 1;
        lost += there == 0;
        for (uint32_t i = 0; i < 9; i++) {
            struct call *call = &world->calls[i];
            assert_true(i == 0 || version_of(world, call->name) == there);
            assert_true(call->status != RC_OK || version_of(world, call->name) == 1);
            ask(call);
            assert_int_equal(call->status, RC_OK);
            assert_int_equal(call->version, 1);
            assert_int_equal(version_of(world, call->name), 1);
        }
        world_free(world);
    }
    assert_true(kept > 0 && lost > 0);
}

static void *
delete_project(void *argument)
{
    struct world *world = argument;
    assert_int_equal(rc_engine_delete_project(world->engine, SHOP, UINT64_MAX, NULL, NULL), RC_OK);
    return NULL;
}

/* What was checked in a project does not get into the next one of its id. */
static void
test_the_project_goes(void **state)
{
    struct world *world = *state;
    pthread_t thread;
    held_disk_hold();
    (void)launch_create(world, "a");
    assert_int_equal(pthread_create(&thread, NULL, delete_project, world), 0);
    const struct call *late = launch_create(world, "b");
    let_go(world);
    pthread_join(thread, NULL);
    assert_true(late->status == RC_OK || late->status == RC_NOT_FOUND);
    assert_true(late->status == RC_OK || strcmp(late->error.field, "project") == 0);
    rig_create(world->engine, "shop");
    assert_int_equal(version_of(world, "a"), 0);
    assert_int_equal(version_of(world, "b"), 0);
    world->shop = rc_tenant_unref(world->shop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_sync_is_shared),
        TEST(test_changes_build_on_each_other),
        TEST(test_a_retry_meets_the_first),
        TEST(test_large_changes_part),
        TEST(test_no_space),
        TEST(test_a_failed_sync),
        cmocka_unit_test(test_power_cuts),
        TEST(test_the_project_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
