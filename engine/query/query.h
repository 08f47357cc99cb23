/*
 * Query: what can be asked, and what comes back, as plain data. One request struct and one reply
 * struct a kind; fold_*.c answer them; semantics are those of docs/semantics.md.
 *
 * Ownership: a request and all it points to belongs to the caller and is only read. A reply's
 *            arrays come from the arena given to the call.
 * Threading: a request may be shared.
 * Units:     times are UTC ms since 1970; ranges are half-open [start, end); durations in ms.
 * Errors:    RC_INVALID and RC_LIMIT_EXCEEDED name the field as in the request
 *            ("steps[2].predicate"); RC_NOT_FOUND names the definition or segment; RC_CANCELLED;
 *            RC_NO_MEMORY.
 */
#ifndef RC_QUERY_QUERY_H
#define RC_QUERY_QUERY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/base/workers.h"
#include "engine/match/matcher.h"
#include "engine/match/predicate/definitions.h"
#include "engine/match/predicate/predicate.h"
#include "engine/query/plan/hints.h"
#include "engine/query/segment/segment.h"
#include "engine/store/project/catalog.h"
#include "engine/store/project/view.h"
#include "engine/store/value/event_id.h"
#include "engine/store/value/value.h"

struct rc_entities;
struct rc_explain;
struct rc_pattern;
struct rc_slow_place;

/* How far a query is, for whoever watches it. */
struct rc_query_progress {
    _Atomic uint64_t done; /* Steps: a bitmap of a slab, a block of persons. */
    _Atomic uint64_t all;  /* Of what is known so far: a later stage adds its own. */
};

/* What a query runs against and with. */
struct rc_query_context {
    struct rc_view *view;
    struct rc_match_cache *cache;
    const struct rc_catalog *definitions; /* Names in DEFINITION nodes. */
    const struct rc_catalog *segments;    /* Names in saved-segment nodes. */
    const struct rc_catalog *derived;     /* Names of derived properties. NULL: there are none. */
    struct rc_bytes project;              /* Its id, for read_cell. */
    rc_cell_read *read_cell;              /* Reads cells of saved segments. NULL: nobody can. */
    uint32_t cells_deep;                  /* Questions of cells that the query is part of. */
    struct rc_name_uses *uses; /* Get what of these is used, by kind - 1. NULL: nobody asks. */
    /* Joined users are shown under an id in which it is found, if they have one. NULL: each. */
    const struct rc_pattern *shown_ids;
    /* What scopes with an entity count, of all events; such a query is asked for its cells. NULL:
     * each plan finds those of the events that it reads. */
    struct rc_entities *entities;
    struct rc_workers *workers;
    uint32_t parallel_max;       /* Threads, the caller's included; at least 1. */
    const _Atomic(bool) *cancel; /* Looked at at least every 10 ms. NULL: never. */
    struct rc_account *account;  /* Scratch memory is charged here. */
    struct rc_arena *arena;      /* Replies come from here; one thread uses it. */
    /* NULL: the planner decides; nobody asks how; nobody watches; nobody asks where. */
    struct rc_query_hints *hints;
    struct rc_explain *explain;
    struct rc_query_progress *progress;
    struct rc_slow_place *slow; /* Gets where a pattern took too long (too_slow.h). */
};

/* Those of one kind. */
static inline struct rc_name_uses *
rc_query_uses(const struct rc_query_context *context, enum rc_catalog_kind kind)
{
    return context->uses == NULL ? NULL : &context->uses[kind - 1];
}

/* What every request carries. */
struct rc_scope {
    int64_t start_ms; /* The range; start < end. */
    int64_t end_ms;
    int64_t as_of_ms;                 /* Later events and property writes are not read. */
    struct rc_bytes zone;             /* IANA name; empty: UTC. */
    uint32_t week_start;              /* 0 Monday .. 6 Sunday. */
    const struct rc_segment *segment; /* NULL: everybody. */
    struct rc_bytes entity;           /* Count the values of this event property; empty: users. */
};

