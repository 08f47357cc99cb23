/*
 * Account values: what a property is of the accounts that an event names, at a moment; derived
 * properties as well.
 *
 * Ownership: opaque; charges the context's account; borrows the context, which must outlive it.
 * Threading: one thread.
 * Errors:    RC_NO_MEMORY, RC_CANCELLED, those of made columns and of steps (derive.h).
 */
#ifndef RC_QUERY_NUMBER_ACCOUNT_VALUES_H
#define RC_QUERY_NUMBER_ACCOUNT_VALUES_H

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/query.h"

struct rc_account_values;

/* account_key: the event property that names accounts, as it is stored. */
RC_MUST_USE enum rc_status
rc_account_values_new(const struct rc_query_context *context,
                      struct rc_bytes account_key,
                      struct rc_bytes property,
                      int64_t as_of_ms,
                      struct rc_account_values **ret_values);

struct rc_account_values *
rc_account_values_free(struct rc_account_values *values);

RC_DEFINE_CLEANUP(struct rc_account_values *, rc_account_values_free)

/* Calls visit with the value of each account that ids name, a value of account_key: each account
 * once, those without a value left out. scratch is not reset. */
RC_MUST_USE enum rc_status
rc_account_values_visit(struct rc_account_values *values,
                        struct rc_value ids,
                        struct rc_arena *scratch,
                        enum rc_status (*visit)(void *argument, struct rc_value value),
                        void *argument);

#endif
