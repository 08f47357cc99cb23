/*
 * Funnel person: the attempts of one user that count, as records.
 *
 * Most users of most funnels are done by rc_funnel_quick over their hits. Else the hits become
 * events (what each may fill, and in strict orders what it breaks), narrowed to a row where the
 * breakdown asks for a funnel of its own for each, and are searched: once for the range, and once
 * for all buckets of time together.
 */
#include <string.h>

#include "engine/query/funnel/funnel_attempt.h"
#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/funnel/funnel_search.h"
#include "engine/query/funnel/funnel_totals.h"
#include "engine/query/funnel/funnel_unordered.h"

/* ---- Searches -------------------------------------------------------------------------------- */

enum rc_status
rc_funnel_solve(struct rc_funnel_lane *lane,
                const struct rc_funnel_events *events,
                const struct rc_funnel_span *spans,
                uint32_t span_count,
                struct rc_funnel_attempt *ret_attempts,
                struct rc_funnel_list *list)
{
    const struct rc_funnel_problem problem = {
        .count = events->count, .events = events->items, .excluded = lane->excluded};
    if (lane->unordered != NULL)
        return rc_funnel_unordered_run(lane->unordered, &problem, spans, span_count, ret_attempts,
                                       list);
    return list != NULL
               ? rc_funnel_search_list(lane->search, &problem, spans, span_count, list)
               : rc_funnel_search_choose(lane->search, &problem, spans, span_count, ret_attempts);
}

/* Cuts spans down to the time of their first entry. */
static enum rc_status
narrow_spans(struct rc_funnel_lane *lane,
             const struct rc_funnel_events *events,
             const struct rc_funnel_span *spans,
             uint32_t span_count,
             const struct rc_funnel_span **ret_spans)
{
    *ret_spans = spans;
    if (!lane->query->rules.first_only)
        return RC_OK;
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->narrowed, lane->narrowed_capacity, span_count));
    const uint64_t entry =
        lane->query->rules.order == RC_FUNNEL_UNORDERED ? UINT64_MAX : (uint64_t)1;
    uint32_t at = 0;
    for (uint32_t i = 0; i < span_count; i++) {
        while (at < events->count && ((events->items[at].fill & entry) == 0 ||
                                      events->items[at].time_ms < spans[i].from_ms))
            at++;
        lane->narrowed[i] = spans[i];
        if (at < events->count && events->items[at].time_ms < spans[i].until_ms) {
            lane->narrowed[i].from_ms = events->items[at].time_ms;
            lane->narrowed[i].until_ms = events->items[at].time_ms + 1;
        }
    }
    *ret_spans = lane->narrowed;
    return RC_OK;
}

/* The chosen attempt of each span. */
enum rc_status
rc_funnel_choose(struct rc_funnel_lane *lane,
                 const struct rc_funnel_events *events,
                 const struct rc_funnel_span *spans,
                 uint32_t span_count)
{
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->attempts, lane->attempt_capacity, span_count));
    RC_TRY(narrow_spans(lane, events, spans, span_count, &spans));
    if (lane->query->request->hold_count > 0)
        return rc_funnel_hold_choose(lane, events, spans, span_count, lane->attempts);
    return rc_funnel_solve(lane, events, spans, span_count, lane->attempts, NULL);
}

/* What an attempt that is counted by itself becomes. */
struct taking {
    struct rc_funnel_lane *lane;
    uint32_t bucket;
    const struct rc_funnel_events *events;
    const struct rc_funnel_span *span;
    uint32_t row; /* NONE: the plain funnel. */
};

static enum rc_status
take_total(void *context, const struct rc_funnel_attempt *attempt)
{
    struct taking *taking = context;
    struct rc_funnel_lane *lane = taking->lane;
    const struct rc_funnel_request *request = lane->query->request;
    const bool at_step = lane->query->split != NULL && request->at == RC_FUNNEL_AT_STEP;
    if (taking->row == RC_FUNNEL_NONE) {
        RC_TRY(
            rc_funnel_lane_add_plain(lane, attempt, taking->bucket, taking->events, taking->span));
        if (at_step && lane->reached[attempt->hits[0]] == 0)
            lane->records[lane->record_count - 1].kind |= RC_FUNNEL_RECORD_NOT_REACHED;
        return RC_OK;
    }
    if (at_step && ((attempt->filled >> request->at_step) & 1) == 0)
        return RC_OK;
    lane->reached[attempt->hits[0]] = 1;
    return rc_funnel_lane_add(lane, attempt,
                              (struct rc_funnel_record){.bucket = taking->bucket,
                                                        .kind = RC_FUNNEL_RECORD_ROWS,
                                                        .row = taking->row,
                                                        .row_count = 1});
}

