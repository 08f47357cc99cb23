/*
 * A slab's file, opened to stay on disk: what of it is read is read by parts, each believed by its
 * own checksum, and nothing is checked as a whole. So the bytes are opened, ids are looked for in
 * them, its parts are read and given back, in memory or not; every one may be refused.
 *
 * The first byte says whether checksums are put right (1), whether the file loses its end behind
 * the open (2), and whether a byte changes behind it (4). With right checksums over a structure
 * that no builder made ids and texts may say anything; but nothing outside is read. Codes of rows
 * are trusted once their checksum is right, so they are read only where it was not put right.
 */
#include <string.h>

#include "engine/store/cold/cold_cache.h"
#include "engine/store/slab/slab_find.h"
#include "tests/base/disk_faulty.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/slabs.h"

#define PATH "/slab"
#define PROPERTIES 32u /* The seeds' are among them. */

/* Looks for ids of each of a few users, present or not. */
static void
look_for_ids(struct rc_slab *slab)
{
    static const char *const texts[] = {"", "1", "x", "event-17", "18446744073709551616"};
    const uint32_t user_count = rc_slab_get_info(slab)->user_count;
    const uint32_t *users = rc_slab_users(slab);
    for (uint32_t i = 0; i < user_count && i < 16; i++) {
        for (uint64_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            const struct rc_event_id ids[] = {
                {.kind = RC_EVENT_ID_INT, .number = k},
                {.kind = RC_EVENT_ID_TEXT, .text = {texts[k], strlen(texts[k])}},
            };
            for (uint32_t at = 0; at < 2; at++) {
                bool found = false;
                uint32_t row = UINT32_MAX;
                struct rc_error error;
                const enum rc_status status =
                    rc_slab_search_event(slab, users[i], &ids[at], &found, &row, &error);
                FUZZ_CHECK(status == RC_OK || status == RC_CORRUPT || status == RC_UNAVAILABLE ||
                           status == RC_NO_MEMORY);
                FUZZ_CHECK(!found || row < rc_slab_get_info(slab)->row_count);
            }
        }
    }
}

/* One that cannot be read is missing. */
static void
read_column(struct rc_slab *slab, uint32_t property, bool trust)
{
    struct rc_column_view view;
    if (!rc_slab_column(slab, property, &view))
        return;
    RC_CLEANUP(rc_text_cursor_close) struct rc_text_cursor cursor;
    const uint32_t row_count = trust ? rc_slab_get_info(slab)->row_count : 0;
    for (uint32_t row = 0; row < row_count; row++)
        (void)rc_column_code(&view, row);
    rc_text_cursor_open(&cursor, &view.texts, NULL);
    while (rc_text_cursor_next(&cursor) == RC_OK)
        FUZZ_CHECK(cursor.key.size <= RC_TEXT_BYTES_MAX);
}

/* Uses parts, and what of them can be used without trust. */
static void
read_parts(struct rc_slab *slab, uint32_t parts, bool trust)
{
    struct rc_error error;
    const enum rc_status status = rc_slab_use(slab, parts, &error);
    if (status != RC_OK) {
        FUZZ_CHECK(status == RC_CORRUPT || status == RC_UNAVAILABLE || status == RC_NO_MEMORY);
        FUZZ_CHECK(error.message[0] != '\0');
        return;
    }
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    for (uint32_t property = 0; property < PROPERTIES; property++)
        read_column(slab, property, trust);
    if ((parts & RC_SLAB_PART_TIMES) != 0)
        for (uint32_t row = 0; row < info->row_count; row++)
            (void)rc_slab_time_ms(slab, row);
    rc_slab_unuse(slab);
}

static void
read_all(struct rc_slab *slab, bool trust)
{
    look_for_ids(slab);
    for (uint32_t parts = 0; parts <= RC_SLAB_PARTS_ALL; parts++)
        read_parts(slab, parts & RC_SLAB_PARTS_ALL, trust);
    look_for_ids(slab);
}

static void
harm_file(struct rc_disk_faulty *faulty, uint8_t how, size_t size)
{
    RC_CLEANUP(rc_file_closep) struct rc_file *file = NULL;
    if ((how & 2) != 0) {
        FUZZ_CHECK(rc_file_open(rc_disk_faulty_disk(faulty), PATH, RC_FILE_READ_WRITE, &file,
                                NULL) == RC_OK);
        FUZZ_CHECK(rc_file_truncate(file, size / 2, NULL) == RC_OK);
    } else if ((how & 4) != 0) {
        rc_disk_faulty_flip(faulty, PATH, size - 1 - (how >> 3) * (size / 64), 0x20);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const uint8_t how = *data++;
    size--;
    unsigned char *block = rc_alloc(size);
    FUZZ_CHECK(block != NULL);
    memcpy(block, data, size);
    if ((how & 1) != 0)
        fuzz_sign_slab(block, size);
    RC_CLEANUP(rc_disk_faulty_freep) struct rc_disk_faulty *faulty = rc_disk_faulty_new(1);
    struct rc_disk *disk = rc_disk_faulty_disk(faulty);
    struct rc_account account = {.parent = &rc_account_process};
    struct rc_cold_cache *cache = NULL;
    struct rc_slab *slab = NULL;
    struct rc_error error;
    FUZZ_CHECK(rc_disk_replace_file(disk, PATH, block, size, NULL) == RC_OK);
    FUZZ_CHECK(rc_cold_cache_new(size / 2, &cache) == RC_OK);
    const enum rc_status status = rc_slab_open_cold(cache, disk, PATH, &account, &slab, &error);
    if (status == RC_OK) {
        harm_file(faulty, how, size);
        read_all(slab, (how & 1) == 0);
        rc_slab_unref(slab);
    } else {
        FUZZ_CHECK(status == RC_CORRUPT || status == RC_NO_MEMORY);
        FUZZ_CHECK(strstr(error.message, PATH) != NULL);
    }
    rc_cold_cache_free(cache);
    rc_alloc_free(block);
    FUZZ_CHECK(rc_account_used(&account) == 0);
    return 0;
}
