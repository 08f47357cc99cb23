/*
 * Unordered funnels. Sets of events that can take different steps each are the independent sets of
 * a matroid (matchings of events to steps), so taking every event that still fits, in order, gives
 * the largest set, and among those the one whose events are earliest, place by place. The set of
 * all events from some event on (the basis) is kept while that event moves from the last to the
 * first: a new event either fits, or takes the place of the latest one on the circuit that it
 * closes. So an event costs one search over at most 64 steps, whatever the window: the window only
 * cuts the basis, whose part up to any time is the basis of the events up to that time.
 *
 * An entry among events of equal time comes first in its own chain: it is put into the basis of the
 * whole group in the same way, as if it were the first event.
 *
 * An exclusion from the first event on only says how far the chain may go, so it is read off the
 * basis as well. Where exclusions begin at a later event, or where times must increase, the sets
 * are no matroid any more: funnel_places.c searches the places of each entry's chain. It is
 * polynomial, but walks each entry's window.
 */
#include "engine/query/funnel/funnel_unordered.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/funnel/funnel_exclude.h"
#include "engine/query/funnel/funnel_places.h"

#define NONE RC_FUNNEL_NONE
#define EVENTS_BETWEEN_LOOKS 1024u

struct basis {
    uint32_t count;
    uint32_t owners[RC_FUNNEL_STEPS_MAX]; /* By step: the event that takes it, or NONE. */
};

struct rc_funnel_unordered {
    const struct rc_funnel_rules *rules;
    struct rc_account *account;
    const struct rc_funnel_problem *problem;
    bool searches; /* Chains are searched place by place. */
    struct rc_funnel_places *places;
    struct basis basis;
};

enum rc_status
rc_funnel_unordered_new(const struct rc_funnel_rules *rules,
                        struct rc_account *account,
                        struct rc_funnel_unordered **ret_unordered)
{
    struct rc_funnel_unordered *unordered = rc_alloc_in(account, sizeof(*unordered));
    if (unordered == NULL)
        return RC_NO_MEMORY;
    *unordered = (struct rc_funnel_unordered){
        .rules = rules, .account = account, .searches = rules->strict_times};
    for (uint32_t i = 0; i < rules->exclusion_count; i++)
        unordered->searches = unordered->searches || rules->exclusions[i].after > 0;
    *ret_unordered = unordered;
    return RC_OK;
}

struct rc_funnel_unordered *
rc_funnel_unordered_free(struct rc_funnel_unordered *unordered)
{
    if (unordered != NULL)
        rc_funnel_places_free(unordered->places);
    return rc_alloc_free(unordered);
}

/* Gives step to event, and each step on the way back to the event that came before. */
static void
shift(struct basis *basis, const uint8_t *from, uint32_t step, uint32_t event)
{
    while (from[step] != UINT8_MAX) {
        basis->owners[step] = basis->owners[from[step]];
        step = from[step];
    }
    basis->owners[step] = event;
}

/* Puts an event that is not in it into the basis, as if it were before all others; drop is never
 * dropped for it. */
static void
insert(struct basis *basis, const struct rc_funnel_event *events, uint32_t event)
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

