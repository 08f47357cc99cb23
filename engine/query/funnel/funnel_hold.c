/*
 * Funnel hold: properties held constant. For each value of the first property that events of its
 * steps have, the events are narrowed to it, and so on for the next property; what is left is a
 * search of its own. An entry with several values has an attempt in each; its own is the best of
 * them (funnel_list.h).
 *
 * A property held over all steps cuts the events into parts whose sizes add up (times the values
 * that an event has), so that the cost is that of one search. One held over some steps leaves the
 * others in every part: values times events. Strict orders keep all events for what they break.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/query/funnel/funnel_fold.h"

static int
compare(const void *one, const void *other)
{
    const struct rc_funnel_valued *a = one;
    const struct rc_funnel_valued *b = other;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->event > b->event) - (a->event < b->event);
}

struct hold {
    struct rc_funnel_lane *lane;
    const struct rc_funnel_span *spans;
    uint32_t span_count;
};

static enum rc_status
narrow(struct hold *hold, const struct rc_funnel_events *events, uint32_t index);

/* Lists the values of the events that may fill a step of a hold. */
static enum rc_status
list_values(struct rc_funnel_lane *lane, const struct rc_funnel_events *events, uint32_t index)
{
    const struct rc_funnel_query *query = lane->query;
    struct rc_funnel_values *values = &lane->values[index];
    const struct rc_groups *groups = query->holds[index];
    values->count = 0;
    for (uint32_t i = 0; i < events->count; i++) {
        uint32_t count;
        if ((events->items[i].fill & query->request->holds[index].steps) == 0)
            continue;
        const uint32_t set = rc_groups_of(groups, lane->person, &lane->hits[events->items[i].hit]);
        const uint32_t *list = rc_groups_list(groups, &set, &count);
        RC_TRY(RC_GROW_IN(query->context->account, values->items, values->capacity,
                          (size_t)values->count + count));
        for (uint32_t k = 0; k < count; k++)
            if (list[k] != RC_GROUP_NULL)
                values->items[values->count++] =
                    (struct rc_funnel_valued){.value = list[k], .event = i};
    }
    if (values->count > 1)
        qsort(values->items, values->count, sizeof(*values->items), compare);
    return RC_OK;
}

/* The events narrowed to one value: those of values[begin, end) have it. */
static enum rc_status
narrow_to(struct hold *hold,
          const struct rc_funnel_events *events,
          uint32_t index,
          uint32_t begin,
          uint32_t end)
{
    struct rc_funnel_lane *lane = hold->lane;
    const struct rc_funnel_rules *rules = &lane->query->rules;
    const struct rc_funnel_values *values = &lane->values[index];
    struct rc_funnel_events *narrowed = &lane->events[RC_FUNNEL_LEVEL_HELD + index];
    const uint64_t steps = lane->query->request->holds[index].steps;
    const bool all = steps == rc_funnel_below(rules->step_count);
    const bool strict = rules->order == RC_FUNNEL_STRICT || rules->order == RC_FUNNEL_STRICT_STEPS;
    const uint32_t most = all && !strict ? end - begin : events->count;
    RC_TRY(rc_funnel_lane_ensure(lane, &narrowed->items, &narrowed->capacity, most,
                                 sizeof(*narrowed->items)));
    narrowed->count = 0;
    if (all && !strict) {
        for (uint32_t i = begin; i < end; i++)
            narrowed->items[narrowed->count++] = events->items[values->items[i].event];
        return narrow(hold, narrowed, index + 1);
    }
    uint32_t next = begin;
    for (uint32_t i = 0; i < events->count; i++) {
        struct rc_funnel_event event = events->items[i];
        if (next < end && values->items[next].event == i)
            next++;
        else
            event.fill &= ~steps;
        if (event.fill != 0 || strict)
            narrowed->items[narrowed->count++] = event;
    }
    return narrow(hold, narrowed, index + 1);
}

static enum rc_status
narrow(struct hold *hold, const struct rc_funnel_events *events, uint32_t index)
{
    struct rc_funnel_lane *lane = hold->lane;
    const struct rc_funnel_values *values = &lane->values[index];
    if (index == lane->query->request->hold_count)
        return rc_funnel_solve(lane, events, hold->spans, hold->span_count, NULL, &lane->list);
    RC_TRY(list_values(lane, events, index));
    if (values->count == 0)
        return narrow(hold, events, index + 1);
    for (uint32_t begin = 0; begin < values->count;) {
        uint32_t end = begin;
        while (end < values->count && values->items[end].value == values->items[begin].value)
            end++;
        RC_TRY(narrow_to(hold, events, index, begin, end));
        begin = end;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_hold_choose(struct rc_funnel_lane *lane,
                      const struct rc_funnel_events *events,
                      const struct rc_funnel_span *spans,
                      uint32_t span_count,
                      struct rc_funnel_attempt *ret_attempts)
{
    struct hold hold = {.lane = lane, .spans = spans, .span_count = span_count};
    rc_funnel_list_clear(&lane->list);
    RC_TRY(narrow(&hold, events, 0));
    rc_funnel_list_choose(&lane->list, &lane->query->rules, lane->excluded, lane->hits, span_count,
                          ret_attempts);
    return RC_OK;
}
