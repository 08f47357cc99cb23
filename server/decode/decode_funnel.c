/* Decode: the request of Funnel. */
#include "server/decode/decode_funnel.h"

#include "engine/base/limits.h"

/* The funnel's window, or a step's. */
static enum rc_status
decode_window(struct rc_decode *decode, bool is_set, int64_t window_ms, int64_t *ret_window_ms)
{
    *ret_window_ms = -1;
    if (is_set && window_ms < 0)
        return rc_decode_fail(decode, RC_INVALID, "window_ms", "the window is below 0");
    if (is_set)
        *ret_window_ms = window_ms;
    return RC_OK;
}

static enum rc_status
decode_step(struct rc_decode *decode,
            const Recount__V1__FunnelStep *in,
            uint32_t step,
            const struct rc_predicate **ret_step,
            int64_t *ret_window_ms,
            struct rc_funnel_request *question)
{
    const bool has_window =
        in->optional_window_ms_case == RECOUNT__V1__FUNNEL_STEP__OPTIONAL_WINDOW_MS_WINDOW_MS;
    const bool ordered = question->order != RC_FUNNEL_UNORDERED;
    if (has_window && step == 0)
        return rc_decode_fail(decode, RC_INVALID, "window_ms",
                              "the first step has no step before it");
    if (has_window && !ordered)
        return rc_decode_fail(decode, RC_INVALID, "window_ms",
                              "steps of an unordered funnel have no windows of their own");
    RC_TRY(decode_window(decode, has_window, in->window_ms, ret_window_ms));
    if (in->is_optional && (step == 0 || step + 1 == question->step_count))
        return rc_decode_fail(decode, RC_INVALID, "is_optional",
                              "the first and the last step cannot be left out");
    if (in->is_optional && (!ordered || question->totals))
        return rc_decode_fail(decode, RC_INVALID, "is_optional", "optional steps do not go with %s",
                              ordered ? "FUNNEL_COUNT_TOTALS" : "FUNNEL_ORDER_UNORDERED");
    if (in->is_optional)
        question->optional_steps |= (uint64_t)1 << step;
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, ret_step));
    rc_decode_leave(decode, mark);
    return RC_OK;
}

static enum rc_status
decode_steps(struct rc_decode *decode,
             const Recount__V1__FunnelRequest *in,
             struct rc_funnel_request *question)
{
    const struct rc_predicate **steps =
        RC_ARENA_ARRAY(decode->arena, const struct rc_predicate *, in->n_steps);
    int64_t *windows_ms = RC_ARENA_ARRAY(decode->arena, int64_t, in->n_steps);
    if (steps == NULL || windows_ms == NULL)
        return rc_decode_no_memory(decode);
    for (uint32_t i = 0; i < in->n_steps; i++) {
        const size_t mark = rc_decode_enter_item(decode, "steps", i);
        RC_TRY(decode_step(decode, in->steps[i], i, &steps[i], &windows_ms[i], question));
        rc_decode_leave(decode, mark);
        if (windows_ms[i] >= 0)
            question->step_windows_ms = windows_ms;
    }
    question->steps = steps;
    return RC_OK;
}

static enum rc_status
decode_exclusion(struct rc_decode *decode,
                 const Recount__V1__FunnelExclusion *in,
                 uint32_t step_count,
                 struct rc_funnel_exclusion *exclusion)
{
    const size_t mark = rc_decode_enter(decode, "selector");
    RC_TRY(rc_decode_selector(decode, in->selector, &exclusion->selector));
    rc_decode_leave(decode, mark);
    const uint32_t after = in->after_step == 0 ? 1 : in->after_step;
    const uint32_t before = in->before_step == 0 ? step_count : in->before_step;
    if (before > step_count)
        return rc_decode_fail(decode, RC_INVALID, "before_step", "the funnel has %u steps",
                              step_count);
    if (after >= before)
        return rc_decode_fail(decode, RC_INVALID,
                              in->before_step == 0 ? "after_step" : "before_step",
                              "step %u is not behind step %u", before, after);
    exclusion->after = after - 1;
    exclusion->before = before - 1;
    return RC_OK;
}

static enum rc_status
decode_exclusions(struct rc_decode *decode,
                  const Recount__V1__FunnelRequest *in,
                  struct rc_funnel_request *question)
{
    struct rc_funnel_exclusion *exclusions =
        RC_ARENA_ARRAY(decode->arena, struct rc_funnel_exclusion, in->n_exclusions);
    if (exclusions == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_exclusions; i++) {
        const size_t mark = rc_decode_enter_item(decode, "exclusions", i);
        RC_TRY(decode_exclusion(decode, in->exclusions[i], question->step_count, &exclusions[i]));
        rc_decode_leave(decode, mark);
    }
    question->exclusion_count = (uint32_t)in->n_exclusions;
    question->exclusions = exclusions;
    question->exclude_attempt_only =
        in->exclusion_mode ==
        RECOUNT__V1__FUNNEL_EXCLUSION_MODE__FUNNEL_EXCLUSION_MODE_ATTEMPT_ONLY;
    return RC_OK;
}

static enum rc_status
decode_hold(struct rc_decode *decode,
            const Recount__V1__FunnelHoldConstant *in,
            uint32_t step_count,
            struct rc_funnel_hold *hold)
{
    hold->property = rc_bytes_of(in->event_property);
    if (hold->property.size == 0)
        return rc_decode_fail(decode, RC_INVALID, "event_property", "the property has no name");
    if (in->n_steps == 0)
        hold->steps = UINT64_MAX >> (64 - step_count);
    for (size_t i = 0; i < in->n_steps; i++) {
        if (in->steps[i] == 0 || in->steps[i] > step_count)
            return rc_decode_fail(decode, RC_INVALID, "steps", "the funnel has no step %u",
                                  in->steps[i]);
        hold->steps |= (uint64_t)1 << (in->steps[i] - 1);
    }
    return RC_OK;
}

