/*
 * Funnel scan: the short way of plain funnels whose first step is what most events are. Events of
 * step 1 are not fed: they are bits, of which a user's first one is looked for, and the last one
 * before an event of step 2.
 *
 * Ownership: see funnel_fold.h.
 * Errors:    those of a walk.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_SCAN_H
#define RC_QUERY_FUNNEL_FUNNEL_SCAN_H

#include "engine/query/funnel/funnel_fold.h"

/* Tests: how many times as many events the whole plan may have as its first step. */
extern uint32_t rc_funnel_scan_share;

/* Fills the lanes' records and entrants, of lanes that were just opened; *ret_done false: it
 * cannot, or the planner thinks that the long way is no longer. */
RC_MUST_USE enum rc_status
rc_funnel_scan(struct rc_funnel_query *query, uint64_t *hit_count, bool *ret_done);

#endif
