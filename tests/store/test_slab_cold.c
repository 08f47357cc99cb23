/*
 * A cold slab is the slab that was written: every row, id and column, whatever was dropped in
 * between; ids are found in it without having them in memory; and what is in memory is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/store/cold/cold_cache.h"
#include "engine/store/slab/slab_format.h"
#include "tests/base/disk_faulty.h"
#include "tests/store/slab_rig.h"

#define SEED 60611u
#define PATH "/slab"

/* A slab in memory and the same on disk. */
struct twins {
    struct rc_disk_faulty *disk;
    struct rc_cold_cache *cache;
    struct rc_account account;
    struct rc_slab *hot;
    struct rc_slab *cold;
};

static void
twins_open(struct twins *twins, uint32_t row_count, uint32_t user_count, uint64_t cache_bytes)
{
    uint64_t seed = SEED + row_count;
    const struct rig_options options = {.row_count = row_count,
                                        .user_count = user_count,
                                        .time_count = 1000,
                                        .time_from_ms = RIG_WINDOW_MS,
                                        .text_ids = true,
                                        .derived_ids = true,
                                        .wide_cells = 20};
    struct rig_rows rows;
    struct rc_error error = {0};
    rig_rows_make(&seed, &options, &rows);
    const struct rc_slab_source source = {.rows = &rows.source};
    *twins = (struct twins){.disk = rc_disk_faulty_new(1)};
    twins->hot = rig_build(&source, 1, RIG_WINDOW_MS);
    rig_rows_free(&rows);
    const struct rc_bytes bytes = rc_slab_bytes(twins->hot);
    struct rc_disk *disk = rc_disk_faulty_disk(twins->disk);
    assert_int_equal(rc_disk_replace_file(disk, PATH, bytes.data, bytes.size, NULL), RC_OK);
    assert_int_equal(rc_cold_cache_new(cache_bytes, &twins->cache), RC_OK);
    if (rc_slab_open_cold(twins->cache, disk, PATH, &twins->account, &twins->cold, &error) != RC_OK)
        fail_msg("%s", error.message);
    assert_true(rc_slab_is_cold(twins->cold) && !rc_slab_is_cold(twins->hot));
}

static void
twins_close(struct twins *twins)
{
    rc_slab_unref(twins->cold);
    assert_int_equal(rc_account_used(&twins->account), 0);
    rc_cold_cache_free(twins->cache);
    rc_slab_unref(twins->hot);
    rc_disk_faulty_free(twins->disk);
}

static uint64_t
cached_bytes(const struct twins *twins)
{
    struct rc_cold_stats stats;
    rc_cold_cache_get_stats(twins->cache, &stats);
    return stats.bytes;
}

static bool
same_id(const struct rc_event_id *a, const struct rc_event_id *b)
{
    return a->kind == b->kind && rc_event_id_compare(a, b) == 0;
}

static void
expect_same_columns(const struct twins *twins)
{
    const uint32_t column_count = rc_slab_get_info(twins->hot)->column_count;
    for (uint32_t i = 0; i < column_count; i++) {
        struct rc_column_view hot;
        struct rc_column_view cold;
        rc_slab_column_at(twins->hot, i, &hot);
        assert_true(rc_slab_column(twins->cold, hot.property, &cold));
        assert_int_equal(cold.texts.count, hot.texts.count);
        for (uint32_t row = 0; row < rc_slab_get_info(twins->hot)->row_count; row++)
            assert_true(rc_column_code(&hot, row) == rc_column_code(&cold, row));
    }
}

static void
expect_same(const struct twins *twins)
{
    const struct rc_slab_info *info = rc_slab_get_info(twins->hot);
    assert_memory_equal(info, rc_slab_get_info(twins->cold), sizeof(*info));
    assert_int_equal(rc_slab_use(twins->cold, RC_SLAB_PARTS_ROWS, NULL), RC_OK);
    assert_memory_equal(rc_slab_users(twins->hot), rc_slab_users(twins->cold),
                        info->user_count * sizeof(uint32_t));
    assert_memory_equal(rc_slab_times(twins->hot), rc_slab_times(twins->cold),
                        info->row_count * sizeof(uint32_t));
    for (uint32_t row = 0; row < info->row_count; row++) {
        const struct rc_event_id hot = rc_slab_event_id(twins->hot, row);
        const struct rc_event_id cold = rc_slab_event_id(twins->cold, row);
        assert_true(same_id(&hot, &cold));
    }
    expect_same_columns(twins);
    assert_int_equal(rc_slab_read_failures(twins->cold), 0);
    rc_slab_unuse(twins->cold);
}

