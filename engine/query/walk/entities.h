/*
 * Entities: what a query counts in place of users: the values of an event property (accounts,
 * session ids). A plan with entities is walked as ever; the fold then meets an entity where it
 * would meet a person: all the hits that name it, in total order, whoever did them.
 *
 * An event counts for each of its values, once; one without a value is dropped. Values are those
 * of a breakdown: 1 and "1" are one. What is known of users (the scope's segment, leaves over the
 * user, first events) stays theirs and is asked before the hits are dealt.
 *
 * Ownership: opaque; charges the context's account; belongs to the plan, which it borrows.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_LIMIT_EXCEEDED, RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_WALK_ENTITIES_H
#define RC_QUERY_WALK_ENTITIES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"

struct rc_entities;
struct rc_groups;

/* The values of property in the slabs and heads that the plan reads. */
RC_MUST_USE enum rc_status
rc_entities_new(const struct rc_plan *plan,
                struct rc_bytes property,
                struct rc_entities **ret_entities,
                struct rc_error *reterr_error);

struct rc_entities *
rc_entities_free(struct rc_entities *entities);

/* Those of all events of a view, whoever did them and whenever, with what they stand on. */
struct rc_all_entities {
    struct rc_query_context context; /* Of the plan: nobody steers it or asks how. */
    struct rc_plan *plan;
    struct rc_entities *entities;
};

/* all is zero, stays where it is, and is to be closed whatever the status. */
RC_MUST_USE enum rc_status
rc_all_entities_open(const struct rc_query_context *context,
                     struct rc_bytes property,
                     struct rc_all_entities *all,
                     struct rc_error *reterr_error);

/* For RC_CLEANUP on the struct itself. */
void
rc_all_entities_close(struct rc_all_entities *all);

/* The values: an entity is a group, and the group of null is none. */
const struct rc_groups *
rc_entities_groups(const struct rc_entities *entities);

/* How many words have a bit for each person, or for each of the context's entities. */
size_t
rc_counted_word_count(const struct rc_query_context *context);

RC_DEFINE_CLEANUP(struct rc_entities *, rc_entities_free)

/* rc_walk over a plan that has entities. */
RC_MUST_USE enum rc_status
rc_entities_walk(const struct rc_plan *plan, const struct rc_fold *fold, uint64_t *hit_count);

/* Tests: how many hits are dealt at a time. */
extern uint32_t rc_entities_round_hits;

#endif
