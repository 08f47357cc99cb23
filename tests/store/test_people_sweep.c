/*
 * People without those who were deleted: who is left has what they had, the others' ids and texts
 * are nowhere, memory is less; and whoever looks, writes or deletes meanwhile does not notice.
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

#include "engine/intake/apply.h"
#include "engine/intake/remove.h"
#include "engine/store/sweep/people_sweep.h"
#include "tests/store/slab_rig.h"

#define SEED 77u
#define NAMES 120u
#define PROPERTIES 3u
#define VALUES 400u

/* Somebody, and what was written of them, the older values too. */
struct somebody {
    bool exists;
    bool joined;                 /* With the neighbour: the name with the other last bit. */
    uint32_t latest[PROPERTIES]; /* A value; 0: none. */
    int64_t latest_ms[PROPERTIES];
    bool written[PROPERTIES][VALUES];
};

struct world {
    struct rc_project *project;
    uint64_t sequence;
    uint64_t random;
    struct somebody people[NAMES];
};

static struct rc_bytes
text_of(char text[32], const char *format, uint32_t number)
{
    const int size = snprintf(text, 32, format, number);
    return (struct rc_bytes){text, (size_t)size};
}

static uint32_t
below(struct world *world, uint32_t limit)
{
    return (uint32_t)(rig_random(&world->random) % limit);
}

static void
world_open(struct world *world, uint64_t seed)
{
    memset(world, 0, sizeof(*world));
    world->random = seed;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"), .version = 1};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, 100, &world->project), RC_OK);
}

static void
apply(struct world *world, const struct rc_batch *batch)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_applied applied;
    world->sequence++;
    assert_int_equal(rc_apply_batch(world->project, RC_BYTES_LITERAL("stream"), world->sequence,
                                    batch, world->sequence, arena, &applied, NULL),
                     RC_OK);
}

/* Writes a value of a property of a name, at a time that may lie before the last. */
static void
write_value(struct world *world, uint32_t name, uint32_t property, uint32_t value)
{
    static const uint32_t user = 0;
    static const uint32_t code = 1;
    char name_text[32];
    char property_text[32];
    char value_text[32];
    const struct rc_bytes id = text_of(name_text, "name-%u", name);
    const int64_t time_ms = below(world, 50);
    const struct rc_value values[] = {
        rc_value_string(text_of(value_text, "a value, number %u", value))};
    const struct rc_batch_column column = {
        .name = text_of(property_text, "property-%u", property),
        .value_count = 1,
        .values = values,
        .code_width = 4,
        .codes = (const unsigned char *)&code,
    };
    const struct rc_batch batch = {.writes = {
                                       .row_count = 1,
                                       .user_count = 1,
                                       .users = &id,
                                       .user_codes = (const unsigned char *)&user,
                                       .times_ms = (const unsigned char *)&time_ms,
                                       .column_count = 1,
                                       .columns = &column,
                                   }};
    apply(world, &batch);
    struct somebody *at = &world->people[name];
    if (!at->exists)
        *at = (struct somebody){.exists = true};
    at->written[property][value] = true;
    if (at->latest[property] == 0 || time_ms >= at->latest_ms[property]) {
        at->latest[property] = value;
        at->latest_ms[property] = time_ms;
    }
}

static void
join(struct world *world, uint32_t name)
{
    char texts[2][32];
    const struct rc_bytes left = text_of(texts[0], "name-%u", name);
    const struct rc_bytes right = text_of(texts[1], "name-%u", name ^ 1);
    const struct rc_batch batch = {.alias_count = 1, .alias_left = &left, .alias_right = &right};
    apply(world, &batch);
    for (uint32_t i = 0; i < 2; i++) {
        struct somebody *at = &world->people[name ^ i];
        if (!at->exists)
            *at = (struct somebody){.exists = true};
        at->joined = true;
    }
}

