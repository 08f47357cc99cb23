/*
 * Users are joined while they are deleted, by several threads at once, beside seals, merges, purges
 * and snapshots. Which of two that meet comes first only the log decides; so what must hold is that
 * every start comes to what the running engine had come to: by replay from any snapshot, after an
 * orderly end and after a power cut.
 *
 * RC_JOIN_ROUNDS and RC_JOIN_SEED choose how many rounds and which.
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
#include "tests/base/environment.h"
#include "tests/face/engine_rig.h"
#include "tests/face/people_rig.h"

#define SHOP RC_BYTES_LITERAL("shop")
#define ROUNDS 4u
#define SENDERS 3u
#define USERS 12u
#define STEPS 80u

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
};

struct sender {
    struct rc_engine *engine;
    uint32_t number;
    uint64_t random;
    uint32_t deleted;
};

static void
start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 15,
        .head_rows_max = 50,
        .replay_group_bytes = 1,
        .window_rows_max = 60,
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static void
user_name(uint64_t user, char name[16])
{
    (void)snprintf(name, 16, "user-%u", (uint32_t)user);
}

/* One step of a thread: a user is deleted, or joined with another, or has events. */
static void
step(struct sender *sender, uint32_t number)
{
    char name[16];
    char other[16];
    char stream[16];
    const uint64_t what = rig_random(&sender->random) % 8;
    struct rc_user_deleted deleted;
    user_name(rig_random(&sender->random) % USERS, name);
    user_name(rig_random(&sender->random) % USERS, other);
    (void)snprintf(stream, sizeof(stream), "stream-%u", sender->number);
    if (what == 0) {
        const enum rc_status status =
            rc_engine_delete_user(sender->engine, SHOP, rc_bytes_of(name), &deleted, NULL);
        assert_true(status == RC_OK || status == RC_NOT_FOUND);
        sender->deleted += status == RC_OK;
        return;
    }
    const bool joins = what < 4 && strcmp(name, other) != 0;
    const struct people_batch batch = {
        .user = name,
        .text = what % 2 == 0 ? name : NULL,
        .alias = joins ? other : NULL,
        .event_count = joins ? 0 : 1 + (uint32_t)(rig_random(&sender->random) % 15),
        .first_id = rig_random(&sender->random) % 2 == 0 ? 0 : 1 + number * 100,
        .stream = stream,
    };
    assert_int_equal(people_send(sender->engine, "shop", number, &batch), RC_OK);
}

static void *
send_steps(void *argument)
{
    struct sender *sender = argument;
    for (uint32_t i = 1; i <= STEPS; i++)
        step(sender, i);
    return NULL;
}

/* What can be seen of who is whom. */
struct seen {
    uint32_t known;
    double events;
    double persons;
    uint32_t events_of[USERS];
};

static struct seen
look(struct world *world)
{
    struct seen seen = {
        .known = people_known(world->engine, "shop"),
        .events = rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX),
        .persons = rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, UINT32_MAX),
    };
    for (uint32_t user = 0; user < USERS; user++) {
        char name[16];
        user_name(user, name);
        seen.events_of[user] = people_events(world->engine, "shop", name);
    }
    return seen;
}

static void
expect(struct world *world, const struct seen *before, const char *when)
{
    const struct seen now = look(world);
    if (now.known != before->known || now.events != before->events ||
        now.persons != before->persons)
        fail_msg("%s: %u users, %.0f events of %.0f persons; before %u, %.0f, %.0f", when,
                 now.known, now.events, now.persons, before->known, before->events,
                 before->persons);
    for (uint32_t user = 0; user < USERS; user++)
        if (now.events_of[user] != before->events_of[user])
            fail_msg("%s: %u events of user-%u, before %u", when, now.events_of[user], user,
                     before->events_of[user]);
}

static void
fail_of_check(void *context, enum rc_finding finding, const char *where, const char *what)
{
    (void)context;
    if (finding == RC_FINDING_PROBLEM)
        fail_msg("%s: %s", where, what);
}

static void
run_beside(struct world *world, uint64_t random)
{
    struct rc_purge_result purged;
    struct rc_snapshot_result snapshot;
    struct rc_check check = {.on_finding = fail_of_check};
    for (uint32_t i = 0; i < 4; i++) {
        if (random % 2 == 0)
            assert_int_equal(rc_engine_purge(world->engine, &purged, NULL), RC_OK);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        if (random / 2 % 2 == 0)
            assert_int_equal(rc_engine_snapshot(world->engine, &snapshot, NULL), RC_OK);
        assert_int_equal(rc_engine_check(world->engine, SHOP, &check, NULL), RC_OK);
    }
}

static uint32_t
run_round(uint64_t seed)
{
    struct world world = {.disk = rc_disk_faulty_new(seed)};
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    uint32_t deleted = 0;
    start(&world);
    rig_create(world.engine, "shop");
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){
            .engine = world.engine, .number = i, .random = seed * 1000003 + i * 7919 + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, send_steps, &senders[i]), 0);
    }
    run_beside(&world, seed);
    for (uint32_t i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        deleted += senders[i].deleted;
    }
    const struct seen seen = look(&world);
    rc_disk_faulty_cut(world.disk);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_reboot(world.disk);
    start(&world);
    expect(&world, &seen, "after a power cut");
    world.engine = rc_engine_close(world.engine, true);
    start(&world);
    expect(&world, &seen, "after a snapshot");
    struct rc_purge_result purged;
    assert_int_equal(rc_engine_purge(world.engine, &purged, NULL), RC_OK);
    expect(&world, &seen, "after a purge");
    world.engine = rc_engine_close(world.engine, false);
    start(&world);
    expect(&world, &seen, "after a purge and a start");
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
    return deleted;
}

static void
test_joined_and_deleted(void **state)
{
    (void)state;
    const uint64_t rounds = test_number("RC_JOIN_ROUNDS", ROUNDS);
    const uint64_t seed = test_number("RC_JOIN_SEED", 1);
    uint64_t deleted = 0;
    for (uint64_t i = 0; i < rounds; i++)
        deleted += run_round(seed + i);
    print_message("seeds %llu to %llu, %llu users were deleted\n", (unsigned long long)seed,
                  (unsigned long long)(seed + rounds - 1), (unsigned long long)deleted);
    assert_true(deleted > rounds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joined_and_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
