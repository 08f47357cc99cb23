/* The stored form of catalogs. What is read is checked before it is used, by rc_catalog_check. */
#include "engine/base/assert.h"
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

/* ---- Packed: an entry and its author --------------------------------------------------------- */

static void
write_packed(struct rc_writer *writer, const struct rc_catalog_entry *entry)
{
    rc_catalog_entry_write(writer, entry);
    rc_write_bytes(writer, entry->author);
}

static size_t
varint_bytes(uint64_t value)
{
    size_t bytes = 1;
    while ((value >>= 7) != 0)
        bytes++;
    return bytes;
}

size_t
rc_catalog_packed_bytes(const struct rc_catalog_entry *entry)
{
    return rc_catalog_text_bytes(entry) + varint_bytes(entry->name.size) +
           varint_bytes(entry->display_name.size) + varint_bytes(entry->description.size) +
           varint_bytes(entry->payload.size) + varint_bytes(entry->version) +
           sizeof(entry->created_ms) + sizeof(entry->updated_ms) + varint_bytes(entry->author.size);
}

void
rc_catalog_pack(const struct rc_catalog_entry *entry, char *packed, size_t size)
{
    struct rc_writer writer = {.data = (unsigned char *)packed, .capacity = size}; /* Borrows. */
    write_packed(&writer, entry);
    RC_ASSERT(!writer.failed && writer.size == size);
}

struct rc_catalog_entry
rc_catalog_unpack(const char *packed, size_t size)
{
    struct rc_catalog_entry entry;
    struct rc_reader reader = rc_reader_of(packed, size);
    const enum rc_status status = rc_catalog_entry_read(&reader, &entry, NULL);
    entry.author = rc_read_bytes(&reader);
    entry.marks = 0;
    RC_ASSERT(status == RC_OK && !reader.bad);
    return entry;
}

/* ---- Catalogs -------------------------------------------------------------------------------- */

void
rc_catalog_write(const struct rc_catalog *catalog, struct rc_writer *writer)
{
    const uint32_t count = rc_catalog_count(catalog);
    rc_write_varint(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_catalog_history *history = rc_catalog_tree_at(&catalog->root, i);
        const struct rc_catalog_older *older = history->older;
        rc_write_varint(writer, rc_catalog_history_count(history));
        for (uint32_t k = 0; older != NULL && k < older->count; k++)
            rc_write_raw(writer, older->versions[k]->packed, older->versions[k]->size);
        rc_write_raw(writer, history->packed, history->size);
    }
}

/* versions false: an entry alone, without its author. */
static enum rc_status
read_version(struct rc_reader *reader,
             bool versions,
             struct rc_catalog_entry *ret_entry,
             struct rc_error *reterr_error)
{
    RC_TRY(rc_catalog_entry_read(reader, ret_entry, reterr_error));
    if (versions)
        ret_entry->author = rc_read_bytes(reader);
    return reader->bad ? rc_error_set(reterr_error, RC_CORRUPT, "an author is cut short") : RC_OK;
}

static enum rc_status
read_history(struct rc_account *account,
             struct rc_reader *reader,
             bool versions,
             rc_catalog_marker *marks_of,
             struct rc_catalog_history **ret_history,
             struct rc_error *reterr_error)
{
    struct rc_catalog_version *older[RC_ENTRY_VERSIONS_MAX];
    const uint32_t count = versions ? (uint32_t)rc_read_count(reader, RC_ENTRY_VERSIONS_MAX) : 1;
    struct rc_catalog_entry entry;
    enum rc_status status = RC_OK;
    uint32_t done = 0;
    if (count == 0)
        return rc_error_set(reterr_error, RC_CORRUPT, "a catalog entry has no version");
    while (status == RC_OK && done + 1 < count) {
        status = read_version(reader, versions, &entry, reterr_error);
        if (status != RC_OK)
            break;
        older[done] = rc_catalog_version_new(account, &entry);
        if (older[done] == NULL)
            status = rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
        else
            done++;
    }
    if (status == RC_OK)
        status = read_version(reader, versions, &entry, reterr_error);
    if (status != RC_OK) {
        while (done > 0)
            rc_catalog_version_unref(older[--done]);
        return status;
    }
    entry.marks = marks_of == NULL ? 0 : marks_of(entry.payload);
    *ret_history = rc_catalog_history_new(account, older, done, &entry);
    return *ret_history != NULL
               ? RC_OK
               : rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
}

enum rc_status
rc_catalog_read(struct rc_account *account,
                struct rc_reader *reader,
                bool versions,
                rc_catalog_marker *marks_of,
                struct rc_catalog **ret_catalog,
                struct rc_error *reterr_error)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, RC_DEFINITIONS_MAX);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = NULL;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_catalog_history **histories = rc_alloc_in(account, count * sizeof(histories[0]));
    if (histories == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u catalog entries", count);
    RC_TRY_OR(reterr_error, rc_catalog_new(account, &catalog));
    uint32_t done = 0;
    enum rc_status status = RC_OK;
    while (done < count && status == RC_OK) {
        status = read_history(account, reader, versions, marks_of, &histories[done], reterr_error);
        done += status == RC_OK;
    }
    while (status != RC_OK && done > 0)
        rc_catalog_history_unref(histories[--done]);
    RC_TRY(status);
    RC_TRY_OR(reterr_error, rc_catalog_tree_build(account, histories, count, &catalog->root));
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the catalog is cut short");
    RC_TRY(rc_catalog_check(catalog, reterr_error));
    *ret_catalog = RC_TAKE(catalog);
    return RC_OK;
}
