#include "engine/intake/record.h"

#include "engine/base/limits.h"

static void
write_asked(struct rc_writer *writer, const struct rc_asked *asked)
{
    if (asked->author.size == 0 && asked->request_id.size == 0)
        return;
    rc_write_u8(writer, RC_RECORD_ASKED);
    rc_write_bytes(writer, asked->author);
    rc_write_bytes(writer, asked->request_id);
    rc_write_u64(writer, asked->content);
}

void
rc_record_write(struct rc_writer *writer, const struct rc_record *record)
{
    write_asked(writer, &record->asked);
    rc_write_u8(writer, (uint8_t)record->kind);
    if (record->kind == RC_RECORD_NOTHING)
        return;
    rc_write_bytes(writer, record->project);
    switch (record->kind) {
    case RC_RECORD_PROJECT_PUT:
        rc_project_settings_write(writer, &record->settings);
        break;
    case RC_RECORD_BATCH:
        rc_write_bytes(writer, record->client_stream);
        rc_write_u64(writer, record->batch_id);
        rc_write_u64(writer, record->batch_after);
        break;
    case RC_RECORD_ENTRY_PUT:
        rc_write_u8(writer, (uint8_t)record->catalog);
        rc_catalog_entry_write(writer, &record->entry);
        break;
    case RC_RECORD_ENTRY_REMOVE:
        rc_write_u8(writer, (uint8_t)record->catalog);
        rc_write_bytes(writer, record->entry.name);
        break;
    case RC_RECORD_ENTRIES_PUT:
        rc_write_u8(writer, (uint8_t)record->catalog);
        rc_write_varint(writer, record->entry_count);
        rc_write_raw(writer, record->entries.data, record->entries.size);
        break;
    case RC_RECORD_CHANGES:
        rc_write_varint(writer, record->change_count);
        rc_write_raw(writer, record->changes.data, record->changes.size);
        break;
    case RC_RECORD_USER_DELETE:
        rc_write_bytes(writer, record->user);
        rc_write_u64(writer, (uint64_t)record->time_ms);
        break;
    case RC_RECORD_CUT:
        rc_write_u64(writer, (uint64_t)record->time_ms);
        break;
    case RC_RECORD_PROJECT_DELETE:
    case RC_RECORD_NOTHING:
        break;
    }
}

static enum rc_status
read_catalog_kind(struct rc_reader *reader, enum rc_catalog_kind *ret_kind)
{
    const uint8_t kind = rc_read_u8(reader);
    if (kind < RC_CATALOG_DEFINITIONS || kind > RC_CATALOG_PROPERTIES)
        return RC_CORRUPT;
    *ret_kind = (enum rc_catalog_kind)kind;
    return RC_OK;
}

enum rc_status
rc_record_next_entry(const struct rc_record *record,
                     struct rc_reader *reader,
                     struct rc_catalog_entry *ret_entry,
                     struct rc_error *reterr_error)
{
    RC_TRY(rc_catalog_entry_read(reader, ret_entry, reterr_error));
    ret_entry->author = record->asked.author;
    return RC_OK;
}

