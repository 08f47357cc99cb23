/*
 * Funnel basis: of some events in order, the largest set that can take different steps each; of
 * several the one whose events are earliest, place by place (the matroid of funnel_unordered.c).
 *
 * Threading: pure functions.
 * Units:     events are indexes into an array in total order; so are those of a chain.
 */
#ifndef RC_QUERY_FUNNEL_FUNNEL_BASIS_H
#define RC_QUERY_FUNNEL_FUNNEL_BASIS_H

#include "engine/base/status.h"
#include "engine/query/funnel/funnel_rules.h"

struct rc_funnel_basis {
    uint32_t count;
    uint32_t owners[RC_FUNNEL_STEPS_MAX]; /* By step: the event that takes it, or NONE. */
};

void
rc_funnel_basis_clear(struct rc_funnel_basis *basis);

static inline bool
rc_funnel_basis_has(const struct rc_funnel_basis *basis, uint32_t step_count, uint32_t event)
{
    bool has = false;
    for (uint32_t step = 0; step < step_count; step++)
        has = has || basis->owners[step] == event;
    return has;
}

/* Puts an event that is not in it into the basis, as if it were before all others: it takes the
 * place of the latest one on the circuit that it closes. */
void
rc_funnel_basis_insert(struct rc_funnel_basis *basis,
                       const struct rc_funnel_event *events,
                       uint32_t event);

/* The events of the basis as a chain whose first count are there already, the others in order.
 * Returns how many they are; 0: one of those that are there is not in the basis. */
uint32_t
rc_funnel_basis_sort(const struct rc_funnel_basis *basis,
                     uint32_t step_count,
                     uint32_t *chain,
                     uint32_t count);

/* How many of a chain's events the window leaves, */
static inline uint32_t
rc_funnel_cut_window(const struct rc_funnel_rules *rules,
                     const struct rc_funnel_event *events,
                     const uint32_t *chain,
                     uint32_t count)
{
    const int64_t deadline_ms = rc_funnel_deadline(rules, events[chain[0]].time_ms);
    while (count > 1 && events[chain[count - 1]].time_ms > deadline_ms)
        count--;
    return count;
}

/* and then the exclusions: the length of its longest part from the first event on that is not
 * void. */
uint32_t
rc_funnel_cut_excluded(const struct rc_funnel_rules *rules,
                       const struct rc_funnel_times *excluded,
                       const struct rc_funnel_event *events,
                       const uint32_t *chain,
                       uint32_t count);

/* A bound of the length of any chain, from the exclusions one by one: from its a-th event to its
 * b-th or last a chain lies between two neighbouring excluded events. RC_CANCELLED. */
RC_MUST_USE enum rc_status
rc_funnel_longest(const struct rc_funnel_rules *rules,
                  const struct rc_funnel_times *excluded,
                  const struct rc_funnel_event *events,
                  uint32_t count,
                  uint32_t *ret_longest);

#endif
