/*
 * Funnel reply: the figures of each row from the records dealt to it. Medians are of the times
 * themselves. The bins of a step's histogram are the same in all rows and buckets: they reach from
 * the least to the greatest time that any of them has.
 */
#include <math.h>
#include <string.h>

#include "engine/query/funnel/funnel_rows.h"
#include "engine/query/number/durations.h"
#include "engine/query/split/bins.h"

struct reply {
    const struct rc_funnel_rows *rows;
    uint32_t step_count;
    uint32_t previous[RC_FUNNEL_STEPS_MAX]; /* The required step before. */
    int64_t *scratch_ms;                    /* Room for the records of any place. */
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

/* The times of a step since another one, of the records of a place. */
static size_t
list_times(const struct reply *reply, size_t place, uint32_t step, uint32_t since)
{
    const struct rc_funnel_rows *rows = reply->rows;
    size_t count = 0;
    /* Without optional steps a step's time is at its own place. */
    for (uint64_t i = rows->starts[place];
         rows->query->rules.optional == 0 && i < rows->starts[place + 1]; i++)
        if (rows->dealt[i].record->depth > step)
            reply->scratch_ms[count++] = rows->dealt[i].times_ms[step - 1] -
                                         (since == 0 ? 0 : rows->dealt[i].times_ms[since - 1]);
    for (uint64_t i = rows->starts[place];
         rows->query->rules.optional != 0 && i < rows->starts[place + 1]; i++)
        if (fills(rows->dealt[i].record, step))
            reply->scratch_ms[count++] =
                time_of(&rows->dealt[i], step) - time_of(&rows->dealt[i], since);
    return count;
}

/* ---- Histograms ------------------------------------------------------------------------------ */

static struct rc_bins
make_bins(const struct reply *reply, uint32_t step, uint32_t since)
{
    double least = INFINITY;
    double greatest = -INFINITY;
    for (size_t place = 0; place < reply->rows->place_count; place++) {
        const size_t count = list_times(reply, place, step, since);
        for (size_t i = 0; i < count; i++) {
            const double seconds = (double)reply->scratch_ms[i] / 1000;
            least = seconds < least ? seconds : least;
            greatest = seconds > greatest ? seconds : greatest;
        }
    }
    return rc_bins_make(least, greatest, reply->rows->query->request->histogram_bins);
}

static enum rc_status
fill_histogram(const struct reply *reply,
               const struct rc_bins *bins,
               size_t count,
               struct rc_histogram *ret_histogram)
{
    if (count == 0)
        return RC_OK;
    uint64_t *counts = RC_ARENA_ARRAY(reply->rows->query->context->arena, uint64_t, bins->count);
    if (counts == NULL)
        return RC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        counts[rc_bins_find(bins, (double)reply->scratch_ms[i] / 1000)]++;
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

static enum rc_status
fill_step(const struct reply *reply,
          size_t place,
          uint32_t step,
          const struct rc_funnel_step *steps,
          struct rc_funnel_step *ret_step)
{
    const struct rc_funnel_rows *rows = reply->rows;
    struct rc_funnel_step result = {
        .mean_s_from_previous = NAN,
        .median_s_from_previous = NAN,
        .mean_s_from_first = NAN,
        .median_s_from_first = NAN,
    };
    const bool bins = rows->query->request->histogram_bins > 0;
    if (step == 0) {
        result.users = rows->starts[place + 1] - rows->starts[place] +
                       (place < rows->row_count ? rows->entrants[place] : 0);
    } else {
        size_t count = list_times(reply, place, step, 0);
        result.users = count;
        result.mean_s_from_first = rc_durations_mean_s(reply->scratch_ms, count);
        result.median_s_from_first = rc_durations_median_s(reply->scratch_ms, count);
        if (bins)
            RC_TRY(fill_histogram(reply, &reply->from_first[step], count, &result.from_first));
        if (reply->previous[step] != 0)
            count = list_times(reply, place, step, reply->previous[step]);
        result.mean_s_from_previous = rc_durations_mean_s(reply->scratch_ms, count);
        result.median_s_from_previous = rc_durations_median_s(reply->scratch_ms, count);
        if (bins)
            RC_TRY(
                fill_histogram(reply, &reply->from_previous[step], count, &result.from_previous));
    }
    const double users = (double)result.users;
    const uint64_t from_previous = step == 0 ? result.users : steps[reply->previous[step]].users;
    const uint64_t from_first = step == 0 ? result.users : steps[0].users;
    result.conversion_from_previous = from_previous == 0 ? NAN : users / (double)from_previous;
    result.conversion_from_first = from_first == 0 ? NAN : users / (double)from_first;
    *ret_step = result;
    return RC_OK;
}

/* The rows of the range or of a bucket. */
static enum rc_status
fill_rows(const struct reply *reply, uint32_t bucket, const struct rc_funnel_row **ret_rows)
{
    const struct rc_funnel_rows *from = reply->rows;
    struct rc_arena *arena = from->query->context->arena;
    struct rc_funnel_row *rows = RC_ARENA_ARRAY(arena, struct rc_funnel_row, from->row_count);
    if (rows == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < from->row_count; row++) {
        const size_t place = rc_funnel_place(from, bucket, row);
        struct rc_funnel_step *steps =
            RC_ARENA_ARRAY(arena, struct rc_funnel_step, reply->step_count);
        if (steps == NULL)
            return RC_NO_MEMORY;
        if (rc_funnel_cancelled(&from->query->rules))
            return RC_CANCELLED;
        for (uint32_t step = 0; step < reply->step_count; step++)
            RC_TRY(fill_step(reply, place, step, steps, &steps[step]));
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
    uint64_t most = 0;
    for (size_t place = 0; place < rows->place_count; place++) {
        const uint64_t count = rows->starts[place + 1] - rows->starts[place];
        most = count > most ? count : most;
    }
    *reply = (struct reply){.rows = rows, .step_count = request->step_count};
    reply->scratch_ms =
        rc_alloc_in(rows->query->context->account, most * sizeof(*reply->scratch_ms) + 1);
    if (reply->scratch_ms == NULL)
        return RC_NO_MEMORY;
    for (uint32_t step = 1; step < request->step_count; step++) {
        reply->previous[step] = step - 1;
        while (((request->optional_steps >> reply->previous[step]) & 1) != 0)
            reply->previous[step]--;
        if (request->histogram_bins == 0)
            continue;
        reply->from_first[step] = make_bins(reply, step, 0);
        reply->from_previous[step] = make_bins(reply, step, reply->previous[step]);
    }
    return RC_OK;
}

static void
reply_close(struct reply *reply)
{
    rc_alloc_free(reply->scratch_ms);
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
    RC_CLEANUP(reply_close) struct reply reply = {0};
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