enum rc_status
rc_funnel_run_totals(struct rc_funnel_lane *lane,
                     const struct rc_funnel_events *events,
                     const struct rc_funnel_span *spans,
                     const uint32_t *buckets,
                     uint32_t span_count,
                     uint32_t row)
{
    const struct rc_funnel_problem problem = {.count = events->count, .events = events->items};
    for (uint32_t i = 0; i < span_count; i++) {
        struct taking taking = {.lane = lane,
                                .bucket = buckets == NULL ? RC_FUNNEL_NO_BUCKET : buckets[i],
                                .events = events,
                                .span = &spans[i],
                                .row = row};
        RC_TRY(rc_funnel_totals_run(lane->totals, &problem, &spans[i], take_total, &taking));
    }
    return RC_OK;
}

/* ---- A person -------------------------------------------------------------------------------- */

/* Everything about some spans: the range (buckets NULL), or the buckets. */
static enum rc_status
run_spans(struct rc_funnel_lane *lane,
          const struct rc_funnel_span *spans,
          const uint32_t *buckets,
          uint32_t span_count)
{
    const struct rc_funnel_query *query = lane->query;
    const struct rc_funnel_events *events = &lane->events[RC_FUNNEL_LEVEL_ALL];
    const bool at_step = query->request->at == RC_FUNNEL_AT_STEP;
    const bool narrowed =
        query->split != NULL && (at_step || query->request->at == RC_FUNNEL_AT_ALL);
    const uint32_t reached_count = lane->totals != NULL ? lane->hit_count : span_count;
    if (narrowed) {
        RC_TRY(RC_FUNNEL_ENSURE(lane, lane->reached, lane->reached_capacity, reached_count));
        memset(lane->reached, 0, reached_count);
        RC_TRY(rc_funnel_run_rows(lane, spans, buckets, span_count));
    }
    if (lane->totals != NULL)
        return rc_funnel_run_totals(lane, events, spans, buckets, span_count, RC_FUNNEL_NONE);
    RC_TRY(rc_funnel_choose(lane, events, spans, span_count));
    for (uint32_t i = 0; i < span_count; i++) {
        if (lane->attempts[i].depth == 0)
            continue;
        RC_TRY(rc_funnel_lane_add_plain(lane, &lane->attempts[i],
                                        buckets == NULL ? RC_FUNNEL_NO_BUCKET : buckets[i], events,
                                        &spans[i]));
        if (narrowed && at_step && lane->reached[i] == 0)
            lane->records[lane->record_count - 1].kind |= RC_FUNNEL_RECORD_NOT_REACHED;
    }
    return RC_OK;
}

/* The steps that a hit cannot fill for want of a value that is held constant. */
static uint64_t
steps_without_value(const struct rc_funnel_lane *lane, const struct rc_hit *hit)
{
    uint64_t steps = 0;
    for (uint32_t i = 0; i < lane->query->request->hold_count; i++) {
        uint32_t count;
        const uint32_t set = rc_groups_of(lane->query->holds[i], lane->person, hit);
        const uint32_t *list = rc_groups_list(lane->query->holds[i], &set, &count);
        bool has_value = false;
        for (uint32_t k = 0; k < count; k++)
            has_value = has_value || list[k] != RC_GROUP_NULL;
        if (!has_value)
            steps |= lane->query->request->holds[i].steps;
    }
    return steps;
}

/* The exclusions, a bit each, that a hit is one of. */
static uint64_t
exclusions_of(const struct rc_funnel_lane *lane, uint32_t hit)
{
    return lane->query->wide ? lane->exclusions[hit]
                             : lane->hits[hit].mask >> lane->query->rules.step_count;
}

