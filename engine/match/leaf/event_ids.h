/*
 * Event ids: a set of them, asked about the rows of a slab or of a head.
 *
 * Ownership: a set lies in the arena given and borrows the texts of the leaf.
 * Threading: immutable.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_MATCH_LEAF_EVENT_IDS_H
#define RC_MATCH_LEAF_EVENT_IDS_H

#include <stdbool.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/value/event_id.h"

struct rc_event_ids;

/* leaf is canonical, of scope EVENT_ID. */
RC_MUST_USE enum rc_status
rc_event_ids_new(const struct rc_leaf *leaf,
                 struct rc_arena *arena,
                 const struct rc_event_ids **ret_ids);

bool
rc_event_ids_have(const struct rc_event_ids *ids, const struct rc_event_id *id);

#endif
