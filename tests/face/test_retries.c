/*
 * Versions and retries in a whole engine: what entries were is there after every kind of start; a
 * change that is asked for again under its request id is made once and answered alike, whatever
 * became of what it made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/face/upkeep.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define SHOP RC_BYTES_LITERAL("shop")

struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct rc_arena *arena;
};

static void
start(struct world *world, const char *directory)
{
    const struct rc_engine_options options = {.disk = rc_disk_faulty_disk(world->disk),
                                              .directory = directory,
                                              .worker_count = 1,
                                              .wal_file_bytes = 1 << 16};
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(7);
    world->arena = rc_arena_new(NULL, 0);
    start(world, "/data");
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
    rc_arena_free(world->arena);
    free(world);
    return 0;
}

/* The ways in which a state may come back. */
enum way { AS_IT_IS, FROM_THE_LOG, FROM_A_SNAPSHOT, FROM_BOTH, FROM_A_BACKUP, WAYS };

static void
come_back(struct world *world, enum way way)
{
    struct rc_snapshot_result result;
    struct rc_backup backup;
    if (way == AS_IT_IS)
        return;
    if (way == FROM_BOTH) {
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        const enum rc_status status = rig_define(world->engine, "shop", "behind", 0, 0, NULL);
        assert_true(status == RC_OK || status == RC_EXISTS);
    }
    if (way == FROM_A_BACKUP) {
        const struct rc_backup_options options = {.directory = "/backup"};
        assert_int_equal(rc_engine_backup(world->engine, &options, &backup, &result, NULL), RC_OK);
        world->engine = rc_engine_close(world->engine, false);
        assert_int_equal(rc_engine_restore_backup(rc_disk_faulty_disk(world->disk), "/backup",
                                                  "/restored", &backup, NULL),
                         RC_OK);
        start(world, "/restored");
        return;
    }
    world->engine = rc_engine_close(world->engine, way == FROM_A_SNAPSHOT);
    start(world, "/data");
}

static void
expect_sound(struct world *world)
{
    struct rc_check check = {.on_finding = NULL};
    assert_int_equal(rc_engine_check(world->engine, (struct rc_bytes){0}, &check, NULL), RC_OK);
    assert_int_equal(check.counts.problems, 0);
}

static struct rc_catalog *
definitions(struct world *world)
{
    struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_engine_catalog(world->engine, SHOP, RC_CATALOG_DEFINITIONS, &catalog, NULL),
                     RC_OK);
    return catalog;
}

/* Of definition "d"; 0: there is none. */
static void
expect_version(struct world *world, uint64_t version)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = definitions(world);
    struct rc_catalog_entry entry = {.version = 0};
    (void)rc_catalog_find(catalog, RC_BYTES_LITERAL("d"), &entry);
    assert_int_equal(entry.version, version);
}

/* ---- versions ---- */

static void
test_versions_come_back(void **state)
{
    struct world *world = *state;
    const struct rc_bytes name = RC_BYTES_LITERAL("d");
    static const char *const authors[] = {"ada", "", "grace"};
    int64_t times[3] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        const struct rc_asked asked = {.author = rc_bytes_of(authors[i])};
        struct rc_catalog_entry made;
        assert_int_equal(
            rig_define_asked(world->engine, "shop", "d", i, i, &asked, world->arena, &made, NULL),
            RC_OK);
        assert_int_equal(made.version, i + 1);
        assert_true(rc_bytes_equal(made.author, asked.author));
        times[i] = made.updated_ms;
    }
    for (enum way way = AS_IT_IS; way < WAYS; way++) {
        come_back(world, way);
        expect_sound(world);
        RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = definitions(world);
        for (uint32_t i = 0; i < 3; i++) {
            struct rc_catalog_entry version;
            assert_true(rc_catalog_find_version(catalog, name, i + 1, &version));
            assert_true(rc_bytes_equal(version.payload, rig_definition_payload(world->arena, i)));
            assert_true(rc_bytes_equal(version.author, rc_bytes_of(authors[i])));
            assert_int_equal(version.updated_ms, times[i]);
            assert_int_equal(version.created_ms, times[0]);
        }
        expect_version(world, 3);
    }
    assert_int_equal(rc_engine_delete_entry(world->engine, SHOP, RC_CATALOG_DEFINITIONS, name, 3,
                                            false, NULL, NULL),
                     RC_OK);
    assert_int_equal(rig_define(world->engine, "shop", "d", 7, 0, NULL), RC_OK);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = definitions(world);
    assert_false(rc_catalog_find_version(catalog, name, 2, NULL));
    expect_version(world, 1);
}

