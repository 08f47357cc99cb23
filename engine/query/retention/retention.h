/*
 * Retention: how many of the users who begin in a period come back after how many periods.
 * Semantics are those of docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_H
#define RC_QUERY_RETENTION_RETENTION_H

#include "engine/query/query.h"

enum rc_cohort_kind {
    RC_COHORT_RECURRING = 1,      /* Each period in which they did the start event. */
    RC_COHORT_FIRST_TIME = 2,     /* The period of their first ever. */
    RC_COHORT_FIRST_IN_RANGE = 3, /* The period of their first in the range. */
};

/* A column: the periods [first, last]. */
struct rc_retention_bracket {
    uint32_t first;
    uint32_t last;
};

enum rc_retention_aggregate {
    RC_RETENTION_NO_VALUE = 0,
    RC_RETENTION_SUM = 1,  /* Of the return events of a cell's users. */
    RC_RETENTION_MEAN = 2, /* The sum for each of the cell's users. */
};

struct rc_retention_request {
    struct rc_scope scope;
    enum rc_unit unit;   /* DAY, WEEK, MONTH, and the others. */
    uint32_t unit_count; /* Of a period; 0 stands for 1. */
    bool rolling;        /* Cells are counted from each start event; DAY, WEEK and MONTH (30 d). */
    enum rc_cohort_kind cohort;
    const struct rc_predicate *start;
    const struct rc_predicate *back; /* The return event. */
    uint32_t period_count;           /* Columns 0 .. period_count - 1; 0: as many as cohorts. */
    uint32_t bracket_count;          /* Columns in their place; then period_count is 0. */
    const struct rc_retention_bracket *brackets;
    bool on_or_after;
    bool in_range;                        /* Returns are read inside the range only. */
    uint32_t occurrences_min;             /* Returns in one of a cell's periods; 0 stands for 1. */
    const struct rc_breakdown *breakdown; /* Of the start events. NULL: none. */
    uint32_t dimension_count;             /* Of breakdown. */
    uint32_t top_n;                       /* As in a series. */
    bool same_value;                      /* A return needs a row of the start event. */
    enum rc_retention_aggregate aggregate;
    struct rc_bytes property; /* Of the return events, with an aggregate. */
    /* NULL, or a bit a person (zero): set for those who are counted in the cell at. Rows stand as
     * in the reply. */
    uint64_t *persons;
    struct {
        uint32_t row;
        uint32_t cohort;
        uint32_t column; /* RC_RETENTION_SIZE: the cohort itself. */
    } at;
};

#define RC_RETENTION_SIZE UINT32_MAX

enum rc_cell_state {
    RC_CELL_NOT_BEGUN = 0, /* No number. */
    RC_CELL_BEGUN = 1,     /* A number that can still grow. */
    RC_CELL_ELAPSED = 2,
};

struct rc_retention_cell {
    uint64_t users;
    double value; /* With an aggregate; NaN: none. */
    enum rc_cell_state state;
};

struct rc_retention_cohort {
    uint64_t users;                        /* Its size. */
    const struct rc_retention_cell *cells; /* By column. */
};

struct rc_retention_summary {
    uint64_t users;        /* Over cohorts whose cell has elapsed. */
    uint64_t cohort_users; /* The denominator. */
    double value;          /* With an aggregate; NaN: none. */
};

struct rc_retention_row {
    struct rc_row_label label;
    const struct rc_retention_cohort *cohorts;
    const struct rc_retention_summary *summary; /* By column. */
};

struct rc_retention_reply {
    uint32_t column_count;
    const struct rc_retention_bracket *columns;
    uint32_t cohort_count;
    const struct rc_bucket *periods; /* Of the cohorts. */
    uint32_t row_count;              /* As in a series. */
    const struct rc_retention_row *rows;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_retention(const struct rc_query_context *context,
                   const struct rc_retention_request *request,
                   struct rc_retention_reply *ret_reply,
                   struct rc_error *reterr_error);

#endif
