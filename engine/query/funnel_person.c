/*
 * Funnel person: the attempts of one user that count, as records.
 *
 * Most users of most funnels are done by rc_funnel_quick over their hits. Else the hits become
 * events (what each may fill, and in strict orders what it breaks), narrowed to a row where the
 * breakdown asks for a funnel of its own for each, and are searched: once for the range, and once
 * for all buckets of time together.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/query/funnel_attempt.h"
#include "engine/query/funnel_fold.h"
#include "engine/query/funnel_search.h"
#include "engine/query/funnel_totals.h"
#include "engine/query/funnel_unordered.h"

#define RECORDS_FIRST 256u
#define LEVEL_ALL 0u      /* Of events: as they are, */
#define LEVEL_NARROWED 1u /* narrowed to a row. */
#define VALUES_OF_ROWS RC_FUNNEL_HOLDS_MAX

enum rc_status
rc_funnel_lane_ensure(struct rc_funnel_lane *lane,
                      void *array,
                      size_t *capacity,
                      size_t count,
                      size_t element_bytes)
{
    void **block = array;
    if (count <= *capacity)
        return RC_OK;
    *block = rc_alloc_free(*block);
    *capacity = 0;
    *block = rc_alloc_in(lane->query->context->account, (count + count / 2) * element_bytes);
    if (*block == NULL)
        return RC_NO_MEMORY;
    *capacity = count + count / 2;
    return RC_OK;
}

#define ENSURE(lane, array, capacity, count) \
    rc_funnel_lane_ensure((lane), &(array), &(capacity), (count), sizeof(*(array)))

/* The first blocks charge the query's account, and growing them stays there. */
enum rc_status
rc_funnel_lane_open(struct rc_funnel_lane *lane, const struct rc_funnel_query *query)
{
    struct rc_account *account = query->context->account;
    *lane = (struct rc_funnel_lane){
        .query = query, .list = {.account = account}, .split_list = {.account = account}};
    RC_TRY(ENSURE(lane, lane->records, lane->record_capacity, RECORDS_FIRST));
    RC_TRY(ENSURE(lane, lane->times_ms, lane->time_capacity, RECORDS_FIRST));
    RC_TRY(ENSURE(lane, lane->rows, lane->row_capacity, RECORDS_FIRST));
    RC_TRY(ENSURE(lane, lane->spans, lane->span_capacity, 16));
    RC_TRY(ENSURE(lane, lane->span_buckets, lane->span_bucket_capacity, 16));
    if (query->request->totals)
        return rc_funnel_totals_new(&query->rules, account, &lane->totals);
    if (query->rules.order == RC_FUNNEL_UNORDERED)
        return rc_funnel_unordered_new(&query->rules, account, &lane->unordered);
    return rc_funnel_search_new(&query->rules, account, &lane->search);
}

void
rc_funnel_lane_close(struct rc_funnel_lane *lane)
{
    rc_alloc_free(lane->records);
    rc_alloc_free(lane->times_ms);
    rc_alloc_free(lane->rows);
    rc_alloc_free(lane->excluded_ms);
    for (uint32_t i = 0; i < RC_FUNNEL_HOLDS_MAX + 2; i++)
        rc_alloc_free(lane->events[i].items);
    for (uint32_t i = 0; i < RC_FUNNEL_HOLDS_MAX + 1; i++)
        rc_alloc_free(lane->values[i].items);
    rc_split_list_close(&lane->split_list);
    rc_funnel_list_close(&lane->list);
    rc_alloc_free(lane->spans);
    rc_alloc_free(lane->narrowed);
    rc_alloc_free(lane->span_buckets);
    rc_alloc_free(lane->attempts);
    rc_alloc_free(lane->reached);
    rc_funnel_search_free(lane->search);
    rc_funnel_unordered_free(lane->unordered);
    rc_funnel_totals_free(lane->totals);
}

/* ---- Records --------------------------------------------------------------------------------- */

/* Sets the rows of a record to those of a hit. */
static enum rc_status
set_rows(struct rc_funnel_lane *lane, uint32_t hit, struct rc_funnel_record *record)
{
    const uint32_t *rows;
    RC_TRY(rc_split_rows(lane->query->split, lane->person, &lane->hits[hit], &lane->split_list,
                         &rows, &record->row_count));
    if (record->row_count == 1) {
        record->row = rows[0];
        return RC_OK;
    }
    RC_TRY(RC_GROW(lane->rows, lane->row_capacity, lane->row_count + record->row_count));
    memcpy(lane->rows + lane->row_count, rows, record->row_count * sizeof(*rows));
    record->row = (uint32_t)lane->row_count;
    lane->row_count += record->row_count;
    return RC_OK;
}

