/*
 * Retention scan: the short way of a question that needs of each person the periods with events and
 * nothing else. It reads rows of slabs as they are; no hit is made but of heads and joined persons.
 *
 * Ownership, Threading: as the frame.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_RETENTION_RETENTION_SCAN_H
#define RC_QUERY_RETENTION_RETENTION_SCAN_H

#include "engine/query/retention/retention_frame.h"

/* Fills the cells of the lanes and adds to *hit_count as the walk of persons does. *ret_done false:
 * there is no short way, or rows are not the cheaper one, and nothing was done. */
RC_MUST_USE enum rc_status
rc_retention_scan(const struct rc_retention *retention, uint64_t *hit_count, bool *ret_done);

#endif
