/*
 * Formula column: what a formula makes of several properties of each row, person or account: cells
 * of a made column (made_column.h), which here are numbers and no dictionary's.
 *
 * The derivation's operands are computed here, with all of their steps; its own steps are left to
 * who reads the cells, as of any made column.
 *
 * Ownership: a formula column owns what it compiled, and borrows its derivation and the
 * dictionaries of the properties, which must outlive it. Results lie in the caller's arena.
 * Threading: any number of threads; what was found out about a dictionary's entries is shared.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, RC_CORRUPT (texts of a slab), RC_TOO_SLOW (pattern.h),
 *            RC_INVALID (a zone that is not there any more).
 */
#ifndef RC_MATCH_DERIVED_FORMULA_COLUMN_H
#define RC_MATCH_DERIVED_FORMULA_COLUMN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/derived/derivation.h"
#include "engine/store/dictionary/properties.h"
#include "engine/store/project/view.h"
#include "engine/store/slab/slab.h"

struct rc_formula_column;

/* properties: of the things that the derivation's operands are of. */
RC_MUST_USE enum rc_status
rc_formula_column_new(const struct rc_derivation *derivation,
                      const struct rc_properties *properties,
                      struct rc_account *account,
                      struct rc_formula_column **ret_column);

struct rc_formula_column *
rc_formula_column_free(struct rc_formula_column *column);

RC_DEFINE_CLEANUP(struct rc_formula_column *, rc_formula_column_free)

/* The stored properties that it reads; those that nothing carries are left out. */
const uint32_t *
rc_formula_column_properties(const struct rc_formula_column *column, uint32_t *ret_count);

/* The parts of a slab (enum rc_slab_part) that have to be in use. */
uint32_t
rc_formula_column_parts(const struct rc_formula_column *column);

/* The value of a cell. */
struct rc_value
rc_formula_cell_value(rc_cell cell);

/* Fills codes and dictionary of a plain view. Rows of blocks that are not wanted (NULL: all are)
 * have some code. *ret_present is false when no row has a number. */
RC_MUST_USE enum rc_status
rc_formula_column_of_slab(struct rc_formula_column *column,
                          const struct rc_slab *slab,
                          const uint64_t *blocks,
                          const _Atomic(bool) *cancel,
                          struct rc_arena *arena,
                          bool *ret_present,
                          struct rc_column_view *view);

/* A cell for each row of a chunk. */
RC_MUST_USE enum rc_status
rc_formula_column_of_chunk(struct rc_formula_column *column,
                           const struct rc_view_chunk *chunk,
                           const _Atomic(bool) *cancel,
                           rc_cell *ret_cells);

/* A cell for each ordinal of a user, or each account, by what the operands are of. */
RC_MUST_USE enum rc_status
rc_formula_column_of_owners(struct rc_formula_column *column,
                            struct rc_view *view,
                            int64_t as_of_ms,
                            const _Atomic(bool) *cancel,
                            struct rc_arena *arena,
                            const rc_cell **ret_cells);

#endif
