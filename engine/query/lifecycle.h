/*
 * Lifecycle: of the users of each bucket, how many are new, returning, resurrecting, and how many
 * of the bucket before have gone dormant. Semantics are those of docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_LIFECYCLE_H
#define RC_QUERY_LIFECYCLE_H

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
    uint32_t unit_count; /* Of a bucket; 0: 1. */
    /* NULL, or a bit a person (zero): set for those who are counted in the state and bucket at. */
    uint64_t *persons;
    struct {
        uint32_t bucket; /* Of the reply. */
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

struct rc_lifecycle_reply {
    uint32_t bucket_count;
    const struct rc_bucket *buckets;
    const struct rc_lifecycle_counts *counts; /* One a bucket. */
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_lifecycle(const struct rc_query_context *context,
                   const struct rc_lifecycle_request *request,
                   struct rc_lifecycle_reply *ret_reply,
                   struct rc_error *reterr_error);

#endif
