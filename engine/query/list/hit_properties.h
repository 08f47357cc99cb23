/*
 * Hit properties: what the event of a hit holds.
 *
 * Ownership: names and texts are borrowed from the view, arrays come from the arena.
 * Threading: reads what a view pins.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_LIST_HIT_PROPERTIES_H
#define RC_QUERY_LIST_HIT_PROPERTIES_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/query/query.h"
#include "engine/query/walk/walk.h"

/* The properties that are set, in the order of their numbers. */
RC_MUST_USE enum rc_status
rc_hit_properties(struct rc_view *view,
                  const struct rc_hit *hit,
                  struct rc_arena *arena,
                  const struct rc_event_property **ret_properties,
                  uint32_t *ret_count);

#endif
