/*
 * Property list: which properties events, users and accounts have, of which kinds, how often, and
 * when.
 *
 * Ownership, Threading, Units, Errors: as in query.h; a reply is to be closed.
 */
#ifndef RC_QUERY_LIST_PROPERTY_LIST_H
#define RC_QUERY_LIST_PROPERTY_LIST_H

#include "engine/query/query.h"

struct rc_plan;
struct rc_property_marks;

struct rc_property_list_request {
    struct rc_scope scope; /* No entity. */
    const struct rc_predicate *selector;
};

/* Kinds as people tell them apart: both kinds of numbers are one. */
enum rc_seen_kind {
    RC_SEEN_BOOL = 0,
    RC_SEEN_NUMBER,
    RC_SEEN_TEXT,
    RC_SEEN_LIST,
    RC_SEEN_KINDS,
};

struct rc_property_seen {
    enum rc_leaf_scope scope;    /* EVENT, USER or ACCOUNT. */
    struct rc_bytes account_key; /* ACCOUNT: what events name them in; else empty. */
    struct rc_bytes name;
    uint64_t counts[RC_SEEN_KINDS]; /* Events, or users or accounts at as_of, with a value of the
                                       kind. */
    uint64_t all;                   /* Of so many: the reply's events, its users, or accounts. */
    int64_t first_ms;               /* Of the events, of the writes that gave others a value. */
    int64_t last_ms;
    uint64_t distinct; /* Different values, as a breakdown tells them apart. EVENT: 0; see below. */
};

/* Accounts that events name in one property. */
struct rc_accounts_seen {
    struct rc_bytes account_key;
    uint64_t count; /* Known at as_of: written to by then. */
};

struct rc_property_list_reply {
    uint64_t events; /* That match. */
    uint64_t users;  /* Of the scope, known at as_of; whether they did such an event or not. */
    uint32_t account_key_count;
    const struct rc_accounts_seen *accounts; /* By the bytes of the keys; whatever the scope's
                                                segment, the range and the selector. */
    uint32_t property_count;
    const struct rc_property_seen *properties; /* Those with a value; of events, of users, of
                                                  accounts by key, by the bytes of their names. */
    struct rc_query_stats stats;
    struct rc_plan *plan; /* Owned; for rc_property_list_distinct, as are these. */
    const struct rc_property_marks *marks;
};

RC_MUST_USE enum rc_status
rc_query_property_list(const struct rc_query_context *context,
                       const struct rc_property_list_request *request,
                       struct rc_property_list_reply *ret_reply,
                       struct rc_error *reterr_error);

/* The different values of an event property that is listed, as of RC_MEASURE_DISTINCT. */
RC_MUST_USE enum rc_status
rc_property_list_distinct(const struct rc_property_list_reply *reply,
                          struct rc_bytes name,
                          uint64_t *ret_count);

/* A zeroed reply may be closed. */
void
rc_property_list_close(struct rc_property_list_reply *reply);

#endif
