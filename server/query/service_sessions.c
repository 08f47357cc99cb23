/* QueryService.Sessions. */
#include "engine/query/usage/sessions.h"

#include <math.h>
#include <recount/v1/sessions.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode/decode.h"
#include "server/encode/encode.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

#define GAP_MS_DEFAULT ((int64_t)30 * 60 * 1000)

enum rc_status
rc_decode_sessions(struct rc_decode *decode,
                   const Recount__V1__SessionsRequest *in,
                   int64_t now_ms,
                   struct rc_sessions_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question->breakdown,
                           &question->dimension_count, &question->breakdown_top_n));
    RC_TRY(rc_decode_selector_or_any(decode, "selector", in->selector, &question->selector));
    question->gap_ms = GAP_MS_DEFAULT;
    if (in->optional_gap_ms_case == RECOUNT__V1__SESSIONS_REQUEST__OPTIONAL_GAP_MS_GAP_MS)
        question->gap_ms = in->gap_ms;
    if (in->bucket != NULL) {
        const size_t mark = rc_decode_enter(decode, "bucket");
        RC_TRY(rc_decode_bucket(decode, in->bucket, &question->unit, &question->unit_count));
        rc_decode_leave(decode, mark);
    }
    question->property = rc_bytes_of(in->entry_exit_property);
    if (in->optional_top_case == RECOUNT__V1__SESSIONS_REQUEST__OPTIONAL_TOP_TOP) {
        if (question->property.size == 0)
            return rc_decode_fail(decode, RC_INVALID, "top", "there is no property to rank");
        if (in->top > RC_BREAKDOWN_ROWS_MAX)
            return rc_decode_fail(decode, RC_INVALID, "top", "at most %u rows can be shown",
                                  RC_BREAKDOWN_ROWS_MAX);
        question->top_n = in->top == 0 ? RC_TOP_NONE : in->top;
    }
    return RC_OK;
}

/* The columns of a message of figures, by number. */
static double
figure_of(const struct rc_sessions_figures *figures, uint32_t column)
{
    switch (column) {
    case 0:
        return (double)figures->sessions;
    case 1:
        return (double)figures->users;
    case 2:
        return (double)figures->bounces;
    case 3:
        return figures->sessions == 0 ? NAN : (double)figures->bounces / (double)figures->sessions;
    case 4:
        return figures->mean_events;
    case 5:
        return figures->mean_s;
    default:
        return figures->median_s;
    }
}

static enum rc_status
encode_figures(struct rc_arena *arena,
               const struct rc_sessions_figures *figures,
               uint32_t count,
               Recount__V1__SessionsFigures **ret_figures)
{
    Recount__V1__SessionsFigures *out;
    RC_NEW(arena, out, recount__v1__sessions_figures__descriptor);
    Recount__V1__NumberColumn **const columns[] = {
        &out->sessions,    &out->users,        &out->bounces,       &out->bounce_rates,
        &out->mean_events, &out->mean_seconds, &out->median_seconds};
    for (uint32_t column = 0; column < sizeof(columns) / sizeof(columns[0]); column++) {
        double *values;
        RC_NEW_ARRAY(arena, values, double, count);
        for (uint32_t i = 0; i < count; i++)
            values[i] = figure_of(&figures[i], column);
        RC_TRY(rc_encode_column(arena, values, count, columns[column]));
    }
    *ret_figures = out;
    return RC_OK;
}

static enum rc_status
encode_ends(struct rc_arena *arena,
            const struct rc_session_end *ends,
            uint32_t count,
            Recount__V1__SessionEnd ***ret_ends,
            size_t *ret_count)
{
    RC_NEW_ARRAY(arena, *ret_ends, Recount__V1__SessionEnd *, count);
    *ret_count = count;
    for (uint32_t i = 0; i < count; i++) {
        Recount__V1__SessionEnd *out;
        RC_NEW(arena, out, recount__v1__session_end__descriptor);
        RC_TRY(rc_encode_label(arena, &ends[i].label, &out->label));
        out->sessions = ends[i].sessions;
        out->bounces = ends[i].bounces;
        (*ret_ends)[i] = out;
    }
    return RC_OK;
}

static enum rc_status
encode_row(struct rc_arena *arena,
           const struct rc_sessions_row *row,
           uint32_t bucket_count,
           Recount__V1__SessionsRow **ret_row)
{
    Recount__V1__SessionsRow *out;
    RC_NEW(arena, out, recount__v1__sessions_row__descriptor);
    RC_TRY(rc_encode_label(arena, &row->label, &out->label));
    RC_TRY(encode_figures(arena, row->figures, bucket_count, &out->buckets));
    RC_TRY(encode_figures(arena, &row->total, 1, &out->total));
    *ret_row = out;
    return RC_OK;
}

enum rc_status
rc_call_sessions(struct rc_request *request, const void *message, void *reply)
{
    Recount__V1__SessionsResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_sessions_request question = {.selector = NULL};
    struct rc_sessions_reply answer;
    RC_TRY(rc_decode_sessions(&decode, message, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_sessions(rc_query_session_context(request->session), &question, &answer,
                             request->error));
    RC_NEW_ARRAY(request->arena, out->buckets, Recount__V1__Bucket *, answer.bucket_count);
    out->n_buckets = answer.bucket_count;
    for (uint32_t i = 0; i < answer.bucket_count; i++)
        RC_TRY(rc_encode_bucket(request->arena, &answer.buckets[i], &out->buckets[i]));
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__SessionsRow *, answer.row_count + 1);
    out->n_rows = answer.row_count + 1;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_row(request->arena, &answer.rows[i], answer.bucket_count, &out->rows[i]));
    const struct rc_sessions_row total = {
        .label = {.kind = RC_ROW_TOTAL}, .figures = answer.figures, .total = answer.total};
    RC_TRY(encode_row(request->arena, &total, answer.bucket_count, &out->rows[answer.row_count]));
    RC_TRY(encode_ends(request->arena, answer.entries, answer.entry_count, &out->entries,
                       &out->n_entries));
    RC_TRY(
        encode_ends(request->arena, answer.exits, answer.exit_count, &out->exits, &out->n_exits));
    RC_TRY(rc_encode_info(request, &question.scope, true, &answer.stats, &out->info));
    return rc_cell_handle(request, RC_CHART_SESSIONS, message, &question.scope,
                          rc_sessions_label_hash(&answer), &out->info->cell_handle);
}
