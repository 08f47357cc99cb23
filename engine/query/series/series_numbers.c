/*
 * Series scan, numbers. One scan counts how often each number occurs in each bucket
 * (series_tally.h); sums, means, ends, percentiles and histograms all follow from these counts.
 * Taken where numbers times buckets fit an array of a bounded size.
 */
#include <math.h>
#include <string.h>

#include "engine/query/number/exact_sum.h"
#include "engine/query/number/percentile.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/series/series_tally.h"

#define COUNTERS_MAX ((uint64_t)1 << 22) /* Of a lane: 16 MiB. */
#define VALUES_MAX ((uint64_t)1 << 31)   /* In one scan, so that 32 bits count them. */

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    const struct rc_numbers *numbers;
    uint32_t number_count;
    uint32_t stride; /* From the counts of a bucket to those of the next one. */
    uint32_t stream;
    uint32_t buckets;
    const struct rc_bucket_table *tables;
    const struct rc_bucket_cells **cells; /* Of the tables; NULL: it has none. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_slab_rows rows;
    struct rc_tally tally;
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_alloc_free(scan->lanes[i].tally.counts);
    }
}

static const uint32_t *
counts_of(const struct scan *scan, uint32_t bucket)
{
    return scan->lanes[0].tally.counts + (size_t)bucket * scan->stride;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code_count;
        uint32_t place;
        if (!rc_series_frame_place(scan->frame, scan->line->series, scan->buckets, &hits[i],
                                   &place))
            continue;
        const uint32_t *codes = rc_numbers_of(scan->numbers, &hits[i], &code_count);
        for (uint32_t c = 0; c < code_count; c++)
            lane->tally.counts[(size_t)place * scan->stride + codes[c]]++;
    }
    return RC_OK;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    const struct rc_plan *plan = scan->frame->plan;
    struct rc_tally_slab slab = {
        .table = &scan->tables[plan_slab],
        .cells = scan->cells[plan_slab],
        .times = rc_slab_times(rc_plan_view_slab(plan, plan_slab)->slab),
    };
    (void)block;
    slab.entries = rc_numbers_of_slab(scan->numbers, plan->slabs[plan_slab].index, &slab.column);
    if (slab.entries == NULL)
        return RC_OK;
    RC_TRY(rc_slab_rows_open(&lane->rows, plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows, base, &words))
            *hit_count += rc_tally_piece(&lane->tally, &slab, words, begin, stop);
        begin = stop;
    }
    return RC_OK;
}

/* The lanes' counts, all in the first lane. */
static void
add_lanes(const struct scan *scan)
{
    uint32_t *sums = scan->lanes[0].tally.counts;
    for (uint32_t i = 1; i < scan->lane_count; i++)
        for (size_t c = 0; c < (size_t)scan->buckets * scan->stride; c++)
            sums[c] += scan->lanes[i].tally.counts[c];
}

