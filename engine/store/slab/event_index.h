/*
 * Event index: where a slab holds the events of a user who has very many there, by event id.
 *
 * Replacement finds an event by its time as well (slab_find.h), which costs a few steps. Only a
 * copy that was sent with another time, or a filter that erred, needs a search by id alone; for a
 * user with a million events in a slab that search is a table, made when it is first needed, and
 * dropped when the project is idle or others need the room.
 *
 * Ownership: owns its tables, charged to the account given; holds no slab.
 * Threading: one thread at a time: the project's writer.
 * Errors:    none: without memory for a table the rows are looked at one by one.
 */
#ifndef RC_STORE_SLAB_EVENT_INDEX_H
#define RC_STORE_SLAB_EVENT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/store/slab/slab.h"

#define RC_EVENT_INDEX_TABLES 32u

/* Users with fewer rows in a slab are not worth a table. */
#define RC_EVENT_INDEX_ROWS_MIN 1024u

/* Tables together take at most this, or are one. */
#define RC_EVENT_INDEX_BYTES_MAX ((uint64_t)64 << 20)

struct rc_event_index {
    struct rc_account *account;
    uint64_t bytes;
    uint64_t clock; /* Counts uses. */
    struct rc_event_table {
        uint64_t slab_id; /* 0: free. */
        uint32_t user;
        uint32_t slot_count; /* A power of two. */
        uint64_t used_at;
        uint32_t *slots; /* Row + 1; 0: free. */
    } tables[RC_EVENT_INDEX_TABLES];
};

void
rc_event_index_open(struct rc_event_index *index, struct rc_account *account);

/* Drops every table. */
void
rc_event_index_clear(struct rc_event_index *index);

/* The row of a sent user's sent event id, whatever its time; false when there is none. */
bool
rc_event_index_find(struct rc_event_index *index,
                    const struct rc_slab *slab,
                    uint64_t slab_id,
                    uint32_t user,
                    const struct rc_event_id *id,
                    uint32_t *ret_row);

#endif
