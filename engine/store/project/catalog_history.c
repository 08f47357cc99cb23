/* Histories: the versions of one entry. Which stay is a function of what was put: bytes are those
 * of texts. */
#include <stddef.h>

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/project/catalog_form.h"

static struct rc_bytes
place_bytes(char **at, struct rc_bytes bytes)
{
    char *start = *at;
    if (bytes.size != 0)
        memcpy(start, bytes.data, bytes.size);
    *at += bytes.size;
    return (struct rc_bytes){start, bytes.size};
}

static void
fill_version(struct rc_catalog_version *version,
             const struct rc_catalog_entry *source,
             bool is_in_history)
{
    atomic_init(&version->references, 1);
    version->is_in_history = is_in_history;
    version->view = *source;
    char *at = version->bytes;
    version->view.name = place_bytes(&at, source->name);
    version->view.display_name = place_bytes(&at, source->display_name);
    version->view.description = place_bytes(&at, source->description);
    version->view.payload = place_bytes(&at, source->payload);
    version->view.author = place_bytes(&at, source->author);
}

struct rc_catalog_version *
rc_catalog_version_new(struct rc_account *account, const struct rc_catalog_entry *source)
{
    struct rc_catalog_version *version =
        rc_alloc_in(account, sizeof(*version) + rc_catalog_text_bytes(source));
    if (version != NULL)
        fill_version(version, source, false);
    return version;
}

/* Where a first version lies in the block of its history. */
#define FIRST_OFFSET offsetof(struct rc_catalog_history, versions[1])
_Static_assert(FIRST_OFFSET % _Alignof(struct rc_catalog_version) == 0, "a version lies there");

struct rc_catalog_history *
rc_catalog_history_first(struct rc_account *account, const struct rc_catalog_entry *source)
{
    struct rc_catalog_history *history = rc_alloc_in(
        account, FIRST_OFFSET + sizeof(struct rc_catalog_version) + rc_catalog_text_bytes(source));
    if (history == NULL)
        return NULL;
    struct rc_catalog_version *version = (void *)((char *)history + FIRST_OFFSET);
    fill_version(version, source, true);
    atomic_init(&history->references, 1);
    history->count = 1;
    history->older_bytes = 0;
    history->versions[0] = version;
    return history;
}

struct rc_catalog_version *
rc_catalog_version_ref(struct rc_catalog_version *version)
{
    atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    return version;
}

struct rc_catalog_version *
rc_catalog_version_unref(struct rc_catalog_version *version)
{
    if (version != NULL &&
        atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) == 1)
        rc_alloc_free(version->is_in_history ? (char *)version - FIRST_OFFSET : (char *)version);
    return NULL;
}

struct rc_catalog_history *
rc_catalog_history_new(struct rc_account *account,
                       struct rc_catalog_version *const *versions,
                       uint32_t count)
{
    struct rc_catalog_history *history =
        rc_alloc_in(account, sizeof(*history) + count * sizeof(history->versions[0]));
    RC_ASSERT(count > 0);
    for (uint32_t i = 0; history == NULL && i < count; i++)
        rc_catalog_version_unref(versions[i]);
    if (history == NULL)
        return NULL;
    atomic_init(&history->references, 1);
    history->count = count;
    history->older_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        history->versions[i] = versions[i];
        history->older_bytes += i + 1 < count ? rc_catalog_text_bytes(&versions[i]->view) : 0;
    }
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
    if ((char *)history->versions[0] == (char *)history + FIRST_OFFSET) {
        rc_catalog_version_unref(
            history->versions[0]); /* The block is the version's from now on. */
        return NULL;
    }
    for (uint32_t i = 0; i < history->count; i++)
        rc_catalog_version_unref(history->versions[i]);
    return rc_alloc_free(history);
}

struct rc_catalog_history *
rc_catalog_history_with(struct rc_account *account,
                        const struct rc_catalog_history *before,
                        const struct rc_catalog_entry *entry)
{
    struct rc_catalog_version *versions[RC_ENTRY_VERSIONS_MAX];
    const uint32_t older = before == NULL ? 0 : before->count;
    if (older == 0)
        return rc_catalog_history_first(account, entry);
    uint64_t bytes = 0;
    uint32_t first = older; /* The oldest that stays. */
    while (first > 0 && older - first + 1 < RC_ENTRY_VERSIONS_MAX) {
        bytes += rc_catalog_text_bytes(&before->versions[first - 1]->view);
        if (bytes > RC_ENTRY_OLDER_BYTES_MAX)
            break;
        first--;
    }
    uint32_t count = 0;
    for (uint32_t i = first; i < older; i++)
        versions[count++] = rc_catalog_version_ref(before->versions[i]);
    versions[count] = rc_catalog_version_new(account, entry);
    if (versions[count] != NULL)
        return rc_catalog_history_new(account, versions, count + 1);
    while (count > 0)
        rc_catalog_version_unref(versions[--count]);
    return NULL;
}

enum rc_status
rc_catalog_history_check(const struct rc_catalog_history *history, struct rc_error *reterr_error)
{
    const struct rc_bytes name = rc_catalog_newest(history)->name;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        const struct rc_catalog_entry *version = &history->versions[i]->view;
        const bool ascends = i == 0 || history->versions[i - 1]->view.version < version->version;
        if (!ascends || !rc_bytes_equal(version->name, name))
            return rc_error_set(reterr_error, RC_CORRUPT,
                                "the versions of \"%.*s\" are out of order", (int)name.size,
                                name.data);
        bytes += i + 1 < history->count ? rc_catalog_text_bytes(version) : 0;
    }
    if (bytes != history->older_bytes || history->count > RC_ENTRY_VERSIONS_MAX ||
        bytes > RC_ENTRY_OLDER_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "the old versions of \"%.*s\" are too many",
                            (int)name.size, name.data);
    return RC_OK;
}
