/* Series query: the reply. */
#include "engine/query/series/series_query.h"

#include <math.h>

uint32_t
rc_series_operands(const struct rc_series_query *query, uint32_t result)
{
    const uint32_t series_count = query->request->series_count;
    return result < series_count ? (uint32_t)1 << result
                                 : rc_formula_operands(query->formulas[result - series_count]);
}

uint32_t
rc_series_row_count(const struct rc_series_query *query, enum rc_series_side side, uint32_t result)
{
    const struct rc_series_ranking *ranking = &query->rankings[side][result];
    return query->frame.splits[side] == NULL ? 1 : ranking->row_count + ranking->has_other + 1;
}

/* The number of a result at a place of its lines; NaN: there is none. */
static double
number_in(const struct rc_series_query *query,
          const struct rc_series_round *round,
          uint32_t result,
          const uint32_t *line_of,
          uint64_t at)
{
    double figures[RC_SERIES_MAX] = {0};
    const uint32_t series_count = query->request->series_count;
    for (uint32_t i = 0; i < series_count; i++)
        if (line_of[i] != RC_SERIES_NO_LINE)
            figures[i] = round->lines[line_of[i]].values[at];
    return result < series_count
               ? figures[result]
               : rc_formula_value(query->formulas[result - series_count], figures);
}

/* The number of a result in a row and place. */
static double
number_at(const struct rc_series_query *query,
          const struct rc_series_round *round,
          uint32_t result,
          uint32_t row,
          uint32_t place)
{
    return number_in(query, round, result, round->line_of[result],
                     (uint64_t)row * (round->frame->bucket_count + 1) + place);
}

/* One row's figures by column. */
static enum rc_status
fill_cells(const struct rc_series_query *query,
           const struct rc_series_round *round,
           uint32_t result,
           uint32_t row,
           const double **ret_by_column)
{
    const uint32_t count = rc_series_row_count(query, RC_SERIES_COLUMNS, result);
    if (query->request->columns == NULL)
        return RC_OK;
    double *by_column = RC_ARENA_ARRAY(query->context->arena, double, count);
    if (by_column == NULL)
        return RC_NO_MEMORY;
    for (uint32_t column = 0; column < count; column++)
        by_column[column] = number_in(query, round, result, round->cells_of[result],
                                      (uint64_t)row * count + column);
    *ret_by_column = by_column;
    return RC_OK;
}

/* The columns of every result. */
static enum rc_status
fill_columns(const struct rc_series_query *query, struct rc_series_reply *reply)
{
    struct rc_arena *arena = query->context->arena;
    if (query->request->columns == NULL)
        return RC_OK;
    struct rc_series_columns *columns =
        RC_ARENA_ARRAY(arena, struct rc_series_columns, query->result_count);
    if (columns == NULL)
        return RC_NO_MEMORY;
    for (uint32_t result = 0; result < query->result_count; result++) {
        const uint32_t count = rc_series_row_count(query, RC_SERIES_COLUMNS, result);
        struct rc_row_label *labels = RC_ARENA_ARRAY(arena, struct rc_row_label, count);
        if (labels == NULL)
            return RC_NO_MEMORY;
        for (uint32_t i = 0; i < count; i++)
            labels[i] = rc_series_row_label(query, RC_SERIES_COLUMNS, result, i);
        columns[result] = (struct rc_series_columns){.count = count, .labels = labels};
    }
    reply->columns = columns;
    return RC_OK;
}

/* One row's numbers by bucket of the reply; *ret_total the range's. A bucket that the frame does
 * not have is without a number. */
static enum rc_status
fill_numbers(const struct rc_series_query *query,
             const struct rc_series_round *round,
             uint32_t result,
             uint32_t row,
             const double **ret_values,
             double *ret_total)
{
    const uint32_t bucket_count = query->frame.bucket_count;
    double *values = RC_ARENA_ARRAY(query->context->arena, double, bucket_count);
    if (values == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bucket = 0; bucket < bucket_count; bucket++)
        values[bucket] = bucket < round->frame->bucket_count
                             ? number_at(query, round, result, row, bucket)
                             : NAN;
    *ret_values = values;
    *ret_total = number_at(query, round, result, row, round->frame->bucket_count);
    return RC_OK;
}

/* The histogram of a place of a row; of no numbers it has no bins. */
static struct rc_histogram
histogram_at(const struct rc_series_line *line, uint64_t at)
{
    const uint64_t *counts = line->histogram + at * line->bins->count;
    uint64_t sum = 0;
    for (uint32_t bin = 0; bin < line->bins->count; bin++)
        sum += counts[bin];
    if (sum == 0)
        return (struct rc_histogram){.bin_count = 0};
    return (struct rc_histogram){.bin_count = line->bins->count, .counts = counts};
}

