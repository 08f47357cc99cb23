/*
 * Experiment. A funnel's counts come from the funnel itself, asked by variant; means come from a
 * walk of their own. What is left is arithmetic over at most RC_VARIANTS_MAX rows.
 */
#include "engine/compare/experiment.h"

#include <math.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/compare/experiment_means.h"

_Static_assert(RC_VARIANTS_MAX <= RC_HOLM_MAX, "all variants are corrected together");

static enum rc_status
refuse_many(struct rc_error *reterr_error)
{
    return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "variant",
                          "the property has more than %u values among those who take part",
                          RC_VARIANTS_MAX);
}

void
rc_experiment_split(const struct rc_experiment_request *request, struct rc_funnel_request *funnel)
{
    funnel->scope = request->scope;
    funnel->breakdown = &request->variant;
    funnel->top_n = RC_VARIANTS_MAX;
    funnel->at = RC_FUNNEL_AT_FIRST_IN_RANGE;
}

/* The variants of a funnel, by users. */
static enum rc_status
ask_funnel(const struct rc_query_context *context,
           const struct rc_experiment_request *request,
           struct rc_experiment_reply *reply,
           struct rc_experiment_variant **ret_variants,
           struct rc_error *reterr_error)
{
    struct rc_funnel_request funnel = *request->funnel;
    struct rc_funnel_reply answer;
    rc_experiment_split(request, &funnel);
    RC_TRY(rc_query_funnel(context, &funnel, &answer, reterr_error));
    reply->stats = answer.stats;
    struct rc_experiment_variant *variants =
        RC_ARENA_ARRAY(context->arena, struct rc_experiment_variant, answer.row_count);
    if (variants == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for an experiment");
    for (uint32_t i = 0; i < answer.row_count; i++) {
        const struct rc_funnel_row *row = &answer.rows[i];
        if (row->label.kind == RC_ROW_OTHER)
            return refuse_many(reterr_error);
        if (row->label.kind != RC_ROW_VALUE)
            continue;
        variants[reply->variant_count++] = (struct rc_experiment_variant){
            .value = row->label.part_count > 0 ? row->label.parts[0].value : row->label.value,
            .users = row->steps[0].users,
            .converted = row->steps[answer.step_count - 1].users,
        };
    }
    *ret_variants = variants;
    return RC_OK;
}

static enum rc_status
ask_means(const struct rc_query_context *context,
          const struct rc_experiment_request *request,
          struct rc_experiment_reply *reply,
          struct rc_experiment_variant **ret_variants,
          struct rc_error *reterr_error)
{
    const struct rc_variant_sample *samples;
    uint32_t count;
    RC_TRY(rc_experiment_means(context, request, &reply->stats, &samples, &count, reterr_error));
    if (count > RC_VARIANTS_MAX)
        return refuse_many(reterr_error);
    struct rc_experiment_variant *variants =
        RC_ARENA_ARRAY(context->arena, struct rc_experiment_variant, count);
    if (variants == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for an experiment");
    for (uint32_t i = 0; i < count; i++)
        variants[i] = (struct rc_experiment_variant){.value = samples[i].value,
                                                     .users = samples[i].sample.users,
                                                     .figure = samples[i].sample.mean,
                                                     .variance = samples[i].sample.variance};
    reply->variant_count = count;
    *ret_variants = variants;
    return RC_OK;
}

/* Puts the control in front; the others keep their order. */
static enum rc_status
find_control(const struct rc_experiment_request *request,
             struct rc_experiment_variant *variants,
             uint32_t count,
             struct rc_error *reterr_error)
{
    uint32_t control = 0;
    while (request->control != NULL && control < count &&
           rc_value_compare(rc_value_group(*request->control), variants[control].value) != 0)
        control++;
    if (control == count)
        return rc_error_field(reterr_error, RC_NOT_FOUND, "control",
                              "nobody who takes part has this value");
    const struct rc_experiment_variant first = variants[control];
    memmove(variants + 1, variants, control * sizeof(*variants));
    variants[0] = first;
    variants[0].is_control = true;
    return RC_OK;
}

static struct rc_rate
rate_of(const struct rc_experiment_variant *variant)
{
    return (struct rc_rate){.count = variant->converted, .users = variant->users};
}

static void
compare_rates(struct rc_experiment_variant *variants,
              uint32_t count,
              double confidence,
              struct rc_experiment_reply *reply)
{
    struct rc_rate rates[RC_VARIANTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        struct rc_experiment_variant *variant = &variants[i];
        rates[i] = rate_of(variant);
        variant->figure =
            variant->users == 0 ? NAN : (double)variant->converted / (double)variant->users;
        variant->variance = NAN;
        variant->interval = rc_wilson(rates[i], confidence);
        variant->beside_control = rc_compare_rates(rates[0], rates[i], confidence);
    }
    rc_compare_all_rates(rates, count, &reply->statistic, &reply->p);
    reply->few = rc_rates_are_few(rates, count) != 0;
}

static struct rc_sample
sample_of(const struct rc_experiment_variant *variant)
{
    return (struct rc_sample){
        .users = variant->users, .mean = variant->figure, .variance = variant->variance};
}

static void
compare_means(struct rc_experiment_variant *variants,
              uint32_t count,
              double confidence,
              struct rc_experiment_reply *reply)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct rc_sample sample = sample_of(&variants[i]);
        variants[i].interval = rc_mean_interval(sample, confidence);
        variants[i].beside_control = rc_compare_means(sample_of(&variants[0]), sample, confidence);
    }
    reply->statistic = NAN;
    reply->p = NAN;
}

/* The control beside itself has no difference; p-values of the others are corrected together. */
static void
correct(struct rc_experiment_variant *variants, uint32_t count)
{
    double p_values[RC_VARIANTS_MAX];
    variants[0].beside_control = (struct rc_difference){NAN, {NAN, NAN}, NAN};
    for (uint32_t i = 0; i < count; i++)
        p_values[i] = variants[i].beside_control.p;
    rc_holm(p_values, count);
    for (uint32_t i = 0; i < count; i++)
        variants[i].p_corrected = p_values[i];
}

enum rc_status
rc_query_experiment(const struct rc_query_context *context,
                    const struct rc_experiment_request *request,
                    struct rc_experiment_reply *ret_reply,
                    struct rc_error *reterr_error)
{
    struct rc_experiment_reply reply = {.statistic = NAN, .p = NAN};
    struct rc_experiment_variant *variants = NULL;
    if (!(request->confidence > 0 && request->confidence < 1))
        return rc_error_field(reterr_error, RC_INVALID, "confidence", "it lies between 0 and 1");
    if (request->funnel != NULL && request->funnel->step_count < 2)
        return rc_error_field(reterr_error, RC_INVALID, "steps",
                              "users convert by a second step at least");
    RC_TRY((request->funnel != NULL ? ask_funnel : ask_means)(context, request, &reply, &variants,
                                                              reterr_error));
    if (reply.variant_count > 0 || request->control != NULL) {
        RC_TRY(find_control(request, variants, reply.variant_count, reterr_error));
        (request->funnel != NULL ? compare_rates : compare_means)(variants, reply.variant_count,
                                                                  request->confidence, &reply);
        correct(variants, reply.variant_count);
    }
    reply.variants = variants;
    *ret_reply = reply;
    return RC_OK;
}