static void
test_it_is_the_same(void **state)
{
    (void)state;
    const uint32_t rows[] = {1, 70, 3000, 20000};
    for (size_t i = 0; i < 4; i++) {
        struct twins twins;
        twins_open(&twins, rows[i], rows[i] / 9 + 1, 0);
        const uint64_t kept = rc_account_used(&twins.account);
        for (uint32_t round = 0; round < 3; round++) {
            expect_same(&twins);
            assert_int_equal(cached_bytes(&twins), 0);
            assert_int_equal(rc_account_used(&twins.account), kept);
        }
        twins_close(&twins);
    }
}

/* While it is in use nothing goes, after that what the cache may not keep. */
static void
test_what_is_in_memory(void **state)
{
    (void)state;
    struct twins twins;
    twins_open(&twins, 3000, 100, 0);
    const uint64_t kept = rc_slab_memory_bytes(twins.cold);
    assert_int_equal(rc_slab_use(twins.cold, RC_SLAB_PARTS_ALL, NULL), RC_OK);
    assert_int_equal(rc_slab_use(twins.cold, 0, NULL), RC_OK);
    const uint64_t all = cached_bytes(&twins);
    assert_true(all > 0);
    assert_int_equal(rc_slab_memory_bytes(twins.cold), kept + all);
    assert_int_equal(rc_cold_cache_shrink(twins.cache, NULL, all), 0);
    rc_slab_unuse(twins.cold);
    assert_int_equal(cached_bytes(&twins), all);
    rc_slab_unuse(twins.cold);
    assert_int_equal(cached_bytes(&twins), 0);
    assert_int_equal(rc_slab_memory_bytes(twins.cold), kept);
    twins_close(&twins);

    twins_open(&twins, 3000, 100, all);
    expect_same(&twins);
    assert_int_equal(cached_bytes(&twins), all);
    struct rc_account other = {0};
    assert_int_equal(rc_cold_cache_shrink(twins.cache, &other, 1), 0);
    assert_int_equal(rc_cold_cache_shrink(twins.cache, &twins.account, 1), all);
    expect_same(&twins);
    twins_close(&twins);
}

/* Every sent id is found in its row and for its user only, with and without ids in memory; a user
 * of many rows is looked through in pieces. */
static void
test_ids_are_found(void **state)
{
    (void)state;
    const uint32_t users[] = {2, 60};
    for (size_t u = 0; u < 2; u++) {
        struct twins twins;
        twins_open(&twins, 5000, users[u], (uint64_t)u << 20);
        const struct rc_slab_info *info = rc_slab_get_info(twins.hot);
        for (uint32_t row = 0; row < info->row_count; row += 7) {
            const struct rc_event_id id = rc_slab_event_id(twins.hot, row);
            const uint32_t user =
                rc_slab_users(twins.hot)[rc_slab_user_index_of_row(twins.hot, row)];
            uint32_t hot_row = 0;
            uint32_t cold_row = 0;
            bool found = false;
            if (id.kind == RC_EVENT_ID_DERIVED)
                continue;
            for (uint32_t other = user; other < user + 2; other++) {
                const bool expected = rc_slab_find_event(twins.hot, other, &id, &hot_row);
                assert_int_equal(
                    rc_slab_search_event(twins.cold, other, &id, &found, &cold_row, NULL), RC_OK);
                assert_true(found == expected);
                assert_true(!found || hot_row == cold_row);
            }
        }
        assert_int_equal(cached_bytes(&twins), 0);
        twins_close(&twins);
    }
}

/* A bit that flips after a section was found right is met, too. */
static void
test_damaged_ids_are_met(void **state)
{
    (void)state;
    struct twins twins;
    twins_open(&twins, 5000, 2, 0);
    const struct rc_slab_header *header = rc_slab_header_of(twins.hot);
    const struct rc_event_id id = {.kind = RC_EVENT_ID_INT, .number = UINT64_MAX - 5};
    const uint32_t user = rc_slab_users(twins.hot)[0];
    uint32_t row = 0;
    bool found = false;
    for (uint32_t known = 0; known < 2; known++) {
        for (uint64_t at = 0; at < rc_slab_starts(twins.hot)[1] * UINT64_C(8); at += 4000) {
            const uint64_t offset = header->sections[RC_SLAB_IDS - 1].offset + at;
            struct rc_error error = {0};
            rc_disk_faulty_flip(twins.disk, PATH, offset, 1);
            const enum rc_status status =
                rc_slab_search_event(twins.cold, user, &id, &found, &row, &error);
            rc_disk_faulty_flip(twins.disk, PATH, offset, 1);
            assert_int_equal(status, RC_CORRUPT);
            assert_non_null(strstr(error.message, PATH));
        }
        assert_int_equal(rc_slab_search_event(twins.cold, user, &id, &found, &row, NULL), RC_OK);
    }
    twins_close(&twins);
}

