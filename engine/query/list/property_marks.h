/*
 * Property marks: which values of event properties the hits of a walk have: a bit a local code of
 * every column that slabs have, and a bit a row of the newest events. So the walk that counts
 * properties says of each how many different values it has, without another one.
 *
 * Ownership: marks lie in an arena; they borrow the plan that is walked.
 * Threading: a lane of a walk fills marks of its own; they are joined afterwards.
 * Errors:    RC_NO_MEMORY; those of rc_groups_new.
 */
#ifndef RC_QUERY_LIST_PROPERTY_MARKS_H
#define RC_QUERY_LIST_PROPERTY_MARKS_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"

struct rc_slab_marks {
    uint32_t column_count; /* As the slab's. */
    uint32_t *properties;
    uint64_t **codes; /* A bit a local code. */
};

struct rc_property_marks {
    const struct rc_plan *plan;
    struct rc_slab_marks *slabs; /* By index in the view; those of the plan are there. */
    uint64_t **rows;             /* A bit a row, by chunk. */
};

/* Of a plan whose slabs' columns are in use. */
RC_MUST_USE enum rc_status
rc_property_marks_open(struct rc_property_marks *marks,
                       const struct rc_plan *plan,
                       struct rc_arena *arena);

/* Adds what another lane has. */
void
rc_property_marks_join(struct rc_property_marks *marks, const struct rc_property_marks *more);

/* How many different values, as a breakdown tells them apart, are marked of a property that is
 * no derived one. */
RC_MUST_USE enum rc_status
rc_property_marks_distinct(const struct rc_property_marks *marks,
                           struct rc_bytes name,
                           uint64_t *ret_count);

static inline void
rc_mark(uint64_t *words, uint32_t index)
{
    words[index / 64] |= (uint64_t)1 << (index % 64);
}

#endif
