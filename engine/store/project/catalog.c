/*
 * Catalog: a sorted array of counted entries. A put copies the array of pointers (8 bytes an entry)
 * and shares the entries; definitions change by hand, not by the thousand a second.
 */
#include "engine/store/project/catalog.h"

#include <stdatomic.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"

struct entry {
    _Atomic(uint32_t) references;
    struct rc_catalog_entry view; /* Its texts point behind this struct. */
    char bytes[];
};

struct rc_catalog {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    uint32_t count;
    struct entry *entries[]; /* By name. */
};

static struct entry *
entry_unref(struct entry *entry)
{
    if (entry != NULL &&
        atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(entry);
    return NULL;
}

static struct rc_bytes
place_bytes(char **at, struct rc_bytes bytes)
{
    char *start = *at;
    if (bytes.size != 0)
        memcpy(start, bytes.data, bytes.size);
    *at += bytes.size;
    return (struct rc_bytes){start, bytes.size};
}

static struct entry *
entry_new(struct rc_account *account, const struct rc_catalog_entry *source)
{
    const size_t text_bytes = source->name.size + source->display_name.size +
                              source->description.size + source->payload.size;
    struct entry *entry = rc_alloc_in(account, sizeof(*entry) + text_bytes);
    if (entry == NULL)
        return NULL;
    atomic_init(&entry->references, 1);
    entry->view = *source;
    char *at = entry->bytes;
    entry->view.name = place_bytes(&at, source->name);
    entry->view.display_name = place_bytes(&at, source->display_name);
    entry->view.description = place_bytes(&at, source->description);
    entry->view.payload = place_bytes(&at, source->payload);
    return entry;
}

static struct rc_catalog *
catalog_alloc(struct rc_account *account, uint32_t count)
{
    struct rc_catalog *catalog =
        rc_alloc_in(account, sizeof(*catalog) + (size_t)count * sizeof(catalog->entries[0]));
    if (catalog == NULL)
        return NULL;
    catalog->account = account;
    catalog->count = count;
    atomic_init(&catalog->references, 1);
    return catalog;
}

enum rc_status
rc_catalog_new(struct rc_account *account, struct rc_catalog **ret_catalog)
{
    struct rc_catalog *catalog = catalog_alloc(account, 0);
    if (catalog == NULL)
        return RC_NO_MEMORY;
    *ret_catalog = catalog;
    return RC_OK;
}

struct rc_catalog *
rc_catalog_ref(struct rc_catalog *catalog)
{
    if (catalog != NULL)
        atomic_fetch_add_explicit(&catalog->references, 1, memory_order_relaxed);
    return catalog;
}

struct rc_catalog *
rc_catalog_unref(struct rc_catalog *catalog)
{
    if (catalog == NULL ||
        atomic_fetch_sub_explicit(&catalog->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (uint32_t i = 0; i < catalog->count; i++)
        entry_unref(catalog->entries[i]);
    return rc_alloc_free(catalog);
}

/* The place of the first entry whose name is not below name. */
static uint32_t
lower_bound(const struct rc_catalog *catalog, struct rc_bytes name)
{
    uint32_t low = 0;
    uint32_t high = catalog->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_bytes_compare(catalog->entries[middle]->view.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
holds_at(const struct rc_catalog *catalog, uint32_t index, struct rc_bytes name)
{
    return index < catalog->count && rc_bytes_equal(catalog->entries[index]->view.name, name);
}

static struct entry *
entry_ref(struct entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}

enum rc_status
rc_catalog_put(const struct rc_catalog *catalog,
               const struct rc_catalog_entry *entry,
               struct rc_catalog **ret_catalog)
{
    const uint32_t index = lower_bound(catalog, entry->name);
    const bool replaces = holds_at(catalog, index, entry->name);
    if (!replaces && catalog->count >= RC_DEFINITIONS_MAX)
        return RC_LIMIT_EXCEEDED;
    struct entry *added = entry_new(catalog->account, entry);
    struct rc_catalog *next = catalog_alloc(catalog->account, catalog->count + (replaces ? 0 : 1));
    if (added == NULL || next == NULL) {
        entry_unref(added);
        rc_alloc_free(next);
        return RC_NO_MEMORY;
    }
    for (uint32_t i = 0; i < index; i++)
        next->entries[i] = entry_ref(catalog->entries[i]);
    next->entries[index] = added;
    for (uint32_t i = index + (replaces ? 1 : 0); i < catalog->count; i++)
        next->entries[replaces ? i : i + 1] = entry_ref(catalog->entries[i]);
    *ret_catalog = next;
    return RC_OK;
}

enum rc_status
rc_catalog_remove(const struct rc_catalog *catalog,
                  struct rc_bytes name,
                  struct rc_catalog **ret_catalog)
{
    const uint32_t index = lower_bound(catalog, name);
    if (!holds_at(catalog, index, name))
        return RC_NOT_FOUND;
    struct rc_catalog *next = catalog_alloc(catalog->account, catalog->count - 1);
    if (next == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < next->count; i++)
        next->entries[i] = entry_ref(catalog->entries[i < index ? i : i + 1]);
    *ret_catalog = next;
    return RC_OK;
}

const struct rc_catalog_entry *
rc_catalog_find(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const uint32_t index = lower_bound(catalog, name);
    return holds_at(catalog, index, name) ? &catalog->entries[index]->view : NULL;
}

uint32_t
rc_catalog_count(const struct rc_catalog *catalog)
{
    return catalog->count;
}

const struct rc_catalog_entry *
rc_catalog_at(const struct rc_catalog *catalog, uint32_t index)
{
    RC_ASSERT(index < catalog->count);
    return &catalog->entries[index]->view;
}

uint32_t
rc_catalog_upper_bound(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const uint32_t index = lower_bound(catalog, name);
    return holds_at(catalog, index, name) ? index + 1 : index;
}

enum rc_status
rc_catalog_check_name(struct rc_bytes name, const char *field, struct rc_error *reterr_error)
{
    if (name.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, field, "a name must not be empty");
    if (name.size > RC_NAME_BYTES_MAX)
        return rc_error_field(reterr_error, RC_INVALID, field, "a name has at most %u bytes",
                              RC_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.size; i++) {
        const char c = name.data[i];
        const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alphanumeric && (i == 0 || (c != '_' && c != '-' && c != '.')))
            return rc_error_field(reterr_error, RC_INVALID, field,
                                  "a name is made of a-z, 0-9, and behind the first character also "
                                  "'_', '-' and '.'");
    }
    return RC_OK;
}

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
    struct rc_catalog_entry entry;
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
    for (uint32_t i = 0; i < catalog->count; i++)
        rc_catalog_entry_write(writer, &catalog->entries[i]->view);
}

enum rc_status
rc_catalog_read(struct rc_account *account,
                struct rc_reader *reader,
                struct rc_catalog **ret_catalog,
                struct rc_error *reterr_error)
{
    const uint32_t count = (uint32_t)rc_read_count(reader, RC_DEFINITIONS_MAX);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *catalog = catalog_alloc(account, count);
    if (catalog == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for %u catalog entries", count);
    catalog->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct rc_catalog_entry entry;
        RC_TRY(rc_catalog_entry_read(reader, &entry, reterr_error));
        if (i > 0 && rc_bytes_compare(catalog->entries[i - 1]->view.name, entry.name) >= 0)
            return rc_error_set(reterr_error, RC_CORRUPT, "catalog entry %u is out of order", i);
        catalog->entries[i] = entry_new(account, &entry);
        if (catalog->entries[i] == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a catalog entry");
        catalog->count = i + 1;
    }
    if (reader->bad)
        return rc_error_set(reterr_error, RC_CORRUPT, "the catalog is cut short");
    *ret_catalog = RC_TAKE(catalog);
    return RC_OK;
}
