/*
 * Query cases: one seeded world of four windows and the questions that bench_query.cc times, in C
 * because the engine's headers are.
 *
 * The world: a million events of 20,000 users, early users do more; a name by share (view 88.8 %,
 * step1 10 %, step2 1 %, step3 0.2 %, rare one in 50,000) and one of 800 cities. Bitmaps are cached
 * after the first run of a case, answers are not.
 *
 * Ownership: the world is made on first use and kept until the program ends. Every function aborts
 * when it fails. Threading: one thread asks.
 */
#ifndef RC_BENCH_QUERY_CASES_H
#define RC_BENCH_QUERY_CASES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum case_question {
    CASE_FUNNEL_3,       /* step1, step2, step3 in 7 days. */
    CASE_FUNNEL_RARE,    /* rare, step2, step3: few users are looked at. */
    CASE_FUNNEL_64,      /* 64 steps, each of them step1. */
    CASE_FUNNEL_STRICT,  /* As CASE_FUNNEL_3, with no other event in between: every event is fed. */
    CASE_FUNNEL_BY_CITY, /* As CASE_FUNNEL_3, 800 rows ranked. */
    CASE_RETENTION,      /* step1 to step1, weeks. */
    CASE_RETENTION_RARE, /* rare to view, weeks. */
    CASE_COUNTS,         /* step1 by day. */
    CASE_COUNTS_ALL,     /* Any event by day. */
    CASE_UNIQUES_ALL,    /* Users by day. */
    CASE_UNIQUES_BY_CITY, /* step1's users by week and city. */
    CASE_RARE_IN_WEEK,    /* A count: what a small question costs at all. */
    CASE_SEGMENT,         /* At most one step1. */
    CASE_LIFECYCLE,       /* step1 by week. */
    CASE_STICKINESS,      /* step1 by day. */
    CASE_SESSIONS,        /* Of all events, by day. */
    CASE_PATHS,           /* Over names, five levels. */
    CASE_QUESTIONS
};

/* Asks on so many threads; how many events the fold was fed. */
uint64_t
case_question_run(enum case_question question, uint32_t threads);

#ifdef __cplusplus
}
#endif

#endif
