/* Log records: every kind there and back, cut at every byte, unknown kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "engine/intake/record.h"

static enum rc_status
read_copy(const void *bytes, size_t size, struct rc_record *ret_record)
{
    static char copy[1024];
    assert_true(size <= sizeof(copy));
    memcpy(copy, bytes, size);
    return rc_record_read((struct rc_bytes){copy, size}, ret_record, NULL);
}

/* Writes, reads back, and cuts at every byte. tail: what follows the record of a batch. */
static void
check(const struct rc_record *record, const char *tail, struct rc_record *ret_record)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_record_write(&writer, record);
    const size_t head_bytes = writer.size;
    rc_write_raw(&writer, tail, strlen(tail));
    assert_false(writer.failed);
    for (size_t size = 0; size < head_bytes; size++)
        assert_int_equal(read_copy(writer.data, size, ret_record), RC_CORRUPT);
    assert_int_equal(read_copy(writer.data, writer.size, ret_record), RC_OK);
    assert_int_equal(ret_record->kind, record->kind);
    assert_true(rc_bytes_equal(ret_record->project, record->project));
    if (record->kind == RC_RECORD_BATCH)
        return;
    struct rc_record ignored;
    rc_write_u8(&writer, 0);
    assert_int_equal(read_copy(writer.data, writer.size, &ignored), RC_CORRUPT);
    assert_int_equal(read_copy(writer.data, writer.size - 1, ret_record), RC_OK);
}

static void
test_projects(void **state)
{
    (void)state;
    struct rc_record got;
    struct rc_record record = {.kind = RC_RECORD_PROJECT_PUT, .project = RC_BYTES_LITERAL("shop")};
    record.settings = (struct rc_project_settings){
        .id = RC_BYTES_LITERAL("shop"),
        .display_name = RC_BYTES_LITERAL("The shop"),
        .zone = RC_BYTES_LITERAL("Europe/Berlin"),
        .week_start = 6,
        .memory_bytes_max = 1 << 20,
        .version = 3,
        .created_ms = -1,
        .updated_ms = 77,
        .retention_days = 400,
        .future_ms_max = 5,
        .shown_ids = RC_BYTES_LITERAL("^[^~]"),
    };
    check(&record, "", &got);
    assert_int_equal(got.settings.retention_days, 400);
    assert_int_equal(got.settings.future_ms_max, 5);
    assert_true(rc_bytes_equal(got.settings.shown_ids, record.settings.shown_ids));
    assert_true(rc_bytes_equal(got.settings.zone, record.settings.zone));
    assert_true(rc_bytes_equal(got.settings.display_name, record.settings.display_name));
    assert_int_equal(got.settings.week_start, 6);
    assert_int_equal(got.settings.memory_bytes_max, 1 << 20);
    assert_int_equal(got.settings.version, 3);
    assert_int_equal(got.settings.created_ms, -1);
    assert_int_equal(got.settings.updated_ms, 77);
    record.kind = RC_RECORD_PROJECT_DELETE;
    check(&record, "", &got);
}

static void
test_settings_of_no_project(void **state)
{
    (void)state;
    static char long_id[RC_PROJECT_ID_BYTES_MAX + 1];
    memset(long_id, 'a', sizeof(long_id));
    const struct rc_project_settings cases[] = {
        {.id = RC_BYTES_LITERAL("")},
        {.id = {long_id, sizeof(long_id)}},
        {.id = RC_BYTES_LITERAL("shop"), .week_start = 7},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct rc_record record = {.kind = RC_RECORD_PROJECT_PUT,
                                         .project = RC_BYTES_LITERAL("shop"),
                                         .settings = cases[i]};
        struct rc_record got;
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
        rc_record_write(&writer, &record);
        assert_int_equal(read_copy(writer.data, writer.size, &got), RC_CORRUPT);
    }
}

