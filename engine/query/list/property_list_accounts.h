/*
 * Property list: the part of it that is about accounts. Those that events name in different
 * properties are accounts of different kinds, each with properties of its own.
 *
 * Ownership: answers come from the context's arena.
 * Threading: one thread.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY.
 */
#ifndef RC_QUERY_LIST_PROPERTY_LIST_ACCOUNTS_H
#define RC_QUERY_LIST_PROPERTY_LIST_ACCOUNTS_H

#include "engine/query/list/property_list.h"

/* The keys, ascending, and what accounts of each have at as_of: for each key rc_properties_count
 * entries, by property. */
RC_MUST_USE enum rc_status
rc_property_list_accounts(const struct rc_query_context *context,
                          int64_t as_of_ms,
                          struct rc_accounts_seen **ret_accounts,
                          uint32_t *ret_key_count,
                          struct rc_property_seen **ret_seen);

#endif
