/*
 * The whole engine on a real directory and on a disk in memory: what went in is what comes out,
 * whatever layout it has meanwhile: head, slabs, merged slabs, after a snapshot, after a replay.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/face/engine.h"
#include "engine/query/funnel/funnel.h"
#include "tests/base/disk_faulty.h"
#include "tests/face/engine_rig.h"

#define SEED 4711u

/* An engine over a disk in memory. */
struct world {
    struct rc_disk_faulty *disk;
    struct rc_engine *engine;
    struct rig_twin twin;
    uint64_t batch_id;
};

static void
world_start(struct world *world)
{
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 16,
        .head_rows_max = 200,
        .window_rows_max = 300,
        .dictionary_entries_max = 2, /* Of four kinds. */
    };
    struct rc_error error = {0};
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

static int
world_open(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    world->disk = rc_disk_faulty_new(SEED);
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

static void
restart(struct world *world, bool snapshot)
{
    world->engine = rc_engine_close(world->engine, snapshot);
    world_start(world);
}

static void
send(struct world *world, const struct rig_content *content)
{
    struct rc_ingest_result result = {0};
    assert_int_equal(
        rig_ingest(world->engine, "shop", "stream", ++world->batch_id, content, &result), RC_OK);
    assert_false(result.duplicate);
    assert_int_equal(result.accepted,
                     content->event_count + content->write_count + content->alias_count);
    assert_int_equal(result.replaced, rig_twin_apply(&world->twin, content));
}

static void
send_random(struct world *world, uint32_t count)
{
    static struct rig_content content;
    for (uint32_t i = 0; i < count; i++) {
        rig_content_make(SEED * 1000 + world->batch_id, 120, true, &content);
        send(world, &content);
    }
}

static void
expect(struct world *world)
{
    rig_twin_expect(&world->twin, world->engine, "shop");
}

static void
test_answers_do_not_depend_on_the_layout(void **state)
{
    struct world *world = *state;
    struct rc_snapshot_result result;
    expect(world);
    for (uint32_t round = 0; round < 4; round++) {
        send_random(world, 10);
        expect(world);
        rc_engine_settle(world->engine);
        expect(world);
        assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        expect(world);
        restart(world, round % 2 == 0);
        expect(world);
        send_random(world, 10);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        expect(world);
        struct rc_project_stats stats;
        assert_int_equal(
            rc_engine_project_stats(world->engine, RC_BYTES_LITERAL("shop"), &stats, NULL), RC_OK);
        assert_int_equal(stats.dead_events, 0);
        assert_int_equal(stats.head_rows, 0);
        restart(world, false);
        expect(world);
        assert_int_equal(rc_engine_drop_cache(world->engine, RC_BYTES_LITERAL("shop"), NULL),
                         RC_OK);
        expect(world);
    }
}

/* A funnel of one and the same step: whoever has k events reaches step k. */
static void
test_a_funnel(void **state)
{
    struct world *world = *state;
    send_random(world, 4);
    assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
    send_random(world, 1);
    uint64_t expected[3] = {0};
    for (uint32_t person = 0; person < RIG_USERS; person++) {
        uint32_t events = 0;
        for (size_t i = 0; i < world->twin.event_count; i++)
            events += world->twin.person[world->twin.events[i].user] == person;
        for (uint32_t k = 0; k < 3; k++)
            expected[k] += events > k;
    }
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(
        rc_engine_begin_query(world->engine, RC_BYTES_LITERAL("shop"), NULL, 0, &session, NULL),
        RC_OK);
    const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_predicate *const steps[] = {&any, &any, &any};
    const struct rc_funnel_request request = {
        .scope = {.start_ms = 0, .end_ms = RIG_START_MS * 2, .as_of_ms = RIG_START_MS * 2},
        .step_count = 3,
        .steps = steps,
        .window_ms = -1,
    };
    struct rc_funnel_reply reply;
    assert_int_equal(rc_query_funnel(rc_query_session_context(session), &request, &reply, NULL),
                     RC_OK);
    assert_int_equal(reply.row_count, 1);
    for (uint32_t k = 0; k < 3; k++)
        assert_int_equal(reply.rows[0].steps[k].users, expected[k]);
}

static void
test_replay_alone(void **state)
{
    struct world *world = *state;
    send_random(world, 25);
    for (uint32_t i = 0; i < 3; i++) {
        restart(world, false);
        expect(world);
    }
    struct rc_engine_stats stats;
    rc_engine_get_stats(world->engine, &stats);
    assert_int_equal(stats.replayed_records, 26);
    restart(world, true);
    restart(world, false);
    expect(world);
    rc_engine_get_stats(world->engine, &stats);
    assert_int_equal(stats.replayed_records, 0);
}

static struct rig_content
one_event(uint32_t user, uint32_t id, int64_t day, int64_t amount)
{
    struct rig_content content = {.event_count = 1};
    content.events[0] = (struct rig_event){
        .user = user,
        .id = id,
        .time_ms = RIG_START_MS + day * RIG_DAY_MS,
        .amount = amount,
    };
    return content;
}

static void
test_an_event_sent_again_replaces_wherever_it_lies(void **state)
{
    struct world *world = *state;
    static struct rig_content content;
    int64_t amount = 1;
    for (uint32_t place = 0; place < 4; place++) {
        for (uint32_t id = 1; id <= 2; id++) {
            content = one_event(1, id, 0, amount++);
            send(world, &content);
        }
        if (place == 1)
            send_random(world, 10); /* Into a slab by itself. */
        if (place == 2)
            assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        if (place == 3)
            restart(world, true);
        content = one_event(1, 1, 40, amount++); /* Another window. */
        send(world, &content);
        content = one_event(1, 2, 0, amount++); /* The same time. */
        send(world, &content);
        content = one_event(2, 1, 0, amount++); /* Another user's. */
        send(world, &content);
        expect(world);
        assert_int_equal(rc_engine_compact(world->engine, NULL), RC_OK);
        expect(world);
        restart(world, false);
        expect(world);
    }
    content = one_event(3, 7, 0, amount++);
    content.event_count = 3;
    for (uint32_t i = 1; i < 3; i++) {
        content.events[i] = content.events[0];
        content.events[i].amount = amount++;
        content.events[i].time_ms += (int64_t)i * 30 * RIG_DAY_MS;
    }
    send(world, &content); /* Three times in one batch. */
    expect(world);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, UINT32_MAX) >= 3);
}

