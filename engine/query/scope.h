/*
 * Scope: the checks that every query makes of its scope, and the calendar that it asks for.
 *
 * Errors: RC_INVALID names the field, from "scope" on.
 */
#ifndef RC_QUERY_SCOPE_H
#define RC_QUERY_SCOPE_H

#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/query.h"
#include "engine/query/time/calendar.h"

/* The range is a range within the limits of time, and the zone exists. */
RC_MUST_USE enum rc_status
rc_scope_check(const struct rc_scope *scope,
               struct rc_calendar *ret_calendar,
               struct rc_error *reterr_error);

#define RC_SCOPE_RECENT_MS ((int64_t)14 * RC_DAY_MS)

/* The range that stands for none where a question is about what happens now: so much before a
 * moment, within the limits of time. */
void
rc_scope_set_recent(struct rc_scope *scope, int64_t end_ms);

/* The end of what may be read: the lesser of end_ms and the end of as_of's millisecond. */
static inline int64_t
rc_scope_until(const struct rc_scope *scope, int64_t end_ms)
{
    return scope->as_of_ms < end_ms ? scope->as_of_ms + 1 : end_ms;
}

/* What a query of this scope counts: see rc_plan_counted. The persons are
 * those of the segment, in the context's arena. Errors have "scope.segment" in front. */
RC_MUST_USE enum rc_status
rc_scope_counted(const struct rc_query_context *context,
                 const struct rc_scope *scope,
                 struct rc_query_stats *stats,
                 struct rc_counted *ret_counted,
                 struct rc_error *reterr_error);

#endif