/* What every reply says. */
struct rc_query_stats {
    uint64_t data_version;
    uint64_t matched_events; /* Hits that the fold was fed. */
    uint64_t rowsets_built;  /* Bitmaps computed for this query. */
    uint64_t rowsets_cached; /* Bitmaps found. */
    uint64_t slabs_read;
    uint64_t slabs_pruned; /* Outside the time that the query can see. */
    uint64_t elapsed_ns;
};

enum rc_unit {
    RC_UNIT_SECOND = 1,
    RC_UNIT_MINUTE,
    RC_UNIT_HOUR,
    RC_UNIT_DAY,
    RC_UNIT_WEEK,
    RC_UNIT_MONTH,
    RC_UNIT_QUARTER,
    RC_UNIT_YEAR,
};

/* A bucket: [start_ms, end_ms) uncut, with the zone's offset at its start. */
struct rc_bucket {
    int64_t start_ms;
    int64_t end_ms;
    int32_t offset_s;
    bool partial; /* The range cuts it. */
};

enum rc_dimension_kind {
    RC_DIMENSION_PROPERTY = 0,
    RC_DIMENSION_USER_COUNT = 1, /* How often the user did something. */
    RC_DIMENSION_SEGMENTS = 2,   /* A row for each, and one for the users in none. */
};

/* Break rows down: one row per value, ranked, the top n and Other. Several dimensions are an array
 * of these; a row is then a tuple. */
struct rc_breakdown {
    enum rc_leaf_scope scope; /* Property of the event, of the user, or of an account. */
    struct rc_bytes property;
    struct rc_bytes account_key; /* ACCOUNT: the event property that names it. */
    /* The rest is for folds over a split (split.h); all zero: a row for each value of property. */
    enum rc_dimension_kind kind;
    uint32_t bins;                       /* Numbers go into so many equal bins; 0: they do not. */
    const struct rc_predicate *selector; /* USER_COUNT: what is counted, */
    bool has_range;                      /* in [start_ms, end_ms), or else in the range. */
    int64_t start_ms;
    int64_t end_ms;
    uint32_t segment_count; /* SEGMENTS. */
    const struct rc_segment *const *segments;
    const struct rc_bytes *segment_names; /* To show. */
};

/* A top_n: no row for any value, all of them are Other. */
#define RC_TOP_NONE UINT32_MAX

enum rc_row_kind {
    RC_ROW_VALUE = 1,       /* value holds it; NULL is a value. */
    RC_ROW_OTHER = 2,       /* Everything past the top n. */
    RC_ROW_TOTAL = 3,       /* The answer without a breakdown. */
    RC_ROW_NOT_REACHED = 4, /* Of a funnel: who never came to the step that is broken down. */
};

enum rc_label_kind {
    RC_LABEL_VALUE = 1,
    RC_LABEL_BIN = 2, /* [low, high), or [low, high] if closed. */
    RC_LABEL_SEGMENT = 3,
    RC_LABEL_NO_SEGMENT = 4,
};

/* The value of a row in one dimension. */
struct rc_label_value {
    enum rc_label_kind kind;
    struct rc_value value; /* In group form (rc_value_group). */
    double low;
    double high;
    bool closed;
    uint32_t place; /* SEGMENT: in the request. */
    struct rc_bytes name;
};

struct rc_row_label {
    enum rc_row_kind kind;
    struct rc_value value; /* In group form (rc_value_group). */
    uint32_t part_count;   /* Of a split: a value a dimension, and then value is null. */
    const struct rc_label_value *parts;
};

/* ---- Series ---------------------------------------------------------------------------------- */

