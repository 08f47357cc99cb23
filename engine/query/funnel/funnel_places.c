/*
 * Funnel places. A chain of m events has places 1 .. m in time. An exclusion from a to b says that
 * the places from a to b (or the last) lie between two neighbouring excluded events, both ends in:
 * for each choice of such a stretch, each place has an interval of time, and later places have
 * later intervals. So a chain of m exists if places, events and steps can be joined in m disjoint
 * triples, place - event in its interval - step that the event matches: a flow of m through events
 * of capacity one. Where times must increase, it is all events of one time that have capacity one.
 *
 * m is tried from the greatest; then each place in turn takes the earliest event that leaves a flow
 * of m; of several choices of stretches the earliest chain stays.
 *
 * Polynomial for a given number of exclusions: for an entry with n events in its window, of which x
 * are excluded by each of e exclusions, O(x^e * m * n) flows of O(m^2 * n).
 */
#include "engine/query/funnel/funnel_places.h"

#include <string.h>

#include "engine/query/funnel/funnel_exclude.h"

#define NONE RC_FUNNEL_NONE
#define STEPS RC_FUNNEL_STEPS_MAX

/* What has capacity one: an event, or all of one time. */
struct unit {
    int64_t time_ms;
    uint64_t fill;
    uint32_t begin; /* Its events. */
    uint32_t end;
    uint32_t fixed;    /* The event that it must be, or NONE. */
    uint32_t fixed_at; /* The place that has it. */
    uint32_t place;    /* Of the flow, or NONE, */
    uint32_t step;     /* and NONE. */
    uint32_t from_in;  /* Of the search: the node that led here. */
    uint32_t from_out;
};

struct rc_funnel_places {
    const struct rc_funnel_rules *rules;
    struct rc_account *account;
    const struct rc_funnel_problem *problem;
    uint32_t unit_count;
    struct unit *units;
    size_t unit_capacity;
    uint32_t *queue;
    size_t queue_capacity;
    uint32_t length; /* m. */
    uint32_t fixed_count;
    int64_t fixed_ms; /* Time of the last place that is fixed. */
    int64_t low_ms[STEPS];
    int64_t high_ms[STEPS];
    uint32_t unit_of_step[STEPS];
    uint32_t from_place[STEPS]; /* The unit that led here, or NONE. */
    bool seen_place[STEPS];
    uint32_t from_step[STEPS];
    bool seen_step[STEPS];
};

enum rc_status
rc_funnel_places_new(const struct rc_funnel_rules *rules,
                     struct rc_account *account,
                     struct rc_funnel_places **ret_places)
{
    struct rc_funnel_places *places = rc_alloc_in(account, sizeof(*places));
    if (places == NULL)
        return RC_NO_MEMORY;
    memset(places, 0, sizeof(*places));
    places->rules = rules;
    places->account = account;
    *ret_places = places;
    return RC_OK;
}

struct rc_funnel_places *
rc_funnel_places_free(struct rc_funnel_places *places)
{
    if (places == NULL)
        return NULL;
    rc_alloc_free(places->units);
    rc_alloc_free(places->queue);
    return rc_alloc_free(places);
}

/* ---- The flow -------------------------------------------------------------------------------- */

/* Nodes of the search: places, then units on their way in, then out, then steps. */
enum node_kind { NODE_PLACE, NODE_IN, NODE_OUT, NODE_STEP };

static uint32_t
node(enum node_kind kind, uint32_t index)
{
    return (uint32_t)kind << 30 | index;
}

static bool
may_take(const struct rc_funnel_places *places, uint32_t place, const struct unit *unit)
{
    if (unit->fixed != NONE)
        return unit->fixed_at == place;
    if (place < places->fixed_count)
        return false;
    if (unit->time_ms < places->fixed_ms ||
        (places->rules->strict_times && unit->time_ms == places->fixed_ms))
        return false;
    return unit->time_ms >= places->low_ms[place] && unit->time_ms <= places->high_ms[place];
}

static uint64_t
fill_of(const struct rc_funnel_places *places, const struct unit *unit)
{
    return unit->fixed != NONE ? places->problem->events[unit->fixed].fill : unit->fill;
}

