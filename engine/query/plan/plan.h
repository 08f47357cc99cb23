/*
 * Plan: a query's selectors made ready: definitions resolved, matchers built, slabs that the query
 * cannot see left out, and the rowset of each selector in each slab at hand, found in the way that
 * the planner (planner.h) chose. Read-only once made.
 *
 * A plan for some persons only may hold rowsets that lack rows of others.
 *
 * A selector whose predicate reads the user is several streams: each a pure set of rows with a set
 * of persons beside it. One of first events (first_time, first_then_filter) is the rows that a walk
 * of its own has found (first.h), cut with those of its filter.
 *
 * Ownership: a plan holds references to its rowsets; the rest is in the context's arena.
 * Threading: made by one thread (which lets workers compute rowsets), then read by any.
 * Units:     ms since 1970, UTC; time limits are half-open.
 * Errors:    those of definitions and predicates, with the selector's field in front; RC_CANCELLED;
 *            RC_NO_MEMORY.
 */
#ifndef RC_QUERY_PLAN_PLAN_H
#define RC_QUERY_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/explain.h"
#include "engine/query/query.h"

struct rc_entities;
struct rc_hit;
struct rc_first;

/* Whom or what a query counts. */
struct rc_counted {
    const uint64_t *persons; /* The events of these users; NULL: everybody's. */
    struct rc_bytes entity;  /* By values of this event property; empty: by user. */
};

/* What a fold that takes rows as they are reads of them. */
enum rc_rows_reading {
    RC_ROWS_VALUES = 0, /* Times and a property's values, of all rows of a piece. */
    RC_ROWS_TIMES = 1,  /* Times, of all rows of a piece; */
    RC_ROWS_SINGLY = 2, /* where the set is sparse, of its rows alone. */
};

/* A selector as a fold asks for it. */
struct rc_plan_selector {
    const struct rc_predicate *predicate;
    char field[64];  /* "steps[2].selector". */
    int64_t from_ms; /* Only hits in [from_ms, until_ms) are fed. */
    int64_t until_ms;
};

struct rc_stream {
    uint32_t selector; /* Index of it. */
    char field[64];    /* Its. */
    uint64_t bit;      /* Of its selector, in the mask of a hit. */
    struct rc_matcher *matcher;
    uint32_t part;
    const uint64_t *persons;      /* NULL: everybody. */
    const struct rc_first *first; /* Only these rows; NULL: all that match. */
    int64_t from_ms;
    int64_t until_ms;
};

struct rc_plan_slab {
    uint32_t index; /* In rc_view_slabs. */
    uint32_t row_count;
    uint64_t hits_max;       /* Rows that match, dead ones and those outside the time included. */
    struct rc_rowset **sets; /* One a stream; NULL: none of its rows can be hits. */
};

struct rc_plan {
    const struct rc_query_context *context;
    const uint64_t *persons;      /* Only their hits are fed; NULL: everybody's. */
    struct rc_entities *entities; /* What folds meet in place of persons; NULL: persons. */
    uint32_t matcher_count;       /* One a selector. */
    struct rc_matcher *matchers[RC_SELECTORS_MAX];
    uint32_t first_count; /* One a selector of first events. */
    struct rc_first *firsts[RC_SELECTORS_MAX];
    uint32_t stream_count;
    struct rc_stream *streams;
    uint32_t slab_count; /* Slabs with rows that match, by (window, first time). */
    struct rc_plan_slab *slabs;
    uint64_t hits_max;
    bool reads_persons;      /* A filter or a stream asks who did it. */
    uint32_t rowsets_cached; /* Bitmaps that were there. */
    uint32_t rowsets_built;
    uint32_t slabs_pruned;
    double hits_estimate;            /* Of the planner; hits_max is what it came to. */
    uint32_t slabs_planned;          /* Before those without a match were dropped. */
    bool plan_only;                  /* Nothing is fetched, and walks feed nothing. */
    bool narrowed;                   /* persons are those that some stream is about, or fewer. */
    bool few_users;                  /* They are listed: rowsets may be of their rows alone. */
    struct rc_explain_plan *explain; /* NULL: nobody asks. */
};

/* selectors: 1 .. RC_SELECTORS_MAX; selector i has bit i. persons is borrowed. */
RC_MUST_USE enum rc_status
rc_plan_new(const struct rc_query_context *context,
            int64_t as_of_ms,
            const uint64_t *persons,
            const struct rc_plan_selector *selectors,
            uint32_t selector_count,
            struct rc_plan **ret_plan,
            struct rc_error *reterr_error);

/* The same for walks of one person (rc_walk_one): slabs without its rows are left out, and of the
 * others only the blocks with its rows are looked at. */
RC_MUST_USE enum rc_status
rc_plan_new_for_person(const struct rc_query_context *context,
                       int64_t as_of_ms,
                       uint32_t person,
                       const struct rc_plan_selector *selectors,
                       uint32_t selector_count,
                       struct rc_plan **ret_plan,
                       struct rc_error *reterr_error);

/* The same for what counts users or entities. Errors name scope.entity_property. */
RC_MUST_USE enum rc_status
rc_plan_counted(const struct rc_query_context *context,
                int64_t as_of_ms,
                const struct rc_counted *counted,
                const struct rc_plan_selector *selectors,
                uint32_t selector_count,
                struct rc_plan **ret_plan,
                struct rc_error *reterr_error);

/* The plan with the streams of some selectors (their bits) alone. Its rowsets are those of plan,
 * the rest is in the context's arena; it is not freed. */
RC_MUST_USE enum rc_status
rc_plan_narrow(const struct rc_plan *plan, uint64_t selectors, struct rc_plan *ret_plan);

/* Who did a hit that a fold was fed for person (which may be an entity). */
uint32_t
rc_plan_user_of(const struct rc_plan *plan, uint32_t person, const struct rc_hit *hit);

struct rc_plan *
rc_plan_free(struct rc_plan *plan);

RC_DEFINE_CLEANUP(struct rc_plan *, rc_plan_free)

/* A slab of the plan, as the view has it. */
const struct rc_view_slab *
rc_plan_view_slab(const struct rc_plan *plan, uint32_t plan_slab);

/* Whether some row of a slab lies in the stream's time. */
static inline bool
rc_plan_stream_sees(const struct rc_stream *stream, const struct rc_slab_info *info)
{
    return stream->from_ms < stream->until_ms && stream->from_ms <= info->time_max_ms &&
           stream->until_ms > info->time_min_ms;
}

/* Adds what the plan used to stats. */
void
rc_plan_add_stats(const struct rc_plan *plan, struct rc_query_stats *stats);

#endif
