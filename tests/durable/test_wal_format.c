/* The log's stored format: golden bytes (their checksums come from a bitwise CRC32C written apart),
 * and no flipped bit goes unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/durable/wal_format.h"

#define SALT 0x1122334455667788U

static const struct rc_wal_header header = {.salt = SALT, .number = 7, .sequence_first = 1000};

static const unsigned char golden_header[RC_WAL_HEADER_USED] = {
    'R',  'C',  'W',  'A',  'L',  0x0d, 0x0a, 0x01, /* magic, version 1 */
    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* salt */
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* number */
    0xe8, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* first sequence */
    0x00, 0x00, 0x00, 0x00,                         /* checksum: HEADER_CRC */
};
#define HEADER_CRC 0xf0b3c792U

static const unsigned char golden_frame[RC_WAL_FRAME_BYTES + 16] = {
    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* salt */
    0xea, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* sequence 1002 */
    0xe9, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* synced 1001 */
    0x09, 0x00, 0x00, 0x00,                         /* payload bytes */
    0x83, 0x92, 0x06, 0xe3,                         /* checksum of "123456789" */
    0x01, 0x00, 0x00, 0x00,                         /* kind: record */
    0x00, 0x00, 0x00, 0x00,                         /* checksum: FRAME_CRC */
    '1',  '2',  '3',  '4',  '5',  '6',  '7',  '8',  /* payload */
    '9',  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* and padding */
};
#define FRAME_CRC 0xfa6538f2U

static void
golden_with_crc(const unsigned char *golden, size_t size, size_t crc_at, uint32_t crc, void *ret)
{
    memcpy(ret, golden, size);
    memcpy((unsigned char *)ret + crc_at, &crc, sizeof(crc));
}

static void
encode_frame(unsigned char *at)
{
    const struct rc_wal_frame frame = {
        .salt = SALT,
        .sequence = 1002,
        .synced = 1001,
        .payload_bytes = 9,
        .payload_crc = rc_crc32c("123456789", 9),
        .kind = RC_WAL_RECORD,
    };
    memset(at, 0, RC_WAL_FRAME_BYTES + 16);
    rc_wal_frame_encode(&frame, at);
    memcpy(at + RC_WAL_FRAME_BYTES, "123456789", 9);
}

static void
test_header_golden(void **state)
{
    (void)state;
    unsigned char expected[RC_WAL_HEADER_USED];
    unsigned char block[RC_WAL_HEADER_BYTES];
    golden_with_crc(golden_header, sizeof(expected), 32, HEADER_CRC, expected);
    memset(block, 0xff, sizeof(block));
    rc_wal_header_encode(&header, block);
    assert_memory_equal(block, expected, sizeof(expected));
    for (size_t i = RC_WAL_HEADER_USED; i < sizeof(block); i++)
        assert_int_equal(block[i], 0);
    struct rc_wal_header back;
    assert_true(rc_wal_header_decode(block, &back));
    assert_int_equal(back.salt, header.salt);
    assert_int_equal(back.number, header.number);
    assert_int_equal(back.sequence_first, header.sequence_first);
}

static void
test_header_flips(void **state)
{
    (void)state;
    unsigned char block[RC_WAL_HEADER_BYTES];
    struct rc_wal_header back;
    rc_wal_header_encode(&header, block);
    for (size_t bit = 0; bit < (size_t)8 * RC_WAL_HEADER_USED; bit++) {
        block[bit / 8] ^= (unsigned char)(1U << bit % 8);
        assert_false(rc_wal_header_decode(block, &back));
        block[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
}

static void
test_frame_golden(void **state)
{
    (void)state;
    unsigned char expected[sizeof(golden_frame)];
    unsigned char bytes[sizeof(golden_frame)];
    golden_with_crc(golden_frame, sizeof(expected), 36, FRAME_CRC, expected);
    encode_frame(bytes);
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_int_equal(rc_wal_record_bytes(9), sizeof(golden_frame));
    struct rc_wal_frame back;
    assert_true(rc_wal_frame_decode(bytes, sizeof(bytes), SALT, &back));
    assert_int_equal(back.sequence, 1002);
    assert_int_equal(back.synced, 1001);
    assert_int_equal(back.payload_bytes, 9);
    assert_int_equal(back.kind, RC_WAL_RECORD);
}

static void
test_frame_flips(void **state)
{
    (void)state;
    unsigned char bytes[sizeof(golden_frame)];
    struct rc_wal_frame back;
    encode_frame(bytes);
    for (size_t bit = 0; bit < (size_t)8 * (RC_WAL_FRAME_BYTES + 9); bit++) {
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
        assert_false(rc_wal_frame_decode(bytes, sizeof(bytes), SALT, &back));
        bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
}

static void
test_frame_bounds(void **state)
{
    (void)state;
    unsigned char bytes[sizeof(golden_frame)];
    struct rc_wal_frame back;
    encode_frame(bytes);
    for (size_t left = 0; left < sizeof(bytes); left++)
        assert_false(rc_wal_frame_decode(bytes, left, SALT, &back));
    assert_false(rc_wal_frame_decode(bytes, sizeof(bytes), SALT + 1, &back));
    assert_int_equal(rc_wal_record_bytes(0), RC_WAL_FRAME_BYTES);
    assert_int_equal(rc_wal_record_bytes(8), RC_WAL_FRAME_BYTES + 8);
    assert_int_equal(rc_wal_record_bytes(UINT32_MAX), (uint64_t)RC_WAL_FRAME_BYTES + 0x100000000U);
}

static void
test_names(void **state)
{
    (void)state;
    char name[RC_WAL_NAME_BYTES];
    bool spare;
    uint64_t number;
    rc_wal_name(false, 0xabc, name);
    assert_string_equal(name, "wal-0000000000000abc.log");
    assert_true(rc_wal_name_parse(name, &spare, &number));
    assert_false(spare);
    assert_int_equal(number, 0xabc);
    rc_wal_name(true, UINT64_MAX, name);
    assert_string_equal(name, "spare-ffffffffffffffff.log");
    assert_true(rc_wal_name_parse(name, &spare, &number));
    assert_true(spare);
    assert_int_equal(number, UINT64_MAX);
    static const char *const others[] = {"",
                                         "wal-",
                                         "wal-abc.log",
                                         "wal-0000000000000ABC.log",
                                         "lost+found",
                                         "spare-.log",
                                         "wal-0000000000000abc.log.new",
                                         "wal-00000000000000abc.log",
                                         "MANIFEST"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(rc_wal_name_parse(others[i], &spare, &number));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_golden), cmocka_unit_test(test_header_flips),
        cmocka_unit_test(test_frame_golden),  cmocka_unit_test(test_frame_flips),
        cmocka_unit_test(test_frame_bounds),  cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
