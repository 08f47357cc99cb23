/* State files by version: today's, those before, byte by byte, and those that nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/keep/state.h"
#include "golden_state_v2.h"
#include "golden_state_v3.h"

#define HEAD_ROWS 64u
#define VALUES 5u

static struct rc_bytes
value_key(uint32_t number)
{
    static const char *const keys[VALUES] = {"\4a", "\4b", "\4c", "\4d", "\4e"};
    return rc_bytes_of(keys[number]);
}

/* A project with one property and its values, with a hole in the middle or without. */
static struct rc_project *
make_project(bool hole)
{
    struct rc_project *project = NULL;
    const struct rc_project_settings settings = {.id = RC_BYTES_LITERAL("shop"), .version = 1};
    assert_int_equal(rc_project_new(&settings, &rc_account_process, HEAD_ROWS, &project), RC_OK);
    struct rc_properties *properties = rc_project_event_properties(project);
    uint32_t property = 0;
    assert_int_equal(rc_properties_intern(properties, RC_BYTES_LITERAL("url"), &property), RC_OK);
    struct rc_dictionary *dictionary = rc_properties_dictionary(properties, property);
    for (uint32_t i = 0; i < VALUES; i++) {
        uint32_t code = 0;
        assert_int_equal(rc_dictionary_intern(dictionary, value_key(i), &code), RC_OK);
    }
    if (!hole)
        return project;
    struct rc_dictionary *rebuilt[1] = {NULL};
    struct rc_properties *with_hole = NULL;
    const uint64_t live = 0x1b; /* All but the third. */
    assert_int_equal(rc_dictionary_rebuild(dictionary, &live, &rebuilt[0]), RC_OK);
    assert_int_equal(rc_properties_rebuild(properties, rebuilt, &with_hole), RC_OK);
    assert_null(rebuilt[0]);
    rc_project_set_event_properties(project, with_hole);
    return project;
}

/* A checksum of what stands before it, at the end. */
static void
sign(unsigned char *data, size_t size)
{
    const uint32_t checksum = rc_crc32c(data, size - 4);
    memcpy(data + size - 4, &checksum, sizeof(checksum));
}

static void
write_state(struct rc_project *project, struct rc_writer *writer)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_state state = {.project = project, .next_slab_id = 7};
    rc_state_pin_catalogs(&state);
    assert_int_equal(rc_project_get_settings(project, arena, &state.settings), RC_OK);
    assert_int_equal(rc_project_view(project, NULL, &state.view), RC_OK);
    assert_int_equal(rc_streams_copy(rc_project_streams(project), arena, &state.streams), RC_OK);
    rc_state_write(writer, &state);
    rc_view_release(state.view);
    rc_state_unpin_catalogs(&state);
    assert_false(writer->failed);
}

static enum rc_status
read_bytes(const unsigned char *data, size_t size, struct rc_project **ret_project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_state_slab *slabs = NULL;
    uint32_t slab_count = 0;
    return rc_state_read((struct rc_bytes){(const char *)data, size}, &rc_account_process,
                         HEAD_ROWS, arena, ret_project, &slabs, &slab_count, NULL);
}

static void
expect_values(struct rc_project *project, bool hole)
{
    const struct rc_dictionary *dictionary =
        rc_properties_dictionary(rc_project_event_properties(project), 0);
    assert_int_equal(rc_dictionary_count(dictionary), VALUES);
    assert_int_equal(rc_dictionary_entry_count(dictionary), hole ? VALUES - 1 : VALUES);
    for (uint32_t i = 0; i < VALUES; i++)
        assert_int_equal(rc_dictionary_find(dictionary, value_key(i)),
                         hole && i == 2 ? RC_CODE_NONE : i);
}

static void
test_todays_version_has_holes(void **state)
{
    (void)state;
    for (uint32_t hole = 0; hole < 2; hole++) {
        RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(hole != 0);
        RC_CLEANUP(rc_project_unrefp) struct rc_project *restored = NULL;
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        write_state(project, &writer);
        assert_memory_equal(writer.data, "RCSTATE4", 8);
        assert_int_equal(read_bytes(writer.data, writer.size, &restored), RC_OK);
        expect_values(restored, hole != 0);
    }
}

