/*
 * Row builder: the parts of a new slab that every row has: its time, its event id, its place in the
 * filter.
 *
 * Ownership: writes into memory of the caller.
 * Threading: one thread.
 * Errors:    RC_LIMIT_EXCEEDED when the texts of the ids pass 4 GiB; RC_CANCELLED.
 */
#ifndef RC_STORE_BUILDER_ROW_BUILDER_H
#define RC_STORE_BUILDER_ROW_BUILDER_H

#include <stdint.h>

#include "engine/store/builder/row_order.h"
#include "engine/store/slab/slab_format.h"

/* What the rows need, found in a first pass. */
struct rc_row_plan {
    uint64_t text_count;
    uint64_t text_bytes;
    uint64_t derived_count;
    int64_t time_min_ms; /* From the start of the window. */
    int64_t time_max_ms;
    uint64_t id_min; /* Of the ids' numbers as they are stored. */
    uint64_t id_max;
};

/* Bits of a stored id. */
static inline uint32_t
rc_row_plan_id_width(const struct rc_row_plan *plan)
{
    return rc_slab_id_width(plan->id_max - plan->id_min);
}

/* Where the rows go; all zeroed. Those that the plan does not need may be NULL. */
struct rc_row_sections {
    uint32_t *times;
    uint64_t *ids; /* Numbers of id_width bits, less id_base. */
    uint64_t id_base;
    uint32_t id_width;
    uint64_t *text_bits;
    uint64_t *derived_bits;
    uint32_t *text_ends;
    char *text;
    uint64_t *filter;
    uint64_t filter_bytes;
};

/* order must not be empty. */
RC_MUST_USE enum rc_status
rc_row_plan_build(const struct rc_slab_build *build, struct rc_row_plan *ret_plan);

RC_MUST_USE enum rc_status
rc_row_sections_write(const struct rc_slab_build *build, const struct rc_row_sections *sections);

#endif
