/*
 * Dimension: one of the things by which a split makes rows: which values it has, numbered, and
 * which of them an event (or its user) has.
 *
 * Ownership: opaque; charges the context's account; borrows the plan, which must outlive it.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_INVALID and RC_LIMIT_EXCEEDED name the field below "breakdown.dimensions[i]";
 *            RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_QUERY_SPLIT_DIMENSION_H
#define RC_QUERY_SPLIT_DIMENSION_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/time/calendar.h"
#include "engine/query/walk/walk.h"

struct rc_dimension;
struct rc_groups;

/* What a dimension is made of and for. */
struct rc_dimension_request {
    const struct rc_plan *plan;
    const struct rc_breakdown *breakdown;
    const struct rc_scope *scope; /* The range in which a user's count is taken, and as_of. */
    const struct rc_calendar *calendar;
    struct rc_query_stats *stats; /* Of the walks that it takes; added to. */
    bool may_part;                /* Values may be parts of them: rc_groups_new_in_parts. */
};

RC_MUST_USE enum rc_status
rc_dimension_new(const struct rc_dimension_request *request,
                 struct rc_dimension **ret_dimension,
                 struct rc_error *reterr_error);

struct rc_dimension *
rc_dimension_free(struct rc_dimension *dimension);

RC_DEFINE_CLEANUP(struct rc_dimension *, rc_dimension_free)

/* Values are numbered below this. Putting numbers into bins changes it. */
uint32_t
rc_dimension_count(const struct rc_dimension *dimension);

/* Whether the person says which values a hit has, and not its row. */
bool
rc_dimension_reads_person(const struct rc_dimension *dimension);

/* The values of a hit before they went into bins, each once. scratch is a place for one. positions:
 * as rc_groups_near has them. */
const uint32_t *
rc_dimension_raw(const struct rc_dimension *dimension,
                 uint32_t person,
                 const struct rc_hit *hit,
                 uint32_t *positions,
                 uint32_t *scratch,
                 uint32_t *ret_count);

/* The groups that are the values of an event property, none of them in a bin; else NULL. */
const struct rc_groups *
rc_dimension_groups(const struct rc_dimension *dimension);

/* Whether the dimension wants its numbers in bins. */
bool
rc_dimension_wants_bins(const struct rc_dimension *dimension);

/* Makes the bins, from the least to the greatest number among the raw values that have a bit in
 * present. What is no number stays a value of its own, and so do numbers without a bit, unless
 * between asks for those that lie in the bins. */
RC_MUST_USE enum rc_status
rc_dimension_make_bins(struct rc_dimension *dimension, const uint64_t *present, bool between);

/* Puts numbers into the bins of another dimension that is broken down by the same; those that lie
 * in none of them stay values of their own. */
RC_MUST_USE enum rc_status
rc_dimension_share_bins(struct rc_dimension *dimension, const struct rc_dimension *of);

/* By raw value, the value after it went into a bin; NULL: they are the same. */
const uint32_t *
rc_dimension_renamed(const struct rc_dimension *dimension);

/* What a value is. Texts are in arena. */
RC_MUST_USE enum rc_status
rc_dimension_label(const struct rc_dimension *dimension,
                   uint32_t value,
                   struct rc_arena *arena,
                   struct rc_label_value *ret_label);

/* The order of values of one dimension: those of properties as values ascend, a bin where its
 * lower end stands, segments as they were given, users in none of them last. */
int
rc_label_compare(const struct rc_label_value *a, const struct rc_label_value *b);

#endif
