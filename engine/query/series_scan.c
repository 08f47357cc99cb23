/*
 * Series scan, events. For each slab there is a table from the local codes of the split's property
 * to rows of the line, so that a row of the slab is one look at its time's slot, one at its code,
 * and one count. Counts of rows that do not count go to a column of their own, which is never read:
 * cheaper than a branch.
 *
 * The total is the sum over rows, as each event with one value is in one of them; events with
 * several values go the long way and are added to rows and total apart.
 */
#include "engine/query/series_scan.h"

#include <string.h>

#define ROW_LISTED UINT32_MAX /* Several values. */

struct slab {
    const struct rc_column_view *column; /* NULL: no row has the property. */
    const uint32_t *rows;                /* By local code. */
};

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    const struct rc_groups *groups; /* NULL: all events are in the total. */
    uint32_t stream;
    uint32_t buckets; /* At least 1. */
    uint32_t row_count;
    uint32_t null_row; /* Of events without the property. */
    const struct rc_bucket_table *tables;
    struct slab *slabs; /* By slab of the plan. */
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_slab_rows rows;
    struct rc_series_rows hit_rows;
    uint64_t *counts; /* [row][bucket, and one for what does not count]: events of one value. */
    uint64_t *others; /* The same: what came the long way, the total's row included. */
    uint32_t codes[RC_PIECE_ROWS];
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_series_rows_close(&scan->lanes[i].hit_rows);
        rc_alloc_free(scan->lanes[i].counts);
        rc_alloc_free(scan->lanes[i].others);
    }
}

enum rc_status
rc_series_tables(const struct rc_series_frame *frame,
                 const struct rc_series_line *line,
                 const struct rc_bucket_table **ret_tables)
{
    uint32_t count;
    const struct rc_plan *plan = frame->plan;
    const struct rc_view_slab *slabs = rc_view_slabs(frame->context->view, &count);
    const uint64_t bit = (uint64_t)1 << frame->bit_of[line->series];
    struct rc_bucket_table *tables =
        RC_ARENA_ARRAY(frame->context->arena, struct rc_bucket_table, plan->slab_count);
    if (tables == NULL)
        return RC_NO_MEMORY;
    const struct rc_stream *stream = &plan->streams[rc_slab_rows_stream(plan, bit)];
    const bool bucketed = line->bucketed && frame->bucket_count > 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        tables[i] = (struct rc_bucket_table){
            .window_start_ms = rc_slab_get_info(slabs[plan->slabs[i].index].slab)->window_start_ms,
            .from_ms = stream->from_ms,
            .until_ms = stream->until_ms,
            .bucket_count = bucketed ? frame->bucket_count : 1,
            .map = bucketed ? &frame->map : NULL,
        };
        RC_TRY(rc_bucket_table_make(&tables[i], frame->context->arena));
    }
    *ret_tables = tables;
    return RC_OK;
}

/* The row of the line for a set of groups. */
static uint32_t
row_of_set(const struct rc_series_line *line, uint32_t set)
{
    if ((set & RC_GROUP_LIST) != 0)
        return ROW_LISTED;
    return line->row_of == NULL ? set : line->row_of[set];
}

/* From the slabs' codes to rows. */
static enum rc_status
map_codes(struct scan *scan)
{
    struct rc_arena *arena = scan->frame->context->arena;
    const struct rc_plan *plan = scan->frame->plan;
    scan->slabs = RC_ARENA_ARRAY(arena, struct slab, plan->slab_count);
    if (scan->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; scan->groups != NULL && i < plan->slab_count; i++) {
        struct slab *slab = &scan->slabs[i];
        const uint32_t *sets =
            rc_groups_of_slab(scan->groups, plan->slabs[i].index, &slab->column);
        if (sets == NULL)
            continue;
        uint32_t *rows = RC_ARENA_ARRAY(arena, uint32_t, slab->column->dictionary_count);
        if (rows == NULL)
            return RC_NO_MEMORY;
        for (uint32_t code = 0; code < slab->column->dictionary_count; code++)
            rows[code] = row_of_set(scan->line, sets[code]);
        slab->rows = rows;
    }
    return RC_OK;
}

