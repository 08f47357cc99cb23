/*
 * Stickiness: users by the number of buckets in which they were active. Semantics are those of
 * docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_USAGE_STICKINESS_H
#define RC_QUERY_USAGE_STICKINESS_H

#include "engine/query/query.h"

struct rc_stickiness_request {
    struct rc_scope scope;
    const struct rc_predicate *selector; /* The events that are activity. */
    enum rc_unit unit;
    uint32_t unit_count; /* Of a bucket; 0: 1. */
    uint32_t min_events; /* So many make a bucket active; at least 1. */
    bool at_least;       /* Users of k buckets or more, and not of exactly k. */
    enum rc_compare_kind compare;
    enum rc_unit shift_unit;              /* SHIFT: DAY, WEEK or MONTH. */
    uint32_t shift_count;                 /* At least 1. */
    const struct rc_breakdown *breakdown; /* NULL: none. With a comparison: without bins. */
    uint32_t dimension_count;
    uint32_t top_n; /* As in a series. */
    /* NULL, or a bit a person (zero): set for those who are counted in users[at.buckets - 1] of the
     * range. */
    uint64_t *persons;
    struct {
        uint32_t row; /* Of the reply; its row_count: the total. */
        uint32_t buckets;
    } at;
};

/* The users of one range. */
struct rc_stickiness_counts {
    uint64_t active_users; /* In at least one bucket. */
    const uint64_t *users; /* users[k - 1]: in k buckets. */
};

struct rc_stickiness_row {
    struct rc_row_label label;
    struct rc_stickiness_counts counts;
    struct rc_stickiness_counts compared;
};

struct rc_stickiness_reply {
    uint32_t bucket_count; /* Of the range. */
    const struct rc_bucket *buckets;
    uint32_t place_count; /* Length of users: as many as buckets, of the longer range. */
    struct rc_stickiness_counts counts;   /* Of the total. */
    struct rc_stickiness_counts compared; /* Without comparison all zero, users NULL. */
    uint32_t row_count;                   /* Of a breakdown: its values by active users, OTHER. */
    const struct rc_stickiness_row *rows;
    int64_t compared_start_ms;
    int64_t compared_end_ms;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_stickiness(const struct rc_query_context *context,
                    const struct rc_stickiness_request *request,
                    struct rc_stickiness_reply *ret_reply,
                    struct rc_error *reterr_error);

#endif