static void
test_who_asks_is_checked(void **state)
{
    struct world *world = *state;
    static char text[RC_AUTHOR_BYTES_MAX + RC_REQUEST_ID_BYTES_MAX];
    memset(text, 'x', sizeof(text));
    const struct {
        struct rc_asked asked;
        const char *field;
    } cases[] = {
        {{.author = {text, RC_AUTHOR_BYTES_MAX + 1}}, "author"},
        {{.author = RC_BYTES_LITERAL("\xff")}, "author"},
        {{.request_id = {text, RC_REQUEST_ID_BYTES_MAX + 1}}, "request_id"},
        {{.request_id = RC_BYTES_LITERAL("\xff")}, "request_id"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_error error = {0};
        assert_int_equal(rig_define_asked(world->engine, "shop", "d", 1, 0, &cases[i].asked,
                                          world->arena, NULL, &error),
                         RC_INVALID);
        assert_string_equal(error.field, cases[i].field);
    }
    const struct rc_asked longest = {.author = {text, RC_AUTHOR_BYTES_MAX},
                                     .request_id = {text, RC_REQUEST_ID_BYTES_MAX}};
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 1, 0, &longest, world->arena, NULL, NULL),
        RC_OK);
}

/* ---- retries of entries ---- */

static const struct rc_asked create = {RC_BYTES_LITERAL("ada"), RC_BYTES_LITERAL("create"), 1};
static const struct rc_asked update = {RC_BYTES_LITERAL("eve"), RC_BYTES_LITERAL("update"), 2};
static const struct rc_asked removal = {RC_BYTES_LITERAL(""), RC_BYTES_LITERAL("delete"), 3};

static enum rc_status
delete_asked(struct world *world, const struct rc_asked *asked, struct rc_error *reterr_error)
{
    return rc_engine_delete_entry(world->engine, SHOP, RC_CATALOG_DEFINITIONS,
                                  RC_BYTES_LITERAL("d"), 0, false, asked, reterr_error);
}

/* The same change again, which must be answered with the first version, of kind 1. */
static void
retry_create(struct world *world)
{
    struct rc_catalog_entry made;
    bool known = false;
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 1, 0, &create, world->arena, &made, NULL),
        RC_OK);
    assert_int_equal(made.version, 1);
    assert_true(rc_bytes_equal(made.payload, rig_definition_payload(world->arena, 1)));
    assert_true(rc_bytes_equal(made.author, create.author));
    assert_int_equal(
        rc_engine_retry_entries(world->engine, SHOP, &create, world->arena, &known, &made, 1, NULL),
        RC_OK);
    assert_true(known);
    assert_int_equal(made.version, 1);
}

static void
retry_update(struct world *world)
{
    struct rc_catalog_entry made;
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 2, 1, &update, world->arena, &made, NULL),
        RC_OK);
    assert_int_equal(made.version, 2);
    assert_true(rc_bytes_equal(made.payload, rig_definition_payload(world->arena, 2)));
    assert_true(rc_bytes_equal(made.author, update.author));
}

static void
test_entries(void **state)
{
    struct world *world = *state;
    struct rc_error error = {0};
    struct rc_asked other = create;
    retry_create(world); /* The first time. */
    for (enum way way = AS_IT_IS; way < FROM_A_BACKUP; way++) {
        come_back(world, way);
        retry_create(world);
        expect_version(world, 1);
    }
    other.content = 77;
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 1, 0, &other, world->arena, NULL, &error),
        RC_INVALID);
    assert_string_equal(error.field, "request_id");
    assert_int_equal(delete_asked(world, &other, &error), RC_INVALID);
    retry_update(world);
    for (enum way way = AS_IT_IS; way < FROM_A_BACKUP; way++) {
        come_back(world, way);
        retry_create(world);
        retry_update(world);
        expect_version(world, 2);
    }
    assert_int_equal(delete_asked(world, &removal, NULL), RC_OK);
    for (enum way way = AS_IT_IS; way < WAYS; way++) {
        come_back(world, way);
        assert_int_equal(delete_asked(world, &removal, NULL), RC_OK);
        retry_create(world);
        retry_update(world);
        expect_version(world, 0);
        expect_sound(world);
    }
    /* Without an id it is a change of its own. */
    assert_int_equal(delete_asked(world, NULL, &error), RC_NOT_FOUND);
    assert_int_equal(rig_define(world->engine, "shop", "d", 1, 0, NULL), RC_OK);
    expect_version(world, 1);
}

/* What failed is not remembered. */
static void
test_failures(void **state)
{
    struct world *world = *state;
    assert_int_equal(delete_asked(world, &removal, NULL), RC_NOT_FOUND);
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 2, 1, &update, world->arena, NULL, NULL),
        RC_NOT_FOUND);
    retry_create(world);
    retry_update(world);
    assert_int_equal(delete_asked(world, &removal, NULL), RC_OK);
    expect_version(world, 0);
}

/* A project has its own ids. */
static void
test_ids_of_two_projects(void **state)
{
    struct world *world = *state;
    struct rc_catalog_entry made;
    rig_create(world->engine, "market");
    retry_create(world);
    assert_int_equal(rig_define_asked(world->engine, "market", "other", 3, 0, &create, world->arena,
                                      &made, NULL),
                     RC_OK);
    assert_true(rc_bytes_equal(made.name, RC_BYTES_LITERAL("other")));
    retry_create(world);
}

