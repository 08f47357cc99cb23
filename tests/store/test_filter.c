/* Filters: nothing is forgotten, little is made up, at the price that was promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/store/slab/filter.h"
#include "tests/store/slab_rig.h"

#define SEED 5u
#define KEYS 200000u
#define STRANGERS 2000000u

static void
test_size(void **state)
{
    (void)state;
    assert_int_equal(rc_filter_size_bytes(0, 16), 0);
    assert_int_equal(rc_filter_size_bytes(1, 16), 64);
    for (uint64_t keys = 1; keys < 5000000; keys = keys * 3 + 1) {
        assert_true(rc_filter_size_bytes(keys, 16) <= keys * 2 + RC_FILTER_BLOCK_BYTES);
        assert_true(rc_filter_size_bytes(keys, 20) <= keys * 5 / 2 + RC_FILTER_BLOCK_BYTES);
    }
    assert_false(rc_filter_may_hold(NULL, 0, 1));
}

/* Made up may be one in made_up_in. */
static void
keys_and_strangers(uint32_t bits_a_key, uint32_t made_up_in)
{
    print_message("seed %u\n", SEED);
    const uint64_t size = rc_filter_size_bytes(KEYS, bits_a_key);
    uint64_t *words = calloc(1, size);
    uint64_t *hashes = calloc(STRANGERS, sizeof(*hashes));
    uint8_t *may = calloc(STRANGERS, 1);
    assert_true(words != NULL && hashes != NULL && may != NULL);
    uint64_t seed = SEED;
    for (uint32_t i = 0; i < KEYS; i++)
        hashes[i] = rig_random(&seed);
    rc_filter_add_many(words, size, hashes, 1);
    rc_filter_add_many(words, size, hashes + 1, KEYS - 1);
    seed = SEED;
    for (uint32_t i = 0; i < KEYS; i++)
        assert_true(rc_filter_may_hold(words, size, rig_random(&seed)));
    for (uint32_t i = 0; i < STRANGERS; i++)
        hashes[i] = rig_random(&seed);
    rc_filter_may_hold_many(words, size, hashes, STRANGERS, may);
    uint32_t made_up = 0;
    for (uint32_t i = 0; i < STRANGERS; i++) {
        assert_int_equal(may[i], rc_filter_may_hold(words, size, hashes[i]));
        made_up += may[i];
    }
    print_message("made up: %u of %u\n", made_up, STRANGERS);
    assert_true(made_up < STRANGERS / made_up_in);
    free(words);
    free(hashes);
    free(may);
}

static void
test_keys_and_strangers(void **state)
{
    (void)state;
    keys_and_strangers(16, 1000);
    keys_and_strangers(20, 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_keys_and_strangers),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
