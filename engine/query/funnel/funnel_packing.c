/*
 * Funnel packing: who takes which step among events of equal time that may fill several.
 *
 * Distinct events: steps and events are matched by augmenting paths. Sets of steps that can be
 * matched are the independent sets of a matroid, so required steps that can be matched together
 * stay matched while optional ones are added, and any smaller number of these can be had too.
 *
 * Events that may fill consecutive steps (reuse_event): each takes one run of the chain. There is
 * no such order in it, so that the runs are searched one by one; of events that may fill the same
 * steps only the first free one is tried, and the search looks at the cancel flag. This is the one
 * place whose cost is not bounded by a polynomial: it grows with the number of different events at
 * one millisecond, which is small.
 */
#include "engine/query/funnel/funnel_search_form.h"

#include <string.h>

#include "engine/base/search.h"

#define NO_STEP UINT8_MAX
#define NODES_BETWEEN_LOOKS 4096u

enum rc_status
rc_funnel_pack(struct rc_funnel_search *search, uint32_t index)
{
    if (search->packing == NULL) {
        search->packing = rc_alloc_in(search->account, sizeof(*search->packing));
        if (search->packing == NULL)
            return RC_NO_MEMORY;
        search->packing->group = NONE;
        search->packing->nodes = 0;
    }
    struct packing *packing = search->packing;
    if (packing->group == index) {
        memset(packing->used, 0, packing->event_count * sizeof(packing->used[0]));
        return RC_OK;
    }
    const struct group *group = &search->groups[index];
    packing->group = index;
    packing->event_count = 0;
    packing->stamp = 0;
    memset(packing->counts, 0, sizeof(packing->counts));
    for (uint32_t event = group->begin; event < group->end; event++) {
        bool taken = false;
        for (uint64_t steps = search->problem->events[event].fill; steps != 0; steps &= steps - 1) {
            const uint32_t step = (uint32_t)__builtin_ctzll(steps);
            if (packing->counts[step] == CANDIDATES)
                continue;
            packing->candidates[step][packing->counts[step]++] = (uint16_t)packing->event_count;
            taken = true;
        }
        if (!taken)
            continue;
        packing->events[packing->event_count] = event;
        packing->used[packing->event_count] = false;
        packing->seen[packing->event_count] = 0;
        packing->event_count++;
    }
    return RC_OK;
}

/* The candidate that an event is, or NONE: it is behind those. */
static uint32_t
candidate_of(const struct packing *packing, uint32_t event)
{
    const uint32_t at = rc_lower_bound(packing->events, packing->event_count, event);
    return at < packing->event_count && packing->events[at] == event ? at : NONE;
}

void
rc_funnel_pack_use(struct rc_funnel_search *search, uint32_t event, bool used)
{
    const uint32_t candidate = candidate_of(search->packing, event);
    if (candidate != NONE)
        search->packing->used[candidate] = used;
}

/* Finds an event for step, moving others to other events where that helps. */
static bool
augment(struct packing *packing, uint32_t step)
{
    for (uint32_t i = 0; i < packing->counts[step]; i++) {
        const uint16_t event = packing->candidates[step][i];
        if (packing->used[event] || packing->seen[event] == packing->stamp)
            continue;
        packing->seen[event] = packing->stamp;
        if (packing->owner[event] == NO_STEP || augment(packing, packing->owner[event])) {
            packing->owner[event] = (uint8_t)step;
            return true;
        }
    }
    return false;
}

static bool
take(struct packing *packing, uint32_t step)
{
    packing->stamp++;
    return augment(packing, step);
}

/* The least rest at step with left less some of the optional steps between, as many as can be
 * matched beside those that are. */
static uint32_t
least_rest(struct rc_funnel_search *search, uint32_t step, uint32_t left, uint64_t between)
{
    struct packing *packing = search->packing;
    const struct group *group = &search->groups[packing->group];
    const uint32_t *rest = search->rest + (size_t)slot_of(group, step) * search->width;
    uint32_t done = rest[left];
    if (between == 0 || left == 0)
        return done;
    uint8_t saved[PACKED_EVENTS_MAX];
    memcpy(saved, packing->owner, packing->event_count);
    for (; between != 0 && left > 0; between &= between - 1)
        if (take(packing, (uint32_t)__builtin_ctzll(between)))
            done = lesser(done, rest[--left]);
    memcpy(packing->owner, saved, packing->event_count);
    return done;
}

