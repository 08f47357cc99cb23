/*
 * Activity rows: the rows that an answer about activity shows: those of a breakdown's values with
 * the most active users, then Other. Equal figures are ranked by value ascending.
 *
 * Ownership: owns its split; the rest is in the arena of the plan's context.
 * Threading: made by one thread (which lets workers walk), then read by any.
 * Errors:    those of a split; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_ACTIVITY_ROWS_H
#define RC_QUERY_USAGE_ACTIVITY_ROWS_H

#include "engine/query/query.h"
#include "engine/query/series/series_rank.h"
#include "engine/query/usage/activity.h"

struct rc_activity_breakdown {
    const struct rc_breakdown *dimensions; /* NULL: none. */
    uint32_t dimension_count;
    uint32_t top_n;
    const struct rc_split *bins_of; /* As in rc_split_request. */
};

struct rc_activity_rows {
    struct rc_split *split; /* NULL: no breakdown. */
    uint8_t *present;       /* By row of split: it has activity in the map. */
    struct rc_series_ranking ranking;
    uint32_t row_count; /* Those shown, Other included. */
};

void
rc_activity_rows_close(struct rc_activity_rows *rows);

/*
 * Splits and ranks. activity has its plan, map and what it counts; users are ranked who are active
 * in a bucket from first_place on. Bins reach over all events that the plan reads.
 */
RC_MUST_USE enum rc_status
rc_activity_rows_open(struct rc_activity_rows *rows,
                      const struct rc_activity *activity,
                      const struct rc_activity_breakdown *breakdown,
                      uint32_t first_place,
                      const struct rc_scope *scope,
                      const struct rc_calendar *calendar,
                      struct rc_query_stats *stats,
                      struct rc_error *reterr_error);

/* What row (below row_count) is called. */
struct rc_row_label
rc_activity_rows_label(const struct rc_activity_rows *rows, uint32_t row);

#endif
