/*
 * Series: numbers over time, in rows.
 *
 * Results are the series and then the formulas. Without a breakdown each has one row. With one, a
 * first round measures every row of the split over the range alone, which ranks them for each
 * result; a second one measures the rows that are shown, Other and the total, in every bucket. Two
 * rounds, because a property may have a million values and a range twenty thousand buckets, but
 * only rows that are shown need buckets.
 *
 * A formula is ranked by its own figure, so its operands are measured over its own rows.
 *
 * Columns are ranked as rows are; then a line of cells, which are pairs of a row and a column, is
 * measured over the range. An event counts in a cell if it does in the row and in the column.
 *
 * An earlier time is a second frame, whose rows are matched with those of the first by their
 * values.
 */
#include "engine/query/scope.h"
#include "engine/query/series/series_check.h"
#include "engine/query/series/series_compare.h"
#include "engine/query/series/series_persons.h"
#include "engine/query/series/series_query.h"

/* Numbers of a reply, all lines, rows and buckets: at most 48 bytes a lane and some in the reply.
 */
#define PLACES_MAX ((uint64_t)4 << 20)

/* Where the rows of a split in all buckets are so few (a core's second cache holds their counters),
 * they are counted in the first round already, and the second only adds them up. */
#define SPLIT_PLACES_MAX ((uint64_t)1 << 17)

static void
query_close(struct rc_series_query *query)
{
    rc_series_frame_close(&query->frame);
    rc_series_frame_close(&query->earlier);
}

/* Lets a line fill arrays of its own. */
static enum rc_status
line_open(const struct rc_series_query *query,
          const struct rc_series_frame *frame,
          struct rc_series_line *line)
{
    struct rc_arena *arena = query->context->arena;
    const uint64_t places = (uint64_t)line->row_count * rc_line_places(frame, line);
    const struct rc_series *series = &query->request->series[line->series];
    line->values = RC_ARENA_ARRAY(arena, double, places);
    line->present = RC_ARENA_ARRAY(arena, uint8_t, line->row_count);
    if (line->values == NULL || line->present == NULL)
        return RC_NO_MEMORY;
    if (series->measure != RC_MEASURE_HISTOGRAM || !line->bucketed)
        return RC_OK;
    line->bins = rc_arena_zero(arena, sizeof(*line->bins));
    line->histogram = RC_ARENA_ARRAY(arena, uint64_t, places * series->bins);
    return line->bins == NULL || line->histogram == NULL ? RC_NO_MEMORY : RC_OK;
}

/* ---- The round that ranks -------------------------------------------------------------------- */

/* Measures each series for every row of a side's split and the total, over the range. */
static enum rc_status
measure_split(const struct rc_series_query *query,
              const struct rc_series_frame *frame,
              enum rc_series_side side,
              struct rc_series_line *lines)
{
    const uint32_t count = query->request->series_count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t rows = rc_split_count(frame->splits[side]);
        lines[i] = (struct rc_series_line){.series = i,
                                           .side = side,
                                           .row_count = rows + 1,
                                           .other = RC_LINE_NO_ROW,
                                           .total = rows};
        lines[i].bucketed = side == RC_SERIES_ROWS &&
                            query->request->series[i].measure == RC_MEASURE_COUNT &&
                            ((uint64_t)rows + 1) * (frame->bucket_count + 1) <= SPLIT_PLACES_MAX;
        RC_TRY(line_open(query, frame, &lines[i]));
    }
    return rc_series_measure(frame, lines, count);
}

/* The figure of the range in one row of the split for a result. */
static double
figure_of(const struct rc_series_query *query,
          const struct rc_series_line *lines,
          uint32_t result,
          uint32_t row)
{
    double figures[RC_SERIES_MAX];
    const uint32_t series_count = query->request->series_count;
    for (uint32_t i = 0; i < series_count; i++) {
        const uint32_t places = rc_line_places(&query->frame, &lines[i]);
        figures[i] = lines[i].values[(size_t)row * places + places - 1];
    }
    if (result < series_count)
        return figures[result];
    return rc_formula_value(query->formulas[result - series_count], figures);
}

