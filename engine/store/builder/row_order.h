/*
 * Row order: which row of which source comes where in a new slab, as stretches of consecutive rows.
 *
 * Ownership: owns its arrays; borrows the sources.
 * Threading: one thread.
 * Units:     rows are the sources' sorted rows.
 * Errors:    RC_NO_MEMORY, RC_LIMIT_EXCEEDED (more than RC_SLAB_ROWS_MAX rows), RC_CANCELLED.
 */
#ifndef RC_STORE_BUILDER_ROW_ORDER_H
#define RC_STORE_BUILDER_ROW_ORDER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/store/builder/build_source.h"

struct rc_stretch {
    uint32_t source;
    uint32_t row;
    uint32_t row_count;
};

struct rc_row_order {
    struct rc_stretch *stretches;
    size_t stretch_count;
    size_t stretch_capacity;
    uint32_t *users; /* Those that have rows, ascending, */
    size_t user_count;
    size_t user_capacity;
    uint32_t *starts; /* and where their rows start; user_count of them. */
    size_t start_capacity;
    uint64_t row_count;
};

/*
 * Merges the sources by (user, time, event id), equal ones in the order of the sources. Leaves out
 * dead rows and rows outside of the window, and fills kept_count of every source. On failure too,
 * ret_order must be closed.
 */
RC_MUST_USE enum rc_status
rc_row_order_build(struct rc_build_source *sources,
                   uint32_t source_count,
                   struct rc_account *account,
                   const _Atomic(bool) *cancel,
                   struct rc_row_order *ret_order);

/* For RC_CLEANUP on a zeroed or built struct. */
void
rc_row_order_close(struct rc_row_order *order);

/* What the writers of a new slab's parts are given. */
struct rc_slab_build {
    const struct rc_build_source *sources;
    uint32_t source_count;
    const struct rc_row_order *order;
    const _Atomic(bool) *cancel; /* NULL: never. */
};

#endif
