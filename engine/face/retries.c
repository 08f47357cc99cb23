/*
 * Retries: a change that was asked for under a request id is remembered with what it came to, in
 * the table of its project, or in the engine's where it was a change of the project itself: that
 * one must outlive the project. The tables are changed as records are applied, in the log's order,
 * so a start comes to the same tables, and nobody is remembered who was not acknowledged.
 *
 * Whoever makes a change looks twice: before the request is understood, since what it names may be
 * gone by now, and again while nobody else changes anything.
 */
#include "engine/base/limits.h"
#include "engine/face/engine_state.h"

const struct rc_asked *
rc_asked_or_nobody(const struct rc_asked *asked)
{
    static const struct rc_asked nobody = {.content = 0};
    return asked == NULL ? &nobody : asked;
}

enum rc_status
rc_asked_check(const struct rc_asked *asked, struct rc_error *reterr_error)
{
    if (asked->author.size > RC_AUTHOR_BYTES_MAX || !rc_bytes_is_text(asked->author))
        return rc_error_field(reterr_error, RC_INVALID, "author",
                              "an author is UTF-8 of at most %u bytes", RC_AUTHOR_BYTES_MAX);
    if (asked->request_id.size > RC_REQUEST_ID_BYTES_MAX || !rc_bytes_is_text(asked->request_id))
        return rc_error_field(reterr_error, RC_INVALID, "request_id",
                              "a request id is UTF-8 of at most %u bytes", RC_REQUEST_ID_BYTES_MAX);
    return RC_OK;
}

/* ---- Remembering ----------------------------------------------------------------------------- */

static void
write_entry(struct rc_writer *writer, const struct rc_catalog_entry *entry)
{
    rc_catalog_entry_write(writer, entry);
    rc_write_bytes(writer, entry->author);
}

static void
write_reply(struct rc_writer *writer, const struct rc_record *record)
{
    struct rc_reader reader = rc_reader_of(record->entries.data, record->entries.size);
    struct rc_catalog_entry entry;
    if (record->kind == RC_RECORD_PROJECT_PUT)
        rc_project_settings_write(writer, &record->settings);
    if (record->kind == RC_RECORD_ENTRY_PUT)
        write_entry(writer, &record->entry);
    while (record->kind == RC_RECORD_ENTRIES_PUT && rc_reader_left(&reader) > 0 &&
           rc_record_next_entry(record, &reader, &entry, NULL) == RC_OK)
        write_entry(writer, &entry);
}

/* Puts a receipt of one change, if it has a request id, into a table that is the caller's. */
static enum rc_status
remember(struct rc_receipts **receipts, uint64_t sequence, const struct rc_record *record)
{
    RC_CLEANUP(rc_writer_close) struct rc_writer writer = {0};
    struct rc_receipts *next = NULL;
    if (record->asked.request_id.size == 0)
        return RC_OK;
    write_reply(&writer, record);
    if (writer.failed)
        return RC_NO_MEMORY;
    const struct rc_receipt receipt = {
        .request_id = record->asked.request_id,
        .content = record->asked.content,
        .sequence = sequence,
        .reply = {(const char *)writer.data, writer.size},
    };
    RC_TRY(rc_receipts_put(*receipts, &receipt, &next));
    rc_receipts_unref(*receipts);
    *receipts = next;
    return RC_OK;
}

enum rc_status
rc_receipts_after(struct rc_receipts *receipts,
                  uint64_t sequence,
                  const struct rc_record *record,
                  struct rc_receipts **ret_receipts)
{
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *next = rc_receipts_ref(receipts);
    struct rc_reader reader = rc_reader_of(record->changes.data, record->changes.size);
    struct rc_record change;
    const bool had = sequence <= rc_receipts_last(receipts);
    if (!had && record->kind != RC_RECORD_CHANGES)
        RC_TRY(remember(&next, sequence, record));
    for (uint32_t i = 0; !had && i < record->change_count; i++) {
        RC_TRY(rc_record_next_change(record, &reader, &change, NULL));
        RC_TRY(remember(&next, sequence, &change));
    }
    *ret_receipts = RC_TAKE(next);
    return RC_OK;
}

