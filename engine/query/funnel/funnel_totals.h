/*
 * Funnel totals: all attempts of one user, where attempts are counted and not users.
 *
 * Ownership: owns its scratch memory, charged to the account given; borrows the rules.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED; what the callback returns.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_TOTALS_H
#define RC_QUERY_FUNNEL_FUNNEL_TOTALS_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_totals;

RC_MUST_USE enum rc_status
rc_funnel_totals_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_totals **ret_totals);

struct rc_funnel_totals *
rc_funnel_totals_free(struct rc_funnel_totals *totals);

RC_DEFINE_CLEANUP(struct rc_funnel_totals *, rc_funnel_totals_free)

/* Calls take for each attempt that is entered in the span, by entry. */
RC_MUST_USE enum rc_status
rc_funnel_totals_run(struct rc_funnel_totals *totals,
                     const struct rc_funnel_problem *problem,
                     const struct rc_funnel_span *span,
                     enum rc_status (*take)(void *context, const struct rc_funnel_attempt *attempt),
                     void *context);

#endif
