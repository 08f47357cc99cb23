/* QueryService.Series. */
#include <recount/v1/series.pb-c.h>

#include "server/decode/decode_series.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

/* What is the same for all rows of a reply. */
struct shape {
    struct rc_arena *arena;
    uint32_t bucket_count;
    bool compares;
    const double *edges;                     /* Of a histogram; NULL: none. */
    const struct rc_series_columns *columns; /* Of the result at hand; NULL: none. */
};

static enum rc_status
encode_numbers(const struct shape *shape,
               const double *numbers,
               uint32_t count,
               Recount__V1__NumberColumn **ret_column)
{
    double *values;
    RC_NEW_ARRAY(shape->arena, values, double, count);
    if (count > 0)
        memcpy(values, numbers, count * sizeof(*values));
    return rc_encode_column(shape->arena, values, count, ret_column);
}

static enum rc_status
encode_histogram(const struct shape *shape,
                 const struct rc_histogram *histogram,
                 Recount__V1__Histogram **ret_histogram)
{
    Recount__V1__Histogram *out;
    RC_NEW(shape->arena, out, recount__v1__histogram__descriptor);
    RC_NEW_ARRAY(shape->arena, out->bins, Recount__V1__Bin *, histogram->bin_count);
    RC_NEW_ARRAY(shape->arena, out->counts, uint64_t, histogram->bin_count);
    out->n_bins = histogram->bin_count;
    out->n_counts = histogram->bin_count;
    for (uint32_t i = 0; i < histogram->bin_count; i++) {
        RC_NEW(shape->arena, out->bins[i], recount__v1__bin__descriptor);
        out->bins[i]->low = shape->edges[i];
        out->bins[i]->high = shape->edges[i + 1];
        out->bins[i]->high_included = i + 1 == histogram->bin_count;
        out->counts[i] = histogram->counts[i];
    }
    *ret_histogram = out;
    return RC_OK;
}

static enum rc_status
encode_list(const struct shape *shape,
            const struct rc_histogram *histograms,
            Recount__V1__Histogram ***ret_list,
            size_t *ret_count,
            Recount__V1__Histogram **ret_total)
{
    Recount__V1__Histogram **list;
    RC_NEW_ARRAY(shape->arena, list, Recount__V1__Histogram *, shape->bucket_count);
    for (uint32_t i = 0; i < shape->bucket_count; i++)
        RC_TRY(encode_histogram(shape, &histograms[i], &list[i]));
    *ret_list = list;
    *ret_count = shape->bucket_count;
    return encode_histogram(shape, &histograms[shape->bucket_count], ret_total);
}

static enum rc_status
encode_histograms(const struct shape *shape,
                  const struct rc_series_row *row,
                  Recount__V1__SeriesRow *out)
{
    if (row->histograms != NULL)
        RC_TRY(encode_list(shape, row->histograms, &out->histograms, &out->n_histograms,
                           &out->total_histogram));
    if (row->compared_histograms != NULL)
        RC_TRY(encode_list(shape, row->compared_histograms, &out->compared_histograms,
                           &out->n_compared_histograms, &out->compared_total_histogram));
    return RC_OK;
}

static enum rc_status
encode_row(const struct shape *shape,
           const struct rc_series_row *row,
           Recount__V1__SeriesRow **ret_row)
{
    Recount__V1__SeriesRow *out;
    RC_NEW(shape->arena, out, recount__v1__series_row__descriptor);
    RC_TRY(rc_encode_label(shape->arena, &row->label, &out->label));
    RC_TRY(encode_numbers(shape, row->values, shape->bucket_count, &out->values));
    if (row->total == row->total) { /* Not NaN. */
        out->optional_total_case = RECOUNT__V1__SERIES_ROW__OPTIONAL_TOTAL_TOTAL;
        out->total = row->total;
    }
    if (shape->compares) {
        RC_TRY(encode_numbers(shape, row->compared_values, shape->bucket_count,
                              &out->compared_values));
        if (row->compared_total == row->compared_total) {
            out->optional_compared_total_case =
                RECOUNT__V1__SERIES_ROW__OPTIONAL_COMPARED_TOTAL_COMPARED_TOTAL;
            out->compared_total = row->compared_total;
        }
    }
    if (shape->columns != NULL) {
        const uint32_t count = shape->columns->count;
        RC_TRY(encode_numbers(shape, row->by_column, count, &out->by_column));
        if (shape->compares)
            RC_TRY(encode_numbers(shape, row->compared_by_column, count, &out->compared_by_column));
    }
    RC_TRY(encode_histograms(shape, row, out));
    *ret_row = out;
    return RC_OK;
}

