/*
 * Retention of few: the short way of a question whose start event is rare, and which needs of each
 * person the periods with returns and nothing else. The starts are walked, and only the rows from
 * a person's first start on are looked at: as stretches of bits, a period at once.
 *
 * Ownership, Threading: as the frame.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_FEW_H
#define RC_QUERY_RETENTION_RETENTION_FEW_H

#include "engine/query/retention/retention_frame.h"

/* Fills the cells of the lanes; adds to *hit_count the starts, and the returns that were looked at.
 * *ret_done false: there is no short way, or the planner thinks that it is no shorter, and nothing
 * was done. */
RC_MUST_USE enum rc_status
rc_retention_few(const struct rc_retention *retention, uint64_t *hit_count, bool *ret_done);

#endif
