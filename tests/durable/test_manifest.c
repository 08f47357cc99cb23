/* The manifest: golden bytes, round trips, damage at every byte, power cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/durable/manifest.h"
#include "tests/base/disk_faulty.h"

static const unsigned char golden[] = {
    'R',  'C',  'M',  'A',  'N',  'I',  'F',  0x01,      /* magic, version 1 */
    0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,      /* payload bytes */
    0x31, 0x21, 0x2c, 0x02,                              /* checksum of the payload */
    0xf7, 0xa1, 0x67, 0x85,                              /* checksum of the above */
    0,    1,    2,    3,    4,    5,    6,    7,    8, 9 /* payload */
};

static void
write_payload(struct rc_disk *disk, const void *data, size_t size)
{
    assert_int_equal(rc_manifest_write(disk, ".", (struct rc_bytes){data, size}, NULL), RC_OK);
}

static void
expect_payload(struct rc_disk *disk, const void *data, size_t size)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
    assert_int_equal(rc_manifest_read(disk, ".", &payload, NULL), RC_OK);
    assert_int_equal(payload.size, size);
    if (size > 0)
        assert_memory_equal(payload.data, data, size);
}

static void
test_golden(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_writer none = {0};
    assert_int_equal(rc_manifest_read(disk, ".", &none, NULL), RC_NOT_FOUND);
    write_payload(disk, golden + RC_MANIFEST_HEADER_BYTES, 10);
    size_t size;
    const void *content = rc_disk_faulty_peek(faulty, "./MANIFEST", &size);
    assert_int_equal(size, sizeof(golden));
    assert_memory_equal(content, golden, size);
    expect_payload(disk, golden + RC_MANIFEST_HEADER_BYTES, 10);
    write_payload(disk, NULL, 0);
    expect_payload(disk, NULL, 0);
    static const char large[100000] = "large";
    write_payload(disk, large, sizeof(large));
    expect_payload(disk, large, sizeof(large));
    rc_disk_faulty_free(faulty);
}

static void
expect_corrupt(struct rc_disk *disk)
{
    struct rc_writer payload = {0};
    struct rc_error error;
    assert_int_equal(rc_manifest_read(disk, ".", &payload, &error), RC_CORRUPT);
    assert_null(payload.data);
    assert_non_null(strstr(error.message, "MANIFEST"));
}

static void
test_damage(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    write_payload(disk, golden + RC_MANIFEST_HEADER_BYTES, 10);
    for (size_t bit = 0; bit < 8 * sizeof(golden); bit++) {
        rc_disk_faulty_flip(faulty, "./MANIFEST", bit / 8, (uint8_t)(1U << bit % 8));
        expect_corrupt(disk);
        rc_disk_faulty_flip(faulty, "./MANIFEST", bit / 8, (uint8_t)(1U << bit % 8));
    }
    expect_payload(disk, golden + RC_MANIFEST_HEADER_BYTES, 10);
    struct rc_file *file;
    assert_int_equal(rc_file_open(disk, "./MANIFEST", RC_FILE_READ_WRITE, &file, NULL), RC_OK);
    assert_int_equal(rc_file_truncate(file, sizeof(golden) + 1, NULL), RC_OK);
    expect_corrupt(disk); /* Longer than it says. */
    for (size_t size = sizeof(golden); size-- > 0;) {
        assert_int_equal(rc_file_truncate(file, size, NULL), RC_OK);
        expect_corrupt(disk);
    }
    rc_file_close(file);
    rc_disk_faulty_free(faulty);
}

/* At whichever call the power goes: the manifest is the old one or the new one. */
static void
test_power_cuts(void **state)
{
    (void)state;
    unsigned old_count = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        write_payload(disk, "old", 3);
        rc_disk_faulty_cut_at(faulty, 1 + seed % 7);
        const enum rc_status status =
            rc_manifest_write(disk, ".", (struct rc_bytes){"new", 3}, NULL);
        rc_disk_faulty_reboot(faulty);
        RC_CLEANUP(rc_writer_close) struct rc_writer payload = {0};
        assert_int_equal(rc_manifest_read(disk, ".", &payload, NULL), RC_OK);
        assert_int_equal(payload.size, 3);
        if (status == RC_OK || memcmp(payload.data, "old", 3) != 0)
            assert_memory_equal(payload.data, "new", 3);
        else
            old_count++;
        rc_disk_faulty_free(faulty);
    }
    assert_in_range(old_count, 50, 299);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_power_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