static enum rc_status
rank_result(struct rc_series_query *query,
            enum rc_series_side side,
            const struct rc_series_line *lines,
            uint32_t result)
{
    const struct rc_series_request *request = query->request;
    const struct rc_split *split = query->frame.splits[side];
    const uint32_t row_count = rc_split_count(split);
    const uint32_t top_n = side == RC_SERIES_ROWS ? request->top_n : request->column_top_n;
    if (rc_split_parts(split) != NULL && !lines[result].bucketed) /* Its lines are its series. */
        return rc_series_rank(split, lines[result].values, lines[result].present, top_n,
                              query->context->arena, &query->rankings[side][result]);
    const uint32_t operands = rc_series_operands(query, result);
    double *figures = RC_ARENA_ARRAY(query->context->arena, double, row_count);
    uint8_t *present = RC_ARENA_ARRAY(query->context->arena, uint8_t, row_count);
    if (figures == NULL || present == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < row_count; row++) {
        figures[row] = figure_of(query, lines, result, row);
        for (uint32_t i = 0; i < request->series_count; i++)
            present[row] |= (uint8_t)((operands >> i & 1) & lines[i].present[row]);
    }
    return rc_series_rank(split, figures, present, top_n, query->context->arena,
                          &query->rankings[side][result]);
}

/* There is Other too where only the earlier time has rows that are not shown. others: by row of the
 * earlier split, the row of the split. */
static void
look_for_other(struct rc_series_query *query,
               enum rc_series_side side,
               const struct rc_series_line *earlier,
               const uint32_t *others,
               uint32_t result)
{
    struct rc_series_ranking *ranking = &query->rankings[side][result];
    const uint32_t operands = rc_series_operands(query, result);
    for (uint32_t row = 0; row < rc_split_count(query->earlier.splits[side]); row++)
        for (uint32_t i = 0; i < query->request->series_count; i++)
            if ((operands >> i & 1) != 0 && earlier[i].present[row] != 0 &&
                (others[row] == RC_CODE_NONE || ranking->row_of[others[row]] == ranking->row_count))
                ranking->has_other = true;
}

static enum rc_status
rank_side(struct rc_series_query *query,
          enum rc_series_side side,
          const struct rc_series_others *others,
          struct rc_series_line *lines,
          struct rc_series_line *earlier)
{
    if (query->frame.splits[side] == NULL)
        return RC_OK;
    RC_TRY(measure_split(query, &query->frame, side, lines));
    if (others != NULL)
        RC_TRY(measure_split(query, &query->earlier, side, earlier));
    for (uint32_t result = 0; result < query->result_count; result++) {
        RC_TRY(rank_result(query, side, lines, result));
        if (others != NULL)
            look_for_other(query, side, earlier, others->rows[side], result);
    }
    return RC_OK;
}

static enum rc_status
rank(struct rc_series_query *query, const struct rc_series_others *others)
{
    struct rc_series_line columns[RC_SERIES_MAX];
    struct rc_series_line earlier[RC_SERIES_MAX];
    enum rc_status status =
        rank_side(query, RC_SERIES_ROWS, others, query->split_lines, query->earlier_lines);
    if (status == RC_NOT_FOUND) { /* Its rows were parts, of too many values. */
        RC_TRY(rc_series_frame_merge(&query->frame));
        status = rank_side(query, RC_SERIES_ROWS, others, query->split_lines, query->earlier_lines);
    }
    RC_TRY(status);
    return rank_side(query, RC_SERIES_COLUMNS, others, columns, earlier);
}

/* ---- The round that is shown ----------------------------------------------------------------- */

enum rc_status
rc_series_map_side(const struct rc_series_query *query,
                   const struct rc_series_frame *frame,
                   enum rc_series_side side,
                   uint32_t result,
                   const struct rc_series_others *others,
                   struct rc_line_side *ret_side)
{
    const struct rc_series_ranking *ranking = &query->rankings[side][result];
    const uint32_t shown = rc_series_row_count(query, side, result);
    *ret_side = (struct rc_line_side){
        .count = shown, .other = RC_LINE_NO_ROW, .total = shown - 1, .row_of = ranking->row_of};
    if (frame->splits[side] == NULL)
        return RC_OK;
    ret_side->other = ranking->row_count;
    if (others == NULL)
        return RC_OK;
    const uint32_t *same = others->rows[side];
    const uint32_t count = rc_split_count(frame->splits[side]);
    uint32_t *row_of = RC_ARENA_ARRAY(query->context->arena, uint32_t, count);
    if (row_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t row = 0; row < count; row++)
        row_of[row] = same[row] == RC_CODE_NONE ? ranking->row_count : ranking->row_of[same[row]];
    ret_side->row_of = row_of;
    return RC_OK;
}