/* Adds a record of an attempt, whose rows are set by the caller. */
static enum rc_status
add_record(struct rc_funnel_lane *lane,
           const struct rc_funnel_attempt *attempt,
           struct rc_funnel_record record)
{
    const int64_t entry_ms = lane->hits[attempt->hits[0]].time_ms;
    RC_TRY(RC_GROW(lane->records, lane->record_capacity, lane->record_count + 1));
    RC_TRY(RC_GROW(lane->times_ms, lane->time_capacity, lane->time_count + attempt->depth));
    for (uint32_t step = 1; step < attempt->depth; step++)
        if (((attempt->filled >> step) & 1) != 0)
            lane->times_ms[lane->time_count++] = lane->hits[attempt->hits[step]].time_ms - entry_ms;
    record.filled = attempt->filled;
    record.person = lane->person;
    record.entry = attempt->hits[0];
    record.last = rc_funnel_last_hit(attempt);
    record.depth = (uint8_t)attempt->depth;
    lane->records[lane->record_count++] = record;
    return RC_OK;
}

/* The first event of step 1 (unordered: of any step) in a span. */
static uint32_t
first_in_span(const struct rc_funnel_lane *lane,
              const struct rc_funnel_events *events,
              const struct rc_funnel_span *span)
{
    const uint64_t entry =
        lane->query->rules.order == RC_FUNNEL_UNORDERED ? UINT64_MAX : (uint64_t)1;
    uint32_t i = 0;
    while (i < events->count &&
           ((events->items[i].fill & entry) == 0 || events->items[i].time_ms < span->from_ms))
        i++;
    return i;
}

/* A record of an attempt in the plain funnel. */
static enum rc_status
add_plain(struct rc_funnel_lane *lane,
          const struct rc_funnel_attempt *attempt,
          uint32_t bucket,
          const struct rc_funnel_events *events,
          const struct rc_funnel_span *span)
{
    struct rc_funnel_record record = {.bucket = bucket, .kind = RC_FUNNEL_RECORD_TOTAL};
    if (lane->query->split != NULL) {
        switch (lane->query->request->at) {
        case RC_FUNNEL_AT_FIRST:
            record.kind |= RC_FUNNEL_RECORD_ROWS;
            RC_TRY(set_rows(lane, attempt->hits[0], &record));
            break;
        case RC_FUNNEL_AT_LAST:
            record.kind |= RC_FUNNEL_RECORD_ROWS;
            RC_TRY(set_rows(lane, rc_funnel_last_hit(attempt), &record));
            break;
        case RC_FUNNEL_AT_FIRST_IN_RANGE:
            record.kind |= RC_FUNNEL_RECORD_ROWS;
            RC_TRY(set_rows(lane, events->items[first_in_span(lane, events, span)].hit, &record));
            break;
        default: /* Rows have records of their own. */
            break;
        }
    }
    return add_record(lane, attempt, record);
}

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
    RC_TRY(ENSURE(lane, lane->narrowed, lane->narrowed_capacity, span_count));
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
static enum rc_status
choose(struct rc_funnel_lane *lane,
       const struct rc_funnel_events *events,
       const struct rc_funnel_span *spans,
       uint32_t span_count)
{
    RC_TRY(ENSURE(lane, lane->attempts, lane->attempt_capacity, span_count));
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
    if (taking->row == RC_FUNNEL_NONE)
        return add_plain(taking->lane, attempt, taking->bucket, taking->events, taking->span);
    return add_record(taking->lane, attempt,
                      (struct rc_funnel_record){.bucket = taking->bucket,
                                                .kind = RC_FUNNEL_RECORD_ROWS,
                                                .row = taking->row,
                                                .row_count = 1});
}

