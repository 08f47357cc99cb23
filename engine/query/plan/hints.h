/*
 * Hints: what a request says about how it is run. They change the way and never the answer; one
 * that cannot be followed fails the query with RC_INVALID and its own field.
 *
 * Ownership: the caller's, for the length of the query.
 * Threading: read by many threads; only the marks of use are written.
 */
#ifndef RC_QUERY_PLAN_HINTS_H
#define RC_QUERY_PLAN_HINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"
#include "engine/match/access.h"

/* Hints for single selectors; more than a query has selectors says nothing new. */
#define RC_HINTS_MAX 64u

struct rc_access_hint {
    const char *field;        /* Of the hint, for errors: "scope.hints.selectors[2]". */
    struct rc_bytes selector; /* The selector's field ("steps[0].selector"); empty: every one. */
    enum rc_access forced;    /* RC_ACCESS_NONE: none. */
    uint32_t forbidden;       /* A bit for each enum rc_access. */
    _Atomic(bool) used;       /* A selector of this name was planned. */
};

enum rc_keep_hint {
    RC_KEEP_PLANNER = 0, /* The planner decides. */
    RC_KEEP_ALWAYS = 1,  /* What is computed is kept: RC_ACCESS_SCAN_ONCE is out. */
    RC_KEEP_NEVER = 2,   /* Bitmaps that there are are used, none is kept. */
};

enum rc_walk_hint {
    RC_WALK_PLANNER = 0,
    RC_WALK_HITS = 1, /* Folds are fed events. */
    RC_WALK_ROWS = 2, /* Folds that can read columns by themselves do. */
};

struct rc_query_hints {
    uint32_t access_count;
    struct rc_access_hint *access; /* Later ones win over earlier ones for the same selector. */
    uint32_t parallel;             /* Threads, exactly; 0: the planner decides. */
    const char *parallel_field;    /* Its field, and that of walk, for errors. */
    const char *feed_field;
    enum rc_keep_hint keep;
    enum rc_walk_hint walk;
    _Atomic(bool) rows_read; /* Some fold read rows. */
};

/* RC_INVALID when a hint names a selector that the query does not have, or wants rows to be read
 * and no fold could. Look after the query. */
RC_MUST_USE enum rc_status
rc_hints_check_used(const struct rc_query_hints *hints, struct rc_error *reterr_error);

#endif
