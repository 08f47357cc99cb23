/*
 * Plan, made columns: a made column (match/derived/made_column.h) of every slab that a plan reads,
 * out of the cache or made side by side, before tables are made of them one after the other. What
 * is made is kept as bitmaps are, by hints and by what room the project has.
 *
 * Ownership: owns the columns, or references to those of the cache; borrows the plan and what the
 *            column is made by.
 * Threading: made by one thread, with the plan's workers; then read by any.
 * Errors:    as of rc_made_column_of_slab.
 */
#ifndef RC_QUERY_PLAN_PLAN_MADE_H
#define RC_QUERY_PLAN_PLAN_MADE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/cache/column_keeper.h"
#include "engine/query/plan/plan.h"

struct rc_made_columns;

/* The stored columns are read as well. */
RC_MUST_USE enum rc_status
rc_made_columns_new(const struct rc_plan *plan,
                    const struct rc_made_column *made,
                    struct rc_made_columns **ret_columns);

struct rc_made_columns *
rc_made_columns_free(struct rc_made_columns *columns);

RC_DEFINE_CLEANUP(struct rc_made_columns *, rc_made_columns_free)

/* Whether a slab has none, since what is derived of its texts is not kept: who has many derives of
 * the stored column. */
bool
rc_made_columns_declined(const struct rc_made_columns *columns, uint32_t plan_slab);

/* Of a slab of the plan that has one; false: no row has a value. */
bool
rc_made_columns_of(const struct rc_made_columns *columns,
                   uint32_t plan_slab,
                   struct rc_column_view *ret_view);

#endif
