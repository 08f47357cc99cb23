/* The real disk keeps the contract of file.h, in a directory of its own; also where the system does
 * a part of what it is asked for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "tests/base/disk_checks.h"

static enum rc_status
remove_entry(void *context, const char *name)
{
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/%s", (const char *)context, name);
    if (rc_disk_remove(rc_disk_real(), path, NULL) == RC_OK)
        return RC_OK;
    RC_TRY(rc_disk_list(rc_disk_real(), path, remove_entry, path, NULL)); /* A directory. */
    return rc_disk_remove(rc_disk_real(), path, NULL);
}

static void
test_real_disk(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    char root[512];
    (void)snprintf(root, sizeof(root), "%s/rc-test-file-XXXXXX", parent == NULL ? "/tmp" : parent);
    assert_non_null(mkdtemp(root));
    const uint64_t used = rc_account_used(&rc_account_process);
    check_disk(rc_disk_real(), root);
    assert_int_equal(rc_disk_list(rc_disk_real(), root, remove_entry, root, NULL), RC_OK);
    assert_int_equal(rc_disk_remove(rc_disk_real(), root, NULL), RC_OK);
    assert_int_equal(rc_account_used(&rc_account_process), used);
}

/* A device that is always full. */
static void
test_full_device(void **state)
{
    (void)state;
    struct rc_file *file;
    struct rc_error error;
    if (rc_file_open(rc_disk_real(), "/dev/full", RC_FILE_READ_WRITE, &file, NULL) != RC_OK)
        skip();
    assert_int_equal(rc_file_write_at(file, "x", 1, 0, &error), RC_NO_SPACE);
    assert_non_null(strstr(error.message, "/dev/full"));
    rc_file_close(file);
}

/* ---- calls that do a part ---- */

ssize_t
__real_pread(int descriptor, void *data, size_t size, off_t offset);
ssize_t
__real_pwrite(int descriptor, const void *data, size_t size, off_t offset);
ssize_t
__wrap_pread(int descriptor, void *data, size_t size, off_t offset);
ssize_t
__wrap_pwrite(int descriptor, const void *data, size_t size, off_t offset);

static bool parts; /* Every call does a part of what is asked for, or is interrupted. */
static uint64_t part_calls;

/* How much of size a call does; 0: it is interrupted. */
static size_t
part_of(size_t size)
{
    part_calls++;
    if (part_calls % 5 == 0)
        return 0;
    const size_t most = 1 + rc_hash_u64(part_calls) % (part_calls % 3 == 0 ? 4096 : 7);
    return size < most ? size : most;
}

ssize_t
__wrap_pread(int descriptor, void *data, size_t size, off_t offset)
{
    const size_t part = parts ? part_of(size) : size;
    if (part > 0 || size == 0)
        return __real_pread(descriptor, data, part, offset);
    errno = EINTR;
    return -1;
}

ssize_t
__wrap_pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    const size_t part = parts ? part_of(size) : size;
    if (part > 0 || size == 0)
        return __real_pwrite(descriptor, data, part, offset);
    errno = EINTR;
    return -1;
}

/* The system may read and write less than it is asked to, and may be interrupted: nobody notices.
 */
static void
test_calls_that_do_a_part(void **state)
{
    part_calls = 0;
    parts = true;
    test_real_disk(state);
    parts = false;
    assert_true(part_calls > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_disk),
        cmocka_unit_test(test_full_device),
        cmocka_unit_test(test_calls_that_do_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
