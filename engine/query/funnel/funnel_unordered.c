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
 * are no matroid any more: funnel_places.c searches for each entry's chain.
 */
#include "engine/query/funnel/funnel_unordered.h"

#include "engine/query/funnel/funnel_basis.h"
#include "engine/query/funnel/funnel_places.h"

#define EVENTS_BETWEEN_LOOKS 1024u

struct rc_funnel_unordered {
    const struct rc_funnel_rules *rules;
    const struct rc_funnel_problem *problem;
    struct rc_funnel_places *places; /* NULL: the sets are a matroid. */
    struct rc_funnel_basis basis;
};

enum rc_status
rc_funnel_unordered_new(const struct rc_funnel_rules *rules,
                        struct rc_account *account,
                        struct rc_funnel_unordered **ret_unordered)
{
    RC_CLEANUP(rc_funnel_unordered_freep)
    struct rc_funnel_unordered *unordered = rc_alloc_in(account, sizeof(*unordered));
    bool searches = rules->strict_times;
    if (unordered == NULL)
        return RC_NO_MEMORY;
    *unordered = (struct rc_funnel_unordered){.rules = rules};
    for (uint32_t i = 0; i < rules->exclusion_count; i++)
        searches = searches || rules->exclusions[i].after > 0;
    if (searches)
        RC_TRY(rc_funnel_places_new(rules, account, &unordered->places));
    *ret_unordered = RC_TAKE(unordered);
    return RC_OK;
}

struct rc_funnel_unordered *
rc_funnel_unordered_free(struct rc_funnel_unordered *unordered)
{
    if (unordered != NULL)
        rc_funnel_places_free(unordered->places);
    return rc_alloc_free(unordered);
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

/* The attempt of an entry whose group is in the basis; of depth 0: it is not better than best. */
static enum rc_status
find_attempt(struct rc_funnel_unordered *unordered,
             uint32_t entry,
             uint32_t group_begin,
             const struct rc_funnel_attempt *best,
             struct rc_funnel_attempt *attempt)
{
    const struct rc_funnel_rules *rules = unordered->rules;
    const struct rc_funnel_problem *problem = unordered->problem;
    uint32_t chain[RC_FUNNEL_STEPS_MAX];
    if (unordered->places != NULL)
        return rc_funnel_places_find(unordered->places, group_begin, entry, best, attempt);
    /* Among events of equal time an entry may have lost its step to an earlier one. */
    const struct rc_funnel_basis *basis = &unordered->basis;
    struct rc_funnel_basis own;
    if (!rc_funnel_basis_has(basis, rules->step_count, entry)) {
        own = unordered->basis;
        rc_funnel_basis_insert(&own, problem->events, entry);
        basis = &own;
    }
    chain[0] = entry;
    uint32_t count = rc_funnel_basis_sort(basis, rules->step_count, chain, 1);
    count = rc_funnel_cut_window(rules, problem->events, chain, count);
    count = rc_funnel_cut_excluded(rules, problem->excluded, problem->events, chain, count);
    make_attempt(unordered, chain, count, attempt);
    return RC_OK;
}

/* Offers the attempts of a group's entries, from the last to the first. best NULL: to list. */
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
        RC_TRY(find_attempt(unordered, event, begin, best, &attempt));
        if (best == NULL)
            RC_TRY(rc_funnel_list_add(list, unordered->rules, span, &attempt));
        else if (attempt.depth > 0 && (best->depth == 0 || rc_funnel_is_better(&attempt, best)))
            *best = attempt;
    }
    return RC_OK;
}

bool
rc_funnel_unordered_passed(const struct rc_funnel_unordered *unordered)
{
    return unordered->places != NULL && rc_funnel_places_passed(unordered->places);
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
    rc_funnel_basis_clear(&unordered->basis);
    if (unordered->places != NULL)
        RC_TRY(rc_funnel_places_start(unordered->places, problem));
    for (uint32_t i = 0; i < span_count && list == NULL; i++)
        ret_attempts[i].depth = 0;
    for (uint32_t end = problem->count; end > 0;) {
        const int64_t time_ms = events[end - 1].time_ms;
        uint32_t begin = end;
        while (begin > 0 && events[begin - 1].time_ms == time_ms) {
            begin--;
            if (begin % EVENTS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(unordered->rules))
                return RC_CANCELLED;
            if (unordered->places == NULL)
                rc_funnel_basis_insert(&unordered->basis, events, begin);
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
