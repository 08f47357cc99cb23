/*
 * Heap: a queue by time, for the sessions under way and for the lines that come late.
 *
 * Ties are broken by the order of the entry, which the caller makes unique: so the order of taking
 * is the same on every machine.
 *
 * Ownership: the heap owns its array; a slot is the caller's business.
 * Threading: one thread at a time.
 */
#ifndef RC_CLI_GENERATE_GENERATE_HEAP_H
#define RC_CLI_GENERATE_GENERATE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/status.h"

struct rc_heap_entry {
    int64_t time_ms;
    uint64_t order; /* Unique in the heap. */
    uint64_t slot;  /* Of the caller: an index or a pointer. */
};

struct rc_heap {
    struct rc_heap_entry *entries; /* Owned; the least is first. */
    size_t count;
    size_t capacity;
};

/* For RC_CLEANUP on the struct itself. */
void
rc_heap_close(struct rc_heap *heap);

/*   RC_OK         the entry is in the heap.
 *   RC_NO_MEMORY  the heap is as it was. */
RC_MUST_USE enum rc_status
rc_heap_push(struct rc_heap *heap, struct rc_heap_entry entry);

/* Takes the least entry; the heap must not be empty. */
struct rc_heap_entry
rc_heap_pop(struct rc_heap *heap);

/* Gives the least entry another time, not less than it had. */
void
rc_heap_delay_first(struct rc_heap *heap, int64_t time_ms);

#endif
