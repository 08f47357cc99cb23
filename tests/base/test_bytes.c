/*
 * Bytes: readers never pass their end, writers remember a refusal, and UTF-8 is judged like a twin
 * that knows only how code points are encoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/bytes.h"

/* ---- the twin: encodes, and so knows what is an encoding ---- */

static size_t
encode(uint32_t point, unsigned char *at)
{
    if (point < 0x80) {
        at[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        at[0] = (unsigned char)(0xc0 + point / 64);
        at[1] = (unsigned char)(0x80 + point % 64);
        return 2;
    }
    if (point < 0x10000) {
        at[0] = (unsigned char)(0xe0 + point / 4096);
        at[1] = (unsigned char)(0x80 + point / 64 % 64);
        at[2] = (unsigned char)(0x80 + point % 64);
        return 3;
    }
    at[0] = (unsigned char)(0xf0 + point / 262144);
    at[1] = (unsigned char)(0x80 + point / 4096 % 64);
    at[2] = (unsigned char)(0x80 + point / 64 % 64);
    at[3] = (unsigned char)(0x80 + point % 64);
    return 4;
}

/* One bit for each string of up to three bytes (as a big-endian number) that is one code point. */
static unsigned char is_point[3][(1U << 24) / 8];

static void
fill_points(void)
{
    for (uint32_t point = 1; point < 0x10000; point++) {
        if (point >= 0xd800 && point < 0xe000)
            continue;
        unsigned char bytes[4];
        const size_t size = encode(point, bytes);
        uint32_t key = 0;
        for (size_t i = 0; i < size; i++)
            key = key << 8 | bytes[i];
        is_point[size - 1][key / 8] |= (unsigned char)(1U << key % 8);
    }
}

static bool
twin_is_point(const unsigned char *at, size_t size)
{
    uint32_t key = 0;
    for (size_t i = 0; i < size; i++)
        key = key << 8 | at[i];
    if (size < 4)
        return (is_point[size - 1][key / 8] >> key % 8 & 1) != 0;
    const uint32_t point =
        (at[0] & 7U) << 18 | (at[1] & 63U) << 12 | (at[2] & 63U) << 6 | (at[3] & 63U);
    unsigned char again[4];
    return point >= 0x10000 && point <= 0x10ffff && encode(point, again) == 4 &&
           memcmp(again, at, 4) == 0;
}

static bool
twin_is_text(const unsigned char *at, size_t size)
{
    if (size == 0)
        return true;
    for (size_t length = 1; length <= 4 && length <= size; length++)
        if (twin_is_point(at, length))
            return twin_is_text(at + length, size - length);
    return false;
}

static void
expect_same(const unsigned char *bytes, size_t size)
{
    const bool text = rc_bytes_is_text((struct rc_bytes){(const char *)bytes, size});
    if (text == twin_is_text(bytes, size))
        return;
    for (size_t i = 0; i < size; i++)
        print_error("%02x ", bytes[i]);
    fail_msg("is %s text", text ? "taken for" : "not taken for");
}

static void
test_text_up_to_three_bytes(void **state)
{
    (void)state;
    for (uint32_t key = 0; key < 1U << 24; key++) {
        const unsigned char bytes[3] = {(unsigned char)(key >> 16), (unsigned char)(key >> 8),
                                        (unsigned char)key};
        expect_same(bytes, 3);
        if (key < 1U << 16)
            expect_same(bytes + 1, 2);
        if (key < 1U << 8)
            expect_same(bytes + 2, 1);
    }
}

static void
test_text_of_four_bytes(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xf4, 0xff};
    for (unsigned lead = 0; lead < 65536; lead++)
        for (size_t i = 0; i < sizeof(edges) * sizeof(edges); i++) {
            const unsigned char bytes[4] = {(unsigned char)(lead >> 8), (unsigned char)lead,
                                            edges[i / sizeof(edges)], edges[i % sizeof(edges)]};
            expect_same(bytes, 4);
        }
}

/* Long strings go eight bytes at a time while they are plain. */
static void
test_text_at_every_place(void **state)
{
    (void)state;
    static const char *const inserts[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3",
                                          "\xff",     "\xed\xa0\x80", "\xc0\x80",         "\x80"};
    unsigned char bytes[48];
    for (size_t size = 0; size < 40; size++)
        for (size_t at = 0; at <= size; at++) {
            memset(bytes, 'a', sizeof(bytes));
            if (at < size)
                bytes[at] = 0;
            expect_same(bytes, size);
            for (size_t i = 0; i < sizeof(inserts) / sizeof(inserts[0]); i++) {
                memset(bytes, 0x01 + (int)i * 18, sizeof(bytes));
                memcpy(bytes + at, inserts[i], strlen(inserts[i]));
                expect_same(bytes, size);
                expect_same(bytes, size + strlen(inserts[i]));
            }
        }
}

/* ---- readers and writers ---- */

