/*
 * Changes of projects by many callers at once: those of different projects wait for nobody, those
 * of one for each other, and each for the one that was asked for under its request id; and each is
 * there or not by itself, whatever fails.
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
#include "engine/face/engine_state.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"
#include "tests/face/held_disk.h"

#define CALLS_MAX 12u

/* A change that a thread of its own asks for. */
struct call {
    struct world *world;
    pthread_t thread;
    bool deletes;
    char project[16];
    char display_name[16];
    char request_id[16]; /* Empty: none. */
    uint64_t version_expected;

    enum rc_status status;
    struct rc_error error;
    uint64_t version; /* That was made. */
};

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
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
}

static void
restart(struct world *world)
{
    world->engine = rc_engine_close(world->engine, false);
    start(world);
}

static struct world *
world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(seed);
    held_disk_wrap(rc_disk_faulty_disk(world->disk), "p1");
    start(world);
    return world;
}

static void
world_free(struct world *world)
{
    held_disk_let_go();
    world->engine = rc_engine_close(world->engine, false);
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

static void
ask(struct call *call)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_asked asked = {.request_id = rc_bytes_of(call->request_id),
                                   .content = call->deletes ? 1 : 2};
    const struct rc_bytes id = rc_bytes_of(call->project);
    const struct rc_project_settings settings = {.id = id,
                                                 .display_name = rc_bytes_of(call->display_name)};
    struct rc_project_settings made = {.version = 0};
    call->status =
        call->deletes
            ? rc_engine_delete_project(call->world->engine, id, call->version_expected, &asked,
                                       &call->error)
            : rc_engine_put_project(call->world->engine, &settings, call->version_expected, &asked,
                                    arena, &made, &call->error);
    call->version = made.version;
}

static void *
ask_in_thread(void *argument)
{
    ask(argument);
    return NULL;
}

/* How many changes are under way, and how many of them wait for those before them. */
static uint32_t
under_way(struct rc_engine *engine, uint32_t *ret_waiting)
{
    uint32_t count = 0;
    *ret_waiting = 0;
    pthread_mutex_lock(&engine->changes);
    for (const struct project_change *at = engine->project_changes; at != NULL; at = at->next) {
        count++;
        *ret_waiting += at->waits;
    }
    pthread_mutex_unlock(&engine->changes);
    return count;
}

/* Has a call made by a thread of its own while syncs are held, and waits until so many wait. */
static struct call *
launch(struct world *world, struct call call, uint32_t waiting)
{
    struct call *made = &world->calls[world->call_count++];
    uint32_t waiting_now = UINT32_MAX;
    assert_true(world->call_count <= CALLS_MAX);
    *made = call;
    made->world = world;
    assert_int_equal(pthread_create(&made->thread, NULL, ask_in_thread, made), 0);
    while (under_way(world->engine, &waiting_now) != world->call_count || waiting_now != waiting)
        rc_clock_sleep_ns(100000);
    return made;
}

static struct call
creation(const char *project, const char *request_id)
{
    struct call call = {.version_expected = 0};
    (void)snprintf(call.project, sizeof(call.project), "%s", project);
    (void)snprintf(call.display_name, sizeof(call.display_name), "%s", "One");
    (void)snprintf(call.request_id, sizeof(call.request_id), "%s", request_id);
    return call;
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

/* 0: there is none. */
static uint64_t
version_of(struct world *world, const char *project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_settings settings = {.version = 0};
    const enum rc_status status =
        rc_engine_get_project(world->engine, rc_bytes_of(project), arena, &settings, NULL);
    assert_true(status == RC_OK || status == RC_NOT_FOUND);
    return status == RC_OK ? settings.version : 0;
}

/* ---- tests ---- */

/* While the first waits for the disk, none of the others waits for it; and readers do not wait. */
static void
test_projects_wait_for_nobody(void **state)
{
    struct world *world = *state;
    char name[16];
    held_disk_hold();
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "p%u", i);
        (void)launch(world, creation(name, ""), 0);
        assert_int_equal(version_of(world, name), 0); /* Not durable, so nobody sees it. */
    }
    let_go(world);
    for (uint32_t again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < CALLS_MAX; i++) {
            (void)snprintf(name, sizeof(name), "p%u", i);
            assert_int_equal(world->calls[i].status, RC_OK);
            assert_int_equal(version_of(world, name), 1);
        }
        restart(world);
    }
}

