/*
 * Users: a list of users with their properties, first and last event, and number of events, page by
 * page or all of them one after the other. Semantics are those of docs/semantics.md.
 *
 * Ownership: as in query.h; a stream lives in the context's arena, borrows the names of properties
 *            from the request, and is to be closed.
 * Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_LIST_USERS_H
#define RC_QUERY_LIST_USERS_H

#include "engine/query/list/person_events.h"
#include "engine/query/query.h"

struct rc_users_request {
    struct rc_scope scope;               /* Its segment says who is listed. */
    const struct rc_predicate *selector; /* The events that are counted. */
    uint32_t property_count;             /* Only these properties; 0: all that are stored. */
    const struct rc_bytes *properties;
    struct rc_bytes after; /* List users whose shown id is above this; empty: from the start. */
    uint32_t page_rows;    /* 1 .. RC_PAGE_ROWS_MAX. */
};

struct rc_user_row {
    struct rc_bytes id; /* As shown. */
    struct rc_person_event_count events;
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

/* The request's users, a bit each. */
RC_MUST_USE enum rc_status
rc_users_persons(const struct rc_query_context *context,
                 const struct rc_users_request *request,
                 struct rc_query_stats *stats,
                 const uint64_t **ret_persons,
                 struct rc_error *reterr_error);

/* ---- All of them ----------------------------------------------------------------------------- */

struct rc_users_stream;

/* Finds the users and counts their events. after and page_rows are not read. A user takes 48 bytes
 * of the query's memory, whatever the properties hold. */
RC_MUST_USE enum rc_status
rc_users_stream_open(const struct rc_query_context *context,
                     const struct rc_users_request *request,
                     struct rc_query_stats *ret_stats,
                     struct rc_users_stream **ret_stream,
                     struct rc_error *reterr_error);

/* NULL is fine. */
void
rc_users_stream_close(struct rc_users_stream *stream);

/* The names of the properties that a row of the stream may have, by bytes. */
uint32_t
rc_users_stream_property_count(const struct rc_users_stream *stream);

struct rc_bytes
rc_users_stream_property(const struct rc_users_stream *stream, uint32_t index);

/* The next user by id; *ret_more is false, and *ret_row untouched, when there is none. Properties
 * come from arena, the id is borrowed from the view. */
RC_MUST_USE enum rc_status
rc_users_stream_next(struct rc_users_stream *stream,
                     struct rc_arena *arena,
                     struct rc_user_row *ret_row,
                     bool *ret_more,
                     struct rc_error *reterr_error);

#endif
