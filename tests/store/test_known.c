/*
 * Who is known as of a time, of a project that changes at random (slabs come and are merged, rows
 * die, users are written of, joined, deleted and purged), against a naive walk over all that there
 * is. Each state is asked one to three times, so that what the project keeps is made, used, and
 * passed by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store/project/project.h"
#include "engine/store/sweep/people_sweep.h"
#include "tests/base/environment.h"
#include "tests/store/slab_rig.h"

#define SEED 31u
#define ROUNDS 600u
#define USERS_MAX 300u
#define EVENTS_MAX 20000u
#define WRITES_MAX 4000u
#define SPAN_MS (3 * RC_WINDOW_MS)
#define IN_HEAD UINT64_MAX

struct event {
    int64_t time_ms;
    uint64_t slab; /* Its id, or IN_HEAD. */
    uint32_t user;
    uint32_t number; /* Its id. */
    uint32_t chunk;  /* In the head. */
    uint32_t row;
    bool dead;
};

struct world {
    struct rc_project *project;
    uint64_t random;
    uint32_t user_count;
    uint32_t event_count;
    uint32_t write_count;
    uint32_t purged;
    uint32_t person[USERS_MAX];
    bool gone[USERS_MAX];
    struct event events[EVENTS_MAX];
    struct {
        int64_t time_ms;
        uint32_t user;
    } writes[WRITES_MAX];
};

static void
ok(enum rc_status status)
{
    assert_int_equal(status, RC_OK);
}

static uint32_t
below(struct world *world, uint32_t limit)
{
    return (uint32_t)(rig_random(&world->random) % limit);
}

/* Times of all windows; mostly later ones for later users, as they come. */
static int64_t
random_time(struct world *world, uint32_t user)
{
    const int64_t first_ms = SPAN_MS / USERS_MAX * user;
    return below(world, 4) == 0 ? below(world, 1000) * (SPAN_MS / 1000)
                                : first_ms + below(world, 1000) * ((SPAN_MS - first_ms) / 1000);
}

static void
add_users(struct world *world)
{
    char text[16];
    uint32_t code;
    for (uint32_t i = below(world, 8); i > 0 && world->user_count < USERS_MAX; i--) {
        const int size = snprintf(text, sizeof(text), "u%u", world->user_count);
        ok(rc_dictionary_intern(rc_people_ids(rc_project_people(world->project)),
                                (struct rc_bytes){text, (size_t)size}, &code));
        assert_int_equal(code, world->user_count);
        world->person[code] = code;
        world->user_count++;
    }
}

/* A user who is there, or USERS_MAX. */
static uint32_t
random_user(struct world *world)
{
    const uint32_t user = world->user_count == 0 ? USERS_MAX : below(world, world->user_count);
    return user == USERS_MAX || world->gone[user] ? USERS_MAX : user;
}

static void
add_writes(struct world *world)
{
    for (uint32_t i = below(world, 6); i > 0 && world->write_count < WRITES_MAX; i--) {
        const uint32_t user = random_user(world);
        if (user == USERS_MAX)
            continue;
        const struct rc_user_write write = {.time_ms = random_time(world, user), .user = user};
        ok(rc_people_add_write(rc_project_people(world->project), &write));
        world->writes[world->write_count].user = user;
        world->writes[world->write_count++].time_ms = write.time_ms;
    }
}

static void
add_alias(struct world *world)
{
    const struct rc_alias alias = {random_user(world), random_user(world)};
    if (alias.a == USERS_MAX || alias.b == USERS_MAX)
        return;
    const uint32_t a = world->person[alias.a];
    const uint32_t b = world->person[alias.b];
    ok(rc_people_add_alias(rc_project_people(world->project), alias));
    for (uint32_t user = 0; user < world->user_count; user++)
        if (world->person[user] == a || world->person[user] == b)
            world->person[user] = a < b ? a : b;
}

