/*
 * Catalog form: the structs behind catalog.h, for the files catalog*.c alone.
 *
 * A version is kept as it is stored (rc_catalog_entry_write, then its author), and read when
 * somebody asks: most texts of most entries are empty or short, and reading takes some ten
 * nanoseconds. Thousands of projects have thousands of definitions that nobody asks for: an entry
 * that was never changed, as most, is one block.
 */
#ifndef RC_STORE_PROJECT_CATALOG_FORM_H
#define RC_STORE_PROJECT_CATALOG_FORM_H

#include <stdatomic.h>

#include "engine/store/project/catalog.h"
#include "engine/store/project/catalog_tree.h"

/* A version that was replaced. Shared by the histories that have it. */
struct rc_catalog_version {
    _Atomic(uint32_t) references;
    uint32_t size;
    char packed[];
};

struct rc_catalog_older {
    uint64_t text_bytes;
    uint32_t count;                        /* At least 1. */
    struct rc_catalog_version *versions[]; /* Ascending. */
};

/* An entry and what it was. Shared by the catalogs that have it. */
struct rc_catalog_history {
    _Atomic(uint32_t) references;
    uint32_t size;
    struct rc_catalog_older *older; /* Owned. NULL: it was never changed. */
    uint8_t marks;
    char packed[]; /* The entry as it is. */
};

struct rc_catalog {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    struct rc_catalog_branch root;
};

static inline uint64_t
rc_catalog_text_bytes(const struct rc_catalog_entry *entry)
{
    return entry->name.size + entry->display_name.size + entry->description.size +
           entry->payload.size + entry->author.size;
}

/* ---- catalog_codec.c ---------------------------------------------------------------------------
 */

size_t
rc_catalog_packed_bytes(const struct rc_catalog_entry *entry);

/* Fills rc_catalog_packed_bytes of packed. */
void
rc_catalog_pack(const struct rc_catalog_entry *entry, char *packed, size_t size);

/* Of what was packed here; without marks. */
struct rc_catalog_entry
rc_catalog_unpack(const char *packed, size_t size);

/* ---- catalog_history.c: NULL is no memory ------------------------------------------------------
 */

/* The history that ends with entry. Takes the references of the older versions over, whatever comes
 * of it; there may be none. */
struct rc_catalog_history *
rc_catalog_history_new(struct rc_account *account,
                       struct rc_catalog_version *const *older,
                       uint32_t older_count,
                       const struct rc_catalog_entry *entry);

/* The history with one more version, and without those that are too many then. before NULL: the
 * first. */
struct rc_catalog_history *
rc_catalog_history_with(struct rc_account *account,
                        const struct rc_catalog_history *before,
                        const struct rc_catalog_entry *entry);

/* The history without its oldest version, which is not its last. */
struct rc_catalog_history *
rc_catalog_history_without_oldest(struct rc_account *account,
                                  const struct rc_catalog_history *before);

struct rc_catalog_history *
rc_catalog_history_ref(struct rc_catalog_history *history);

struct rc_catalog_history *
rc_catalog_history_unref(struct rc_catalog_history *history);

RC_DEFINE_CLEANUP(struct rc_catalog_history *, rc_catalog_history_unref)

struct rc_catalog_version *
rc_catalog_version_new(struct rc_account *account, const struct rc_catalog_entry *source);

struct rc_catalog_version *
rc_catalog_version_unref(struct rc_catalog_version *version);

/* Versions, the entry included; the index-th, of which 0 is the oldest. */
static inline uint32_t
rc_catalog_history_count(const struct rc_catalog_history *history)
{
    return (history->older == NULL ? 0 : history->older->count) + 1;
}

struct rc_catalog_entry
rc_catalog_history_at(const struct rc_catalog_history *history, uint32_t index);

static inline struct rc_catalog_entry
rc_catalog_newest(const struct rc_catalog_history *history)
{
    return rc_catalog_history_at(history, rc_catalog_history_count(history) - 1);
}

RC_MUST_USE enum rc_status
rc_catalog_history_check(const struct rc_catalog_history *history, struct rc_error *reterr_error);

#endif