/* Settings as they were stored before they had a version, and as they were in version 2. */
static void
test_settings_of_old_versions(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    rc_write_bytes(&writer, RC_BYTES_LITERAL("shop"));
    rc_write_bytes(&writer, RC_BYTES_LITERAL("The shop"));
    rc_write_bytes(&writer, RC_BYTES_LITERAL("UTC"));
    rc_write_u32(&writer, 2);
    for (uint64_t i = 1; i <= 4; i++)
        rc_write_u64(&writer, i);
    struct rc_reader reader = rc_reader_of(writer.data, writer.size);
    struct rc_project_settings got;
    assert_int_equal(rc_project_settings_read(&reader, &got, NULL), RC_OK);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_true(rc_bytes_equal(got.id, RC_BYTES_LITERAL("shop")));
    assert_int_equal(got.week_start, 2);
    assert_int_equal(got.updated_ms, 4);
    assert_int_equal(got.retention_days, 0);
    assert_int_equal(got.future_ms_max, 0);
    RC_CLEANUP(rc_writer_close) struct rc_writer second = {0};
    rc_write_u8(&second, 0);
    rc_write_u8(&second, 2);
    rc_write_raw(&second, writer.data, writer.size);
    rc_write_u32(&second, 400);
    rc_write_u64(&second, 5);
    reader = rc_reader_of(second.data, second.size);
    assert_int_equal(rc_project_settings_read(&reader, &got, NULL), RC_OK);
    assert_int_equal(rc_reader_left(&reader), 0);
    assert_int_equal(got.updated_ms, 4);
    assert_int_equal(got.retention_days, 400);
    assert_int_equal(got.future_ms_max, 5);
    assert_int_equal(got.shown_ids.size, 0);
    const unsigned char unknown[] = {0, 4, 4, 's', 'h', 'o', 'p'};
    reader = rc_reader_of(unknown, sizeof(unknown));
    assert_int_equal(rc_project_settings_read(&reader, &got, NULL), RC_CORRUPT);
}

static void
test_removals(void **state)
{
    (void)state;
    struct rc_record got;
    struct rc_record record = {
        .kind = RC_RECORD_USER_DELETE,
        .project = RC_BYTES_LITERAL("shop"),
        .user = RC_BYTES_LITERAL("zoe"),
        .time_ms = 1700000000000,
    };
    check(&record, "", &got);
    assert_true(rc_bytes_equal(got.user, record.user));
    assert_int_equal(got.time_ms, 1700000000000);
    record.kind = RC_RECORD_CUT;
    record.time_ms = -7;
    check(&record, "", &got);
    assert_int_equal(got.time_ms, -7);
}

static void
test_batches(void **state)
{
    (void)state;
    struct rc_record got;
    const struct rc_record record = {
        .kind = RC_RECORD_BATCH,
        .project = RC_BYTES_LITERAL("shop"),
        .client_stream = RC_BYTES_LITERAL("loader"),
        .batch_id = UINT64_MAX,
        .batch_after = UINT64_MAX - 1,
    };
    check(&record, "the batch", &got);
    assert_true(rc_bytes_equal(got.client_stream, record.client_stream));
    assert_true(got.batch_id == UINT64_MAX);
    assert_true(got.batch_after == UINT64_MAX - 1);
    assert_true(rc_bytes_equal(got.batch, RC_BYTES_LITERAL("the batch")));
}

static void
test_entries(void **state)
{
    (void)state;
    struct rc_record got;
    struct rc_record record = {
        .kind = RC_RECORD_ENTRY_PUT,
        .project = RC_BYTES_LITERAL("shop"),
        .catalog = RC_CATALOG_SEGMENTS,
        .entry = {.name = RC_BYTES_LITERAL("payers"),
                  .display_name = RC_BYTES_LITERAL("Payers"),
                  .description = RC_BYTES_LITERAL("who paid"),
                  .payload = RC_BYTES_LITERAL("\x01\x02"),
                  .version = 9,
                  .created_ms = 5,
                  .updated_ms = 6},
    };
    check(&record, "", &got);
    assert_int_equal(got.catalog, RC_CATALOG_SEGMENTS);
    assert_true(rc_bytes_equal(got.entry.name, record.entry.name));
    assert_true(rc_bytes_equal(got.entry.display_name, record.entry.display_name));
    assert_true(rc_bytes_equal(got.entry.description, record.entry.description));
    assert_true(rc_bytes_equal(got.entry.payload, record.entry.payload));
    assert_int_equal(got.entry.version, 9);
    assert_int_equal(got.entry.created_ms, 5);
    assert_int_equal(got.entry.updated_ms, 6);
    record.kind = RC_RECORD_ENTRY_REMOVE;
    check(&record, "", &got);
    assert_true(rc_bytes_equal(got.entry.name, record.entry.name));
    record.kind = RC_RECORD_NOTHING;
    record.project = (struct rc_bytes){0};
    check(&record, "", &got);
}

