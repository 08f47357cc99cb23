/*
 * Series query: a series query in progress, and the reply made from its rounds. Results are the
 * series and then the formulas. fold_series.c fills it.
 *
 * Ownership: arrays are in the context's arena.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SERIES_SERIES_QUERY_H
#define RC_QUERY_SERIES_SERIES_QUERY_H

#include "engine/base/formula.h"
#include "engine/base/status.h"
#include "engine/query/series/series_frame.h"
#include "engine/query/series/series_line.h"
#include "engine/query/series/series_rank.h"

#define RC_SERIES_RESULTS_MAX (RC_SERIES_MAX + RC_FORMULAS_MAX)
#define RC_SERIES_NO_LINE UINT32_MAX

struct rc_series_query {
    const struct rc_query_context *context;
    const struct rc_series_request *request;
    const struct rc_formula *formulas[RC_FORMULAS_MAX];
    uint32_t result_count;
    /* With a breakdown: the rows of each result; with columns: them. */
    struct rc_series_ranking rankings[RC_SERIES_SIDES][RC_SERIES_RESULTS_MAX];
    const double *bin_edges[RC_SERIES_MAX];
    struct rc_series_frame frame;
    struct rc_series_frame earlier; /* With a comparison. */
    /* By series, of both frames: every row of the breakdown, and at last the total. */
    struct rc_series_line *split_lines;
    struct rc_series_line *earlier_lines;
};

/* By row of each side's split of the earlier frame: the row of the same values of the frame. */
struct rc_series_others {
    const uint32_t *rows[RC_SERIES_SIDES];
};

/* The lines of one round over one frame. */
struct rc_series_round {
    const struct rc_series_frame *frame;
    uint32_t line_count;
    struct rc_series_line *lines;
    /* By result and series. */
    uint32_t (*line_of)[RC_SERIES_MAX];
    uint32_t (*cells_of)[RC_SERIES_MAX]; /* With columns: lines of cells. */
};

/* The series that a result is computed from, a bit each. */
uint32_t
rc_series_operands(const struct rc_series_query *query, uint32_t result);

/* Rows (columns) of a result: values, Other, total; 1 where there is no such split. */
uint32_t
rc_series_row_count(const struct rc_series_query *query, enum rc_series_side side, uint32_t result);

/* From rows of a side's split of a frame to those of a result. others: of the earlier frame, else
 * NULL. */
RC_MUST_USE enum rc_status
rc_series_map_side(const struct rc_series_query *query,
                   const struct rc_series_frame *frame,
                   enum rc_series_side side,
                   uint32_t result,
                   const struct rc_series_others *others,
                   struct rc_line_side *ret_side);

struct rc_row_label
rc_series_row_label(const struct rc_series_query *query,
                    enum rc_series_side side,
                    uint32_t result,
                    uint32_t row);

/* Makes the reply's buckets and rows. earlier: the round over the earlier time, or NULL. */
RC_MUST_USE enum rc_status
rc_series_fill_reply(struct rc_series_query *query,
                     const struct rc_series_round *round,
                     const struct rc_series_round *earlier,
                     struct rc_series_reply *reply);

#endif
