/*
 * Funnel narrow: rows of a breakdown that have a funnel of their own (at step n, at all steps): the
 * user's events narrowed to each row that one of them is in.
 *
 * Narrowed at all steps the events of a row are those that are in it, so that rows add up to the
 * events; narrowed at one step each row has the events of all others, and strict orders all.
 */
#include <stdlib.h>

#include "engine/query/funnel/funnel_fold.h"

#define VALUES_OF_ROWS RC_FUNNEL_HOLDS_MAX

static int
compare_values(const void *one, const void *other)
{
    const struct rc_funnel_valued *a = one;
    const struct rc_funnel_valued *b = other;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->event > b->event) - (a->event < b->event);
}

/* Lists the rows of the events that are narrowed. */
static enum rc_status
list_rows(struct rc_funnel_lane *lane, const struct rc_funnel_events *events, uint64_t steps)
{
    struct rc_funnel_values *values = &lane->values[VALUES_OF_ROWS];
    values->count = 0;
    for (uint32_t i = 0; i < events->count; i++) {
        const uint32_t *rows;
        uint32_t count;
        if (((events->items[i].fill | events->items[i].raw) & steps) == 0)
            continue;
        RC_TRY(rc_split_rows(lane->query->split, lane->person, &lane->hits[events->items[i].hit],
                             &lane->split_list, &rows, &count));
        RC_TRY(RC_GROW_IN(lane->query->context->account, values->items, values->capacity,
                          (size_t)values->count + count));
        for (uint32_t k = 0; k < count; k++)
            values->items[values->count++] =
                (struct rc_funnel_valued){.value = rows[k], .event = i};
    }
    if (values->count > 1)
        qsort(values->items, values->count, sizeof(*values->items), compare_values);
    return RC_OK;
}

/* The events narrowed to a row: those of values[begin, end) keep the steps. */
static enum rc_status
narrow_to_row(struct rc_funnel_lane *lane, uint64_t steps, uint32_t begin, uint32_t end)
{
    const struct rc_funnel_events *events = &lane->events[RC_FUNNEL_LEVEL_ALL];
    const struct rc_funnel_valued *values = lane->values[VALUES_OF_ROWS].items;
    struct rc_funnel_events *narrowed = &lane->events[RC_FUNNEL_LEVEL_NARROWED];
    const bool all = steps == lane->query->step_mask;
    const bool strict = lane->query->rules.order == RC_FUNNEL_STRICT;
    RC_TRY(RC_FUNNEL_ENSURE(lane, narrowed->items, narrowed->capacity,
                            all && !strict ? end - begin : events->count));
    narrowed->count = 0;
    if (all && !strict) {
        for (uint32_t i = begin; i < end; i++)
            narrowed->items[narrowed->count++] = events->items[values[i].event];
        return RC_OK;
    }
    for (uint32_t i = 0; i < events->count; i++) {
        struct rc_funnel_event event = events->items[i];
        if (begin < end && values[begin].event == i) {
            begin++;
        } else {
            event.fill &= ~steps;
            event.raw &= ~steps;
        }
        if (strict || (event.fill | event.raw) != 0)
            narrowed->items[narrowed->count++] = event;
    }
    return RC_OK;
}

/* The attempts of each row's funnel. */
enum rc_status
rc_funnel_run_rows(struct rc_funnel_lane *lane,
                   const struct rc_funnel_span *spans,
                   const uint32_t *buckets,
                   uint32_t span_count)
{
    const struct rc_funnel_request *request = lane->query->request;
    const struct rc_funnel_values *values = &lane->values[VALUES_OF_ROWS];
    const bool at_step = request->at == RC_FUNNEL_AT_STEP;
    const uint64_t steps = at_step ? (uint64_t)1 << request->at_step : lane->query->step_mask;
    RC_TRY(list_rows(lane, &lane->events[RC_FUNNEL_LEVEL_ALL], steps));
    for (uint32_t begin = 0; begin < values->count;) {
        uint32_t end = begin;
        const uint32_t row = values->items[begin].value;
        while (end < values->count && values->items[end].value == row)
            end++;
        RC_TRY(narrow_to_row(lane, steps, begin, end));
        begin = end;
        const struct rc_funnel_events *narrowed = &lane->events[RC_FUNNEL_LEVEL_NARROWED];
        if (lane->totals != NULL) {
            RC_TRY(rc_funnel_run_totals(lane, narrowed, spans, buckets, span_count, row));
            continue;
        }
        RC_TRY(rc_funnel_choose(lane, narrowed, spans, span_count));
        for (uint32_t i = 0; i < span_count; i++) {
            const struct rc_funnel_attempt *attempt = &lane->attempts[i];
            if (attempt->depth == 0 ||
                (at_step && ((attempt->filled >> request->at_step) & 1) == 0))
                continue;
            lane->reached[i] = 1;
            RC_TRY(rc_funnel_lane_add(lane, attempt,
                                      (struct rc_funnel_record){.bucket = buckets == NULL
                                                                              ? RC_FUNNEL_NO_BUCKET
                                                                              : buckets[i],
                                                                .kind = RC_FUNNEL_RECORD_ROWS,
                                                                .row = row,
                                                                .row_count = 1}));
        }
    }
    return RC_OK;
}