/* Turns the path that ends at a free step: what was joined on it is parted, the rest joined. */
static void
turn_path(struct rc_funnel_places *places, uint32_t step)
{
    /* From the end: step <- out(u) <- ... ; each unit's way is fixed on the way back. */
    uint32_t at = node(NODE_STEP, step);
    for (;;) {
        const uint32_t index = at & 0x3fffffff;
        switch ((enum node_kind)(at >> 30)) {
        case NODE_STEP: {
            const uint32_t unit = places->from_step[index];
            places->unit_of_step[index] = unit;
            places->units[unit].step = index;
            at = node(NODE_OUT, unit);
            break;
        }
        case NODE_OUT: /* Either from its way in, or from the step that it gives up. */
            at = places->units[index].from_out;
            break;
        case NODE_IN: /* Either from the place that takes it, or from its way out. */
            at = places->units[index].from_in;
            if (at >> 30 == NODE_PLACE) {
                places->units[index].place = at & 0x3fffffff;
            } else {
                places->units[index].place = NONE;
                places->units[index].step = NONE;
            }
            break;
        case NODE_PLACE:
            if (places->from_place[index] == NONE)
                return;
            at = node(NODE_IN, places->from_place[index]);
            break;
        }
    }
}

/* One more triple, if there can be. */
static bool
augment(struct rc_funnel_places *places, uint32_t place)
{
    uint32_t begin = 0;
    uint32_t end = 0;
    memset(places->seen_place, 0, sizeof(places->seen_place));
    memset(places->seen_step, 0, sizeof(places->seen_step));
    for (uint32_t i = 0; i < places->unit_count; i++)
        places->units[i].from_in = places->units[i].from_out = NONE;
    places->seen_place[place] = true;
    places->from_place[place] = NONE;
    places->queue[end++] = node(NODE_PLACE, place);
    while (begin < end) {
        const uint32_t at = places->queue[begin++];
        const uint32_t index = at & 0x3fffffff;
        struct unit *unit = &places->units[index];
        switch ((enum node_kind)(at >> 30)) {
        case NODE_PLACE:
            for (uint32_t i = 0; i < places->unit_count; i++)
                if (places->units[i].from_in == NONE && places->units[i].place != index &&
                    may_take(places, index, &places->units[i])) {
                    places->units[i].from_in = at;
                    places->queue[end++] = node(NODE_IN, i);
                }
            break;
        case NODE_IN:
            if (unit->place == NONE && unit->from_out == NONE) {
                unit->from_out = at;
                places->queue[end++] = node(NODE_OUT, index);
            } else if (unit->place != NONE && !places->seen_place[unit->place]) {
                places->seen_place[unit->place] = true;
                places->from_place[unit->place] = index;
                places->queue[end++] = node(NODE_PLACE, unit->place);
            }
            break;
        case NODE_OUT:
            for (uint64_t steps = fill_of(places, unit); steps != 0; steps &= steps - 1) {
                const uint32_t step = (uint32_t)__builtin_ctzll(steps);
                if (places->seen_step[step] || unit->step == step)
                    continue;
                places->seen_step[step] = true;
                places->from_step[step] = index;
                places->queue[end++] = node(NODE_STEP, step);
            }
            if (unit->place != NONE && unit->from_in == NONE) {
                unit->from_in = at;
                places->queue[end++] = node(NODE_IN, index);
            }
            break;
        case NODE_STEP:
            if (places->unit_of_step[index] == NONE) {
                turn_path(places, index);
                return true;
            }
            if (places->units[places->unit_of_step[index]].from_out == NONE) {
                places->units[places->unit_of_step[index]].from_out = at;
                places->queue[end++] = node(NODE_OUT, places->unit_of_step[index]);
            }
            break;
        }
    }
    return false;
}

static bool
has_flow(struct rc_funnel_places *places)
{
    memset(places->unit_of_step, 0xff, sizeof(places->unit_of_step));
    for (uint32_t i = 0; i < places->unit_count; i++)
        places->units[i].place = places->units[i].step = NONE;
    /* Each takes a look at all units; who is told of none looks at the cancel flag. */
    for (uint32_t place = 0; place < places->length; place++)
        if (rc_funnel_cancelled(places->rules) || !augment(places, place))
            return false;
    return true;
}

