/*
 * Funnel places. A chain of an unordered funnel has places 1 .. m in time, and an exclusion lies
 * between the a-th and the b-th. From the place on from which no exclusion begins any more, what
 * may follow is a matroid again that is cut at the next excluded event of each exclusion that is
 * open: the rest of the chain is found at once (funnel_rest.c).
 *
 * Before that place it can be right to leave out an event that fits, so that the a-th comes later.
 * There the window is walked once, with the states of all chains that can be: the steps taken, and
 * the time up to which the exclusions that are open let it go on (two chains that have this in
 * common have the same future, so the earlier one stands for both). An event fills the scarcest of
 * its free steps: one step is as scarce as another if each event of the one has the other too.
 *
 * Most entries need no walk: the chain without exclusions may not be void; and as a bound of what
 * can be it may not be better than the best attempt so far. A walk ends when nothing is left that
 * could be earlier than a chain as long as any can be. With n events in the window, k steps,
 * and exclusions that begin at the a-th place at most, a walk has at most
 *     s = 17 * (the sets of fewer than a of k steps)
 * states at a time, and takes O(n * s * k) steps and, for a chain that has come to the a-th place,
 * O(a * k^2) more. Polynomial only for a given a: with many exclusions the question is one of
 * three-dimensional matching. So s has a limit, RC_FUNNEL_STATES_MAX.
 */
#include "engine/query/funnel/funnel_places.h"

#include <string.h>

#include "engine/query/funnel/funnel_exclude.h"
#include "engine/query/funnel/funnel_rest.h"
#include "engine/query/funnel/funnel_states.h"

#define STEPS RC_FUNNEL_STEPS_MAX

struct rc_funnel_places {
    struct rc_funnel_rest rest;
    uint32_t settled; /* From so many events on no exclusion begins. */
    bool passed;
    uint64_t scarcer[STEPS]; /* Bit j of i: each event that has step i has step j. */
    uint32_t longest;        /* No chain is longer; */
    bool knows_longest;      /* sought before the first walk. */
    struct rc_funnel_states live;
    struct rc_funnel_states next;
    /* Of the entry at hand. */
    uint32_t bound; /* No chain is longer. */
    uint32_t depth; /* The best chain so far. */
    uint32_t chain[STEPS];
    uint32_t at; /* The event, and its time. */
    int64_t at_ms;
};

enum rc_status
rc_funnel_places_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_places **ret_places)
{
    RC_CLEANUP(rc_funnel_places_freep)
    struct rc_funnel_places *places = rc_alloc_in(account, sizeof(*places));
    if (places == NULL)
        return RC_NO_MEMORY;
    memset(places, 0, sizeof(*places));
    places->settled = 1;
    for (uint32_t i = 0; i < rules->exclusion_count; i++)
        if (rules->exclusions[i].after >= places->settled)
            places->settled = rules->exclusions[i].after + 1;
    rc_funnel_rest_open(&places->rest, rules, account);
    RC_TRY(rc_funnel_states_open(&places->live, account, places->settled));
    RC_TRY(rc_funnel_states_open(&places->next, account, places->settled));
    *ret_places = RC_TAKE(places);
    return RC_OK;
}

struct rc_funnel_places *
rc_funnel_places_free(struct rc_funnel_places *places)
{
    if (places == NULL)
        return NULL;
    rc_funnel_rest_close(&places->rest);
    rc_funnel_states_close(&places->live);
    rc_funnel_states_close(&places->next);
    return rc_alloc_free(places);
}

bool
rc_funnel_places_passed(const struct rc_funnel_places *places)
{
    return places->passed;
}

enum rc_status
rc_funnel_places_start(struct rc_funnel_places *places, const struct rc_funnel_problem *problem)
{
    RC_TRY(rc_funnel_rest_start(&places->rest, problem));
    places->longest = places->rest.rules->step_count;
    places->knows_longest = false;
    memset(places->scarcer, 0xff, sizeof(places->scarcer));
    for (uint32_t event = 0; event < problem->count; event++)
        for (uint64_t fill = problem->events[event].fill; fill != 0; fill &= fill - 1)
            places->scarcer[__builtin_ctzll(fill)] &= problem->events[event].fill;
    return RC_OK;
}

/* ---- The walk -------------------------------------------------------------------------------- */

