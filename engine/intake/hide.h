/*
 * Hide: makes rows of a draft dead by a rule that the version keeps: all rows of users who are
 * gone, all rows before the cut. What a merge or seal made beside the version is brought in line
 * with the rules when it takes its place, since such rows cannot be found one by one: an event
 * without an id of its own has nothing to be found by.
 *
 * Threading: the writer's lock of the project is held.
 * Errors:    RC_NO_MEMORY: the draft is still a version, with some of the rows dead.
 */
#ifndef RC_INTAKE_HIDE_H
#define RC_INTAKE_HIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/status.h"
#include "engine/store/project/version.h"

/* All rows of some users (ascending); *rows grows by those that were alive. */
RC_MUST_USE enum rc_status
rc_hide_users(struct rc_version *draft, const uint32_t *users, uint32_t user_count, uint64_t *rows);

/* All rows before a time. */
RC_MUST_USE enum rc_status
rc_hide_before(struct rc_version *draft, int64_t cut_ms, uint64_t *rows);

/* Applies to one slab of the draft what its rules say more than those of before. */
RC_MUST_USE enum rc_status
rc_hide_in_slab(struct rc_version *draft, uint32_t slab, const struct rc_version *before);

/* Whether the draft's rules alone make a row dead. */
static inline bool
rc_is_hidden(const struct rc_version *version, uint32_t user, int64_t time_ms)
{
    return time_ms < version->cut_ms || rc_gone_has(version->gone, user);
}

#endif
