/*
 * Time column: the time of a slab's or a head's rows as if it were a property, for what is derived
 * from it: a view in the form of rc_slab_column, so that leaves, breakdowns and measures read it
 * like any other.
 *
 * A cell is a time in ms. Where the first step of the derivation is a part of the time, rows of
 * equal parts share a code, whose cell is the time of one of them.
 *
 * Ownership: views lie in the caller's arena.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY, RC_INVALID (a zone that is not there any more).
 */
#ifndef RC_MATCH_DERIVED_TIME_COLUMN_H
#define RC_MATCH_DERIVED_TIME_COLUMN_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/slab.h"

/* Stands for the number of a property where it is the time: above all of them, another for each
 * part. */
static inline uint32_t
rc_time_property(const struct rc_derivation *derivation)
{
    const bool part = derivation->step_count > 0 && derivation->steps[0].kind == RC_DERIVE_TIME;
    return RC_PROPERTY_NONE - 1 - (part ? derivation->steps[0].part : 0);
}

static inline bool
rc_is_time_property(uint32_t property)
{
    return property < RC_PROPERTY_NONE && property >= RC_PROPERTY_NONE - 1 - RC_TIME_MINUTE;
}

/* The slab's times are in use (RC_SLAB_PART_TIMES). */
RC_MUST_USE enum rc_status
rc_time_column(const struct rc_slab *slab,
               const struct rc_derivation *derivation,
               struct rc_arena *arena,
               struct rc_column_view *ret_view);

/* A cell for each row of a chunk. */
void
rc_time_cells(const struct rc_view_chunk *chunk, rc_cell *ret_cells);

#endif
