/*
 * Event definitions: which of a project's definitions some events of one person mean.
 * One that names what is not there means none.
 *
 * Ownership: answers come from the context's arena.
 * Threading: one thread.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY, RC_LIMIT_EXCEEDED.
 */
#ifndef RC_QUERY_LIST_EVENT_DEFINITIONS_H
#define RC_QUERY_LIST_EVENT_DEFINITIONS_H

#include "engine/query/query.h"
#include "engine/query/walk/walk.h"

/* Fills definition_count and definitions of the events, whose hits these are; the person's alone.
 * Adds what was used to stats. */
RC_MUST_USE enum rc_status
rc_event_definitions(const struct rc_query_context *context,
                     int64_t as_of_ms,
                     uint32_t person,
                     const struct rc_hit *hits,
                     uint32_t count,
                     struct rc_event *events,
                     struct rc_query_stats *stats,
                     struct rc_error *reterr_error);

#endif
