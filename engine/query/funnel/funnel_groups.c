/* Funnel groups: a user's events cut into groups of equal time, and what a search asks of them. */
#include <string.h>

#include "engine/query/funnel/funnel_search_form.h"

static enum rc_status
ensure(struct rc_funnel_search *search, void *array, size_t *capacity, size_t count, size_t bytes)
{
    void **block = array;
    if (count <= *capacity)
        return RC_OK;
    *block = rc_alloc_free(*block);
    *capacity = 0;
    *block = rc_alloc_in(search->account, (count + count / 2) * bytes);
    if (*block == NULL)
        return RC_NO_MEMORY;
    *capacity = count + count / 2;
    return RC_OK;
}

static enum group_kind
kind_of(const struct rc_funnel_rules *rules, uint32_t fillers, bool several)
{
    if (rules->strict_times)
        return GROUP_ONE;
    if (fillers <= 1)
        return rules->reuse_event ? GROUP_FREE : GROUP_ONE;
    return several ? GROUP_PACKED : GROUP_FREE;
}

static enum rc_status
find_groups(struct rc_funnel_search *search)
{
    const struct rc_funnel_problem *problem = search->problem;
    RC_TRY(ensure(search, &search->groups, &search->group_capacity, problem->count,
                  sizeof(*search->groups)));
    search->group_count = 0;
    search->slot_count = 0;
    search->has_packed = false;
    for (uint32_t at = 0; at < problem->count;) {
        struct group group = {
            .time_ms = problem->events[at].time_ms, .begin = at, .slot = search->slot_count};
        uint32_t fillers = 0;
        bool several = false;
        for (; at < problem->count && problem->events[at].time_ms == group.time_ms; at++) {
            const uint64_t fill = problem->events[at].fill;
            group.fill |= fill;
            group.raw |= problem->events[at].raw;
            fillers += fill != 0;
            several = several || (fill & (fill - 1)) != 0;
        }
        group.end = at;
        group.kind = kind_of(search->rules, fillers, several);
        group.most = group.kind == GROUP_ONE      ? 1
                     : search->rules->reuse_event ? RC_FUNNEL_STEPS_MAX
                                                  : fillers;
        search->has_packed = search->has_packed || group.kind == GROUP_PACKED;
        search->slot_count += (uint32_t)__builtin_popcountll(group.fill);
        search->groups[search->group_count++] = group;
    }
    if (search->packing != NULL)
        search->packing->group = NONE;
    return RC_OK;
}

/* The first event of each slot, and the groups of each step. */
static enum rc_status
fill_slots(struct rc_funnel_search *search)
{
    uint32_t counts[RC_FUNNEL_STEPS_MAX] = {0};
    RC_TRY(ensure(search, &search->first_events, &search->first_capacity, search->slot_count,
                  sizeof(*search->first_events)));
    RC_TRY(ensure(search, &search->where, &search->where_capacity, search->slot_count,
                  sizeof(*search->where)));
    for (uint32_t i = 0; i < search->group_count; i++)
        for (uint64_t steps = search->groups[i].fill; steps != 0; steps &= steps - 1)
            counts[__builtin_ctzll(steps)]++;
    search->where_starts[0] = 0;
    for (uint32_t step = 0; step < search->rules->step_count; step++) {
        search->where_starts[step + 1] = search->where_starts[step] + counts[step];
        counts[step] = search->where_starts[step];
    }
    for (uint32_t i = 0; i < search->group_count; i++) {
        const struct group *group = &search->groups[i];
        uint64_t missing = group->fill;
        for (uint64_t steps = group->fill; steps != 0; steps &= steps - 1)
            search->where[counts[__builtin_ctzll(steps)]++] = i;
        for (uint32_t event = group->begin; missing != 0; event++) {
            uint64_t found = search->problem->events[event].fill & missing;
            missing &= ~found;
            for (; found != 0; found &= found - 1)
                search->first_events[slot_of(group, (uint32_t)__builtin_ctzll(found))] = event;
        }
    }
    return RC_OK;
}

/* What may break a chain of strict steps, from the last group to the first. */
static enum rc_status
find_breaks(struct rc_funnel_search *search)
{
    struct breaks now = {.groups = {NONE, NONE, NONE}};
    RC_TRY(ensure(search, &search->breaks, &search->break_capacity, search->group_count,
                  sizeof(*search->breaks)));
    for (uint32_t i = search->group_count; i-- > 0;) {
        struct breaks before = now;
        uint32_t count = 0;
        search->breaks[i] = now;
        for (uint64_t steps = search->groups[i].raw; steps != 0 && count < 3; steps &= steps - 1) {
            now.groups[count] = i;
            now.steps[count++] = (uint8_t)__builtin_ctzll(steps);
        }
        for (uint32_t k = 0; k < 3 && count < 3; k++) {
            if (before.groups[k] == NONE || ((search->groups[i].raw >> before.steps[k]) & 1) != 0)
                continue;
            now.groups[count] = before.groups[k];
            now.steps[count++] = before.steps[k];
        }
        for (; count < 3; count++)
            now.groups[count] = NONE;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_groups(struct rc_funnel_search *search,
                 const struct rc_funnel_problem *problem,
                 bool resolve)
{
    search->problem = problem;
    search->cancelled = false;
    RC_TRY(find_groups(search));
    RC_TRY(fill_slots(search));
    if (search->rules->order == RC_FUNNEL_STRICT_STEPS)
        RC_TRY(find_breaks(search));
    if (resolve) {
        RC_TRY(ensure(search, &search->resolved, &search->resolved_capacity, problem->count,
                      sizeof(*search->resolved)));
        if (problem->count > 0)
            memset(search->resolved, 0, problem->count * sizeof(*search->resolved));
    }
    return RC_OK;
}
