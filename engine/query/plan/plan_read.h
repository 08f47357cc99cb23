/*
 * Plan, reading: what a query is about to look at in slabs on disk is read side by side, before it
 * is looked at one slab after the other. From the file cache reading takes about as long as a scan,
 * and a disk serves several readers at once. Slabs in memory cost a look.
 *
 * Threading: one thread, with the plan's workers.
 * Errors:    as rc_view_use_slab. What cannot be read of a column shows when it is asked for.
 */
#ifndef RC_QUERY_PLAN_PLAN_READ_H
#define RC_QUERY_PLAN_PLAN_READ_H

#include <stdint.h>

#include "engine/base/status.h"
#include "engine/match/cache/column_keeper.h"
#include "engine/query/plan/plan.h"

/* Reads users and times of the slabs in which some stream has its rows, and keeps them in use. */
RC_MUST_USE enum rc_status
rc_plan_read_rows(const struct rc_plan *plan);

/* Reads an event property's column. RC_PROPERTY_NONE: nothing. */
void
rc_plan_read_column(const struct rc_plan *plan, uint32_t property);

/* The same for the columns that one is made of, where it is not kept. */
void
rc_plan_read_made(const struct rc_plan *plan, const struct rc_column_keeper *keeper);

/* The id of a slab of the plan. */
uint64_t
rc_plan_slab_id(const struct rc_plan *plan, uint32_t plan_slab);

/* What reading a slab's part of a query takes, in ns; 0: it is in memory. */
double
rc_plan_read_ns(const struct rc_plan *plan, uint32_t plan_slab);

#endif
