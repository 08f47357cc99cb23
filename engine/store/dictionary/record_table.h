/*
 * Record table: where the record of each code of a dictionary is. It grows under its readers.
 *
 * Ownership: owns its chunks, not the records.
 * Threading: one writer (set). Any thread may read codes that were set, or left out, before a count
 *            of them was published; without a lock.
 * Errors:    RC_NO_MEMORY: nothing changed.
 */
#ifndef RC_STORE_DICTIONARY_RECORD_TABLE_H
#define RC_STORE_DICTIONARY_RECORD_TABLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

#define RC_RECORD_CHUNKS_MAX 108

/* Zeroed: empty. */
struct rc_record_table {
    uint64_t memory_bytes;                        /* Of chunks. The writer's. */
    _Atomic(void *) chunks[RC_RECORD_CHUNKS_MAX]; /* A leaf, or an array of pointers to leaves. */
};

void
rc_record_table_close(struct rc_record_table *table);

/* The record of a code, or NULL: it has none. O(1). */
const char *
rc_record_table_get(const struct rc_record_table *table, uint32_t code);

/* Leaves a code out again. Writer only; no reader may look at it. */
void
rc_record_table_clear(struct rc_record_table *table, uint32_t code);

/* Makes the place of a code: *ret_place is to be set to its record. Writer only. */
RC_MUST_USE enum rc_status
rc_record_table_reserve(struct rc_record_table *table,
                        struct rc_account *account,
                        uint32_t code,
                        const char ***ret_place);

#endif