struct rc_receipts *
rc_engine_receipts(struct rc_engine *engine)
{
    pthread_mutex_lock(&engine->registry);
    struct rc_receipts *receipts = rc_receipts_ref(engine->receipts);
    pthread_mutex_unlock(&engine->registry);
    return receipts;
}

void
rc_engine_set_receipts(struct rc_engine *engine, struct rc_receipts *receipts)
{
    pthread_mutex_lock(&engine->registry);
    struct rc_receipts *old = engine->receipts;
    engine->receipts = receipts;
    pthread_mutex_unlock(&engine->registry);
    rc_receipts_unref(old);
}

/* ---- Answering again ------------------------------------------------------------------------- */

/* What was answered the first time, in the arena; empty: nothing. *ret_known: there was one. */
static enum rc_status
find_reply(const struct rc_receipts *receipts,
           const struct rc_asked *asked,
           struct rc_arena *arena,
           bool *ret_known,
           struct rc_bytes *ret_reply,
           struct rc_error *reterr_error)
{
    const struct rc_receipt *receipt = NULL;
    *ret_known = false;
    *ret_reply = (struct rc_bytes){"", 0};
    RC_TRY(rc_receipts_find(receipts, asked, &receipt, reterr_error));
    if (receipt == NULL)
        return RC_OK;
    *ret_known = true;
    if (receipt->reply.size == 0)
        return RC_OK;
    ret_reply->size = receipt->reply.size;
    ret_reply->data = rc_arena_copy(arena, receipt->reply.data, receipt->reply.size);
    if (ret_reply->data == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for an earlier reply");
    return RC_OK;
}

enum rc_status
rc_retry_entries(struct tenant *tenant,
                 const struct rc_asked *asked,
                 struct rc_arena *arena,
                 bool *ret_known,
                 struct rc_catalog_entry *ret_entries,
                 uint32_t count,
                 struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_receipts_unrefp)
    struct rc_receipts *receipts = rc_project_receipts(tenant->project);
    struct rc_bytes reply;
    RC_TRY(find_reply(receipts, asked, arena, ret_known, &reply, reterr_error));
    struct rc_reader reader = rc_reader_of(reply.data, reply.size);
    for (uint32_t i = 0; *ret_known && i < count; i++) {
        ret_entries[i] = (struct rc_catalog_entry){.name = {"", 0}};
        if (rc_reader_left(&reader) == 0)
            continue; /* A deletion made none. */
        RC_TRY(rc_catalog_entry_read(&reader, &ret_entries[i], reterr_error));
        ret_entries[i].author = rc_read_bytes(&reader);
    }
    return RC_OK;
}

enum rc_status
rc_engine_retry_entries(struct rc_engine *engine,
                        struct rc_bytes project,
                        const struct rc_asked *asked,
                        struct rc_arena *arena,
                        bool *ret_known,
                        struct rc_catalog_entry *ret_entries,
                        uint32_t count,
                        struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_tenant_unrefp)
    struct tenant *tenant = rc_tenant_find(engine, project, reterr_error);
    if (tenant == NULL)
        return RC_NOT_FOUND;
    return rc_retry_entries(tenant, asked, arena, ret_known, ret_entries, count, reterr_error);
}

enum rc_status
rc_engine_retry_project(struct rc_engine *engine,
                        const struct rc_asked *asked,
                        struct rc_arena *arena,
                        bool *ret_known,
                        struct rc_project_settings *ret_settings,
                        struct rc_error *reterr_error)
{
    RC_CLEANUP(rc_receipts_unrefp) struct rc_receipts *receipts = rc_engine_receipts(engine);
    struct rc_bytes reply;
    RC_TRY(find_reply(receipts, asked, arena, ret_known, &reply, reterr_error));
    if (!*ret_known)
        return RC_OK;
    *ret_settings = (struct rc_project_settings){.id = {"", 0}};
    if (reply.size == 0)
        return RC_OK;
    struct rc_reader reader = rc_reader_of(reply.data, reply.size);
    return rc_project_settings_read(&reader, ret_settings, reterr_error);
}
