/* State files by version: today's, the one before, and those that nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/checksum.h"
#include "engine/keep/state.h"

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

static void
write_state(struct rc_project *project, struct rc_writer *writer)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer streams = {0};
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *definitions = rc_project_catalog(project, RC_CATALOG_DEFINITIONS);
    RC_CLEANUP(rc_catalog_unrefp)
    struct rc_catalog *segments = rc_project_catalog(project, RC_CATALOG_SEGMENTS);
    struct rc_state state = {
        .project = project, .catalogs = {definitions, segments}, .next_slab_id = 7};
    assert_int_equal(rc_project_get_settings(project, arena, &state.settings), RC_OK);
    assert_int_equal(rc_project_view(project, NULL, &state.view), RC_OK);
    rc_streams_write(rc_project_streams(project), &streams);
    state.streams = (struct rc_bytes){(const char *)streams.data, streams.size};
    rc_state_write(writer, &state);
    rc_view_release(state.view);
    assert_false(writer->failed);
}

/* Gives a state file another version, and its checksum again. */
static void
set_version(struct rc_writer *writer, char version)
{
    writer->data[7] = (unsigned char)version;
    const uint32_t checksum = rc_crc32c(writer->data, writer->size - 4);
    memcpy(writer->data + writer->size - 4, &checksum, sizeof(checksum));
}

static enum rc_status
read_state(const struct rc_writer *writer, struct rc_project **ret_project)
{
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(NULL, 0);
    struct rc_state_slab *slabs = NULL;
    uint32_t slab_count = 0;
    return rc_state_read((struct rc_bytes){(const char *)writer->data, writer->size},
                         &rc_account_process, HEAD_ROWS, arena, ret_project, &slabs, &slab_count,
                         NULL);
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
        assert_memory_equal(writer.data, "RCSTATE2", 8);
        assert_int_equal(read_state(&writer, &restored), RC_OK);
        expect_values(restored, hole != 0);
    }
}

static void
test_the_version_before_is_read(void **state)
{
    (void)state;
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(false);
    RC_CLEANUP(rc_project_unrefp) struct rc_project *restored = NULL;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    write_state(project, &writer);
    set_version(&writer, '1');
    assert_int_equal(read_state(&writer, &restored), RC_OK);
    expect_values(restored, false);
}

static void
test_other_versions_are_refused(void **state)
{
    (void)state;
    static const char versions[] = {'0', '3', 0};
    RC_CLEANUP(rc_project_unrefp) struct rc_project *project = make_project(false);
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    write_state(project, &writer);
    for (size_t i = 0; i < sizeof(versions); i++) {
        struct rc_project *restored = NULL;
        set_version(&writer, versions[i]);
        assert_int_equal(read_state(&writer, &restored), RC_CORRUPT);
        assert_null(restored);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_todays_version_has_holes),
        cmocka_unit_test(test_the_version_before_is_read),
        cmocka_unit_test(test_other_versions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
