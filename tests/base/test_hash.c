/* Hash, checksum and clocks: published vectors, and what stored formats rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/base/clock.h"
#include "engine/base/hash.h"

static void
test_hash_golden(void **state)
{
    (void)state;
    assert_int_equal(rc_hash("", 0), 0x2d06800538d394c2U);
    assert_int_equal(rc_hash("recount", 7), 0x59dd1ab9bc2be1ebU);
    assert_int_equal(rc_hash_seeded("recount", 7, 0), rc_hash("recount", 7));
    assert_int_equal(rc_hash_seeded("recount", 7, 1), 0xb6fbb7a39b104728U);
    unsigned char long_input[1000];
    for (size_t i = 0; i < sizeof(long_input); i++)
        long_input[i] = (unsigned char)(i * 7);
    assert_int_equal(rc_hash(long_input, sizeof(long_input)), 0x10ad30264426c830U);
}

static void
test_hash_u64(void **state)
{
    (void)state;
    assert_int_equal(rc_hash_u64(0), 0);
    assert_int_equal(rc_hash_u64(1), 0x4179b061e0c0e0d0U);
    /* A bijection that spreads neighbours: no two of the low 16 bits' buckets overflow by far. */
    static unsigned buckets[4096];
    for (uint64_t i = 0; i < 4096 * 16; i++)
        buckets[rc_hash_u64(i) % 4096]++;
    for (size_t i = 0; i < 4096; i++)
        assert_in_range(buckets[i], 1, 48);
}

/* Bit by bit, from the reflected polynomial. */
static uint32_t
slow_crc32c(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

static void
test_checksum(void **state)
{
    (void)state;
    assert_int_equal(rc_crc32c("123456789", 9), 0xe3069283U);
    assert_int_equal(rc_crc32c(NULL, 0), 0);
    unsigned char data[300];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)rc_hash_u64(i + 1);
    for (size_t size = 0; size <= sizeof(data); size++) {
        const uint32_t crc = slow_crc32c(data, size);
        assert_int_equal(rc_crc32c(data, size), crc);
        const size_t half = size / 2;
        assert_int_equal(rc_crc32c_extend(rc_crc32c(data, half), data + half, size - half), crc);
    }
}

static void
test_clocks(void **state)
{
    (void)state;
    const uint64_t before = rc_clock_monotonic_ns();
    assert_true(rc_clock_monotonic_ns() >= before);
    assert_true(rc_clock_wall_ms() > 1700000000000); /* After 2023. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_golden),
        cmocka_unit_test(test_hash_u64),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
