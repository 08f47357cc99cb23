/* The contract of file.h, step by step. */
#include "tests/base/disk_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file_gentle.h"

static char path_buffer[4][512];

/* root/name, in one of four buffers in turn. */
static const char *
in(const char *root, const char *name)
{
    static unsigned turn;
    char *path = path_buffer[turn++ % 4];
    (void)snprintf(path, sizeof(path_buffer[0]), "%s/%s", root, name);
    return path;
}

static void
check_open(struct rc_disk *disk, const char *root)
{
    struct rc_file *file = NULL;
    struct rc_error error;
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_READ, &file, &error), RC_NOT_FOUND);
    assert_non_null(strstr(error.message, "/a"));
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_READ_WRITE, &file, NULL),
                     RC_NOT_FOUND);
    assert_int_equal(rc_file_open(disk, in(root, "no/a"), RC_FILE_CREATE, &file, NULL),
                     RC_NOT_FOUND);
    assert_null(file);
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_CREATE, &file, &error), RC_OK);
    assert_null(rc_file_close(file));
    assert_null(rc_file_close(NULL));
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_CREATE, &file, &error), RC_EXISTS);
}

static void
check_content(struct rc_disk *disk, const char *root)
{
    struct rc_file *file;
    char buffer[64];
    size_t got;
    uint64_t size;
    void *data;
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_READ_WRITE, &file, NULL), RC_OK);
    assert_int_equal(rc_disk_read_file(disk, in(root, "a"), NULL, &data, &got, NULL), RC_OK);
    assert_int_equal(got, 0); /* An empty one. */
    assert_non_null(data);
    rc_alloc_free(data);
    assert_int_equal(rc_file_write_at(file, "world", 5, 6, NULL), RC_OK);
    assert_int_equal(rc_file_write_at(file, "hello", 5, 0, NULL), RC_OK);
    assert_int_equal(rc_file_sync(file, NULL), RC_OK);
    assert_int_equal(rc_file_size(file, &size, NULL), RC_OK);
    assert_int_equal(size, 11);
    assert_int_equal(rc_file_read_at(file, buffer, sizeof(buffer), 0, &got, NULL), RC_OK);
    assert_int_equal(got, 11);
    assert_memory_equal(buffer, "hello\0world", 11);
    assert_int_equal(rc_file_read_at(file, buffer, 3, 8, &got, NULL), RC_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(buffer, "rld", 3);
    assert_int_equal(rc_file_read_at(file, buffer, 3, 100, &got, NULL), RC_OK);
    assert_int_equal(got, 0);
    assert_int_equal(rc_disk_read_file(disk, in(root, "a"), NULL, &data, &got, NULL), RC_OK);
    assert_int_equal(got, 11);
    assert_memory_equal(data, "hello\0world", 11);
    rc_alloc_free(data);
    assert_int_equal(rc_file_truncate(file, 2, NULL), RC_OK);
    assert_int_equal(rc_file_truncate(file, 5, NULL), RC_OK);
    assert_int_equal(rc_file_read_at(file, buffer, sizeof(buffer), 0, &got, NULL), RC_OK);
    assert_int_equal(got, 5);
    assert_memory_equal(buffer, "he\0\0\0", 5);
    rc_file_close(file);
    struct rc_error error;
    assert_int_equal(rc_file_open(disk, in(root, "a"), RC_FILE_READ, &file, NULL), RC_OK);
    assert_int_equal(rc_file_write_at(file, "x", 1, 0, &error), RC_IO); /* Read only. */
    rc_file_close(file);
}

struct listing {
    char names[256];
    unsigned stop_after;
};

static enum rc_status
append_name(void *context, const char *name)
{
    struct listing *listing = context;
    const size_t length = strlen(listing->names);
    (void)snprintf(listing->names + length, sizeof(listing->names) - length, "%s,", name);
    return listing->stop_after != 0 && --listing->stop_after == 0 ? RC_CANCELLED : RC_OK;
}

static void
expect_names(struct rc_disk *disk, const char *path, const char *names)
{
    struct listing listing = {0};
    assert_int_equal(rc_disk_list(disk, path, append_name, &listing, NULL), RC_OK);
    assert_string_equal(listing.names, names);
}

static void
check_names(struct rc_disk *disk, const char *root)
{
    struct rc_file *file;
    assert_int_equal(rc_disk_make_dir(disk, in(root, "d"), NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(disk, in(root, "d"), NULL), RC_OK);
    assert_int_equal(rc_disk_make_dir(disk, in(root, "a"), NULL), RC_EXISTS);
    assert_int_equal(rc_disk_make_dir(disk, in(root, "no/d"), NULL), RC_NOT_FOUND);
    expect_names(disk, in(root, "d"), "");
    static const char *const names[] = {"d/z", "d/B", "d/b", "d/a.new"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rc_file_open(disk, in(root, names[i]), RC_FILE_CREATE, &file, NULL),
                         RC_OK);
        rc_file_close(file);
    }
    expect_names(disk, in(root, "d"), "B,a.new,b,z,");
    expect_names(disk, root, "a,d,");
    struct listing listing = {.stop_after = 2};
    assert_int_equal(rc_disk_list(disk, in(root, "d"), append_name, &listing, NULL), RC_CANCELLED);
    assert_string_equal(listing.names, "B,a.new,");
    assert_int_equal(rc_disk_list(disk, in(root, "no"), append_name, &listing, NULL), RC_NOT_FOUND);

    assert_int_equal(rc_disk_rename(disk, in(root, "d/z"), in(root, "d/b"), NULL), RC_OK);
    assert_int_equal(rc_disk_rename(disk, in(root, "d/z"), in(root, "d/b"), NULL), RC_NOT_FOUND);
    assert_int_equal(rc_disk_rename(disk, in(root, "d/B"), in(root, "B"), NULL), RC_OK);
    expect_names(disk, in(root, "d"), "a.new,b,");
    assert_int_equal(rc_disk_remove(disk, in(root, "d"), NULL), RC_IO); /* Not empty. */
    assert_int_equal(rc_disk_remove(disk, in(root, "d/b"), NULL), RC_OK);
    assert_int_equal(rc_disk_remove(disk, in(root, "d/b"), NULL), RC_NOT_FOUND);
    assert_int_equal(rc_disk_sync_dir(disk, in(root, "d"), NULL), RC_OK);
    assert_int_equal(rc_disk_sync_dir(disk, in(root, "no"), NULL), RC_NOT_FOUND);
}