/* Puts a version of an entry into a catalog of the project. */
static void
put(struct rc_project *project, enum rc_catalog_kind kind, const char *name, uint64_t version)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = rc_project_catalog(project, kind);
    struct rc_catalog *next = NULL;
    const struct rc_catalog_entry entry = {
        .name = rc_bytes_of(name),
        .author = version == 2 ? RC_BYTES_LITERAL("grace") : RC_BYTES_LITERAL(""),
        .payload = RC_BYTES_LITERAL("\1"),
        .version = version,
        .updated_ms = (int64_t)version * 7,
    };
    assert_int_equal(rc_catalog_put(catalog, &entry, &next), RC_OK);
    rc_project_set_catalog(project, kind, next);
}

/* Of each catalog one entry with its versions, and a receipt. */
static void
expect_histories(struct rc_project *project)
{
    for (int kind = 1; kind <= RC_CATALOG_KINDS; kind++) {
        RC_CLEANUP(rc_catalog_unrefp)
        struct rc_catalog *catalog = rc_project_catalog(project, (enum rc_catalog_kind)kind);
        const struct rc_bytes name = RC_BYTES_LITERAL("a");
        struct rc_catalog_entry entry;
        assert_true(rc_catalog_find(catalog, name, &entry));
        assert_int_equal(entry.version, kind + 1);
        assert_true(rc_catalog_find_version(catalog, name, 1, &entry));
        assert_int_equal(entry.updated_ms, 7);
        assert_true(rc_catalog_find_version(catalog, name, 2, &entry));
        assert_true(rc_bytes_equal(entry.author, RC_BYTES_LITERAL("grace")));
    }
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *got = rc_project_receipts(project);
    assert_int_equal(rc_receipts_count(got), 1);
    assert_int_equal(rc_receipts_last(got), 3);
}

static void
test_histories_and_receipts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(false);
    RC_CLEANUP(rc_project_unrefp) struct rc_project *restored = NULL;
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *none = rc_project_receipts(project);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    const struct rc_receipt receipt = {
        .request_id = RC_BYTES_LITERAL("r"), .content = 5, .sequence = 3};
    struct rc_receipts *receipts = NULL;
    assert_int_equal(rc_receipts_put(none, &receipt, &receipts), RC_OK);
    rc_project_set_receipts(project, receipts);
    for (int kind = 1; kind <= RC_CATALOG_KINDS; kind++)
        for (uint64_t version = 1; version <= (uint64_t)kind + 1; version++)
            put(project, (enum rc_catalog_kind)kind, "a", version);
    write_state(project, &writer);
    assert_int_equal(read_bytes(writer.data, writer.size, &restored), RC_OK);
    expect_histories(restored);
}

static void
expect_entry(struct rc_project *project,
             enum rc_catalog_kind kind,
             const char *name,
             uint64_t version,
             const char *payload,
             size_t payload_bytes)
{
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = rc_project_catalog(project, kind);
    struct rc_catalog_entry entry;
    struct rc_catalog_entry newest;
    assert_int_equal(rc_catalog_count(catalog), 1);
    assert_true(rc_catalog_find(catalog, rc_bytes_of(name), &entry));
    assert_int_equal(entry.version, version);
    assert_int_equal(entry.author.size, 0);
    assert_true(rc_bytes_equal(entry.payload, (struct rc_bytes){payload, payload_bytes}));
    assert_true(rc_catalog_version_below(catalog, entry.name, UINT64_MAX, &newest));
    assert_ptr_equal(newest.name.data, entry.name.data);
    assert_false(rc_catalog_version_below(catalog, entry.name, version, &newest));
}

