/*
 * Catalog: named objects of a project (definitions, segments, derived properties): a name, what
 * people say of it, and a payload whose meaning is the business of others (a stored predicate,
 * say); and what it was before, version by version.
 *
 * A put or a delete makes a new catalog that shares all that stays; a query pins one like a view. A
 * change and a look cost the logarithm of the entries, whatever there are.
 *
 * Of an entry RC_ENTRY_VERSIONS_MAX versions are kept, itself included; the texts of the older ones
 * take RC_ENTRY_OLDER_BYTES_MAX at most, and those of a catalog RC_CATALOG_OLDER_BYTES_MAX. Beyond
 * that the oldest of the entry goes, or of the catalog the one that was replaced the longest time
 * ago. With its entry the history goes.
 *
 * Ownership: counted: rc_catalog_ref, rc_catalog_unref. What is returned of an entry is a view,
 *            whose texts are borrowed from the catalogs that hold it.
 * Threading: immutable.
 */
#ifndef RC_STORE_PROJECT_CATALOG_H
#define RC_STORE_PROJECT_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/bytes.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

/* The catalogs of a project. */
enum rc_catalog_kind {
    RC_CATALOG_DEFINITIONS = 1,
    RC_CATALOG_SEGMENTS = 2,
    RC_CATALOG_PROPERTIES = 3, /* Derived properties. */
};

#define RC_CATALOG_KINDS 3

/* Bits that stand for what the payloads of some entries say, by which these are found. They are not
 * stored: whoever knows what a payload means gives them. */
#define RC_CATALOG_MARKS 2u

typedef uint8_t
rc_catalog_marker(struct rc_bytes payload);

struct rc_catalog;

struct rc_catalog_entry {
    struct rc_bytes name; /* [a-z0-9][a-z0-9_.-]*, at most RC_NAME_BYTES_MAX. */
    struct rc_bytes display_name;
    struct rc_bytes description;
    struct rc_bytes payload;
    struct rc_bytes author; /* Who made this version, as the caller says; may be empty. */
    uint64_t version;       /* 1, 2, ...: counts its updates; the etag. */
    int64_t created_ms;     /* Of version 1. */
    int64_t updated_ms;     /* Of this version. */
    uint8_t marks;          /* Of a version that was replaced: none. */
};

RC_MUST_USE enum rc_status
rc_catalog_new(struct rc_account *account, struct rc_catalog **ret_catalog);

struct rc_catalog *
rc_catalog_ref(struct rc_catalog *catalog);

struct rc_catalog *
rc_catalog_unref(struct rc_catalog *catalog);

RC_DEFINE_CLEANUP(struct rc_catalog *, rc_catalog_unref)

/* A new catalog with entry put in (over one of the same name). Everything is copied. */
RC_MUST_USE enum rc_status
rc_catalog_put(const struct rc_catalog *catalog,
               const struct rc_catalog_entry *entry,
               struct rc_catalog **ret_catalog);

/* A new catalog without the entry. RC_NOT_FOUND. */
RC_MUST_USE enum rc_status
rc_catalog_remove(const struct rc_catalog *catalog,
                  struct rc_bytes name,
                  struct rc_catalog **ret_catalog);

/* Whether there is an entry of a name; then *ret_entry, which may be NULL, is it. */
bool
rc_catalog_find(const struct rc_catalog *catalog,
                struct rc_bytes name,
                struct rc_catalog_entry *ret_entry);

/* The same for a version of it that is kept. */
bool
rc_catalog_find_version(const struct rc_catalog *catalog,
                        struct rc_bytes name,
                        uint64_t version,
                        struct rc_catalog_entry *ret_entry);

/* The same for its newest version below one (UINT64_MAX: the entry). */
bool
rc_catalog_version_below(const struct rc_catalog *catalog,
                         struct rc_bytes name,
                         uint64_t version,
                         struct rc_catalog_entry *ret_entry);

uint32_t
rc_catalog_count(const struct rc_catalog *catalog);

/* Entries by name, ascending. */
struct rc_catalog_entry
rc_catalog_at(const struct rc_catalog *catalog, uint32_t index);

/* The index of the first entry whose name is not below name. */
uint32_t
rc_catalog_lower_bound(const struct rc_catalog *catalog, struct rc_bytes name);

/* The same of one whose name is above name (for paging). */
uint32_t
rc_catalog_upper_bound(const struct rc_catalog *catalog, struct rc_bytes name);

/* How many entries have a mark (below RC_CATALOG_MARKS). O(1). */
uint32_t
rc_catalog_marked(const struct rc_catalog *catalog, uint32_t mark);

/* The index of the first entry at or behind from that has a mark; the count when there is none. */
uint32_t
rc_catalog_next_marked(const struct rc_catalog *catalog, uint32_t mark, uint32_t from);

/* RC_INVALID with the reason when name may not be a name. */
RC_MUST_USE enum rc_status
rc_catalog_check_name(struct rc_bytes name, const char *field, struct rc_error *reterr_error);

/* Order of names and of versions, sums, limits; not what a payload means. RC_CORRUPT. */
RC_MUST_USE enum rc_status
rc_catalog_check(const struct rc_catalog *catalog, struct rc_error *reterr_error);

/* ---- Stored form -------------------------------------------------------------------------------
 */

/* An entry without its author and its marks. */
void
rc_catalog_entry_write(struct rc_writer *writer, const struct rc_catalog_entry *entry);

/* Borrowed from the reader's bytes. */
RC_MUST_USE enum rc_status
rc_catalog_entry_read(struct rc_reader *reader,
                      struct rc_catalog_entry *ret_entry,
                      struct rc_error *reterr_error);

/* Entries with their versions, oldest first: varint count; of each: varint count; of each: the
 * entry, bytes author. */
void
rc_catalog_write(const struct rc_catalog *catalog, struct rc_writer *writer);

/* versions false: as it was stored before there were versions: of each the entry alone. marks_of:
 * NULL: entries have no marks. */
RC_MUST_USE enum rc_status
rc_catalog_read(struct rc_account *account,
                struct rc_reader *reader,
                bool versions,
                rc_catalog_marker *marks_of,
                struct rc_catalog **ret_catalog,
                struct rc_error *reterr_error);

#endif
