/*
 * A user's chosen attempt at a funnel, from the user's hits in total order.
 *
 * An attempt is one entry (an event of step 1) with its deepest chain of distinct events, one a
 * step, in non-decreasing time and within the window; among equally deep chains the earliest in
 * total order. Chosen is the deepest attempt; among those the one whose last step is earliest;
 * among those the one entered last.
 *
 * Ownership: a chooser owns its scratch memory, charged to the account given.
 * Threading: one thread at a time.
 * Units:     ms; steps count from 0 here.
 */
#ifndef RC_QUERY_FUNNEL_ATTEMPT_H
#define RC_QUERY_FUNNEL_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/walk.h"

struct rc_funnel_rules {
    uint32_t step_count;
    int64_t window_ms; /* Inclusive; negative: no limit. */
    bool first_only;   /* Only events of step 1 at the earliest such time may start. */
    bool strict_times;
};

struct rc_funnel_attempt {
    uint32_t depth;                     /* Steps reached; 0: not entered. */
    uint32_t hits[RC_FUNNEL_STEPS_MAX]; /* depth indexes into the hits. */
};

struct rc_funnel_chooser;

RC_MUST_USE enum rc_status
rc_funnel_chooser_new(const struct rc_funnel_rules *rules,
                      struct rc_account *account,
                      struct rc_funnel_chooser **ret_chooser);

struct rc_funnel_chooser *
rc_funnel_chooser_free(struct rc_funnel_chooser *chooser);

RC_DEFINE_CLEANUP(struct rc_funnel_chooser *, rc_funnel_chooser_free)

/* Bit k of a hit's mask says that it matches step k; bit 0 only where it may also enter. */
RC_MUST_USE enum rc_status
rc_funnel_choose(struct rc_funnel_chooser *chooser,
                 const struct rc_hit *hits,
                 uint32_t count,
                 struct rc_funnel_attempt *ret_attempt);

#endif
