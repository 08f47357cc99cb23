/*
 * Series persons. The rows are ranked as for the answer; then one walk marks who has an event of
 * the series in the cell's row, column and time. Of sessions it is their first event that lies in
 * that time. Of a bin the event has a number in it: numbers' codes ascend with them, so those of a
 * bin are neighbours.
 */
#include "engine/query/series/series_persons.h"

#include "engine/query/segment/chart_cell.h"
#include "engine/query/series/series_query.h"
#include "engine/query/series/series_windows.h"
#include "engine/query/walk/walk.h"

struct marking {
    const struct rc_series_frame *frame;
    const struct rc_series *series;
    uint32_t bit; /* Of the series' events. */
    int64_t from_ms;
    int64_t until_ms;
    struct rc_line_side sides[RC_SERIES_SIDES];
    uint32_t at[RC_SERIES_SIDES];     /* The row and the column. */
    const struct rc_numbers *numbers; /* NULL: of no bin. */
    uint32_t first_code;              /* Of the bin's numbers, */
    uint32_t end_code;                /* and behind them. */
    uint64_t *persons;
};

struct lane {
    const struct marking *marking;
    struct rc_series_rows rows;
};

/* The time of the cell's events. */
static void
window_of(struct marking *marking, uint32_t bucket)
{
    const struct rc_series_frame *frame = marking->frame;
    marking->from_ms = frame->scope.start_ms;
    marking->until_ms = frame->scope.end_ms;
    if (bucket != RC_SERIES_RANGE) {
        const struct rc_bucket *of = &frame->buckets[bucket];
        marking->until_ms = of->end_ms;
        if (!frame->request->cumulative && of->start_ms > marking->from_ms)
            marking->from_ms = of->start_ms;
    }
    if (marking->series->measure == RC_MEASURE_ROLLING)
        marking->from_ms =
            marking->until_ms - (int64_t)marking->series->rolling_days * RC_ROLLING_DAY_MS;
}

/* The code of the first number that is not below an end, or behind those that are equal to it. */
static uint32_t
code_from(const struct rc_numbers *numbers, double end, bool behind)
{
    const double *all = rc_numbers_all(numbers);
    uint32_t low = 0;
    uint32_t high = rc_numbers_count(numbers);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (all[middle] < end || (behind && all[middle] == end))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void
set_bin(struct marking *marking, const struct rc_series_bin *bin, uint32_t series)
{
    if (!bin->is_asked)
        return;
    marking->numbers = marking->frame->numbers[series];
    marking->first_code = code_from(marking->numbers, bin->low, false);
    marking->end_code = code_from(marking->numbers, bin->high, bin->high_included);
}

static bool
is_in_bin(const struct marking *marking, const struct rc_hit *hit)
{
    uint32_t count;
    if (marking->numbers == NULL)
        return true;
    const uint32_t *codes = rc_numbers_of(marking->numbers, hit, &count);
    for (uint32_t i = 0; i < count; i++)
        if (codes[i] >= marking->first_code && codes[i] < marking->end_code)
            return true;
    return false;
}

/* Whether the hit that the rows were turned to is in the row (column) that is asked for. */
static enum rc_status
is_in_side(struct lane *lane, enum rc_series_side side, bool *ret_is)
{
    const struct marking *marking = lane->marking;
    const struct rc_line_side *of = &marking->sides[side];
    *ret_is = marking->at[side] == of->total;
    if (*ret_is)
        return RC_OK;
    RC_TRY(rc_series_rows_read(marking->frame, &lane->rows, side));
    for (uint32_t i = 0; i < lane->rows.sides[side].count && !*ret_is; i++)
        *ret_is = of->row_of[lane->rows.sides[side].rows[i]] == marking->at[side];
    return RC_OK;
}

/* Marks the user of a hit that counts at a time, if it is in the cell. */
static enum rc_status
mark(struct lane *lane, uint32_t person, const struct rc_hit *hit, int64_t time_ms)
{
    const struct marking *marking = lane->marking;
    bool in_row;
    bool in_column;
    if (((hit->mask >> marking->bit) & 1) == 0 || time_ms < marking->from_ms ||
        time_ms >= marking->until_ms || !is_in_bin(marking, hit))
        return RC_OK;
    rc_series_rows_turn(&lane->rows, person, hit);
    RC_TRY(is_in_side(lane, RC_SERIES_ROWS, &in_row));
    RC_TRY(is_in_side(lane, RC_SERIES_COLUMNS, &in_column));
    if (in_row && in_column)
        rc_walk_mark(marking->persons, person);
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        RC_TRY(mark(state, rc_walk_person(block, slots[i]), &hits[i], hits[i].time_ms));
    return RC_OK;
}

/* Of sessions: all events of a user, in order. */
static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const int64_t gap_ms = lane->marking->series->session_gap_ms;
    int64_t start_ms = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || hits[i].time_ms - hits[i - 1].time_ms > gap_ms)
            start_ms = hits[i].time_ms;
        RC_TRY(mark(lane, person, &hits[i], start_ms));
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
        rc_series_rows_close(&lanes->lanes[i].rows);
}

static enum rc_status
walk(const struct marking *marking, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = marking->frame->context;
    const bool sessions = marking->series->measure == RC_MEASURE_SESSIONS;
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
    const struct rc_fold fold = {.purpose = "users of the cell",
                                 .ordered = sessions,
                                 .lane_count = lanes.count,
                                 .lanes = states,
                                 .hits = sessions ? NULL : fold_hits,
                                 .person = sessions ? fold_person : NULL};
    return rc_walk(marking->frame->plan, &fold, &stats->matched_events);
}

