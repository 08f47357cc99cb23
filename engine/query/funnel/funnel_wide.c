/*
 * Funnel, wide: more steps and exclusions (and every event, of a strict order) than a hit's mask
 * has bits. The walk is then over every event of the users, and two plans say of each which steps
 * it is, and which exclusions. So such a funnel costs what all events cost.
 */
#include "engine/query/funnel/funnel_fold.h"
#include "engine/query/scope.h"
#include "engine/query/walk/row_masks.h"

#define STEPS 0u
#define EXCLUSIONS 1u

/* A plan of some selectors, and the masks of its rows. */
static enum rc_status
make_part(struct rc_funnel_query *query,
          uint32_t part,
          const uint64_t *persons,
          const struct rc_plan_selector *selectors,
          uint32_t count,
          struct rc_error *reterr_error)
{
    if (count == 0)
        return RC_OK;
    RC_TRY(rc_plan_new(query->context, query->request->scope.as_of_ms, persons, selectors, count,
                       &query->wide_plans[part], reterr_error));
    RC_TRY_OR(reterr_error, rc_row_masks_new(query->wide_plans[part], &query->wide_masks[part]));
    return RC_OK;
}

enum rc_status
rc_funnel_wide_plans(struct rc_funnel_query *query,
                     const struct rc_counted *counted,
                     const struct rc_plan_selector *selectors,
                     struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_ALL_OF};
    const struct rc_funnel_request *request = query->request;
    const struct rc_plan_selector every = {
        .predicate = &any,
        .from_ms = request->scope.start_ms,
        .until_ms = rc_scope_until(&request->scope, INT64_MAX),
    };
    RC_TRY(make_part(query, STEPS, counted->persons, selectors, request->step_count, reterr_error));
    RC_TRY(make_part(query, EXCLUSIONS, counted->persons, selectors + request->step_count,
                     request->exclusion_count, reterr_error));
    query->selector_count = 1;
    query->expand[0] = UINT64_MAX;
    return rc_plan_counted(query->context, request->scope.as_of_ms, counted, &every, 1,
                           &query->plan, reterr_error);
}

enum rc_status
rc_funnel_widen(struct rc_funnel_lane *lane, const struct rc_hit **hits, uint32_t count)
{
    const struct rc_funnel_query *query = lane->query;
    const struct rc_row_masks *steps = query->wide_masks[STEPS];
    const struct rc_row_masks *exclusions = query->wide_masks[EXCLUSIONS];
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->expanded, lane->expanded_capacity, count));
    RC_TRY(RC_FUNNEL_ENSURE(lane, lane->exclusions, lane->exclusions_capacity, count));
    for (uint32_t i = 0; i < count; i++) {
        lane->expanded[i] = (*hits)[i];
        lane->expanded[i].mask = rc_row_masks_of(steps, &(*hits)[i]);
        lane->exclusions[i] = exclusions == NULL ? 0 : rc_row_masks_of(exclusions, &(*hits)[i]);
    }
    *hits = lane->expanded;
    return RC_OK;
}
