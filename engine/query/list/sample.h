/*
 * Sample: the latest events that match, whoever did them.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_LIST_SAMPLE_H
#define RC_QUERY_LIST_SAMPLE_H

#include "engine/query/query.h"

struct rc_sample_request {
    struct rc_scope scope; /* Zone and week are not used; no entity. */
    const struct rc_predicate *selector;
    const char *field;    /* As errors and plans name the selector. */
    uint32_t event_count; /* At most: 1 .. RC_SAMPLE_EVENTS_MAX. */
};

struct rc_sample_reply {
    uint32_t event_count;
    const struct rc_event *events; /* Latest first, in total order; place.repeat is 0. */
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_sample(const struct rc_query_context *context,
                const struct rc_sample_request *request,
                struct rc_sample_reply *ret_reply,
                struct rc_error *reterr_error);

#endif
