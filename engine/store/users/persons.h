/*
 * Persons: who is one user. Users as sent have ordinals; alias(a, b) joins two; joining is
 * transitive and its order does not matter. A person is named by the least ordinal of its members.
 *
 * Ownership: counted: rc_persons_ref, rc_persons_unref.
 * Threading: immutable.
 */
#ifndef RC_STORE_USERS_PERSONS_H
#define RC_STORE_USERS_PERSONS_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"

struct rc_persons;

struct rc_alias {
    uint32_t a; /* Ordinals; equal ones join nothing. */
    uint32_t b;
};

/* Joins over ordinals below user_count. O(users + aliases). */
RC_MUST_USE enum rc_status
rc_persons_build(const struct rc_alias *aliases,
                 uint32_t alias_count,
                 uint32_t user_count,
                 struct rc_account *account,
                 struct rc_persons **ret_persons);

struct rc_persons *
rc_persons_ref(struct rc_persons *persons);

struct rc_persons *
rc_persons_unref(struct rc_persons *persons);

RC_DEFINE_CLEANUP(struct rc_persons *, rc_persons_unref)

/* The person (least ordinal) of a user. Ordinals at or past user_count are their own. O(1). */
uint32_t
rc_persons_of(const struct rc_persons *persons, uint32_t user);

/* Persons of two or more members: their count, and for the i-th its members, ascending (the first
 * is the person itself). In ascending order of person. */
uint32_t
rc_persons_joined_count(const struct rc_persons *persons);

const uint32_t *
rc_persons_joined(const struct rc_persons *persons, uint32_t index, uint32_t *ret_count);

/* The index for rc_persons_joined of a person, or UINT32_MAX: it has one member. O(log). */
uint32_t
rc_persons_joined_index(const struct rc_persons *persons, uint32_t person);

#endif
