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
        RC_TRY_OR(reterr_error, read_catalog_kind(reader, &record->catalog));
        RC_TRY(rc_catalog_entry_read(reader, &record->entry, reterr_error));
        record->entry.author = record->asked.author;
        return RC_OK;
    case RC_RECORD_ENTRY_REMOVE:
        RC_TRY_OR(reterr_error, read_catalog_kind(reader, &record->catalog));
        record->entry.name = rc_read_bytes(reader);
        return RC_OK;
    case RC_RECORD_ENTRIES_PUT:
        return read_entries(reader, record, reterr_error);
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
    uint8_t kind = rc_read_u8(&reader);
    if (kind == RC_RECORD_ASKED) {
        record.asked.author = rc_read_bytes(&reader);
        record.asked.request_id = rc_read_bytes(&reader);
        record.asked.content = rc_read_u64(&reader);
        kind = rc_read_u8(&reader);
    }
    if (kind < RC_RECORD_PROJECT_PUT || kind > RC_RECORD_ENTRIES_PUT || kind == RC_RECORD_ASKED)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record is of unknown kind %u", kind);
    record.kind = (enum rc_record_kind)kind;
    if (record.kind != RC_RECORD_NOTHING)
        record.project = rc_read_bytes(&reader);
    RC_TRY(read_content(&reader, &record, reterr_error));
    if (reader.bad || rc_reader_left(&reader) != 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a log record of kind %u is broken", kind);
    *ret_record = record;
    return RC_OK;
}
