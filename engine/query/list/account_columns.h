/*
 * Account columns: the properties of the accounts that the values of an event property name, at a
 * moment, account by account: those that are stored, and the derived ones that are asked for by
 * name.
 *
 * Ownership: opaque; in the context's arena, and to be closed. What is read is copied.
 * Threading: one thread.
 * Errors:    those of account_values.h and of derived properties.
 */
#ifndef RC_QUERY_LIST_ACCOUNT_COLUMNS_H
#define RC_QUERY_LIST_ACCOUNT_COLUMNS_H

#include "engine/query/query.h"

struct rc_account_columns;

/* name_count 0: all that are stored. The values of a derived property name no accounts. */
RC_MUST_USE enum rc_status
rc_account_columns_open(const struct rc_query_context *context,
                        struct rc_bytes account_key,
                        int64_t as_of_ms,
                        const struct rc_bytes *names,
                        uint32_t name_count,
                        struct rc_account_columns **ret_columns,
                        struct rc_error *reterr_error);

/* NULL is fine. */
void
rc_account_columns_close(struct rc_account_columns *columns);

/* Their names, by bytes. */
uint32_t
rc_account_columns_count(const struct rc_account_columns *columns);

struct rc_bytes
rc_account_columns_name(const struct rc_account_columns *columns, uint32_t index);

/* Those that the account of a value has, by the bytes of their names. */
RC_MUST_USE enum rc_status
rc_account_columns_read(struct rc_account_columns *columns,
                        struct rc_value id,
                        struct rc_arena *arena,
                        const struct rc_event_property **ret_list,
                        uint32_t *ret_count);

#endif