static enum rc_status
scan_open(struct scan *scan)
{
    const struct rc_query_context *context = scan->frame->context;
    const struct rc_series_line *line = scan->line;
    const uint64_t bit = (uint64_t)1 << scan->frame->bit_of[line->series];
    scan->stream = rc_slab_rows_stream(scan->frame->plan, bit);
    scan->buckets = line->bucketed && scan->frame->bucket_count > 0 ? scan->frame->bucket_count : 1;
    scan->row_count = line->row_count;
    scan->null_row = scan->groups == NULL ? line->total : row_of_set(line, RC_GROUP_NULL);
    RC_TRY(rc_series_tables(scan->frame, line, &scan->tables));
    RC_TRY(map_codes(scan));
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = context->parallel_max;
    const size_t bytes = (size_t)scan->row_count * (scan->buckets + 1) * sizeof(uint64_t);
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->rows.account = context->account;
        lane->hit_rows.list.account = context->account;
        lane->counts = rc_alloc_in(context->account, bytes);
        lane->others = rc_alloc_in(context->account, bytes);
        if (lane->counts == NULL || lane->others == NULL)
            return RC_NO_MEMORY;
        memset(lane->counts, 0, bytes);
        memset(lane->others, 0, bytes);
    }
    return RC_OK;
}

/* The long way: an event in all of its rows and in the total. */
static enum rc_status
add_hit(struct lane *lane, const struct rc_hit *hit, uint32_t place)
{
    uint32_t split_count;
    const uint32_t *split_rows;
    const struct scan *scan = lane->scan;
    RC_TRY(rc_series_rows_of(scan->frame, &lane->hit_rows, 0, hit, &split_rows, &split_count));
    const uint32_t count = rc_line_rows(scan->line, split_rows, split_count, lane->hit_rows.rows);
    for (uint32_t i = 0; i < count; i++)
        lane->others[(size_t)lane->hit_rows.rows[i] * (scan->buckets + 1) + place]++;
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
    const struct scan *scan = lane->scan;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        if (((hits[i].mask >> scan->frame->bit_of[scan->line->series]) & 1) == 0)
            continue;
        const uint32_t bucket =
            scan->buckets == 1 ? 0 : rc_bucket_map_find(&scan->frame->map, hits[i].time_ms);
        RC_TRY(add_hit(lane, &hits[i], bucket));
    }
    return RC_OK;
}

/* Counts a row; false: it has several values. */
static inline bool
count_row(struct lane *lane, const struct slab *slab, uint32_t place, uint32_t code)
{
    const struct scan *scan = lane->scan;
    const uint32_t row =
        slab->rows == NULL || code == RC_CODE_NONE ? scan->null_row : slab->rows[code];
    if (row == ROW_LISTED)
        return false;
    lane->counts[(size_t)row * (scan->buckets + 1) + place]++;
    return true;
}

/* Counts the rows [begin, end) of a piece that have a bit. words NULL: all. */
static enum rc_status
count_piece(struct lane *lane,
            uint32_t plan_slab,
            uint32_t begin,
            uint32_t end,
            const uint64_t *words)
{
    uint32_t count;
    const struct scan *scan = lane->scan;
    const struct slab *slab = &scan->slabs[plan_slab];
    const struct rc_bucket_table *table = &scan->tables[plan_slab];
    const uint32_t index = scan->frame->plan->slabs[plan_slab].index;
    const uint32_t *times =
        rc_slab_times(rc_view_slabs(scan->frame->context->view, &count)[index].slab);
    for (uint32_t row = begin; row < end; row++) {
        if (words != NULL) {
            /* To the next bit, a word at a time. */
            uint64_t bits = words[row % RC_PIECE_ROWS / 64] >> (row % 64);
            if (bits == 0) {
                row |= 63;
                continue;
            }
            row += (uint32_t)__builtin_ctzll(bits);
            if (row >= end)
                break;
        }
        const uint32_t place = rc_bucket_table_find(table, times[row]);
        const uint32_t code = slab->rows == NULL ? RC_CODE_NONE : lane->codes[row - begin];
        if (count_row(lane, slab, place, code) || place == scan->buckets)
            continue;
        const struct rc_hit hit = {
            .time_ms = table->window_start_ms + times[row], .source = index, .row = row};
        RC_TRY(add_hit(lane, &hit, place));
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
    const struct slab *slab = &scan->slabs[plan_slab];
    uint32_t position = 0;
    (void)block;
    (void)hit_count; /* Counted at the end. */
    RC_TRY(rc_slab_rows_open(&lane->rows, scan->frame->plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows, base, &words)) {
            if (slab->rows != NULL)
                rc_slab_rows_codes(slab->column, begin, stop - begin, &position, lane->codes);
            RC_TRY(count_piece(lane, plan_slab, begin, stop, words));
        }
        begin = stop;
    }
    return RC_OK;
}

