/*
 * Groups: the rows of a breakdown: which values a property has, numbered, and which of them an
 * event (or its person) has. Numeric strings and numbers are one value (rc_value_group); an event
 * with several values is in each of their groups; without a value it is in the group of null. Over
 * a property of accounts an event is in the groups of each account that it names.
 *
 * Ownership: opaque; charges the context's account; borrows the plan, which must outlive it.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_INVALID and RC_LIMIT_EXCEEDED name the field below "breakdown"; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SPLIT_GROUPS_H
#define RC_QUERY_SPLIT_GROUPS_H

#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/split/text_parts.h"
#include "engine/query/walk/walk.h"

struct rc_groups;

/* A set of groups: a group, or with this bit a list (rc_groups_list). */
#define RC_GROUP_LIST ((uint32_t)1 << 31)

/* The group of null. */
#define RC_GROUP_NULL 0u

RC_MUST_USE enum rc_status
rc_groups_new(const struct rc_plan *plan,
              const struct rc_breakdown *breakdown,
              int64_t as_of_ms,
              struct rc_groups **ret_groups,
              struct rc_error *reterr_error);

/* The same for whoever only adds figures up and shows the values with the greatest: where texts are
 * many, each is a group in every slab and head that has it, and rc_groups_parts says which. */
RC_MUST_USE enum rc_status
rc_groups_new_in_parts(const struct rc_plan *plan,
                       const struct rc_breakdown *breakdown,
                       int64_t as_of_ms,
                       struct rc_groups **ret_groups,
                       struct rc_error *reterr_error);

struct rc_groups *
rc_groups_free(struct rc_groups *groups);

RC_DEFINE_CLEANUP(struct rc_groups *, rc_groups_free)

/* NULL: each value is one group. */
const struct rc_text_parts *
rc_groups_parts(const struct rc_groups *groups);

/* Groups are numbered below this. */
uint32_t
rc_groups_count(const struct rc_groups *groups);

/* The groups of a hit. */
uint32_t
rc_groups_of(const struct rc_groups *groups, uint32_t person, const struct rc_hit *hit);

/* The same for a reader whose rows mostly ascend: positions[slab] (index in the view), 0 at first,
 * is where it was. NULL: nowhere. */
uint32_t
rc_groups_near(const struct rc_groups *groups,
               uint32_t person,
               const struct rc_hit *hit,
               uint32_t *positions);

/* By local code of the property's column in a slab (index in the view): a set. NULL: the slab has
 * no such column, or the breakdown is by users. */
const uint32_t *
rc_groups_of_slab(const struct rc_groups *groups,
                  uint32_t slab,
                  const struct rc_column_view **ret_column);

/* The groups of a set, each once. set is either a list or one group, and then the answer is set
 * itself. */
const uint32_t *
rc_groups_list(const struct rc_groups *groups, const uint32_t *set, uint32_t *ret_count);

/* The value of a group, in arena. */
RC_MUST_USE enum rc_status
rc_groups_value(const struct rc_groups *groups,
                uint32_t group,
                struct rc_arena *arena,
                struct rc_value *ret_value);

/* Groups from this on, up to the count, are those of texts: strings that ascend with the number,
 * unless they are in parts. */
uint32_t
rc_groups_first_text(const struct rc_groups *groups);

/* The value of a group before these, borrowed. */
RC_MUST_USE enum rc_status
rc_groups_borrow_value(const struct rc_groups *groups, uint32_t group, struct rc_value *ret_value);

/* The order of two groups' values, <0, 0, >0. arena is scratch: reset it now and then. */
RC_MUST_USE enum rc_status
rc_groups_compare(const struct rc_groups *groups,
                  uint32_t a,
                  uint32_t b,
                  struct rc_arena *arena,
                  int *ret_order);

/* Which rows an answer shows. */
struct rc_ranking {
    uint32_t row_count; /* Rows of values. */
    bool has_other;
    const uint32_t *groups;        /* By rank. */
    const uint32_t *row_of;        /* By group: its row, or row_count for Other. */
    const struct rc_value *values; /* By rank. */
};

/* Ranks the groups with a figure above 0: greater first, equal ones by value ascending; the first
 * top_n (0: 9) are rows. Everything comes from arena. */
RC_MUST_USE enum rc_status
rc_groups_rank(const struct rc_groups *groups,
               const uint64_t *figures,
               uint32_t top_n,
               struct rc_arena *arena,
               struct rc_ranking *ret_ranking);

/* The property and top_n of a breakdown. Errors name the field from "breakdown" on. */
RC_MUST_USE enum rc_status
rc_breakdown_check(const struct rc_breakdown *breakdown,
                   uint32_t top_n,
                   struct rc_error *reterr_error);

#endif
