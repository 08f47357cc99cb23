/*
 * Sessions: how many, how long, how many events each, how many of one event, and where they begin
 * and end. Semantics are those of docs/semantics.md.
 *
 * Ownership, Threading, Errors: as in query.h.
 * Units:     lengths in seconds, from a session's first event to its last.
 */
#ifndef RC_QUERY_USAGE_SESSIONS_H
#define RC_QUERY_USAGE_SESSIONS_H

#include "engine/query/query.h"

/* A number of a reply. */
enum rc_sessions_part {
    RC_SESSIONS_FIGURES = 0, /* Of a row. */
    RC_SESSIONS_ENTRIES = 1, /* Of entries. */
    RC_SESSIONS_EXITS = 2,
};

#define RC_SESSIONS_RANGE UINT32_MAX /* The figures of the range, in place of a bucket's. */

struct rc_sessions_cell {
    enum rc_sessions_part part;
    uint32_t row;    /* Of figures: the number of rows stands for the total. */
    uint32_t bucket; /* Of figures. */
    bool bounced;    /* Only sessions of one event. */
};

struct rc_sessions_request {
    struct rc_scope scope;
    const struct rc_predicate *selector;  /* A session holds such an event inside the range. */
    int64_t gap_ms;                       /* 0 .. RC_SESSION_GAP_MS_MAX; a longer pause ends it. */
    enum rc_unit unit;                    /* 0: only the figures of the range. */
    uint32_t unit_count;                  /* Of a bucket; 0: 1. */
    struct rc_bytes property;             /* Of the first and the last event; empty: none. */
    uint32_t top_n;                       /* Of entries and exits; 0: 9, RC_TOP_NONE: no values. */
    const struct rc_breakdown *breakdown; /* NULL: none. */
    uint32_t dimension_count;
    uint32_t breakdown_top_n; /* As in a series. */
    /* NULL, or a bit a person (zero): set for those who have a session of the cell at. */
    uint64_t *persons;
    struct rc_sessions_cell at;
};

struct rc_sessions_figures {
    uint64_t sessions;
    uint64_t users;     /* With one of them. */
    uint64_t bounces;   /* Of one event. */
    double mean_events; /* NaN of nothing, as the lengths. */
    double mean_s;
    double median_s;
};

/* Sessions that begin (or end) with a value. */
struct rc_session_end {
    struct rc_row_label label;
    uint64_t sessions;
    uint64_t bounces;
};

struct rc_sessions_row {
    struct rc_row_label label;
    const struct rc_sessions_figures *figures; /* One a bucket. */
    struct rc_sessions_figures total;
};

struct rc_sessions_reply {
    uint32_t bucket_count;
    uint32_t row_count; /* Of a breakdown. */
    uint32_t entry_count;
    uint32_t exit_count;
    const struct rc_bucket *buckets;
    const struct rc_sessions_figures *figures; /* One a bucket. */
    struct rc_sessions_figures total;
    const struct rc_sessions_row *rows; /* Values by sessions, OTHER. */
    const struct rc_session_end
        *entries; /* By rank, then OTHER where there are more, then TOTAL. */
    const struct rc_session_end *exits;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_sessions(const struct rc_query_context *context,
                  const struct rc_sessions_request *request,
                  struct rc_sessions_reply *ret_reply,
                  struct rc_error *reterr_error);

#endif