static void delete (struct world *world, uint32_t name)
{
    char text[32];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_removed removed = {0};
    struct somebody *at = &world->people[name];
    const bool both = at->joined;
    const enum rc_status status = rc_remove_user(world->project, text_of(text, "name-%u", name), 1,
                                                 ++world->sequence, arena, &removed);
    assert_int_equal(status, at->exists ? RC_OK : RC_NOT_FOUND);
    assert_int_equal(removed.users, at->exists ? 1 + both : 0);
    *at = (struct somebody){0};
    if (both)
        world->people[name ^ 1] = (struct somebody){0};
}

static void
step(struct world *world)
{
    const uint32_t name = below(world, NAMES);
    const uint32_t choice = below(world, 20);
    if (choice == 0)
        join(world, name);
    else if (choice < 5)
        delete (world, name);
    else
        write_value(world, name, below(world, PROPERTIES), 1 + below(world, VALUES - 1));
}

/* The latest value of a person: of joined names the later one's, whoever wrote it. */
static void
expect_latest(struct world *world, struct rc_view *view, uint32_t name, uint32_t property)
{
    const struct somebody *at = &world->people[name];
    const struct somebody *other = at->joined ? &world->people[name ^ 1] : at;
    const struct rc_properties *properties = rc_view_user_properties(view);
    char text[32];
    const uint32_t place = rc_properties_find(properties, text_of(text, "property-%u", property));
    const rc_cell *cells = NULL;
    if (place == RC_PROPERTY_NONE)
        return;
    const uint32_t user = rc_view_find_user(view, text_of(text, "name-%u", name));
    assert_int_equal(rc_view_user_cells(view, place, INT64_MAX, &cells), RC_OK);
    const rc_cell cell = cells[rc_view_person_of(view, user)];
    if (at->latest[property] == 0 && other->latest[property] == 0) {
        assert_true(cell == 0);
        return;
    }
    assert_int_equal(rc_cell_kind_of(cell), RC_CELL_CODE);
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_value value;
    assert_int_equal(
        rc_cell_value(rc_properties_dictionary(properties, place), cell, arena, &value), RC_OK);
    const struct rc_bytes own = text_of(text, "a value, number %u", at->latest[property]);
    const bool is_own = rc_bytes_equal(value.string, own);
    const bool is_other =
        rc_bytes_equal(value.string, text_of(text, "a value, number %u", other->latest[property]));
    assert_true(is_own || is_other);
    if (at->latest[property] == 0 || other->latest[property] == 0)
        return;
    const bool later = other->latest_ms[property] > at->latest_ms[property];
    if (other->latest_ms[property] != at->latest_ms[property])
        assert_true(later ? is_other : is_own);
}

static void
expect(struct world *world)
{
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(world->project, NULL, &view), RC_OK);
    uint32_t count = 0;
    for (uint32_t name = 0; name < NAMES; name++) {
        const struct somebody *at = &world->people[name];
        char text[32];
        const struct rc_bytes id = text_of(text, "name-%u", name);
        const uint32_t user = rc_view_find_user(view, id);
        count += at->exists;
        assert_int_equal(user != RC_CODE_NONE, at->exists);
        if (!at->exists)
            continue;
        assert_true(rc_bytes_equal(rc_view_user_id(view, user), id));
        for (uint32_t property = 0; property < PROPERTIES; property++)
            expect_latest(world, view, name, property);
        if (!at->joined)
            continue;
        const uint32_t neighbour = rc_view_find_user(view, text_of(text, "name-%u", name ^ 1));
        assert_int_equal(rc_view_person_of(view, user), rc_view_person_of(view, neighbour));
    }
    assert_int_equal(rc_view_live_user_count(view), count);
    const struct rc_dictionary *ids = rc_people_ids(rc_view_people(view));
    assert_int_equal(rc_dictionary_check(ids, rc_view_user_count(view), NULL), RC_OK);
}

