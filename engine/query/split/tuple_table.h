/*
 * Tuple table: gives each distinct triple of numbers a number of its own, in the order in which
 * they were met. What the rows of a breakdown by several dimensions are counted by.
 *
 * Ownership: owns its arrays, charged to the account given. All zero but the account is empty.
 * Threading: one thread adds; then any may look.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED past 2^31 tuples.
 */
#ifndef RC_QUERY_SPLIT_TUPLE_TABLE_H
#define RC_QUERY_SPLIT_TUPLE_TABLE_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

struct rc_tuple {
    uint32_t parts[3];
};

struct rc_tuple_table {
    struct rc_account *account;
    uint32_t count;
    uint32_t slot_count;     /* A power of two, or 0. */
    uint32_t *slots;         /* Number + 1; 0: free. */
    struct rc_tuple *tuples; /* By number. */
};

/* For RC_CLEANUP on the struct itself. */
void
rc_tuple_table_close(struct rc_tuple_table *table);

RC_MUST_USE enum rc_status
rc_tuple_table_add(struct rc_tuple_table *table, struct rc_tuple tuple, uint32_t *ret_number);

/* The number of a tuple, or UINT32_MAX. */
uint32_t
rc_tuple_table_find(const struct rc_tuple_table *table, struct rc_tuple tuple);

#endif