static void
test_a_batch_sent_again_is_a_duplicate(void **state)
{
    struct world *world = *state;
    static struct rig_content content;
    send_random(world, 3);
    rig_content_make(99, 100, false, &content);
    struct rc_ingest_result result;
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(rig_ingest(world->engine, "shop", "stream", id, &content, &result), RC_OK);
        assert_true(result.duplicate);
    }
    expect(world);
    restart(world, false);
    assert_int_equal(rig_ingest(world->engine, "shop", "stream", 3, &content, &result), RC_OK);
    assert_true(result.duplicate);
    restart(world, true);
    uint64_t position = 0;
    assert_int_equal(rc_engine_stream_position(world->engine, RC_BYTES_LITERAL("shop"),
                                               RC_BYTES_LITERAL("stream"), &position, NULL),
                     RC_OK);
    assert_int_equal(position, 3);
    expect(world);
    /* Another stream has numbers of its own. */
    assert_int_equal(rig_ingest(world->engine, "shop", "other", 1, &content, &result), RC_OK);
    assert_false(result.duplicate);
    rig_twin_apply(&world->twin, &content);
    expect(world);
}

static void
test_definitions_survive(void **state)
{
    struct world *world = *state;
    struct rc_error error = {0};
    send_random(world, 5);
    assert_int_equal(rig_define(world->engine, "shop", "paid", 1, 0, NULL), RC_OK);
    assert_int_equal(rig_define(world->engine, "shop", "paid", 1, 0, &error), RC_EXISTS);
    assert_string_equal(error.field, "name");
    assert_int_equal(rig_define(world->engine, "shop", "paid", 2, 1, NULL), RC_OK);
    assert_int_equal(rig_define(world->engine, "shop", "paid", 3, 1, &error), RC_CONFLICT);
    assert_int_equal(rig_define(world->engine, "shop", "none", 3, 4, &error), RC_NOT_FOUND);
    assert_int_equal(rig_define(world->engine, "shop", "Not A Name", 3, 0, &error), RC_INVALID);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rig_measure_defined(world->engine, "shop", "paid") ==
                    rig_measure(world->engine, "shop", RC_MEASURE_COUNT, 2));
        restart(world, i == 1);
    }
    assert_int_equal(rc_engine_delete_entry(world->engine, RC_BYTES_LITERAL("shop"),
                                            RC_CATALOG_DEFINITIONS, RC_BYTES_LITERAL("paid"), 1,
                                            false, NULL, &error),
                     RC_CONFLICT);
    assert_int_equal(rc_engine_delete_entry(world->engine, RC_BYTES_LITERAL("shop"),
                                            RC_CATALOG_DEFINITIONS, RC_BYTES_LITERAL("paid"), 2,
                                            false, NULL, NULL),
                     RC_OK);
    restart(world, false);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    assert_int_equal(rc_engine_catalog(world->engine, RC_BYTES_LITERAL("shop"),
                                       RC_CATALOG_DEFINITIONS, &catalog, NULL),
                     RC_OK);
    assert_int_equal(rc_catalog_count(catalog), 0);
}

