/*
 * Funnel: how many users come how far along a list of steps. Semantics are those of
 * docs/semantics.md.
 *
 * Ownership, Threading, Units, Errors: as in query.h. Steps count from 0 here, and from 1 in what a
 * client reads.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_H
#define RC_QUERY_FUNNEL_FUNNEL_H

#include "engine/query/query.h"

enum rc_funnel_order {
    RC_FUNNEL_ORDERED = 0,
    RC_FUNNEL_STRICT = 1,       /* No event of any kind between two steps. */
    RC_FUNNEL_STRICT_STEPS = 2, /* No event of another step between two steps. */
    RC_FUNNEL_UNORDERED = 3,
};

/* Where the value of a breakdown is read. */
enum rc_funnel_at {
    RC_FUNNEL_AT_FIRST = 0,          /* At the first step of the chosen attempt, */
    RC_FUNNEL_AT_LAST = 1,           /* at its last, */
    RC_FUNNEL_AT_FIRST_IN_RANGE = 2, /* at the first event of step 1 in the range. */
    RC_FUNNEL_AT_STEP = 3,           /* A funnel for each value, with one step narrowed to it. */
    RC_FUNNEL_AT_ALL = 4,            /* The same with every step. */
};

struct rc_funnel_exclusion {
    const struct rc_predicate *selector;
    uint32_t after;  /* From this step on, */
    uint32_t before; /* up to this one: after < before. */
};

/* Events of these steps share the value of a property. */
struct rc_funnel_hold {
    struct rc_bytes property;
    uint64_t steps; /* A bit each. */
};

/* A number of a reply: the users of a row, by how far they came. */
struct rc_funnel_cell {
    uint32_t row;    /* In the reply. */
    uint32_t bucket; /* RC_FUNNEL_NO_BUCKET: the range. */
    uint32_t step;   /* Those who reached it; */
    bool dropped;    /* or who entered and did not. */
};

#define RC_FUNNEL_NO_BUCKET UINT32_MAX

struct rc_funnel_request {
    struct rc_scope scope;
    uint32_t step_count; /* 1 .. RC_FUNNEL_STEPS_MAX. */
    const struct rc_predicate *const *steps;
    int64_t window_ms;              /* Negative: no limit. Its end is inclusive. */
    const int64_t *step_windows_ms; /* By step, from the one before; negative: none. NULL: none. */
    bool same_local_day;
    enum rc_funnel_order order;
    bool first_only;         /* reentry: first_only. */
    bool reuse_event;        /* One event may fill consecutive steps. */
    bool strict_times;       /* same_time: strict. */
    uint64_t optional_steps; /* A bit each; neither the first nor the last. */
    uint32_t exclusion_count;
    const struct rc_funnel_exclusion *exclusions;
    bool exclude_attempt_only;
    uint32_t hold_count;
    const struct rc_funnel_hold *holds;
    bool totals;                          /* Attempts are counted, not users. */
    const struct rc_breakdown *breakdown; /* NULL: none. */
    uint32_t dimension_count;             /* Of breakdown; 0 stands for 1. */
    uint32_t top_n;
    enum rc_funnel_at at;
    uint32_t at_step;
    enum rc_unit over_time;   /* 0: no buckets. */
    uint32_t over_time_count; /* Units of a bucket; 0: 1. */
    uint32_t histogram_bins;  /* 0: no histograms. */
    /* Gets the bits of the persons of the cell (with totals: who have such an attempt), none if the
     * reply has no such cell. Zeroed, a bit an ordinal, to whole words. NULL: nobody asks. */
    uint64_t *persons;
    struct rc_funnel_cell cell;
};

struct rc_funnel_step {
    uint64_t users; /* Or attempts. */
    double
        conversion_from_previous; /* 0 .. 1; NaN when nobody reached the previous required step. */
    double conversion_from_first;
    double mean_s_from_previous; /* Of the chosen attempts; NaN when there is none. */
    double median_s_from_previous;
    double mean_s_from_first;
    double median_s_from_first;
    struct rc_histogram from_previous; /* With histogram_bins. */
    struct rc_histogram from_first;
};

struct rc_funnel_row {
    struct rc_row_label label;
    const struct rc_funnel_step *steps; /* step_count of them. */
};

struct rc_funnel_reply {
    uint32_t step_count;
    uint32_t row_count; /* As in a series: ranked by users of step 1, OTHER, NOT_REACHED, TOTAL;
                           TOTAL alone without a breakdown. */
    const struct rc_funnel_row *rows;
    uint32_t bucket_count; /* With over_time. */
    const struct rc_bucket *buckets;
    const struct rc_funnel_row *const *bucket_rows; /* By bucket: row_count of them. */
    /* By step, with histograms: the edges of the bins, in seconds, or NULL. */
    const double *const *edges_from_previous;
    const double *const *edges_from_first;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_funnel(const struct rc_query_context *context,
                const struct rc_funnel_request *request,
                struct rc_funnel_reply *ret_reply,
                struct rc_error *reterr_error);

#endif
