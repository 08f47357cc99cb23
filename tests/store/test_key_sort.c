/*
 * Sorting by key, or by what of it lies above some bytes: against insertion, over keys that differ
 * in any set of their bytes, in counts around those where the way of sorting changes. Equal keys
 * stay in their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/store/builder/key_sort.h"
#include "tests/base/environment.h"

#define COUNT_MAX 600u

static uint64_t seed;

static uint64_t
draw(void)
{
    seed = rc_hash_u64(seed + 1);
    return seed;
}

/* A mask of some of the eight bytes, whole or in part. */
static uint64_t
draw_mask(void)
{
    uint64_t mask = 0;
    const uint64_t bytes = draw();
    for (unsigned byte = 0; byte < 8; byte++)
        if ((bytes >> byte & 1) != 0)
            mask |= UINT64_C(0xff) << (8 * byte);
    return (bytes >> 8 & 1) != 0 ? mask : mask & draw();
}

static void
test_any_keys(void **state)
{
    (void)state;
    static struct rc_keyed items[COUNT_MAX], expected[COUNT_MAX], scratch[COUNT_MAX];
    for (uint32_t round = 0; round < 600; round++) {
        const uint32_t count = (uint32_t)(draw() >> 32) % (round % 3 == 0 ? 60 : COUNT_MAX);
        const uint64_t mask = draw_mask();
        const uint64_t shared = draw() & ~mask;
        const unsigned from_byte = round % 2 == 0 ? 0 : (unsigned)(draw() % 8);
        const unsigned shift = 8 * from_byte;
        for (uint32_t i = 0; i < count; i++) {
            items[i] = (struct rc_keyed){.key = shared | (draw() & mask), .value = i};
            uint32_t at = i;
            for (; at > 0 && expected[at - 1].key >> shift > items[i].key >> shift; at--)
                expected[at] = expected[at - 1];
            expected[at] = items[i];
        }
        rc_key_sort(items, scratch, count, from_byte);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(items[i].key == expected[i].key);
            assert_int_equal(items[i].value, expected[i].value);
        }
    }
}

static int
set_up(void **state)
{
    (void)state;
    seed = test_number("RC_SEED", rc_clock_monotonic_ns());
    print_message("seed %llu\n", (unsigned long long)seed);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_keys),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
