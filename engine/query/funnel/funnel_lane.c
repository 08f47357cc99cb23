/*
 * Funnel lane: what one thread keeps while it takes users: its arrays, and the records of attempts.
 */
#include <string.h>

#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/funnel/funnel_search.h"
#include "engine/query/funnel/funnel_totals.h"
#include "engine/query/funnel/funnel_unordered.h"

#define COUNTED_ROWS_MAX 65536u /* Counters of a lane fit a core's second cache. */

uint32_t
rc_funnel_counted_rows(const struct rc_funnel_query *query)
{
    const uint32_t rows = query->split == NULL ? 1 : rc_split_count(query->split);
    return query->counts && rows <= COUNTED_ROWS_MAX ? rows : 0;
}

static enum rc_status
open_entrants(struct rc_funnel_lane *lane)
{
    const size_t bytes = rc_funnel_counted_rows(lane->query) * sizeof(*lane->entrants);
    if (bytes == 0)
        return RC_OK;
    lane->entrants = rc_alloc_in(lane->query->context->account, bytes);
    if (lane->entrants == NULL)
        return RC_NO_MEMORY;
    memset(lane->entrants, 0, bytes);
    return RC_OK;
}

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

enum rc_status
rc_funnel_lane_open(struct rc_funnel_lane *lane, const struct rc_funnel_query *query)
{
    struct rc_account *account = query->context->account;
    *lane = (struct rc_funnel_lane){
        .query = query, .list = {.account = account}, .split_list = {.account = account}};
    RC_TRY(open_entrants(lane));
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
    rc_alloc_free(lane->entrants);
    rc_alloc_free(lane->excluded_ms);
    rc_alloc_free(lane->expanded);
    rc_alloc_free(lane->exclusions);
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
    RC_TRY(RC_GROW_IN(lane->query->context->account, lane->rows, lane->row_capacity,
                      lane->row_count + record->row_count));
    memcpy(lane->rows + lane->row_count, rows, record->row_count * sizeof(*rows));
    record->row = (uint32_t)lane->row_count;
    lane->row_count += record->row_count;
    return RC_OK;
}

/* Adds a record of an attempt, whose rows are set by the caller. */
enum rc_status
rc_funnel_lane_add(struct rc_funnel_lane *lane,
                   const struct rc_funnel_attempt *attempt,
                   struct rc_funnel_record record)
{
    const int64_t entry_ms = lane->hits[attempt->hits[0]].time_ms;
    RC_TRY(RC_GROW_IN(lane->query->context->account, lane->records, lane->record_capacity,
                      lane->record_count + 1));
    RC_TRY(RC_GROW_IN(lane->query->context->account, lane->times_ms, lane->time_capacity,
                      lane->time_count + attempt->depth));
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

/* The first event of step 1 (unordered: of any step) in a span, as a hit. */
static uint32_t
first_in_span(const struct rc_funnel_lane *lane,
              const struct rc_funnel_events *events,
              const struct rc_funnel_span *span)
{
    const uint64_t entry =
        lane->query->rules.order == RC_FUNNEL_UNORDERED ? UINT64_MAX : (uint64_t)1;
    uint32_t i = 0;
    if (events == NULL) {
        while ((lane->hits[i].mask & entry) == 0)
            i++;
        return i;
    }
    while (i < events->count &&
           ((events->items[i].fill & entry) == 0 || events->items[i].time_ms < span->from_ms))
        i++;
    return events->items[i].hit;
}

/* A record of an attempt in the plain funnel, or a count of it. */
enum rc_status
rc_funnel_lane_add_plain(struct rc_funnel_lane *lane,
                         const struct rc_funnel_attempt *attempt,
                         uint32_t bucket,
                         const struct rc_funnel_events *events,
                         const struct rc_funnel_span *span)
{
    struct rc_funnel_record record = {
        .bucket = bucket, .kind = RC_FUNNEL_RECORD_TOTAL, .row_count = 1};
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
            RC_TRY(set_rows(lane, first_in_span(lane, events, span), &record));
            break;
        default: /* Rows have records of their own. */
            break;
        }
    }
    const bool counted = lane->entrants != NULL && attempt->depth == 1 && record.row_count == 1 &&
                         bucket == RC_FUNNEL_NO_BUCKET;
    if (!counted)
        return rc_funnel_lane_add(lane, attempt, record);
    lane->entrants[record.row]++;
    return RC_OK;
}
