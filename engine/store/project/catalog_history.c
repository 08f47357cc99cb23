/* Histories: the versions of one entry. Which stay is a function of what was put: bytes are those
 * of texts. */
#include <stddef.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/project/catalog_form.h"

struct rc_catalog_version *
rc_catalog_version_new(struct rc_account *account, const struct rc_catalog_entry *source)
{
    const size_t size = rc_catalog_packed_bytes(source);
    struct rc_catalog_version *version = rc_alloc_in(account, sizeof(*version) + size);
    if (version == NULL)
        return NULL;
    atomic_init(&version->references, 1);
    version->size = (uint32_t)size;
    rc_catalog_pack(source, version->packed, size);
    return version;
}

static struct rc_catalog_version *
version_ref(struct rc_catalog_version *version)
{
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    return version;
}

struct rc_catalog_version *
rc_catalog_version_unref(struct rc_catalog_version *version)
{
    if (version != NULL &&
        atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(version);
    return NULL;
}

static struct rc_catalog_older *
older_free(struct rc_catalog_older *older)
{
    for (uint32_t i = 0; older != NULL && i < older->count; i++)
        rc_catalog_version_unref(older->versions[i]);
    return rc_alloc_free(older);
}

static void
older_freep(struct rc_catalog_older **older)
{
    *older = older_free(*older);
}

/* Takes the references over. */
static struct rc_catalog_older *
older_new(struct rc_account *account, struct rc_catalog_version *const *versions, uint32_t count)
{
    struct rc_catalog_older *older =
        rc_alloc_in(account, sizeof(*older) + count * sizeof(older->versions[0]));
    for (uint32_t i = 0; older == NULL && i < count; i++)
        rc_catalog_version_unref(versions[i]);
    if (older == NULL)
        return NULL;
    older->text_bytes = 0;
    older->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_catalog_entry entry =
            rc_catalog_unpack(versions[i]->packed, versions[i]->size);
        older->versions[i] = versions[i];
        older->text_bytes += rc_catalog_text_bytes(&entry);
    }
    return older;
}

struct rc_catalog_history *
rc_catalog_history_new(struct rc_account *account,
                       struct rc_catalog_version *const *versions,
                       uint32_t older_count,
                       const struct rc_catalog_entry *entry)
{
    RC_CLEANUP(older_freep) struct rc_catalog_older *older = NULL;
    if (older_count > 0)
        older = older_new(account, versions, older_count);
    if (older_count > 0 && older == NULL)
        return NULL;
    const size_t size = rc_catalog_packed_bytes(entry);
    struct rc_catalog_history *history =
        rc_alloc_in(account, offsetof(struct rc_catalog_history, packed) + size);
    if (history == NULL)
        return NULL;
    atomic_init(&history->references, 1);
    history->size = (uint32_t)size;
    history->older = RC_TAKE(older);
    history->marks = entry->marks;
    rc_catalog_pack(entry, history->packed, size);
    return history;
}

struct rc_catalog_history *
rc_catalog_history_ref(struct rc_catalog_history *history)
{
    atomic_fetch_add_explicit(&history->references, 1, memory_order_relaxed);
    return history;
}

struct rc_catalog_history *
rc_catalog_history_unref(struct rc_catalog_history *history)
{
    if (history == NULL ||
        atomic_fetch_sub_explicit(&history->references, 1, memory_order_acq_rel) != 1)
        return NULL;
    older_free(history->older);
    return rc_alloc_free(history);
}

struct rc_catalog_entry
rc_catalog_history_at(const struct rc_catalog_history *history, uint32_t index)
{
    RC_ASSERT(index < rc_catalog_history_count(history));
    if (history->older != NULL && index < history->older->count) {
        const struct rc_catalog_version *version = history->older->versions[index];
        return rc_catalog_unpack(version->packed, version->size);
    }
    struct rc_catalog_entry entry = rc_catalog_unpack(history->packed, history->size);
    entry.marks = history->marks;
    return entry;
}

struct rc_catalog_history *
rc_catalog_history_with(struct rc_account *account,
                        const struct rc_catalog_history *before,
                        const struct rc_catalog_entry *entry)
{
    struct rc_catalog_version *versions[RC_ENTRY_VERSIONS_MAX];
    if (before == NULL)
        return rc_catalog_history_new(account, NULL, 0, entry);
    const uint32_t older = rc_catalog_history_count(before);
    uint64_t bytes = 0;
    uint32_t first = older; /* The oldest that stays. */
    while (first > 0 && older - first + 1 < RC_ENTRY_VERSIONS_MAX) {
        const struct rc_catalog_entry version = rc_catalog_history_at(before, first - 1);
        bytes += rc_catalog_text_bytes(&version);
        if (bytes > RC_ENTRY_OLDER_BYTES_MAX)
            break;
        first--;
    }
    uint32_t count = 0;
    for (uint32_t i = first; i + 1 < older; i++)
        versions[count++] = version_ref(before->older->versions[i]);
    if (first < older) { /* What is replaced becomes a version of its own. */
        const struct rc_catalog_entry replaced = rc_catalog_newest(before);
        versions[count] = rc_catalog_version_new(account, &replaced);
        if (versions[count] == NULL) {
            while (count > 0)
                rc_catalog_version_unref(versions[--count]);
            return NULL;
        }
        count++;
    }
    return rc_catalog_history_new(account, versions, count, entry);
}

struct rc_catalog_history *
rc_catalog_history_without_oldest(struct rc_account *account,
                                  const struct rc_catalog_history *before)
{
    struct rc_catalog_version *versions[RC_ENTRY_VERSIONS_MAX];
    const struct rc_catalog_entry newest = rc_catalog_newest(before);
    const struct rc_catalog_older *older = before->older;
    RC_ASSERT(older != NULL && older->count < RC_ENTRY_VERSIONS_MAX);
    for (uint32_t i = 1; i < older->count; i++)
        versions[i - 1] = version_ref(older->versions[i]);
    return rc_catalog_history_new(account, versions, older->count - 1, &newest);
}

enum rc_status
rc_catalog_history_check(const struct rc_catalog_history *history, struct rc_error *reterr_error)
{
    const uint32_t count = rc_catalog_history_count(history);
    const struct rc_bytes name = rc_catalog_newest(history).name;
    uint64_t before = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_catalog_entry version = rc_catalog_history_at(history, i);
        if ((i > 0 && before >= version.version) || !rc_bytes_equal(version.name, name))
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "the versions of \"%.*s\" are out of order", (int)name.size,
                                name.data);
        before = version.version;
        bytes += i + 1 < count ? rc_catalog_text_bytes(&version) : 0;
    }
    if (bytes != (history->older == NULL ? 0 : history->older->text_bytes) ||
        count > RC_ENTRY_VERSIONS_MAX || bytes > RC_ENTRY_OLDER_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "the old versions of \"%.*s\" are too many",
                            (int)name.size, name.data);
    return RC_OK;
}