/* The rows of one result, which are next to each other. name is taken. */
static enum rc_status
encode_result(struct shape *shape,
              char *name,
              const struct rc_series_reply *answer,
              uint32_t result,
              Recount__V1__SeriesResult **ret_result)
{
    Recount__V1__SeriesResult *out;
    RC_NEW(shape->arena, out, recount__v1__series_result__descriptor);
    out->name = name;
    if (answer->columns != NULL) {
        shape->columns = &answer->columns[result];
        RC_NEW_ARRAY(shape->arena, out->columns, Recount__V1__RowLabel *, shape->columns->count);
        out->n_columns = shape->columns->count;
        for (uint32_t i = 0; i < out->n_columns; i++)
            RC_TRY(rc_encode_label(shape->arena, &shape->columns->labels[i], &out->columns[i]));
    }
    RC_NEW_ARRAY(shape->arena, out->rows, Recount__V1__SeriesRow *, answer->row_count);
    for (uint32_t i = 0; i < answer->row_count; i++)
        if (answer->rows[i].series == result)
            RC_TRY(encode_row(shape, &answer->rows[i], &out->rows[out->n_rows++]));
    *ret_result = out;
    return RC_OK;
}

static enum rc_status
encode_results(struct rc_request *request,
               const Recount__V1__SeriesRequest *in,
               const struct rc_series_reply *answer,
               Recount__V1__SeriesResponse *out)
{
    struct shape shape = {.arena = request->arena,
                          .bucket_count = answer->bucket_count,
                          .compares = in->comparison != NULL};
    char *name;
    RC_NEW_ARRAY(request->arena, out->series, Recount__V1__SeriesResult *,
                 in->n_series + in->n_formulas);
    out->n_series = in->n_series + in->n_formulas;
    for (uint32_t i = 0; i < in->n_series; i++) {
        shape.edges = answer->bin_edges[i];
        RC_TRY(rc_selector_label(request, in->series[i]->name, in->series[i]->selector, &name));
        RC_TRY(encode_result(&shape, name, answer, i, &out->series[i]));
    }
    for (uint32_t i = 0; i < in->n_formulas; i++) {
        const Recount__V1__Formula *formula = in->formulas[i];
        const uint32_t result = (uint32_t)in->n_series + i;
        RC_NEW_TEXT(request->arena, name,
                    rc_bytes_of(formula->name[0] != '\0' ? formula->name : formula->expression));
        RC_TRY(encode_result(&shape, name, answer, result, &out->series[result]));
    }
    return RC_OK;
}

enum rc_status
rc_call_series(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__SeriesRequest *in = message;
    Recount__V1__SeriesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_series_request question;
    struct rc_series_reply answer;
    RC_TRY(rc_decode_series(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_series(rc_query_session_context(request->session), &question, &answer,
                           request->error));
    RC_NEW_ARRAY(request->arena, out->buckets, Recount__V1__Bucket *, answer.bucket_count);
    out->n_buckets = answer.bucket_count;
    for (uint32_t i = 0; i < answer.bucket_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.buckets[i], &out->buckets[i]));
    RC_TRY(encode_results(request, in, &answer, out));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    return rc_cell_handle(
        request, RC_CHART_SERIES, message, &question.scope,
        rc_series_label_hash(&answer, question.series_count + question.formula_count),
        &out->info->cell_handle);
}
