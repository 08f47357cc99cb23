/*
 * Account leaf: leaves over a property of the account that an event names, turned into leaves over
 * the event: "its plan is paid" becomes "the event names one of these accounts". So rows are
 * matched, and sets of them cached, as for any other leaf.
 *
 * Ownership: everything made is in the arena.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CORRUPT.
 */
#ifndef RC_MATCH_LEAF_ACCOUNT_LEAF_H
#define RC_MATCH_LEAF_ACCOUNT_LEAF_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/predicate/predicate.h"
#include "engine/store/project/view.h"

/* *ret_predicate is predicate itself if no leaf reads an account. Of accounts, the latest writes up
 * to as_of_ms count. Linear in accounts for each such leaf. */
RC_MUST_USE enum rc_status
rc_account_leaves_resolve(struct rc_view *view,
                          int64_t as_of_ms,
                          const struct rc_predicate *predicate,
                          struct rc_arena *arena,
                          const struct rc_predicate **ret_predicate);

#endif
