/*
 * Session rows: sessions broken down. A session is in each row of the events that it must hold; the
 * rows of most sessions come first, equal ones by value ascending, then Other.
 *
 * Ownership: borrows what it is given during the call; the rows are in the context's arena.
 * Threading: one thread, which lets workers walk.
 * Errors:    those of a split; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_SESSION_ROWS_H
#define RC_QUERY_USAGE_SESSION_ROWS_H

#include "engine/query/plan/plan.h"
#include "engine/query/time/calendar.h"
#include "engine/query/usage/sessions.h"
#include "engine/query/walk/walk.h"

struct rc_session_rows {
    const struct rc_plan *plan; /* Any event, which makes sessions; it reads them whole. */
    uint64_t wanted;            /* The bit of the events that a session must hold. */
    const struct rc_sessions_request *request;
    const struct rc_calendar *calendar;
    const struct rc_bucket_map *map; /* Without buckets: count 0. */
};

/* Marks the person of a session of event_count events, begun in a bucket, that counts in the row
 * that is asked for. */
static inline void
rc_session_mark(const struct rc_sessions_request *request,
                uint32_t bucket,
                uint32_t event_count,
                uint32_t person)
{
    if ((request->at.part != RC_SESSIONS_FIGURES || request->at.bucket == RC_SESSIONS_RANGE ||
         request->at.bucket == bucket) &&
        (!request->at.bounced || event_count == 1))
        rc_walk_mark(request->persons, person);
}

RC_MUST_USE enum rc_status
rc_session_rows_answer(const struct rc_session_rows *rows,
                       struct rc_query_stats *stats,
                       struct rc_sessions_row **ret_rows,
                       uint32_t *ret_count,
                       struct rc_error *reterr_error);

#endif