/* A slab of the live events that are marked (slab 0), of one window. */
static void
add_slab(struct world *world, struct rc_version *draft, int64_t window_ms)
{
    static uint32_t users[EVENTS_MAX];
    static int64_t times_ms[EVENTS_MAX];
    static struct rc_event_id ids[EVENTS_MAX];
    struct rc_row_source source = {.users = users, .times_ms = times_ms, .ids = ids};
    const uint64_t id = rc_project_next_slab_id(world->project);
    for (uint32_t i = 0; i < world->event_count; i++) {
        struct event *event = &world->events[i];
        if (event->slab != 0 || event->dead)
            continue;
        event->slab = id;
        users[source.row_count] = event->user;
        times_ms[source.row_count] = event->time_ms;
        ids[source.row_count++] =
            (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = event->number};
    }
    if (source.row_count == 0)
        return;
    struct rc_slab *slab;
    const struct rc_slab_source sources[1] = {{.rows = &source}};
    ok(rc_slab_build(sources, 1, rc_window_longest(window_ms), NULL,
                     rc_project_account(world->project), NULL, &slab, NULL));
    ok(rc_version_add_slab(draft, slab, id, NULL));
    rc_slab_unref(slab);
}

static void
add_events(struct world *world, struct rc_version *draft)
{
    const int64_t window_ms = below(world, 3) * RC_WINDOW_MS;
    for (uint32_t i = below(world, 200); i > 0 && world->event_count < EVENTS_MAX; i--) {
        const uint32_t user = random_user(world);
        const int64_t time_ms = user == USERS_MAX ? -1 : random_time(world, user);
        if (time_ms < window_ms || time_ms >= window_ms + RC_WINDOW_MS)
            continue;
        world->events[world->event_count] =
            (struct event){.time_ms = time_ms, .user = user, .number = world->event_count};
        world->event_count++;
    }
    add_slab(world, draft, window_ms);
}

static void
add_head_row(struct world *world)
{
    const uint32_t user = random_user(world);
    struct rc_head *head = rc_project_version(world->project)->heads[0].head;
    struct rc_head_room room;
    struct rc_head_place replaced[1];
    uint32_t replaced_count;
    if (user == USERS_MAX || world->event_count == EVENTS_MAX)
        return;
    struct event *event = &world->events[world->event_count];
    *event = (struct event){.time_ms = random_time(world, user),
                            .slab = IN_HEAD,
                            .user = user,
                            .number = world->event_count};
    ok(rc_head_make_room(head, 1, 0, &room));
    room.users[0] = user;
    room.times_ms[0] = event->time_ms;
    room.ids[0] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = event->number};
    const uint64_t hash = rc_event_id_hash(user, &room.ids[0]);
    ok(rc_head_commit(head, &room, &hash, replaced, &replaced_count));
    event->chunk = room.chunk;
    event->row = room.first;
    world->event_count++;
}

/* The row of an event in its slab. */
static uint32_t
row_of(const struct rc_slab *slab, const struct event *event)
{
    const uint32_t rows = rc_slab_get_info(slab)->row_count;
    for (uint32_t row = 0; row < rows; row++)
        if (rc_slab_event_id(slab, row).number == event->number)
            return row;
    fail();
    return 0;
}

static void
kill(struct rc_version *draft, struct event *event)
{
    bool newly;
    if (event->dead)
        return;
    event->dead = true;
    if (event->slab == IN_HEAD) {
        ok(rc_version_kill_head_row(draft, 0, event->chunk, event->row, &newly));
        return;
    }
    const uint32_t slab = rc_version_find_slab(draft, event->slab);
    ok(rc_version_kill_slab_row(draft, slab, row_of(draft->slabs[slab].slab, event), &newly));
}

static void
kill_some(struct world *world, struct rc_version *draft)
{
    for (uint32_t i = below(world, 5); i > 0 && world->event_count > 0; i--)
        kill(draft, &world->events[below(world, world->event_count)]);
}