enum rc_measure {
    RC_MEASURE_COUNT = 1,    /* Events. */
    RC_MEASURE_UNIQUE = 2,   /* Users. */
    RC_MEASURE_SESSIONS = 3, /* Sessions with a matching event, by their first event. */
    RC_MEASURE_PER_USER = 4, /* Mean number of events of the users who have one. */
    RC_MEASURE_MOST = 5,     /* The most events of one user. */
    RC_MEASURE_SUM = 6,      /* From here on: of the numbers of a property. */
    RC_MEASURE_MEAN = 7,
    RC_MEASURE_MIN = 8,
    RC_MEASURE_MAX = 9,
    RC_MEASURE_MEDIAN = 10,
    RC_MEASURE_PERCENTILE = 11,
    RC_MEASURE_HISTOGRAM = 12,
    RC_MEASURE_DISTINCT = 13, /* Different values of a property, null left out. */
    RC_MEASURE_ROLLING = 14,  /* Users with an event in the days before the bucket's end. */
};

struct rc_series {
    const struct rc_predicate *selector;
    const char *field; /* As errors and plans name the selector; NULL: "series[2].selector". */
    enum rc_measure measure;
    struct rc_bytes property;
    struct rc_bytes account_key; /* Of the accounts that events name in it; empty: of events. */
    double percentile;           /* 0 .. 100. */
    uint32_t bins;               /* HISTOGRAM: 1 .. RC_BINS_MAX. */
    uint32_t rolling_days;       /* ROLLING: 1 .. RC_ROLLING_DAYS_MAX. */
    int64_t session_gap_ms;      /* SESSIONS: 1 .. RC_SESSION_GAP_MS_MAX. */
};

/* A series computed from series: see formula.h. */
struct rc_series_formula {
    struct rc_bytes expression;
};

enum rc_compare_kind {
    RC_COMPARE_NONE = 0,
    RC_COMPARE_PREVIOUS = 1, /* The time of the same length right before the range. */
    RC_COMPARE_SHIFT = 2,    /* Both ends back by the calendar. */
};

struct rc_series_request {
    struct rc_scope scope;
    enum rc_unit unit;     /* 0: no buckets. */
    uint32_t unit_count;   /* Of a bucket; 0: 1. */
    uint32_t series_count; /* 1 .. RC_SERIES_MAX. */
    const struct rc_series *series;
    const struct rc_breakdown *breakdown; /* NULL: none. */
    uint32_t dimension_count;             /* Of breakdown; 0 stands for 1. */
    uint32_t top_n; /* With a breakdown; 0 stands for 9, RC_TOP_NONE for no value rows. */
    const struct rc_breakdown *columns; /* Cuts rows into columns. NULL: none. */
    uint32_t column_dimension_count;
    uint32_t column_top_n; /* As top_n. */
    uint32_t formula_count;
    const struct rc_series_formula *formulas;
    bool cumulative; /* COUNT and UNIQUE only. */
    enum rc_compare_kind compare;
    enum rc_unit shift_unit; /* SHIFT: DAY, WEEK or MONTH. */
    uint32_t shift_count;    /* At least 1. */
};

/* How numbers are spread over bins that all rows and buckets of a series share. */
struct rc_histogram {
    uint32_t bin_count; /* 0: there is no number. */
    const uint64_t *counts;
};

struct rc_series_row {
    uint32_t series; /* Index into the request's series, and behind them into its formulas. */
    struct rc_row_label label;
    const double *values;          /* A number a bucket; NaN: there is none. */
    double total;                  /* The range-wide figure, computed on its own. */
    const double *compared_values; /* With a comparison: of the earlier time, by place. */
    double compared_total;
    const struct rc_histogram *histograms;          /* HISTOGRAM: one a bucket, then the range's. */
    const struct rc_histogram *compared_histograms; /* The same of the earlier time, by place. */
    const double *by_column; /* With columns: the range-wide figure in each. */
    const double *compared_by_column;
};

/* The columns of a result: VALUE by rank, OTHER where there are more, TOTAL. */
struct rc_series_columns {
    uint32_t count;
    const struct rc_row_label *labels;
};

