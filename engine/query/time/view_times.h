/*
 * View times: between which times the events of a view lie.
 *
 * Units: ms since 1970, UTC.
 */
#ifndef RC_QUERY_TIME_VIEW_TIMES_H
#define RC_QUERY_TIME_VIEW_TIMES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/store/project/view.h"

/* The least and the greatest time of all events, dead ones included; false: there are none. */
bool
rc_view_times(struct rc_view *view, int64_t *ret_min_ms, int64_t *ret_max_ms);

#endif