/* What golden_state_v2.h holds, which was written before there was version 3. */
static void
expect_golden(struct rc_project *project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_project_receipts(project);
    struct rc_project_settings settings;
    assert_int_equal(rc_project_get_settings(project, arena, &settings), RC_OK);
    assert_true(rc_bytes_equal(settings.display_name, RC_BYTES_LITERAL("The shop")));
    assert_int_equal(settings.retention_days, 400);
    assert_int_equal(rc_project_data_version(project), 11);
    assert_int_equal(rc_receipts_count(receipts), 0);
    static const char definition[] = "\x80\x05\1\1\0\4type\1\4\3buy";
    expect_entry(project, RC_CATALOG_DEFINITIONS, "bought", 4, definition, sizeof(definition) - 1);
    expect_entry(project, RC_CATALOG_SEGMENTS, "all", 1, "\1\0", 2);
}

static void
test_version_2_is_read(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *derived = NULL;
    assert_int_equal(read_bytes(golden_state_v2, sizeof(golden_state_v2), &project), RC_OK);
    expect_golden(project);
    assert_int_equal(read_bytes(golden_state_v2_derived, sizeof(golden_state_v2_derived), &derived),
                     RC_OK);
    expect_golden(derived);
    expect_entry(derived, RC_CATALOG_PROPERTIES, "host", 2, "\1\3url\0", 6);
}

static void
test_version_3_is_read(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    const struct rc_bytes bytes = {(const char *)golden_state_v3, sizeof(golden_state_v3)};
    struct rc_state_slab *slabs = NULL;
    uint32_t slab_count = 0;
    assert_int_equal(rc_state_read(bytes, &rc_account_process, HEAD_ROWS, arena, &project, &slabs,
                                   &slab_count, NULL),
                     RC_OK);
    expect_values(project, false);
    expect_histories(project);
    assert_int_equal(slab_count, 1);
    assert_int_equal(slabs[0].id, 2);
    assert_int_equal(slabs[0].crc32c, 0);
    assert_int_equal(slabs[0].dead_count, 2);
    assert_int_equal(slabs[0].dead_words, 1);
    assert_memory_equal(slabs[0].dead, "\5\0\0\0\0\0\0\0", 8);
}

/* Version 1 ends behind the slabs: before the cut and the time of the oldest deletion. */
static void
test_version_1_is_read(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = NULL;
    unsigned char data[sizeof(golden_state_v2) - 16];
    memcpy(data, golden_state_v2, sizeof(data));
    data[7] = '1';
    sign(data, sizeof(data));
    assert_int_equal(read_bytes(data, sizeof(data), &project), RC_OK);
    expect_golden(project);
}

static void
test_other_versions_are_refused(void **state)
{
    (void)state;
    static const unsigned char versions[] = {'0', '5', 0, 255};
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(false);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    write_state(project, &writer);
    for (size_t i = 0; i < sizeof(versions); i++) {
        struct rc_project *restored = NULL;
        writer.data[7] = versions[i];
        sign(writer.data, writer.size);
        assert_int_equal(read_bytes(writer.data, writer.size, &restored), RC_CORRUPT);
        assert_null(restored);
    }
}

/* Since version 3 nothing may be missing: it is no older version because it ends early. */
static void
test_cuts(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(true);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    put(project, RC_CATALOG_DEFINITIONS, "a", 1);
    write_state(project, &writer);
    for (size_t size = 0; size < writer.size; size++) {
        struct rc_project *restored = NULL;
        RC_CLEANUP(rc_writer_close) struct rc_writer cut = {0};
        rc_write_raw(&cut, writer.data, size);
        if (size >= 12)
            sign(cut.data, size);
        assert_int_equal(read_bytes(cut.data, size, &restored), RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_todays_version_has_holes),
        cmocka_unit_test(test_histories_and_receipts),
        cmocka_unit_test(test_version_3_is_read),
        cmocka_unit_test(test_version_2_is_read),
        cmocka_unit_test(test_version_1_is_read),
        cmocka_unit_test(test_other_versions_are_refused),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
