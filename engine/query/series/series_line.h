/*
 * Series line: one series measured over some rows of a frame, in every bucket and over the range.
 * rc_series_measure fills lines. What a place (a row and a bucket) holds while it is measured is
 * the business of series_measure.c and series_spread.c.
 *
 * Ownership: the arrays are the caller's.
 * Threading: one thread, which lets workers walk.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY, RC_LIMIT_EXCEEDED.
 */
#ifndef RC_QUERY_SERIES_SERIES_LINE_H
#define RC_QUERY_SERIES_SERIES_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/series/series_frame.h"
#include "engine/query/split/bins.h"

#define RC_LINE_NO_ROW UINT32_MAX

struct rc_series_line {
    uint32_t series;        /* Of the request. */
    bool bucketed;          /* Buckets too, or only the range. */
    const uint32_t *row_of; /* By row of the split; NULL: a row is a row of the split. */
    uint32_t row_count;
    uint32_t other; /* The row to which row_of sends what is not shown, or RC_LINE_NO_ROW. */
    uint32_t total; /* The row of everything, or RC_LINE_NO_ROW. */
    /* What is filled. A row's places are its buckets and then the range. */
    double *values;             /* By row and place; NaN: no number. */
    uint8_t *present;           /* By row: something counted there. */
    uint64_t *histogram;        /* By row, place and bin; NULL unless a histogram is wanted. */
    const struct rc_bins *bins; /* Of the histogram. */
};

static inline uint32_t
rc_line_places(const struct rc_series_frame *frame, const struct rc_series_line *line)
{
    return (line->bucketed ? frame->bucket_count : 0) + 1;
}

/* The rows in which an event of these rows of the split counts, each once, in out, which has room
 * for count + 2. */
static inline uint32_t
rc_line_rows(const struct rc_series_line *line,
             const uint32_t *split_rows,
             uint32_t count,
             uint32_t *out)
{
    uint32_t n = 0;
    bool other = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = line->row_of == NULL ? split_rows[i] : line->row_of[split_rows[i]];
        if (line->row_of != NULL && row == line->other)
            other = true;
        else
            out[n++] = row;
    }
    if (other)
        out[n++] = line->other;
    if (line->total != RC_LINE_NO_ROW)
        out[n++] = line->total;
    return n;
}

/* Fills all lines. */
RC_MUST_USE enum rc_status
rc_series_measure(const struct rc_series_frame *frame,
                  const struct rc_series_line *lines,
                  uint32_t line_count);

/* Fills a line of COUNT from one of the same series that has every row of the split and the total
 * last. false: it cannot, since that one has no buckets or an event is in several of its rows. */
bool
rc_series_line_sum(const struct rc_series_frame *frame,
                   const struct rc_series_line *split,
                   const struct rc_series_line *line);

/* The lines whose measure needs more than one pass: percentiles, histograms, distinct values. */
RC_MUST_USE enum rc_status
rc_series_spread(const struct rc_series_frame *frame, const struct rc_series_line *line);

/* The bins of a histogram series: from its least to its greatest number. */
RC_MUST_USE enum rc_status
rc_series_bins(const struct rc_series_frame *frame, uint32_t series, struct rc_bins *ret_bins);

/* A lane of a walk over a frame: what it takes to find the rows of a hit. */
struct rc_series_rows {
    struct rc_split_list list;
    size_t capacity;
    uint32_t *rows; /* Of the line at hand. */
};

/* For RC_CLEANUP on the struct itself. */
void
rc_series_rows_close(struct rc_series_rows *rows);

/* The rows of the split for a hit; without a split there is none. Makes room in rows->rows. */
RC_MUST_USE enum rc_status
rc_series_rows_of(const struct rc_series_frame *frame,
                  struct rc_series_rows *rows,
                  uint32_t person,
                  const struct rc_hit *hit,
                  const uint32_t **ret_split_rows,
                  uint32_t *ret_count);

#endif