/* Each change of a project is checked against those before it, in the order in which they came. */
static void
test_changes_of_one_project(void **state)
{
    struct world *world = *state;
    struct call update = creation("a", "");
    struct call removal = {.deletes = true, .project = "a", .version_expected = 2};
    held_disk_hold();
    const struct call *create = launch(world, creation("a", ""), 0);
    const struct call *again = launch(world, creation("a", ""), 1);
    update.version_expected = 1;
    const struct call *changed = launch(world, update, 2);
    const struct call *late = launch(world, update, 3);
    const struct call *other = launch(world, creation("b", ""), 3);
    removal.version_expected = 1;
    const struct call *stale = launch(world, removal, 4);
    removal.version_expected = 2;
    const struct call *gone = launch(world, removal, 5);
    const struct call *anew = launch(world, creation("a", ""), 6);
    let_go(world);
    assert_int_equal(create->status, RC_OK);
    assert_int_equal(again->status, RC_EXISTS);
    assert_string_equal(again->error.field, "project");
    assert_int_equal(changed->status, RC_OK);
    assert_int_equal(changed->version, 2);
    assert_int_equal(late->status, RC_CONFLICT);
    assert_string_equal(late->error.field, "etag");
    assert_int_equal(other->status, RC_OK);
    assert_int_equal(stale->status, RC_CONFLICT);
    assert_int_equal(gone->status, RC_OK);
    assert_int_equal(anew->status, RC_OK);
    assert_int_equal(anew->version, 1);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(version_of(world, "a"), 1);
        assert_int_equal(version_of(world, "b"), 1);
        restart(world);
    }
}

/* A change that is asked for again while the first is on its way is made once, and what else comes
 * under its id is refused, of whatever project. */
static void
test_a_retry_meets_the_first(void **state)
{
    struct world *world = *state;
    held_disk_hold();
    const struct call *first = launch(world, creation("a", "r"), 0);
    const struct call *second = launch(world, creation("a", "r"), 1);
    struct call removal = {
        .deletes = true, .project = "b", .request_id = "r", .version_expected = UINT64_MAX};
    const struct call *wrong = launch(world, removal, 2);
    const struct call *other = launch(world, creation("c", "s"), 2);
    let_go(world);
    assert_int_equal(first->status, RC_OK);
    assert_int_equal(second->status, RC_OK);
    assert_int_equal(second->version, 1);
    assert_int_equal(wrong->status, RC_INVALID);
    assert_string_equal(wrong->error.field, "request_id");
    assert_int_equal(other->status, RC_OK);
    removal = (struct call){
        .world = world, .deletes = true, .project = "a", .version_expected = UINT64_MAX};
    ask(&removal);
    assert_int_equal(removal.status, RC_OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct call late = creation("a", "r");
        late.world = world;
        ask(&late);
        assert_int_equal(late.status, RC_OK);
        assert_int_equal(late.version, 1);
        assert_int_equal(version_of(world, "a"), 0);
        assert_int_equal(version_of(world, "c"), 1);
        restart(world);
    }
}

/* The record of one finds no space: what waited for it goes on as if it had not been. */
static void
test_no_space(void **state)
{
    struct world *world = *state;
    held_disk_hold();
    (void)launch(world, creation("p0", ""), 0);
    while (!held_disk_waits()) /* Else the next one may be written together with it. */
        rc_clock_sleep_ns(100000);
    const struct call *failed = launch(world, creation("p1", "r"), 0);
    const struct call *again = launch(world, creation("p1", "r"), 1);
    held_disk_fail_write(RC_NO_SPACE);
    let_go(world);
    assert_int_equal(failed->status, RC_NO_SPACE);
    assert_int_equal(again->status, RC_OK);
    assert_int_equal(again->version, 1);
    restart(world);
    assert_int_equal(version_of(world, "p0"), 1);
    assert_int_equal(version_of(world, "p1"), 1);
}

/* The power goes at some call: what was answered is there, and retries make what is not. */
static void
test_power_cuts(void **state)
{
    (void)state;
    uint32_t kept = 0;
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world *world = world_new(seed);
        char name[16], id[16];
        held_disk_hold();
        for (uint32_t i = 0; i < 9; i++) {
            (void)snprintf(name, sizeof(name), "p%u", i % 6);
            (void)snprintf(id, sizeof(id), "r%u", i % 6);
            (void)launch(world, creation(name, id), i < 6 ? 0 : i - 5);
        }
        rc_disk_faulty_cut_at(world->disk, 1 + seed % 6);
        let_go(world);
        world->engine = rc_engine_close(world->engine, false);
        rc_disk_faulty_reboot(world->disk);
        start(world);
        for (uint32_t i = 0; i < 9; i++) {
            struct call *call = &world->calls[i];
            const uint64_t there = version_of(world, call->project);
            kept += there == 1;
            lost += there == 0;
            assert_true(call->status != RC_OK || there == 1);
            ask(call);
            assert_int_equal(call->status, RC_OK);
            assert_int_equal(call->version, 1);
            assert_int_equal(version_of(world, call->project), 1);
        }
        world_free(world);
    }
    assert_true(kept > 0 && lost > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_projects_wait_for_nobody), TEST(test_changes_of_one_project),
        TEST(test_a_retry_meets_the_first),  TEST(test_no_space),
        cmocka_unit_test(test_power_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