/* Several at once: each is read in its turn, and all are checked when the record is. */
static void
test_several_entries(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    RC_CLEANUP(rc_writer_close) struct rc_writer entries = {.data = NULL};
    for (uint32_t i = 0; i < 3; i++) {
        const struct rc_catalog_entry entry = {.name = rc_bytes_of(names[i]),
                                               .payload = RC_BYTES_LITERAL("\1"),
                                               .version = 1,
                                               .created_ms = 7 + i};
        rc_catalog_entry_write(&entries, &entry);
    }
    struct rc_record got;
    struct rc_record record = {
        .kind = RC_RECORD_ENTRIES_PUT,
        .project = RC_BYTES_LITERAL("shop"),
        .asked = {.author = RC_BYTES_LITERAL("ada")},
        .catalog = RC_CATALOG_DEFINITIONS,
        .entry_count = 3,
        .entries = {(const char *)entries.data, entries.size},
    };
    check(&record, "", &got);
    assert_int_equal(got.catalog, RC_CATALOG_DEFINITIONS);
    assert_int_equal(got.entry_count, 3);
    struct rc_reader reader = rc_reader_of(got.entries.data, got.entries.size);
    for (uint32_t i = 0; i < 3; i++) {
        struct rc_catalog_entry entry;
        assert_int_equal(rc_record_next_entry(&got, &reader, &entry, NULL), RC_OK);
        assert_true(rc_bytes_equal(entry.name, rc_bytes_of(names[i])));
        assert_true(rc_bytes_equal(entry.author, RC_BYTES_LITERAL("ada")));
        assert_int_equal(entry.created_ms, 7 + i);
    }
    assert_int_equal(rc_reader_left(&reader), 0);
    const uint32_t wrong[] = {0, 2, 4, RC_ENTRIES_CREATED_MAX + 1};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        record.entry_count = wrong[i];
        rc_record_write(&writer, &record);
        assert_int_equal(read_copy(writer.data, writer.size, &got), RC_CORRUPT);
    }
}

static void
add_change(struct rc_writer *changes, const struct rc_record *record)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
    rc_record_write(&writer, record);
    rc_write_bytes(changes, (struct rc_bytes){(const char *)writer.data, writer.size});
}

/* Changes that share a record: each with who asked for it, all of the record's project, none of
 * another kind, and no record within a record within a record. */
static void
test_changes(void **state)
{
    (void)state;
    RC_CLEANUP(rc_writer_close) struct rc_writer changes = {.data = NULL};
    struct rc_record got;
    struct rc_record change;
    struct rc_record inner = {
        .kind = RC_RECORD_ENTRY_PUT,
        .project = RC_BYTES_LITERAL("shop"),
        .asked = {RC_BYTES_LITERAL("ada"), RC_BYTES_LITERAL("r"), 3},
        .catalog = RC_CATALOG_SEGMENTS,
        .entry = {.name = RC_BYTES_LITERAL("a"), .payload = RC_BYTES_LITERAL("\1"), .version = 2},
    };
    add_change(&changes, &inner);
    inner.kind = RC_RECORD_ENTRY_REMOVE;
    inner.asked.author = RC_BYTES_LITERAL("eve");
    add_change(&changes, &inner);
    struct rc_record record = {
        .kind = RC_RECORD_CHANGES,
        .project = inner.project,
        .change_count = 2,
        .changes = {(const char *)changes.data, changes.size},
    };
    check(&record, "", &got);
    assert_int_equal(got.change_count, 2);
    struct rc_reader reader = rc_reader_of(got.changes.data, got.changes.size);
    assert_int_equal(rc_record_next_change(&got, &reader, &change, NULL), RC_OK);
    assert_int_equal(change.kind, RC_RECORD_ENTRY_PUT);
    assert_int_equal(change.catalog, RC_CATALOG_SEGMENTS);
    assert_int_equal(change.entry.version, 2);
    assert_true(rc_bytes_equal(change.entry.author, RC_BYTES_LITERAL("ada")));
    assert_int_equal(rc_record_next_change(&got, &reader, &change, NULL), RC_OK);
    assert_int_equal(change.kind, RC_RECORD_ENTRY_REMOVE);
    assert_true(rc_bytes_equal(change.asked.author, RC_BYTES_LITERAL("eve")));
    assert_int_equal(rc_reader_left(&reader), 0);
    const uint32_t wrong[] = {0, 1, 3, RC_CHANGES_LOGGED_MAX + 1};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        record.change_count = wrong[i];
        rc_record_write(&writer, &record);
        assert_int_equal(read_copy(writer.data, writer.size, &got), RC_CORRUPT);
    }
    const struct rc_record others[] = {
        {.kind = RC_RECORD_PROJECT_DELETE, .project = inner.project},
        {.kind = RC_RECORD_ENTRY_REMOVE,
         .project = RC_BYTES_LITERAL("market"),
         .catalog = RC_CATALOG_SEGMENTS,
         .entry = inner.entry},
        {.kind = RC_RECORD_CHANGES,
         .project = inner.project,
         .change_count = 2,
         .changes = record.changes},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        RC_CLEANUP(rc_writer_close) struct rc_writer writer = {.data = NULL};
        RC_CLEANUP(rc_writer_close) struct rc_writer within = {.data = NULL};
        add_change(&within, &others[i]);
        record.change_count = 1;
        record.changes = (struct rc_bytes){(const char *)within.data, within.size};
        rc_record_write(&writer, &record);
        assert_int_equal(read_copy(writer.data, writer.size, &got), RC_CORRUPT);
        record.changes = others[2].changes;
    }
}

