/*
 * Funnel fold: what the files of one funnel query share: what is asked, made ready, and the records
 * that its lanes keep of users' attempts.
 *
 * Ownership: a lane owns its arrays, charged to the query's account; the rest is borrowed.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_FOLD_H
#define RC_QUERY_FUNNEL_FUNNEL_FOLD_H

#include "engine/query/funnel/funnel_list.h"
#include "engine/query/funnel/funnel_rules.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/split.h"

/* Properties that can be held constant. */
#define RC_FUNNEL_HOLDS_MAX 4u
#define RC_FUNNEL_EXCLUSIONS_MAX 16u

/* Which rows a record counts in. */
enum rc_funnel_record_kind {
    RC_FUNNEL_RECORD_TOTAL = 1,       /* The total, */
    RC_FUNNEL_RECORD_ROWS = 2,        /* its rows, */
    RC_FUNNEL_RECORD_NOT_REACHED = 4, /* and "not reached". */
};

/* An attempt that counts. Records of a person are next to one another. */
struct rc_funnel_record {
    uint64_t filled;
    uint32_t person;
    uint32_t bucket; /* RC_FUNNEL_NO_BUCKET: the range. */
    uint32_t row;    /* Of the split; with several, where they begin in the lane's rows. */
    uint32_t row_count;
    uint32_t entry; /* Hits, by which a person's attempts are told apart. */
    uint32_t last;
    uint8_t depth;
    uint8_t kind;
};

/* What all lanes read. */
struct rc_funnel_query {
    const struct rc_query_context *context;
    const struct rc_funnel_request *request;
    struct rc_calendar calendar;
    struct rc_funnel_rules rules;
    bool plain;         /* Attempts of the range are found by rc_funnel_quick. */
    bool counts;        /* Attempts of one step may be counted without a record of each. */
    uint64_t step_mask; /* Bits of the steps in a hit's mask; exclusions follow. */
    struct rc_plan *plan;
    uint32_t selector_count;           /* Of the plan, */
    uint64_t expand[RC_SELECTORS_MAX]; /* and the steps and exclusions that each stands for. */
    bool expands;                      /* Some stand for more than their own. */
    /* Of more steps and exclusions than a hit's mask has bits: plans and masks of either, while the
     * plan above is of every event. */
    bool wide;
    struct rc_plan *wide_plans[2];
    struct rc_row_masks *wide_masks[2];
    struct rc_split *split; /* NULL: no breakdown. */
    struct rc_groups *holds[RC_FUNNEL_HOLDS_MAX];
    struct rc_funnel_span range;
    struct rc_bucket_map days;
    uint32_t bucket_count; /* Over time. */
    const struct rc_bucket *buckets;
    struct rc_bucket_map bucket_map;
    uint32_t lane_count;
    struct rc_funnel_lane *lanes;
};

struct rc_row_masks;
struct rc_funnel_search;
struct rc_funnel_unordered;
struct rc_funnel_totals;

/* How many rows a lane counts in. 0: none, all attempts have records. */
uint32_t
rc_funnel_counted_rows(const struct rc_funnel_query *query);

/* Levels of a lane's events: as they are, narrowed to a row; then a value of each property held. */
#define RC_FUNNEL_LEVEL_ALL 0u
#define RC_FUNNEL_LEVEL_NARROWED 1u
#define RC_FUNNEL_LEVEL_HELD 2u

/* A growing array of events. */
struct rc_funnel_events {
    struct rc_funnel_event *items;
    uint32_t count;
    size_t capacity;
};

/* An event (an index) and a value that it has. */
struct rc_funnel_valued {
    uint32_t value;
    uint32_t event;
};

struct rc_funnel_values {
    struct rc_funnel_valued *items;
    uint32_t count;
    size_t capacity;
};

struct rc_funnel_lane {
    const struct rc_funnel_query *query;
    struct rc_funnel_record *records;
    size_t record_capacity;
    size_t record_count;
    int64_t *times_ms; /* Of a record: for each step filled behind the first, since that. */
    size_t time_capacity;
    size_t time_count;
    uint32_t *rows;
    size_t row_capacity;
    size_t row_count;
    /* Attempts of the range that end at its first step, most of all, by their one row of the split
     * (without a split: one). NULL: they have records, as those of several rows have. */
    uint64_t *entrants;
    /* Of the person at hand. */
    uint32_t person;
    const struct rc_hit *hits;
    uint32_t hit_count;
    struct rc_hit *expanded; /* The hits by steps, where selectors stand for several. */
    size_t expanded_capacity;
    uint64_t *exclusions; /* Of a wide query: by hit, the exclusions that it is one of. */
    size_t exclusions_capacity;
    struct rc_funnel_times excluded[RC_FUNNEL_EXCLUSIONS_MAX];
    int64_t *excluded_ms;
    size_t excluded_capacity;
    struct rc_funnel_events events[RC_FUNNEL_HOLDS_MAX + 2]; /* By level. */
    struct rc_funnel_values values[RC_FUNNEL_HOLDS_MAX + 1]; /* The last: rows of events. */
    struct rc_split_list split_list;
    struct rc_funnel_list list;
    struct rc_funnel_span *spans; /* Of buckets with an entry. */
    size_t span_capacity;
    struct rc_funnel_span *narrowed; /* first_only. */
    size_t narrowed_capacity;
    uint32_t *span_buckets;
    size_t span_bucket_capacity;
    uint32_t span_count;
    struct rc_funnel_attempt *attempts; /* One a span. */
    size_t attempt_capacity;
    /* Where rows have funnels of their own: some row holds the person, by span; with totals some
     * row holds an attempt, by the hit that entered it. */
    uint8_t *reached;
    size_t reached_capacity;
    struct rc_funnel_search *search;
    struct rc_funnel_unordered *unordered;
    struct rc_funnel_totals *totals;
};

