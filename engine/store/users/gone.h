/*
 * Gone: the users as sent that were deleted and still are in memory: ordinals that stand for
 * nobody. Their rows are dead in the version that holds the set, their ids are forgotten, and their
 * property writes and aliases are left out by whoever reads those.
 *
 * A restart forgets the set: what it names is not in the stored state.
 *
 * Ownership: counted: rc_gone_ref, rc_gone_unref. NULL is the empty set everywhere.
 * Threading: immutable.
 */
#ifndef RC_STORE_USERS_GONE_H
#define RC_STORE_USERS_GONE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_gone;

/* A set with users (ascending, none of them in gone) added. */
RC_MUST_USE enum rc_status
rc_gone_with(const struct rc_gone *gone,
             const uint32_t *users,
             uint32_t user_count,
             struct rc_account *account,
             struct rc_gone **ret_gone);

/* A set without those of another, all of whom it has; NULL where nobody is left. */
RC_MUST_USE enum rc_status
rc_gone_without(const struct rc_gone *gone,
                const struct rc_gone *others,
                struct rc_account *account,
                struct rc_gone **ret_gone);

struct rc_gone *
rc_gone_ref(struct rc_gone *gone);

struct rc_gone *
rc_gone_unref(struct rc_gone *gone);

RC_DEFINE_CLEANUP(struct rc_gone *, rc_gone_unref)

/* O(log). */
bool
rc_gone_has(const struct rc_gone *gone, uint32_t user);

/* The users, ascending. */
const uint32_t *
rc_gone_users(const struct rc_gone *gone, uint32_t *ret_count);

#endif
