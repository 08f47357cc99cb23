/*
 * No memory, at the n-th allocation in turn or at a project's limit. What was acknowledged stands,
 * the error is a status, and work goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/face/one_stream.h"

static bool
is_refusal(enum rc_status status)
{
    return status == RC_NO_MEMORY || status == RC_LIMIT_EXCEEDED || status == RC_UNAVAILABLE;
}

static void
test_no_memory_to_ingest(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    static struct rig_content content;
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 3);
    bool failed_once = false;
    uint64_t n = 1;
    for (bool more = true; more; n += 1 + n / 24) {
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        const uint64_t id = atomic_load(&world.acknowledged) + 1;
        one_content(id, &content);
        const struct rc_batch *batch = rig_batch(arena, &content);
        world.sent = id;
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_ingest_batch(world.engine, "shop", "stream", id, batch, NULL);
        more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        failed_once = failed_once || status != RC_OK;
        if (status == RC_OK)
            atomic_store(&world.acknowledged, id);
        else
            assert_true(is_refusal(status));
        one_expect(&world);
        struct rc_snapshot_result result;
        if (n % 3 == 0)
            assert_int_equal(rc_engine_snapshot(world.engine, &result, NULL), RC_OK);
        if (status == RC_OK)
            continue;
        /* Sent again it is taken, once a snapshot has passed the failed one by. */
        while (is_refusal(one_send_next(&world)))
            assert_int_equal(rc_engine_snapshot(world.engine, &result, NULL), RC_OK);
        one_expect(&world);
        if (n % 4 != 0)
            continue;
        world.engine = rc_engine_close(world.engine, n % 8 == 0);
        one_start_well(&world);
        one_expect(&world);
    }
    print_message("up to allocation %llu\n", (unsigned long long)n);
    assert_true(failed_once);
    rc_engine_close(world.engine, true);
    rc_disk_faulty_free(world.disk);
}

static void
test_no_memory_to_ask(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 12);
    rc_engine_settle(world.engine);
    const double expected = rig_measure(world.engine, "shop", RC_MEASURE_COUNT, 1);
    bool failed_once = false;
    for (uint64_t n = 1;; n++) {
        double value = -1;
        assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
        rc_alloc_fail_at(n);
        const enum rc_status status =
            rig_try_measure(world.engine, "shop", RC_MEASURE_COUNT, 1, &value);
        const bool more = rc_alloc_count() >= n;
        rc_alloc_fail_at(0);
        if (status == RC_OK)
            assert_true(value == expected);
        else
            assert_true(is_refusal(status));
        failed_once = failed_once || status != RC_OK;
        if (!more)
            break;
    }
    assert_true(failed_once);
    assert_true(rig_measure(world.engine, "shop", RC_MEASURE_COUNT, 1) == expected);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

/* At its limit a project takes nothing more, answers, starts again, and goes on when the limit
 * grows. */
