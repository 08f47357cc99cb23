/* QueryService.Funnel. */
#include <math.h>
#include <recount/v1/funnel.pb-c.h>

#include "engine/base/limits.h"
#include "server/decode.h"
#include "server/encode.h"
#include "server/service_query.h"

/* ---- Request --------------------------------------------------------------------------------- */

static enum rc_status
refuse_options(struct rc_decode *decode, const Recount__V1__FunnelRequest *in)
{
    RC_REFUSE(decode, in->same_local_day, "same_local_day");
    RC_REFUSE(decode, in->order > RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_ORDERED, "order");
    RC_REFUSE(decode, in->reuse_event, "reuse_event");
    RC_REFUSE(decode, in->n_exclusions > 0, "exclusions");
    RC_REFUSE(decode,
              in->exclusion_mode ==
                  RECOUNT__V1__FUNNEL_EXCLUSION_MODE__FUNNEL_EXCLUSION_MODE_ATTEMPT_ONLY,
              "exclusion_mode");
    RC_REFUSE(decode, in->n_hold_constant > 0, "hold_constant");
    RC_REFUSE(decode, in->count == RECOUNT__V1__FUNNEL_COUNT__FUNNEL_COUNT_TOTALS, "count");
    RC_REFUSE(decode,
              in->breakdown_at > RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_FIRST_STEP,
              "breakdown_at");
    if (in->breakdown_step != 0)
        return rc_decode_fail(decode, RC_INVALID, "breakdown_step",
                              "a step goes only with FUNNEL_BREAKDOWN_AT_STEP");
    RC_REFUSE(decode, in->over_time != NULL, "over_time");
    RC_REFUSE(decode, in->histogram_bins != 0, "histogram_bins");
    return RC_OK;
}

static enum rc_status
decode_step(struct rc_decode *decode,
            const Recount__V1__FunnelStep *in,
            bool first,
            bool last,
            const struct rc_predicate **ret_step)
{
    if (in->optional_window_ms_case == RECOUNT__V1__FUNNEL_STEP__OPTIONAL_WINDOW_MS_WINDOW_MS)
        return first ? rc_decode_fail(decode, RC_INVALID, "window_ms",
                                      "the first step has no step before it")
                     : rc_decode_unsupported(decode, "window_ms");
    if (in->is_optional)
        return first || last ? rc_decode_fail(decode, RC_INVALID, "is_optional",
                                              "the first and the last step cannot be left out")
                             : rc_decode_unsupported(decode, "is_optional");
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, ret_step));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_request(struct rc_decode *decode,
               const Recount__V1__FunnelRequest *in,
               int64_t now_ms,
               struct rc_funnel_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    if (in->n_steps == 0 || in->n_steps > RC_FUNNEL_STEPS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "steps", "a funnel has from 1 to %u steps",
                              RC_FUNNEL_STEPS_MAX);
    RC_TRY(refuse_options(decode, in));
    question->window_ms = -1;
    if (in->optional_window_ms_case == RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS) {
        if (in->window_ms < 0)
            return rc_decode_fail(decode, RC_INVALID, "window_ms", "the window is below 0");
        question->window_ms = in->window_ms;
    }
    question->first_only = in->reentry == RECOUNT__V1__FUNNEL_REENTRY__FUNNEL_REENTRY_FIRST_ONLY;
    question->strict_times =
        in->same_time == RECOUNT__V1__FUNNEL_SAME_TIME__FUNNEL_SAME_TIME_STRICT;
    RC_TRY(rc_decode_breakdown(decode, in->breakdown, &question->breakdown, &question->top_n));
    const struct rc_predicate **steps =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, in->n_steps);
    if (steps == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_steps; i++) {
        const size_t mark = rc_decode_enter(decode, "steps[%zu]", i);
        RC_TRY(decode_step(decode, in->steps[i], i == 0, i + 1 == in->n_steps, &steps[i]));
        rc_decode_leave(decode, mark);
    }
    question->steps = steps;
    question->step_count = (uint32_t)in->n_steps;
    return RC_OK;
}

/* ---- Reply ----------------------------------------------------------------------------------- */

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
encode_row(struct rc_arena *arena,
           const struct rc_funnel_row *row,
           uint32_t step_count,
           Recount__V1__FunnelRow **ret_row)
{
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
    return RC_OK;
}

enum rc_status
rc_call_funnel(struct rc_request *request, const void *message, void *reply)
{
    const Recount__V1__FunnelRequest *in = message;
    Recount__V1__FunnelResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_funnel_request question = {.step_count = 0};
    struct rc_funnel_reply answer;
    RC_TRY(decode_request(&decode, in, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, &question.scope));
    RC_TRY(rc_query_funnel(rc_query_session_context(request->session), &question, &answer,
                           request->error));
    RC_NEW_ARRAY(request->arena, out->step_names, char *, in->n_steps);
    out->n_step_names = in->n_steps;
    for (size_t i = 0; i < in->n_steps; i++)
        RC_TRY(rc_selector_label(request, in->steps[i]->name, in->steps[i]->selector,
                                 &out->step_names[i]));
    RC_NEW_ARRAY(request->arena, out->rows, Recount__V1__FunnelRow *, answer.row_count);
    out->n_rows = answer.row_count;
    for (uint32_t i = 0; i < answer.row_count; i++)
        RC_TRY(encode_row(request->arena, &answer.rows[i], answer.step_count, &out->rows[i]));
    return rc_encode_info(request, &question.scope, true, &answer.stats, &out->info);
}