/* ---- Chains ---------------------------------------------------------------------------------- */

static void
fix(struct rc_funnel_places *places, uint32_t unit, uint32_t event, uint32_t place)
{
    places->units[unit].fixed = event;
    places->units[unit].fixed_at = place;
    places->fixed_count = place + 1;
    places->fixed_ms = places->units[unit].time_ms;
}

/* Fixes the earliest event for a place that leaves a flow. */
static enum rc_status
fix_place(struct rc_funnel_places *places, uint32_t place, uint32_t *ret_event)
{
    const int64_t before_ms = places->fixed_ms;
    *ret_event = NONE;
    for (uint32_t i = 0; i < places->unit_count; i++) {
        struct unit *unit = &places->units[i];
        if (unit->fixed != NONE || !may_take(places, place, unit))
            continue;
        for (uint32_t event = unit->begin; event < unit->end; event++) {
            if (rc_funnel_cancelled(places->rules))
                return RC_CANCELLED;
            if (places->problem->events[event].fill == 0)
                continue;
            fix(places, i, event, place);
            if (has_flow(places)) {
                *ret_event = event;
                return RC_OK;
            }
            unit->fixed = NONE;
            places->fixed_count = place;
            places->fixed_ms = before_ms;
        }
    }
    return RC_OK;
}

/* The chain of the entry with the intervals at hand; *ret_found false: there is none. */
static enum rc_status
find_chain(struct rc_funnel_places *places, uint32_t entry, uint32_t *events, bool *ret_found)
{
    uint32_t unit = 0;
    *ret_found = false;
    for (uint32_t i = 0; i < places->unit_count; i++) {
        places->units[i].fixed = NONE;
        if (entry >= places->units[i].begin && entry < places->units[i].end)
            unit = i;
    }
    fix(places, unit, entry, 0);
    events[0] = entry;
    if (rc_funnel_cancelled(places->rules))
        return RC_CANCELLED;
    if (!has_flow(places))
        return RC_OK;
    for (uint32_t place = 1; place < places->length; place++) {
        RC_TRY(fix_place(places, place, &events[place]));
        if (events[place] == NONE)
            return RC_OK;
    }
    *ret_found = true;
    return RC_OK;
}

/* The choice of a stretch for each exclusion, as a number in the mixed base of their counts. */
static uint32_t
stretch_count(const struct rc_funnel_places *places,
              uint32_t exclusion,
              int64_t from_ms,
              int64_t to_ms)
{
    const struct rc_funnel_times *times = &places->problem->excluded[exclusion];
    uint32_t count = 1;
    if (places->length <= places->rules->exclusions[exclusion].after + 1)
        return 1;
    for (int64_t at_ms = rc_funnel_times_after(times, from_ms); at_ms < to_ms;
         at_ms = rc_funnel_times_after(times, at_ms))
        count++;
    return count;
}

static void
apply_stretch(struct rc_funnel_places *places,
              uint32_t exclusion,
              uint32_t stretch,
              int64_t from_ms)
{
    const struct rc_funnel_exclusion *rule = &places->rules->exclusions[exclusion];
    const struct rc_funnel_times *times = &places->problem->excluded[exclusion];
    if (places->length <= rule->after + 1)
        return;
    int64_t low_ms = INT64_MIN;
    int64_t high_ms = rc_funnel_times_after(times, from_ms);
    for (uint32_t i = 0; i < stretch; i++) {
        low_ms = high_ms;
        high_ms = rc_funnel_times_after(times, high_ms);
    }
    for (uint32_t place = rule->after; place <= rule->before && place < places->length; place++) {
        if (low_ms > places->low_ms[place])
            places->low_ms[place] = low_ms;
        if (high_ms < places->high_ms[place])
            places->high_ms[place] = high_ms;
    }
}

