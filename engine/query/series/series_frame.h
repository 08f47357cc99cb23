/*
 * Series frame: one stretch of time of a series query made ready: its buckets, the plan of its
 * selectors, the rows and columns that it is split into, the numbers and values of what is
 * measured. A query has one, and a second one for the time that it compares with.
 *
 * Ownership: opaque parts; rc_series_frame_close ends them.
 * Threading: made by one thread, then read by any.
 * Units:     ms since 1970, UTC.
 * Errors:    name the field of the request; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SERIES_SERIES_FRAME_H
#define RC_QUERY_SERIES_SERIES_FRAME_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/number/property_numbers.h"
#include "engine/query/plan/plan.h"
#include "engine/query/query.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/split.h"
#include "engine/query/time/calendar.h"

/* What a series is split into: rows, and these into columns. */
enum rc_series_side {
    RC_SERIES_ROWS = 0,
    RC_SERIES_COLUMNS = 1,
    RC_SERIES_SIDES = 2,
};

struct rc_series_frame {
    const struct rc_query_context *context;
    const struct rc_series_request *request;
    const struct rc_calendar *calendar;
    struct rc_query_stats *stats;
    struct rc_scope scope; /* The request's, with the range of this frame. */
    uint32_t bucket_count; /* 0: only the figure of the range. */
    const struct rc_bucket *buckets;
    struct rc_bucket_map map;
    /* The query's other frame, whose numbers the bins of histograms hold too. NULL: none. */
    const struct rc_series_frame *beside;
    struct rc_plan *plan;
    uint32_t bit_of[RC_SERIES_MAX]; /* A series' bit in the masks of hits. */
    uint64_t any_bit;               /* Of all events of a user; 0: nobody counts sessions. */
    struct rc_split *splits[RC_SERIES_SIDES]; /* NULL: none. */
    bool whole;                               /* No split has rows that are parts of values. */
    /* By series, each made once a property. */
    struct rc_numbers *numbers[RC_SERIES_MAX];
    struct rc_groups *values[RC_SERIES_MAX];
    bool owns_numbers[RC_SERIES_MAX];
    bool owns_values[RC_SERIES_MAX];
};

/* scope: the range to read. bins_of: the frame of another range of the request, whose bins are
 * taken; NULL: bins are made. The request has passed rc_series_check. frame is all zero. */
RC_MUST_USE enum rc_status
rc_series_frame_open(struct rc_series_frame *frame,
                     const struct rc_query_context *context,
                     const struct rc_series_request *request,
                     const struct rc_calendar *calendar,
                     const struct rc_scope *scope,
                     const struct rc_series_frame *bins_of,
                     struct rc_query_stats *stats,
                     struct rc_error *reterr_error);

/* Makes the rows' split anew, each of its rows a value. */
RC_MUST_USE enum rc_status
rc_series_frame_merge(struct rc_series_frame *frame);

/* For RC_CLEANUP on the struct itself. */
void
rc_series_frame_close(struct rc_series_frame *frame);

/* Whether it takes the person to find the rows or columns of a hit. */
static inline bool
rc_series_frame_reads_person(const struct rc_series_frame *frame)
{
    bool reads = false;
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        reads =
            reads || (frame->splits[side] != NULL && rc_split_reads_person(frame->splits[side]));
    return reads;
}

/* Whether a hit is of a series, and which of so many places (buckets, or 1: the range) it is in. */
static inline bool
rc_series_frame_place(const struct rc_series_frame *frame,
                      uint32_t series,
                      uint32_t places,
                      const struct rc_hit *hit,
                      uint32_t *ret_place)
{
    if (((hit->mask >> frame->bit_of[series]) & 1) == 0)
        return false;
    *ret_place = places == 1 ? 0 : rc_bucket_map_find(&frame->map, hit->time_ms);
    return true;
}

static inline bool
rc_measure_is_numeric(enum rc_measure measure)
{
    return measure >= RC_MEASURE_SUM && measure <= RC_MEASURE_HISTOGRAM;
}

#endif
