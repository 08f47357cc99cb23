/*
 * Users: a list of users with their properties, first and last event, and number of events.
 * Semantics are those of docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_LIST_USERS_H
#define RC_QUERY_LIST_USERS_H

#include "engine/query/query.h"

struct rc_users_request {
    struct rc_scope scope;               /* Its segment says who is listed. */
    const struct rc_predicate *selector; /* The events that are counted. */
    struct rc_bytes after; /* List users whose shown id is above this; empty: from the start. */
    uint32_t page_rows;    /* 1 .. RC_PAGE_ROWS_MAX. */
};

struct rc_user_row {
    struct rc_bytes id; /* As shown. */
    uint64_t event_count;
    int64_t first_ms; /* Of no event: 0, as last_ms. */
    int64_t last_ms;
    uint32_t property_count;
    const struct rc_event_property *properties; /* By name. */
};

struct rc_users_reply {
    uint64_t users; /* All of them, not only the page's. */
    uint32_t row_count;
    const struct rc_user_row *rows; /* By id. */
    bool more;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_users(const struct rc_query_context *context,
               const struct rc_users_request *request,
               struct rc_users_reply *ret_reply,
               struct rc_error *reterr_error);

#endif
