/*
 * Catalog form: the structs behind catalog.h, for the files catalog*.c alone.
 *
 * Each is counted and shared by all catalogs that hold it: a put makes a version, the history that
 * ends with it, and an array of pointers.
 *
 * Of most entries there is one version, and thousands of projects have hundreds of them that nobody
 * asks for: the first version lies in the block of its history, which goes with that version when
 * both have gone.
 */
#ifndef RC_STORE_PROJECT_CATALOG_FORM_H
#define RC_STORE_PROJECT_CATALOG_FORM_H

#include <stdatomic.h>

#include "engine/store/project/catalog.h"

struct rc_catalog_version {
    _Atomic(uint32_t) references;
    bool is_in_history;           /* Behind the one pointer of a history. */
    struct rc_catalog_entry view; /* Its texts point behind this struct. */
    char bytes[];
};

struct rc_catalog_history {
    _Atomic(uint32_t) references;
    uint32_t count;                        /* At least 1. */
    uint64_t older_bytes;                  /* Texts of all versions but the last. */
    struct rc_catalog_version *versions[]; /* Ascending; the last is the entry. */
};

struct rc_catalog {
    _Atomic(uint32_t) references;
    struct rc_account *account;
    uint64_t older_bytes; /* Of all histories. */
    uint32_t count;
    struct rc_catalog_history *entries[]; /* By name. */
};

static inline const struct rc_catalog_entry *
rc_catalog_newest(const struct rc_catalog_history *history)
{
    return &history->versions[history->count - 1]->view;
}

static inline uint64_t
rc_catalog_text_bytes(const struct rc_catalog_entry *entry)
{
    return entry->name.size + entry->display_name.size + entry->description.size +
           entry->payload.size + entry->author.size;
}

/* NULL: no memory. */
struct rc_catalog *
rc_catalog_alloc(struct rc_account *account, uint32_t count);

/* ---- catalog_history.c: NULL is no memory ------------------------------------------------------
 */

struct rc_catalog_version *
rc_catalog_version_new(struct rc_account *account, const struct rc_catalog_entry *source);

/* The history of a first version. */
struct rc_catalog_history *
rc_catalog_history_first(struct rc_account *account, const struct rc_catalog_entry *source);

struct rc_catalog_version *
rc_catalog_version_ref(struct rc_catalog_version *version);

struct rc_catalog_version *
rc_catalog_version_unref(struct rc_catalog_version *version);

/* Takes the references of the versions over, whatever comes of it. */
struct rc_catalog_history *
rc_catalog_history_new(struct rc_account *account,
                       struct rc_catalog_version *const *versions,
                       uint32_t count);

/* The history with one more version, and without those that are too many then. before NULL: the
 * first. */
struct rc_catalog_history *
rc_catalog_history_with(struct rc_account *account,
                        const struct rc_catalog_history *before,
                        const struct rc_catalog_entry *entry);

struct rc_catalog_history *
rc_catalog_history_ref(struct rc_catalog_history *history);

struct rc_catalog_history *
rc_catalog_history_unref(struct rc_catalog_history *history);

RC_DEFINE_CLEANUP(struct rc_catalog_history *, rc_catalog_history_unref)

RC_MUST_USE enum rc_status
rc_catalog_history_check(const struct rc_catalog_history *history, struct rc_error *reterr_error);

#endif