/* Keeps a chain if it is better than the best so far. */
static void
offer(struct rc_funnel_places *places, const uint32_t *chain, uint32_t depth)
{
    if (depth < places->depth ||
        (depth == places->depth && rc_funnel_chain_compare(chain, places->chain, depth) >= 0))
        return;
    places->depth = depth;
    memcpy(places->chain, chain, depth * sizeof(*chain));
}

/* Whether a chain can still become better than the best, by events from the one at hand on. */
static bool
keep(void *context, const struct rc_funnel_state *state, const uint32_t *chain)
{
    const struct rc_funnel_places *places = context;
    if (state->until_ms < places->at_ms)
        return false;
    if (places->depth < places->bound)
        return true;
    const int order = rc_funnel_chain_compare(chain, places->chain, state->count);
    return order < 0 || (order == 0 && state->count < places->depth &&
                         places->at <= places->chain[state->count]);
}

/* Without those of the steps for which there is a scarcer one. */
static uint64_t
scarcest(const struct rc_funnel_places *places, uint64_t steps)
{
    uint64_t left = steps;
    for (uint64_t from = steps; from != 0; from &= from - 1) {
        const uint32_t step = (uint32_t)__builtin_ctzll(from);
        const uint64_t bit = (uint64_t)1 << step;
        for (uint64_t to = places->scarcer[step] & steps & ~bit; to != 0; to &= to - 1) {
            const uint32_t other = (uint32_t)__builtin_ctzll(to);
            if ((places->scarcer[other] & bit) == 0 || step < other)
                left &= ~((uint64_t)1 << other);
        }
    }
    return left;
}

/* Until when the exclusions that are open behind a chain let it go on. */
static int64_t
find_until(const struct rc_funnel_places *places, const uint32_t *chain, uint32_t count)
{
    const struct rc_funnel_rules *rules = places->rest.rules;
    int64_t until_ms = INT64_MAX;
    for (uint32_t i = 0; i < rules->exclusion_count; i++) {
        const struct rc_funnel_exclusion *exclusion = &rules->exclusions[i];
        if (exclusion->after >= count || exclusion->before < count)
            continue;
        const int64_t found_ms =
            rc_funnel_times_after(&places->rest.problem->excluded[i],
                                  places->rest.problem->events[chain[exclusion->after]].time_ms);
        if (found_ms < until_ms)
            until_ms = found_ms;
    }
    return until_ms;
}

/* Adds the states of a chain of count events, of which the last fills one of some steps. */
static enum rc_status
add_states(struct rc_funnel_places *places,
           struct rc_funnel_states *states,
           const uint32_t *chain,
           uint32_t count,
           uint64_t taken,
           uint64_t steps)
{
    const int64_t until_ms = find_until(places, chain, count);
    offer(places, chain, count);
    for (steps = scarcest(places, steps); steps != 0; steps &= steps - 1) {
        const struct rc_funnel_state state = {
            .steps = taken | (steps & -steps), .until_ms = until_ms, .count = count};
        RC_TRY(rc_funnel_look(&places->rest, 1));
        const enum rc_status status = rc_funnel_states_add(states, state, chain);
        places->passed = places->passed || status == RC_LIMIT_EXCEEDED;
        RC_TRY(status);
    }
    return RC_OK;
}

/* Puts an event behind the chains that are live. */
static enum rc_status
take_event(struct rc_funnel_places *places, uint32_t event)
{
    uint32_t chain[STEPS];
    for (uint32_t i = 0; i < places->live.count; i++) {
        const struct rc_funnel_state *state = &places->live.items[i];
        const uint64_t steps = places->rest.problem->events[event].fill & ~state->steps;
        const uint32_t count = state->count + 1;
        RC_TRY(rc_funnel_look(&places->rest, 1));
        if (steps == 0)
            continue;
        memcpy(chain, rc_funnel_states_chain(&places->live, i), state->count * sizeof(*chain));
        chain[state->count] = event;
        if (places->depth == places->bound &&
            rc_funnel_chain_compare(chain, places->chain, count) >= 0)
            continue;
        if (count < places->settled) {
            RC_TRY(add_states(places, &places->next, chain, count, state->steps, steps));
            continue;
        }
        uint32_t depth;
        RC_TRY(rc_funnel_complete(&places->rest, chain, count,
                                  rc_funnel_unit_of(&places->rest, event) + 1, true, &depth));
        offer(places, chain, depth);
    }
    return RC_OK;
}

