/* The faulty disk keeps the contract of file.h, and forgets what a disk may forget and nothing
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/base/disk_checks.h"
#include "tests/base/disk_faulty.h"

#define ROUNDS 400
#define SECTOR 512

static void
test_contract(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    assert_int_equal(rc_disk_make_dir(disk, "root", NULL), RC_OK);
    check_disk(disk, "root");
    assert_null(rc_disk_faulty_free(faulty));
    assert_null(rc_disk_faulty_free(NULL));
}

static struct rc_file *
create(struct rc_disk *disk, const char *path)
{
    struct rc_file *file;
    assert_int_equal(rc_file_open(disk, path, RC_FILE_CREATE, &file, NULL), RC_OK);
    return file;
}

/* Synced content stays; unsynced sectors are old or new, each by itself, and both happen. */
static void
test_sectors(void **state)
{
    (void)state;
    unsigned mixed = 0;
    unsigned grown = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        unsigned char block[8 * SECTOR];
        struct rc_file *file = create(disk, "f");
        memset(block, 'a', sizeof(block));
        assert_int_equal(rc_file_write_at(file, block, sizeof(block), 0, NULL), RC_OK);
        assert_int_equal(rc_file_sync(file, NULL), RC_OK);
        assert_int_equal(rc_disk_sync_dir(disk, ".", NULL), RC_OK);
        memset(block, 'b', sizeof(block));
        /* Sectors 2 to 5, half of 6, and past the end. */
        assert_int_equal(rc_file_write_at(file, block, 9 * SECTOR / 2, 2 * SECTOR, NULL), RC_OK);
        assert_int_equal(rc_file_write_at(file, block, SECTOR, 8 * SECTOR, NULL), RC_OK);
        rc_disk_faulty_cut(faulty);
        assert_int_equal(rc_file_write_at(file, block, 1, 0, NULL), RC_IO);
        rc_disk_faulty_reboot(faulty);
        assert_int_equal(rc_file_write_at(file, block, 1, 0, NULL), RC_IO); /* A dead file. */
        rc_file_close(file);
        size_t size;
        const unsigned char *content = rc_disk_faulty_peek(faulty, "f", &size);
        assert_true(size == 8 * SECTOR || size == 9 * SECTOR);
        grown += size == 9 * SECTOR;
        unsigned new_count = 0;
        for (unsigned sector = 0; sector < 8; sector++) {
            const unsigned char first = content[sector * SECTOR];
            assert_true(first == 'a' || (first == 'b' && sector >= 2 && sector <= 6));
            new_count += first == 'b';
            for (unsigned i = 0; i < SECTOR; i++)
                assert_int_equal(content[sector * SECTOR + i],
                                 sector == 6 && i >= SECTOR / 2 ? 'a' : first);
        }
        mixed += new_count > 0 && new_count < 5;
        rc_disk_faulty_free(faulty);
    }
    assert_in_range(mixed, ROUNDS / 8, ROUNDS);
    assert_in_range(grown, ROUNDS / 8, ROUNDS * 7 / 8);
}

/* Name changes of a directory survive as a prefix; what was synced stays. */
static void
test_names(void **state)
{
    (void)state;
    unsigned counts[4] = {0};
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        assert_int_equal(rc_disk_make_dir(disk, "d", NULL), RC_OK);
        rc_file_close(create(disk, "d/0"));
        assert_int_equal(rc_disk_sync_dir(disk, ".", NULL), RC_OK);
        assert_int_equal(rc_disk_sync_dir(disk, "d", NULL), RC_OK);
        rc_file_close(create(disk, "d/1"));
        assert_int_equal(rc_disk_rename(disk, "d/0", "d/2", NULL), RC_OK);
        assert_int_equal(rc_disk_remove(disk, "d/1", NULL), RC_OK);
        rc_disk_faulty_reboot(faulty);
        struct rc_file *file;
        unsigned seen = 0;
        static const char *const names[] = {"d/0", "d/1", "d/2"};
        for (unsigned i = 0; i < 3; i++)
            if (rc_file_open(disk, names[i], RC_FILE_READ, &file, NULL) == RC_OK) {
                seen |= 1U << i;
                rc_file_close(file);
            }
        /* Nothing; created; and renamed; and removed. */
        const unsigned expected[] = {1, 3, 6, 4};
        unsigned step = 0;
        while (step < 4 && expected[step] != seen)
            step++;
        assert_in_range(step, 0, 3);
        counts[step]++;
        rc_disk_faulty_free(faulty);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_in_range(counts[i], ROUNDS / 50, ROUNDS);
}

/* A file in a directory that was never synced into its parent is gone with it. */
static void
test_lost_directory(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        assert_int_equal(rc_disk_make_dir(disk, "d", NULL), RC_OK);
        assert_int_equal(rc_disk_replace_file(disk, "d/f", "x", 1, NULL), RC_OK);
        rc_disk_faulty_reboot(faulty);
        size_t size;
        lost += rc_disk_faulty_peek(faulty, "d/f", &size) == NULL;
        rc_disk_faulty_free(faulty);
    }
    assert_in_range(lost, ROUNDS / 50, ROUNDS - ROUNDS / 50);
}

