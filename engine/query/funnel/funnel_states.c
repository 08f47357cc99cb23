/*
 * Funnel states: an array of states, one of their chains (stride events each), and a table by hash
 * with open addressing that is at most half full. A filter leaves no holes in the arrays and makes
 * the table anew.
 */
#include "engine/query/funnel/funnel_states.h"

#include <string.h>

#include "engine/base/hash.h"

#define NONE RC_FUNNEL_NONE
#define TABLE_FIRST 32u

enum rc_status
rc_funnel_states_open(struct rc_funnel_states *states, struct rc_account *account, uint32_t stride)
{
    states->stride = stride;
    states->account = account;
    RC_TRY(RC_GROW_IN(account, states->table, states->table_capacity, TABLE_FIRST));
    rc_funnel_states_clear(states);
    return RC_OK;
}

void
rc_funnel_states_close(struct rc_funnel_states *states)
{
    rc_alloc_free(states->items);
    rc_alloc_free(states->chains);
    rc_alloc_free(states->table);
}

void
rc_funnel_states_clear(struct rc_funnel_states *states)
{
    states->count = 0;
    states->table_size = TABLE_FIRST;
    memset(states->table, 0xff, TABLE_FIRST * sizeof(*states->table));
}

/* Where the table has a state, or could have it. */
static uint32_t
find_slot(const struct rc_funnel_states *states, const struct rc_funnel_state *state)
{
    const uint64_t hash = rc_hash_u64(state->steps ^ rc_hash_u64((uint64_t)state->until_ms));
    uint32_t slot = (uint32_t)hash & (states->table_size - 1);
    for (; states->table[slot] != NONE; slot = (slot + 1) & (states->table_size - 1)) {
        const struct rc_funnel_state *at = &states->items[states->table[slot]];
        if (at->steps == state->steps && at->until_ms == state->until_ms)
            break;
    }
    return slot;
}

static void
fill_table(struct rc_funnel_states *states)
{
    memset(states->table, 0xff, states->table_size * sizeof(*states->table));
    for (uint32_t i = 0; i < states->count; i++)
        states->table[find_slot(states, &states->items[i])] = i;
}

enum rc_status
rc_funnel_states_add(struct rc_funnel_states *states,
                     struct rc_funnel_state state,
                     const uint32_t *chain)
{
    uint32_t slot = find_slot(states, &state);
    uint32_t at = states->table[slot];
    if (at == NONE) {
        at = states->count;
        if (at == RC_FUNNEL_STATES_MAX)
            return RC_LIMIT_EXCEEDED;
        RC_TRY(RC_GROW_IN(states->account, states->items, states->capacity, (size_t)at + 1));
        RC_TRY(RC_GROW_IN(states->account, states->chains, states->chain_capacity,
                          ((size_t)at + 1) * states->stride));
        states->items[states->count++] = state;
        states->table[slot] = at;
    } else if (rc_funnel_chain_compare(chain, rc_funnel_states_chain(states, at), state.count) >=
               0) {
        return RC_OK;
    }
    memcpy(states->chains + (size_t)at * states->stride, chain, state.count * sizeof(*chain));
    if (2 * states->count > states->table_size) {
        RC_TRY(RC_GROW_IN(states->account, states->table, states->table_capacity,
                          (size_t)2 * states->table_size));
        states->table_size *= 2;
        fill_table(states);
    }
    return RC_OK;
}

void
rc_funnel_states_filter(struct rc_funnel_states *states,
                        bool (*keep)(void *context,
                                     const struct rc_funnel_state *state,
                                     const uint32_t *chain),
                        void *context)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < states->count; i++) {
        const uint32_t *chain = rc_funnel_states_chain(states, i);
        if (!keep(context, &states->items[i], chain))
            continue;
        if (count != i) {
            states->items[count] = states->items[i];
            memcpy(states->chains + (size_t)count * states->stride, chain,
                   states->items[i].count * sizeof(*chain));
        }
        count++;
    }
    if (count == states->count)
        return;
    states->count = count;
    fill_table(states);
}