static enum rc_status
run_totals(struct rc_funnel_lane *lane,
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

/* ---- Rows with a funnel of their own --------------------------------------------------------- */

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
        if (values->items == NULL)
            RC_TRY(ENSURE(lane, values->items, values->capacity, 64));
        RC_TRY(RC_GROW(values->items, values->capacity, (size_t)values->count + count));
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
    const struct rc_funnel_events *events = &lane->events[LEVEL_ALL];
    const struct rc_funnel_valued *values = lane->values[VALUES_OF_ROWS].items;
    struct rc_funnel_events *narrowed = &lane->events[LEVEL_NARROWED];
    const bool all = steps == lane->query->step_mask;
    const bool strict = lane->query->rules.order == RC_FUNNEL_STRICT;
    RC_TRY(ENSURE(lane, narrowed->items, narrowed->capacity,
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

/* The attempts of each row's funnel. Marks the spans in which some row holds the person. */
static enum rc_status
run_rows(struct rc_funnel_lane *lane,
         const struct rc_funnel_span *spans,
         const uint32_t *buckets,
         uint32_t span_count)
{
    const struct rc_funnel_request *request = lane->query->request;
    const struct rc_funnel_values *values = &lane->values[VALUES_OF_ROWS];
    const bool at_step = request->at == RC_FUNNEL_AT_STEP;
    const uint64_t steps = at_step ? (uint64_t)1 << request->at_step : lane->query->step_mask;
    RC_TRY(list_rows(lane, &lane->events[LEVEL_ALL], steps));
    for (uint32_t begin = 0; begin < values->count;) {
        uint32_t end = begin;
        const uint32_t row = values->items[begin].value;
        while (end < values->count && values->items[end].value == row)
            end++;
        RC_TRY(narrow_to_row(lane, steps, begin, end));
        begin = end;
        const struct rc_funnel_events *narrowed = &lane->events[LEVEL_NARROWED];
        if (lane->totals != NULL) {
            RC_TRY(run_totals(lane, narrowed, spans, buckets, span_count, row));
            continue;
        }
        RC_TRY(choose(lane, narrowed, spans, span_count));
        for (uint32_t i = 0; i < span_count; i++) {
            const struct rc_funnel_attempt *attempt = &lane->attempts[i];
            if (attempt->depth == 0 ||
                (at_step && ((attempt->filled >> request->at_step) & 1) == 0))
                continue;
            lane->reached[i] = 1;
            RC_TRY(add_record(lane, attempt,
                              (struct rc_funnel_record){
                                  .bucket = buckets == NULL ? RC_FUNNEL_NO_BUCKET : buckets[i],
                                  .kind = RC_FUNNEL_RECORD_ROWS,
                                  .row = row,
                                  .row_count = 1}));
        }
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
    const struct rc_funnel_events *events = &lane->events[LEVEL_ALL];
    const bool at_step = query->request->at == RC_FUNNEL_AT_STEP;
    const bool narrowed =
        query->split != NULL && (at_step || query->request->at == RC_FUNNEL_AT_ALL);
    RC_TRY(ENSURE(lane, lane->reached, lane->reached_capacity, span_count));
    memset(lane->reached, 0, span_count);
    if (narrowed)
        RC_TRY(run_rows(lane, spans, buckets, span_count));
    if (lane->totals != NULL)
        return run_totals(lane, events, spans, buckets, span_count, RC_FUNNEL_NONE);
    RC_TRY(choose(lane, events, spans, span_count));
    for (uint32_t i = 0; i < span_count; i++) {
        if (lane->attempts[i].depth == 0)
            continue;
        RC_TRY(add_plain(lane, &lane->attempts[i],
                         buckets == NULL ? RC_FUNNEL_NO_BUCKET : buckets[i], events, &spans[i]));
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

/* The hits as events, and the times of the excluded ones. */
static enum rc_status
make_events(struct rc_funnel_lane *lane)
{
    const struct rc_funnel_query *query = lane->query;
    const struct rc_funnel_rules *rules = &query->rules;
    struct rc_funnel_events *events = &lane->events[LEVEL_ALL];
    const bool strict = rules->order == RC_FUNNEL_STRICT;
    const bool strict_steps = rules->order == RC_FUNNEL_STRICT_STEPS;
    RC_TRY(ENSURE(lane, events->items, events->capacity, lane->hit_count));
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
    RC_TRY(ENSURE(lane, lane->excluded_ms, lane->excluded_capacity,
                  (size_t)lane->hit_count * rules->exclusion_count));
    int64_t *times_ms = lane->excluded_ms;
    for (uint32_t e = 0; e < rules->exclusion_count; e++) {
        lane->excluded[e] = (struct rc_funnel_times){.times_ms = times_ms};
        for (uint32_t i = 0; i < lane->hit_count; i++)
            if (((lane->hits[i].mask >> (rules->step_count + e)) & 1) != 0)
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
    const struct rc_funnel_events *events = &lane->events[LEVEL_ALL];
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
        RC_TRY(RC_GROW(lane->spans, lane->span_capacity, (size_t)count + 1));
        RC_TRY(RC_GROW(lane->span_buckets, lane->span_bucket_capacity, (size_t)count + 1));
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
rc_funnel_fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct rc_funnel_lane *lane = state;
    const struct rc_funnel_query *query = lane->query;
    struct rc_funnel_attempt attempt;
    lane->person = person;
    lane->hits = hits;
    lane->hit_count = count;
    const bool quick = query->plain && rc_funnel_quick(&query->rules, hits, count, &attempt);
    if (quick && attempt.depth > 0)
        RC_TRY(add_plain(lane, &attempt, RC_FUNNEL_NO_BUCKET, NULL, NULL));
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