static void
check_replace(struct rc_disk *disk, const char *root)
{
    struct rc_file *file;
    char buffer[64];
    size_t got;
    static const char *const contents[] = {"first", "", "the third"};
    for (size_t i = 0; i < 3; i++) { /* d/a.new is in the way the first time. */
        const size_t size = strlen(contents[i]);
        assert_int_equal(rc_disk_replace_file(disk, in(root, "d/a"), contents[i], size, NULL),
                         RC_OK);
        assert_int_equal(rc_file_open(disk, in(root, "d/a"), RC_FILE_READ, &file, NULL), RC_OK);
        assert_int_equal(rc_file_read_at(file, buffer, sizeof(buffer), 0, &got, NULL), RC_OK);
        assert_int_equal(got, size);
        assert_memory_equal(buffer, contents[i], size);
        rc_file_close(file);
        expect_names(disk, in(root, "d"), "a,");
    }
    assert_int_equal(rc_disk_replace_file(disk, in(root, "no/a"), "x", 1, NULL), RC_NOT_FOUND);
}

static void
check_lock(struct rc_disk *disk, const char *root)
{
    struct rc_file *lock;
    struct rc_file *other = NULL;
    struct rc_error error;
    for (int i = 0; i < 2; i++) { /* The second time the file exists. */
        assert_int_equal(rc_disk_lock(disk, in(root, "lock"), &lock, NULL), RC_OK);
        assert_int_equal(rc_disk_lock(disk, in(root, "lock"), &other, &error), RC_CONFLICT);
        assert_null(other);
        assert_non_null(strstr(error.message, "lock"));
        rc_file_close(lock);
    }
}

#define LARGE_BYTES ((size_t)9 << 20)
#define PAUSE_NS 1000u

/* What a byte of the large file is. */
static unsigned char
byte_at(size_t at)
{
    return (unsigned char)(at * 31 + at / 4096);
}

static void
write_large(struct rc_disk *disk, const char *path, uint64_t pause_ns)
{
    struct rc_file *file;
    unsigned char *data = malloc(LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        data[i] = byte_at(i);
    assert_int_equal(rc_file_open(disk, path, RC_FILE_CREATE, &file, NULL), RC_OK);
    assert_int_equal(rc_file_write_gently(file, data, 10, 0, pause_ns, NULL), RC_OK);
    assert_int_equal(rc_file_write_gently(file, data + 10, LARGE_BYTES - 10, 10, pause_ns, NULL),
                     RC_OK);
    rc_file_close(file);
    free(data);
}

static void
expect_large(struct rc_file *file)
{
    unsigned char *data = malloc(LARGE_BYTES + 1);
    size_t got;
    assert_int_equal(rc_file_read_at(file, data, LARGE_BYTES + 1, 0, &got, NULL), RC_OK);
    assert_int_equal(got, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        if (data[i] != byte_at(i))
            fail_msg("byte %zu", i);
    free(data);
}

/* A large file goes whole; but not its content where it has another name, or somebody uses it. */
static void
check_gentle(struct rc_disk *disk, const char *root)
{
    struct rc_file *file;
    struct rc_file *alone = NULL;
    const char *large = in(root, "large");
    for (uint64_t pause_ns = 0; pause_ns <= PAUSE_NS; pause_ns += PAUSE_NS) {
        write_large(disk, large, pause_ns);
        assert_int_equal(rc_disk_remove_gently(disk, large, pause_ns, NULL), RC_OK);
        assert_int_equal(rc_file_open(disk, large, RC_FILE_READ, &file, NULL), RC_NOT_FOUND);
        assert_int_equal(rc_disk_remove_gently(disk, large, pause_ns, NULL), RC_NOT_FOUND);
    }
    write_large(disk, large, 0);
    assert_int_equal(rc_file_open_alone(disk, large, &alone, NULL), RC_OK);
    rc_file_close(alone);
    assert_int_equal(rc_disk_link(disk, large, in(root, "second"), NULL), RC_OK);
    assert_int_equal(rc_file_open_alone(disk, large, &alone, NULL), RC_CONFLICT);
    assert_int_equal(rc_disk_remove_gently(disk, large, PAUSE_NS, NULL), RC_OK);
    assert_int_equal(rc_file_open(disk, in(root, "second"), RC_FILE_READ, &file, NULL), RC_OK);
    expect_large(file);
    assert_int_equal(rc_file_use(file, NULL), RC_OK);
    assert_int_equal(rc_disk_remove_gently(disk, in(root, "second"), PAUSE_NS, NULL), RC_OK);
    expect_large(file); /* Gone by name, and still read. */
    rc_file_close(file);
}

void
check_disk(struct rc_disk *disk, const char *root)
{
    check_open(disk, root);
    check_content(disk, root);
    check_names(disk, root);
    check_replace(disk, root);
    check_lock(disk, root);
    check_gentle(disk, root);
}