static enum rc_status
walk(struct rc_funnel_places *places, uint32_t entry, uint32_t from)
{
    const struct rc_funnel_event *events = places->rest.problem->events;
    const int64_t deadline_ms = rc_funnel_deadline(places->rest.rules, events[entry].time_ms);
    if (!places->knows_longest)
        RC_TRY(rc_funnel_longest(places->rest.rules, places->rest.problem->excluded,
                                 places->rest.units, places->rest.unit_count, &places->longest));
    places->knows_longest = true;
    if (places->bound > places->longest)
        places->bound = places->longest;
    rc_funnel_states_clear(&places->live);
    RC_TRY(add_states(places, &places->live, &entry, 1, 0, events[entry].fill));
    for (uint32_t unit = from;
         unit < places->rest.unit_count && places->rest.units[unit].time_ms <= deadline_ms;
         unit++) {
        const uint32_t begin = rc_funnel_unit_begin(&places->rest, unit);
        const uint32_t end = rc_funnel_unit_begin(&places->rest, unit + 1);
        places->at = begin;
        places->at_ms = places->rest.units[unit].time_ms;
        rc_funnel_states_filter(&places->live, keep, places);
        if (places->live.count == 0)
            break;
        rc_funnel_states_clear(&places->next);
        for (uint32_t event = begin; event < end; event++)
            if (event != entry)
                RC_TRY(take_event(places, event));
        for (uint32_t i = 0; i < places->next.count; i++) {
            const enum rc_status status = rc_funnel_states_add(
                &places->live, places->next.items[i], rc_funnel_states_chain(&places->next, i));
            places->passed = places->passed || status == RC_LIMIT_EXCEEDED;
            RC_TRY(status);
        }
    }
    return RC_OK;
}

/* ---- An entry -------------------------------------------------------------------------------- */

/* Whether a chain of bound units at most, which ends at last at the earliest, cannot be better. */
static bool
is_behind(const struct rc_funnel_places *places,
          const uint32_t *units,
          const struct rc_funnel_attempt *best)
{
    if (best == NULL || best->depth == 0 || places->bound > best->depth)
        return false;
    const uint32_t last = rc_funnel_unit_begin(&places->rest, units[places->bound - 1]);
    return places->bound < best->depth ||
           (places->bound > 1 &&
            places->rest.problem->events[last].hit >= rc_funnel_last_hit(best));
}

/* Sets the best chain of an entry. */
static enum rc_status
find_chain(struct rc_funnel_places *places, uint32_t entry, uint32_t from)
{
    const struct rc_funnel_rules *rules = places->rest.rules;
    uint32_t units[STEPS];
    uint32_t depth;
    places->depth = 0;
    places->chain[0] = entry;
    if (places->settled == 1)
        return rc_funnel_complete(&places->rest, places->chain, 1, from, true, &places->depth);
    RC_TRY(rc_funnel_complete(&places->rest, places->chain, 1, from, false, &depth));
    for (uint32_t i = 0; i < depth; i++)
        units[i] = rc_funnel_unit_of(&places->rest, places->chain[i]);
    places->depth = depth;
    if (rc_funnel_cut_excluded(rules, places->rest.problem->excluded, places->rest.units, units,
                               depth) == depth)
        return RC_OK;
    places->depth = 0;
    return walk(places, entry, from);
}

enum rc_status
rc_funnel_places_find(struct rc_funnel_places *places,
                      uint32_t group_begin,
                      uint32_t entry,
                      const struct rc_funnel_attempt *best,
                      struct rc_funnel_attempt *ret_attempt)
{
    const struct rc_funnel_event *events = places->rest.problem->events;
    const uint32_t from = places->rest.rules->strict_times
                              ? rc_funnel_unit_of(&places->rest, entry) + 1
                              : rc_funnel_unit_of(&places->rest, group_begin);
    uint32_t units[STEPS];
    ret_attempt->depth = 0;
    RC_TRY(rc_funnel_look(&places->rest, STEPS));
    places->bound = rc_funnel_join(&places->rest, &entry, 1, from, false, units);
    if (places->bound > places->longest)
        places->bound = places->longest;
    if (is_behind(places, units, best))
        return RC_OK;
    RC_TRY(find_chain(places, entry, from));
    ret_attempt->depth = places->depth;
    ret_attempt->filled = rc_funnel_below(places->depth);
    for (uint32_t i = 0; i < places->depth; i++)
        ret_attempt->hits[i] = events[places->chain[i]].hit;
    return RC_OK;
}
