/*
 * Series compare: the earlier time that a range is compared with.
 *
 * Errors: RC_INVALID names "comparison" when that time begins before the year 1.
 */
#ifndef RC_QUERY_SERIES_SERIES_COMPARE_H
#define RC_QUERY_SERIES_SERIES_COMPARE_H

#include "engine/base/status.h"
#include "engine/query/query.h"
#include "engine/query/time/calendar.h"

/* The request's scope with the range of the earlier time. The request asks for one. */
RC_MUST_USE enum rc_status
rc_series_compared_scope(const struct rc_series_request *request,
                         const struct rc_calendar *calendar,
                         struct rc_scope *ret_scope,
                         struct rc_error *reterr_error);

#endif
