/*
 * Segment count: the short way of a behaviour that counts events: bits of rows, counted by user.
 *
 * Ownership: a counter owns its scratch; see rc_segment_count_close.
 * Threading: a counter is one thread's; numbers are shared, as each person is one lane's.
 */
#ifndef RC_QUERY_SEGMENT_SEGMENT_COUNT_H
#define RC_QUERY_SEGMENT_SEGMENT_COUNT_H

#include "engine/query/segment/segment_numbers.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/walk.h"

struct rc_segment_count {
    const struct rc_plan *plan;
    uint32_t stream; /* Of rc_slab_rows_stream. */
    const struct rc_segment_numbers *numbers;
    struct rc_slab_rows rows;
    uint32_t *listed; /* The matching rows of a piece. */
};

void
rc_segment_count_close(struct rc_segment_count *count);

/* Adds the matching rows of a stretch of a slab to the numbers of their users: rc_fold.rows. */
RC_MUST_USE enum rc_status
rc_segment_count_rows(struct rc_segment_count *count,
                      const struct rc_walk_block *block,
                      uint32_t plan_slab,
                      uint32_t begin,
                      uint32_t end,
                      uint64_t *hit_count);

/* What counting rows of a slab takes. */
struct rc_segment_counting {
    const struct rc_segment_numbers *numbers;
    const uint64_t *skip;  /* NULL: nobody. */
    const uint64_t *dead;  /* Of rows that are not known to be alive; NULL: none. */
    const uint32_t *times; /* NULL: all rows are in time. */
    uint32_t from_ms;      /* Offsets; both included. */
    uint32_t last_ms;
    const uint32_t *starts;
    const uint32_t *users;
    uint32_t user_count;
    uint32_t user; /* Index of who owns the last row, or of an earlier one. */
};

/* Counts the rows [begin, end) of a sparse set, by the halves of their times that are kept with it
 * if it can have them. How many count. */
uint64_t
rc_segment_count_sparse(struct rc_segment_counting *counting,
                        struct rc_rowset *set,
                        uint32_t begin,
                        uint32_t end);

#endif
