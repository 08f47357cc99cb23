/*
 * Series scan, numbers. One scan counts how often each number occurs in each bucket; sums, means,
 * ends, percentiles and histograms all follow from these counts. Taken where numbers times buckets
 * fit an array of a bounded size.
 *
 * A sparse column is read by its entries and not by the rows of the slab.
 */
#include <math.h>
#include <string.h>

#include "engine/match/rows/row_codes.h"
#include "engine/query/number/exact_sum.h"
#include "engine/query/number/percentile.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_scan.h"
#include "engine/store/slab/marks.h"

#define COUNTERS_MAX ((uint64_t)1 << 22) /* Of a lane: 16 MiB. */
#define VALUES_MAX ((uint64_t)1 << 31)   /* In one scan, so that 32 bits count them. */

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    const struct rc_numbers *numbers;
    uint32_t number_count;
    uint32_t stream;
    uint32_t buckets;
    const struct rc_bucket_table *tables;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_slab_rows rows;
    uint32_t *counts; /* [bucket][number]. */
    uint64_t hit_count;
    uint32_t codes[RC_PIECE_ROWS];
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_alloc_free(scan->lanes[i].counts);
    }
}

/* Counts the numbers behind an entry in a place. */
static inline void
count_entry(struct lane *lane, const uint32_t *entry, uint32_t place)
{
    const struct scan *scan = lane->scan;
    if (place == scan->buckets || *entry == RC_NUMBER_NONE)
        return;
    lane->hit_count++;
    uint32_t *counts = lane->counts + (size_t)place * scan->number_count;
    if ((*entry & RC_NUMBER_LIST) == 0) {
        counts[*entry]++;
        return;
    }
    uint32_t count;
    const uint32_t *codes = rc_numbers_list(scan->numbers, entry, &count);
    for (uint32_t i = 0; i < count; i++)
        counts[codes[i]]++;
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
            lane->counts[(size_t)place * scan->number_count + codes[c]]++;
    }
    return RC_OK;
}

/* A slab's stretch of rows as fold_rows takes it. */
struct stretch {
    const struct rc_bucket_table *table;
    const struct rc_column_view *column;
    const uint32_t *entries;
    const uint32_t *times;
};

static inline bool
has_row(const uint64_t *words, uint32_t row)
{
    return words == NULL || ((words[row % RC_PIECE_ROWS / 64] >> (row % 64)) & 1) != 0;
}

/* The same for a column of marked rows: a word of marks at a time. */
static void
count_marked(struct lane *lane,
             const struct stretch *stretch,
             const uint64_t *words,
             uint32_t begin,
             uint32_t end)
{
    uint32_t count;
    uint32_t at = rc_marks_before(stretch->column, begin);
    for (uint32_t row = begin; row < end; row += count) {
        uint64_t marks = rc_marks_from(stretch->column, row, end - row, &count);
        for (; marks != 0; marks &= marks - 1, at++) {
            const uint32_t marked = row + (uint32_t)__builtin_ctzll(marks);
            if (has_row(words, marked))
                count_entry(lane, &stretch->entries[rc_row_codes_at(stretch->column, at)],
                            rc_bucket_table_find(stretch->table, stretch->times[marked]));
        }
    }
}

/* Counts the rows [begin, end) of a piece. */
static void
count_piece(struct lane *lane,
            const struct stretch *stretch,
            const uint64_t *words,
            uint32_t begin,
            uint32_t end,
            uint32_t *position)
{
    const struct rc_column_view *column = stretch->column;
    if (column->form == RC_COLUMN_MARKED_ROWS) {
        count_marked(lane, stretch, words, begin, end);
        return;
    }
    if (column->form == RC_COLUMN_SPARSE) {
        uint32_t at = rc_row_codes_seek(column, *position, begin);
        for (; at < column->code_count && column->positions[at] < end; at++) {
            const uint32_t row = column->positions[at];
            if (has_row(words, row))
                count_entry(lane, &stretch->entries[rc_row_codes_at(column, at)],
                            rc_bucket_table_find(stretch->table, stretch->times[row]));
        }
        *position = at;
        return;
    }
    rc_row_codes(column, begin, end - begin, position, lane->codes);
    for (uint32_t row = begin; row < end; row++)
        if (has_row(words, row))
            count_entry(lane, &stretch->entries[lane->codes[row - begin]],
                        rc_bucket_table_find(stretch->table, stretch->times[row]));
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    uint32_t count;
    uint32_t position = 0;
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    const uint32_t index = scan->frame->plan->slabs[plan_slab].index;
    struct stretch stretch = {
        .table = &scan->tables[plan_slab],
        .times = rc_slab_times(rc_view_slabs(scan->frame->context->view, &count)[index].slab),
    };
    (void)block;
    lane->hit_count = 0;
    stretch.entries = rc_numbers_of_slab(scan->numbers, index, &stretch.column);
    if (stretch.entries == NULL)
        return RC_OK;
    RC_TRY(rc_slab_rows_open(&lane->rows, scan->frame->plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows, base, &words))
            count_piece(lane, &stretch, words, begin, stop, &position);
        begin = stop;
    }
    *hit_count += lane->hit_count; /* Those with a number. */
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
    scan->buckets = scan->line->bucketed && frame->bucket_count > 0 ? frame->bucket_count : 1;
    const uint64_t counters = (uint64_t)scan->buckets * scan->number_count;
    if (counters > COUNTERS_MAX ||
        !rc_planner_reads_rows(frame->plan, scan->stream, scan->line->series, RC_ROWS_VALUES))
        return RC_OK;
    RC_TRY(rc_series_tables(frame, scan->line, &scan->tables));
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
        lane->counts = rc_alloc_in(context->account, counters * sizeof(*lane->counts) + 1);
        if (lane->counts == NULL)
            return RC_NO_MEMORY;
        memset(lane->counts, 0, counters * sizeof(*lane->counts));
    }
    const struct rc_fold fold = {
        .anonymous = true,
        .lane_count = scan->lane_count,
        .lanes = states,
        .hits = fold_hits,
        .rows = fold_rows,
    };
    RC_TRY(rc_walk(frame->plan, &fold, &frame->stats->matched_events));
    for (uint32_t i = 1; i < scan->lane_count; i++)
        for (uint64_t c = 0; c < counters; c++)
            scan->lanes[0].counts[c] += scan->lanes[i].counts[c];
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