/* Puts a segment whose payload is written from the tree. */
static enum rc_status
put_segment(struct world *world,
            const char *name,
            const struct rc_segment *segment,
            struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_segment_write(&writer, segment);
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(name),
        .payload = {(const char *)writer.data, writer.size},
    };
    struct rc_catalog_entry made;
    return rc_engine_put_entry(world->engine, RC_BYTES_LITERAL("shop"), RC_CATALOG_SEGMENTS, &entry,
                               0, NULL, arena, &made, reterr_error);
}

static uint64_t
segment_size(struct world *world, const char *name)
{
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(
        rc_engine_begin_query(world->engine, RC_BYTES_LITERAL("shop"), NULL, 0, &session, NULL),
        RC_OK);
    const struct rc_segment saved = {.kind = RC_SEGMENT_SAVED, .name = rc_bytes_of(name)};
    const struct rc_segment_request request = {
        .as_of_ms = RIG_START_MS * 2,
        .segment = &saved,
    };
    struct rc_segment_reply reply;
    struct rc_error error = {0};
    if (rc_query_segment(rc_query_session_context(session), &request, &reply, &error) != RC_OK)
        fail_msg("segment: %s: %s", error.field, error.message);
    return reply.users;
}

static void
test_segments_survive_and_protect_what_they_name(void **state)
{
    struct world *world = *state;
    struct rc_error error = {0};
    send_random(world, 8);
    assert_int_equal(rig_define(world->engine, "shop", "paid", 1, 0, NULL), RC_OK);
    const struct rc_predicate selector = {
        .kind = RC_PREDICATE_DEFINITION,
        .definition = RC_BYTES_LITERAL("paid"),
    };
    const struct rc_segment payers = {
        .kind = RC_SEGMENT_BEHAVIOUR,
        .behaviour = {.selector = &selector,
                      .measure = RC_BEHAVIOUR_COUNT,
                      .comparison = RC_GE,
                      .n = 1,
                      .window = RC_WINDOW_ALL_TIME},
    };
    assert_int_equal(put_segment(world, "payers", &payers, NULL), RC_OK);
    const uint64_t users = segment_size(world, "payers");
    assert_true(users > 0);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_UNIQUE, 1) == (double)users);
    for (uint32_t i = 0; i < 2; i++) {
        restart(world, i == 1);
        assert_int_equal(segment_size(world, "payers"), users);
        assert_int_equal(rc_engine_delete_entry(world->engine, RC_BYTES_LITERAL("shop"),
                                                RC_CATALOG_DEFINITIONS, RC_BYTES_LITERAL("paid"), 0,
                                                false, NULL, &error),
                         RC_CONFLICT);
        assert_non_null(strstr(error.message, "payers"));
    }
}

