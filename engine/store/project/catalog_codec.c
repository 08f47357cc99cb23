/* The stored form of catalogs. What is read is checked before it is used, by rc_catalog_check. */
#include "engine/base/limits.h"
#include "engine/store/project/catalog_form.h"

void
rc_catalog_entry_write(struct rc_writer *writer, const struct rc_catalog_entry *entry)
{
    rc_write_bytes(writer, entry->name);
    rc_write_bytes(writer, entry->display_name);
    rc_write_bytes(writer, entry->description);
    rc_write_bytes(writer, entry->payload);
    rc_write_varint(writer, entry->version);
    rc_write_u64(writer, (uint64_t)entry->created_ms);
    rc_write_u64(writer, (uint64_t)entry->updated_ms);
}

enum rc_status
rc_catalog_entry_read(struct rc_reader *reader,
                      struct rc_catalog_entry *ret_entry,
                      struct rc_error *reterr_error)
{
    struct rc_catalog_entry entry = {.author = {"", 0}};
    entry.name = rc_read_bytes(reader);
    entry.display_name = rc_read_bytes(reader);
    entry.description = rc_read_bytes(reader);
    entry.payload = rc_read_bytes(reader);
    entry.version = rc_read_varint(reader);
    entry.created_ms = (int64_t)rc_read_u64(reader);
    entry.updated_ms = (int64_t)rc_read_u64(reader);
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "a catalog entry is cut short");
    *ret_entry = entry;
    return RC_OK;
}

void
rc_catalog_write(const struct rc_catalog *catalog, struct rc_writer *writer)
{
    rc_write_varint(writer, catalog->count);
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct rc_catalog_history *history = catalog->entries[i];
        rc_write_varint(writer, history->count);
        for (uint32_t k = 0; k < history->count; k++) {
            rc_catalog_entry_write(writer, &history->versions[k]->view);
            rc_write_bytes(writer, history->versions[k]->view.author);
        }
    }
}

static enum rc_status
read_history(struct rc_account *account,
             struct rc_reader *reader,
             bool versions,
             struct rc_catalog_history **ret_history,
             struct rc_error *reterr_error)
{
    struct rc_catalog_version *read[RC_ENTRY_VERSIONS_MAX];
    const uint32_t count = versions ? (uint32_t)rc_read_count(reader, RC_ENTRY_VERSIONS_MAX) : 1;
    enum rc_status status = RC_OK;
    uint32_t done = 0;
    if (count == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a catalog entry has no version");
    while (status == RC_OK && done < count) {
        struct rc_catalog_entry entry;
        status = rc_catalog_entry_read(reader, &entry, reterr_error);
        if (status != RC_OK)
            break;
        if (versions)
            entry.author = rc_read_bytes(reader);
        if (count == 1) {
            *ret_history = rc_catalog_history_first(account, &entry);
            return *ret_history != NULL
                       ? RC_OK
                       : rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
        }
        read[done] = rc_catalog_version_new(account, &entry);
        if (read[done] == NULL)
            status = rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
        else
            done++;
    }
    if (status == RC_OK) {
        *ret_history = rc_catalog_history_new(account, read, count);
        if (*ret_history == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
        return RC_OK;
    }
    while (done > 0)
        rc_catalog_version_unref(read[--done]);
    return status;
}

enum rc_status
rc_catalog_read(struct rc_account *account,
                struct rc_reader *reader,
                bool versions,
                struct rc_catalog **ret_catalog,
                struct rc_error *reterr_error)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, RC_DEFINITIONS_MAX);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = rc_catalog_alloc(account, count);
    if (catalog == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u catalog entries", count);
    catalog->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        RC_TRY(read_history(account, reader, versions, &catalog->entries[i], reterr_error));
        catalog->count = i + 1;
        catalog->older_bytes += catalog->entries[i]->older_bytes;
    }
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the catalog is cut short");
    RC_TRY(rc_catalog_check(catalog, reterr_error));
    *ret_catalog = RC_TAKE(catalog);
    return RC_OK;
}
