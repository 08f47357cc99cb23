/* QueryService.Stickiness. */
#include "engine/query/usage/stickiness.h"

#include <math.h>
#include <recount/v1/stickiness.pb-c.h>

#include "server/decode/decode_series.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

enum rc_status
rc_decode_stickiness(struct rc_decode *decode,
                     const Recount__V1__StickinessRequest *in,
                     int64_t now_ms,
                     struct rc_stickiness_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question->breakdown,
                           &question->dimension_count, &question->top_n));
    size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, &question->selector));
    rc_decode_leave(decode, mark);
    mark = rc_decode_enter(decode, "bucket");
    RC_TRY(rc_decode_bucket(decode, in->bucket, &question->unit, &question->unit_count));
    rc_decode_leave(decode, mark);
    question->min_events = in->min_events_per_bucket == 0 ? 1 : in->min_events_per_bucket;
    question->at_least = in->count == RECOUNT__V1__STICKINESS_COUNT__STICKINESS_COUNT_AT_LEAST;
    return rc_decode_comparison(decode, in->comparison, &question->compare, &question->shift_unit,
                                &question->shift_count);
}

/* Users by number of buckets, and their share of those who were active at all. */
static enum rc_status
encode_counts(struct rc_arena *arena,
              const struct rc_stickiness_counts *counts,
              uint32_t place_count,
              uint64_t **ret_users,
              Recount__V1__NumberColumn **ret_rates)
{
    double *rates;
    RC_NEW_ARRAY(arena, *ret_users, uint64_t, place_count);
    RC_NEW_ARRAY(arena, rates, double, place_count);
    for (uint32_t i = 0; i < place_count; i++) {
        (*ret_users)[i] = counts->users[i];
        rates[i] = counts->active_users == 0
                       ? NAN
                       : (double)counts->users[i] / (double)counts->active_users;
    }
    return rc_encode_column(arena, rates, place_count, ret_rates);
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_stickiness_row *row,
           uint32_t place_count,
           Recount__V1__StickinessRow **ret_row)
{
    Recount__V1__StickinessRow *out;
    RC_NEW(arena, out, recount__v1__stickiness_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    RC_TRY(encode_counts(arena, &row->counts, place_count, &out->users, &out->rates));
    out->n_users = place_count;
    out->active_users = row->counts.active_users;
    if (row->compared.users != NULL) {
        RC_TRY(encode_counts(arena, &row->compared, place_count, &out->compared_users,
                             &out->compared_rates));
        out->n_compared_users = place_count;
        out->compared_active_users = row->compared.active_users;
    }
    *ret_row = out;
    return RC_OK;
}

enum rc_status
rc_call_stickiness(struct rc_request *request, const void *message, void *reply)
{
    Recount__V1__StickinessResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_stickiness_request question = {.selector = NULL};
    struct rc_stickiness_reply answer;
    RC_TRY(rc_decode_stickiness(&decode, message, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_stickiness(rc_query_session_context(request->session), &question, &answer,
                               request->error));
    RC_NEW_ARRAY(request->arena, out->buckets, Recount__V1__Bucket *, answer.bucket_count);
    out->n_buckets = answer.bucket_count;
    for (uint32_t i = 0; i < answer.bucket_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.buckets[i], &out->buckets[i]));
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__StickinessRow *, answer.row_count + 1);
    out->n_rows = answer.row_count + 1;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_row(request->arena, &answer.rows[i], answer.place_count, &out->rows[i]));
    const struct rc_stickiness_row total = {
        .label = {.kind = RC_ROW_TOTAL}, .counts = answer.counts, .compared = answer.compared};
    RC_TRY(encode_row(request->arena, &total, answer.place_count, &out->rows[answer.row_count]));
    if (question.compare != RC_COMPARE_NONE) {
        RC_NEW(request->arena, out->compared_range, recount__v1__time_range__descriptor);
        out->compared_range->start_ms = answer.compared_start_ms;
        out->compared_range->end_ms = answer.compared_end_ms;
    }
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    uint64_t labels = 0;
    for (uint32_t i = 0; i < answer.row_count; i++)
        labels = rc_row_label_hash(labels, &answer.rows[i].label);
    return rc_cell_handle(request, RC_CHART_STICKINESS, message, &question.scope, labels,
                          &out->info->cell_handle);
}