static void
test_a_project_made_anew_is_empty(void **state)
{
    struct world *world = *state;
    const struct rc_bytes id = RC_BYTES_LITERAL("shop");
    struct rc_snapshot_result result;
    for (uint32_t round = 0; round < 6; round++) {
        send_random(world, 6);
        if (round % 2 == 0)
            assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        assert_int_equal(rc_engine_delete_project(world->engine, id, 1, NULL, NULL), RC_OK);
        assert_int_equal(rc_engine_delete_project(world->engine, id, UINT64_MAX, NULL, NULL),
                         RC_NOT_FOUND);
        if (round % 3 == 0)
            assert_int_equal(rc_engine_snapshot(world->engine, &result, NULL), RC_OK);
        rig_create(world->engine, "shop");
        rig_twin_close(&world->twin);
        rig_twin_open(&world->twin);
        world->batch_id = 0;
        expect(world);
        restart(world, round % 2 == 1);
        expect(world);
        send_random(world, 3);
        expect(world);
        restart(world, false);
        expect(world);
    }
}

static void
test_projects_list_and_versions(void **state)
{
    struct world *world = *state;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_settings settings = {
        .id = RC_BYTES_LITERAL("shop"),
        .display_name = RC_BYTES_LITERAL("The shop"),
        .zone = RC_BYTES_LITERAL("Europe/Berlin"),
        .week_start = 6,
    };
    struct rc_project_settings made;
    struct rc_error error = {0};
    assert_int_equal(rc_engine_put_project(world->engine, &settings, 0, NULL, arena, &made, &error),
                     RC_EXISTS);
    assert_int_equal(rc_engine_put_project(world->engine, &settings, 1, NULL, arena, &made, &error),
                     RC_OK);
    assert_int_equal(made.version, 2);
    assert_int_equal(rc_engine_put_project(world->engine, &settings, 1, NULL, arena, &made, &error),
                     RC_CONFLICT);
    settings.zone = RC_BYTES_LITERAL("Europe/Nowhere");
    assert_int_equal(rc_engine_put_project(world->engine, &settings, 2, NULL, arena, &made, &error),
                     RC_INVALID);
    rig_create(world->engine, "alpha");
    rig_create(world->engine, "zulu");
    for (uint32_t i = 0; i < 3; i++) {
        struct rc_project_settings *list = NULL;
        uint32_t count = 0;
        bool more = false;
        assert_int_equal(rc_engine_list_projects(world->engine, (struct rc_bytes){0}, 2, arena,
                                                 &list, &count, &more),
                         RC_OK);
        assert_int_equal(count, 2);
        assert_true(more);
        assert_true(rc_bytes_equal(list[0].id, RC_BYTES_LITERAL("alpha")));
        assert_true(rc_bytes_equal(list[1].zone, RC_BYTES_LITERAL("Europe/Berlin")));
        assert_int_equal(list[1].week_start, 6);
        assert_int_equal(list[1].version, 2);
        assert_int_equal(
            rc_engine_list_projects(world->engine, list[1].id, 2, arena, &list, &count, &more),
            RC_OK);
        assert_int_equal(count, 1);
        assert_false(more);
        restart(world, i == 0);
    }
}

