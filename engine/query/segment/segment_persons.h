/*
 * The persons of a segment. Behaviour is a walk with a fold; everything else is bit arithmetic.
 *
 * Ownership: bits come from the context's arena.
 * Threading: called by one thread, which lets workers walk.
 * Errors:    those of the segment's predicates, with the node's place in front; RC_CANCELLED;
 *            RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SEGMENT_SEGMENT_PERSONS_H
#define RC_QUERY_SEGMENT_SEGMENT_PERSONS_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/query.h"
#include "engine/query/segment/segment.h"
#include "engine/query/time/calendar.h"

/* A segment without SAVED nodes, in arena. uses (may be NULL) gets the saved ones.
 *   RC_NOT_FOUND  a saved segment that is not in the catalog.
 *   RC_INVALID    a cycle; the error names its segments in order. */
RC_MUST_USE enum rc_status
rc_segment_resolve(const struct rc_catalog *segments,
                   const struct rc_segment *segment,
                   struct rc_arena *arena,
                   struct rc_name_uses *uses,
                   const struct rc_segment **ret_segment,
                   struct rc_error *reterr_error);

/* Sets the bits of the persons who pass a behaviour; words (rc_view_user_count bits and more, to
 * whole words) are zero. Bits of ordinals that are no person mean nothing, nor do those of persons
 * who are not asked about (asked: a bit each; NULL: everybody is). */
RC_MUST_USE enum rc_status
rc_behaviour_persons(const struct rc_query_context *context,
                     const struct rc_behaviour *behaviour,
                     const struct rc_calendar *calendar,
                     int64_t as_of_ms,
                     const uint64_t *asked,
                     struct rc_query_stats *stats,
                     uint64_t *words,
                     struct rc_error *reterr_error);

/*
 * Checks, resolves and evaluates: a bit a person (rc_view_user_count bits), set only for known
 * persons. *ret_known, if not NULL, gets the bits of all known persons.
 */
RC_MUST_USE enum rc_status
rc_segment_persons(const struct rc_query_context *context,
                   const struct rc_segment *segment,
                   const struct rc_calendar *calendar,
                   int64_t as_of_ms,
                   struct rc_query_stats *stats,
                   const uint64_t **ret_persons,
                   const uint64_t **ret_known,
                   struct rc_error *reterr_error);

#endif