/* A slab's first rows are those that say since when somebody is known. */
static void
kill_first(struct world *world, struct rc_version *draft)
{
    struct event *first = NULL;
    const uint32_t user = random_user(world);
    for (uint32_t i = 0; i < world->event_count; i++)
        if (world->events[i].user == user && !world->events[i].dead &&
            (first == NULL || world->events[i].time_ms < first->time_ms))
            first = &world->events[i];
    if (first != NULL)
        kill(draft, first);
}

/* All slabs of a window become one, without their dead rows. */
static void
merge(struct world *world, struct rc_version *draft, int64_t window_ms)
{
    for (uint32_t i = draft->slab_count; i > 0; i--) {
        const uint64_t id = draft->slabs[i - 1].id;
        if (rc_slab_get_info(draft->slabs[i - 1].slab)->window_start_ms != window_ms)
            continue;
        for (uint32_t e = 0; e < world->event_count; e++)
            if (world->events[e].slab == id)
                world->events[e].slab = 0;
        rc_version_remove_slab(draft, i - 1);
    }
    add_slab(world, draft, window_ms);
}

/* Whether the person of a user has rows in the head, which is never sealed here. */
static bool
has_head_rows(const struct world *world, uint32_t user)
{
    for (uint32_t i = 0; i < world->event_count; i++)
        if (world->events[i].slab == IN_HEAD &&
            world->person[world->events[i].user] == world->person[user])
            return true;
    return false;
}

/* The person of a user is deleted. */
static void
delete_person(struct world *world, struct rc_version *draft)
{
    const uint32_t chosen = random_user(world);
    uint32_t users[USERS_MAX];
    uint32_t count = 0;
    struct rc_gone *gone;
    if (chosen == USERS_MAX || has_head_rows(world, chosen))
        return;
    for (uint32_t user = 0; user < world->user_count; user++) {
        if (world->person[user] != world->person[chosen])
            continue;
        users[count++] = user;
        rc_dictionary_forget(rc_people_ids(rc_project_people(world->project)), user);
        world->gone[user] = true;
        for (uint32_t i = 0; i < world->event_count; i++)
            if (world->events[i].user == user)
                kill(draft, &world->events[i]);
    }
    ok(rc_gone_with(draft->gone, users, count, rc_project_account(world->project), &gone));
    rc_gone_unref(draft->gone);
    draft->gone = gone;
}

static void
change(struct world *world)
{
    struct rc_version *draft;
    rc_project_lock_writer(world->project);
    add_users(world);
    add_writes(world);
    if (below(world, 8) == 0)
        add_alias(world);
    if (below(world, 8) == 0) {
        add_head_row(world);
        rc_project_publish(world->project, NULL, 1);
    }
    ok(rc_version_draft(rc_project_version(world->project), &draft));
    switch (below(world, 12)) {
    case 0:
    case 1:
        add_events(world, draft);
        break;
    case 2:
        kill_some(world, draft);
        break;
    case 3:
        kill_first(world, draft);
        break;
    case 4:
        merge(world, draft, below(world, 3) * RC_WINDOW_MS);
        break;
    case 5:
        if (below(world, 3) == 0)
            delete_person(world, draft);
        break;
    default:
        draft = rc_version_unref(draft);
        break;
    }
    rc_project_publish(world->project, draft, 1);
    rc_project_unlock_writer(world->project);
}

static bool
naive_knows(const struct world *world, uint32_t person, int64_t as_of_ms)
{
    if (world->person[person] != person || world->gone[person])
        return false;
    for (uint32_t i = 0; i < world->event_count; i++)
        if (world->person[world->events[i].user] == person && !world->events[i].dead &&
            world->events[i].time_ms <= as_of_ms)
            return true;
    for (uint32_t i = 0; i < world->write_count; i++)
        if (world->person[world->writes[i].user] == person && world->writes[i].time_ms <= as_of_ms)
            return true;
    return false;
}

