/*
 * A user's chosen attempt at a plain funnel (ordered, with a window and reentry, without any other
 * option), straight from the user's hits in total order. The answer is that of funnel_search.h,
 * which takes every option, for users whose events of equal time match one step each.
 *
 * Threading: pure functions.
 * Units:     ms; steps count from 0.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_ATTEMPT_H
#define RC_QUERY_FUNNEL_FUNNEL_ATTEMPT_H

#include <stdbool.h>

#include "engine/query/funnel/funnel_rules.h"

/* Bit k of a hit's mask says that it matches step k; bit 0 only where it may also enter. false: the
 * user's equal times are not so simple, and *ret_attempt is undefined. */
bool
rc_funnel_quick(const struct rc_funnel_rules *rules,
                const struct rc_hit *hits,
                uint32_t count,
                struct rc_funnel_attempt *ret_attempt);

#endif
