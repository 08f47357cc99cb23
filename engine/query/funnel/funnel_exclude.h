/*
 * Funnel exclusions: whether an excluded event lies between two steps of an attempt.
 *
 * Threading: pure functions.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_EXCLUDE_H
#define RC_QUERY_FUNNEL_FUNNEL_EXCLUDE_H

#include "engine/query/funnel/funnel_rules.h"

/* The first of times after time_ms; INT64_MAX: there is none. */
int64_t
rc_funnel_times_after(const struct rc_funnel_times *times, int64_t time_ms);

/* Whether an attempt of an ordered funnel is excluded; times_ms are those of its steps, by step. */
bool
rc_funnel_is_excluded(const struct rc_funnel_rules *rules,
                      const struct rc_funnel_times *excluded,
                      const struct rc_funnel_attempt *attempt,
                      const int64_t *times_ms);

#endif
