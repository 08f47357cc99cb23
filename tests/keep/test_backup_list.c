/* The list of a backup: golden text, and damage at every byte of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/keep/backup_list.h"
#include "tests/base/disk_faulty.h"

static const char golden[] =
    "recount backup 1\n"
    "position 4711\n"
    "file 7a3f0c11 48390208 projects/shop@0000000000000001/slab-00000000000000b1\n"
    "file 00000001 61 MANIFEST\n";

static void
write_list(struct rc_disk_faulty *faulty)
{
    RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {.position = 4711};
    assert_int_equal(rc_backup_list_add(&list,
                                        "projects/shop@0000000000000001/slab-00000000000000b1",
                                        48390208, 0x7a3f0c11, NULL),
                     RC_OK);
    assert_int_equal(rc_backup_list_add(&list, "MANIFEST", 61, 1, NULL), RC_OK);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    assert_int_equal(rc_disk_make_dir(disk, "/b", NULL), RC_OK);
    assert_int_equal(rc_backup_list_write(disk, "/b", &list, NULL), RC_OK);
}

static void
test_golden(void **state)
{
    (void)state;
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    write_list(faulty);
    size_t size = 0;
    const char *text = rc_disk_faulty_peek(faulty, "/b/BACKUP", &size);
    assert_int_equal(size, sizeof(golden) - 1 + strlen("end 00000000\n"));
    assert_memory_equal(text, golden, sizeof(golden) - 1);
    RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
    assert_int_equal(rc_backup_list_read(rc_disk_faulty_disk(faulty), "/b", &list, NULL), RC_OK);
    assert_int_equal(list.position, 4711);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.files[0].size, 48390208);
    assert_int_equal(list.files[0].crc32c, 0x7a3f0c11);
    assert_string_equal(list.files[1].path, "MANIFEST");
}

static void
test_damage(void **state)
{
    (void)state;
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    write_list(faulty);
    size_t size = 0;
    (void)rc_disk_faulty_peek(faulty, "/b/BACKUP", &size);
    for (size_t offset = 0; offset < size; offset++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
            rc_disk_faulty_flip(faulty, "/b/BACKUP", offset, (uint8_t)(1u << bit));
            const enum rc_status status =
                rc_backup_list_read(rc_disk_faulty_disk(faulty), "/b", &list, NULL);
            if (status != RC_CORRUPT)
                fail_msg("bit %u of byte %zu: status %d", bit, offset, (int)status);
            rc_disk_faulty_flip(faulty, "/b/BACKUP", offset, (uint8_t)(1u << bit));
        }
}

static void
test_paths_stay_below(void **state)
{
    (void)state;
    static const char *const paths[] = {"/etc/passwd", "../x", "projects/../../x"};
    for (size_t i = 0; i < 3; i++) {
        RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
        RC_CLEANUP(rc_backup_list_close) struct rc_backup_list list = {0};
        RC_CLEANUP(rc_backup_list_close) struct rc_backup_list read = {0};
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        assert_int_equal(rc_disk_make_dir(disk, "/b", NULL), RC_OK);
        assert_int_equal(rc_backup_list_add(&list, paths[i], 1, 1, NULL), RC_OK);
        assert_int_equal(rc_backup_list_write(disk, "/b", &list, NULL), RC_OK);
        assert_int_equal(rc_backup_list_read(disk, "/b", &read, NULL), RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_paths_stay_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