/* Who asked, and under which id, stands before the record. */
static void
test_who_asked(void **state)
{
    (void)state;
    const struct rc_asked cases[] = {
        {.author = RC_BYTES_LITERAL("ada")},
        {.request_id = RC_BYTES_LITERAL("0b5c"), .content = 7},
        {RC_BYTES_LITERAL("ada"), RC_BYTES_LITERAL("0b5c"), UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rc_record got;
        struct rc_record record = {
            .kind = RC_RECORD_ENTRY_PUT,
            .project = RC_BYTES_LITERAL("shop"),
            .asked = cases[i],
            .catalog = RC_CATALOG_PROPERTIES,
            .entry = {.name = RC_BYTES_LITERAL("host"), .payload = RC_BYTES_LITERAL("\1")},
        };
        check(&record, "", &got);
        assert_true(rc_bytes_equal(got.asked.author, cases[i].author));
        assert_true(rc_bytes_equal(got.entry.author, cases[i].author));
        assert_true(rc_bytes_equal(got.asked.request_id, cases[i].request_id));
        assert_true(got.asked.content == cases[i].content);
        record.kind = RC_RECORD_PROJECT_DELETE;
        check(&record, "", &got);
        assert_true(rc_bytes_equal(got.asked.request_id, cases[i].request_id));
        record.kind = RC_RECORD_ENTRY_REMOVE;
        check(&record, "", &got);
        assert_true(rc_bytes_equal(got.entry.name, record.entry.name));
    }
    /* Twice is none. */
    struct rc_record got;
    const unsigned char twice[] = {9, 0, 1,   'a', 0, 0, 0, 0, 0, 0, 0, 0, 9,
                                   0, 1, 'a', 0,   0, 0, 0, 0, 0, 0, 0, 6};
    assert_int_equal(read_copy(twice, sizeof(twice), &got), RC_CORRUPT);
}

static void
test_unknown_kinds(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 256; kind++) {
        const unsigned char bytes[] = {(unsigned char)kind, 0, 200, 7};
        struct rc_record record;
        struct rc_error error = {0};
        if (rc_record_read((struct rc_bytes){(const char *)bytes, sizeof(bytes)}, &record,
                           &error) == RC_OK)
            fail_msg("kind %u is taken", kind);
        assert_int_equal(error.status, RC_CORRUPT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_projects),        cmocka_unit_test(test_settings_of_no_project),
        cmocka_unit_test(test_batches),         cmocka_unit_test(test_entries),
        cmocka_unit_test(test_several_entries), cmocka_unit_test(test_settings_of_old_versions),
        cmocka_unit_test(test_removals),        cmocka_unit_test(test_who_asked),
        cmocka_unit_test(test_changes),         cmocka_unit_test(test_unknown_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