static void
test_a_memory_limit(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_project_stats stats;
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 2);
    assert_int_equal(rc_engine_project_stats(world.engine, RC_BYTES_LITERAL("shop"), &stats, NULL),
                     RC_OK);
    struct rc_project_settings settings = {
        .id = RC_BYTES_LITERAL("shop"),
        .memory_bytes_max = stats.memory_bytes + 20000,
    };
    struct rc_project_settings made;
    assert_int_equal(
        rc_engine_put_project(world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < 1000 && status == RC_OK; i++)
        status = one_send_next(&world);
    assert_int_equal(status, RC_LIMIT_EXCEEDED);
    for (uint32_t i = 0; i < 2; i++) {
        one_expect(&world);
        assert_int_equal(one_position(&world), atomic_load(&world.acknowledged));
        world.engine = rc_engine_close(world.engine, i == 1);
        one_start_well(&world);
    }
    settings.memory_bytes_max = 0;
    assert_int_equal(
        rc_engine_put_project(world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    one_send_well(&world, 5);
    one_expect(&world);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

static struct rc_project_stats
stats_of(struct rc_engine *engine)
{
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(engine, RC_BYTES_LITERAL("shop"), &stats, NULL),
                     RC_OK);
    return stats;
}

/* Every kind of memory is counted where it belongs, and all of them are what the project takes. */
static void
test_kinds_add_up(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    one_start_well(&world);
    const uint64_t before = rc_account_used(&rc_account_process);
    assert_int_equal(one_create(&world), RC_OK);
    const struct rc_project_stats empty = stats_of(world.engine);
    assert_int_equal(empty.slab_bytes, 0);
    assert_int_equal(empty.cold_bytes, 0);
    one_send_well(&world, 20);
    rc_engine_settle(world.engine);
    rig_measure(world.engine, "shop", RC_MEASURE_COUNT, 1);
    const struct rc_project_stats full = stats_of(world.engine);
    assert_true(full.slab_bytes > full.stored_bytes);
    assert_true(full.slab_bytes < full.stored_bytes + 64 * full.slab_count);
    assert_true(full.head_bytes > 0 && full.dictionary_bytes > empty.dictionary_bytes);
    assert_true(full.user_bytes > empty.user_bytes && full.bitmap_bytes > empty.bitmap_bytes);
    assert_true(full.query_bytes > 0); /* Asking for statistics is a query. */
    assert_int_equal(full.memory_bytes,
                     full.slab_bytes + full.cold_bytes + full.head_bytes + full.dictionary_bytes +
                         full.user_bytes + full.bitmap_bytes + full.query_bytes + full.other_bytes);
    assert_true(full.memory_bytes <= rc_account_used(&rc_account_process));
    assert_int_equal(rc_engine_drop_cache(world.engine, RC_BYTES_LITERAL("shop"), NULL), RC_OK);
    assert_true(stats_of(world.engine).bitmap_bytes < full.bitmap_bytes);
    /* On disk only, slabs are neither columns nor forgotten. */
    world.engine = rc_engine_close(world.engine, true);
    world.cold_after_ms = 1;
    one_start_well(&world);
    const struct rc_project_stats cold = stats_of(world.engine);
    assert_true(cold.cold_slab_count == cold.slab_count && cold.slab_bytes == 0);
    assert_true(cold.cold_bytes > 0);
    assert_int_equal(cold.events, full.events);
    one_expect(&world);
    assert_true(stats_of(world.engine).cold_bytes > cold.cold_bytes);
    rc_engine_close(world.engine, false);
    assert_true(rc_account_used(&rc_account_process) <= before);
    rc_disk_faulty_free(world.disk);
}

/* What can be computed or read again goes before anything is refused: bitmaps, then what is in
 * memory of slabs on disk; and a query at its own limit fails alone. */
static void
test_what_goes_first(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1), .cold_after_ms = 1};
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 20);
    world.engine = rc_engine_close(world.engine, true);
    one_start_well(&world);
    const struct rc_project_stats bare = stats_of(world.engine);
    one_expect(&world);
    const struct rc_project_stats used = stats_of(world.engine);
    assert_true(used.bitmap_bytes > bare.bitmap_bytes && used.cold_bytes > bare.cold_bytes);
    /* Room for less than the bitmaps take: they go, the rest stays. */
    struct rc_project_settings settings = {
        .id = RC_BYTES_LITERAL("shop"),
        .memory_bytes_max = used.memory_bytes - (used.bitmap_bytes - bare.bitmap_bytes) / 2,
    };
    struct rc_project_settings made;
    assert_int_equal(
        rc_engine_put_project(world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    const struct rc_project_stats first = stats_of(world.engine);
    assert_true(first.bitmap_bytes < used.bitmap_bytes);
    assert_int_equal(first.cold_bytes, used.cold_bytes);
    /* Room for nothing of the kind: both go, and it answers. */
    settings.memory_bytes_max = 1;
    assert_int_equal(
        rc_engine_put_project(world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    const struct rc_project_stats second = stats_of(world.engine);
    assert_int_equal(second.cold_bytes, bare.cold_bytes);
    one_expect(&world);
    assert_int_equal(one_send_next(&world), RC_LIMIT_EXCEEDED);
    settings.memory_bytes_max = 0;
    assert_int_equal(
        rc_engine_put_project(world.engine, &settings, UINT64_MAX, NULL, arena, &made, NULL),
        RC_OK);
    one_send_well(&world, 2);
    one_expect(&world);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

static uint64_t
bitmaps_of(struct rc_engine *engine, const char *project)
{
    struct rc_project_stats stats;
    assert_int_equal(rc_engine_project_stats(engine, rc_bytes_of(project), &stats, NULL), RC_OK);
    return stats.bitmap_bytes;
}

static void
start_within(struct one_stream *world, uint64_t memory_bytes_max)
{
    struct rc_engine_options options = one_options(world);
    struct rc_error error = {0};
    options.memory_bytes_max = memory_bytes_max;
    if (rc_engine_open(&options, &world->engine, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

/* The limit of the process binds all projects together: bitmaps of those that do not ask go too,
 * then every project's batches are refused, and all answer; with a higher limit they go on. */
static void
test_the_limit_of_the_process(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1)};
    static struct rig_content content;
    uint64_t batch_id = 0;
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    rig_create(world.engine, "other");
    one_send_well(&world, 4);
    for (; batch_id < 20; batch_id++) {
        rig_content_make(batch_id, 60, false, &content);
        assert_int_equal(rig_ingest(world.engine, "other", "stream", batch_id + 1, &content, NULL),
                         RC_OK);
    }
    assert_int_equal(rc_engine_compact(world.engine, NULL), RC_OK);
    world.engine = rc_engine_close(world.engine, true);
    start_within(&world, 0);
    const uint64_t opened = rc_account_used(&rc_account_process);
    world.engine = rc_engine_close(world.engine, false);
    start_within(&world, opened + 200000);
    for (uint32_t kind = 0; kind < 4; kind++)
        rig_measure(world.engine, "other", RC_MEASURE_COUNT, kind);
    const uint64_t bitmaps = bitmaps_of(world.engine, "other");
    assert_true(bitmaps > 0);
    /* A seal in the background gives memory back, so that one project may get in where another was
     * just refused: full is what refuses both. */
    enum rc_status own = RC_OK;
    enum rc_status others = RC_OK;
    for (uint32_t i = 0; i < 1000 && (own == RC_OK || others == RC_OK); i++) {
        own = one_send_next(&world);
        rig_content_make(batch_id, 60, false, &content);
        others = rig_ingest(world.engine, "other", "stream", batch_id + 1, &content, NULL);
        batch_id += others == RC_OK;
    }
    assert_int_equal(own, RC_LIMIT_EXCEEDED);
    assert_int_equal(others, RC_LIMIT_EXCEEDED);
    assert_true(bitmaps_of(world.engine, "other") < bitmaps);
    const double expected = rig_measure(world.engine, "other", RC_MEASURE_COUNT, 1);
    one_expect(&world);
    world.engine = rc_engine_close(world.engine, true);
    start_within(&world, 0);
    one_expect(&world);
    assert_true(rig_measure(world.engine, "other", RC_MEASURE_COUNT, 1) == expected);
    one_send_well(&world, 3);
    assert_int_equal(rig_ingest(world.engine, "other", "stream", batch_id + 1, &content, NULL),
                     RC_OK);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

/* One that needs more than it may have of what is on disk says so; the next one answers. */
static void
test_a_query_fails_alone(void **state)
{
    (void)state;
    struct one_stream world = {.disk = rc_disk_faulty_new(1), .cold_after_ms = 1};
    one_start_well(&world);
    assert_int_equal(one_create(&world), RC_OK);
    one_send_well(&world, 20);
    world.engine = rc_engine_close(world.engine, true);
    one_start_well(&world);
    RC_CLEANUP(rc_query_session_endp) struct rc_query_session *session = NULL;
    assert_int_equal(
        rc_engine_begin_query(world.engine, RC_BYTES_LITERAL("shop"), NULL, 24000, &session, NULL),
        RC_OK);
    struct rc_view *view = rc_query_session_context(session)->view;
    struct rc_error error = {0};
    uint32_t count = 0;
    (void)rc_view_slabs(view, &count);
    assert_true(count > 2);
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < count && status == RC_OK; i++)
        status = rc_view_use_slab(view, i, RC_SLAB_PARTS_ALL, &error);
    assert_int_equal(status, RC_LIMIT_EXCEEDED);
    assert_non_null(strstr(error.message, "24000"));
    assert_int_equal(rc_query_session_check(session, NULL), RC_LIMIT_EXCEEDED);
    session = rc_query_session_end(session);
    one_expect(&world);
    rc_engine_close(world.engine, false);
    rc_disk_faulty_free(world.disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory_to_ingest), cmocka_unit_test(test_no_memory_to_ask),
        cmocka_unit_test(test_a_memory_limit),      cmocka_unit_test(test_kinds_add_up),
        cmocka_unit_test(test_what_goes_first),     cmocka_unit_test(test_the_limit_of_the_process),
        cmocka_unit_test(test_a_query_fails_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
