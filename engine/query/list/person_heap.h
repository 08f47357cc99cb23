/*
 * Person heap: persons with the ids under which they are shown, as a binary heap by the bytes of
 * the ids, in an array of the caller's.
 *
 * Threading: one thread.
 */
#ifndef RC_QUERY_LIST_PERSON_HEAP_H
#define RC_QUERY_LIST_PERSON_HEAP_H

#include <stdint.h>

#include "engine/base/bytes.h"

struct rc_paged_person {
    struct rc_bytes id;
    uint32_t person;
};

/* Which id is at the root: no child's comes before (LEAST) or behind (GREATEST) its parent's. */
enum rc_person_heap_root { RC_PERSON_HEAP_LEAST = 1, RC_PERSON_HEAP_GREATEST = -1 };

/* Puts the person at a place where it belongs, below or above; all others are in order. */
void
rc_person_heap_down(struct rc_paged_person *heap,
                    uint32_t count,
                    uint32_t at,
                    enum rc_person_heap_root root);
void
rc_person_heap_up(struct rc_paged_person *heap, uint32_t at, enum rc_person_heap_root root);

#endif
