/*
 * Funnel reply: the figures of each row from the records dealt to it. Medians are of the times
 * themselves. The bins of a step's histogram are the same in all rows and buckets: they reach from
 * the least to the greatest time that any of them has.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/query/funnel/funnel_rows.h"
#include "engine/query/number/durations.h"
#include "engine/query/plan/planner.h"
#include "engine/query/split/bins.h"

/* A record's time in the figures of a step or two, listed and partitioned twice. */
#define TIME_NS 20.0

struct reply {
    const struct rc_funnel_rows *rows;
    uint32_t step_count;
    uint32_t previous[RC_FUNNEL_STEPS_MAX]; /* The required step before. */
    struct rc_bins from_previous[RC_FUNNEL_STEPS_MAX];
    struct rc_bins from_first[RC_FUNNEL_STEPS_MAX];
};

static inline bool
fills(const struct rc_funnel_record *record, uint32_t step)
{
    return ((record->filled >> step) & 1) != 0;
}

/* When a step was filled, since the entry. */
static inline int64_t
time_of(const struct rc_funnel_dealt *dealt, uint32_t step)
{
    return step == 0 ? 0
                     : dealt->times_ms[__builtin_popcountll(dealt->record->filled &
                                                            rc_funnel_below(step)) -
                                       1];
}

/* Room for the times of the records of a place. */
static int64_t *
room_for_times(const struct reply *reply, size_t place)
{
    const struct rc_funnel_rows *rows = reply->rows;
    const uint64_t count = rows->starts[place + 1] - rows->starts[place];
    return rc_alloc_in(rows->query->context->account, count * sizeof(int64_t) + 1);
}

/* The times of a step since another one, of the records of a place. */
static size_t
list_times(const struct reply *reply,
           size_t place,
           uint32_t step,
           uint32_t since,
           int64_t *times_ms)
{
    const struct rc_funnel_rows *rows = reply->rows;
    size_t count = 0;
    /* Without optional steps a step's time is at its own place. */
    for (uint64_t i = rows->starts[place];
         rows->query->rules.optional == 0 && i < rows->starts[place + 1]; i++)
        if (rows->dealt[i].record->depth > step)
            times_ms[count++] = rows->dealt[i].times_ms[step - 1] -
                                (since == 0 ? 0 : rows->dealt[i].times_ms[since - 1]);
    for (uint64_t i = rows->starts[place];
         rows->query->rules.optional != 0 && i < rows->starts[place + 1]; i++)
        if (fills(rows->dealt[i].record, step))
            times_ms[count++] = time_of(&rows->dealt[i], step) - time_of(&rows->dealt[i], since);
    return count;
}

/* ---- Histograms ------------------------------------------------------------------------------ */

static enum rc_status
make_bins(const struct reply *reply, uint32_t step, uint32_t since, struct rc_bins *ret_bins)
{
    double least = INFINITY;
    double greatest = -INFINITY;
    for (size_t place = 0; place < reply->rows->place_count; place++) {
        RC_CLEANUP(rc_alloc_freep) int64_t *times_ms = room_for_times(reply, place);
        if (times_ms == NULL)
            return RC_NO_MEMORY;
        const size_t count = list_times(reply, place, step, since, times_ms);
        for (size_t i = 0; i < count; i++) {
            const double seconds = (double)times_ms[i] / 1000;
            least = seconds < least ? seconds : least;
            greatest = seconds > greatest ? seconds : greatest;
        }
    }
    *ret_bins = rc_bins_make(least, greatest, reply->rows->query->request->histogram_bins);
    return RC_OK;
}

