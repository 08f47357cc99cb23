/*
 * Funnel chain: the attempt of one entry, event by event.
 *
 * Always the earliest event is taken from which the chain can still be completed in time; which
 * steps it and those before fill may stay open while optional steps can be left out in several
 * ways. So each place has a list of states (the step filled last, the optional steps to go), in the
 * order of the steps that lead to them; of several ways to a state the lowest steps stay. The event
 * decides first and the steps last, as the rules say.
 */
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/funnel/funnel_search_form.h"

struct state {
    uint8_t step;
    uint8_t left;
    uint8_t parent; /* In the list of the place before. */
};

struct places {
    uint32_t group; /* Of the event taken last, */
    uint32_t event; /* and it. */
    uint32_t deadline;
    uint32_t count;                             /* Events taken. */
    uint32_t events[RC_FUNNEL_STEPS_MAX];       /* By place. */
    uint32_t state_counts[RC_FUNNEL_STEPS_MAX]; /* By place. */
    struct state states[RC_FUNNEL_STEPS_MAX][RC_FUNNEL_STEPS_MAX];
};

/* Calls for each step that may be filled next. Steps of a macro's loop: i of state, from the one
 * behind it to the first that may not be left out. */
#define FOR_NEXT_STEPS(search, state, behind)                                                 \
    for (uint32_t behind = (state)->step + 1u, last_ = 0; !last_ && behind < (search)->depth; \
         last_ = !is_optional((search), behind), behind++)

/* Adds the states in which event of group fills a step; place is the one behind the last. */
static void
add_states(struct rc_funnel_search *search, struct places *places, uint32_t group, uint32_t event)
{
    const uint32_t place = places->count;
    const struct group *in = &search->groups[group];
    const bool packed = in->kind == GROUP_PACKED;
    uint64_t known = 0;
    places->state_counts[place] = 0;
    if (packed)
        rc_funnel_pack_use(search, event, true);
    for (uint32_t i = 0; i < places->state_counts[place - 1]; i++) {
        const struct state *state = &places->states[place - 1][i];
        FOR_NEXT_STEPS(search, state, behind)
        {
            const uint32_t optional = is_optional(search, behind);
            if (((search->problem->events[event].fill >> behind) & 1) == 0 ||
                ((known >> behind) & 1) != 0 || state->left < optional)
                continue;
            if (group != places->group &&
                (group > limit_group(search, places->group, state->step, behind) ||
                 in->time_ms > limit_ms(search, places->group, behind)))
                continue;
            const uint32_t done =
                rc_funnel_rest(search, group, event, behind, state->left - optional);
            if (done == NONE || done > places->deadline)
                continue;
            known |= (uint64_t)1 << behind;
            places->states[place][places->state_counts[place]++] = (struct state){
                .step = (uint8_t)behind,
                .left = (uint8_t)(state->left - optional),
                .parent = (uint8_t)i,
            };
        }
    }
    if (packed && places->state_counts[place] == 0)
        rc_funnel_pack_use(search, event, false);
}

/* Takes the earliest event of a packed group at hand that will do. */
static bool
take_packed(struct rc_funnel_search *search, struct places *places, uint32_t group)
{
    const struct packing *packing = search->packing;
    for (uint32_t i = 0; i < packing->event_count; i++) {
        const uint32_t event = packing->events[i];
        if (packing->used[i] && !(search->rules->reuse_event && event == places->event))
            continue;
        const bool again = packing->used[i];
        add_states(search, places, group, event);
        if (again)
            rc_funnel_pack_use(search, event, true);
        if (places->state_counts[places->count] > 0) {
            places->event = event;
            return true;
        }
    }
    return false;
}

/* The same for other groups, where a step's first event is as good as any. */
static bool
take_plain(struct rc_funnel_search *search, struct places *places, uint32_t group)
{
    const struct group *in = &search->groups[group];
    uint64_t steps = 0;
    for (uint32_t i = 0; i < places->state_counts[places->count - 1]; i++)
        FOR_NEXT_STEPS(search, &places->states[places->count - 1][i], behind)
    steps |= (uint64_t)1 << behind;
    uint32_t after = 0; /* Events from here on are still to be tried. */
    for (steps &= in->fill; steps != 0;) {
        uint32_t first = NONE;
        for (uint64_t left = steps; left != 0; left &= left - 1) {
            const uint32_t step = (uint32_t)__builtin_ctzll(left);
            const uint32_t event = search->first_events[slot_of(in, step)];
            if (event < after)
                steps &= ~((uint64_t)1 << step);
            else
                first = lesser(first, event);
        }
        if (first == NONE)
            return false;
        add_states(search, places, group, first);
        if (places->state_counts[places->count] > 0) {
            places->event = first;
            return true;
        }
        after = first + 1;
    }
    return false;
}

