/*
 * Who has what, of those who converted and of the others: the counts of a correlation, a walk for
 * 64 selectors or for one property.
 *
 * Ownership: arrays come from the query's account: rc_alloc_free.
 * Threading: called by one thread, which lets workers walk.
 * Errors:    those of plans and groups; RC_CANCELLED; RC_NO_MEMORY.
 */
#ifndef RC_COMPARE_CORRELATION_COUNTS_H
#define RC_COMPARE_CORRELATION_COUNTS_H

#include "engine/compare/correlation.h"
#include "engine/query/split/groups.h"

struct rc_correlation_users {
    const uint64_t *population; /* A bit a person, or an entity. */
    const uint64_t *converted;  /* Of them. */
    size_t word_count;
    struct rc_counted counted; /* Whose events are read, and by what. */
};

/* As rc_query_correlation, and of whom it was asked: in the context's arena. With an entity the
 * context has its entities. */
RC_MUST_USE enum rc_status
rc_correlation_answer(const struct rc_query_context *context,
                      const struct rc_correlation_request *request,
                      struct rc_correlation_users *ret_users,
                      struct rc_correlation_reply *ret_reply,
                      struct rc_error *reterr_error);

/* Whether the values of a property are known of the population whatever it did: those of users,
 * where these are counted. */
static inline bool
rc_correlation_is_of_users(const struct rc_correlation_request *request, uint32_t property)
{
    return request->properties[property].scope == RC_LEAF_USER && request->scope.entity.size == 0;
}

/* The plan of the population's events of selectors first to first + count - 1. */
RC_MUST_USE enum rc_status
rc_correlation_plan_events(const struct rc_query_context *context,
                           const struct rc_correlation_request *request,
                           const struct rc_correlation_users *users,
                           uint32_t first,
                           uint32_t count,
                           struct rc_query_stats *stats,
                           struct rc_plan **ret_plan,
                           struct rc_error *reterr_error);

/* That of the events whose property is read, and its values as groups. The caller frees
 * *ret_groups, then *ret_plan. */
RC_MUST_USE enum rc_status
rc_correlation_plan_values(const struct rc_query_context *context,
                           const struct rc_correlation_request *request,
                           const struct rc_correlation_users *users,
                           uint32_t property,
                           struct rc_query_stats *stats,
                           struct rc_plan **ret_plan,
                           struct rc_groups **ret_groups,
                           struct rc_error *reterr_error);

/* counts[2 * i] of those who converted and counts[2 * i + 1] of the others have an event of
 * selector first + i in the range; for up to RC_SELECTORS_MAX of them. */
RC_MUST_USE enum rc_status
rc_correlation_count_events(const struct rc_query_context *context,
                            const struct rc_correlation_request *request,
                            const struct rc_correlation_users *users,
                            uint32_t first,
                            uint32_t count,
                            struct rc_query_stats *stats,
                            uint64_t *counts,
                            struct rc_error *reterr_error);

/* A property's values as groups, and the same by group. The caller frees *ret_counts, then
 * *ret_groups, then *ret_plan. */
RC_MUST_USE enum rc_status
rc_correlation_count_values(const struct rc_query_context *context,
                            const struct rc_correlation_request *request,
                            const struct rc_correlation_users *users,
                            uint32_t property,
                            struct rc_query_stats *stats,
                            struct rc_plan **ret_plan,
                            struct rc_groups **ret_groups,
                            uint64_t **ret_counts,
                            struct rc_error *reterr_error);

#endif