/* Adds the lines of a result; without a breakdown a formula uses those of its series. */
static enum rc_status
add_lines(const struct rc_series_query *query,
          struct rc_series_round *round,
          uint32_t result,
          const struct rc_series_others *others)
{
    const bool split = query->request->breakdown != NULL;
    struct rc_line_side rows;
    struct rc_line_side *columns = rc_arena_zero(query->context->arena, sizeof(*columns));
    if (columns == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_series_map_side(query, round->frame, RC_SERIES_ROWS, result, others, &rows));
    RC_TRY(rc_series_map_side(query, round->frame, RC_SERIES_COLUMNS, result, others, columns));
    for (uint32_t i = 0; i < query->request->series_count; i++) {
        round->line_of[result][i] = round->cells_of[result][i] = RC_SERIES_NO_LINE;
        if ((rc_series_operands(query, result) >> i & 1) == 0)
            continue;
        if (!split && result >= query->request->series_count) {
            round->line_of[result][i] = i;
            continue;
        }
        struct rc_series_line line = {.series = i,
                                      .bucketed = true,
                                      .row_of = rows.row_of,
                                      .row_count = rows.count,
                                      .other = rows.other,
                                      .total = rows.total};
        round->line_of[result][i] = round->line_count;
        round->lines[round->line_count++] = line;
        if (query->request->columns == NULL)
            continue;
        line.bucketed = false;
        line.columns = columns;
        line.row_count = rows.count * columns->count;
        round->cells_of[result][i] = round->line_count;
        round->lines[round->line_count++] = line;
    }
    return RC_OK;
}

/* Lists everything that is shown of a frame. others: with the earlier one. */
static enum rc_status
prepare_round(const struct rc_series_query *query,
              const struct rc_series_frame *frame,
              const struct rc_series_others *others,
              struct rc_series_round *round)
{
    const uint64_t lines_max = (uint64_t)query->result_count * query->request->series_count * 2;
    *round = (struct rc_series_round){.frame = frame};
    round->lines = RC_ARENA_ARRAY(query->context->arena, struct rc_series_line, lines_max);
    round->line_of =
        rc_arena_array(query->context->arena, query->result_count, sizeof(*round->line_of));
    round->cells_of =
        rc_arena_array(query->context->arena, query->result_count, sizeof(*round->cells_of));
    if (round->lines == NULL || round->line_of == NULL || round->cells_of == NULL)
        return RC_NO_MEMORY;
    for (uint32_t result = 0; result < query->result_count; result++)
        RC_TRY(add_lines(query, round, result, others));
    return RC_OK;
}

static enum rc_status
check_places(const struct rc_series_query *query,
             const struct rc_series_round *round,
             struct rc_error *reterr_error)
{
    uint64_t numbers = 0;
    for (uint32_t i = 0; i < round->line_count; i++) {
        const struct rc_series *series = &query->request->series[round->lines[i].series];
        numbers += (uint64_t)round->lines[i].row_count *
                   rc_line_places(round->frame, &round->lines[i]) *
                   (series->measure == RC_MEASURE_HISTOGRAM ? series->bins : 1);
    }
    if (numbers <= PLACES_MAX)
        return RC_OK;
    return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED,
                          query->request->breakdown == NULL ? "bucket" : "breakdown.top",
                          "series, rows, buckets and bins make %llu numbers, more than %llu",
                          (unsigned long long)numbers, (unsigned long long)PLACES_MAX);
}

static enum rc_status
measure_round(const struct rc_series_query *query, const struct rc_series_round *round)
{
    const struct rc_series_line *split =
        round->frame == &query->frame ? query->split_lines : query->earlier_lines;
    struct rc_series_line *left =
        RC_ARENA_ARRAY(query->context->arena, struct rc_series_line, round->line_count);
    uint32_t count = 0;
    if (left == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < round->line_count; i++) {
        struct rc_series_line *line = &round->lines[i];
        RC_TRY(line_open(query, round->frame, line));
        if (!rc_series_line_sum(round->frame, &split[line->series], line))
            left[count++] = *line;
    }
    return count == 0 ? RC_OK : rc_series_measure(round->frame, left, count);
}

