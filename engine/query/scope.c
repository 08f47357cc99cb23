/* Scope. */
#include "engine/query/scope.h"

#include "engine/query/segment/segment_persons.h"

enum rc_status
rc_scope_check(const struct rc_scope *scope,
               struct rc_calendar *ret_calendar,
               struct rc_error *reterr_error)
{
    if (scope->start_ms >= scope->end_ms)
        return rc_error_field(reterr_error, RC_INVALID, "scope.range.end_ms",
                              "the range must end after it starts");
    if (scope->start_ms < RC_TIME_MS_MIN)
        return rc_error_field(reterr_error, RC_INVALID, "scope.range.start_ms",
                              "the range starts before the year 1");
    if (scope->end_ms > RC_TIME_MS_MAX + 1)
        return rc_error_field(reterr_error, RC_INVALID, "scope.range.end_ms",
                              "the range ends after the year 9999");
    if (scope->as_of_ms < RC_TIME_MS_MIN || scope->as_of_ms > RC_TIME_MS_MAX)
        return rc_error_field(reterr_error, RC_INVALID, "scope.as_of_ms",
                              "the time is outside the years 1 to 9999");
    const enum rc_status status =
        rc_calendar_make(scope->zone, scope->week_start, ret_calendar, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope");
    return status;
}

void
rc_scope_set_recent(struct rc_scope *scope, int64_t end_ms)
{
    scope->end_ms = end_ms > RC_TIME_MS_MAX + 1 ? RC_TIME_MS_MAX + 1 : end_ms;
    if (scope->end_ms <= RC_TIME_MS_MIN)
        scope->end_ms = RC_TIME_MS_MIN + 1;
    scope->start_ms = scope->end_ms - RC_TIME_MS_MIN > RC_SCOPE_RECENT_MS
                          ? scope->end_ms - RC_SCOPE_RECENT_MS
                          : RC_TIME_MS_MIN;
}

static enum rc_status
find_persons(const struct rc_query_context *context,
             const struct rc_scope *scope,
             struct rc_query_stats *stats,
             const uint64_t **ret_persons,
             struct rc_error *reterr_error)
{
    if (scope->segment == NULL) {
        *ret_persons = NULL;
        return RC_OK;
    }
    struct rc_calendar calendar;
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    const enum rc_status status =
        rc_segment_persons(context, scope->segment, &calendar, scope->as_of_ms, stats, ret_persons,
                           NULL, reterr_error);
    if (status != RC_OK)
        rc_error_prefix(reterr_error, "scope.segment");
    return status;
}

enum rc_status
rc_scope_counted(const struct rc_query_context *context,
                 const struct rc_scope *scope,
                 struct rc_query_stats *stats,
                 struct rc_counted *ret_counted,
                 struct rc_error *reterr_error)
{
    ret_counted->entity = scope->entity;
    return find_persons(context, scope, stats, &ret_counted->persons, reterr_error);
}
