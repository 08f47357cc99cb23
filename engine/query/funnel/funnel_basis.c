/*
 * Funnel basis. An event costs one search over at most 64 steps: it takes a free step, or closes a
 * circuit, whose latest event then leaves.
 */
#include "engine/query/funnel/funnel_basis.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/funnel/funnel_exclude.h"

#define NONE RC_FUNNEL_NONE
#define EVENTS_BETWEEN_LOOKS 1024u

void
rc_funnel_basis_clear(struct rc_funnel_basis *basis)
{
    basis->count = 0;
    memset(basis->owners, 0xff, sizeof(basis->owners));
}

/* Gives step to event, and each step on the way back to the event that came before. */
static void
shift(struct rc_funnel_basis *basis, const uint8_t *from, uint32_t step, uint32_t event)
{
    while (from[step] != UINT8_MAX) {
        basis->owners[step] = basis->owners[from[step]];
        step = from[step];
    }
    basis->owners[step] = event;
}

void
rc_funnel_basis_insert(struct rc_funnel_basis *basis,
                       const struct rc_funnel_event *events,
                       uint32_t event)
{
    uint8_t queue[RC_FUNNEL_STEPS_MAX];
    uint8_t from[RC_FUNNEL_STEPS_MAX]; /* The step whose owner may move to this one. */
    uint32_t begin = 0;
    uint32_t end = 0;
    uint64_t seen = events[event].fill;
    for (uint64_t steps = seen; steps != 0; steps &= steps - 1) {
        const uint32_t step = (uint32_t)__builtin_ctzll(steps);
        from[step] = UINT8_MAX;
        queue[end++] = (uint8_t)step;
    }
    uint32_t latest = NONE; /* The step of the latest event on the circuit. */
    while (begin < end) {
        const uint32_t step = queue[begin++];
        const uint32_t owner = basis->owners[step];
        if (owner == NONE) {
            shift(basis, from, step, event);
            basis->count++;
            return;
        }
        if (latest == NONE || owner > basis->owners[latest])
            latest = step;
        for (uint64_t steps = events[owner].fill & ~seen; steps != 0; steps &= steps - 1) {
            const uint32_t next = (uint32_t)__builtin_ctzll(steps);
            from[next] = (uint8_t)step;
            queue[end++] = (uint8_t)next;
        }
        seen |= events[owner].fill;
    }
    RC_ASSERT(latest != NONE);
    shift(basis, from, latest, event);
}

static inline bool
is_among(const uint32_t *chain, uint32_t count, uint32_t event)
{
    if (count == 1)
        return chain[0] == event;
    for (uint32_t i = 0; i < count; i++)
        if (chain[i] == event)
            return true;
    return false;
}

uint32_t
rc_funnel_basis_sort(const struct rc_funnel_basis *basis,
                     uint32_t step_count,
                     uint32_t *chain,
                     uint32_t count)
{
    const uint32_t given = count;
    uint32_t found = 0;
    for (uint32_t step = 0; step < step_count; step++) {
        const uint32_t event = basis->owners[step];
        if (event == NONE)
            continue;
        if (is_among(chain, given, event)) {
            found++;
            continue;
        }
        uint32_t at = count++;
        for (; at > given && chain[at - 1] > event; at--)
            chain[at] = chain[at - 1];
        chain[at] = event;
    }
    return found == given ? count : 0;
}

uint32_t
rc_funnel_cut_excluded(const struct rc_funnel_rules *rules,
                       const struct rc_funnel_times *excluded,
                       const struct rc_funnel_event *events,
                       const uint32_t *chain,
                       uint32_t count)
{
    for (uint32_t i = 0; i < rules->exclusion_count; i++) {
        const uint32_t after = rules->exclusions[i].after;
        const uint32_t before = rules->exclusions[i].before + 1;
        if (after >= count)
            continue;
        const int64_t found_ms = rc_funnel_times_after(&excluded[i], events[chain[after]].time_ms);
        uint32_t free = after + 1;
        while (free < count && events[chain[free]].time_ms <= found_ms)
            free++;
        /* With the b-th event in time all is well; without it the last one must be. */
        if (free < before && free < count)
            count = free;
    }
    return count;
}

/* The largest basis of the events between two neighbouring times, both ends in. */
static enum rc_status
find_most(const struct rc_funnel_rules *rules,
          const struct rc_funnel_times *times,
          const struct rc_funnel_event *events,
          uint32_t count,
          uint32_t *ret_most)
{
    int64_t low_ms = INT64_MIN;
    *ret_most = 0;
    for (uint32_t begin = 0, at = 0; at < count;) {
        struct rc_funnel_basis basis;
        const int64_t high_ms = rc_funnel_times_after(times, low_ms);
        rc_funnel_basis_clear(&basis);
        for (at = begin; at < count && events[at].time_ms <= high_ms; at++) {
            if (at % EVENTS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(rules))
                return RC_CANCELLED;
            rc_funnel_basis_insert(&basis, events, at);
        }
        if (basis.count > *ret_most)
            *ret_most = basis.count;
        low_ms = high_ms;
        for (begin = at; begin > 0 && events[begin - 1].time_ms == high_ms;)
            begin--;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_longest(const struct rc_funnel_rules *rules,
                  const struct rc_funnel_times *excluded,
                  const struct rc_funnel_event *events,
                  uint32_t count,
                  uint32_t *ret_longest)
{
    uint32_t longest = rules->step_count;
    for (uint32_t i = 0; i < rules->exclusion_count; i++) {
        const struct rc_funnel_exclusion *exclusion = &rules->exclusions[i];
        uint32_t most;
        RC_TRY(find_most(rules, &excluded[i], events, count, &most));
        if (most < exclusion->before - exclusion->after + 1 && exclusion->after + most < longest)
            longest = exclusion->after + most;
    }
    *ret_longest = longest;
    return RC_OK;
}
