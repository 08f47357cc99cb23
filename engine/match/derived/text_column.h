/*
 * Text column: what a derivation makes of a stored property of a slab whose texts are many, as a
 * column of its own: a code a row, where values are few. To derive a million URLs' hosts takes half
 * a second, to read a column of a byte a row a millisecond; so who asks twice keeps it
 * (cache/column_keeper.h).
 *
 * Ownership: the column lies in the caller's arena; what it is made from is borrowed.
 * Threading: any number of threads, each with its own arena.
 * Errors:    RC_NO_MEMORY, RC_CORRUPT, RC_CANCELLED, those of rc_derive.
 */
#ifndef RC_MATCH_DERIVED_TEXT_COLUMN_H
#define RC_MATCH_DERIVED_TEXT_COLUMN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/derived/derive.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/slab/slab.h"

/* Values of a slab: so many that its codes take two bytes at most, null among them. Tests lower it.
 */
extern uint32_t rc_text_column_values_max;

struct rc_text_column {
    uint32_t property;                  /* The stored one. */
    const struct rc_dictionary *values; /* Of it. */
    const struct rc_deriver *deriver;
    struct rc_account *account; /* Of what is needed on the way. */
};

/* Whether a slab has texts enough for its rows. */
bool
rc_text_column_pays(const struct rc_text_column *column, const struct rc_slab *slab);

/*
 * *ret_view is plain, of RC_PROPERTY_NONE. Its dictionary has null and what fits a cell; the other
 * values are its texts.
 *
 *   RC_NOT_FOUND  there are more than rc_text_column_values_max values, or the slab has not the
 *                 property. An answer.
 */
RC_MUST_USE enum rc_status
rc_text_column_of_slab(const struct rc_text_column *column,
                       const struct rc_slab *slab,
                       const _Atomic(bool) *cancel,
                       struct rc_arena *arena,
                       struct rc_column_view *ret_view);

#endif
