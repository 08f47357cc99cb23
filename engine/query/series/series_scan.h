/*
 * Series scan: the short ways. Lines that count events by bucket and by the values of one event
 * property, or users by bucket, are measured directly on the columns of slabs, row by row without
 * hits; heads and joined persons come as hits all the same. What these ways cannot do is left to
 * series_measure.c, and both must agree.
 *
 * Threading: one thread, which lets workers walk.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SERIES_SERIES_SCAN_H
#define RC_QUERY_SERIES_SERIES_SCAN_H

#include "engine/base/status.h"
#include "engine/query/series/series_line.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/time/bucket_table.h"

/* Tests: false leaves everything to the long ways. */
extern bool rc_series_short_ways;

/* Fills a line of COUNT; *ret_done false: there is no short way for it. */
RC_MUST_USE enum rc_status
rc_series_scan_events(const struct rc_series_frame *frame,
                      const struct rc_series_line *line,
                      bool *ret_done);

/* The same for a line of the range alone with a breakdown. */
RC_MUST_USE enum rc_status
rc_series_scan_codes(const struct rc_series_frame *frame,
                     const struct rc_series_line *line,
                     bool *ret_done);

/* Fills a line of UNIQUE without rows; *ret_done false: there is no short way for it. */
RC_MUST_USE enum rc_status
rc_series_scan_users(const struct rc_series_frame *frame,
                     const struct rc_series_line *line,
                     bool *ret_done);

/* Fills lines of numeric measures without rows: those among lines that are not done yet and measure
 * the numbers that lines[first] does, all in one scan. Marks them in done; none: there is no short
 * way. */
RC_MUST_USE enum rc_status
rc_series_scan_numbers(const struct rc_series_frame *frame,
                       const struct rc_series_line *lines,
                       uint32_t line_count,
                       uint32_t first,
                       bool *done);

/* The codes of the least and the greatest number that a series has in the range; *ret_least above
 * *ret_greatest: it has none. *ret_done false: there is no short way to them. */
RC_MUST_USE enum rc_status
rc_series_scan_ends(const struct rc_series_frame *frame,
                    uint32_t series,
                    uint32_t *ret_least,
                    uint32_t *ret_greatest,
                    bool *ret_done);

/* By slab of the plan: the places of its rows for a line, whose selector has one stream. In the
 * context's arena. */
RC_MUST_USE enum rc_status
rc_series_tables(const struct rc_series_frame *frame,
                 const struct rc_series_line *line,
                 const struct rc_bucket_table **ret_tables);

#endif