/* The ids and texts in memory are those of who exists, all values that they ever had. */
static void
expect_nothing_else(struct world *world)
{
    const struct rc_people *people = rc_project_people(world->project);
    const struct rc_dictionary *ids = rc_people_ids(people);
    char text[32];
    for (uint32_t code = 0; code < rc_dictionary_count(ids); code++) {
        if (!rc_dictionary_has(ids, code))
            continue;
        uint32_t name = 0;
        while (name < NAMES &&
               !rc_bytes_equal(rc_dictionary_key(ids, code), text_of(text, "name-%u", name)))
            name++;
        assert_true(name < NAMES && world->people[name].exists);
    }
    const struct rc_properties *properties = rc_people_properties(people);
    for (uint32_t property = 0; property < PROPERTIES; property++) {
        const uint32_t place =
            rc_properties_find(properties, text_of(text, "property-%u", property));
        bool written[VALUES] = {false};
        uint32_t count = 0;
        for (uint32_t name = 0; name < NAMES; name++)
            for (uint32_t value = 1; value < VALUES; value++)
                written[value] |= world->people[name].written[property][value];
        for (uint32_t value = 1; value < VALUES; value++)
            count += written[value];
        if (place != RC_PROPERTY_NONE)
            assert_int_equal(rc_dictionary_entry_count(rc_properties_dictionary(properties, place)),
                             count);
    }
}

static enum rc_status
sweep(struct world *world)
{
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(world->project);
    return rc_project_sweep_people(world->project, version->gone, NULL, NULL);
}

static void
test_who_is_left(void **state)
{
    (void)state;
    static struct world world;
    print_message("seed %u\n", SEED);
    for (uint32_t round = 0; round < 8; round++) {
        world_open(&world, SEED + round);
        for (uint32_t i = 0; i < 900; i++) {
            step(&world);
            if (i % 150 != 149)
                continue;
            expect(&world);
            assert_int_equal(sweep(&world), RC_OK);
            expect(&world);
            expect_nothing_else(&world);
            RC_CLEANUP(rc_version_unrefp)
            struct rc_version *version = rc_project_pin_version(world.project);
            assert_null(version->gone);
        }
        rc_project_unref(world.project);
    }
}

/* Who looks keeps what they saw; memory is less when they are done. */
static void
test_a_view_from_before(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, SEED);
    for (uint32_t name = 0; name < NAMES; name++)
        for (uint32_t i = 0; i < 30; i++)
            write_value(&world, name, i % PROPERTIES, 1 + below(&world, VALUES - 1));
    RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
    assert_int_equal(rc_project_view(world.project, NULL, &view), RC_OK);
    char text[32];
    const uint32_t user = rc_view_find_user(view, text_of(text, "name-%u", 5));
    for (uint32_t name = 0; name < NAMES; name++)
        if (name % 10 != 0)
            delete (&world, name);
    const struct rc_account *account = rc_project_account_of(world.project, RC_MEMORY_USERS);
    const uint64_t before = rc_account_used(account);
    assert_int_equal(sweep(&world), RC_OK);
    expect(&world);
    expect_nothing_else(&world);
    assert_true(rc_account_used(account) > before); /* Both are there. */
    assert_true(rc_bytes_equal(rc_view_user_id(view, user), text_of(text, "name-%u", 5)));
    const rc_cell *cells = NULL;
    assert_int_equal(rc_view_user_cells(view, 0, INT64_MAX, &cells), RC_OK);
    assert_int_equal(rc_cell_kind_of(cells[user]), RC_CELL_CODE);
    const struct rc_dictionary *values = rc_properties_dictionary(rc_view_user_properties(view), 0);
    assert_true(rc_dictionary_key(values, rc_cell_code(cells[user])).size > 0);
    view = rc_view_release(view);
    print_message("%llu bytes, then %llu\n", (unsigned long long)before,
                  (unsigned long long)rc_account_used(account));
    assert_true(rc_account_used(account) < before / 2);
    /* What comes again is new. */
    for (uint32_t i = 0; i < 300; i++)
        step(&world);
    expect(&world);
    rc_project_unref(world.project);
}

