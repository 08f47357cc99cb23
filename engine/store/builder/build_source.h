/*
 * Build source: a slab or a part of a head as the slab builder sees it: users, where their sorted
 * rows start, times, ids, columns of codes. Below this, nobody knows which of the two it is.
 *
 * Ownership: borrows the slab or rows; everything of its own lives in the arena it was opened in.
 * Threading: one thread.
 * Units:     a row is a sorted row; times[row] + time_shift_ms counts from the new slab's window.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_STORE_BUILDER_BUILD_SOURCE_H
#define RC_STORE_BUILDER_BUILD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/store/builder/cell_codes.h"
#include "engine/store/builder/slab_builder.h"
#include "engine/store/slab/slab.h"

struct rc_build_source {
    const struct rc_slab *slab; /* NULL: rows. */
    const struct rc_row_source *rows;
    const uint64_t
        *dead; /* A bit a sorted row to leave out; NULL: none (rows' are left out already). */
    uint32_t row_count;
    uint32_t user_count;
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    int64_t time_shift_ms;
    int64_t window_ms;                    /* Length of the new slab's window. */
    uint32_t *order;                      /* Rows only: sorted row -> row. */
    struct rc_column_view *columns;       /* Rows only; ascending, without those of only nulls. */
    struct rc_cell_counts *column_counts; /* Rows only; of columns. */
    uint32_t column_count;
    uint32_t kept_count; /* Rows that the new slab takes: filled in by the row order. */
};

/* Sorts and encodes what is not yet. scratch is reset. */
RC_MUST_USE enum rc_status
rc_build_source_open(const struct rc_slab_source *source,
                     struct rc_window window,
                     struct rc_arena *arena,
                     struct rc_arena *scratch,
                     struct rc_build_source *ret_source);

/* Offset of a row from the start of the new slab's window; outside of it for rows to leave out. */
static inline int64_t
rc_build_source_time(const struct rc_build_source *source, uint32_t row)
{
    return source->times[row] + source->time_shift_ms;
}

static inline bool
rc_build_cancelled(const _Atomic(bool) *cancel)
{
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

struct rc_event_id
rc_build_source_id(const struct rc_build_source *source, uint32_t row);

/* Those of count rows from row on. */
void
rc_build_source_ids(const struct rc_build_source *source,
                    uint32_t row,
                    uint32_t count,
                    struct rc_event_id *ret_ids);

uint32_t
rc_build_source_column_count(const struct rc_build_source *source);

/* The index-th column, in ascending order of property. */
void
rc_build_source_column_at(const struct rc_build_source *source,
                          uint32_t index,
                          struct rc_column_view *ret_view);

/* false: the source has no such column. */
bool
rc_build_source_column(const struct rc_build_source *source,
                       uint32_t property,
                       struct rc_column_view *ret_view);

/* The same for rows; *ret_counts is what the codes of the column count. */
bool
rc_build_source_rows_column(const struct rc_build_source *source,
                            uint32_t property,
                            struct rc_column_view *ret_view,
                            struct rc_cell_counts *ret_counts);

#endif
