/*
 * Made column: what rows have that no slab stores, in the form of what is stored (a view as
 * rc_slab_column gives, cells as of a chunk), so that leaves, breakdowns and measures read it like
 * any property.
 *
 *   TIME  the time of the event, for what is derived of it (time_column.h)
 *   IDS   whether the event's id is one of some: true, else null
 *
 * Ownership: columns lie in the caller's arena.
 * Threading: pure.
 * Errors:    RC_NO_MEMORY, RC_INVALID (a zone that is not there any more).
 */
#ifndef RC_MATCH_DERIVED_MADE_COLUMN_H
#define RC_MATCH_DERIVED_MADE_COLUMN_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/match/leaf/event_ids.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/slab.h"

enum rc_made_kind {
    RC_MADE_NONE = 0, /* The column is stored, and this is asked nothing. */
    RC_MADE_TIME = 1,
    RC_MADE_IDS = 2,
};

struct rc_made_column {
    enum rc_made_kind kind;
    const struct rc_derivation *derivation; /* TIME. */
    const struct rc_event_ids *ids;         /* IDS. */
};

/* What a derived property's source is: NONE for one that is stored. derivation may be NULL. */
struct rc_made_column
rc_made_column_of(const struct rc_derivation *derivation);

/* The parts of a slab (enum rc_slab_part) that have to be in use. */
uint32_t
rc_made_column_parts(const struct rc_made_column *made);

/* Its property is RC_PROPERTY_NONE. Rows of blocks that are not wanted (a bit a block; NULL: all
 * are) may have any code that there is. */
RC_MUST_USE enum rc_status
rc_made_column_of_slab(const struct rc_made_column *made,
                       const struct rc_slab *slab,
                       const uint64_t *blocks,
                       struct rc_arena *arena,
                       struct rc_column_view *ret_view);

/* A cell for each row of a chunk. */
void
rc_made_column_cells(const struct rc_made_column *made,
                     const struct rc_view_chunk *chunk,
                     rc_cell *ret_cells);

#endif