/* The events of the basis in order; the entry first. */
static uint32_t
sort_basis(const struct basis *basis, uint32_t step_count, uint32_t entry, uint32_t *sorted)
{
    uint32_t count = 1;
    sorted[0] = entry;
    for (uint32_t step = 0; step < step_count; step++) {
        const uint32_t event = basis->owners[step];
        if (event == NONE || event == entry)
            continue;
        uint32_t at = count++;
        for (; at > 1 && sorted[at - 1] > event; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = event;
    }
    return count;
}

/* How many of the sorted events make a chain that neither its window nor an exclusion ends. */
static uint32_t
cut_chain(const struct rc_funnel_unordered *unordered, const uint32_t *sorted, uint32_t count)
{
    const struct rc_funnel_rules *rules = unordered->rules;
    const struct rc_funnel_event *events = unordered->problem->events;
    const int64_t entry_ms = events[sorted[0]].time_ms;
    const int64_t deadline_ms = rc_funnel_deadline(rules, entry_ms);
    while (count > 1 && events[sorted[count - 1]].time_ms > deadline_ms)
        count--;
    for (uint32_t i = 0; i < rules->exclusion_count; i++) {
        const int64_t found_ms = rc_funnel_times_after(&unordered->problem->excluded[i], entry_ms);
        const uint32_t before = rules->exclusions[i].before + 1;
        uint32_t free = 1;
        while (free < count && events[sorted[free]].time_ms <= found_ms)
            free++;
        /* With the b-th event in time all is well; without it the last one must be. */
        if (free < before && free < count)
            count = free;
    }
    return count;
}

static void
make_attempt(const struct rc_funnel_unordered *unordered,
             const uint32_t *sorted,
             uint32_t count,
             struct rc_funnel_attempt *attempt)
{
    attempt->depth = count;
    attempt->filled = rc_funnel_below(count);
    for (uint32_t i = 0; i < count; i++)
        attempt->hits[i] = unordered->problem->events[sorted[i]].hit;
}

/* The attempt of an entry whose group is in the basis. */
static enum rc_status
find_attempt(struct rc_funnel_unordered *unordered,
             uint32_t entry,
             uint32_t group_begin,
             struct rc_funnel_attempt *attempt)
{
    uint32_t sorted[RC_FUNNEL_STEPS_MAX];
    if (unordered->searches) {
        if (unordered->places == NULL)
            RC_TRY(rc_funnel_places_new(unordered->rules, unordered->account, &unordered->places));
        return rc_funnel_places_find(unordered->places, unordered->problem, group_begin, entry,
                                     attempt);
    }
    struct basis basis = unordered->basis;
    bool inside = false;
    for (uint32_t step = 0; step < unordered->rules->step_count; step++)
        inside = inside || basis.owners[step] == entry;
    if (!inside)
        insert(&basis, unordered->problem->events, entry);
    const uint32_t count = sort_basis(&basis, unordered->rules->step_count, entry, sorted);
    make_attempt(unordered, sorted, cut_chain(unordered, sorted, count), attempt);
    return RC_OK;
}

/* Offers the attempts of a group's entries, from the last to the first. */
static enum rc_status
take_group(struct rc_funnel_unordered *unordered,
           uint32_t begin,
           uint32_t end,
           uint32_t span,
           struct rc_funnel_attempt *best,
           struct rc_funnel_list *list)
{
    struct rc_funnel_attempt attempt;
    for (uint32_t event = end; event-- > begin;) {
        if (event % EVENTS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(unordered->rules))
            return RC_CANCELLED;
        RC_TRY(find_attempt(unordered, event, begin, &attempt));
        if (list != NULL)
            RC_TRY(rc_funnel_list_add(list, unordered->rules, span, &attempt));
        else if (best->depth == 0 || rc_funnel_is_better(&attempt, best))
            *best = attempt;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_unordered_run(struct rc_funnel_unordered *unordered,
                        const struct rc_funnel_problem *problem,
                        const struct rc_funnel_span *spans,
                        uint32_t span_count,
                        struct rc_funnel_attempt *ret_attempts,
                        struct rc_funnel_list *list)
{
    const struct rc_funnel_event *events = problem->events;
    uint32_t span = span_count;
    unordered->problem = problem;
    unordered->basis.count = 0;
    memset(unordered->basis.owners, 0xff, sizeof(unordered->basis.owners));
    for (uint32_t i = 0; i < span_count && list == NULL; i++)
        ret_attempts[i].depth = 0;
    for (uint32_t end = problem->count; end > 0;) {
        const int64_t time_ms = events[end - 1].time_ms;
        uint32_t begin = end;
        while (begin > 0 && events[begin - 1].time_ms == time_ms) {
            begin--;
            if (begin % EVENTS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(unordered->rules))
                return RC_CANCELLED;
            if (!unordered->searches)
                insert(&unordered->basis, events, begin);
        }
        while (span > 0 && time_ms < spans[span - 1].from_ms)
            span--;
        if (span == 0)
            break;
        if (time_ms < spans[span - 1].until_ms)
            RC_TRY(take_group(unordered, begin, end, span - 1,
                              list == NULL ? &ret_attempts[span - 1] : NULL, list));
        end = begin;
    }
    return RC_OK;
}
