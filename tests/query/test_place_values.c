/*
 * Place values: random pairs in several lanes, with bounds from next to nothing to more than is
 * needed, round after round until all codes are counted, against a plain table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/query/series/place_values.h"
#include "tests/base/environment.h"

#define PLACES 200u
#define CODES 3000u
#define LANES 3u
#define PAIRS_MAX 6000u
#define SLOTS_MAX ((uint64_t)1 << 21)

struct pair {
    uint32_t place;
    uint32_t code;
    uint32_t lane;
};

struct world {
    uint64_t random_state;
    struct rc_account account;
    struct rc_query_context context;
    uint32_t place_count;
    uint32_t code_count;
    uint32_t lane_count;
    struct rc_place_values lanes[LANES];
    uint32_t pair_count;
    struct pair pairs[PAIRS_MAX];
    double counts[PLACES];
    uint32_t rounds;
    uint32_t ended_as_bits;
};

static uint32_t
below(struct world *world, uint32_t limit)
{
    world->random_state = world->random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->random_state >> 33) % limit;
}

/* Some places have far more values than others, and some codes far more places. */
static void
make_pairs(struct world *world)
{
    const bool often = below(world, 2) == 0;
    world->place_count = 1 + below(world, PLACES);
    world->code_count = 2 + below(world, CODES - 2);
    world->lane_count = 1 + below(world, LANES);
    world->pair_count = below(world, PAIRS_MAX);
    for (uint32_t i = 0; i < world->pair_count; i++) {
        const uint32_t codes = often && below(world, 2) == 0 ? 2 : world->code_count;
        const uint32_t places = below(world, 3) == 0 ? 1 : world->place_count;
        world->pairs[i] = (struct pair){below(world, places), below(world, codes),
                                        below(world, world->lane_count)};
    }
}

/* One round: codes from first on. */
static enum rc_status
count_round(struct world *world, uint32_t first, uint32_t *ret_width)
{
    struct rc_place_values *least = &world->lanes[0];
    for (uint32_t i = 0; i < world->lane_count; i++)
        rc_place_values_open(&world->lanes[i], &world->context, world->place_count, first,
                             world->code_count - first);
    for (uint32_t i = 0; i < world->pair_count; i++)
        RC_TRY(rc_place_values_add(&world->lanes[world->pairs[i].lane], world->pairs[i].place,
                                   world->pairs[i].code));
    for (uint32_t i = 1; i < world->lane_count; i++)
        least = world->lanes[i].width < least->width ? &world->lanes[i] : least;
    for (uint32_t i = 0; i < world->lane_count; i++)
        if (&world->lanes[i] != least)
            RC_TRY(rc_place_values_join(least, &world->lanes[i]));
    RC_TRY(rc_place_values_count(least, world->counts));
    world->ended_as_bits += least->bits != NULL;
    *ret_width = least->width;
    return RC_OK;
}

static enum rc_status
count_all(struct world *world)
{
    enum rc_status status = RC_OK;
    uint32_t width = 0;
    world->rounds = 0;
    world->ended_as_bits = 0;
    memset(world->counts, 0, sizeof(world->counts));
    for (uint32_t first = 1; status == RC_OK && first < world->code_count; first += width) {
        status = count_round(world, first, &width);
        world->rounds++;
    }
    for (uint32_t i = 0; i < LANES; i++)
        rc_place_values_close(&world->lanes[i]);
    assert_int_equal(rc_account_used(&world->account), 0);
    return status;
}

static void
expect_counts(const struct world *world)
{
    static bool has[PLACES][CODES];
    memset(has, 0, sizeof(has));
    for (uint32_t i = 0; i < world->pair_count; i++)
        has[world->pairs[i].place][world->pairs[i].code] = true;
    for (uint32_t place = 0; place < world->place_count; place++) {
        uint32_t count = 0;
        for (uint32_t code = 1; code < world->code_count; code++)
            count += has[place][code];
        assert_int_equal((uint32_t)world->counts[place], count);
    }
}

/* The words of bits that a lane may take. */
static uint64_t
bits_max(const struct world *world)
{
    const uint64_t words = 2 * rc_place_values_slots_max;
    return words < world->place_count ? world->place_count : words;
}

static struct world *
world_new(uint64_t seed)
{
    static struct world world;
    world = (struct world){.random_state = seed, .context = {.account = &world.account}};
    return &world;
}

static void
all_bounds_agree(void **state)
{
    (void)state;
    struct world *world = world_new(6174);
    uint32_t of_many_rounds = 0;
    uint32_t of_bits = 0;
    uint32_t of_pairs = 0;
    const uint32_t rounds = test_rounds(600);
    for (uint32_t round = 0; round < rounds; round++) {
        rc_place_values_slots_max = (uint64_t)4 << below(world, 14);
        make_pairs(world);
        /* A lane's pairs and its bits, and the lanes' pairs put together. */
        world->account.limit_bytes =
            world->lane_count * 8 * (2 * rc_place_values_slots_max + bits_max(world) + 32);
        assert_int_equal(count_all(world), RC_OK);
        expect_counts(world);
        /* No more rounds than bits alone take. */
        const uint64_t fits = bits_max(world) / world->place_count * 64;
        assert_true(world->rounds <= (world->code_count - 1 + fits - 1) / fits);
        of_many_rounds += world->rounds > 1;
        of_bits += world->ended_as_bits > 0;
        of_pairs += world->ended_as_bits < world->rounds;
    }
    rc_place_values_slots_max = SLOTS_MAX;
    print_message("%u of many rounds, %u with bits, %u with pairs\n", of_many_rounds, of_bits,
                  of_pairs);
    assert_true(of_many_rounds > rounds / 20 && of_bits > rounds / 20 && of_pairs > rounds / 20);
}

/* Every allocation fails once, and nothing is left behind. */
static void
memory_may_run_out(void **state)
{
    (void)state;
    struct world *world = world_new(42);
    rc_place_values_slots_max = 256;
    for (uint32_t round = 0; round < 20; round++) {
        make_pairs(world);
        bool reached = true;
        for (uint64_t n = 1; reached; n++) {
            rc_alloc_fail_at(n);
            const enum rc_status status = count_all(world);
            reached = rc_alloc_count() >= n;
            rc_alloc_fail_at(0);
            assert_int_equal(status, reached ? RC_NO_MEMORY : RC_OK);
        }
        expect_counts(world);
    }
    rc_place_values_slots_max = SLOTS_MAX;
}

static void
cancelled_is_said(void **state)
{
    (void)state;
    const _Atomic(bool) cancel = true;
    struct world *world = world_new(3);
    make_pairs(world);
    assert_int_equal(count_all(world), RC_OK);
    assert_true(world->pair_count > 0);
    world->context.cancel = &cancel;
    assert_int_equal(count_all(world), RC_CANCELLED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bounds_agree),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(cancelled_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
