/*
 * Dictionaries that fill, are swept and fill again: values turn from cells into texts and back,
 * over heads, slabs, snapshots and replays, and no answer changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/face/engine_state.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define IDS 40u

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct rig_twin twin;
    uint64_t batch_id;
    int64_t amount;
};

static void
world_start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 2,
        .wal_file_bytes = 1 << 16,
        .dictionary_entries_max = 2, /* Of four kinds. */
    };
    assert_int_equal(rc_engine_open(&options, &world->engine, NULL), RC_OK);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(1);
    rig_twin_open(&world->twin);
    world_start(world);
    rig_create(world->engine, "shop");
    *state = world;
    return 0;
}

static int
world_close(void **state)
{
    struct world *world = *state;
    rc_engine_close(world->engine, false);
    rc_disk_faulty_free(world->disk);
    rig_twin_close(&world->twin);
    free(world);
    return 0;
}

/* Events with the ids [first_id, first_id + IDS), of the kinds [kind, kind + kind_count) in turn.
 * An id that was there is replaced. */
static void
send(struct world *world, uint32_t first_id, uint32_t kind, uint32_t kind_count)
{
    static struct rig_content content;
    content.event_count = IDS;
    for (uint32_t i = 0; i < IDS; i++)
        content.events[i] = (struct rig_event){
            .user = (first_id + i) % RIG_USERS,
            .id = first_id + i,
            .kind = kind + i % kind_count,
            .time_ms = RIG_START_MS + (int64_t)i * 1000,
            .amount = world->amount++,
        };
    assert_int_equal(rig_ingest(world->engine, "shop", "s", ++world->batch_id, &content, NULL),
                     RC_OK);
    rig_twin_apply(&world->twin, &content);
    rig_twin_expect(&world->twin, world->engine, "shop");
}

static void
compact(struct world *world)
{
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    rig_twin_expect(&world->twin, world->engine, "shop");
}

static void
restart(struct world *world, bool snapshot)
{
    world->engine = rc_engine_close(world->engine, snapshot);
    world_start(world);
    rig_twin_expect(&world->twin, world->engine, "shop");
}

/* How many kinds the dictionary holds, and how many codes it has given. */
static void
expect_dictionary(struct world *world, uint32_t entries, uint32_t codes)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(world->engine, RC_BYTES_LITERAL("shop"), NULL);
    assert_non_null(tenant);
    rc_project_lock_writer(tenant->project);
    const struct rc_properties *properties = rc_project_event_properties(tenant->project);
    const struct rc_dictionary *kinds = rc_properties_dictionary(
        properties, rc_properties_find(properties, RC_BYTES_LITERAL("kind")));
    const uint32_t entries_found = rc_dictionary_entry_count(kinds);
    const uint32_t codes_found = rc_dictionary_count(kinds);
    rc_project_unlock_writer(tenant->project);
    assert_int_equal(entries_found, entries);
    assert_int_equal(codes_found, codes);
}

static void
test_texts_become_cells(void **state)
{
    struct world *world = *state;
    send(world, 1, 0, 2);
    expect_dictionary(world, 2, 2);
    compact(world);
    send(world, 1, 2, 2); /* Other kinds: texts, of a head that kills what the slab has. */
    expect_dictionary(world, 2, 2);
    restart(world, false);
    compact(world); /* A merge: the first two kinds are in no row any more. */
    expect_dictionary(world, 0, 2);
    for (int i = 0; i < 2; i++) {
        restart(world, i == 0); /* Holes in the state that was stored. */
        expect_dictionary(world, 0, 2);
    }
    send(world, 100, 1, 3);         /* Two become cells, which have been texts in the slab; */
    expect_dictionary(world, 2, 4); /* codes go on behind the holes. */
    restart(world, false);
    compact(world);
    restart(world, true);
    expect_dictionary(world, 2, 4);
    send(world, 100, 0, 4);
    compact(world);
    restart(world, true);
}

/* A dictionary of which half is in use stays as it is. */
static void
test_half_is_kept(void **state)
{
    struct world *world = *state;
    send(world, 1, 0, 2);
    compact(world);
    send(world, 1, 0, 1);
    compact(world);
    expect_dictionary(world, 2, 2);
    send(world, 1, 3, 1);
    compact(world);
    expect_dictionary(world, 0, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts_become_cells, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_half_is_kept, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
