/*
 * Path rows: the rows of a breakdown of paths, and in which of them a walk counts: those of the
 * event of its first shown node.
 *
 * Ownership: borrows what it is opened with; rc_path_rows_close frees the rest. All zero: none.
 * Threading: opened and ranked by one thread, then read by any; each lane has a lane of its own.
 * Errors:    those of a split; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_USAGE_PATH_ROWS_H
#define RC_QUERY_USAGE_PATH_ROWS_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/series/series_rank.h"
#include "engine/query/split/split.h"
#include "engine/query/time/calendar.h"
#include "engine/query/usage/paths.h"

struct rc_path_rows {
    struct rc_split *split; /* NULL: no breakdown. */
    struct rc_series_ranking ranking;
    uint32_t shown; /* With Other; 0 before they are ranked. */
};

struct rc_path_rows_lane {
    struct rc_split_list list;
    uint64_t *walks;  /* By row of the split, to rank them. */
    uint32_t *shown;  /* The rows of the walk at hand. */
    uint64_t *marked; /* By row: the number of the last walk in it. */
    uint64_t walk;    /* The number of the one at hand, from 1. */
};

/* mask: of the plan's selectors, the events that may begin a walk. */
RC_MUST_USE enum rc_status
rc_path_rows_open(struct rc_path_rows *rows,
                  const struct rc_plan *plan,
                  const struct rc_paths_request *request,
                  uint64_t mask,
                  const struct rc_calendar *calendar,
                  struct rc_query_stats *stats,
                  struct rc_error *reterr_error);

/* For RC_CLEANUP on the struct itself. */
void
rc_path_rows_close(struct rc_path_rows *rows);

/* A lane before the ranking, or behind it. */
RC_MUST_USE enum rc_status
rc_path_rows_lane_open(const struct rc_path_rows *rows,
                       struct rc_account *account,
                       struct rc_path_rows_lane *lane);

void
rc_path_rows_lane_close(struct rc_path_rows_lane *lane);

/* Before the ranking: counts a walk in its rows. */
RC_MUST_USE enum rc_status
rc_path_rows_add(const struct rc_path_rows *rows,
                 struct rc_path_rows_lane *lane,
                 uint32_t person,
                 const struct rc_hit *first);

/* Ranks rows by the walks of walks[row of the split]. */
RC_MUST_USE enum rc_status
rc_path_rows_rank(struct rc_path_rows *rows,
                  const double *walks,
                  uint32_t top_n,
                  struct rc_arena *arena);

/* Behind it: the shown rows of a walk, each once, in lane->shown. */
RC_MUST_USE enum rc_status
rc_path_rows_of(const struct rc_path_rows *rows,
                struct rc_path_rows_lane *lane,
                uint32_t person,
                const struct rc_hit *first,
                uint32_t *ret_count);

struct rc_row_label
rc_path_rows_label(const struct rc_path_rows *rows, uint32_t row);

#endif
