/*
 * Correlation: what users (or entities) who converted have more often, or less, than those who did
 * not. Asked of all users of the scope (its segment: the population), some of whom converted (a
 * second segment).
 *
 * A candidate is something that a user has or has not: an event of a selector in the range; a value
 * of an event property in the range, on some event of a selector; a value of a user property. Null
 * is a value of a user property and not of an event's. Candidates are ranked by the bound of the
 * odds ratio's interval that lies nearer to 1, the one farther from 1 first; an interval that holds
 * 1 ranks behind all that do not.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_COMPARE_CORRELATION_H
#define RC_COMPARE_CORRELATION_H

#include "engine/compare/inference.h"
#include "engine/query/query.h"

#define RC_CORRELATION_EVENTS_MAX 1024u /* Sixteen walks of 64 selectors. */
#define RC_CORRELATION_PROPERTIES_MAX 64u
#define RC_CORRELATION_TOP_MAX 1000u

struct rc_chart_cell;

struct rc_correlation_request {
    struct rc_scope scope;
    const struct rc_segment *converted;          /* With an entity: NULL, and */
    const struct rc_chart_cell *converted_cell;  /* those behind a number that counted the same, */
    const struct rc_chart_cell *population_cell; /* in all, or NULL: of the events in the range. */
    uint32_t event_count;                        /* Candidates by selector. */
    const struct rc_predicate *const *events;
    uint32_t property_count; /* Candidates by value: properties of events and of users. */
    const struct rc_breakdown *properties;
    const struct rc_predicate *among; /* Whose event properties are read; NULL: any event's. */
    uint64_t least_users;             /* Candidates of fewer users are left out; 0: of none. */
    uint32_t top_n;                   /* 1 .. RC_CORRELATION_TOP_MAX. */
    double confidence;                /* In (0, 1). */
};

struct rc_correlation_row {
    bool is_event;
    uint32_t place;           /* Of events or of properties. */
    struct rc_value value;    /* Of a property. */
    struct rc_rate converted; /* Of those who converted: how many have it. */
    struct rc_rate others;
    struct rc_odds odds;
};

struct rc_correlation_reply {
    uint64_t users; /* Of the population, */
    uint64_t converted_users;
    uint64_t candidate_count; /* With least_users and more; row_count of them are shown. */
    uint32_t row_count;
    const struct rc_correlation_row *rows;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_correlation(const struct rc_query_context *context,
                     const struct rc_correlation_request *request,
                     struct rc_correlation_reply *ret_reply,
                     struct rc_error *reterr_error);

#endif