static enum rc_status
read_entries(struct rc_reader *reader, struct rc_record *record, struct rc_error *reterr_error)
{
    RC_TRY_OR(reterr_error, read_catalog_kind(reader, &record->catalog));
    record->entry_count = (uint32_t)rc_read_count(reader, RC_ENTRIES_CREATED_MAX);
    if (record->entry_count == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record puts no entries");
    record->entries = (struct rc_bytes){(const char *)reader->at, rc_reader_left(reader)};
    for (uint32_t i = 0; i < record->entry_count; i++)
        RC_TRY(rc_record_next_entry(record, reader, &record->entry, reterr_error));
    return RC_OK;
}

static bool
is_of_entries(enum rc_record_kind kind)
{
    return kind == RC_RECORD_ENTRY_PUT || kind == RC_RECORD_ENTRY_REMOVE ||
           kind == RC_RECORD_ENTRIES_PUT;
}

/* What a record says of itself before it says what it is about. */
static enum rc_status
read_head(struct rc_reader *reader, struct rc_record *record, struct rc_error *reterr_error)
{
    uint8_t kind = rc_read_u8(reader);
    if (kind == RC_RECORD_ASKED) {
        record->asked.author = rc_read_bytes(reader);
        record->asked.request_id = rc_read_bytes(reader);
        record->asked.content = rc_read_u64(reader);
        kind = rc_read_u8(reader);
    }
    if (kind < RC_RECORD_PROJECT_PUT || kind > RC_RECORD_CHANGES || kind == RC_RECORD_ASKED)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record is of unknown kind %u", kind);
    record->kind = (enum rc_record_kind)kind;
    if (record->kind != RC_RECORD_NOTHING)
        record->project = rc_read_bytes(reader);
    return RC_OK;
}

static enum rc_status
read_entry(struct rc_reader *reader, struct rc_record *record, struct rc_error *reterr_error)
{
    if (record->kind == RC_RECORD_ENTRIES_PUT)
        return read_entries(reader, record, reterr_error);
    RC_TRY_OR(reterr_error, read_catalog_kind(reader, &record->catalog));
    if (record->kind == RC_RECORD_ENTRY_REMOVE) {
        record->entry.name = rc_read_bytes(reader);
        return RC_OK;
    }
    RC_TRY(rc_catalog_entry_read(reader, &record->entry, reterr_error));
    record->entry.author = record->asked.author;
    return RC_OK;
}

enum rc_status
rc_record_next_change(const struct rc_record *record,
                      struct rc_reader *reader,
                      struct rc_record *ret_change,
                      struct rc_error *reterr_error)
{
    const struct rc_bytes bytes = rc_read_bytes(reader);
    struct rc_reader inner = rc_reader_of(bytes.data, bytes.size);
    struct rc_record change = {0};
    RC_TRY(read_head(&inner, &change, reterr_error));
    if (!is_of_entries(change.kind) || !rc_bytes_equal(change.project, record->project))
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record holds a change of kind %u",
                            change.kind);
    RC_TRY(read_entry(&inner, &change, reterr_error));
    if (inner.bad || rc_reader_left(&inner) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a change in a log record is broken");
    *ret_change = change;
    return RC_OK;
}

static enum rc_status
read_changes(struct rc_reader *reader, struct rc_record *record, struct rc_error *reterr_error)
{
    struct rc_record change;
    record->change_count = (uint32_t)rc_read_count(reader, RC_CHANGES_LOGGED_MAX);
    if (record->change_count == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record changes nothing");
    record->changes = (struct rc_bytes){(const char *)reader->at, rc_reader_left(reader)};
    for (uint32_t i = 0; i < record->change_count; i++)
        RC_TRY(rc_record_next_change(record, reader, &change, reterr_error));
    return RC_OK;
}

static enum rc_status
read_content(struct rc_reader *reader, struct rc_record *record, struct rc_error *reterr_error)
{
    switch (record->kind) {
    case RC_RECORD_PROJECT_PUT:
        return rc_project_settings_read(reader, &record->settings, reterr_error);
    case RC_RECORD_BATCH:
        record->client_stream = rc_read_bytes(reader);
        record->batch_id = rc_read_u64(reader);
        record->batch_after = rc_read_u64(reader);
        record->batch = rc_read_raw(reader, rc_reader_left(reader));
        return RC_OK;
    case RC_RECORD_ENTRY_PUT:
    case RC_RECORD_ENTRY_REMOVE:
    case RC_RECORD_ENTRIES_PUT:
        return read_entry(reader, record, reterr_error);
    case RC_RECORD_CHANGES:
        return read_changes(reader, record, reterr_error);
    case RC_RECORD_USER_DELETE:
        record->user = rc_read_bytes(reader);
        record->time_ms = (int64_t)rc_read_u64(reader);
        if (!reader->bad && record->time_ms <= 0)
            return rc_error_set(reterr_error, RC_CORRUPT, "a deletion was asked for at no time");
        return RC_OK;
    case RC_RECORD_CUT:
        record->time_ms = (int64_t)rc_read_u64(reader);
        return RC_OK;
    case RC_RECORD_PROJECT_DELETE:
    case RC_RECORD_NOTHING:
        break;
    }
    return RC_OK;
}

enum rc_status
rc_record_read(struct rc_bytes payload, struct rc_record *ret_record, struct rc_error *reterr_error)
{
    struct rc_reader reader = rc_reader_of(payload.data, payload.size);
    struct rc_record record = {0};
    RC_TRY(read_head(&reader, &record, reterr_error));
    RC_TRY(read_content(&reader, &record, reterr_error));
    if (reader.bad || rc_reader_left(&reader) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record of kind %u is broken",
                            record.kind);
    *ret_record = record;
    return RC_OK;
}