/* rc_series_label_hash of the reply that the query would give. */
static uint64_t
label_hash(const struct rc_series_query *query)
{
    uint64_t labels = 0;
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        for (uint32_t result = 0; result < query->result_count; result++) {
            const uint32_t count = rc_series_row_count(query, side, result);
            if (side == RC_SERIES_COLUMNS && query->request->columns == NULL)
                return labels;
            for (uint32_t row = 0; row < count; row++) {
                const struct rc_row_label label = rc_series_row_label(query, side, result, row);
                labels = rc_row_label_hash(labels, &label);
            }
        }
    return labels;
}

/* Who is behind a quotient? Those of its operands are known. */
static enum rc_status
check_operand(const struct rc_series_query *query,
              const struct rc_series_cell *cell,
              struct rc_error *reterr_error)
{
    const bool is_formula = cell->result >= query->request->series_count;
    if (cell->result >= query->result_count)
        return rc_error_field(reterr_error, RC_INVALID, "series", "there is no such series");
    if (!is_formula && cell->operand != RC_SERIES_NO_OPERAND)
        return rc_error_field(reterr_error, RC_INVALID, "operand",
                              "only a formula is computed from series");
    if (is_formula && cell->operand == RC_SERIES_NO_OPERAND)
        return rc_error_field(reterr_error, RC_INVALID, "operand",
                              "a formula has no users of its own, only those of the series that "
                              "it is computed from: say of which");
    if (is_formula && (cell->operand >= query->request->series_count ||
                       (rc_series_operands(query, cell->result) >> cell->operand & 1) == 0))
        return rc_error_field(reterr_error, RC_INVALID, "operand",
                              "the formula is not computed from such a series");
    return RC_OK;
}

static enum rc_status
check_bin(const struct rc_series_query *query,
          const struct rc_series_cell *cell,
          struct rc_error *reterr_error)
{
    if (!cell->bin.is_asked)
        return RC_OK;
    /* Of what a formula is computed from nothing is a histogram. */
    if (cell->operand != RC_SERIES_NO_OPERAND ||
        query->request->series[cell->result].measure != RC_MEASURE_HISTOGRAM)
        return rc_error_field(reterr_error, RC_INVALID, "bin", "only a histogram has bins");
    if (cell->column != RC_SERIES_ROW)
        return rc_error_field(reterr_error, RC_INVALID, "bin",
                              "columns of a row have no histograms");
    if (!(cell->bin.low < cell->bin.high ||
          (cell->bin.high_included && cell->bin.low == cell->bin.high)))
        return rc_error_field(reterr_error, RC_INVALID, "bin", "no number lies between such ends");
    return RC_OK;
}

static enum rc_status
check_cell(const struct rc_series_query *query,
           const struct rc_series_cell *cell,
           struct rc_error *reterr_error)
{
    if (label_hash(query) != cell->labels)
        return RC_CONFLICT;
    RC_TRY(check_operand(query, cell, reterr_error));
    if (cell->row >= rc_series_row_count(query, RC_SERIES_ROWS, cell->result))
        return rc_error_field(reterr_error, RC_INVALID, "row", "there is no such row");
    if (cell->bucket != RC_SERIES_RANGE && cell->bucket >= query->frame.bucket_count)
        return rc_error_field(reterr_error, RC_INVALID, "bucket", "there is no such bucket");
    if (cell->compared && query->request->compare == RC_COMPARE_NONE)
        return rc_error_field(reterr_error, RC_INVALID, "compared",
                              "the reply compares with no earlier time");
    RC_TRY(check_bin(query, cell, reterr_error));
    if (cell->column == RC_SERIES_ROW)
        return RC_OK;
    if (query->request->columns == NULL ||
        cell->column >= rc_series_row_count(query, RC_SERIES_COLUMNS, cell->result))
        return rc_error_field(reterr_error, RC_INVALID, "column", "there is no such column");
    return cell->bucket == RC_SERIES_RANGE
               ? RC_OK
               : rc_error_field(reterr_error, RC_INVALID, "bucket",
                                "the figures of columns are those of the range");
}

enum rc_status
rc_series_mark(const struct rc_series_query *query,
               const struct rc_series_others *others,
               const struct rc_series_cell *cell,
               uint64_t *persons,
               struct rc_query_stats *stats,
               struct rc_error *reterr_error)
{
    const struct rc_series_frame *frame = cell->compared ? &query->earlier : &query->frame;
    RC_TRY(check_cell(query, cell, reterr_error));
    if (cell->bucket != RC_SERIES_RANGE && cell->bucket >= frame->bucket_count)
        return RC_OK; /* The earlier time has fewer buckets. */
    const uint32_t series = cell->operand == RC_SERIES_NO_OPERAND ? cell->result : cell->operand;
    struct marking marking = {.frame = frame,
                              .series = &query->request->series[series],
                              .bit = frame->bit_of[series],
                              .at = {[RC_SERIES_ROWS] = cell->row},
                              .persons = persons};
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        RC_TRY_OR(reterr_error,
                  rc_series_map_side(query, frame, side, cell->result,
                                     cell->compared ? others : NULL, &marking.sides[side]));
    marking.at[RC_SERIES_COLUMNS] =
        cell->column == RC_SERIES_ROW ? marking.sides[RC_SERIES_COLUMNS].total : cell->column;
    window_of(&marking, cell->bucket);
    set_bin(&marking, &cell->bin, series);
    RC_TRY_OR(reterr_error, walk(&marking, stats));
    return RC_OK;
}
