/*
 * Shown id: the one of a person's ids under which lists name the person: the least by bytes, of
 * those in which the project's pattern is found if there are any.
 *
 * Ownership: the id is borrowed from the view.
 * Threading: any number of threads.
 * Errors:    RC_TOO_SLOW, RC_NO_MEMORY of the pattern.
 */
#ifndef RC_QUERY_LIST_SHOWN_ID_H
#define RC_QUERY_LIST_SHOWN_ID_H

#include "engine/query/query.h"

RC_MUST_USE enum rc_status
rc_shown_id(const struct rc_query_context *context, uint32_t person, struct rc_bytes *ret_id);

#endif
