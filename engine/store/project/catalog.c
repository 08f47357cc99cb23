/*
 * Catalog: a tree of counted histories (catalog_tree.h), whose change shares what stays.
 *
 * Which versions go is a function of what was put, so that a replay of the log comes to the same:
 * bytes are those of texts, and times those that the entries say.
 *
 * Invariants (rc_catalog_check):
 *   1. Those of the tree; the versions of an entry ascend and have its name.
 *   2. older_bytes are the sums of the texts.
 *   3. The limits of catalog.h hold.
 */
#include "engine/store/project/catalog.h"

#include "engine/base/assert.h"
#include "engine/base/limits.h"
#include "engine/store/project/catalog_form.h"

enum rc_status
rc_catalog_new(struct rc_account *account, struct rc_catalog **ret_catalog)
{
    struct rc_catalog *catalog = rc_alloc_in(account, sizeof(*catalog));
    if (catalog == NULL)
        return RC_NO_MEMORY;
    catalog->account = account;
    catalog->root = (struct rc_catalog_branch){.node = NULL};
    atomic_init(&catalog->references, 1);
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
    rc_catalog_tree_close(&catalog->root);
    return rc_alloc_free(catalog);
}

static const struct rc_catalog_history *
find_history(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const struct rc_catalog_history *history = NULL;
    (void)rc_catalog_tree_lower_bound(&catalog->root, name, &history);
    return history;
}

/* Puts a history into a catalog that nobody else has yet. */
static enum rc_status
put_history(struct rc_catalog *catalog, struct rc_catalog_history *history)
{
    struct rc_catalog_branch root;
    if (history == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_catalog_tree_put(catalog->account, &catalog->root, history, &root));
    rc_catalog_tree_close(&catalog->root);
    catalog->root = root;
    return RC_OK;
}

/* Drops old versions of such a catalog, those first that were replaced the longest time ago. */
static enum rc_status
drop_beyond_limit(struct rc_catalog *catalog)
{
    while (catalog->root.sum.older_bytes > RC_CATALOG_OLDER_BYTES_MAX) {
        RC_CLEANUP(rc_catalog_history_unrefp)
        struct rc_catalog_history *shorter = rc_catalog_history_without_oldest(
            catalog->account, rc_catalog_tree_longest_replaced(&catalog->root));
        RC_TRY(put_history(catalog, shorter));
    }
    return RC_OK;
}

enum rc_status
rc_catalog_put(const struct rc_catalog *catalog,
               const struct rc_catalog_entry *entry,
               struct rc_catalog **ret_catalog)
{
    const struct rc_catalog_history *before = find_history(catalog, entry->name);
    if (before == NULL && rc_catalog_count(catalog) >= RC_DEFINITIONS_MAX)
        return RC_LIMIT_EXCEEDED;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *next = NULL;
    RC_CLEANUP(rc_catalog_history_unrefp)
    struct rc_catalog_history *added = rc_catalog_history_with(catalog->account, before, entry);
    RC_TRY(rc_catalog_new(catalog->account, &next));
    next->root = rc_catalog_tree_ref(&catalog->root);
    RC_TRY(put_history(next, added));
    RC_TRY(drop_beyond_limit(next));
    *ret_catalog = RC_TAKE(next);
    return RC_OK;
}

enum rc_status
rc_catalog_remove(const struct rc_catalog *catalog,
                  struct rc_bytes name,
                  struct rc_catalog **ret_catalog)
{
    if (find_history(catalog, name) == NULL)
        return RC_NOT_FOUND;
    RC_CLEANUP(rc_catalog_unrefp) struct rc_catalog *next = NULL;
    RC_TRY(rc_catalog_new(catalog->account, &next));
    RC_TRY(rc_catalog_tree_remove(catalog->account, &catalog->root, name, &next->root));
    *ret_catalog = RC_TAKE(next);
    return RC_OK;
}

/* ---- Looking --------------------------------------------------------------------------------- */

bool
rc_catalog_find(const struct rc_catalog *catalog,
                struct rc_bytes name,
                struct rc_catalog_entry *ret_entry)
{
    const struct rc_catalog_history *history = find_history(catalog, name);
    if (history != NULL && ret_entry != NULL)
        *ret_entry = rc_catalog_newest(history);
    return history != NULL;
}

bool
rc_catalog_find_version(const struct rc_catalog *catalog,
                        struct rc_bytes name,
                        uint64_t version,
                        struct rc_catalog_entry *ret_entry)
{
    struct rc_catalog_entry found;
    if (version == UINT64_MAX || !rc_catalog_version_below(catalog, name, version + 1, &found) ||
        found.version != version)
        return false;
    if (ret_entry != NULL)
        *ret_entry = found;
    return true;
}

bool
rc_catalog_version_below(const struct rc_catalog *catalog,
                         struct rc_bytes name,
                         uint64_t version,
                         struct rc_catalog_entry *ret_entry)
{
    const struct rc_catalog_history *history = find_history(catalog, name);
    for (uint32_t i = history == NULL ? 0 : rc_catalog_history_count(history); i > 0; i--) {
        const struct rc_catalog_entry entry = rc_catalog_history_at(history, i - 1);
        if (entry.version < version) {
            *ret_entry = entry;
            return true;
        }
    }
    return false;
}

uint32_t
rc_catalog_count(const struct rc_catalog *catalog)
{
    return catalog->root.sum.count;
}

struct rc_catalog_entry
rc_catalog_at(const struct rc_catalog *catalog, uint32_t index)
{
    return rc_catalog_newest(rc_catalog_tree_at(&catalog->root, index));
}

uint32_t
rc_catalog_lower_bound(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const struct rc_catalog_history *found;
    return rc_catalog_tree_lower_bound(&catalog->root, name, &found);
}

uint32_t
rc_catalog_upper_bound(const struct rc_catalog *catalog, struct rc_bytes name)
{
    const struct rc_catalog_history *found;
    const uint32_t index = rc_catalog_tree_lower_bound(&catalog->root, name, &found);
    return found != NULL ? index + 1 : index;
}

uint32_t
rc_catalog_marked(const struct rc_catalog *catalog, uint32_t mark)
{
    RC_ASSERT(mark < RC_CATALOG_MARKS);
    return catalog->root.sum.marked[mark];
}

uint32_t
rc_catalog_next_marked(const struct rc_catalog *catalog, uint32_t mark, uint32_t from)
{
    return rc_catalog_tree_next_marked(&catalog->root, mark, from);
}

/* ---- Checking -------------------------------------------------------------------------------- */

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
    RC_TRY(rc_catalog_tree_check(&catalog->root, reterr_error));
    if (catalog->root.sum.older_bytes > RC_CATALOG_OLDER_BYTES_MAX)
        return rc_error_set(reterr_error, RC_CORRUPT, "the old versions of a catalog are too many");
    return RC_OK;
}
