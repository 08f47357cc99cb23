#include "tests/face/one_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEED 90000u
#define ROWS_MAX 60u

struct rc_engine_options
one_options(struct one_stream *world)
{
    return (struct rc_engine_options){
        .disk = rc_disk_faulty_disk(world->disk),
        .directory = "/data",
        .worker_count = 1,
        .wal_file_bytes = 1 << 15,
        .head_rows_max = 96,
        .replay_group_bytes = 3000, /* One or two records. */
        .cold_after_ms = world->cold_after_ms,
        .cold_bytes_max = world->cold_bytes_max,
        .window_rows_max = world->window_rows_max,
        .dictionary_entries_max = 2, /* Of four kinds. */
    };
}

enum rc_status
one_start(struct one_stream *world, struct rc_error *error)
{
    const struct rc_engine_options options = one_options(world);
    return rc_engine_open(&options, &world->engine, error);
}

void
one_start_well(struct one_stream *world)
{
    struct rc_error error = {0};
    if (one_start(world, &error) != RC_OK)
        fail_msg("open: %s", error.message);
}

enum rc_status
one_create(struct one_stream *world)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop")};
    struct rc_project_settings made;
    if (arena == NULL)
        return RC_NO_MEMORY;
    return rc_engine_put_project(world->engine, &settings, 0, NULL, arena, &made, NULL);
}

void
one_content(uint64_t batch_id, struct rig_content *content)
{
    rig_content_make(SEED + batch_id, ROWS_MAX, true, content);
}

uint64_t
one_position(struct one_stream *world)
{
    uint64_t position = 0;
    assert_int_equal(rc_engine_stream_position(world->engine, RC_BYTES_LITERAL("shop"),
                                               RC_BYTES_LITERAL("stream"), &position, NULL),
                     RC_OK);
    return position;
}

void
one_expect(struct one_stream *world)
{
    static struct rig_content content;
    struct rig_twin twin;
    const uint64_t position = one_position(world);
    if (position < atomic_load(&world->acknowledged) || position > world->sent)
        fail_msg("position %llu, acknowledged %llu, sent %llu", (unsigned long long)position,
                 (unsigned long long)atomic_load(&world->acknowledged),
                 (unsigned long long)world->sent);
    rig_twin_open(&twin);
    for (uint64_t id = 1; id <= position; id++) {
        one_content(id, &content);
        rig_twin_apply(&twin, &content);
    }
    rig_twin_expect(&twin, world->engine, "shop");
    rig_twin_close(&twin);
}

enum rc_status
one_send_next(struct one_stream *world)
{
    static struct rig_content content;
    struct rc_ingest_result result = {0};
    const uint64_t id = atomic_load(&world->acknowledged) + 1;
    one_content(id, &content);
    if (id > world->sent)
        world->sent = id;
    RC_TRY(rig_ingest(world->engine, "shop", "stream", id, &content, &result));
    atomic_store(&world->acknowledged, id);
    return RC_OK;
}

void
one_send_well(struct one_stream *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(one_send_next(world), RC_OK);
}
