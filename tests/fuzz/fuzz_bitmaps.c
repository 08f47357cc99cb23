/*
 * The file of a slab's bitmaps. The first byte says whether the harness puts the header right: then
 * the fuzzer gets past the checksum to the bitmaps. What is read must be sound, be written from
 * another cache, and be read again as it was.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/keep/bitmaps.h"
#include "engine/match/cache/match_stored.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/slab/slab_format.h"
#include "tests/base/disk_faulty.h"
#include "tests/fuzz/fuzz.h"

#define ROWS 70000u /* More than one block. */
#define SLAB_ID 7u
#define COUNT_AT 24u
#define CHECKSUM_AT 28u
#define HEADER_BYTES 32u

static struct rc_slab *
make_slab(void)
{
    static uint32_t users[ROWS];
    static int64_t times_ms[ROWS];
    static struct rc_event_id ids[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        users[i] = i / 16;
        times_ms[i] = i;
        ids[i] = (struct rc_event_id){.kind = RC_EVENT_ID_INT, .number = i};
    }
    const struct rc_row_source rows = {
        .row_count = ROWS, .users = users, .times_ms = times_ms, .ids = ids};
    const struct rc_slab_source source = {.rows = &rows};
    struct rc_slab *slab = NULL;
    FUZZ_CHECK(rc_slab_build(&source, 1, rc_window_longest(0), NULL, &rc_account_process, NULL,
                             &slab, NULL) == RC_OK);
    return slab;
}

/* The slab's; the count of bitmaps stays as it is. */
static void
put_header_right(const struct rc_slab *slab, unsigned char *file, size_t size)
{
    const uint32_t fields[4] = {1, RC_MATCH_MEANING, rc_slab_header_of(slab)->crc32c, ROWS};
    memcpy(file, "rcbitmap", 8);
    memcpy(file + 8, fields, sizeof(fields));
    const uint32_t crc =
        rc_crc32c_extend(rc_crc32c(file, CHECKSUM_AT), file + HEADER_BYTES, size - HEADER_BYTES);
    memcpy(file + CHECKSUM_AT, &crc, sizeof(crc));
}

static void
put_file(struct rc_disk *disk, const char *path, const void *data, size_t size)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    FUZZ_CHECK(rc_file_open(disk, path, RC_FILE_CREATE, &file, NULL) == RC_OK);
    FUZZ_CHECK(rc_file_write_at(file, data, size, 0, NULL) == RC_OK);
}

/* A new cache with what a file holds. NULL: it was refused. */
static struct rc_match_cache *
read_file(struct rc_disk *disk, const char *path, const struct rc_slab *slab)
{
    struct rc_match_cache *cache = NULL;
    struct rc_error error;
    FUZZ_CHECK(rc_match_cache_new(&rc_account_process, &cache) == RC_OK);
    rc_match_stored_begin(cache);
    if (rc_bitmaps_read(disk, path, cache, slab, SLAB_ID, &error) == RC_OK)
        return cache;
    FUZZ_CHECK(error.message[0] != '\0');
    return rc_match_cache_free(cache);
}

/* Written from a cache to which they are new, since one knows what its file has. */
static void
write_again(struct rc_disk *disk, const struct rc_slab *slab, const struct rc_match_stored *stored)
{
    RC_CLEANUP(rc_match_cache_freep) struct rc_match_cache *cache = NULL;
    FUZZ_CHECK(rc_match_cache_new(&rc_account_process, &cache) == RC_OK);
    rc_match_stored_begin(cache);
    for (uint32_t i = 0; i < stored->count; i++)
        rc_match_stored_add(cache, SLAB_ID, &stored->entries[i]);
    FUZZ_CHECK(rc_bitmaps_write(disk, "again", cache, slab, SLAB_ID, 0, NULL) == RC_OK);
}

/* Whether some entry is of a key, with equal rows. */
static bool
has_entry(const struct rc_match_stored *stored, const struct rc_match_stored_entry *wanted)
{
    for (uint32_t i = 0; i < stored->count; i++) {
        const struct rc_match_stored_entry *entry = &stored->entries[i];
        if (!rc_bytes_equal(entry->key.bytes, wanted->key.bytes))
            continue;
        for (uint32_t row = 0; row < ROWS; row++)
            if (rc_rowset_contains(entry->set, row) != rc_rowset_contains(wanted->set, row))
                return false;
        return true;
    }
    return false;
}

static void
use(struct rc_disk *disk, const struct rc_slab *slab, struct rc_match_cache *cache)
{
    RC_CLEANUP(rc_match_stored_close) struct rc_match_stored stored = {0};
    RC_CLEANUP(rc_match_stored_close) struct rc_match_stored again = {0};
    FUZZ_CHECK(rc_match_stored_list(cache, SLAB_ID, &stored) == RC_OK);
    for (uint32_t i = 0; i < stored.count; i++) {
        FUZZ_CHECK(stored.entries[i].key.bytes.size > 0);
        FUZZ_CHECK(rc_rowset_row_count(stored.entries[i].set) == ROWS);
        FUZZ_CHECK(rc_rowset_check(stored.entries[i].set, NULL) == RC_OK);
    }
    if (stored.count == 0)
        return; /* Nothing is no file. */
    write_again(disk, slab, &stored);
    RC_CLEANUP(rc_match_cache_freep)
    struct rc_match_cache *other = read_file(disk, "again", slab);
    FUZZ_CHECK(other != NULL);
    FUZZ_CHECK(rc_match_stored_list(other, SLAB_ID, &again) == RC_OK);
    FUZZ_CHECK(again.count <= stored.count); /* Large ones may be left out. */
    for (uint32_t i = 0; i < again.count; i++)
        FUZZ_CHECK(has_entry(&stored, &again.entries[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rc_slab *slab; /* Kept: building it is the most of a run. */
    if (size <= HEADER_BYTES)
        return 0;
    if (slab == NULL)
        slab = make_slab();
    size--;
    unsigned char *file = malloc(size);
    FUZZ_CHECK(file != NULL);
    memcpy(file, data + 1, size);
    if ((data[0] & 1) != 0)
        put_header_right(slab, file, size);
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    put_file(disk, "bitmaps", file, size);
    free(file);
    RC_CLEANUP(rc_match_cache_freep)
    struct rc_match_cache *cache = read_file(disk, "bitmaps", slab);
    if (cache != NULL)
        use(disk, slab, cache);
    return 0;
}