static enum rc_status
fill_histogram(const struct reply *reply,
               const struct rc_bins *bins,
               const int64_t *times_ms,
               size_t count,
               struct rc_histogram *ret_histogram)
{
    if (count == 0 || reply->rows->query->request->histogram_bins == 0)
        return RC_OK;
    uint64_t *counts = RC_ARENA_ARRAY(reply->rows->query->context->arena, uint64_t, bins->count);
    if (counts == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        counts[rc_bins_find(bins, (double)times_ms[i] / 1000)]++;
    *ret_histogram = (struct rc_histogram){.bin_count = bins->count, .counts = counts};
    return RC_OK;
}

static enum rc_status
fill_edges(const struct reply *reply, const struct rc_bins *bins, const double *const **ret_edges)
{
    struct rc_arena *arena = reply->rows->query->context->arena;
    const double **all = RC_ARENA_ARRAY(arena, const double *, reply->step_count);
    if (all == NULL)
        return RC_NO_MEMORY;
    for (uint32_t step = 0; step < reply->step_count; step++) {
        if (bins[step].count == 0)
            continue;
        double *edges = RC_ARENA_ARRAY(arena, double, (size_t)bins[step].count + 1);
        if (edges == NULL)
            return RC_NO_MEMORY;
        for (uint32_t i = 0; i <= bins[step].count; i++)
            edges[i] = rc_bins_edge(&bins[step], i);
        all[step] = edges;
    }
    *ret_edges = all;
    return RC_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The figures of some steps of rows: each by itself, so that workers share them. */
struct filling {
    const struct reply *reply;
    uint32_t bucket;
    struct rc_funnel_step *steps; /* [row][step] */
    _Atomic(int) status;
};

/* A step's users and times. */
static enum rc_status
fill_times(const struct reply *reply, size_t place, uint32_t step, struct rc_funnel_step *ret_step)
{
    const struct rc_funnel_rows *rows = reply->rows;
    struct rc_funnel_step result = {
        .mean_s_from_previous = NAN,
        .median_s_from_previous = NAN,
        .mean_s_from_first = NAN,
        .median_s_from_first = NAN,
    };
    if (rc_funnel_cancelled(&rows->query->rules))
        return RC_CANCELLED;
    if (step == 0) {
        result.users = rows->starts[place + 1] - rows->starts[place] +
                       (place < rows->row_count ? rows->entrants[place] : 0);
        *ret_step = result;
        return RC_OK;
    }
    RC_CLEANUP(rc_alloc_freep) int64_t *times_ms = room_for_times(reply, place);
    if (times_ms == NULL)
        return RC_NO_MEMORY;
    size_t count = list_times(reply, place, step, 0, times_ms);
    result.users = count;
    result.mean_s_from_first = rc_durations_mean_s(times_ms, count);
    result.median_s_from_first = rc_durations_median_s(times_ms, count);
    RC_TRY(fill_histogram(reply, &reply->from_first[step], times_ms, count, &result.from_first));
    if (reply->previous[step] == 0) { /* Which is the first. */
        result.mean_s_from_previous = result.mean_s_from_first;
        result.median_s_from_previous = result.median_s_from_first;
    } else {
        count = list_times(reply, place, step, reply->previous[step], times_ms);
        result.mean_s_from_previous = rc_durations_mean_s(times_ms, count);
        result.median_s_from_previous = rc_durations_median_s(times_ms, count);
    }
    RC_TRY(
        fill_histogram(reply, &reply->from_previous[step], times_ms, count, &result.from_previous));
    *ret_step = result;
    return RC_OK;
}

/* From the last on: the total has the most records, and those of others are to fill what is left.
 */
static void
fill_one(void *argument, uint32_t task)
{
    struct filling *filling = argument;
    const struct reply *reply = filling->reply;
    const uint32_t index = reply->rows->row_count * reply->step_count - 1 - task;
    const size_t place = rc_funnel_place(reply->rows, filling->bucket, index / reply->step_count);
    int expected = RC_OK;
    const enum rc_status status =
        fill_times(reply, place, index % reply->step_count, &filling->steps[index]);
    if (status != RC_OK)
        atomic_compare_exchange_strong(&filling->status, &expected, (int)status);
}

static void
fill_conversion(const struct reply *reply, struct rc_funnel_step *steps)
{
    for (uint32_t step = 0; step < reply->step_count; step++) {
        const double users = (double)steps[step].users;
        const uint64_t previous = steps[reply->previous[step]].users;
        steps[step].conversion_from_previous = previous == 0 ? NAN : users / (double)previous;
        steps[step].conversion_from_first =
            steps[0].users == 0 ? NAN : users / (double)steps[0].users;
    }
}

/* The rows of the range or of a bucket. */
static enum rc_status
fill_rows(const struct reply *reply, uint32_t bucket, const struct rc_funnel_row **ret_rows)
{
    const struct rc_funnel_rows *from = reply->rows;
    const struct rc_query_context *context = from->query->context;
    const uint32_t count = from->row_count * reply->step_count;
    struct filling filling = {.reply = reply, .bucket = bucket};
    struct rc_funnel_row *rows =
        RC_ARENA_ARRAY(context->arena, struct rc_funnel_row, from->row_count);
    filling.steps = RC_ARENA_ARRAY(context->arena, struct rc_funnel_step, count);
    if (rows == NULL || filling.steps == NULL)
        return RC_NO_MEMORY;
    const size_t first = rc_funnel_place(from, bucket, 0);
    const uint64_t records = from->starts[first + from->row_count] - from->starts[first];
    /* Histograms come from the arena, which is one thread's. */
    const uint32_t lanes = from->query->request->histogram_bins > 0
                               ? 1
                               : rc_planner_lanes(context, TIME_NS * (double)records, count);
    rc_workers_run(context->workers, lanes, count, fill_one, &filling);
    RC_TRY((enum rc_status)atomic_load(&filling.status));
    for (uint32_t row = 0; row < from->row_count; row++) {
        struct rc_funnel_step *steps = filling.steps + (size_t)row * reply->step_count;
        fill_conversion(reply, steps);
        rows[row] =
            (struct rc_funnel_row){.label = rc_funnel_rows_label(from, row), .steps = steps};
    }
    *ret_rows = rows;
    return RC_OK;
}

static enum rc_status
open_reply(const struct rc_funnel_rows *rows, struct reply *reply)
{
    const struct rc_funnel_request *request = rows->query->request;
    *reply = (struct reply){.rows = rows, .step_count = request->step_count};
    for (uint32_t step = 1; step < request->step_count; step++) {
        reply->previous[step] = step - 1;
        while (((request->optional_steps >> reply->previous[step]) & 1) != 0)
            reply->previous[step]--;
        if (request->histogram_bins == 0)
            continue;
        RC_TRY(make_bins(reply, step, 0, &reply->from_first[step]));
        RC_TRY(make_bins(reply, step, reply->previous[step], &reply->from_previous[step]));
    }
    return RC_OK;
}

/* Sets the bits of the persons of the cell that is asked for. */
static void
fill_persons(const struct rc_funnel_rows *rows)
{
    const struct rc_funnel_query *query = rows->query;
    const struct rc_funnel_cell *cell = &query->request->cell;
    uint64_t *persons = query->request->persons;
    if (cell->row >= rows->row_count || cell->step >= query->request->step_count ||
        (cell->bucket != RC_FUNNEL_NO_BUCKET && cell->bucket >= query->bucket_count))
        return;
    const size_t place = rc_funnel_place(rows, cell->bucket, cell->row);
    for (uint64_t i = rows->starts[place]; i < rows->starts[place + 1]; i++) {
        const struct rc_funnel_record *record = rows->dealt[i].record;
        if (fills(record, cell->step) != cell->dropped)
            persons[record->person / 64] |= (uint64_t)1 << (record->person % 64);
    }
}

enum rc_status
rc_funnel_fill_reply(const struct rc_funnel_query *query, struct rc_funnel_reply *ret_reply)
{
    struct rc_arena *arena = query->context->arena;
    RC_CLEANUP(rc_funnel_rows_close) struct rc_funnel_rows rows = {0};
    struct reply reply;
    RC_TRY(rc_funnel_rows_deal(query, &rows));
    if (query->request->persons != NULL)
        fill_persons(&rows);
    RC_TRY(open_reply(&rows, &reply));
    RC_TRY(fill_rows(&reply, RC_FUNNEL_NO_BUCKET, &ret_reply->rows));
    if (query->request->histogram_bins > 0) {
        RC_TRY(fill_edges(&reply, reply.from_previous, &ret_reply->edges_from_previous));
        RC_TRY(fill_edges(&reply, reply.from_first, &ret_reply->edges_from_first));
    }
    const struct rc_funnel_row **buckets =
        RC_ARENA_ARRAY(arena, const struct rc_funnel_row *, query->bucket_count);
    if (buckets == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < query->bucket_count; i++)
        RC_TRY(fill_rows(&reply, i, &buckets[i]));
    ret_reply->step_count = reply.step_count;
    ret_reply->row_count = rows.row_count;
    ret_reply->bucket_count = query->bucket_count;
    ret_reply->buckets = query->buckets;
    ret_reply->bucket_rows = buckets;
    return RC_OK;
}
