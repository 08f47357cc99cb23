/*
 * Explain: how a query was planned and what came of it, written down by plan and walk as they go,
 * and the time of its stages.
 *
 * A query makes one plan or several (a segment's behaviour and a breakdown by counts have their
 * own); each plan lists its selectors, with every way of finding their rows and its estimate, and
 * the walks over it.
 *
 * Ownership: all of it lies in the query's arena.
 * Threading: one thread, but for what belongs to one job of a fetch or one lane of a walk.
 * Units:     ns. An estimate is time of one processor, as costs.h has it; INFINITY: not possible.
 */
#ifndef RC_QUERY_PLAN_EXPLAIN_H
#define RC_QUERY_PLAN_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/match/access.h"
#include "engine/match/predicate/predicate.h"

/* Slabs that are listed one by one, over all selectors of a plan. */
#define RC_EXPLAIN_SLABS_MAX 4096u

/* Why a way was not taken. */
enum rc_explain_reason {
    RC_REASON_CHOSEN = 0,     /* It was. */
    RC_REASON_DEARER = 1,     /* Another one takes less. */
    RC_REASON_FORBIDDEN = 2,  /* A hint forbids it. */
    RC_REASON_NOT_FORCED = 3, /* A hint forces another. */
    RC_REASON_NO_BITMAP = 4,  /* No bitmap of the predicate is kept. */
    RC_REASON_NO_PARTS = 5,   /* No bitmap of any part of it is kept. */
    RC_REASON_MAY_MATCH = 6,  /* The dictionaries do not rule the slab out. */
    RC_REASON_KEEPS = 7,      /* It would take as long and leave nothing for the next query. */
    RC_REASON_NOT_ASKED = 8,  /* A bitmap is kept: nothing can be faster, so nothing was asked. */
    RC_REASON_COUNT = 9,
};

/* A sentence without a capital and a period. */
const char *
rc_explain_reason_text(enum rc_explain_reason reason);

/* A selector in a slab. */
struct rc_explain_slab {
    uint64_t id;
    int64_t window_start_ms;
    uint32_t rows;
    enum rc_access planned;
    enum rc_access actual; /* NONE: it was not run. */
    double estimate_ns;
    double rows_estimate;
    uint64_t actual_ns;
    uint64_t rows_actual;
};

/* A way over all slabs of a selector. */
struct rc_explain_way {
    uint32_t slabs_possible;
    uint32_t slabs_chosen;
    uint32_t slabs_actual;
    double estimate_ns;                /* Of the slabs in which it is possible. */
    double estimate_chosen_ns;         /* Of those in which it was chosen. */
    uint64_t actual_ns;                /* Of those in which it was what happened. */
    uint32_t reasons[RC_REASON_COUNT]; /* Slabs by why it was not taken. */
};

/* A selector, or one of the parts of one that reads users too. */
struct rc_explain_selector {
    char field[64];
    uint32_t part;
    uint32_t part_count;
    const struct rc_predicate *predicate;
    bool reads_user;
    uint32_t slabs_by_time;  /* Left out: outside of the selector's time. */
    uint32_t slabs_by_users; /* Left out: none of the query's users is in them. */
    uint32_t slabs;          /* Looked at. */
    struct rc_explain_way ways[RC_ACCESS_COUNT];
    double rows_estimate;
    uint64_t rows_actual;
    double estimate_ns;
    uint64_t actual_ns;
    struct rc_match_work work_estimate;
    struct rc_match_work work_actual;
    uint32_t bitmaps_reused;
    uint32_t bitmaps_built;
    uint32_t bitmaps_kept;
    uint32_t bitmaps_together; /* Of those built: in one pass with others, whose time they share. */
    uint32_t slab_count;
    uint32_t slabs_noted;              /* Of them, what they came to. */
    struct rc_explain_slab *slab_list; /* NULL unless detail is wanted. */
};

