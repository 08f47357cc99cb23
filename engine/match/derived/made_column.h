/*
 * Made column: what rows have that no slab stores, in the form of what is stored (a view as
 * rc_slab_column gives, cells as of a chunk), so that leaves, breakdowns and measures read it like
 * any property.
 *
 *   TIME  the time of the event, for what is derived of it (time_column.h)
 *   IDS   whether the event's id is one of some: true, else null
 *   FORMULA  what a formula makes of several properties (formula_column.h); of persons and accounts
 *            as well, whose other properties are all stored
 *   TEXTS  what is derived of the many texts of a stored property (text_column.h). Of slabs only:
 *            whoever has it derives by itself where it is not there
 *
 * Its cells are no dictionary's; rc_made_cell_value reads one. Null is RC_CELL_NULL.
 *
 * Ownership: columns lie in the caller's arena; what is opened is to be closed.
 * Threading: any number of threads.
 * Errors:    RC_NO_MEMORY, RC_INVALID (a zone that is not there any more); of FORMULA those of
 *            formula_column.h.
 */
#ifndef RC_MATCH_DERIVED_MADE_COLUMN_H
#define RC_MATCH_DERIVED_MADE_COLUMN_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/match/derived/formula_column.h"
#include "engine/match/derived/text_column.h"
#include "engine/match/leaf/event_ids.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/slab.h"

enum rc_made_kind {
    RC_MADE_NONE = 0, /* The column is stored, and this is asked nothing. */
    RC_MADE_TIME = 1,
    RC_MADE_IDS = 2,
    RC_MADE_FORMULA = 3,
    RC_MADE_TEXTS = 4,
};

struct rc_made_column {
    enum rc_made_kind kind;
    const struct rc_derivation *derivation; /* TIME, FORMULA, TEXTS. */
    const struct rc_event_ids *ids;         /* IDS. */
    struct rc_formula_column *formula;      /* FORMULA. */
    struct rc_text_column texts;            /* TEXTS. */
};

/* What a derived property's source is: NONE for one that is stored. derivation may be NULL, and is
 * borrowed. properties: of events, users or accounts, as the derivation's. */
RC_MUST_USE enum rc_status
rc_made_column_open(const struct rc_derivation *derivation,
                    const struct rc_properties *properties,
                    struct rc_account *account,
                    struct rc_made_column *ret_made);

/* What is derived by deriver, which is borrowed, of an event property that is stored: NONE where
 * that is nothing else, or there is no such property. derivation may be NULL. */
struct rc_made_column
rc_made_column_of_texts(const struct rc_derivation *derivation,
                        const struct rc_deriver *deriver,
                        const struct rc_properties *properties,
                        struct rc_account *account);

/* For RC_CLEANUP on the struct itself; a zeroed one may be closed. */
void
rc_made_column_close(struct rc_made_column *made);

/* The stored properties that it reads. */
const uint32_t *
rc_made_column_properties(const struct rc_made_column *made, uint32_t *ret_count);

/* The value of a cell. */
struct rc_value
rc_made_cell_value(const struct rc_made_column *made, rc_cell cell);

/* The parts of a slab (enum rc_slab_part) that have to be in use. */
uint32_t
rc_made_column_parts(const struct rc_made_column *made);

/* Its property is RC_PROPERTY_NONE. Rows of blocks that are not wanted (a bit a block; NULL: all
 * are) may have any code that there is. *ret_present is false when no row has a value.
 * RC_NOT_FOUND, of TEXTS: there are too many values. */
RC_MUST_USE enum rc_status
rc_made_column_of_slab(const struct rc_made_column *made,
                       const struct rc_slab *slab,
                       const uint64_t *blocks,
                       const _Atomic(bool) *cancel,
                       struct rc_arena *arena,
                       bool *ret_present,
                       struct rc_column_view *ret_view);

/* A cell for each row of a chunk. */
RC_MUST_USE enum rc_status
rc_made_column_cells(const struct rc_made_column *made,
                     const struct rc_view_chunk *chunk,
                     const _Atomic(bool) *cancel,
                     rc_cell *ret_cells);

/* FORMULA over users or accounts: a cell for each ordinal of one, those of ordinals that are no
 * person being null. */
RC_MUST_USE enum rc_status
rc_made_column_owners(const struct rc_made_column *made,
                      struct rc_view *view,
                      int64_t as_of_ms,
                      const _Atomic(bool) *cancel,
                      struct rc_arena *arena,
                      const rc_cell **ret_cells);

#endif
