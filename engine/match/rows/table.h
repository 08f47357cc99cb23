/*
 * Table: a hash table of things that carry their own link. It knows hashes only; who uses it
 * compares keys.
 *
 * Ownership: the things are the user's; the table owns its array of buckets.
 * Threading: none of its own.
 * Errors:    when the array cannot grow, chains do; only the first array can be refused.
 */
#ifndef RC_MATCH_ROWS_TABLE_H
#define RC_MATCH_ROWS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

struct rc_table_link {
    struct rc_table_link *next;
    uint64_t hash;
};

struct rc_table {
    struct rc_account *account;
    struct rc_table_link **buckets;
    size_t bucket_count; /* A power of two. */
    size_t count;
};

RC_MUST_USE enum rc_status
rc_table_open(struct rc_table *table, struct rc_account *account);

void
rc_table_close(struct rc_table *table);

/* The chain to look through for hash; it holds other hashes too. */
struct rc_table_link *
rc_table_chain(const struct rc_table *table, uint64_t hash);

void
rc_table_add(struct rc_table *table, struct rc_table_link *link, uint64_t hash);

void
rc_table_remove(struct rc_table *table, struct rc_table_link *link);

#endif