enum rc_explain_feed {
    RC_FEED_ORDERED = 1,   /* Person by person, in order. */
    RC_FEED_HITS = 2,      /* As they come, with whose they are. */
    RC_FEED_ANONYMOUS = 3, /* As they come. */
    RC_FEED_ROWS = 4,      /* Rows: the fold reads columns. */
    RC_FEED_ONE = 5,       /* The rows of one person. */
};

struct rc_explain_walk {
    struct rc_explain_walk *next;
    const char *purpose; /* What it finds. */
    enum rc_explain_feed feed;
    uint32_t slabs;
    uint32_t blocks;
    uint32_t lanes;     /* Threads. */
    uint32_t lanes_max; /* That there might be. */
    double hits_estimate;
    uint64_t hits_actual;
    double estimate_ns; /* Of all lanes. */
    uint64_t elapsed_ns;
    uint64_t bytes;    /* Of bitmaps, users and times that it reads. */
    uint64_t *lane_ns; /* By lane. */
};

/* What a choice between feeding events and reading rows looked like. */
#define RC_EXPLAIN_NO_SERIES UINT32_MAX

struct rc_explain_feed_choice {
    struct rc_explain_feed_choice *next;
    uint32_t series; /* RC_EXPLAIN_NO_SERIES: the query has none. */
    bool rows;
    bool hinted;
    double rows_ns;
    double hits_ns;
};

struct rc_explain_plan {
    struct rc_explain_plan *next;
    uint32_t slabs;          /* Of the project. */
    uint32_t slabs_by_time;  /* No selector can see them. */
    uint32_t slabs_walked;   /* With rows that match. */
    uint32_t selector_count; /* Streams. */
    struct rc_explain_selector *selectors;
    struct rc_explain_walk *walks;
    struct rc_explain_feed_choice *feeds;
    uint64_t compile_ns; /* Definitions, predicates, persons of user leaves. */
    uint64_t plan_ns;    /* The planner itself. */
    uint64_t fetch_ns;   /* Bitmaps, elapsed. */
    uint32_t fetch_jobs;
    uint32_t fetch_lanes;
    uint32_t columns_made;   /* Of derived properties, by slab (match/derived/made_column.h), but */
    uint32_t columns_reused; /* for those of bitmaps that were made together. */
    uint32_t users;          /* The walk is for so many users only; UINT32_MAX: everybody. */
};

struct rc_explain {
    struct rc_arena *arena;
    bool plan_only;     /* Plans are made and nothing is run: answers are empty. */
    bool detail;        /* Slab by slab too. */
    bool estimates_all; /* Also of ways that need not be asked: EXPLAIN. */
    struct rc_explain_plan *plans;
    struct rc_explain_plan *last;
    /* Filled by whoever runs the query. */
    uint64_t elapsed_ns;
    uint64_t memory_bytes; /* The query's own, at its end. */
    uint32_t parallel_max;
};

/* Adds a plan with so many selectors. NULL: no memory, and the plan is not written down. */
struct rc_explain_plan *
rc_explain_add_plan(struct rc_explain *explain, uint32_t selector_count);

/* Adds a walk to a plan. NULL: no memory. */
struct rc_explain_walk *
rc_explain_add_walk(struct rc_explain *explain, struct rc_explain_plan *plan, uint32_t lanes);

/* Time of a walk, all threads together. */
uint64_t
rc_explain_walk_ns(const struct rc_explain_walk *walk);

/* What finding the events of all plans and the walks over them take, all threads together. */
struct rc_explain_total {
    double estimate_ns;
    uint64_t actual_ns;
};

struct rc_explain_total
rc_explain_total(const struct rc_explain *explain);

/* The plan tree as text, in the arena; {NULL, 0}: no memory. title: what was asked ("funnel"). */
struct rc_bytes
rc_explain_text(const struct rc_explain *explain, const char *title, struct rc_arena *arena);

/* "ordered", "events", "anonymous events", "rows", "one user". */
const char *
rc_explain_feed_name(enum rc_explain_feed feed);

#endif