/* The earliest chain of length places over all choices of stretches. */
static enum rc_status
find_length(struct rc_funnel_places *places,
            uint32_t entry,
            int64_t deadline_ms,
            uint32_t *best,
            bool *ret_found)
{
    const struct rc_funnel_rules *rules = places->rules;
    const int64_t entry_ms = places->problem->events[entry].time_ms;
    uint64_t choices = 1;
    *ret_found = false;
    for (uint32_t i = 0; i < rules->exclusion_count; i++)
        choices *= stretch_count(places, i, entry_ms, deadline_ms);
    for (uint64_t choice = 0; choice < choices; choice++) {
        uint32_t events[STEPS];
        uint64_t rest = choice;
        bool found;
        for (uint32_t place = 0; place < places->length; place++) {
            places->low_ms[place] = entry_ms;
            places->high_ms[place] = deadline_ms;
        }
        for (uint32_t i = 0; i < rules->exclusion_count; i++) {
            const uint32_t count = stretch_count(places, i, entry_ms, deadline_ms);
            apply_stretch(places, i, (uint32_t)(rest % count), entry_ms);
            rest /= count;
        }
        if (entry_ms < places->low_ms[0] || entry_ms > places->high_ms[0])
            continue;
        RC_TRY(find_chain(places, entry, events, &found));
        bool better = found && !*ret_found;
        for (uint32_t i = 0; found && !better && i < places->length; i++) {
            if (events[i] != best[i]) {
                better = events[i] < best[i];
                break;
            }
        }
        if (better)
            memcpy(best, events, places->length * sizeof(*best));
        *ret_found = *ret_found || found;
    }
    return RC_OK;
}

/* Lists the units of the entry's window. */
static enum rc_status
list_units(struct rc_funnel_places *places, uint32_t group_begin, int64_t deadline_ms)
{
    const struct rc_funnel_problem *problem = places->problem;
    places->unit_count = 0;
    for (uint32_t at = group_begin;
         at < problem->count && problem->events[at].time_ms <= deadline_ms;) {
        if (places->units == NULL) {
            places->units = rc_alloc_in(places->account, 64 * sizeof(*places->units));
            places->unit_capacity = places->units == NULL ? 0 : 64;
            if (places->units == NULL)
                return RC_NO_MEMORY;
        }
        RC_TRY(RC_GROW(places->units, places->unit_capacity, (size_t)places->unit_count + 1));
        struct unit unit = {.time_ms = problem->events[at].time_ms, .begin = at};
        do
            unit.fill |= problem->events[at++].fill;
        while (places->rules->strict_times && at < problem->count &&
               problem->events[at].time_ms == unit.time_ms);
        unit.end = at;
        places->units[places->unit_count++] = unit;
    }
    const size_t nodes = 2 * (size_t)places->unit_count + 2 * STEPS;
    if (nodes > places->queue_capacity) {
        places->queue = rc_alloc_free(places->queue);
        places->queue_capacity = 0;
        places->queue = rc_alloc_in(places->account, 2 * nodes * sizeof(*places->queue));
        if (places->queue == NULL)
            return RC_NO_MEMORY;
        places->queue_capacity = 2 * nodes;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_places_find(struct rc_funnel_places *places,
                      const struct rc_funnel_problem *problem,
                      uint32_t group_begin,
                      uint32_t entry,
                      struct rc_funnel_attempt *ret_attempt)
{
    const int64_t deadline_ms = rc_funnel_deadline(places->rules, problem->events[entry].time_ms);
    uint32_t events[STEPS] = {0};
    bool found = false;
    places->problem = problem;
    RC_TRY(list_units(places, group_begin, deadline_ms));
    uint32_t length = places->rules->step_count;
    if (length > places->unit_count)
        length = places->unit_count;
    for (; length > 0 && !found; length--) {
        places->length = length;
        RC_TRY(find_length(places, entry, deadline_ms, events, &found));
    }
    ret_attempt->depth = places->length;
    ret_attempt->filled = rc_funnel_below(places->length);
    for (uint32_t i = 0; i < places->length; i++)
        ret_attempt->hits[i] = problem->events[events[i]].hit;
    return RC_OK;
}
