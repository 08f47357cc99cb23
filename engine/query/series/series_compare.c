/*
 * Series compare. A shift by the calendar keeps the local time of day; a local time that the day
 * does not have is moved as rc_calendar_shift says.
 */
#include "engine/query/series/series_compare.h"

#include "engine/base/limits.h"

enum rc_status
rc_series_compared_scope(const struct rc_series_request *request,
                         const struct rc_calendar *calendar,
                         struct rc_scope *ret_scope,
                         struct rc_error *reterr_error)
{
    struct rc_scope scope = request->scope;
    bool known = true;
    if (request->compare == RC_COMPARE_PREVIOUS) {
        scope.end_ms = scope.start_ms;
        scope.start_ms -= request->scope.end_ms - request->scope.start_ms;
    } else {
        known = rc_calendar_shift(calendar, request->shift_unit, request->shift_count,
                                  request->scope.start_ms, &scope.start_ms) &&
                rc_calendar_shift(calendar, request->shift_unit, request->shift_count,
                                  request->scope.end_ms, &scope.end_ms);
    }
    if (!known || scope.start_ms < RC_TIME_MS_MIN)
        return rc_error_field(reterr_error, RC_INVALID, "comparison",
                              "the earlier time begins before the year 1");
    if (scope.start_ms > scope.end_ms) /* Both moved to the last day of a shorter month. */
        scope.start_ms = scope.end_ms;
    *ret_scope = scope;
    return RC_OK;
}