static void
test_refusals(void **state)
{
    struct world *world = *state;
    static struct rig_content content;
    rig_content_make(5, 10, false, &content);
    assert_int_equal(rig_ingest(world->engine, "nowhere", "stream", 1, &content, NULL),
                     RC_NOT_FOUND);
    assert_int_equal(rig_ingest(world->engine, "shop", "", 1, &content, NULL), RC_INVALID);
    double value;
    assert_int_equal(rig_try_measure(world->engine, "nowhere", RC_MEASURE_COUNT, 0, &value),
                     RC_NOT_FOUND);
    struct rc_engine *second = NULL;
    const struct rc_engine_options options = {
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 16,
    };
    assert_int_equal(rc_engine_open(&options, &second, NULL), RC_CONFLICT);
    assert_null(second);
    expect(world);
}

/* Properties that keep coming make a head's chunks wider again and again. */
static void
test_many_properties(void **state)
{
    struct world *world = *state;
    static const int64_t time_ms = RIG_START_MS;
    static const uint32_t zero = 0;
    static const unsigned char one = 1;
    const struct rc_bytes user = RC_BYTES_LITERAL("u");
    const struct rc_value value = rc_value_int(7);
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];
        struct rc_batch_column column = {
            .name = {name, (size_t)snprintf(name, sizeof(name), "p%u", i)},
            .value_count = 1,
            .values = &value,
            .code_width = 1,
            .codes = &one,
        };
        const struct rc_batch batch = {
            .events = {.row_count = 1,
                       .user_count = 1,
                       .users = &user,
                       .user_codes = (const unsigned char *)&zero,
                       .times_ms = (const unsigned char *)&time_ms,
                       .column_count = 1,
                       .columns = &column},
        };
        assert_int_equal(rig_ingest_batch(world->engine, "shop", "wide", i + 1, &batch, NULL),
                         RC_OK);
    }
    rc_engine_settle(world->engine);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == 300);
    restart(world, true);
    assert_true(rig_measure(world->engine, "shop", RC_MEASURE_COUNT, UINT32_MAX) == 300);
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void
test_on_a_real_directory(void **state)
{
    (void)state;
    char directory[] = "/tmp/recount-engine-XXXXXX";
    assert_non_null(mkdtemp(directory));
    const struct rc_engine_options options = {
        .directory = directory,
        .worker_count = 1,
        .wal_file_bytes = 1 << 20,
        .head_rows_max = 200,
        .window_rows_max = 300,
        .dictionary_entries_max = 2, /* Of four kinds. */
    };
    struct rig_twin twin;
    rig_twin_open(&twin);
    static struct rig_content content;
    for (uint64_t life = 0; life < 4; life++) {
        struct rc_engine *engine = NULL;
        struct rc_error error = {0};
        if (rc_engine_open(&options, &engine, &error) != RC_OK)
            fail_msg("open: %s", error.message);
        if (life == 0)
            rig_create(engine, "shop");
        rig_twin_expect(&twin, engine, "shop");
        for (uint64_t i = 1; i <= 8; i++) {
            rig_content_make(life * 100 + i, 100, true, &content);
            assert_int_equal(rig_ingest(engine, "shop", "s", life * 8 + i, &content, NULL), RC_OK);
            rig_twin_apply(&twin, &content);
        }
        rig_twin_expect(&twin, engine, "shop");
        rc_engine_close(engine, life % 2 == 0);
    }
    rig_twin_close(&twin);
    assert_int_equal(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_do_not_depend_on_the_layout, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_a_funnel, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_replay_alone, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_an_event_sent_again_replaces_wherever_it_lies,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_batch_sent_again_is_a_duplicate, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(test_definitions_survive, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_segments_survive_and_protect_what_they_name,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(test_a_project_made_anew_is_empty, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_projects_list_and_versions, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_refusals, world_open, world_close),
        cmocka_unit_test_setup_teardown(test_many_properties, world_open, world_close),
        cmocka_unit_test(test_on_a_real_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
