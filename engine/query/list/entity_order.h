/*
 * Entity order: the entities of a set, one after the other by value.
 *
 * Ownership: opaque; in the context's arena, and to be closed. Borrows the groups and the set,
 *            which must stay as they are.
 * Threading: one thread at a time.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY, RC_CORRUPT.
 */
#ifndef RC_QUERY_LIST_ENTITY_ORDER_H
#define RC_QUERY_LIST_ENTITY_ORDER_H

#include "engine/query/query.h"
#include "engine/query/split/groups.h"

struct rc_entity_order;

/* set: a bit for each group; after: only values behind this one, NULL: all. The set's values that
 * are no texts of slabs take 32 bytes each. */
RC_MUST_USE enum rc_status
rc_entity_order_open(const struct rc_query_context *context,
                     const struct rc_groups *groups,
                     const uint64_t *set,
                     const struct rc_value *after,
                     struct rc_entity_order **ret_order);

/* NULL is fine. */
void
rc_entity_order_close(struct rc_entity_order *order);

static inline void
rc_entity_order_closep(struct rc_entity_order **order)
{
    rc_entity_order_close(*order);
}

/* The next one, whose value is borrowed until the next call; *ret_more is false, and the others
 * untouched, when there is none. */
RC_MUST_USE enum rc_status
rc_entity_order_next(struct rc_entity_order *order,
                     uint32_t *ret_group,
                     struct rc_value *ret_value,
                     bool *ret_more);

#endif