static enum rc_status
decode_holds(struct rc_decode *decode,
             const Recount__V1__FunnelRequest *in,
             struct rc_funnel_request *question)
{
    struct rc_funnel_hold *holds =
        RC_ARENA_ARRAY(decode->arena, struct rc_funnel_hold, in->n_hold_constant);
    if (holds == NULL)
        return rc_decode_no_memory(decode);
    for (size_t i = 0; i < in->n_hold_constant; i++) {
        const size_t mark = rc_decode_enter_item(decode, "hold_constant", i);
        RC_TRY(decode_hold(decode, in->hold_constant[i], question->step_count, &holds[i]));
        rc_decode_leave(decode, mark);
    }
    question->hold_count = (uint32_t)in->n_hold_constant;
    question->holds = holds;
    return RC_OK;
}

static enum rc_funnel_order
order_of(Recount__V1__FunnelOrder order)
{
    switch (order) {
    case RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_STRICT:
        return RC_FUNNEL_STRICT;
    case RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_STRICT_STEPS:
        return RC_FUNNEL_STRICT_STEPS;
    case RECOUNT__V1__FUNNEL_ORDER__FUNNEL_ORDER_UNORDERED:
        return RC_FUNNEL_UNORDERED;
    default:
        return RC_FUNNEL_ORDERED;
    }
}

static enum rc_status
decode_breakdown(struct rc_decode *decode,
                 const Recount__V1__FunnelRequest *in,
                 struct rc_funnel_request *question)
{
    RC_TRY(rc_decode_split(decode, "breakdown", in->breakdown, &question->breakdown,
                           &question->dimension_count, &question->top_n));
    switch (in->breakdown_at) {
    case RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_LAST_STEP:
        question->at = RC_FUNNEL_AT_LAST;
        break;
    case RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_FIRST_IN_RANGE:
        question->at = RC_FUNNEL_AT_FIRST_IN_RANGE;
        break;
    case RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_STEP:
        question->at = RC_FUNNEL_AT_STEP;
        break;
    case RECOUNT__V1__FUNNEL_BREAKDOWN_AT__FUNNEL_BREAKDOWN_AT_ALL:
        question->at = RC_FUNNEL_AT_ALL;
        break;
    default:
        question->at = RC_FUNNEL_AT_FIRST;
        break;
    }
    if (question->at != RC_FUNNEL_AT_STEP && in->breakdown_step != 0)
        return rc_decode_fail(decode, RC_INVALID, "breakdown_step",
                              "a step goes only with FUNNEL_BREAKDOWN_AT_STEP");
    if (question->at == RC_FUNNEL_AT_STEP &&
        (in->breakdown_step == 0 || in->breakdown_step > question->step_count))
        return rc_decode_fail(decode, RC_INVALID, "breakdown_step",
                              "the step is from 1 to %u, not %u", question->step_count,
                              in->breakdown_step);
    question->at_step = question->at == RC_FUNNEL_AT_STEP ? in->breakdown_step - 1 : 0;
    return RC_OK;
}

/* What is asked, without the steps and what refers to them. */
static void
decode_flags(const Recount__V1__FunnelRequest *in, struct rc_funnel_request *question)
{
    question->step_count = (uint32_t)in->n_steps;
    question->order = order_of(in->order);
    question->same_local_day = in->same_local_day;
    question->first_only = in->reentry == RECOUNT__V1__FUNNEL_REENTRY__FUNNEL_REENTRY_FIRST_ONLY;
    question->reuse_event = in->reuse_event;
    question->strict_times =
        in->same_time == RECOUNT__V1__FUNNEL_SAME_TIME__FUNNEL_SAME_TIME_STRICT;
    question->totals = in->count == RECOUNT__V1__FUNNEL_COUNT__FUNNEL_COUNT_TOTALS;
    question->histogram_bins = in->histogram_bins;
}

enum rc_status
rc_decode_funnel(struct rc_decode *decode,
                 const Recount__V1__FunnelRequest *in,
                 int64_t now_ms,
                 struct rc_funnel_request *ret_question)
{
    struct rc_funnel_request filled = {.step_count = 0};
    struct rc_funnel_request *question = &filled;
    RC_TRY(rc_decode_scope(decode, in->scope, RC_RANGE_REQUIRED, now_ms, &question->scope));
    if (in->n_steps == 0 || in->n_steps > RC_FUNNEL_STEPS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "steps", "a funnel has from 1 to %u steps",
                              RC_FUNNEL_STEPS_MAX);
    decode_flags(in, question);
    RC_TRY(decode_window(decode,
                         in->optional_window_ms_case ==
                             RECOUNT__V1__FUNNEL_REQUEST__OPTIONAL_WINDOW_MS_WINDOW_MS,
                         in->window_ms, &question->window_ms));
    RC_TRY(decode_breakdown(decode, in, question));
    RC_TRY(decode_steps(decode, in, question));
    RC_TRY(decode_exclusions(decode, in, question));
    RC_TRY(decode_holds(decode, in, question));
    if (in->histogram_bins > RC_BINS_MAX)
        return rc_decode_fail(decode, RC_INVALID, "histogram_bins", "there are at most %u bins",
                              RC_BINS_MAX);
    if (in->over_time != NULL) {
        const size_t mark = rc_decode_enter(decode, "over_time");
        RC_TRY(rc_decode_bucket(decode, in->over_time, &question->over_time,
                                &question->over_time_count));
        rc_decode_leave(decode, mark);
    }
    *ret_question = filled;
    return RC_OK;
}
