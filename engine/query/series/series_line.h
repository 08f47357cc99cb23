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

/* Where a line sends the rows of one side's split. */
struct rc_line_side {
    const uint32_t *row_of; /* By row of the split; NULL: a row is a row of the split. */
    uint32_t count;         /* Of rows. */
    uint32_t other; /* The row to which row_of sends what is not shown, or RC_LINE_NO_ROW. */
    uint32_t total; /* The row of everything, or RC_LINE_NO_ROW. */
};

struct rc_series_line {
    uint32_t series;          /* Of the request. */
    enum rc_series_side side; /* Whose rows these are. */
    const uint32_t *row_of;   /* As in struct rc_line_side. */
    uint32_t row_count;
    uint32_t other;
    uint32_t total;
    bool bucketed; /* Buckets too, or only the range. */
    /* NULL, or the rows are cells: row * columns->count + column. row_count counts cells then,
     * other and total are rows. */
    const struct rc_line_side *columns;
    /* What is filled. A row's places are its buckets and then the range. */
    double *values;       /* By row and place; NaN: no number. */
    uint8_t *present;     /* By row: something counted there. */
    uint64_t *histogram;  /* By row, place and bin; NULL unless a histogram is wanted. */
    struct rc_bins *bins; /* Of the histogram: as many as the series has, or fewer. */
};

static inline uint32_t
rc_line_places(const struct rc_series_frame *frame, const struct rc_series_line *line)
{
    return (line->bucketed ? frame->bucket_count : 0) + 1;
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

/* Widens *least to *greatest by the numbers that a series has in the frame's range, if any. */
RC_MUST_USE enum rc_status
rc_series_widen(const struct rc_series_frame *frame,
                uint32_t series,
                double *least,
                double *greatest);

/* A lane of a walk over a frame: a hit, and its rows as far as somebody asked for them. All zero
 * but the account is empty. */
struct rc_series_rows {
    struct rc_account *account;
    uint32_t person;
    const struct rc_hit *hit;
    struct {
        bool known;
        uint32_t count;
        const uint32_t *rows; /* Of the split. */
        struct rc_split_list list;
    } sides[RC_SERIES_SIDES];
    uint32_t *rows; /* Of the line at hand. */
    size_t capacity;
    uint32_t *columns;
    size_t column_capacity;
};

/* For RC_CLEANUP on the struct itself. */
void
rc_series_rows_close(struct rc_series_rows *rows);

/* Turns to a hit. */
static inline void
rc_series_rows_turn(struct rc_series_rows *rows, uint32_t person, const struct rc_hit *hit)
{
    rows->person = person;
    rows->hit = hit;
    rows->sides[RC_SERIES_ROWS].known = false;
    rows->sides[RC_SERIES_COLUMNS].known = false;
}

/* Finds the rows of one side's split for the hit; without a split there is none. Makes room in
 * rows->rows for two more. */
RC_MUST_USE enum rc_status
rc_series_rows_read(const struct rc_series_frame *frame,
                    struct rc_series_rows *rows,
                    enum rc_series_side side);

/* Makes the count rows in rows->rows the cells of a line with columns; both sides are read. */
RC_MUST_USE enum rc_status
rc_series_rows_cells(const struct rc_series_line *line,
                     struct rc_series_rows *rows,
                     uint32_t count,
                     uint32_t *ret_count);

/* Where row_of sends rows of a split, each once, in out, which has room for two more than those. */
static inline uint32_t
rc_line_send(const uint32_t *row_of,
             uint32_t other,
             uint32_t total,
             const uint32_t *split_rows,
             uint32_t count,
             uint32_t *out)
{
    uint32_t n = 0;
    bool others = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t row = row_of == NULL ? split_rows[i] : row_of[split_rows[i]];
        if (row_of != NULL && row == other)
            others = true;
        else
            out[n++] = row;
    }
    if (others)
        out[n++] = other;
    if (total != RC_LINE_NO_ROW)
        out[n++] = total;
    return n;
}

/* The rows of a line in which the hit counts, each once, in rows->rows. */
static inline enum rc_status
rc_line_rows(const struct rc_series_frame *frame,
             const struct rc_series_line *line,
             struct rc_series_rows *rows,
             uint32_t *ret_count)
{
    if (!rows->sides[line->side].known)
        RC_TRY(rc_series_rows_read(frame, rows, line->side));
    if (line->columns != NULL && !rows->sides[RC_SERIES_COLUMNS].known)
        RC_TRY(rc_series_rows_read(frame, rows, RC_SERIES_COLUMNS));
    *ret_count = rc_line_send(line->row_of, line->other, line->total, rows->sides[line->side].rows,
                              rows->sides[line->side].count, rows->rows);
    return line->columns == NULL ? RC_OK : rc_series_rows_cells(line, rows, *ret_count, ret_count);
}

#endif
