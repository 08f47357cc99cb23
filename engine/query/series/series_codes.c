/*
 * Series scan, events of the range by value: rows of a slab are counted by the local code of the
 * property alone, and codes are sent to rows of the line when all is counted. So a row is one look
 * at its code and one count, however many values there are: going from code to row for each of ten
 * million events, where both tables are larger than a core's cache, takes as long as the rest.
 *
 * Counters have 32 bits: a slab has fewer rows.
 */
#include <string.h>

#include "engine/match/rows/row_codes.h"
#include "engine/match/rows/words.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_count.h"
#include "engine/query/series/series_scan.h"

struct slab {
    const struct rc_column_view *column; /* NULL: no row has the property. */
    const uint32_t *sets;                /* By code. */
    uint32_t bound;                      /* Codes are below. */
    size_t first; /* Where its counters begin: of rows without a value, then by code. */
    bool cut;     /* Some of its rows are out of time. */
};

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    const struct rc_groups *groups;
    uint32_t stream;
    const struct rc_bucket_table *tables;
    struct slab *slabs; /* By slab of the plan. */
    size_t counter_count;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_slab_rows rows;
    struct rc_series_rows hit_rows;
    uint32_t *counts; /* Of all slabs. */
    uint32_t *codes;  /* Of a piece's rows. */
    uint32_t *heads;  /* The rows of events of heads, the total's included. */
    size_t head_capacity;
    size_t head_count;
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_series_rows_close(&scan->lanes[i].hit_rows);
        rc_alloc_free(scan->lanes[i].counts);
        rc_alloc_free(scan->lanes[i].codes);
        rc_alloc_free(scan->lanes[i].heads);
    }
}

static enum rc_status
map_slabs(struct scan *scan)
{
    const struct rc_plan *plan = scan->frame->plan;
    RC_TRY(rc_series_tables(scan->frame, scan->line, &scan->tables));
    scan->slabs = RC_ARENA_ARRAY(scan->frame->context->arena, struct slab, plan->slab_count);
    if (scan->slabs == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        struct slab *slab = &scan->slabs[i];
        const struct rc_bucket_table *table = &scan->tables[i];
        slab->cut = table->time_min_ms < table->from_ms || table->time_max_ms >= table->until_ms;
        slab->sets = rc_groups_of_slab(scan->groups, plan->slabs[i].index, &slab->column);
        slab->bound = slab->sets == NULL ? 0 : rc_column_code_bound(slab->column);
        slab->first = scan->counter_count;
        scan->counter_count += (size_t)slab->bound + 1;
    }
    return RC_OK;
}

static enum rc_status
lanes_open(struct scan *scan)
{
    const struct rc_query_context *context = scan->frame->context;
    const size_t bytes = scan->counter_count * sizeof(*scan->lanes->counts);
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        lane->scan = scan;
        lane->rows.account = context->account;
        lane->hit_rows.account = context->account;
        lane->counts = rc_alloc_in(context->account, bytes);
        lane->codes = rc_alloc_in(context->account, RC_PIECE_ROWS * sizeof(*lane->codes));
        if (lane->counts == NULL || lane->codes == NULL)
            return RC_NO_MEMORY;
        memset(lane->counts, 0, bytes);
    }
    return RC_OK;
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* Counts rows by their codes: those that have a bit in words, where the first one's is first; NULL:
 * all. */
static void
count_codes(uint32_t *counts,
            const uint32_t *codes,
            const uint64_t *words,
            uint32_t first,
            uint32_t count)
{
    const uint32_t end = first + count;
    for (uint32_t row = 0; words == NULL && row < count; row++)
        counts[codes[row] + 1]++; /* RC_CODE_NONE and 1 is 0. */
    for (uint32_t word = first / 64; words != NULL && word * 64 < end; word++)
        for (uint64_t bits = words[word] & rc_word_within(word * 64, first, end); bits != 0;
             bits &= bits - 1)
            counts[codes[word * 64 + (uint32_t)__builtin_ctzll(bits) - first] + 1]++;
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
    const struct rc_plan *plan = scan->frame->plan;
    uint32_t *counts = lane->counts + slab->first;
    uint64_t in_time[RC_PIECE_WORDS];
    uint32_t position = 0;
    const struct rc_series_piece piece = {
        .table = &scan->tables[plan_slab],
        .times = rc_slab_times(rc_plan_view_slab(plan, plan_slab)->slab)};
    (void)block;
    (void)hit_count; /* Counted at the end. */
    RC_TRY(rc_slab_rows_open(&lane->rows, plan, plan_slab, scan->stream));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (!rc_slab_rows_piece(&lane->rows, base, &words) ||
            (slab->cut && !rc_series_in_time(&piece, base, stop, words, in_time)))
            continue;
        words = slab->cut ? in_time : words;
        if (slab->bound == 0) {
            counts[0] += words == NULL
                             ? stop - begin
                             : (uint32_t)rc_words_count_within(words, begin - base, stop - base);
            continue;
        }
        if (words == NULL && slab->column->form == RC_COLUMN_MARKED_RUNS) {
            rc_series_count_runs(counts, slab->column, begin, stop);
            continue;
        }
        rc_row_codes(slab->column, begin, stop - begin, &position, lane->codes);
        count_codes(counts, lane->codes, words, begin - base, stop - begin);
    }
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
        uint32_t place;
        uint32_t row_count;
        if (!rc_series_frame_place(scan->frame, scan->line->series, 1, &hits[i], &place))
            continue;
        rc_series_rows_turn(&lane->hit_rows, 0, &hits[i]);
        RC_TRY(rc_line_rows(scan->frame, scan->line, &lane->hit_rows, &row_count));
        RC_TRY(RC_GROW_IN(scan->frame->context->account, lane->heads, lane->head_capacity,
                          lane->head_count + row_count));
        memcpy(lane->heads + lane->head_count, lane->hit_rows.rows,
               row_count * sizeof(*lane->heads));
        lane->head_count += row_count;
    }
    return RC_OK;
}

