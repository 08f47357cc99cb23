/*
 * Catalog: a sorted array of counted histories. A put copies the array of pointers (8 bytes an
 * entry) and shares the entries; definitions change by hand, not by the thousand a second.
 *
 * Which versions go is a function of what was put, so that a replay of the log comes to the same:
 * bytes are those of texts, and times those that the entries say.
 *
 * Invariants (rc_catalog_check):
 *   1. Names ascend; the versions of an entry ascend and have its name.
 *   2. older_bytes are the sums of the texts.
 *   3. The limits of catalog.h hold.
 */
#include "engine/store/project/catalog.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/project/catalog_form.h"

struct rc_catalog *
rc_catalog_alloc(struct rc_account *account, uint32_t count)
{
    struct rc_catalog *catalog =
        rc_alloc_in(account, sizeof(*catalog) + (size_t)count * sizeof(catalog->entries[0]));
    if (catalog == NULL)
        return NULL;
    catalog->account = account;
    catalog->older_bytes = 0;
    catalog->count = count;
    atomic_init(&catalog->references, 1);
    return catalog;
}

enum rc_status
rc_catalog_new(struct rc_account *account, struct rc_catalog **ret_catalog)
{
    struct rc_catalog *catalog = rc_catalog_alloc(account, 0);
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
        rc_catalog_history_unref(catalog->entries[i]);
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
        if (rc_bytes_compare(rc_catalog_newest(catalog->entries[middle])->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
holds_at(const struct rc_catalog *catalog, uint32_t index, struct rc_bytes name)
{
    return index < catalog->count &&
           rc_bytes_equal(rc_catalog_newest(catalog->entries[index])->name, name);
}

/* The entry of which a version was replaced before any other that is kept; there is one. */
static uint32_t
find_longest_replaced(const struct rc_catalog *catalog)
{
    uint32_t found = catalog->count;
    int64_t found_ms = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct rc_catalog_history *history = catalog->entries[i];
        if (history->count == 1)
            continue;
        const int64_t replaced_ms = history->versions[1]->view.updated_ms;
        if (found < catalog->count && replaced_ms >= found_ms)
            continue;
        found = i;
        found_ms = replaced_ms;
    }
    RC_ASSERT(found < catalog->count);
    return found;
}

/* Drops versions of a catalog that nobody else has yet. */
static enum rc_status
drop_beyond_limit(struct rc_catalog *catalog)
{
    while (catalog->older_bytes > RC_CATALOG_OLDER_BYTES_MAX) {
        struct rc_catalog_history **entry = &catalog->entries[find_longest_replaced(catalog)];
        struct rc_catalog_history *old = *entry;
        for (uint32_t i = 1; i < old->count; i++)
            rc_catalog_version_ref(old->versions[i]);
        struct rc_catalog_history *shorter =
            rc_catalog_history_new(catalog->account, old->versions + 1, old->count - 1);
        if (shorter == NULL)
            return RC_NO_MEMORY;
        catalog->older_bytes -= old->older_bytes - shorter->older_bytes;
        *entry = shorter;
        rc_catalog_history_unref(old);
    }
    return RC_OK;
}

enum rc_status
rc_catalog_put(const struct rc_catalog *catalog,
               const struct rc_catalog_entry *entry,
               struct rc_catalog **ret_catalog)
{
    const uint32_t index = lower_bound(catalog, entry->name);
    const bool replaces = holds_at(catalog, index, entry->name);
    const struct rc_catalog_history *before = replaces ? catalog->entries[index] : NULL;
    if (!replaces && catalog->count >= RC_DEFINITIONS_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_CLEANUP(rc_catalog_history_unrefp)
    struct rc_catalog_history *added = rc_catalog_history_with(catalog->account, before, entry);
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *next = NULL;
    if (added != NULL)
        next = rc_catalog_alloc(catalog->account, catalog->count + (replaces ? 0 : 1));
    if (next == NULL)
        return RC_NO_MEMORY;
    next->older_bytes =
        catalog->older_bytes + added->older_bytes - (before == NULL ? 0 : before->older_bytes);
    for (uint32_t i = 0; i < index; i++)
        next->entries[i] = rc_catalog_history_ref(catalog->entries[i]);
    next->entries[index] = RC_TAKE(added);
    for (uint32_t i = index + (replaces ? 1 : 0); i < catalog->count; i++)
        next->entries[replaces ? i : i + 1] = rc_catalog_history_ref(catalog->entries[i]);
    RC_TRY(drop_beyond_limit(next));
    *ret_catalog = RC_TAKE(next);
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
    struct rc_catalog *next = rc_catalog_alloc(catalog->account, catalog->count - 1);
    if (next == NULL)
        return RC_NO_MEMORY;
    next->older_bytes = catalog->older_bytes - catalog->entries[index]->older_bytes;
    for (uint32_t i = 0; i < next->count; i++)
        next->entries[i] = rc_catalog_history_ref(catalog->entries[i < index ? i : i + 1]);
    *ret_catalog = next;
    return RC_OK;
}

const struct rc_catalog_entry *
rc_catalog_find(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const uint32_t index = lower_bound(catalog, name);
    return holds_at(catalog, index, name) ? rc_catalog_newest(catalog->entries[index]) : NULL;
}

const struct rc_catalog_entry *
rc_catalog_find_version(const struct rc_catalog *catalog, struct rc_bytes name, uint64_t version)
{
    const struct rc_catalog_entry *found =
        version == UINT64_MAX ? NULL : rc_catalog_version_below(catalog, name, version + 1);
    return found == NULL || found->version != version ? NULL : found;
}

const struct rc_catalog_entry *
rc_catalog_version_below(const struct rc_catalog *catalog, struct rc_bytes name, uint64_t version)
{
    const uint32_t index = lower_bound(catalog, name);
    if (!holds_at(catalog, index, name))
        return NULL;
    const struct rc_catalog_history *history = catalog->entries[index];
    uint32_t left = history->count;
    while (left > 0 && history->versions[left - 1]->view.version >= version)
        left--;
    return left == 0 ? NULL : &history->versions[left - 1]->view;
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
    return rc_catalog_newest(catalog->entries[index]);
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

enum rc_status
rc_catalog_check(const struct rc_catalog *catalog, struct rc_error *reterr_error)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct rc_bytes name = rc_catalog_at(catalog, i)->name;
        if (i > 0 && rc_bytes_compare(rc_catalog_at(catalog, i - 1)->name, name) >= 0)
            return rc_error_set(reterr_error, RC_CORRUPT, "catalog entry %u is out of order", i);
        RC_TRY(rc_catalog_history_check(catalog->entries[i], reterr_error));
        bytes += catalog->entries[i]->older_bytes;
    }
    if (bytes != catalog->older_bytes || bytes > RC_CATALOG_OLDER_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "the old versions of a catalog are too many");
    return RC_OK;
}