/* One row's histograms by bucket of the reply, and then the range's, as fill_numbers. */
static enum rc_status
fill_histograms(const struct rc_series_query *query,
                const struct rc_series_round *round,
                uint32_t series,
                uint32_t row,
                const struct rc_histogram **ret_histograms)
{
    const uint32_t bucket_count = query->frame.bucket_count;
    const uint32_t known_count = round->frame->bucket_count;
    const uint64_t begin = (uint64_t)row * (known_count + 1);
    const struct rc_series_line *line = &round->lines[round->line_of[series][series]];
    struct rc_histogram *histograms =
        RC_ARENA_ARRAY(query->context->arena, struct rc_histogram, (size_t)bucket_count + 1);
    if (histograms == NULL)
        return RC_NO_MEMORY;
    for (uint32_t bucket = 0; bucket < bucket_count && bucket < known_count; bucket++)
        histograms[bucket] = histogram_at(line, begin + bucket);
    histograms[bucket_count] = histogram_at(line, begin + known_count);
    *ret_histograms = histograms;
    return RC_OK;
}

/* The edges of a histogram series' bins, the same in both rounds if it has any there. */
static enum rc_status
fill_edges(struct rc_series_query *query, const struct rc_series_round *round, uint32_t series)
{
    const struct rc_bins *bins = round->lines[round->line_of[series][series]].bins;
    if (query->request->series[series].measure != RC_MEASURE_HISTOGRAM || bins->count == 0 ||
        query->bin_edges[series] != NULL)
        return RC_OK;
    double *edges = RC_ARENA_ARRAY(query->context->arena, double, (size_t)bins->count + 1);
    if (edges == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i <= bins->count; i++)
        edges[i] = rc_bins_edge(bins, i);
    query->bin_edges[series] = edges;
    return RC_OK;
}

struct rc_row_label
rc_series_row_label(const struct rc_series_query *query,
                    enum rc_series_side side,
                    uint32_t result,
                    uint32_t row)
{
    const struct rc_series_ranking *ranking = &query->rankings[side][result];
    if (row + 1 == rc_series_row_count(query, side, result))
        return (struct rc_row_label){.kind = RC_ROW_TOTAL};
    if (row == ranking->row_count)
        return (struct rc_row_label){.kind = RC_ROW_OTHER};
    struct rc_row_label label = {.kind = RC_ROW_VALUE,
                                 .part_count = rc_split_dimension_count(query->frame.splits[side]),
                                 .parts = ranking->labels[row]};
    if (label.part_count == 1 && label.parts[0].kind == RC_LABEL_VALUE)
        label.value = label.parts[0].value;
    return label;
}

static enum rc_status
fill_row(const struct rc_series_query *query,
         const struct rc_series_round *round,
         const struct rc_series_round *earlier,
         uint32_t result,
         uint32_t row,
         struct rc_series_row *ret_row)
{
    *ret_row = (struct rc_series_row){
        .series = result, .label = rc_series_row_label(query, RC_SERIES_ROWS, result, row)};
    RC_TRY(fill_numbers(query, round, result, row, &ret_row->values, &ret_row->total));
    RC_TRY(fill_cells(query, round, result, row, &ret_row->by_column));
    if (earlier != NULL) {
        RC_TRY(fill_numbers(query, earlier, result, row, &ret_row->compared_values,
                            &ret_row->compared_total));
        RC_TRY(fill_cells(query, earlier, result, row, &ret_row->compared_by_column));
    }
    if (result >= query->request->series_count ||
        query->request->series[result].measure != RC_MEASURE_HISTOGRAM)
        return RC_OK;
    RC_TRY(fill_histograms(query, round, result, row, &ret_row->histograms));
    return earlier == NULL
               ? RC_OK
               : fill_histograms(query, earlier, result, row, &ret_row->compared_histograms);
}

enum rc_status
rc_series_fill_reply(struct rc_series_query *query,
                     const struct rc_series_round *round,
                     const struct rc_series_round *earlier,
                     struct rc_series_reply *reply)
{
    struct rc_arena *arena = query->context->arena;
    uint32_t count = 0;
    for (uint32_t result = 0; result < query->result_count; result++)
        count += rc_series_row_count(query, RC_SERIES_ROWS, result);
    struct rc_series_row *rows = RC_ARENA_ARRAY(arena, struct rc_series_row, count);
    if (rows == NULL)
        return RC_NO_MEMORY;
    uint32_t at = 0;
    for (uint32_t result = 0; result < query->result_count; result++)
        for (uint32_t row = 0; row < rc_series_row_count(query, RC_SERIES_ROWS, result); row++)
            RC_TRY(fill_row(query, round, earlier, result, row, &rows[at++]));
    for (uint32_t series = 0; series < query->request->series_count; series++) {
        RC_TRY(fill_edges(query, round, series));
        if (earlier != NULL)
            RC_TRY(fill_edges(query, earlier, series));
    }
    RC_TRY(fill_columns(query, reply));
    const double **edges = rc_arena_copy(arena, query->bin_edges, sizeof(query->bin_edges));
    if (edges == NULL)
        return RC_NO_MEMORY;
    reply->bin_edges = edges;
    reply->bucket_count = query->frame.bucket_count;
    reply->buckets = query->frame.buckets;
    reply->rows = rows;
    reply->row_count = count;
    return RC_OK;
}