static void
test_no_memory_or_cancelled(void **state)
{
    (void)state;
    static struct world world;
    world_open(&world, SEED);
    for (uint32_t i = 0; i < 600; i++)
        step(&world);
    const _Atomic(bool) cancel = true;
    RC_CLEANUP(rc_version_unrefp)
    struct rc_version *version = rc_project_pin_version(world.project);
    assert_non_null(version->gone);
    assert_int_equal(rc_project_sweep_people(world.project, version->gone, &cancel, NULL),
                     RC_CANCELLED);
    expect(&world);
    uint64_t n = 0;
    enum rc_status status = RC_NO_MEMORY;
    while (status == RC_NO_MEMORY) {
        rc_alloc_fail_at(++n);
        status = rc_project_sweep_people(world.project, version->gone, NULL, NULL);
        rc_alloc_fail_at(0);
        expect(&world);
    }
    assert_int_equal(status, RC_OK);
    assert_true(n > 20);
    expect_nothing_else(&world);
    version = rc_version_unref(version);
    rc_project_unref(world.project);
}

/* ---- beside everything else ---- */

struct sweeper {
    struct world *world;
    _Atomic(bool) stop;
    uint32_t sweeps;
};

static void *
sweep_all(void *argument)
{
    struct sweeper *sweeper = argument;
    do { /* Once at least, however late the thread begins: somebody is gone by then. */
        RC_CLEANUP(rc_version_unrefp)
        struct rc_version *version = rc_project_pin_version(sweeper->world->project);
        sweeper->sweeps += version->gone != NULL;
        assert_int_equal(
            rc_project_sweep_people(sweeper->world->project, version->gone, NULL, NULL), RC_OK);
    } while (!atomic_load(&sweeper->stop));
    return NULL;
}

static void *
look_all(void *argument)
{
    struct sweeper *sweeper = argument;
    uint64_t sum = 0;
    do {
        RC_CLEANUP(rc_view_releasep) struct rc_view *view = NULL;
        assert_int_equal(rc_project_view(sweeper->world->project, NULL, &view), RC_OK);
        const uint32_t count = rc_view_user_count(view);
        const struct rc_properties *properties = rc_view_user_properties(view);
        for (uint32_t user = 0; user < count; user++)
            sum += rc_view_user_id(view, user).size;
        struct rc_user_write write;
        for (uint32_t i = 0; rc_view_user_write(view, i, &write); i++)
            assert_true(rc_dictionary_key(rc_properties_dictionary(properties, write.property),
                                          rc_cell_code(write.cell))
                            .size > 0);
    } while (!atomic_load(&sweeper->stop));
    assert_true(sum > 0);
    return NULL;
}

static void
test_beside_everything_else(void **state)
{
    (void)state;
    static struct world world;
    struct sweeper sweeper = {.world = &world};
    pthread_t threads[2];
    world_open(&world, SEED + 100);
    for (uint32_t i = 0; i < 100; i++)
        step(&world);
    assert_int_equal(pthread_create(&threads[0], NULL, sweep_all, &sweeper), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, look_all, &sweeper), 0);
    for (uint32_t i = 0; i < 6000; i++) {
        step(&world);
        if (i % 200 == 0)
            expect(&world);
    }
    atomic_store(&sweeper.stop, true);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect(&world);
    assert_int_equal(sweep(&world), RC_OK);
    expect(&world);
    expect_nothing_else(&world);
    print_message("%u sweeps\n", sweeper.sweeps);
    assert_true(sweeper.sweeps > 0);
    rc_project_unref(world.project);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_left),
        cmocka_unit_test(test_a_view_from_before),
        cmocka_unit_test(test_no_memory_or_cancelled),
        cmocka_unit_test(test_beside_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
