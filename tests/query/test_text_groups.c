/*
 * Text groups: random sorted texts of several slabs, some of them known to the query and some with
 * a set already; each text's group is compared with what its string says. Then cancelling and
 * refused memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/query/split/text_groups.h"
#include "engine/store/texts/text_writer.h"
#include "tests/base/environment.h"

#define KEYS 400u  /* Different strings. */
#define SOURCES 5u /* Slabs. */
#define SET_BY_HAND ((uint32_t)1 << 31 | 5)

struct source {
    uint32_t count;
    uint32_t keys[KEYS]; /* Ascending: numbers of strings. */
    uint32_t sets[KEYS];
    uint64_t *block_starts;
    unsigned char *bytes;
};

struct world {
    uint64_t state;
    struct source sources[SOURCES];
    struct rc_text_source inputs[SOURCES];
    struct rc_dictionary *known;
};

static uint32_t
below(uint64_t *state, uint32_t count)
{
    *state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ (z >> 31)) % count);
}

/* The strings ascend with their numbers; some are the beginning of the next. */
static struct rc_bytes
key_of(uint32_t number, char text[40])
{
    const int size =
        snprintf(text, 40, "\x04/shop/item/%05u%s", number / 2, number % 2 == 0 ? "" : "?ref=mail");
    return (struct rc_bytes){text, (size_t)size};
}

static void
encode(struct source *source, struct rc_texts *ret_texts)
{
    struct rc_text_writer writer;
    char text[40];
    rc_text_writer_open(&writer, NULL);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            source->block_starts =
                calloc(rc_texts_block_count(source->count) + 1, sizeof(*source->block_starts));
            source->bytes = calloc(writer.byte_count + 1, 1);
            *ret_texts = (struct rc_texts){.count = source->count,
                                           .byte_count = writer.byte_count,
                                           .block_starts = source->block_starts,
                                           .bytes = source->bytes};
            rc_text_writer_restart(&writer, source->block_starts, source->bytes);
        }
        for (uint32_t i = 0; i < source->count; i++)
            assert_int_equal(rc_text_writer_put(&writer, key_of(source->keys[i], text)), RC_OK);
    }
    rc_text_writer_close(&writer);
    assert_int_equal(rc_texts_check(ret_texts, NULL), RC_OK);
}

static void
world_open(struct world *world, uint64_t seed)
{
    char text[40];
    uint32_t code;
    memset(world, 0, sizeof(*world));
    world->state = seed;
    assert_int_equal(rc_dictionary_new(NULL, &world->known), RC_OK);
    const uint32_t known_odds = 1 + below(&world->state, 20);
    for (uint32_t number = 0; number < KEYS; number++)
        if (below(&world->state, known_odds) == 0)
            assert_int_equal(rc_dictionary_intern(world->known, key_of(number, text), &code),
                             RC_OK);
    for (uint32_t s = 0; s < SOURCES; s++) {
        struct source *source = &world->sources[s];
        const uint32_t odds = 1 + below(&world->state, 6);
        for (uint32_t number = 0; number < KEYS; number++)
            if (below(&world->state, odds) == 0)
                source->keys[source->count++] = number;
        struct rc_text_source *input = &world->inputs[s];
        encode(source, &input->texts);
        memset(source->sets, 0xff, sizeof(source->sets));
        input->sets = source->sets;
        input->first = source->count == 0 ? 0 : below(&world->state, 3) % (source->count + 1);
        input->end = source->count - below(&world->state, 3) % (source->count - input->first + 1);
        for (uint32_t i = input->first; i < input->end; i++)
            if (below(&world->state, 30) == 0)
                source->sets[i] = SET_BY_HAND;
    }
}

static void
world_close(struct world *world)
{
    for (uint32_t s = 0; s < SOURCES; s++) {
        free(world->sources[s].block_starts);
        free(world->sources[s].bytes);
    }
    rc_dictionary_free(world->known);
}