/* A user's rows that end behind the slab's last one, with checksums that are right: what packed ids
 * end with must not be taken for one. */
static void
test_rows_behind_the_last_are_met(void **state)
{
    (void)state;
    struct twins twins;
    twins_open(&twins, 5000, 2, 0);
    struct rc_disk *disk = rc_disk_faulty_disk(twins.disk);
    const struct rc_slab_info *info = rc_slab_get_info(twins.hot);
    const struct rc_bytes bytes = rc_slab_bytes(twins.hot);
    char *block = malloc(bytes.size);
    assert_non_null(block);
    memcpy(block, bytes.data, bytes.size);
    struct rc_slab_header *header = (struct rc_slab_header *)(void *)block;
    struct rc_slab_section *starts = &header->sections[RC_SLAB_STARTS - 1];
    struct rc_slab_ids ids;
    memcpy(&ids, block + header->sections[RC_SLAB_IDS - 1].offset, sizeof(ids));
    ((uint32_t *)(void *)(block + starts->offset))[info->user_count] = info->row_count + 1;
    starts->crc32c = rc_crc32c(block + starts->offset, starts->size);
    header->crc32c = rc_slab_header_crc32c(header);
    assert_int_equal(rc_disk_replace_file(disk, "/behind", block, bytes.size, NULL), RC_OK);
    free(block);
    struct rc_slab *slab = NULL;
    struct rc_error error = {0};
    assert_int_equal(rc_slab_open_cold(twins.cache, disk, "/behind", &twins.account, &slab, NULL),
                     RC_OK);
    const struct rc_event_id id = {.kind = RC_EVENT_ID_INT, .number = ids.base};
    const uint32_t user = rc_slab_users(twins.hot)[info->user_count - 1];
    uint32_t row = 0;
    bool found = false;
    assert_int_equal(rc_slab_search_event(slab, user, &id, &found, &row, &error), RC_CORRUPT);
    assert_false(found);
    assert_non_null(strstr(error.message, "/behind"));
    rc_slab_unref(slab);
    twins_close(&twins);
}

/* What stays in memory is verified when the slab is opened; cut files are refused. */
static void
test_damage_is_met_at_once(void **state)
{
    (void)state;
    struct twins twins;
    twins_open(&twins, 300, 20, 0);
    struct rc_disk *disk = rc_disk_faulty_disk(twins.disk);
    const struct rc_slab_header *header = rc_slab_header_of(twins.hot);
    const struct rc_bytes bytes = rc_slab_bytes(twins.hot);
    const enum rc_slab_section_kind kept[] = {RC_SLAB_USERS, RC_SLAB_STARTS, RC_SLAB_FILTER,
                                              RC_SLAB_DIRECTORY};
    struct rc_slab *slab = NULL;
    for (uint64_t offset = 0; offset < sizeof(*header); offset++) {
        rc_disk_faulty_flip(twins.disk, PATH, offset, 4);
        assert_int_equal(rc_slab_open_cold(twins.cache, disk, PATH, &twins.account, &slab, NULL),
                         RC_CORRUPT);
        rc_disk_faulty_flip(twins.disk, PATH, offset, 4);
    }
    for (size_t i = 0; i < 4; i++) {
        const struct rc_slab_section *section = &header->sections[kept[i] - 1];
        rc_disk_faulty_flip(twins.disk, PATH, section->offset + section->size / 2, 4);
        assert_int_equal(rc_slab_open_cold(twins.cache, disk, PATH, &twins.account, &slab, NULL),
                         RC_CORRUPT);
        rc_disk_faulty_flip(twins.disk, PATH, section->offset + section->size / 2, 4);
    }
    for (size_t size = 0; size < bytes.size; size += 97) {
        assert_int_equal(rc_disk_replace_file(disk, "/cut", bytes.data, size, NULL), RC_OK);
        assert_int_equal(rc_slab_open_cold(twins.cache, disk, "/cut", &twins.account, &slab, NULL),
                         RC_CORRUPT);
    }
    assert_int_equal(rc_slab_open_cold(twins.cache, disk, "/none", &twins.account, &slab, NULL),
                     RC_NOT_FOUND);
    twins_close(&twins);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_same),
        cmocka_unit_test(test_what_is_in_memory),
        cmocka_unit_test(test_ids_are_found),
        cmocka_unit_test(test_damaged_ids_are_met),
        cmocka_unit_test(test_rows_behind_the_last_are_met),
        cmocka_unit_test(test_damage_is_met_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
