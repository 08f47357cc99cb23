/*
 * Heads: what is kept of a predicate's answers about heads, against each chunk evaluated by itself,
 * as rows are appended and as views of fewer rows ask; heads that are sealed; memory that is
 * refused; several threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/match/matcher.h"
#include "tests/match/match_rig.h"

#define WORDS (RC_CHUNK_ROWS / 64)
#define CHUNKS 6u /* Two a head. */

struct world {
    struct rc_arena *arena;
    struct rc_account account;
    struct rc_match_cache *cache;
    struct rc_view *view;
    const struct rc_view_chunk *chunks;
};

static void
world_open(struct world *world, uint64_t *random)
{
    const struct rig_view_options options = {
        .slab_count = 1, .rows_per_slab = 5, .chunk_count = CHUNKS, .user_count = 50};
    uint32_t chunk_count;
    *world = (struct world){.arena = rc_arena_new(NULL, 0)};
    assert_int_equal(rc_match_cache_new(&world->account, &world->cache), RC_OK);
    world->view = rig_view_make(random, &options, world->arena);
    world->chunks = rc_view_chunks(world->view, &chunk_count);
    assert_int_equal(chunk_count, CHUNKS);
}

static void
world_close(struct world *world)
{
    rc_match_cache_free(world->cache);
    rig_view_free(world->view);
    rc_arena_free(world->arena);
    assert_int_equal(rc_account_used(&world->account), 0);
}

/* Asks about all chunks at once and holds each against what it is by itself. */
static enum rc_status
ask(const struct world *world, struct rc_matcher *matcher, bool keeps)
{
    static _Thread_local uint64_t words[CHUNKS * WORDS];
    uint64_t alone[WORDS];
    for (uint32_t part = 0; part < rc_matcher_part_count(matcher); part++) {
        memset(words, 0xee, sizeof(words));
        RC_TRY(rc_matcher_chunks(matcher, part, keeps, NULL, words));
        for (uint32_t i = 0; i < CHUNKS; i++) {
            RC_TRY(rc_matcher_chunk(matcher, part, i, NULL, alone));
            if (memcmp(alone, words + i * WORDS, sizeof(alone)) != 0)
                fail_msg("chunk %u of %u rows has other rows", i, world->chunks[i].row_count);
        }
    }
    return RC_OK;
}

static struct rc_matcher *
new_matcher(const struct world *world, uint64_t *random, struct rc_arena *arena)
{
    struct rc_matcher *matcher;
    const struct rc_predicate *predicate = rig_predicate(random, 3, false, arena);
    assert_int_equal(
        rc_matcher_new(world->cache, world->view, 0, NULL, predicate, arena, &matcher, NULL),
        RC_OK);
    return matcher;
}

static void
rows_arrive(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct rc_match_cache_stats stats;
    uint32_t kept = 0;
    for (uint32_t round = 0; round < 5; round++) {
        struct world world;
        world_open(&world, &random);
        for (uint32_t i = 0; i < 40; i++) {
            RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
            RC_CLEANUP(rc_matcher_freep)
            struct rc_matcher *matcher = new_matcher(&world, &random, arena);
            uint32_t rows = rig_below(&random, 1500);
            for (uint32_t step = 0; step < 6; step++) {
                rig_view_show(world.view, rows);
                assert_int_equal(ask(&world, matcher, rig_below(&random, 4) > 0), RC_OK);
                rows += rig_below(&random, 3) == 0 ? 1 + rig_below(&random, 10)
                                                   : rig_below(&random, 2500);
                rig_view_show(world.view, rig_below(&random, rows + 1)); /* An older view. */
                assert_int_equal(ask(&world, matcher, true), RC_OK);
            }
            rig_view_show(world.view, UINT32_MAX);
            assert_int_equal(ask(&world, matcher, true), RC_OK);
        }
        rc_match_cache_get_stats(world.cache, &stats);
        kept += (uint32_t)stats.head_count;
        assert_true(stats.head_bytes <= rc_account_used(&world.account));
        assert_int_equal(stats.rowset_count + stats.column_count, 0);
        for (uint32_t i = 0; i < CHUNKS; i++)
            rc_match_cache_drop_head(world.cache, world.chunks[i].head);
        rc_match_cache_get_stats(world.cache, &stats);
        assert_int_equal(stats.head_count + stats.head_bytes, 0);
        world_close(&world);
    }
    assert_true(kept > 100);
}

