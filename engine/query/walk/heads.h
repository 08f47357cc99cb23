/*
 * Heads: the hits of the newest rows, which no slab holds yet. They are few, so they are found once
 * a walk, before the blocks begin, and filed by block.
 *
 * Ownership: rc_heads_close. A query has many walks: what each needs goes with it.
 * Threading: made by one thread, then read by any.
 */
#ifndef RC_QUERY_WALK_HEADS_H
#define RC_QUERY_WALK_HEADS_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"

struct rc_head_hit {
    struct rc_hit hit;
    uint32_t person;
};

struct rc_heads {
    uint32_t count;
    struct rc_head_hit *hits;
};

/* All hits in the chunks of the view, in order of arrival; persons outside the plan's filter left
 * out. */
RC_MUST_USE enum rc_status
rc_heads_find(const struct rc_plan *plan, struct rc_heads *ret_heads);

void
rc_heads_close(struct rc_heads *heads);

#endif