/* What the lanes counted in a row and bucket, by the way that it came. */
static uint64_t
sum_lanes(const struct scan *scan, bool others, uint32_t row, uint32_t bucket)
{
    uint64_t sum = 0;
    const size_t place = (size_t)row * (scan->buckets + 1) + bucket;
    for (uint32_t i = 0; i < scan->lane_count; i++)
        sum += others ? scan->lanes[i].others[place] : scan->lanes[i].counts[place];
    return sum;
}

/* Fills a row's numbers from its buckets' counts. */
static void
fill_row(const struct scan *scan, uint32_t row, const uint64_t *counts)
{
    const struct rc_series_line *line = scan->line;
    const uint32_t places = rc_line_places(scan->frame, line);
    double *values = line->values + (size_t)row * places;
    uint64_t sum = 0;
    for (uint32_t bucket = 0; bucket < scan->buckets; bucket++) {
        sum += counts[bucket];
        if (places > 1)
            values[bucket] = (double)(scan->frame->request->cumulative ? sum : counts[bucket]);
    }
    values[places - 1] = (double)sum;
    line->present[row] = sum > 0;
}

static enum rc_status
finish(struct scan *scan)
{
    struct rc_arena *arena = scan->frame->context->arena;
    uint64_t *totals = RC_ARENA_ARRAY(arena, uint64_t, scan->buckets);
    uint64_t *counts = RC_ARENA_ARRAY(arena, uint64_t, scan->buckets);
    if (totals == NULL || counts == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < scan->row_count; row++) {
        for (uint32_t bucket = 0; bucket < scan->buckets; bucket++) {
            const uint64_t single = sum_lanes(scan, false, row, bucket);
            const uint64_t others = sum_lanes(scan, true, row, bucket);
            counts[bucket] = single + others;
            totals[bucket] += row == scan->line->total ? counts[bucket] : single;
        }
        fill_row(scan, row, counts);
    }
    if (scan->line->total != RC_LINE_NO_ROW)
        fill_row(scan, scan->line->total, totals);
    for (uint32_t bucket = 0; bucket < scan->buckets; bucket++)
        scan->frame->stats->matched_events += totals[bucket];
    return RC_OK;
}

enum rc_status
rc_series_scan_events(const struct rc_series_frame *frame,
                      const struct rc_series_line *line,
                      bool *ret_done)
{
    const uint64_t bit = (uint64_t)1 << frame->bit_of[line->series];
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = line};
    *ret_done = false;
    if (frame->request->series[line->series].measure != RC_MEASURE_COUNT ||
        rc_slab_rows_stream(frame->plan, bit) == UINT32_MAX)
        return RC_OK;
    if (frame->split != NULL) {
        scan.groups = rc_split_groups(frame->split);
        if (scan.groups == NULL)
            return RC_OK;
    }
    RC_TRY(scan_open(&scan));
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .anonymous = true,
        .lane_count = scan.lane_count,
        .lanes = states,
        .hits = fold_hits,
        .rows = fold_rows,
    };
    uint64_t hit_count = 0;
    RC_TRY(rc_walk(frame->plan, &fold, &hit_count));
    *ret_done = true;
    return finish(&scan);
}
