/*
 * Funnel states: sets of the states of a search for an unordered chain. A state is what the chains
 * that may become the entry's have in common: the steps that are taken, and up to when the
 * exclusions that are open let them go on. Of the chains of one state the earliest is kept.
 *
 * Ownership: a set owns its arrays, charged to the account given.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY; RC_LIMIT_EXCEEDED past RC_FUNNEL_STATES_MAX.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_STATES_H
#define RC_QUERY_FUNNEL_FUNNEL_STATES_H

#include <stddef.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_state {
    uint64_t steps;
    int64_t until_ms; /* The last time of its next event. */
    uint32_t count;   /* Of its chain, and of the bits of steps. */
};

struct rc_funnel_states {
    struct rc_account *account;
    uint32_t stride; /* Events that a chain has room for. */
    uint32_t count;
    struct rc_funnel_state *items;
    size_t capacity;
    uint32_t *chains;
    size_t chain_capacity;
    uint32_t *table; /* Of a power of two; indexes of items, or NONE. */
    size_t table_capacity;
    uint32_t table_size;
};

RC_MUST_USE enum rc_status
rc_funnel_states_open(struct rc_funnel_states *states, struct rc_account *account, uint32_t stride);

void
rc_funnel_states_close(struct rc_funnel_states *states);

void
rc_funnel_states_clear(struct rc_funnel_states *states);

static inline const uint32_t *
rc_funnel_states_chain(const struct rc_funnel_states *states, uint32_t at)
{
    return states->chains + (size_t)at * states->stride;
}

/* Adds a state, or to the one that is equal its chain if it is earlier. */
RC_MUST_USE enum rc_status
rc_funnel_states_add(struct rc_funnel_states *states,
                     struct rc_funnel_state state,
                     const uint32_t *chain);

/* Leaves the states that keep says; in order. */
void
rc_funnel_states_filter(struct rc_funnel_states *states,
                        bool (*keep)(void *context,
                                     const struct rc_funnel_state *state,
                                     const uint32_t *chain),
                        void *context);

/* Less than 0, 0 or more: whether the first count events of one chain are earlier, place by place.
 */
static inline int
rc_funnel_chain_compare(const uint32_t *one, const uint32_t *other, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (one[i] != other[i])
            return one[i] < other[i] ? -1 : 1;
    return 0;
}

#endif