/* One head of one predicate is one thing of the cache; nothing is kept that nobody wants kept, of
 * few rows, or of a head that was sealed. */
static void
what_is_kept(void **state)
{
    (void)state;
    uint64_t random = 11;
    struct world world;
    struct rc_match_cache_stats stats;
    world_open(&world, &random);
    const struct rc_leaf leaf = {
        .scope = RC_LEAF_EVENT, .operator= RC_LEAF_IS_SET, .property = RC_BYTES_LITERAL("p1")};
    const struct rc_predicate predicate = {.kind = RC_PREDICATE_LEAF, .leaf = leaf};
    struct rc_matcher *matcher;
    assert_int_equal(
        rc_matcher_new(world.cache, world.view, 0, NULL, &predicate, world.arena, &matcher, NULL),
        RC_OK);
    assert_int_equal(ask(&world, matcher, false), RC_OK);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.head_count, 0);
    rig_view_show(world.view, 511);
    assert_int_equal(ask(&world, matcher, true), RC_OK);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.head_count, 0);
    rig_view_show(world.view, UINT32_MAX);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(ask(&world, matcher, true), RC_OK);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.head_count, CHUNKS / 2);
    assert_true(rc_match_cache_shrink(world.cache, 1) > 0);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.head_count, CHUNKS / 2 - 1);
    for (uint32_t i = 0; i < CHUNKS; i++)
        rc_match_cache_drop_head(world.cache, world.chunks[i].head);
    assert_int_equal(ask(&world, matcher, true), RC_OK);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_int_equal(stats.head_count, 0);
    rc_matcher_free(matcher);
    world_close(&world);
}

static void
memory_refused(void **state)
{
    (void)state;
    uint64_t random = 12;
    struct world world;
    uint32_t answered = 0;
    world_open(&world, &random);
    for (uint32_t i = 0; i < 5; i++) {
        struct rc_matcher *matcher = new_matcher(&world, &random, world.arena);
        bool reached = true;
        for (uint64_t n = 1; reached; n++) {
            rc_alloc_fail_at(n);
            const enum rc_status status = ask(&world, matcher, true);
            reached = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_true(status == RC_OK || (reached && status == RC_NO_MEMORY));
            answered += reached && status == RC_OK;
            for (uint32_t k = 0; k < CHUNKS; k++)
                (void)rc_match_cache_shrink(world.cache, 1);
        }
        rc_matcher_free(matcher);
    }
    assert_true(answered > 5);
    world_close(&world);
}

struct asker {
    const struct world *world;
    uint64_t random;
};

static void *
ask_in_thread(void *argument)
{
    struct asker *asker = argument;
    for (uint32_t i = 0; i < 40; i++) {
        uint64_t random = 1 + rig_below(&asker->random, 5); /* All ask the same five. */
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
        RC_CLEANUP(rc_matcher_freep)
        struct rc_matcher *matcher = new_matcher(asker->world, &random, arena);
        assert_int_equal(ask(asker->world, matcher, rig_below(&asker->random, 4) > 0), RC_OK);
        if (rig_below(&asker->random, 8) == 0)
            (void)rc_match_cache_shrink(asker->world->cache, 1);
    }
    return NULL;
}

static void
threads(void **state)
{
    (void)state;
    uint64_t random = rig_seed();
    struct world world;
    pthread_t running[4];
    struct asker askers[4];
    struct rc_match_cache_stats stats;
    world_open(&world, &random);
    for (uint32_t i = 0; i < 4; i++) {
        askers[i] = (struct asker){.world = &world, .random = rig_random(&random)};
        assert_int_equal(pthread_create(&running[i], NULL, ask_in_thread, &askers[i]), 0);
    }
    for (uint32_t i = 0; i < 4; i++)
        pthread_join(running[i], NULL);
    rc_match_cache_get_stats(world.cache, &stats);
    assert_true(stats.head_count <= 5 * CHUNKS / 2);
    world_close(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_arrive),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(memory_refused),
        cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
