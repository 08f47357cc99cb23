/*
 * Funnel rows: the records of all lanes, dealt to the rows of the reply that they count in.
 *
 * Ownership: owns its arrays, charged to the query's account; borrows the lanes' records.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_ROWS_H
#define RC_QUERY_FUNNEL_FUNNEL_ROWS_H

#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/series/series_rank.h"

struct rc_funnel_dealt {
    const struct rc_funnel_record *record;
    const int64_t *times_ms;
};

/* A place is a row of the range, then of each bucket: rc_funnel_place. */
struct rc_funnel_rows {
    const struct rc_funnel_query *query;
    struct rc_series_ranking ranking; /* Of the split's rows. */
    bool has_not_reached;
    uint32_t row_count;
    size_t place_count;
    uint64_t *starts; /* By place, place_count + 2. */
    struct rc_funnel_dealt *dealt;
    uint64_t *entrants; /* By row: attempts of the range that have no record. */
};

RC_MUST_USE enum rc_status
rc_funnel_rows_deal(const struct rc_funnel_query *query, struct rc_funnel_rows *ret_rows);

/* For RC_CLEANUP on the struct itself. */
void
rc_funnel_rows_close(struct rc_funnel_rows *rows);

static inline size_t
rc_funnel_place(const struct rc_funnel_rows *rows, uint32_t bucket, uint32_t row)
{
    const size_t slot = bucket == RC_FUNNEL_NO_BUCKET ? 0 : (size_t)bucket + 1;
    return slot * rows->row_count + row;
}

struct rc_row_label
rc_funnel_rows_label(const struct rc_funnel_rows *rows, uint32_t row);

#endif
