/*
 * The persons of an experiment: those of a funnel split by the variant, at the first event of step
 * 1 in the range; of a mean the exposure alone is the funnel. Its rows are the variants by users,
 * with the control among them.
 */
#include "engine/compare/compare_cells.h"

uint64_t
rc_experiment_label_hash(const struct rc_experiment_reply *reply)
{
    uint64_t labels = 0;
    for (uint32_t i = 0; i < reply->variant_count; i++) {
        const struct rc_row_label label = {.kind = RC_ROW_VALUE, .value = reply->variants[i].value};
        labels = rc_row_label_hash(labels, &label);
    }
    return labels;
}

/* The row of a variant in the funnel. */
static uint32_t
rank_of(const struct rc_experiment_reply *reply, uint32_t row)
{
    const struct rc_experiment_variant *of = &reply->variants[row];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < reply->variant_count; i++) {
        const struct rc_experiment_variant *other = &reply->variants[i];
        rank += other->users > of->users ||
                (other->users == of->users && rc_value_compare(other->value, of->value) < 0);
    }
    return rank;
}

enum rc_status
rc_experiment_persons(const struct rc_query_context *context,
                      const struct rc_chart_cell *cell,
                      struct rc_query_stats *stats,
                      uint64_t *words,
                      struct rc_error *reterr_error)
{
    const struct rc_experiment_request *request = cell->experiment;
    const struct rc_predicate *const exposure[] = {request->exposure};
    struct rc_experiment_reply reply;
    struct rc_funnel_reply answer;
    struct rc_funnel_request funnel = {.steps = exposure, .step_count = 1, .window_ms = -1};
    RC_TRY(rc_query_experiment(context, request, &reply, reterr_error));
    if (rc_experiment_label_hash(&reply) != cell->labels)
        return rc_chart_cell_changed(reterr_error);
    if (cell->row >= reply.variant_count)
        return rc_error_field(reterr_error, RC_INVALID, "row", "there is no such row");
    if (cell->place != RC_COMPARED_ALL && request->funnel == NULL)
        return rc_error_field(reterr_error, RC_INVALID, "users",
                              "nobody converts where a mean is compared");
    if (request->funnel != NULL)
        funnel = *request->funnel;
    rc_experiment_split(request, &funnel);
    funnel.persons = words;
    funnel.cell = (struct rc_funnel_cell){
        .row = rank_of(&reply, cell->row),
        .bucket = RC_FUNNEL_NO_BUCKET,
        .step = cell->place == RC_COMPARED_ALL ? 0 : funnel.step_count - 1,
        .dropped = cell->place == RC_COMPARED_OTHERS,
    };
    RC_TRY(rc_query_funnel(context, &funnel, &answer, reterr_error));
    stats->matched_events += reply.stats.matched_events + answer.stats.matched_events;
    return RC_OK;
}
