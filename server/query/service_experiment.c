/* QueryService.Experiment. */
#include <math.h>
#include <string.h>

#include "server/decode/decode_funnel.h"
#include "server/encode/encode.h"
#include "server/encode/encode_inference.h"
#include "server/query/cells.h"
#include "server/query/service_query.h"

#define CONFIDENCE_DEFAULT 0.95

static enum rc_status
decode_funnel(struct rc_decode *decode,
              const Recount__V1__FunnelRequest *in,
              int64_t now_ms,
              struct rc_funnel_request *funnel,
              struct rc_experiment_request *question)
{
    const char *refused = in->breakdown != NULL     ? "breakdown"
                          : in->over_time != NULL   ? "over_time"
                          : in->histogram_bins != 0 ? "histogram_bins"
                                                    : NULL;
    if (refused != NULL)
        return rc_decode_fail(decode, RC_INVALID, refused, "an experiment is split by its variant");
    if (in->breakdown_at != RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_UNSPECIFIED &&
        in->breakdown_at != RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_FIRST_IN_RANGE)
        return rc_decode_fail(decode, RC_INVALID, "breakdown_at",
                              "the variant is read at the first event of step 1 in the range");
    if (in->count == RECOUNT__V1__FUNNEL_COUNT__FUNNEL_COUNT_TOTALS)
        return rc_decode_fail(decode, RC_INVALID, "count", "an experiment counts users");
    RC_TRY(rc_decode_funnel(decode, in, now_ms, funnel));
    question->scope = funnel->scope;
    question->funnel = funnel;
    return RC_OK;
}

static enum rc_status
decode_mean(struct rc_decode *decode,
            const Recount__V1__ExperimentMean *in,
            int64_t now_ms,
            struct rc_experiment_request *question)
{
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    size_t mark = rc_decode_enter(decode, "exposure");
    RC_TRY(rc_decode_selector(decode, in->exposure, &question->exposure));
    rc_decode_leave(decode, mark);
    mark = rc_decode_enter(decode, "metric");
    RC_TRY(rc_decode_selector(decode, in->metric, &question->metric));
    rc_decode_leave(decode, mark);
    question->property = rc_bytes_of(in->property);
    return RC_OK;
}

enum rc_status
rc_decode_experiment(struct rc_decode *decode,
                     const Recount__V1__ExperimentRequest *in,
                     int64_t now_ms,
                     struct rc_experiment_question *into)
{
    struct rc_experiment_request *question = &into->request;
    const bool is_funnel = in->subject_case == RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT_FUNNEL;
    size_t mark = rc_decode_enter(decode, is_funnel ? "funnel" : "mean");
    if (is_funnel)
        RC_TRY(decode_funnel(decode, in->funnel, now_ms, &into->funnel, question));
    else if (in->subject_case == RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT_MEAN)
        RC_TRY(decode_mean(decode, in->mean, now_ms, question));
    rc_decode_leave(decode, mark);
    if (in->subject_case == RECOUNT__V1__EXPERIMENT_REQUEST__SUBJECT__NOT_SET)
        return rc_decode_fail(decode, RC_INVALID, "subject", "the subject is missing");
    mark = rc_decode_enter(decode, "variant");
    RC_TRY(rc_decode_property_here(decode, in->variant, &question->variant.scope,
                                   &question->variant.property, &question->variant.account_key));
    rc_decode_leave(decode, mark);
    mark = rc_decode_enter(decode, "control");
    if (in->optional_control_case == RECOUNT__V1__EXPERIMENT_REQUEST__OPTIONAL_CONTROL_CONTROL) {
        into->control = rc_value_null();
        if (in->control->kind_case != RECOUNT__V1__VALUE__KIND__NOT_SET)
            RC_TRY(rc_decode_value(decode, in->control, &into->control));
        question->control = &into->control;
    }
    rc_decode_leave(decode, mark);
    question->confidence = in->confidence == 0 ? CONFIDENCE_DEFAULT : in->confidence;
    return RC_OK;
}