/* Distinct events. */
static uint32_t
match_rest(struct rc_funnel_search *search, uint32_t step, uint32_t left, bool begins)
{
    struct packing *packing = search->packing;
    const struct group *group = &search->groups[packing->group];
    uint64_t between = 0;
    memset(packing->owner, NO_STEP, packing->event_count);
    if (begins && is_optional(search, step) && left-- == 0)
        return NONE;
    if (begins && !take(packing, step))
        return NONE;
    uint32_t done = search->rest[(size_t)slot_of(group, step) * search->width + left];
    for (uint32_t behind = step + 1; behind < search->depth; behind++) {
        const bool there = ((group->fill >> behind) & 1) != 0;
        if (!is_optional(search, behind)) {
            if (!there || !take(packing, behind))
                break;
            done = lesser(done, least_rest(search, behind, left, between));
        } else if (there && left > 0) {
            memcpy(packing->saved, packing->owner, packing->event_count);
            if (take(packing, behind))
                done = lesser(done, least_rest(search, behind, left - 1, between));
            memcpy(packing->owner, packing->saved, packing->event_count);
            between |= (uint64_t)1 << behind;
        }
    }
    return done;
}

/* Shared events: candidate fills step, and whatever comes next. */
static uint32_t
share_rest(struct rc_funnel_search *search, uint64_t fill, uint32_t step, uint32_t left);

/* The least of all ways to fill behind with another event. */
static uint32_t
share_with_others(struct rc_funnel_search *search, uint32_t behind, uint32_t left)
{
    struct packing *packing = search->packing;
    uint32_t done = NONE;
    for (uint32_t i = 0; i < packing->counts[behind] && done != packing->group; i++) {
        const uint16_t event = packing->candidates[behind][i];
        const uint64_t fill = search->problem->events[packing->events[event]].fill;
        bool tried = packing->used[event];
        for (uint32_t k = 0; k < i && !tried; k++) {
            const uint16_t before = packing->candidates[behind][k];
            tried = !packing->used[before] &&
                    search->problem->events[packing->events[before]].fill == fill;
        }
        if (tried)
            continue;
        packing->used[event] = true;
        done = lesser(done, share_rest(search, fill, behind, left));
        packing->used[event] = false;
    }
    return done;
}

static uint32_t
share_rest(struct rc_funnel_search *search, uint64_t fill, uint32_t step, uint32_t left)
{
    struct packing *packing = search->packing;
    const struct group *group = &search->groups[packing->group];
    if (++packing->nodes % NODES_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(search->rules))
        search->cancelled = true;
    if (search->cancelled)
        return NONE;
    uint32_t done = search->rest[(size_t)slot_of(group, step) * search->width + left];
    for (uint32_t behind = step + 1; behind < search->depth && done != packing->group; behind++) {
        const bool optional = is_optional(search, behind);
        if (((group->fill >> behind) & 1) != 0 && (!optional || left > 0)) {
            const uint32_t rest = left - (optional ? 1 : 0);
            if (((fill >> behind) & 1) != 0)
                done = lesser(done, share_rest(search, fill, behind, rest));
            done = lesser(done, share_with_others(search, behind, rest));
        }
        if (!optional)
            break;
    }
    return done;
}

uint32_t
rc_funnel_pack_rest(struct rc_funnel_search *search,
                    uint32_t event,
                    uint32_t step,
                    uint32_t left,
                    bool begins)
{
    if (!search->rules->reuse_event)
        return match_rest(search, step, left, begins);
    if (!begins)
        return share_rest(search, search->problem->events[event].fill, step, left);
    if (is_optional(search, step) && left-- == 0)
        return NONE;
    return share_with_others(search, step, left);
}
