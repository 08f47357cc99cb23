/*
 * Time column: the time of a slab's or a head's rows as a made column (made_column.h).
 *
 * A cell is a time in ms. Where the first step of the derivation is a part of the time, rows of
 * equal parts share a code, whose cell is the time of one of them.
 *
 * Ownership: columns lie in the caller's arena.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY, RC_INVALID (a zone that is not there any more).
 */
#ifndef RC_MATCH_DERIVED_TIME_COLUMN_H
#define RC_MATCH_DERIVED_TIME_COLUMN_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/slab.h"

/* Fills codes and dictionary of a plain view. The slab's times are in use (RC_SLAB_PART_TIMES). */
RC_MUST_USE enum rc_status
rc_time_column(const struct rc_slab *slab,
               const struct rc_derivation *derivation,
               struct rc_arena *arena,
               struct rc_column_view *view);

/* A cell for each row of a chunk. */
void
rc_time_cells(const struct rc_view_chunk *chunk, rc_cell *ret_cells);

#endif
