/*
 * First: of every person, the first event ever that a predicate selects, as sets of rows. A plan
 * makes one for a selector with first_time or first_then_filter, by a walk of its own over all
 * history; the query's own walk then meets plain rows and knows of nothing.
 *
 * Ownership: owns its rowsets and words; they are charged to the query's account.
 * Threading: made by one thread (which lets workers walk), then read by any.
 * Errors:    those of a plan; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_WALK_FIRST_H
#define RC_QUERY_WALK_FIRST_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/query.h"

struct rc_rowset;
struct rc_first;

/*
 * The first events up to as_of_ms, over all ids of a person. persons: only theirs are looked for;
 * NULL: everybody's. Time is that of a walk; memory is 16 bytes a user while it is made, then a bit
 * for each row of the slabs that hold a first event.
 */
RC_MUST_USE enum rc_status
rc_first_new(const struct rc_query_context *context,
             int64_t as_of_ms,
             const uint64_t *persons,
             const struct rc_predicate *predicate,
             struct rc_first **ret_first,
             struct rc_error *reterr_error);

struct rc_first *
rc_first_free(struct rc_first *first);

RC_DEFINE_CLEANUP(struct rc_first *, rc_first_free)

/* The rows of a slab (an index into rc_view_slabs); NULL: none. Borrowed. */
struct rc_rowset *
rc_first_slab(const struct rc_first *first, uint32_t slab);

/* The rows of set that are first events too. *ret_set is a reference of the caller's, or NULL: none
 * are. set NULL: all rows. */
RC_MUST_USE enum rc_status
rc_first_intersect(const struct rc_first *first,
                   uint32_t slab,
                   const struct rc_rowset *set,
                   struct rc_rowset **ret_set);

/* Takes off the bits of a chunk (an index into rc_view_chunks; RC_CHUNK_ROWS bits) that are no
 * first events. */
void
rc_first_restrict_chunk(const struct rc_first *first, uint32_t chunk, uint64_t *words);

#endif
