/*
 * Plan, fetching: the rowsets of a plan, in the ways that the planner chooses. plan.c's own.
 *
 * Threading: one thread, which lets workers compute.
 * Errors:    as rc_plan_new.
 */
#ifndef RC_QUERY_PLAN_PLAN_FETCH_H
#define RC_QUERY_PLAN_PLAN_FETCH_H

#include "engine/base/status.h"
#include "engine/query/plan/planner.h"

/* Chooses and fetches: fills the sets of plan->slabs and leaves those that match nothing out. With
 * plan->plan_only it chooses, and no slab is left. */
RC_MUST_USE enum rc_status
rc_plan_fetch(struct rc_plan *plan,
              const struct rc_plan_users *users,
              struct rc_error *reterr_error);

#endif
