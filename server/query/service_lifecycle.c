/* QueryService.Lifecycle. */
#include "engine/query/usage/lifecycle.h"

#include <math.h>
#include <recount/v1/lifecycle.pb-c.h>

#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

enum rc_status
rc_decode_lifecycle(struct rc_decode *decode,
                    const Recount__V1__LifecycleRequest *in,
                    int64_t now_ms,
                    struct rc_lifecycle_request *question)
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
    return RC_OK;
}

/* A column of one of the counts, offset bytes into each; null where a bucket has not begun. */
static enum rc_status
encode_counts(struct rc_arena *arena,
              const struct rc_lifecycle_counts *all,
              uint32_t count,
              size_t offset,
              Recount__V1__NumberColumn **ret_column)
{
    double *values;
    RC_NEW_ARRAY(arena, values, double, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_lifecycle_counts *counts = &all[i];
        const uint64_t *users = (const uint64_t *)(const void *)((const char *)counts + offset);
        values[i] = counts->begun ? (double)*users : NAN;
    }
    return rc_encode_column(arena, values, count, ret_column);
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_row_label *label,
           const struct rc_lifecycle_counts *counts,
           uint32_t count,
           Recount__V1__LifecycleRow **ret_row)
{
    Recount__V1__LifecycleRow *out;
    RC_NEW(arena, out, recount__v1__lifecycle_row__descriptor);
    RC_TRY(rc_encode_label(arena, label, &out->label));
    RC_TRY(encode_counts(arena, counts, count, offsetof(struct rc_lifecycle_counts, new_users),
                         &out->new_users));
    RC_TRY(encode_counts(arena, counts, count,
                         offsetof(struct rc_lifecycle_counts, returning_users),
                         &out->returning_users));
    RC_TRY(encode_counts(arena, counts, count,
                         offsetof(struct rc_lifecycle_counts, resurrecting_users),
                         &out->resurrecting_users));
    RC_TRY(encode_counts(arena, counts, count, offsetof(struct rc_lifecycle_counts, dormant_users),
                         &out->dormant_users));
    *ret_row = out;
    return RC_OK;
}

enum rc_status
rc_call_lifecycle(struct rc_request *request, const void *message, void *reply)
{
    Recount__V1__LifecycleResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    static const struct rc_row_label total = {.kind = RC_ROW_TOTAL};
    struct rc_lifecycle_request question = {.selector = NULL};
    struct rc_lifecycle_reply answer;
    RC_TRY(rc_decode_lifecycle(&decode, message, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_lifecycle(rc_query_session_context(request->session), &question, &answer,
                              request->error));
    RC_NEW_ARRAY(request->arena, out->buckets, Recount__V1__Bucket *, answer.bucket_count);
    out->n_buckets = answer.bucket_count;
    for (uint32_t i = 0; i < answer.bucket_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.buckets[i], &out->buckets[i]));
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__LifecycleRow *, answer.row_count + 1);
    out->n_rows = answer.row_count + 1;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_row(request->arena, &answer.rows[i].label, answer.rows[i].counts,
                          answer.bucket_count, &out->rows[i]));
    RC_TRY(encode_row(request->arena, &total, answer.counts, answer.bucket_count,
                      &out->rows[answer.row_count]));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    uint64_t labels = 0;
    for (uint32_t i = 0; i < answer.row_count; i++)
        labels = rc_row_label_hash(labels, &answer.rows[i].label);
    return rc_cell_handle(request, RC_CHART_LIFECYCLE, message, &question.scope, labels,
                          &out->info->cell_handle);
}
