/*
 * Series rank: which rows of a split an answer shows, and in which order: by a figure, greater
 * first; equal ones by values ascending; rows without a figure last.
 *
 * Ownership: everything comes from the arena given.
 */
#ifndef RC_QUERY_SERIES_SERIES_RANK_H
#define RC_QUERY_SERIES_SERIES_RANK_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/query/split/split.h"

struct rc_series_ranking {
    uint32_t row_count;   /* Rows of values. */
    bool has_other;       /* There are more. */
    uint32_t *row_of;     /* By row of the split: its row, or row_count. */
    uint32_t *split_rows; /* By rank; of a split in parts one of several. */
    const struct rc_label_value **labels;
};

/* figures (NaN: none) and present are by row of the split; only present ones are rows. top_n as in
 * a request. Of a split in parts figures are counts, and those above 0 are present; RC_NOT_FOUND:
 * its rows must be whole values. */
RC_MUST_USE enum rc_status
rc_series_rank(const struct rc_split *split,
               const double *figures,
               const uint8_t *present,
               uint32_t top_n,
               struct rc_arena *arena,
               struct rc_series_ranking *ret_ranking);

#endif
