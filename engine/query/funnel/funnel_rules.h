/*
 * Funnel rules: what decides a user's attempts, and what the files that find them pass around.
 *
 * Ownership: plain data; pointers are borrowed.
 * Units:     ms; steps count from 0.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_RULES_H
#define RC_QUERY_FUNNEL_FUNNEL_RULES_H

#include <stdatomic.h>

#include "engine/query/funnel/funnel.h"
#include "engine/query/time/calendar.h"
#include "engine/query/walk/walk.h"

#define RC_FUNNEL_NONE UINT32_MAX

struct rc_funnel_rules {
    uint32_t step_count;
    enum rc_funnel_order order;
    int64_t window_ms;                /* Inclusive; negative: no limit. */
    const int64_t *step_windows_ms;   /* By step; NULL: none has one. */
    const struct rc_bucket_map *days; /* All steps on the entry's local day; NULL: need not. */
    bool first_only;                  /* Only events of step 1 at the earliest such time start. */
    bool reuse_event;
    bool strict_times;
    uint64_t optional;
    uint32_t exclusion_count;
    const struct rc_funnel_exclusion *exclusions;
    bool attempt_only;
    const _Atomic(bool) *cancel; /* NULL: never. */
};

/* An event of a user, in total order. */
struct rc_funnel_event {
    int64_t time_ms;
    uint64_t fill; /* The steps that it may fill. */
    uint64_t raw;  /* Strict orders: the steps that it matches; what it breaks. */
    uint32_t hit;  /* Its place among the user's hits. */
};

/* Times of excluded events, ascending. */
struct rc_funnel_times {
    uint32_t count;
    const int64_t *times_ms;
};

/* One user's events (or those that share a value). */
struct rc_funnel_problem {
    uint32_t count;
    const struct rc_funnel_event *events;
    const struct rc_funnel_times *excluded; /* One an exclusion. */
};

/* When attempts may be entered. Several spans ascend and do not overlap. */
struct rc_funnel_span {
    int64_t from_ms;
    int64_t until_ms;
};

/* Unordered: step k is the k-th event. */
struct rc_funnel_attempt {
    uint32_t depth;                     /* The last step filled, from 1; 0: not entered. */
    uint64_t filled;                    /* Steps, a bit each. */
    uint32_t hits[RC_FUNNEL_STEPS_MAX]; /* By step, below depth; RC_FUNNEL_NONE: left out. */
};

/* The steps from 0 up to, without, step. */
static inline uint64_t
rc_funnel_below(uint32_t step)
{
    return step >= 64 ? UINT64_MAX : ((uint64_t)1 << step) - 1;
}

/* The last time at which an attempt of this entry may be complete. */
static inline int64_t
rc_funnel_deadline(const struct rc_funnel_rules *rules, int64_t entry_ms)
{
    int64_t deadline_ms = INT64_MAX;
    if (rules->window_ms >= 0 && entry_ms <= INT64_MAX - rules->window_ms)
        deadline_ms = entry_ms + rules->window_ms;
    if (rules->days != NULL) {
        const int64_t day_end_ms = rules->days->ends_ms[rc_bucket_map_find(rules->days, entry_ms)];
        if (day_end_ms - 1 < deadline_ms)
            deadline_ms = day_end_ms - 1;
    }
    return deadline_ms;
}

static inline bool
rc_funnel_cancelled(const struct rc_funnel_rules *rules)
{
    return rules->cancel != NULL && atomic_load_explicit(rules->cancel, memory_order_relaxed);
}

/* The last step of attempt that is filled, below depth; attempts have one. */
static inline uint32_t
rc_funnel_last_hit(const struct rc_funnel_attempt *attempt)
{
    return attempt->hits[attempt->depth - 1];
}

/* Whether a takes the place of b as the chosen one of equal depth: ends earlier, or ends at the
 * same event and is entered later. */
static inline bool
rc_funnel_is_better(const struct rc_funnel_attempt *a, const struct rc_funnel_attempt *b)
{
    if (a->depth != b->depth)
        return a->depth > b->depth;
    if (rc_funnel_last_hit(a) != rc_funnel_last_hit(b))
        return rc_funnel_last_hit(a) < rc_funnel_last_hit(b);
    return a->hits[0] > b->hits[0];
}

#endif
