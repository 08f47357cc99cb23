/*
 * Retention frame: a question about retention made ready: columns, periods, what is read, the rows;
 * and the counts that lanes fill.
 *
 * Ownership: arrays of a frame are in the context's arena or freed by rc_retention_close.
 * Threading: one thread makes it; a lane belongs to one thread at a time.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_FRAME_H
#define RC_QUERY_RETENTION_RETENTION_FRAME_H

#include "engine/query/number/exact_sum.h"
#include "engine/query/number/property_numbers.h"
#include "engine/query/plan/plan.h"
#include "engine/query/retention/retention.h"
#include "engine/query/series/series_rank.h"
#include "engine/query/split/split.h"
#include "engine/query/time/calendar.h"
#include "engine/query/walk/walk.h"

struct rc_retention_lane;

struct rc_retention {
    const struct rc_query_context *context;
    const struct rc_retention_request *request;
    struct rc_calendar calendar;
    struct rc_plan *plan;
    uint64_t start_bit;
    uint64_t return_bit; /* The same, where both are one selector. */
    bool same_event;     /* They are. */
    int64_t starts_end_ms;
    uint32_t occurrences_min;
    uint32_t column_count;
    const struct rc_retention_bracket *columns;
    bool plain_columns;              /* Column n is period n. */
    uint32_t last;                   /* The greatest period of a column. */
    int64_t rolling_ms;              /* 0: periods of the calendar. */
    const struct rc_bucket *periods; /* Of the range, then the ones behind. */
    uint32_t period_count;
    uint32_t cohort_count;
    int64_t periods_end_ms;
    struct rc_bucket_map map;
    bool by_hits; /* Each return is looked at for each start, and not the periods that have some. */
    struct rc_numbers *numbers; /* With an aggregate. */
    struct rc_split *split;     /* With a breakdown; */
    struct rc_series_ranking ranking;
    uint32_t row_count; /* Values shown, Other if there is one, and the total. */
    uint32_t lane_count;
    struct rc_retention_lane *lanes;
    void **states;
};

/* A cohort that a person is in. */
struct rc_retention_start {
    uint32_t cohort;
    uint32_t hit;
    uint32_t zero_count; /* Returns of cell 0 (calendar). */
};

/* Returns of one period. */
struct rc_retention_period {
    uint32_t period;
    uint32_t count;
};

struct rc_retention_lane {
    const struct rc_retention *retention;
    uint32_t *sizes;           /* [row][cohort] */
    uint32_t *cells;           /* [row][cohort][column]; or_after of plain columns: by last one. */
    struct rc_exact_sum *sums; /* The same, with an aggregate. */
    struct rc_split_item *items; /* Starts: of the first walk of a breakdown. */
    uint32_t item_count;
    size_t item_capacity;
    /* One person's. */
    struct rc_retention_start *starts;
    uint32_t start_count;
    struct rc_retention_period *returns; /* Ascending; period_count: later than all. */
    uint32_t return_count;
    size_t return_capacity;
    uint32_t *hits; /* Of returns, with by_hits. */
    size_t hit_capacity;
    uint32_t hit_count;
    /* One start's. */
    uint64_t *stamps; /* By column: the last start that filled it. */
    uint64_t stamp;
    struct rc_split_list start_rows;
    struct rc_split_list return_rows;
    uint32_t *rows;
    size_t row_capacity;
    uint32_t person;
};

/* Feeds one person: the walk's callback. */
enum rc_status
rc_retention_person(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count);

/* Notes the start events of a person alone: the first walk of a breakdown. */
enum rc_status
rc_retention_person_starts(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count);

/* Adds up the lanes. */
RC_MUST_USE enum rc_status
rc_retention_fill_reply(const struct rc_retention *retention, struct rc_retention_reply *reply);

#endif
