/*
 * Row masks: which selectors of a plan an event matches that a walk over another plan has fed. For
 * a fold that asks about more selectors than a hit's mask has bits.
 *
 * Ownership: opaque; charges the context's account; borrows the plan, which must outlive it.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_WALK_ROW_MASKS_H
#define RC_QUERY_WALK_ROW_MASKS_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"

struct rc_row_masks;

RC_MUST_USE enum rc_status
rc_row_masks_new(const struct rc_plan *plan, struct rc_row_masks **ret_masks);

struct rc_row_masks *
rc_row_masks_free(struct rc_row_masks *masks);

RC_DEFINE_CLEANUP(struct rc_row_masks *, rc_row_masks_free)

/* The selectors, a bit each, that a live event matches. The plan is for all of its users. */
uint64_t
rc_row_masks_of(const struct rc_row_masks *masks, const struct rc_hit *hit);

#endif
