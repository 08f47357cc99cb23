/*
 * Lifecycle: of the users of each bucket, how many are new, returning, resurrecting, and how many
 * of the bucket before have gone dormant. Semantics are those of docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_USAGE_LIFECYCLE_H
#define RC_QUERY_USAGE_LIFECYCLE_H

#include "engine/query/query.h"

enum rc_lifecycle_state {
    RC_LIFECYCLE_NEW = 1,
    RC_LIFECYCLE_RETURNING = 2,
    RC_LIFECYCLE_RESURRECTING = 3,
    RC_LIFECYCLE_DORMANT = 4,
};

struct rc_lifecycle_request {
    struct rc_scope scope;
    const struct rc_predicate *selector; /* The events that are activity. */
    enum rc_unit unit;
    uint32_t unit_count;                  /* Of a bucket; 0: 1. */
    const struct rc_breakdown *breakdown; /* NULL: none. */
    uint32_t dimension_count;
    uint32_t top_n; /* As in a series. */
    /* NULL, or a bit a person (zero): set for those who are counted in the state and bucket at. */
    uint64_t *persons;
    struct {
        uint32_t row; /* Of the reply; its row_count: the total. */
        uint32_t bucket;
        enum rc_lifecycle_state state;
    } at;
};

struct rc_lifecycle_counts {
    bool begun; /* False: the bucket begins after as_of and has no numbers. */
    uint64_t new_users;
    uint64_t returning_users;
    uint64_t resurrecting_users;
    uint64_t dormant_users;
};

struct rc_lifecycle_row {
    struct rc_row_label label;
    const struct rc_lifecycle_counts *counts; /* One a bucket. */
};

struct rc_lifecycle_reply {
    uint32_t bucket_count;
    const struct rc_bucket *buckets;
    const struct rc_lifecycle_counts *counts; /* Of the total, one a bucket. */
    uint32_t row_count;                       /* Of a breakdown: its values by users, OTHER. */
    const struct rc_lifecycle_row *rows;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_lifecycle(const struct rc_query_context *context,
                   const struct rc_lifecycle_request *request,
                   struct rc_lifecycle_reply *ret_reply,
                   struct rc_error *reterr_error);

#endif