/* ---- From codes to rows ---------------------------------------------------------------------- */

/* Adds events that have a set of several groups to their rows. */
static enum rc_status
add_listed(const struct scan *scan, uint32_t set, double events)
{
    uint32_t count;
    const struct rc_series_line *line = scan->line;
    struct rc_series_rows *rows = &scan->lanes[0].hit_rows;
    const uint32_t *groups = rc_groups_list(scan->groups, &set, &count);
    RC_TRY(
        RC_GROW_IN(scan->frame->context->account, rows->rows, rows->capacity, (size_t)count + 2));
    const uint32_t row_count =
        rc_line_send(line->row_of, line->other, RC_LINE_NO_ROW, groups, count, rows->rows);
    for (uint32_t i = 0; i < row_count; i++)
        line->values[rows->rows[i]] += events;
    return RC_OK;
}

/* Adds the events of a slab to their rows; *total to that. */
static enum rc_status
add_slab(const struct scan *scan, const struct slab *slab, uint64_t *total)
{
    const struct rc_series_line *line = scan->line;
    const uint32_t *row_of = line->row_of;
    for (uint32_t at = 0; at <= slab->bound; at++) {
        uint64_t events = 0;
        for (uint32_t i = 0; i < scan->lane_count; i++)
            events += scan->lanes[i].counts[slab->first + at];
        if (events == 0)
            continue;
        *total += events;
        const uint32_t set = at == 0 ? RC_GROUP_NULL : slab->sets[at - 1];
        if ((set & RC_GROUP_LIST) != 0)
            RC_TRY(add_listed(scan, set, (double)events));
        else
            line->values[row_of == NULL ? set : row_of[set]] += (double)events;
    }
    return RC_OK;
}

static enum rc_status
finish(const struct scan *scan)
{
    const struct rc_series_line *line = scan->line;
    uint64_t total = 0;
    for (uint32_t i = 0; i < scan->frame->plan->slab_count; i++)
        RC_TRY(add_slab(scan, &scan->slabs[i], &total));
    if (line->total != RC_LINE_NO_ROW)
        line->values[line->total] += (double)total;
    scan->frame->stats->matched_events += total;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        const struct lane *lane = &scan->lanes[i];
        for (size_t at = 0; at < lane->head_count; at++) {
            line->values[lane->heads[at]]++;
            scan->frame->stats->matched_events += lane->heads[at] == line->total;
        }
    }
    for (uint32_t row = 0; row < line->row_count; row++)
        line->present[row] = line->values[row] > 0;
    return RC_OK;
}

enum rc_status
rc_series_scan_codes(const struct rc_series_frame *frame,
                     const struct rc_series_line *line,
                     bool *ret_done)
{
    const struct rc_split *split = frame->splits[line->side];
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = line};
    *ret_done = false;
    scan.stream = rc_slab_rows_stream(frame->plan, (uint64_t)1 << frame->bit_of[line->series]);
    scan.groups = split == NULL ? NULL : rc_split_groups(split);
    if (frame->request->series[line->series].measure != RC_MEASURE_COUNT || line->columns != NULL ||
        rc_line_places(frame, line) > 1 || scan.stream == UINT32_MAX || scan.groups == NULL ||
        !rc_planner_reads_rows(frame->plan, scan.stream, line->series, RC_ROWS_VALUES))
        return RC_OK;
    RC_TRY(map_slabs(&scan));
    RC_TRY(lanes_open(&scan));
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .purpose = "counts of the range",
        .anonymous = true,
        .lane_count = scan.lane_count,
        .lanes = states,
        .hits = fold_hits,
        .rows = fold_rows,
        .reading = RC_ROWS_VALUES,
    };
    uint64_t hit_count = 0;
    RC_TRY(rc_walk(frame->plan, &fold, &hit_count));
    *ret_done = true;
    return finish(&scan);
}