static enum rc_status
open_earlier(struct rc_series_query *query,
             const struct rc_calendar *calendar,
             struct rc_query_stats *stats,
             struct rc_series_others *ret_others,
             struct rc_error *reterr_error)
{
    struct rc_scope scope;
    RC_TRY(rc_series_compared_scope(query->request, calendar, &scope, reterr_error));
    RC_TRY(rc_series_frame_open(&query->earlier, query->context, query->request, calendar, &scope,
                                &query->frame, stats, reterr_error));
    query->frame.beside = &query->earlier;
    query->earlier.beside = &query->frame;
    for (uint32_t side = 0; side < RC_SERIES_SIDES; side++)
        if (query->frame.splits[side] != NULL)
            RC_TRY_OR(reterr_error, rc_split_match(query->context, query->earlier.splits[side],
                                                   query->frame.splits[side], query->context->arena,
                                                   &ret_others->rows[side]));
    return RC_OK;
}

/* Makes everything ready but the round that is shown. query is all zero but for what is asked. */
static enum rc_status
open_query(struct rc_series_query *query,
           struct rc_calendar *calendar,
           struct rc_series_others *ret_others,
           struct rc_query_stats *stats,
           struct rc_error *reterr_error)
{
    const struct rc_series_request *request = query->request;
    RC_TRY(rc_scope_check(&request->scope, calendar, reterr_error));
    RC_TRY(rc_series_check(request, query->context->arena, query->formulas, reterr_error));
    query->result_count = request->series_count + request->formula_count;
    query->split_lines =
        RC_ARENA_ARRAY(query->context->arena, struct rc_series_line, request->series_count);
    query->earlier_lines =
        RC_ARENA_ARRAY(query->context->arena, struct rc_series_line, request->series_count);
    if (query->split_lines == NULL || query->earlier_lines == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the series");
    RC_TRY(rc_series_frame_open(&query->frame, query->context, request, calendar, &request->scope,
                                NULL, stats, reterr_error));
    if (request->compare != RC_COMPARE_NONE)
        RC_TRY(open_earlier(query, calendar, stats, ret_others, reterr_error));
    RC_TRY_OR(reterr_error, rank(query, request->compare == RC_COMPARE_NONE ? NULL : ret_others));
    stats->matched_events = 0; /* Counted in the round that is shown. */
    return RC_OK;
}

enum rc_status
rc_query_series_persons(const struct rc_query_context *context,
                        const struct rc_series_request *request,
                        const struct rc_series_cell *cell,
                        uint64_t *persons,
                        struct rc_query_stats *stats,
                        struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_series_others others;
    RC_CLEANUP(query_close) struct rc_series_query query = {.context = context, .request = request};
    RC_TRY(open_query(&query, &calendar, &others, stats, reterr_error));
    RC_TRY(rc_series_mark(&query, &others, cell, persons, stats, reterr_error));
    rc_plan_add_stats(query.frame.plan, stats);
    return RC_OK;
}

enum rc_status
rc_query_series(const struct rc_query_context *context,
                const struct rc_series_request *request,
                struct rc_series_reply *ret_reply,
                struct rc_error *reterr_error)
{
    struct rc_calendar calendar;
    struct rc_series_reply reply = {.stats.data_version = rc_view_data_version(context->view)};
    struct rc_series_round round;
    struct rc_series_round before;
    const bool compares = request->compare != RC_COMPARE_NONE;
    struct rc_series_others others;
    RC_CLEANUP(query_close) struct rc_series_query query = {.context = context, .request = request};
    RC_TRY(open_query(&query, &calendar, &others, &reply.stats, reterr_error));
    RC_TRY_OR(reterr_error, prepare_round(&query, &query.frame, NULL, &round));
    RC_TRY(check_places(&query, &round, reterr_error));
    RC_TRY_OR(reterr_error, measure_round(&query, &round));
    if (compares) {
        RC_TRY_OR(reterr_error, prepare_round(&query, &query.earlier, &others, &before));
        RC_TRY(check_places(&query, &before, reterr_error));
        RC_TRY_OR(reterr_error, measure_round(&query, &before));
    }
    RC_TRY_OR(reterr_error,
              rc_series_fill_reply(&query, &round, compares ? &before : NULL, &reply));
    rc_plan_add_stats(query.frame.plan, &reply.stats);
    if (compares)
        rc_plan_add_stats(query.earlier.plan, &reply.stats);
    *ret_reply = reply;
    return RC_OK;
}
