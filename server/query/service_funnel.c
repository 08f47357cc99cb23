/* QueryService.Funnel. */
#include <math.h>
#include <recount/v1/funnel.pb-c.h>

#include "server/decode/decode_funnel.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

/* One figure of all steps as a column. offset is that of a double in struct rc_funnel_step. */
static enum rc_status
encode_figure(struct rc_arena *arena,
              const struct rc_funnel_row *row,
              uint32_t step_count,
              size_t offset,
              double first,
              Recount__V1__NumberColumn **ret_column)
{
    double *values;
    RC_NEW_ARRAY(arena, values, double, step_count);
    for (uint32_t i = 0; i < step_count; i++)
        memcpy(&values[i], (const char *)&row->steps[i] + offset, sizeof(double));
    values[0] = first;
    return rc_encode_column(arena, values, step_count, ret_column);
}

#define FIGURE(field) offsetof(struct rc_funnel_step, field)

static enum rc_status
encode_histogram(struct rc_arena *arena,
                 const struct rc_histogram *histogram,
                 const double *edges,
                 Recount__V1__Histogram **ret_histogram)
{
    Recount__V1__Histogram *out;
    RC_NEW(arena, out, recount__v1__histogram__descriptor);
    RC_NEW_ARRAY(arena, out->bins, Recount__V1__Bin *, histogram->bin_count);
    RC_NEW_ARRAY(arena, out->counts, uint64_t, histogram->bin_count);
    out->n_bins = histogram->bin_count;
    out->n_counts = histogram->bin_count;
    for (uint32_t i = 0; i < histogram->bin_count; i++) {
        RC_NEW(arena, out->bins[i], recount__v1__bin__descriptor);
        out->bins[i]->low = edges[i];
        out->bins[i]->high = edges[i + 1];
        out->bins[i]->high_included = i + 1 == histogram->bin_count;
        out->counts[i] = histogram->counts[i];
    }
    *ret_histogram = out;
    return RC_OK;
}

static enum rc_status
encode_histograms(struct rc_arena *arena,
                  const struct rc_funnel_reply *answer,
                  const struct rc_funnel_row *row,
                  Recount__V1__FunnelRow *out)
{
    const uint32_t count = answer->step_count;
    if (answer->edges_from_previous == NULL)
        return RC_OK;
    RC_NEW_ARRAY(arena, out->seconds_from_previous, Recount__V1__Histogram *, count);
    RC_NEW_ARRAY(arena, out->seconds_from_first, Recount__V1__Histogram *, count);
    out->n_seconds_from_previous = count;
    out->n_seconds_from_first = count;
    for (uint32_t i = 0; i < count; i++) {
        RC_TRY(encode_histogram(arena, &row->steps[i].from_previous, answer->edges_from_previous[i],
                                &out->seconds_from_previous[i]));
        RC_TRY(encode_histogram(arena, &row->steps[i].from_first, answer->edges_from_first[i],
                                &out->seconds_from_first[i]));
    }
    return RC_OK;
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_funnel_reply *answer,
           const struct rc_funnel_row *row,
           Recount__V1__FunnelRow **ret_row)
{
    const uint32_t step_count = answer->step_count;
    Recount__V1__FunnelRow *out;
    RC_NEW(arena, out, recount__v1__funnel_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    RC_NEW_ARRAY(arena, out->counts, uint64_t, step_count);
    out->n_counts = step_count;
    for (uint32_t i = 0; i < step_count; i++)
        out->counts[i] = row->steps[i].users;
    const double share = row->steps[0].users > 0 ? 1 : NAN;
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(conversion_from_previous), share,
                         &out->conversion_from_previous));
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(conversion_from_first), share,
                         &out->conversion_from_first));
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(mean_s_from_previous), NAN,
                         &out->mean_seconds_from_previous));
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(median_s_from_previous), NAN,
                         &out->median_seconds_from_previous));
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(mean_s_from_first), NAN,
                         &out->mean_seconds_from_first));
    RC_TRY(encode_figure(arena, row, step_count, FIGURE(median_s_from_first), NAN,
                         &out->median_seconds_from_first));
    *ret_row = out;
    return encode_histograms(arena, answer, row, out);
}

static enum rc_status
encode_rows(struct rc_arena *arena,
            const struct rc_funnel_reply *answer,
            const struct rc_funnel_row *rows,
            Recount__V1__FunnelRow ***ret_rows)
{
    Recount__V1__FunnelRow **out;
    RC_NEW_ARRAY(arena, out, Recount__V1__FunnelRow *, answer->row_count);
    for (uint32_t i = 0; i < answer->row_count; i++)
        RC_TRY(encode_row(arena, answer, &rows[i], &out[i]));
    *ret_rows = out;
    return RC_OK;
}

static enum rc_status
encode_buckets(struct rc_arena *arena,
               const struct rc_funnel_reply *answer,
               Recount__V1__FunnelResponse *out)
{
    RC_NEW_ARRAY(arena, out->buckets, Recount__V1__FunnelBucket *, answer->bucket_count);
    out->n_buckets = answer->bucket_count;
    for (uint32_t i = 0; i < answer->bucket_count; i++) {
        Recount__V1__FunnelBucket *bucket;
        RC_NEW(arena, bucket, recount__v1__funnel_bucket__descriptor);
        RC_TRY(rc_encode_bucket(arena, &answer->buckets[i], &bucket->bucket));
        RC_TRY(encode_rows(arena, answer, answer->bucket_rows[i], &bucket->rows));
        bucket->n_rows = answer->row_count;
        out->buckets[i] = bucket;
    }
    return RC_OK;
}

enum rc_status
rc_call_funnel(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__FunnelRequest *in = message;
    Recount__V1__FunnelResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_funnel_request question;
    struct rc_funnel_reply answer;
    RC_TRY(rc_decode_funnel(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_funnel(rc_query_session_context(request->session), &question, &answer,
                           request->error));
    RC_NEW_ARRAY(request->arena, out->step_names, char *, in->n_steps);
    out->n_step_names = in->n_steps;
    for (size_t i = 0; i < in->n_steps; i++)
        RC_TRY(rc_selector_label(request, in->steps[i]->name, in->steps[i]->selector,
                                 &out->step_names[i]));
    RC_TRY(encode_rows(request->arena, &answer, answer.rows, &out->rows));
    out->n_rows = answer.row_count;
    RC_TRY(encode_buckets(request->arena, &answer, out));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    uint64_t labels = 0;
    for (uint32_t i = 0; i < answer.row_count; i++)
        labels = rc_row_label_hash(labels, &answer.rows[i].label);
    return rc_cell_handle(request, RC_CHART_FUNNEL, message, &question.scope, labels,
                          &out->info->cell_handle);
}
