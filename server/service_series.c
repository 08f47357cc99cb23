/* QueryService.Series. */
#include <recount/v1/series.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode.h"
#include "server/encode.h"
#include "server/service_query.h"

static enum rc_status
decode_series(struct rc_decode *decode, const Recount__V1__Series *in, struct rc_series *series)
{
    switch (in->measure) {
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNSPECIFIED:
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_EVENTS:
        series->measure = RC_MEASURE_COUNT;
        break;
    case RECOUNT__V1__SERIES_MEASURE__SERIES_MEASURE_UNIQUE_USERS:
        series->measure = RC_MEASURE_UNIQUE;
        break;
    default:
        return rc_decode_unsupported(decode, "measure");
    }
    const struct {
        const char *field;
        bool is_set;
    } others[] = {
        {"property", in->property[0] != '\0'},       {"percentile", in->percentile != 0},
        {"histogram_bins", in->histogram_bins != 0}, {"rolling_days", in->rolling_days != 0},
        {"session_gap_ms", in->session_gap_ms != 0},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (others[i].is_set)
            return rc_decode_fail(decode, RC_INVALID, others[i].field,
                                  "%s does not go with this measure", others[i].field);
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, &series->selector));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__SeriesRequest *in,
               int64_t now_ms,
               struct rc_series_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    if (in->n_series == 0 || in->n_series > RC_SERIES_MAX)
        return rc_decode_fail(decode, RC_INVALID, "series", "from 1 to %u series can be drawn",
                              RC_SERIES_MAX);
    RC_REFUSE(decode, in->n_formulas > 0, "formulas");
    RC_REFUSE(decode, in->comparison != NULL, "comparison");
    RC_REFUSE(decode, in->cumulative, "cumulative");
    question->unit = RC_UNIT_YEAR; /* Without buckets only the figure of the range is shown. */
    if (in->bucket != NULL) {
        const size_t mark = rc_decode_enter(decode, "bucket");
        RC_TRY(rc_decode_bucket(decode, in->bucket, &question->unit));
        rc_decode_leave(decode, mark);
    }
    RC_TRY(rc_decode_breakdown(decode, in->breakdown, &question->breakdown, &question->top_n));
    struct rc_series *series = RC_ARENA_ARRAY(decode->arena, struct rc_series, in->n_series);
    if (series == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_series; i++) {
        const size_t mark = rc_decode_enter(decode, "series[%zu]", i);
        RC_TRY(decode_series(decode, in->series[i], &series[i]));
        rc_decode_leave(decode, mark);
    }
    question->series = series;
    question->series_count = (uint32_t)in->n_series;
    return RC_OK;
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_series_row *row,
           uint32_t bucket_count,
           Recount__V1__SeriesRow **ret_row)
{
    Recount__V1__SeriesRow *out;
    RC_NEW(arena, out, recount__v1__series_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    double *values;
    RC_NEW_ARRAY(arena, values, double, bucket_count);
    if (bucket_count > 0)
        memcpy(values, row->values, bucket_count * sizeof(*values));
    RC_TRY(rc_encode_column(arena, values, bucket_count, &out->values));
    if (row->total == row->total) { /* Not NaN. */
        out->optional_total_case = RECOUNT__V1__SERIES_ROW__OPTIONAL_TOTAL_TOTAL;
        out->total = row->total;
    }
    *ret_row = out;
    return RC_OK;
}

/* The rows of one series, which are next to each other. */
static enum rc_status
encode_series(struct rc_request *request,
              const Recount__V1__Series *in,
              const struct rc_series_reply *answer,
              uint32_t series,
              uint32_t bucket_count,
              Recount__V1__SeriesResult **ret_result)
{
    Recount__V1__SeriesResult *out;
    RC_NEW(request->arena, out, recount__v1__series_result__descriptor);
    RC_TRY(rc_selector_label(request, in->name, in->selector, &out->name));
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__SeriesRow *, answer->row_count);
    for (uint32_t i = 0; i < answer->row_count; i++)
        if (answer->rows[i].series == series)
            RC_TRY(encode_row(request->arena, &answer->rows[i], bucket_count,
                              &out->rows[out->n_rows++]));
    *ret_result = out;
    return RC_OK;
}

enum rc_status
rc_call_series(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__SeriesRequest *in = message;
    Recount__V1__SeriesResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_series_request question = {.series_count = 0};
    struct rc_series_reply answer;
    RC_TRY(decode_request(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_series(rc_query_session_context(request->session), &question, &answer,
                           request->error));
    const uint32_t buckets = in->bucket == NULL ? 0 : answer.bucket_count;
    RC_NEW_ARRAY(request->arena, out->buckets, Recount__V1__Bucket *, buckets);
    out->n_buckets = buckets;
    for (uint32_t i = 0; i < buckets; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.buckets[i], &out->buckets[i]));
    RC_NEW_ARRAY(request->arena, out->series, Recount__V1__SeriesResult *, in->n_series);
    out->n_series = in->n_series;
    for (uint32_t i = 0; i < in->n_series; i++)
        RC_TRY(encode_series(request, in->series[i], &answer, i, buckets, &out->series[i]));
    return rc_encode_info(request, &question.scope, true, &answer.stats, &out->info);
}