/* As many are remembered as limits.h says, and no more. */
static void
test_how_many(void **state)
{
    struct world *world = *state;
    retry_create(world);
    for (uint32_t i = 0; i < RC_RECEIPTS_MAX; i++) {
        char id[16];
        if (i == RC_RECEIPTS_MAX - 1)
            retry_create(world);
        const struct rc_asked asked = {
            .request_id = {id, (size_t)snprintf(id, sizeof(id), "%u", i)}};
        assert_int_equal(rig_define_asked(world->engine, "shop", "e", i % 4, i, &asked,
                                          world->arena, NULL, NULL),
                         RC_OK);
    }
    assert_int_equal(
        rig_define_asked(world->engine, "shop", "d", 1, 0, &create, world->arena, NULL, NULL),
        RC_EXISTS);
    come_back(world, FROM_A_SNAPSHOT);
    expect_sound(world);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = definitions(world);
    const struct rc_bytes name = RC_BYTES_LITERAL("e");
    const uint64_t gone = RC_RECEIPTS_MAX - RC_ENTRY_VERSIONS_MAX;
    assert_false(rc_catalog_find_version(catalog, name, gone, NULL));
    assert_true(rc_catalog_find_version(catalog, name, gone + 1, NULL));
}

/* ---- retries of projects ---- */

static enum rc_status
put_project(struct world *world,
            const char *display_name,
            uint64_t version,
            const struct rc_asked *asked,
            struct rc_project_settings *ret_made,
            struct rc_error *reterr_error)
{
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("market"),
                                                 .display_name = rc_bytes_of(display_name)};
    return rc_engine_put_project(world->engine, &settings, version, asked, world->arena, ret_made,
                                 reterr_error);
}

static enum rc_status
delete_project(struct world *world, const struct rc_asked *asked)
{
    return rc_engine_delete_project(world->engine, RC_BYTES_LITERAL("market"), UINT64_MAX, asked,
                                    NULL);
}

static void
expect_project(struct world *world, bool exists)
{
    struct rc_project_settings settings;
    assert_int_equal(rc_engine_get_project(world->engine, RC_BYTES_LITERAL("market"), world->arena,
                                           &settings, NULL),
                     exists ? RC_OK : RC_NOT_FOUND);
}

static void
test_projects(void **state)
{
    struct world *world = *state;
    struct rc_project_settings made;
    struct rc_error error = {0};
    struct rc_asked other = create;
    other.content = 77;
    for (enum way way = AS_IT_IS; way < FROM_A_BACKUP; way++) {
        come_back(world, way);
        assert_int_equal(put_project(world, "Market", 0, &create, &made, NULL), RC_OK);
        assert_int_equal(made.version, 1);
    }
    for (enum way way = AS_IT_IS; way < FROM_A_BACKUP; way++) {
        come_back(world, way);
        assert_int_equal(put_project(world, "Bazaar", 1, &update, &made, NULL), RC_OK);
        assert_int_equal(made.version, 2);
        assert_true(rc_bytes_equal(made.display_name, RC_BYTES_LITERAL("Bazaar")));
        assert_int_equal(put_project(world, "Market", 0, &create, &made, NULL), RC_OK);
        assert_true(rc_bytes_equal(made.display_name, RC_BYTES_LITERAL("Market")));
        assert_int_equal(put_project(world, "Market", 0, &other, &made, &error), RC_INVALID);
        assert_string_equal(error.field, "request_id");
        assert_int_equal(delete_project(world, &other), RC_INVALID);
        expect_project(world, true);
    }
    for (enum way way = AS_IT_IS; way < WAYS; way++) {
        assert_int_equal(delete_project(world, &removal), RC_OK);
        come_back(world, way);
        assert_int_equal(delete_project(world, &removal), RC_OK);
        /* It is not made anew by a call that comes late. */
        assert_int_equal(put_project(world, "Market", 0, &create, &made, NULL), RC_OK);
        assert_int_equal(made.version, 1);
        expect_project(world, false);
        expect_sound(world);
    }
    assert_int_equal(delete_project(world, NULL), RC_NOT_FOUND);
    assert_int_equal(put_project(world, "Market", 0, NULL, &made, NULL), RC_OK);
    expect_project(world, true);
}

/* Behind a backup the log begins anew, above all that the backup's manifest remembers. */
static void
test_a_change_after_a_restore(void **state)
{
    struct world *world = *state;
    struct rc_project_settings made;
    assert_int_equal(put_project(world, "Market", 0, &create, &made, NULL), RC_OK);
    assert_int_equal(delete_project(world, NULL), RC_OK);
    come_back(world, FROM_A_BACKUP);
    assert_int_equal(put_project(world, "Market", 0, &update, &made, NULL), RC_OK);
    world->engine = rc_engine_close(world->engine, false);
    start(world, "/restored");
    assert_int_equal(put_project(world, "Market", 0, &update, &made, NULL), RC_OK);
    assert_int_equal(made.version, 1);
    expect_project(world, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_versions_come_back), TEST(test_who_asks_is_checked),      TEST(test_entries),
        TEST(test_failures),           TEST(test_ids_of_two_projects),      TEST(test_how_many),
        TEST(test_projects),           TEST(test_a_change_after_a_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