static enum rc_status
sum_of(const struct scan *scan, const uint32_t *counts, double *ret_sum)
{
    struct rc_account *account = scan->frame->context->account;
    const double *numbers = rc_numbers_all(scan->numbers);
    RC_CLEANUP(rc_exact_sum_close) struct rc_exact_sum sum = {0};
    for (uint32_t i = 0; i < scan->number_count; i++)
        if (counts[i] != 0)
            RC_TRY(rc_exact_sum_add_times(account, &sum, numbers[i], counts[i]));
    *ret_sum = rc_exact_sum_value(&sum);
    return RC_OK;
}

static void
fill_histogram(const struct scan *scan,
               const struct rc_series_line *line,
               const uint32_t *counts,
               uint32_t place)
{
    const double *numbers = rc_numbers_all(scan->numbers);
    for (uint32_t i = 0; line->histogram != NULL && i < scan->number_count; i++)
        if (counts[i] != 0)
            line->histogram[(size_t)place * line->bins->count +
                            rc_bins_find(line->bins, numbers[i])] += counts[i];
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
    uint32_t least = UINT32_MAX;
    uint32_t greatest = 0;
    double *value = &line->values[place];
    for (uint32_t i = 0; i < scan->number_count; i++) {
        least = counts[i] != 0 && least == UINT32_MAX ? i : least;
        greatest = counts[i] != 0 ? i : greatest;
        count += counts[i];
    }
    *value = NAN;
    switch (series->measure) {
    case RC_MEASURE_SUM:
        return sum_of(scan, counts, value);
    case RC_MEASURE_MEAN:
        RC_TRY(sum_of(scan, counts, value));
        *value = count == 0 ? NAN : *value / (double)count;
        return RC_OK;
    case RC_MEASURE_HISTOGRAM:
        fill_histogram(scan, line, counts, place);
        return RC_OK;
    default:
        break;
    }
    if (count == 0)
        return RC_OK;
    if (series->measure == RC_MEASURE_MIN)
        *value = numbers[least];
    else if (series->measure == RC_MEASURE_MAX)
        *value = numbers[greatest];
    else
        *value = percentile_of(scan, series->measure == RC_MEASURE_MEDIAN ? 50 : series->percentile,
                               counts, count);
    return RC_OK;
}

static enum rc_status
fill_line(const struct scan *scan, const struct rc_series_line *line, const uint32_t *range)
{
    for (uint32_t bucket = 0; rc_line_places(scan->frame, line) > 1 && bucket < scan->buckets;
         bucket++)
        RC_TRY(fill_place(scan, line, scan->lanes[0].counts + (size_t)bucket * scan->number_count,
                          bucket));
    return fill_place(scan, line, range, rc_line_places(scan->frame, line) - 1);
}

enum rc_status
rc_series_scan_numbers(const struct rc_series_frame *frame,
                       const struct rc_series_line *lines,
                       uint32_t line_count,
                       uint32_t first,
                       bool *done)
{
    const struct rc_series *series = frame->request->series;
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = &lines[first]};
    bool scanned;
    if (!rc_measure_is_numeric(series[lines[first].series].measure))
        return RC_OK;
    RC_TRY(run(&scan, &scanned));
    if (!scanned)
        return RC_OK;
    uint32_t *range = RC_ARENA_ARRAY(frame->context->arena, uint32_t, scan.number_count);
    if (range == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bucket = 0; bucket < scan.buckets; bucket++)
        for (uint32_t i = 0; i < scan.number_count; i++)
            range[i] += scan.lanes[0].counts[(size_t)bucket * scan.number_count + i];
    for (uint32_t l = first; l < line_count; l++) {
        if (done[l] || !rc_measure_is_numeric(series[lines[l].series].measure) ||
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
    *ret_least = UINT32_MAX;
    *ret_greatest = 0;
    for (uint32_t i = 0; i < scan.number_count; i++) {
        if (scan.lanes[0].counts[i] == 0)
            continue;
        *ret_least = *ret_least == UINT32_MAX ? i : *ret_least;
        *ret_greatest = i;
    }
    return RC_OK;
}