/* The hits as events, and the times of the excluded ones. */
static enum rc_status
make_events(struct rc_funnel_lane *lane)
{
    const struct rc_funnel_query *query = lane->query;
    const struct rc_funnel_rules *rules = &query->rules;
    struct rc_funnel_events *events = &lane->events[RC_FUNNEL_LEVEL_ALL];
    const bool strict = rules->order == RC_FUNNEL_STRICT;
    const bool strict_steps = rules->order == RC_FUNNEL_STRICT_STEPS;
    RC_TRY(RC_FUNNEL_ENSURE(lane, events->items, events->capacity, lane->hit_count));
    events->count = 0;
    for (uint32_t i = 0; i < lane->hit_count; i++) {
        const struct rc_hit *hit = &lane->hits[i];
        struct rc_funnel_event event = {
            .time_ms = hit->time_ms, .fill = hit->mask & query->step_mask, .hit = i};
        event.raw = strict_steps ? event.fill : 0;
        if (event.fill != 0 && query->request->hold_count > 0)
            event.fill &= ~steps_without_value(lane, hit);
        if ((event.fill | event.raw) != 0 || strict)
            events->items[events->count++] = event;
    }
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->excluded_ms, lane->excluded_capacity,
                            (size_t)lane->hit_count * rules->exclusion_count));
    int64_t *times_ms = lane->excluded_ms;
    for (uint32_t e = 0; e < rules->exclusion_count; e++) {
        lane->excluded[e] = (struct rc_funnel_times){.times_ms = times_ms};
        for (uint32_t i = 0; i < lane->hit_count; i++)
            if (((exclusions_of(lane, i) >> e) & 1) != 0)
                times_ms[lane->excluded[e].count++] = lane->hits[i].time_ms;
        times_ms += lane->excluded[e].count;
    }
    return RC_OK;
}

/* The buckets in which attempts may be entered. */
static enum rc_status
find_spans(struct rc_funnel_lane *lane)
{
    const struct rc_funnel_query *query = lane->query;
    const struct rc_funnel_events *events = &lane->events[RC_FUNNEL_LEVEL_ALL];
    const uint64_t entry = query->rules.order == RC_FUNNEL_UNORDERED ? UINT64_MAX : (uint64_t)1;
    lane->span_count = 0;
    for (uint32_t i = 0; i < events->count && events->items[i].time_ms < query->range.until_ms;
         i++) {
        if ((events->items[i].fill & entry) == 0)
            continue;
        const uint32_t bucket = rc_bucket_map_find(&query->bucket_map, events->items[i].time_ms);
        const uint32_t count = lane->span_count;
        if (count > 0 && lane->span_buckets[count - 1] == bucket)
            continue;
        RC_TRY(RC_GROW_IN(query->context->account, lane->spans, lane->span_capacity,
                          (size_t)count + 1));
        RC_TRY(RC_GROW_IN(query->context->account, lane->span_buckets, lane->span_bucket_capacity,
                          (size_t)count + 1));
        const struct rc_bucket *of = &query->buckets[bucket];
        lane->span_buckets[count] = bucket;
        lane->spans[count] = query->range;
        if (of->start_ms > query->range.from_ms)
            lane->spans[count].from_ms = of->start_ms;
        if (of->end_ms < query->range.until_ms)
            lane->spans[count].until_ms = of->end_ms;
        lane->span_count++;
    }
    return RC_OK;
}

enum rc_status
rc_funnel_expand(struct rc_funnel_lane *lane, const struct rc_hit **hits, uint32_t count)
{
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->expanded, lane->expanded_capacity, count));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t mask = 0;
        for (uint64_t bits = (*hits)[i].mask; bits != 0; bits &= bits - 1)
            mask |= lane->query->expand[__builtin_ctzll(bits)];
        lane->expanded[i] = (*hits)[i];
        lane->expanded[i].mask = mask;
    }
    *hits = lane->expanded;
    return RC_OK;
}

enum rc_status
rc_funnel_fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_lane *lane = state;
    const struct rc_funnel_query *query = lane->query;
    struct rc_funnel_attempt attempt;
    if (query->wide)
        RC_TRY(rc_funnel_widen(lane, &hits, count));
    else if (query->expands)
        RC_TRY(rc_funnel_expand(lane, &hits, count));
    lane->person = person;
    lane->hits = hits;
    lane->hit_count = count;
    const bool quick = query->plain && rc_funnel_quick(&query->rules, hits, count, &attempt);
    if (quick && attempt.depth > 0)
        RC_TRY(rc_funnel_lane_add_plain(lane, &attempt, RC_FUNNEL_NO_BUCKET, NULL, NULL));
    if (quick && query->bucket_count == 0)
        return RC_OK;
    RC_TRY(make_events(lane));
    if (!quick)
        RC_TRY(run_spans(lane, &query->range, NULL, 1));
    if (query->bucket_count == 0)
        return RC_OK;
    RC_TRY(find_spans(lane));
    return lane->span_count == 0
               ? RC_OK
               : run_spans(lane, lane->spans, lane->span_buckets, lane->span_count);
}