/* The nearest group behind the one at hand in which the chain can go on. */
static uint32_t
next_group(const struct rc_funnel_search *search, const struct places *places)
{
    uint32_t nearest = NONE;
    for (uint32_t i = 0; i < places->state_counts[places->count - 1]; i++) {
        const struct state *state = &places->states[places->count - 1][i];
        FOR_NEXT_STEPS(search, state, behind)
        {
            uint32_t low = search->where_starts[behind];
            const uint32_t end = search->where_starts[behind + 1];
            uint32_t high = end;
            while (low < high) {
                const uint32_t middle = low + (high - low) / 2;
                if (search->where[middle] <= places->group)
                    low = middle + 1;
                else
                    high = middle;
            }
            uint32_t group = low == end ? NONE : search->where[low];
            while (group != NONE && group < nearest) {
                const size_t at =
                    (size_t)slot_of(&search->groups[group], behind) * search->width + state->left;
                if (search->begun[at] != NONE && search->begun[at] <= places->deadline) {
                    if (group <= limit_group(search, places->group, state->step, behind) &&
                        search->groups[group].time_ms <= limit_ms(search, places->group, behind))
                        nearest = group;
                    break;
                }
                group = search->next[at];
            }
        }
    }
    return nearest;
}

static enum rc_status
take_event(struct rc_funnel_search *search, struct places *places)
{
    const struct group *group = &search->groups[places->group];
    if (group->kind == GROUP_PACKED && take_packed(search, places, places->group))
        return RC_OK;
    if (group->kind == GROUP_FREE && take_plain(search, places, places->group))
        return RC_OK;
    const uint32_t next = next_group(search, places);
    if (search->cancelled)
        return RC_CANCELLED;
    RC_ASSERT(next != NONE);
    bool taken;
    if (search->groups[next].kind == GROUP_PACKED) {
        RC_TRY(rc_funnel_pack(search, next));
        taken = take_packed(search, places, next);
    } else {
        taken = take_plain(search, places, next);
    }
    places->group = next;
    RC_ASSERT(taken || search->cancelled);
    return search->cancelled ? RC_CANCELLED : RC_OK;
}

/* Steps to events, from the last place back. */
static void
fill_attempt(const struct rc_funnel_search *search,
             const struct places *places,
             struct rc_funnel_attempt *attempt)
{
    uint32_t at = 0;
    attempt->depth = search->depth;
    attempt->filled = 0;
    for (uint32_t step = 0; step < search->depth; step++)
        attempt->hits[step] = NONE;
    for (uint32_t place = places->count; place-- > 0;) {
        const struct state *state = &places->states[place][at];
        attempt->filled |= (uint64_t)1 << state->step;
        attempt->hits[state->step] = search->problem->events[places->events[place]].hit;
        at = state->parent;
    }
}

enum rc_status
rc_funnel_chain(struct rc_funnel_search *search,
                uint32_t group,
                uint32_t event,
                uint32_t left,
                uint32_t deadline,
                struct rc_funnel_attempt *ret_attempt)
{
    const uint64_t required = ~search->rules->optional & rc_funnel_below(search->depth);
    const uint32_t length = (uint32_t)__builtin_popcountll(required) + left;
    struct places places;
    places.group = group;
    places.event = event;
    places.deadline = deadline;
    places.count = 1;
    places.events[0] = event;
    places.state_counts[0] = 1;
    places.states[0][0] = (struct state){.step = 0, .left = (uint8_t)left, .parent = 0};
    if (search->groups[group].kind == GROUP_PACKED) {
        RC_TRY(rc_funnel_pack(search, group));
        rc_funnel_pack_use(search, event, true);
    }
    while (places.count < length) {
        RC_TRY(take_event(search, &places));
        places.events[places.count++] = places.event;
    }
    fill_attempt(search, &places, ret_attempt);
    return RC_OK;
}
