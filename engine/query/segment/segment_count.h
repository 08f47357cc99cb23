/*
 * Segment count: the short way of a behaviour that counts events: bits of rows, counted by user.
 *
 * Ownership: a counter owns its scratch; see rc_segment_count_close.
 * Threading: a counter is one thread's; numbers are shared, as each person is one lane's.
 */
#ifndef RC_QUERY_SEGMENT_SEGMENT_COUNT_H
#define RC_QUERY_SEGMENT_SEGMENT_COUNT_H

#include "engine/query/segment/segment_numbers.h"
#include "engine/query/walk/slab_rows.h"
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

#endif
