/*
 * Property list: the part of it that is about users.
 *
 * Ownership: answers come from the context's arena.
 * Threading: one thread.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_LIST_PROPERTY_LIST_USERS_H
#define RC_QUERY_LIST_PROPERTY_LIST_USERS_H

#include "engine/query/list/property_list.h"
#include "engine/store/value/cell.h"

/* By property: what the persons (a bit each; NULL: everybody who is known at as_of) have at as_of,
 * and when values were written to them. */
RC_MUST_USE enum rc_status
rc_property_list_users(const struct rc_query_context *context,
                       int64_t as_of_ms,
                       const uint64_t *persons,
                       struct rc_property_seen **ret_seen,
                       uint64_t *ret_users);

/* The kind of a cell; RC_SEEN_KINDS: null. values: what its code is of. */
enum rc_seen_kind
rc_seen_kind_of_cell(const struct rc_dictionary *values, rc_cell cell);

/* How many different values cells stand for, as a breakdown tells them apart; sorts them. */
RC_MUST_USE enum rc_status
rc_seen_distinct(const struct rc_query_context *context,
                 const struct rc_dictionary *dictionary,
                 rc_cell *cells,
                 uint32_t count,
                 uint64_t *ret_distinct);

#endif