static enum rc_status
make_cells(struct scan *scan)
{
    const struct rc_plan *plan = scan->frame->plan;
    struct rc_arena *arena = scan->frame->context->arena;
    scan->cells = RC_ARENA_ARRAY(arena, const struct rc_bucket_cells *, plan->slab_count);
    if (scan->cells == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        RC_TRY(rc_bucket_cells_make(&scan->tables[i], arena, &scan->cells[i]));
    return RC_OK;
}

/* Scans for a line; *ret_done false: there is no short way. The counts end up in the first lane. */
static enum rc_status
run(struct scan *scan, bool *ret_done)
{
    const struct rc_series_frame *frame = scan->frame;
    const struct rc_query_context *context = frame->context;
    const uint64_t bit = (uint64_t)1 << frame->bit_of[scan->line->series];
    scan->numbers = frame->numbers[scan->line->series];
    scan->stream = rc_slab_rows_stream(frame->plan, bit);
    *ret_done = false;
    if (frame->splits[RC_SERIES_ROWS] != NULL || scan->numbers == NULL ||
        scan->stream == UINT32_MAX ||
        frame->plan->hits_max * (rc_numbers_has_lists(scan->numbers) ? RC_LIST_ITEMS_MAX : 1) >
            VALUES_MAX)
        return RC_OK;
    scan->number_count = rc_numbers_count(scan->numbers);
    scan->stride = scan->number_count + 1;
    scan->buckets = scan->line->bucketed && frame->bucket_count > 0 ? frame->bucket_count : 1;
    const uint64_t counters = ((uint64_t)scan->buckets + 1) * scan->stride;
    if (counters > COUNTERS_MAX ||
        !rc_planner_reads_rows(frame->plan, scan->stream, scan->line->series, RC_ROWS_VALUES))
        return RC_OK;
    RC_TRY(rc_series_tables(frame, scan->line, &scan->tables));
    RC_TRY(make_cells(scan));
    void **states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (states == NULL || scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        states[i] = lane;
        lane->scan = scan;
        lane->rows.account = context->account;
        lane->tally = (struct rc_tally){
            .numbers = scan->numbers,
            .number_count = scan->number_count,
            .buckets = scan->buckets,
            .counts = rc_alloc_in(context->account, counters * sizeof(*lane->tally.counts)),
        };
        if (lane->tally.counts == NULL)
            return RC_NO_MEMORY;
        memset(lane->tally.counts, 0, counters * sizeof(*lane->tally.counts));
    }
    const struct rc_fold fold = {
        .purpose = "numbers of each bucket",
        .anonymous = true,
        .lane_count = scan->lane_count,
        .lanes = states,
        .hits = fold_hits,
        .rows = fold_rows,
    };
    RC_TRY(rc_walk(frame->plan, &fold, &frame->stats->matched_events));
    add_lanes(scan);
    *ret_done = true;
    return RC_OK;
}

/* The number of a rank among counted numbers, from a number whose predecessors are below it. */
static uint32_t
number_of_rank(const uint32_t *counts, uint64_t rank, uint32_t from, uint64_t *below)
{
    while (*below + counts[from] <= rank)
        *below += counts[from++];
    return from;
}

static double
percentile_of(const struct scan *scan, double percentile, const uint32_t *counts, uint64_t count)
{
    uint64_t below = 0;
    const double *numbers = rc_numbers_all(scan->numbers);
    const struct rc_percentile_rank rank = rc_percentile_rank_of(percentile, count);
    const uint32_t low = number_of_rank(counts, rank.low, 0, &below);
    const uint32_t high = number_of_rank(counts, rank.high, low, &below);
    return rc_percentile_between(numbers[low], numbers[high], rank.share);
}

/* The sum of what was counted; with a divisor that is not 0, a mean. */
static enum rc_status
sum_of(const struct scan *scan, const uint32_t *counts, uint64_t divisor, double *ret_figure)
{
    struct rc_account *account = scan->frame->context->account;
    const double *numbers = rc_numbers_all(scan->numbers);
    RC_CLEANUP(rc_exact_sum_close) struct rc_exact_sum sum = {0};
    for (uint32_t i = 0; i < scan->number_count; i++)
        if (counts[i] != 0)
            RC_TRY(rc_exact_sum_add_times(account, &sum, numbers[i], counts[i]));
    *ret_figure = divisor == 0 ? rc_exact_sum_figure(&sum) : rc_exact_sum_mean(&sum, divisor);
    return RC_OK;
}

/* The codes of the least and the greatest number that was counted; UINT32_MAX and 0: none. */
static void
find_ends(const struct scan *scan,
          const uint32_t *counts,
          uint32_t *ret_least,
          uint32_t *ret_greatest)
{
    uint32_t least = 0;
    uint32_t behind = scan->number_count;
    while (behind > 0 && counts[behind - 1] == 0)
        behind--;
    while (least < behind && counts[least] == 0)
        least++;
    *ret_least = behind == 0 ? UINT32_MAX : least;
    *ret_greatest = behind == 0 ? 0 : behind - 1;
}

/* The figure of one place of a line from its counts. */
static enum rc_status
fill_place(const struct scan *scan,
           const struct rc_series_line *line,
           const uint32_t *counts,
           uint32_t place)
{
    const struct rc_series *series = &scan->frame->request->series[line->series];
    const double *numbers = rc_numbers_all(scan->numbers);
    uint64_t count = 0;
    uint32_t least;
    uint32_t greatest;
    double *value = &line->values[place];
    for (uint32_t i = 0; i < scan->number_count; i++)
        count += counts[i];
    *value = NAN;
    if (series->measure == RC_MEASURE_SUM)
        return sum_of(scan, counts, 0, value);
    if (count == 0)
        return RC_OK;
    if (series->measure == RC_MEASURE_MEAN)
        return sum_of(scan, counts, count, value);
    find_ends(scan, counts, &least, &greatest);
    if (series->measure == RC_MEASURE_MIN)
        *value = numbers[least];
    else if (series->measure == RC_MEASURE_MAX)
        *value = numbers[greatest];
    else
        *value = percentile_of(scan, series->measure == RC_MEASURE_MEDIAN ? 50 : series->percentile,
                               counts, count);
    return RC_OK;
}

/* Adds the counts of one place to its bins. */
static void
add_to_bins(const struct scan *scan,
            const struct rc_series_line *line,
            const uint32_t *bin_of,
            const uint32_t *counts,
            uint32_t place)
{
    uint64_t *histogram = line->histogram + (size_t)place * line->bins->count;
    for (uint32_t i = 0; i < scan->number_count; i++)
        histogram[bin_of[i]] += counts[i];
}

/* The bins of a line: from the least to the greatest number that was counted, and where another
 * time is beside, that it has. */
static enum rc_status
find_bins(const struct scan *scan,
          const struct rc_series_line *line,
          uint32_t least,
          uint32_t greatest)
{
    const struct rc_series_frame *frame = scan->frame;
    const double *numbers = rc_numbers_all(scan->numbers);
    double first = least > greatest ? INFINITY : numbers[least];
    double last = least > greatest ? -INFINITY : numbers[greatest];
    if (frame->beside != NULL)
        RC_TRY(rc_series_widen(frame->beside, line->series, &first, &last));
    *line->bins = (struct rc_bins){.count = 0};
    if (first <= last)
        *line->bins = rc_bins_make(first, last, frame->request->series[line->series].bins);
    return RC_OK;
}

/* Fills a line of histograms; range: the counts of all buckets. */
static enum rc_status
fill_histograms(const struct scan *scan, const struct rc_series_line *line, const uint32_t *range)
{
    const struct rc_series_frame *frame = scan->frame;
    const double *numbers = rc_numbers_all(scan->numbers);
    const uint32_t places = rc_line_places(frame, line);
    uint32_t least;
    uint32_t greatest;
    for (uint32_t place = 0; place < places; place++)
        line->values[place] = NAN;
    if (line->histogram == NULL)
        return RC_OK;
    find_ends(scan, range, &least, &greatest);
    RC_TRY(find_bins(scan, line, least, greatest));
    if (least > greatest)
        return RC_OK;
    /* Of what is outside of the ends there is nothing, wherever it counts. */
    uint32_t *bin_of = RC_ARENA_ARRAY(frame->context->arena, uint32_t, scan->number_count);
    if (bin_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = least; i <= greatest; i++)
        bin_of[i] = rc_bins_find(line->bins, numbers[i]);
    for (uint32_t place = 0; place < places; place++)
        add_to_bins(scan, line, bin_of, place + 1 < places ? counts_of(scan, place) : range, place);
    return RC_OK;
}

/* range: the counts of all buckets. */
static enum rc_status
fill_line(const struct scan *scan, const struct rc_series_line *line, const uint32_t *range)
{
    const uint32_t places = rc_line_places(scan->frame, line);
    if (scan->frame->request->series[line->series].measure == RC_MEASURE_HISTOGRAM)
        return fill_histograms(scan, line, range);
    for (uint32_t place = 0; place < places; place++)
        RC_TRY(fill_place(scan, line, place + 1 < places ? counts_of(scan, place) : range, place));
    return RC_OK;
}

static bool
is_numeric(const struct rc_series_frame *frame, const struct rc_series_line *line)
{
    return rc_measure_is_numeric(frame->request->series[line->series].measure);
}

enum rc_status
rc_series_scan_numbers(const struct rc_series_frame *frame,
                       const struct rc_series_line *lines,
                       uint32_t line_count,
                       uint32_t first,
                       bool *done)
{
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = &lines[first]};
    bool scanned;
    if (!is_numeric(frame, &lines[first]))
        return RC_OK;
    RC_TRY(run(&scan, &scanned));
    if (!scanned)
        return RC_OK;
    uint32_t *range = RC_ARENA_ARRAY(frame->context->arena, uint32_t, scan.number_count);
    if (range == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bucket = 0; bucket < scan.buckets; bucket++)
        for (uint32_t i = 0; i < scan.number_count; i++)
            range[i] += counts_of(&scan, bucket)[i];
    for (uint32_t l = first; l < line_count; l++) {
        if (done[l] || !is_numeric(frame, &lines[l]) ||
            frame->numbers[lines[l].series] != scan.numbers ||
            frame->bit_of[lines[l].series] != frame->bit_of[lines[first].series] ||
            lines[l].bucketed != lines[first].bucketed)
            continue;
        RC_TRY(fill_line(&scan, &lines[l], range));
        done[l] = true;
    }
    return RC_OK;
}

enum rc_status
rc_series_scan_ends(const struct rc_series_frame *frame,
                    uint32_t series,
                    uint32_t *ret_least,
                    uint32_t *ret_greatest,
                    bool *ret_done)
{
    const struct rc_series_line line = {.series = series, .row_count = 1};
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = &line};
    RC_TRY(run(&scan, ret_done));
    if (!*ret_done)
        return RC_OK;
    find_ends(&scan, counts_of(&scan, 0), ret_least, ret_greatest);
    return RC_OK;
}
