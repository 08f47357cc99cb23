/*
 * Property numbers: the numbers that an event property has, and which of them an event has. Numeric
 * strings are numbers; what is no number is left out; an event with several values has each. Or the
 * numbers that a property of accounts has: an event has those of each account that it names.
 *
 * Ownership: opaque; charges the context's account; borrows the plan, which must outlive it.
 * Threading: made by one thread, then read by any.
 * Errors:    RC_NO_MEMORY.
 */
#ifndef RC_QUERY_NUMBER_PROPERTY_NUMBERS_H
#define RC_QUERY_NUMBER_PROPERTY_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/query/plan/plan.h"
#include "engine/query/walk/walk.h"

struct rc_numbers;

/* What an event without a number has. */
#define RC_NUMBER_NONE UINT32_MAX

RC_MUST_USE enum rc_status
rc_numbers_new(const struct rc_plan *plan,
               struct rc_bytes property,
               struct rc_numbers **ret_numbers);

/* Of a property of the accounts that events name in account_key, at as_of_ms; account_key empty: of
 * events. */
RC_MUST_USE enum rc_status
rc_numbers_new_of_accounts(const struct rc_plan *plan,
                           struct rc_bytes account_key,
                           struct rc_bytes property,
                           int64_t as_of_ms,
                           struct rc_numbers **ret_numbers);

struct rc_numbers *
rc_numbers_free(struct rc_numbers *numbers);

RC_DEFINE_CLEANUP(struct rc_numbers *, rc_numbers_free)

/* How many different numbers there are among the rows that the plan can read, at most. */
uint32_t
rc_numbers_count(const struct rc_numbers *numbers);

/* Whether some event has several. */
bool
rc_numbers_has_lists(const struct rc_numbers *numbers);

/* They themselves, ascending: a number's code is its place here. */
const double *
rc_numbers_all(const struct rc_numbers *numbers);

/* The codes of a hit's numbers. */
const uint32_t *
rc_numbers_of(const struct rc_numbers *numbers, const struct rc_hit *hit, uint32_t *ret_count);

/* By local code of the property's column in a slab (index in the view): a number's code,
 * RC_NUMBER_NONE, or with RC_NUMBER_LIST several (rc_numbers_list). NULL: the slab has no column.
 */
const uint32_t *
rc_numbers_of_slab(const struct rc_numbers *numbers,
                   uint32_t slab,
                   const struct rc_column_view **ret_column);

#define RC_NUMBER_LIST ((uint32_t)1 << 31)

/* The codes behind an entry of rc_numbers_of_slab; entry must stay valid. */
const uint32_t *
rc_numbers_list(const struct rc_numbers *numbers, const uint32_t *entry, uint32_t *ret_count);

#endif