RC_MUST_USE enum rc_status
rc_funnel_lane_open(struct rc_funnel_lane *lane, const struct rc_funnel_query *query);

void
rc_funnel_lane_close(struct rc_funnel_lane *lane);

/* Takes all hits of a person: rc_fold's person. */
RC_MUST_USE enum rc_status
rc_funnel_fold_person(void *lane, uint32_t person, const struct rc_hit *hits, uint32_t count);

/* Walks over the users' hits of a plan, and feeds the lanes. */
RC_MUST_USE enum rc_status
rc_funnel_walk(struct rc_funnel_query *query, const struct rc_plan *plan, uint64_t *hit_count);

/* Makes the plans of a query of more steps and exclusions than a hit's mask has bits: of the
 * selectors given, steps first. */
RC_MUST_USE enum rc_status
rc_funnel_wide_plans(struct rc_funnel_query *query,
                     const struct rc_counted *counted,
                     const struct rc_plan_selector *selectors,
                     struct rc_error *reterr_error);

/* Copies the hits of such a query with the bits of the steps, and fills lane->exclusions. */
RC_MUST_USE enum rc_status
rc_funnel_widen(struct rc_funnel_lane *lane, const struct rc_hit **hits, uint32_t count);

/* The plan's bits of the selectors that stand for some of these steps. */
uint64_t
rc_funnel_plan_bits(const struct rc_funnel_query *query, uint64_t steps);

/* Copies the hits with a bit for each step in place of the plan's. */
RC_MUST_USE enum rc_status
rc_funnel_expand(struct rc_funnel_lane *lane, const struct rc_hit **hits, uint32_t count);

/* Room for count elements of an array of the lane; what was in it is lost. */
RC_MUST_USE enum rc_status
rc_funnel_lane_ensure(struct rc_funnel_lane *lane,
                      void *array,
                      size_t *capacity,
                      size_t count,
                      size_t element_bytes);

#define RC_FUNNEL_ENSURE(lane, array, capacity, count) \
    rc_funnel_lane_ensure((lane), &(array), &(capacity), (count), sizeof(*(array)))

/* Adds a record of an attempt of the person at hand; its rows, bucket and kind are set. */
RC_MUST_USE enum rc_status
rc_funnel_lane_add(struct rc_funnel_lane *lane,
                   const struct rc_funnel_attempt *attempt,
                   struct rc_funnel_record record);

/* The same for the plain funnel, with the rows of the event that the breakdown reads, or a count.
 * events and span are read for the first event of a span alone; NULL: that is the first hit of the
 * first step. */
RC_MUST_USE enum rc_status
rc_funnel_lane_add_plain(struct rc_funnel_lane *lane,
                         const struct rc_funnel_attempt *attempt,
                         uint32_t bucket,
                         const struct rc_funnel_events *events,
                         const struct rc_funnel_span *span);

/* Fills lane->attempts: the chosen attempt of each span. */
RC_MUST_USE enum rc_status
rc_funnel_choose(struct rc_funnel_lane *lane,
                 const struct rc_funnel_events *events,
                 const struct rc_funnel_span *spans,
                 uint32_t span_count);

/* Adds the records of attempts that are counted by themselves. buckets NULL: of the range. row: of
 * the split, or RC_FUNNEL_NONE for the plain funnel. */
RC_MUST_USE enum rc_status
rc_funnel_run_totals(struct rc_funnel_lane *lane,
                     const struct rc_funnel_events *events,
                     const struct rc_funnel_span *spans,
                     const uint32_t *buckets,
                     uint32_t span_count,
                     uint32_t row);

/* Adds the records of each row's own funnel, and marks in lane->reached what some row holds. */
RC_MUST_USE enum rc_status
rc_funnel_run_rows(struct rc_funnel_lane *lane,
                   const struct rc_funnel_span *spans,
                   const uint32_t *buckets,
                   uint32_t span_count);

/* The chosen attempt of each span among events whose values are held constant. */
RC_MUST_USE enum rc_status
rc_funnel_hold_choose(struct rc_funnel_lane *lane,
                      const struct rc_funnel_events *events,
                      const struct rc_funnel_span *spans,
                      uint32_t span_count,
                      struct rc_funnel_attempt *ret_attempts);

/* One search over some events. list NULL: the chosen attempts. */
RC_MUST_USE enum rc_status
rc_funnel_solve(struct rc_funnel_lane *lane,
                const struct rc_funnel_events *events,
                const struct rc_funnel_span *spans,
                uint32_t span_count,
                struct rc_funnel_attempt *ret_attempts,
                struct rc_funnel_list *list);

/* Makes the rows of the reply from the lanes' records. */
RC_MUST_USE enum rc_status
rc_funnel_fill_reply(const struct rc_funnel_query *query, struct rc_funnel_reply *reply);

/* What may be asked. Errors name the field. */
RC_MUST_USE enum rc_status
rc_funnel_check(const struct rc_funnel_request *request,
                struct rc_calendar *ret_calendar,
                struct rc_error *reterr_error);

#endif