/* Each text's set is the group of its string. group_of: by number of string. */
static void
check_sets(const struct world *world, const struct rc_text_groups *groups, uint32_t *group_of)
{
    const uint32_t known_count = rc_dictionary_count(world->known);
    char text[40];
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    memset(group_of, 0xff, KEYS * sizeof(*group_of));
    for (uint32_t s = 0; s < SOURCES; s++) {
        const struct source *source = &world->sources[s];
        for (uint32_t i = 0; i < source->count; i++) {
            const uint32_t set = source->sets[i];
            const struct rc_bytes key = key_of(source->keys[i], text);
            if (i < world->inputs[s].first || i >= world->inputs[s].end) {
                assert_int_equal(set, RC_GROUP_UNSET);
                continue;
            }
            if (set == SET_BY_HAND)
                continue;
            if (set < known_count) {
                assert_int_equal(set, rc_dictionary_find(world->known, key));
                continue;
            }
            struct rc_bytes found;
            assert_true(set - known_count < rc_text_groups_count(groups));
            assert_int_equal(rc_dictionary_find(world->known, key), RC_CODE_NONE);
            assert_int_equal(rc_text_groups_key(groups, set - known_count, arena, &found), RC_OK);
            assert_true(rc_bytes_equal(found, key));
            assert_true(group_of[source->keys[i]] == RC_GROUP_UNSET ||
                        group_of[source->keys[i]] == set);
            group_of[source->keys[i]] = set;
        }
    }
}

static void
random_sources(void **state)
{
    (void)state;
    const uint64_t seed = test_number("RC_TEST_SEED", (uint64_t)time(NULL));
    printf("seed %llu\n", (unsigned long long)seed);
    for (uint64_t round = 0; round < 200; round++) {
        static struct world world;
        static uint32_t group_of[KEYS];
        RC_CLEANUP(rc_text_groups_freep) struct rc_text_groups *groups = NULL;
        world_open(&world, seed * 1000 + round);
        assert_int_equal(rc_text_groups_new(world.inputs, SOURCES, world.known, NULL,
                                            &rc_account_process, &groups),
                         RC_OK);
        check_sets(&world, groups, group_of);
        uint32_t next = rc_dictionary_count(world.known); /* Numbered without gaps, in order. */
        for (uint32_t number = 0; number < KEYS; number++)
            if (group_of[number] != RC_GROUP_UNSET)
                assert_int_equal(group_of[number], next++);
        assert_int_equal(next - rc_dictionary_count(world.known), rc_text_groups_count(groups));
        groups = rc_text_groups_free(groups);
        world_close(&world);
    }
}

static void
no_sources(void **state)
{
    (void)state;
    RC_CLEANUP(rc_dictionary_freep) struct rc_dictionary *known = NULL;
    RC_CLEANUP(rc_text_groups_freep) struct rc_text_groups *groups = NULL;
    assert_int_equal(rc_dictionary_new(NULL, &known), RC_OK);
    assert_int_equal(rc_text_groups_new(NULL, 0, known, NULL, &rc_account_process, &groups), RC_OK);
    assert_int_equal(rc_text_groups_count(groups), 0);
}

static void
cancelled(void **state)
{
    (void)state;
    static struct world world;
    struct rc_text_groups *groups = NULL;
    const _Atomic(bool) cancel = true;
    world_open(&world, 1);
    assert_int_equal(rc_text_groups_new(world.inputs, SOURCES, world.known, &cancel,
                                        &rc_account_process, &groups),
                     RC_CANCELLED);
    world_close(&world);
}

/* All that it takes is charged to the account given, and given back. */
static void
refused_memory(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t limit = 1; !done; limit += 1500) {
        static struct world world;
        struct rc_account account = {.parent = &rc_account_process, .limit_bytes = limit};
        struct rc_text_groups *groups = NULL;
        world_open(&world, 2);
        const enum rc_status status =
            rc_text_groups_new(world.inputs, SOURCES, world.known, NULL, &account, &groups);
        done = status == RC_OK;
        assert_true(done || status == RC_NO_MEMORY);
        rc_text_groups_free(groups);
        assert_int_equal(rc_account_used(&account), 0);
        world_close(&world);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sources),
        cmocka_unit_test(no_sources),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