/* A replaced file is the old or the new one at every step of a cut, and the new one at the end. */
static void
test_replace_is_atomic(void **state)
{
    (void)state;
    unsigned old_count = 0;
    unsigned new_count = 0;
    char old_content[3000];
    char new_content[2000];
    memset(old_content, 'o', sizeof(old_content));
    memset(new_content, 'n', sizeof(new_content));
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        assert_int_equal(rc_disk_replace_file(disk, "f", old_content, sizeof(old_content), NULL),
                         RC_OK);
        rc_disk_faulty_cut_at(faulty, 1 + seed % 8);
        const enum rc_status status =
            rc_disk_replace_file(disk, "f", new_content, sizeof(new_content), NULL);
        rc_disk_faulty_reboot(faulty);
        size_t size;
        const char *content = rc_disk_faulty_peek(faulty, "f", &size);
        assert_non_null(content);
        if (size == sizeof(old_content)) {
            assert_memory_equal(content, old_content, size);
            assert_int_not_equal(status, RC_OK);
            old_count++;
        } else {
            assert_int_equal(size, sizeof(new_content));
            assert_memory_equal(content, new_content, size);
            new_count++;
        }
        rc_disk_faulty_free(faulty);
    }
    assert_in_range(old_count, ROUNDS / 10, ROUNDS);
    assert_in_range(new_count, ROUNDS / 10, ROUNDS);
}

/* What a failed sync did not write is not written by the next one. */
static void
test_failed_sync_forgets(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct rc_disk_faulty *faulty = rc_disk_faulty_new(seed);
        struct rc_disk *disk = rc_disk_faulty_disk(faulty);
        struct rc_file *file = create(disk, "f");
        assert_int_equal(rc_disk_sync_dir(disk, ".", NULL), RC_OK);
        assert_int_equal(rc_file_write_at(file, "x", 1, 0, NULL), RC_OK);
        rc_disk_faulty_fail_at(faulty, 1, RC_IO);
        assert_int_equal(rc_file_sync(file, NULL), RC_IO);
        assert_int_equal(rc_file_sync(file, NULL), RC_OK); /* It lies. */
        rc_file_close(file);
        rc_disk_faulty_reboot(faulty);
        size_t size;
        rc_disk_faulty_peek(faulty, "f", &size);
        lost += size == 0;
        rc_disk_faulty_free(faulty);
    }
    assert_in_range(lost, ROUNDS / 8, ROUNDS * 7 / 8);
}

static void
test_faults_and_quota(void **state)
{
    (void)state;
    struct rc_disk_faulty *faulty = rc_disk_faulty_new(7);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_file *file = create(disk, "f");
    rc_disk_faulty_fail_at(faulty, 2, RC_NO_SPACE);
    assert_int_equal(rc_disk_sync_dir(disk, ".", NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(disk, "d", NULL), RC_NO_SPACE);
    assert_int_equal(rc_disk_make_dir(disk, "d", NULL), RC_OK); /* Once. */
    assert_int_equal(rc_disk_faulty_calls(faulty), 3);

    rc_disk_faulty_set_quota(faulty, 1000);
    static const char bytes[900];
    assert_int_equal(rc_file_write_at(file, bytes, 900, 0, NULL), RC_OK);
    assert_int_equal(rc_file_write_at(file, bytes, 900, 0, NULL), RC_OK); /* In place. */
    assert_int_equal(rc_file_write_at(file, bytes, 900, 900, NULL), RC_NO_SPACE);
    assert_int_equal(rc_disk_faulty_used(faulty), 1000); /* The part that fitted. */
    rc_disk_faulty_set_quota(faulty, 0);
    assert_int_equal(rc_file_write_at(file, bytes, 900, 900, NULL), RC_OK);
    rc_disk_faulty_flip(faulty, "f", 5, 0x81);
    unsigned char byte;
    size_t got;
    assert_int_equal(rc_file_read_at(file, &byte, 1, 5, &got, NULL), RC_OK);
    assert_int_equal(byte, 0x81);
    assert_false(rc_disk_faulty_is_cut(faulty));
    rc_disk_faulty_cut_at(faulty, 1);
    assert_int_equal(rc_file_read_at(file, &byte, 1, 5, &got, NULL), RC_IO);
    assert_true(rc_disk_faulty_is_cut(faulty));
    rc_file_close(file);
    rc_disk_faulty_free(faulty);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_sectors),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_lost_directory),
        cmocka_unit_test(test_replace_is_atomic),
        cmocka_unit_test(test_failed_sync_forgets),
        cmocka_unit_test(test_faults_and_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