static enum rc_status
encode_difference(struct rc_arena *arena,
                  const struct rc_experiment_variant *variant,
                  Recount__V1__ExperimentDifference **ret_difference)
{
    Recount__V1__ExperimentDifference *out;
    if (isnan(variant->beside_control.p))
        return RC_OK;
    RC_NEW(arena, out, recount__v1__experiment_difference__descriptor);
    out->difference = variant->beside_control.difference;
    RC_TRY(rc_encode_interval(arena, variant->beside_control.interval, &out->interval));
    out->p_value = variant->beside_control.p;
    out->p_value_corrected = variant->p_corrected;
    *ret_difference = out;
    return RC_OK;
}

static enum rc_status
encode_variant(struct rc_arena *arena,
               const struct rc_experiment_variant *variant,
               Recount__V1__ExperimentVariant **ret_variant)
{
    Recount__V1__ExperimentVariant *out;
    RC_NEW(arena, out, recount__v1__experiment_variant__descriptor);
    RC_TRY(rc_encode_value(arena, variant->value, &out->value));
    out->is_control = variant->is_control;
    out->users = variant->users;
    out->converted_users = variant->converted;
    out->figure = variant->figure;
    RC_TRY(rc_encode_interval(arena, variant->interval, &out->interval));
    if (!isnan(variant->variance)) {
        out->optional_variance_case = RECOUNT__V1__EXPERIMENT_VARIANT__OPTIONAL_VARIANCE_VARIANCE;
        out->variance = variant->variance;
    }
    RC_TRY(encode_difference(arena, variant, &out->beside_control));
    *ret_variant = out;
    return RC_OK;
}

/* The question is one of the subject's fields and of three of its own: those of the subject are
 * named as they stand in the request. Hints are named so from the first. */
static void
place_error(const char *subject, struct rc_error *error)
{
    static const char *const whole[] = {"funnel.", "mean.", "variant", "control", "confidence"};
    if (error->field[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        if (strncmp(error->field, whole[i], strlen(whole[i])) == 0)
            return;
    rc_error_prefix(error, "%s", subject);
}

enum rc_status
rc_call_experiment(struct rc_request *request, const void *message, void *reply)
{
    Recount__V1__ExperimentResponse *out = reply;
    struct rc_decode decode = rc_request_decode(request);
    struct rc_experiment_question question = {.request = {.funnel = NULL}};
    struct rc_scope *scope = &question.request.scope;
    struct rc_experiment_reply answer;
    RC_TRY(rc_decode_experiment(&decode, message, request->received_ms, &question));
    RC_TRY(rc_request_begin(request, &decode, scope));
    const enum rc_status status =
        rc_request_place(request, rc_query_experiment(rc_query_session_context(request->session),
                                                      &question.request, &answer, request->error));
    if (status != RC_OK)
        place_error(question.request.funnel != NULL ? "funnel" : "mean", request->error);
    RC_TRY(status);
    RC_NEW_ARRAY(request->arena, out->variants, Recount__V1__ExperimentVariant *,
                 answer.variant_count);
    out->n_variants = answer.variant_count;
    for (uint32_t i = 0; i < answer.variant_count; i++)
        RC_TRY(encode_variant(request->arena, &answer.variants[i], &out->variants[i]));
    if (!isnan(answer.p)) {
        RC_NEW(request->arena, out->overall, recount__v1__experiment_test__descriptor);
        out->overall->chi_square = answer.statistic;
        out->overall->degrees_of_freedom = answer.variant_count - 1;
        out->overall->p_value = answer.p;
    }
    out->has_few_users = answer.few;
    RC_TRY(rc_encode_info(request, scope, true, &answer.stats, &out->info));
    return rc_cell_handle(request, RC_CHART_EXPERIMENT, message, scope,
                          rc_experiment_label_hash(&answer), &out->info->cell_handle);
}
