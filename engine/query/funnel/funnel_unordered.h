/*
 * Unordered funnels: the attempts of one user: as many different steps as possible, each by an
 * event of its own, inside one window that any step begins.
 *
 * Ownership: owns its scratch memory, charged to the account given; borrows the rules.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED; RC_LIMIT_EXCEEDED past RC_FUNNEL_STATES_MAX.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_UNORDERED_H
#define RC_QUERY_FUNNEL_FUNNEL_UNORDERED_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_list.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_unordered;

RC_MUST_USE enum rc_status
rc_funnel_unordered_new(const struct rc_funnel_rules *rules,
                        struct rc_account *account,
                        struct rc_funnel_unordered **ret_unordered);

struct rc_funnel_unordered *
rc_funnel_unordered_free(struct rc_funnel_unordered *unordered);

RC_DEFINE_CLEANUP(struct rc_funnel_unordered *, rc_funnel_unordered_free)

/* The chosen attempt of each span, or with list every entry's attempt. Step k of an attempt is its
 * k-th event. Events that fill no step are left out by the caller. */
RC_MUST_USE enum rc_status
rc_funnel_unordered_run(struct rc_funnel_unordered *unordered,
                        const struct rc_funnel_problem *problem,
                        const struct rc_funnel_span *spans,
                        uint32_t span_count,
                        struct rc_funnel_attempt *ret_attempts,
                        struct rc_funnel_list *list);

/* Whether a search has passed RC_FUNNEL_STATES_MAX. */
bool
rc_funnel_unordered_passed(const struct rc_funnel_unordered *unordered);

#endif
