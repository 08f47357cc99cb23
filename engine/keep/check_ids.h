/*
 * The part of a check that is about replacement: no two live events of a user have one id.
 */
#ifndef RC_KEEP_CHECK_IDS_H
#define RC_KEEP_CHECK_IDS_H

#include "engine/keep/check.h"

/* The slabs were found sound before: their content is followed. O(events). */
RC_MUST_USE enum rc_status
rc_check_ids(struct rc_check *check,
             const char *where,
             struct rc_view *view,
             struct rc_error *reterr_error);

#endif