static void
check(struct world *world, int64_t as_of_ms)
{
    uint64_t words[USERS_MAX / 64 + 1] = {0};
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    ok(rc_project_view(world->project, rc_project_account(world->project), &view));
    assert_int_equal(rc_view_user_count(view), world->user_count);
    ok(rc_view_known_persons(view, as_of_ms, words));
    for (uint32_t user = 0; user < USERS_MAX; user++) {
        const bool expected = user < world->user_count && naive_knows(world, user, as_of_ms);
        assert_int_equal(words[user / 64] >> (user % 64) & 1, expected);
    }
}

/* People without the deleted take their place. */
static void
purge(struct world *world)
{
    struct rc_version *draft;
    rc_project_lock_writer(world->project);
    ok(rc_version_draft(rc_project_version(world->project), &draft));
    for (uint32_t window = 0; window < 3; window++)
        merge(world, draft, window * RC_WINDOW_MS);
    rc_project_publish(world->project, draft, 1);
    struct rc_gone *gone = rc_gone_ref(rc_project_version(world->project)->gone);
    rc_project_unlock_writer(world->project);
    world->purged += gone != NULL;
    check(world, SPAN_MS);
    check(world, SPAN_MS); /* Now it is kept. */
    ok(rc_project_sweep_people(world->project, gone, NULL, NULL));
    rc_gone_unref(gone);
    for (uint32_t i = 0; i < 10; i++) { /* As many writes come as were left out. */
        rc_project_lock_writer(world->project);
        add_users(world);
        add_writes(world);
        rc_project_publish(world->project, NULL, 1);
        rc_project_unlock_writer(world->project);
        check(world, SPAN_MS);
    }
}

static void
against_a_naive_walk(void **state)
{
    static struct world world;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("known"), .version = 1};
    (void)state;
    world.random = SEED;
    print_message("seed %u\n", SEED);
    ok(rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &world.project));
    const uint32_t rounds = test_rounds(ROUNDS);
    for (uint32_t round = 0; round < rounds; round++) {
        change(&world);
        if (below(&world, 40) == 0)
            purge(&world);
        for (uint32_t i = below(&world, 4); i > 0; i--)
            check(&world,
                  below(&world, 5) == 0 ? INT64_MAX : below(&world, 1000) * (SPAN_MS / 1000));
    }
    assert_true(world.purged > 0);
    rc_project_unref(world.project);
}

static void
write_one(struct world *world, uint32_t user)
{
    const struct rc_user_write write = {.time_ms = 1, .user = user};
    uint32_t code;
    ok(rc_dictionary_intern(rc_people_ids(rc_project_people(world->project)),
                            user == 0 ? RC_BYTES_LITERAL("a") : RC_BYTES_LITERAL("b"), &code));
    assert_int_equal(code, user);
    ok(rc_people_add_write(rc_project_people(world->project), &write));
    world->person[user] = user;
    world->user_count++;
    world->writes[world->write_count].user = user;
    world->writes[world->write_count++].time_ms = write.time_ms;
}

/* Both are known by a write alone: the one of the first is in what is kept. */
static void
one_comes_as_another_is_deleted(void **state)
{
    static struct world world;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("known"), .version = 1};
    struct rc_version *draft;
    (void)state;
    ok(rc_project_new(&settings, &rc_account_process, RC_HEAD_ROWS_MAX, &world.project));
    rc_project_lock_writer(world.project);
    write_one(&world, 0);
    rc_project_publish(world.project, NULL, 1);
    rc_project_unlock_writer(world.project);
    for (uint32_t i = 0; i < 3; i++)
        check(&world, SPAN_MS);
    rc_project_lock_writer(world.project);
    ok(rc_version_draft(rc_project_version(world.project), &draft));
    while (!world.gone[0])
        delete_person(&world, draft);
    write_one(&world, 1);
    rc_project_publish(world.project, draft, 2);
    rc_project_unlock_writer(world.project);
    check(&world, SPAN_MS);
    rc_project_unref(world.project);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_comes_as_another_is_deleted),
        cmocka_unit_test(against_a_naive_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