static void
test_round_trip(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0,
                                       1,
                                       127,
                                       128,
                                       16383,
                                       16384,
                                       UINT32_MAX,
                                       (uint64_t)1 << 56,
                                       UINT64_MAX,
                                       INT64_MAX,
                                       (uint64_t)1 << 63,
                                       300};
    const size_t count = sizeof(numbers) / sizeof(numbers[0]);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    for (size_t i = 0; i < count; i++) {
        rc_write_varint(&writer, numbers[i]);
        rc_write_u64(&writer, numbers[i]);
        rc_write_u32(&writer, (uint32_t)numbers[i]);
        rc_write_u8(&writer, (uint8_t)numbers[i]);
        rc_write_f64(&writer, (double)numbers[i] * -0.5);
        rc_write_bytes(&writer, (struct rc_bytes){"abcdefgh", i % 9});
    }
    assert_false(writer.failed);
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rc_read_varint(&reader), numbers[i]);
        assert_int_equal(rc_read_u64(&reader), numbers[i]);
        assert_int_equal(rc_read_u32(&reader), (uint32_t)numbers[i]);
        assert_int_equal(rc_read_u8(&reader), (uint8_t)numbers[i]);
        assert_true(rc_read_f64(&reader) == (double)numbers[i] * -0.5);
        assert_true(rc_bytes_equal(rc_read_bytes(&reader), (struct rc_bytes){"abcdefgh", i % 9}));
    }
    assert_false(reader.bad);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_int_equal(rc_read_u8(&reader), 0);
    assert_true(reader.bad);
}

static void
test_golden(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_write_u32(&writer, 0x01020304);
    rc_write_varint(&writer, 300);
    rc_write_bytes(&writer, RC_BYTES_LITERAL("hi"));
    rc_write_f64(&writer, 1.0);
    static const unsigned char golden[] = {4, 3, 2, 1, 0xac, 2, 2,    'h', 'i',
                                           0, 0, 0, 0, 0,    0, 0xf0, 0x3f};
    assert_int_equal(writer.size, sizeof(golden));
    assert_memory_equal(writer.data, golden, sizeof(golden));
}

static void
test_bad_readers(void **state)
{
    (void)state;
    static const unsigned char wide[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0x02, 0x00};
    struct rc_reader reader = rc_reader_of(wide, sizeof(wide)); /* More than 64 bits. */
    assert_int_equal(rc_read_varint(&reader), 0);
    assert_true(reader.bad);
    reader = rc_reader_of(wide, 4); /* Ends in the middle. */
    assert_int_equal(rc_read_varint(&reader), 0);
    assert_true(reader.bad);
    assert_int_equal(rc_read_u8(&reader), 0); /* Bad for good. */

    static const unsigned char promise[] = {5, 'a', 'b'};
    reader = rc_reader_of(promise, sizeof(promise));
    assert_null(rc_read_bytes(&reader).data);
    assert_true(reader.bad);
    reader = rc_reader_of(promise, sizeof(promise));
    assert_int_equal(rc_read_count(&reader, 5), 5);
    assert_false(reader.bad);
    reader = rc_reader_of(promise, sizeof(promise));
    assert_int_equal(rc_read_count(&reader, 4), 0);
    assert_true(reader.bad);
    reader = rc_reader_of(promise, sizeof(promise));
    assert_null(rc_read_raw(&reader, SIZE_MAX).data);
    assert_true(reader.bad);
    reader = rc_reader_of(NULL, 0);
    assert_int_equal(rc_read_u64(&reader), 0);
    assert_true(reader.bad);
}

/* Few and many bytes of two letters, in which parts begin often and are seldom whole. */
static void
test_find(void **state)
{
    (void)state;
    uint64_t random = 12;
    char bytes[400];
    char part[12];
    uint32_t found = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = "ab"[random >> 63];
        }
        const size_t size = random >> 8 & 255;
        const size_t part_size = random >> 16 & 7;
        for (size_t i = 0; i < sizeof(part); i++)
            part[i] = "ab"[random >> (24 + i) & 1];
        const char *at =
            rc_bytes_find((struct rc_bytes){bytes, size}, (struct rc_bytes){part, part_size});
        size_t first = 0;
        while (first + part_size <= size && memcmp(bytes + first, part, part_size) != 0)
            first++;
        if (first + part_size > size)
            assert_null(at);
        else if (size > 0)
            assert_ptr_equal(at, bytes + first);
        found += at != NULL;
    }
    assert_in_range(found, 10000, 19999);
    assert_non_null(rc_bytes_find((struct rc_bytes){0}, (struct rc_bytes){0}));
}

static void
test_no_room_is_room(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    assert_non_null(rc_write_room(&writer, 0));
    assert_false(writer.failed);
    assert_int_equal(writer.size, 0);
}

static void
test_writer_refusal(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_write_u8(&writer, 1);
    rc_alloc_fail_at(1);
    assert_null(rc_write_room(&writer, 1000));
    rc_alloc_fail_at(0);
    assert_true(writer.failed);
    rc_write_u8(&writer, 2); /* Dropped: a gap must not go unseen. */
    assert_int_equal(writer.size, 1);
}

static void
test_compare(void **state)
{
    (void)state;
    static const char *const ordered[] = {"", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};
    const size_t count = sizeof(ordered) / sizeof(ordered[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            const int order = rc_bytes_compare(rc_bytes_of(ordered[i]), rc_bytes_of(ordered[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(rc_bytes_equal(rc_bytes_of(ordered[i]), rc_bytes_of(ordered[j])),
                             i == j);
        }
    assert_true(rc_bytes_equal((struct rc_bytes){0}, rc_bytes_of(NULL)));
    assert_int_equal(rc_bytes_compare((struct rc_bytes){0}, rc_bytes_of("")), 0);
}

int
main(void)
{
    fill_points();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_up_to_three_bytes),
        cmocka_unit_test(test_text_of_four_bytes),
        cmocka_unit_test(test_text_at_every_place),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_bad_readers),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_no_room_is_room),
        cmocka_unit_test(test_writer_refusal),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