struct rc_series_reply {
    uint32_t bucket_count;
    const struct rc_bucket *buckets;
    uint32_t row_count; /* By series, then rank; without a breakdown one TOTAL row a series; with
                           one: its top VALUE rows, then OTHER where more rows exist, then TOTAL. */
    const struct rc_series_row *rows;
    const double *const *bin_edges; /* By series: of a HISTOGRAM with numbers, bins + 1 edges (or 2
                                       when all numbers are equal); else NULL. */
    const struct rc_series_columns *columns; /* By series, then formula. NULL: none. */
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_series(const struct rc_query_context *context,
                const struct rc_series_request *request,
                struct rc_series_reply *ret_reply,
                struct rc_error *reterr_error);

/* ---- Segment --------------------------------------------------------------------------------- */

struct rc_segment_request {
    int64_t as_of_ms;
    struct rc_bytes zone;
    const struct rc_segment *segment;
    bool list; /* Also return users. */
    struct rc_bytes
        after; /* List persons whose shown id is above this (by bytes); empty: from the start. */
    uint32_t page_rows; /* 1 .. RC_PAGE_ROWS_MAX. */
};

struct rc_segment_reply {
    uint64_t users;       /* Persons in the segment. */
    uint64_t known_users; /* Persons there are. */
    uint32_t id_count;
    const struct rc_bytes *ids; /* By bytes, ascending. */
    bool more;
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_segment(const struct rc_query_context *context,
                 const struct rc_segment_request *request,
                 struct rc_segment_reply *ret_reply,
                 struct rc_error *reterr_error);

/* How some segments overlap. A combination is a mask of them. */
struct rc_overlap_request {
    int64_t as_of_ms;
    struct rc_bytes zone;
    const struct rc_segment *among; /* NULL: everybody. */
    uint32_t segment_count;         /* 1 .. RC_OVERLAP_SEGMENTS_MAX. */
    const struct rc_segment *const *segments;
};

struct rc_overlap_reply {
    uint64_t users[1u << RC_OVERLAP_SEGMENTS_MAX];     /* By mask: in all of these; 0: everybody. */
    uint64_t exclusive[1u << RC_OVERLAP_SEGMENTS_MAX]; /* And in no other; 0: in none. */
    struct rc_query_stats stats;
};

RC_MUST_USE enum rc_status
rc_query_overlap(const struct rc_query_context *context,
                 const struct rc_overlap_request *request,
                 struct rc_overlap_reply *ret_reply,
                 struct rc_error *reterr_error);

/* ---- A user's events --------------------------------------------------------------------------
 */

/* Where a page ends: a place in the total order (time, event id, user as sent). */
struct rc_event_place {
    int64_t time_ms;
    struct rc_bytes event_id;
    struct rc_bytes user_id; /* As sent. */
    uint32_t repeat; /* Among events without a sent id that are equal in all three: how many came
                        before. */
};

struct rc_events_request {
    struct rc_scope scope;   /* Range and as-of; zone and segment are not used. */
    struct rc_bytes user_id; /* Any sent id of the person. */
    const struct rc_predicate *selector;
    bool descending;
    const struct rc_event_place *after; /* Page starts behind this place in the direction. NULL: at
                                           the end of the range that the direction starts from. */
    uint32_t page_rows;
    bool with_definitions; /* Also say which definitions each event means. */
    uint32_t column_count; /* Of these names, those of derived properties are derived too. */
    const struct rc_bytes *columns;
};

struct rc_event_property {
    struct rc_bytes name;
    struct rc_value value;
};

struct rc_event {
    struct rc_event_place place;
    uint32_t property_count;
    const struct rc_event_property *properties; /* By name. */
    uint32_t definition_count;                  /* 0 as well where nobody asked. */
    const uint32_t *definitions; /* Indexes into the context's definitions, ascending. */
};

struct rc_events_reply {
    uint32_t event_count;
    const struct rc_event *events;
    bool more;
    struct rc_bytes person_id; /* As shown. */
    uint32_t user_property_count;
    const struct rc_event_property *user_properties;
    struct rc_query_stats stats;
};

/* RC_NOT_FOUND: no such user. */
RC_MUST_USE enum rc_status
rc_query_events(const struct rc_query_context *context,
                const struct rc_events_request *request,
                struct rc_events_reply *ret_reply,
                struct rc_error *reterr_error);

#endif
