/*
 * Series persons. The rows are ranked as for the answer; then one walk marks who has an event of
 * the series in the cell's row and time.
 */
#include "engine/query/series/series_persons.h"

#include "engine/query/segment/chart_cell.h"
#include "engine/query/series/series_query.h"
#include "engine/query/series/series_windows.h"
#include "engine/query/walk/walk.h"

struct marking {
    const struct rc_series_query *query;
    const struct rc_series_cell *cell;
    int64_t from_ms;
    int64_t until_ms;
    bool any_row; /* The total. */
    uint64_t *persons;
};

struct lane {
    const struct marking *marking;
    struct rc_split_list rows;
};

/* The time of the cell's events. */
static void
window_of(const struct rc_series_query *query, struct marking *marking)
{
    const struct rc_series *series = &query->request->series[marking->cell->series];
    const struct rc_scope *scope = &query->request->scope;
    const uint32_t bucket = marking->cell->bucket;
    marking->from_ms = scope->start_ms;
    marking->until_ms = scope->end_ms;
    if (bucket != RC_SERIES_RANGE) {
        const struct rc_bucket *of = &query->frame.buckets[bucket];
        marking->until_ms = of->end_ms;
        if (!query->request->cumulative)
            marking->from_ms = of->start_ms;
    }
    if (series->measure == RC_MEASURE_ROLLING)
        marking->from_ms = marking->until_ms - (int64_t)series->rolling_days * RC_ROLLING_DAY_MS;
}

static enum rc_status
is_in_row(struct lane *lane, uint32_t person, const struct rc_hit *hit, bool *ret_is)
{
    const struct marking *marking = lane->marking;
    const struct rc_series_query *query = marking->query;
    const uint32_t *rows;
    uint32_t count;
    *ret_is = marking->any_row;
    if (*ret_is)
        return RC_OK;
    RC_TRY(rc_split_rows(query->frame.split, person, hit, &lane->rows, &rows, &count));
    const uint32_t *row_of = query->rankings[marking->cell->series].row_of;
    for (uint32_t i = 0; i < count && !*ret_is; i++)
        *ret_is = row_of[rows[i]] == marking->cell->row;
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct marking *marking = lane->marking;
    const uint32_t bit = marking->query->frame.bit_of[marking->cell->series];
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        bool is;
        if (((hits[i].mask >> bit) & 1) == 0 || time_ms < marking->from_ms ||
            time_ms >= marking->until_ms)
            continue;
        const uint32_t person = rc_walk_person(block, slots[i]);
        RC_TRY(is_in_row(lane, person, &hits[i], &is));
        if (is)
            __atomic_fetch_or(&marking->persons[person / 64], (uint64_t)1 << (person % 64),
                              __ATOMIC_RELAXED);
    }
    return RC_OK;
}

struct lanes {
    uint32_t count;
    struct lane *lanes;
};

static void
lanes_close(struct lanes *lanes)
{
    for (uint32_t i = 0; i < lanes->count; i++)
        rc_split_list_close(&lanes->lanes[i].rows);
}

static enum rc_status
walk(const struct marking *marking, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = marking->query->context;
    RC_CLEANUP(lanes_close) struct lanes lanes = {0};
    void **states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    lanes.lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (states == NULL || lanes.lanes == NULL)
        return RC_NO_MEMORY;
    lanes.count = context->parallel_max;
    for (uint32_t i = 0; i < lanes.count; i++) {
        lanes.lanes[i] = (struct lane){.marking = marking, .rows = {.account = context->account}};
        states[i] = &lanes.lanes[i];
    }
    const struct rc_fold fold = {.lane_count = lanes.count, .lanes = states, .hits = fold_hits};
    return rc_walk(marking->query->frame.plan, &fold, &stats->matched_events);
}

static enum rc_status
check_cell(const struct rc_series_query *query,
           const struct rc_series_cell *cell,
           struct rc_error *reterr_error)
{
    uint64_t labels = 0;
    for (uint32_t result = 0; result < query->result_count; result++)
        for (uint32_t row = 0; row < rc_series_row_count(query, result); row++) {
            const struct rc_row_label label = rc_series_row_label(query, result, row);
            labels = rc_row_label_hash(labels, &label);
        }
    if (labels != cell->labels)
        return RC_CONFLICT;
    if (cell->series >= query->request->series_count)
        return rc_error_field(reterr_error, RC_INVALID, "series",
                              "there is no such series; a formula has no users of its own");
    if (query->request->series[cell->series].measure == RC_MEASURE_SESSIONS)
        return rc_error_field(reterr_error, RC_INVALID, "series",
                              "the users of sessions cannot be listed");
    if (cell->row >= rc_series_row_count(query, cell->series))
        return rc_error_field(reterr_error, RC_INVALID, "row", "there is no such row");
    if (cell->bucket != RC_SERIES_RANGE && cell->bucket >= query->frame.bucket_count)
        return rc_error_field(reterr_error, RC_INVALID, "bucket", "there is no such bucket");
    return RC_OK;
}

enum rc_status
rc_series_mark(const struct rc_series_query *query,
               const struct rc_series_cell *cell,
               uint64_t *persons,
               struct rc_query_stats *stats,
               struct rc_error *reterr_error)
{
    struct marking marking = {.query = query, .cell = cell, .persons = persons};
    RC_TRY(check_cell(query, cell, reterr_error));
    marking.any_row = cell->row + 1 == rc_series_row_count(query, cell->series);
    window_of(query, &marking);
    RC_TRY_OR(reterr_error, walk(&marking, stats));
    return RC_OK;
}
