/* Funnel check: what a request may ask. A combination that the rules leave undefined is refused. */
#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/scope.h"

static enum rc_status
invalid(struct rc_error *reterr_error, const char *field, const char *sentence)
{
    return rc_error_field(reterr_error, RC_INVALID, field, "%s", sentence);
}

static enum rc_status
check_steps(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    const uint32_t count = request->step_count;
    if (count == 0)
        return invalid(reterr_error, "steps", "a funnel has at least one step");
    if (count > RC_FUNNEL_STEPS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "steps",
                              "a funnel has at most %u steps, not %u", RC_FUNNEL_STEPS_MAX, count);
    if (request->exclusion_count > RC_FUNNEL_EXCLUSIONS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "exclusions",
                              "a funnel has at most %u exclusions", RC_FUNNEL_EXCLUSIONS_MAX);
    if ((request->optional_steps & 1) != 0 ||
        (request->optional_steps & ~rc_funnel_below(count - 1)) != 0)
        return invalid(reterr_error, "steps", "the first and the last step cannot be left out");
    if (request->step_windows_ms != NULL && request->step_windows_ms[0] >= 0)
        return invalid(reterr_error, "steps[0].window_ms", "the first step has no step before it");
    return RC_OK;
}

static enum rc_status
check_exclusions(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    for (uint32_t i = 0; i < request->exclusion_count; i++) {
        const struct rc_funnel_exclusion *exclusion = &request->exclusions[i];
        if (exclusion->before >= request->step_count || exclusion->after >= exclusion->before)
            return rc_error_field(reterr_error, RC_INVALID, "exclusions",
                                  "exclusion %u lies between no two steps", i + 1);
    }
    return RC_OK;
}

static enum rc_status
check_holds(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    if (request->hold_count > RC_FUNNEL_HOLDS_MAX)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "hold_constant",
                              "at most %u properties are held constant", RC_FUNNEL_HOLDS_MAX);
    for (uint32_t i = 0; i < request->hold_count; i++) {
        if (request->holds[i].property.size == 0)
            return invalid(reterr_error, "hold_constant", "a property has no name");
        if (request->holds[i].steps == 0 ||
            (request->holds[i].steps & ~rc_funnel_below(request->step_count)) != 0)
            return invalid(reterr_error, "hold_constant", "there is no such step");
    }
    return RC_OK;
}

/* What attempts that are counted by themselves go with. */
static enum rc_status
check_totals(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    const char *field = NULL;
    if (request->order == RC_FUNNEL_STRICT || request->order == RC_FUNNEL_UNORDERED)
        field = "order";
    else if (request->exclusion_count > 0)
        field = "exclusions";
    else if (request->optional_steps != 0)
        field = "steps";
    else if (request->hold_count > 0)
        field = "hold_constant";
    else if (request->reuse_event)
        field = "reuse_event";
    else if (request->first_only)
        field = "reentry";
    return !request->totals || field == NULL
               ? RC_OK
               : invalid(reterr_error, field, "this does not go with FUNNEL_COUNT_TOTALS");
}

static enum rc_status
check_unordered(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    const char *field = NULL;
    if (request->step_windows_ms != NULL)
        field = "steps";
    else if (request->optional_steps != 0)
        field = "steps";
    else if (request->reuse_event)
        field = "reuse_event";
    else if (request->breakdown != NULL && request->at == RC_FUNNEL_AT_STEP)
        field = "breakdown_at";
    return request->order != RC_FUNNEL_UNORDERED || field == NULL
               ? RC_OK
               : invalid(reterr_error, field, "this does not go with FUNNEL_ORDER_UNORDERED");
}

static enum rc_status
check_breakdown(const struct rc_funnel_request *request, struct rc_error *reterr_error)
{
    if (request->at == RC_FUNNEL_AT_STEP && request->at_step >= request->step_count)
        return invalid(reterr_error, "breakdown_step", "there is no such step");
    if (request->histogram_bins > RC_BINS_MAX)
        return invalid(reterr_error, "histogram_bins", "there are at most 1000 bins");
    if (request->breakdown == NULL)
        return request->at == RC_FUNNEL_AT_FIRST
                   ? RC_OK
                   : invalid(reterr_error, "breakdown_at", "there is no breakdown");
    return rc_split_check(request->breakdown,
                          request->dimension_count == 0 ? 1 : request->dimension_count,
                          request->top_n, reterr_error);
}

enum rc_status
rc_funnel_check(const struct rc_funnel_request *request,
                struct rc_calendar *ret_calendar,
                struct rc_error *reterr_error)
{
    RC_TRY(rc_scope_check(&request->scope, ret_calendar, reterr_error));
    RC_TRY(check_steps(request, reterr_error));
    RC_TRY(check_exclusions(request, reterr_error));
    RC_TRY(check_holds(request, reterr_error));
    RC_TRY(check_totals(request, reterr_error));
    RC_TRY(check_unordered(request, reterr_error));
    return check_breakdown(request, reterr_error);
}
