/*
 * Experiment means. One walk: a lane writes a record (variant, number) for each user, and more than
 * one where the property has several values. When all are there, they are dealt to their variants;
 * the mean is a sum without rounding, and so is the sum of squares about it, in a second pass.
 */
#include "engine/compare/experiment_means.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/query/number/exact_sum.h"
#include "engine/query/number/property_numbers.h"
#include "engine/query/scope.h"
#include "engine/query/split/groups.h"
#include "engine/query/walk/walk.h"

enum { EXPOSURE = 1, METRIC = 2 }; /* Bits of a hit's mask. */

struct record {
    uint32_t group;
    double number;
};

struct means {
    const struct rc_query_context *context;
    const struct rc_experiment_request *request;
    struct rc_plan *plan;
    struct rc_groups *groups;
    struct rc_numbers *numbers; /* NULL: events are counted. */
    struct lane *lanes;
    uint32_t lane_count;
};

struct lane {
    const struct means *means;
    struct rc_exact_sum sum; /* Of one user. */
    struct record *records;
    size_t record_count;
    size_t record_capacity;
};

static void
means_close(struct means *means)
{
    for (uint32_t i = 0; i < means->lane_count; i++) {
        rc_exact_sum_close(&means->lanes[i].sum);
        rc_alloc_free(means->lanes[i].records);
    }
    rc_numbers_free(means->numbers);
    rc_groups_free(means->groups);
    rc_plan_free(means->plan);
}

/* Adds what a metric's event is worth. */
static enum rc_status
add_metric(struct lane *lane, const struct rc_hit *hit, uint64_t *count)
{
    const struct rc_numbers *numbers = lane->means->numbers;
    uint32_t code_count = 0;
    if (numbers == NULL) {
        (*count)++;
        return RC_OK;
    }
    const uint32_t *codes = rc_numbers_of(numbers, hit, &code_count);
    for (uint32_t i = 0; i < code_count; i++)
        RC_TRY(rc_exact_sum_add(lane->means->context->account, &lane->sum,
                                rc_numbers_all(numbers)[codes[i]]));
    return RC_OK;
}

static enum rc_status
fold_person(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    const struct means *means = lane->means;
    uint32_t first = 0;
    uint64_t events = 0;
    while (first < count && (hits[first].mask & EXPOSURE) == 0)
        first++;
    if (first == count)
        return RC_OK;
    rc_exact_sum_close(&lane->sum);
    lane->sum = (struct rc_exact_sum){0};
    for (uint32_t i = 0; i < count; i++)
        if ((hits[i].mask & METRIC) != 0 && hits[i].time_ms >= hits[first].time_ms)
            RC_TRY(add_metric(lane, &hits[i], &events));
    const double number = means->numbers == NULL ? (double)events : rc_exact_sum_value(&lane->sum);
    const uint32_t set = rc_groups_of(means->groups, person, &hits[first]);
    uint32_t group_count;
    const uint32_t *groups = rc_groups_list(means->groups, &set, &group_count);
    RC_TRY(RC_GROW_IN(means->context->account, lane->records, lane->record_capacity,
                      lane->record_count + group_count));
    for (uint32_t i = 0; i < group_count; i++)
        lane->records[lane->record_count++] = (struct record){.group = groups[i], .number = number};
    return RC_OK;
}

static enum rc_status
open_means(struct means *means, struct rc_query_stats *stats, struct rc_error *reterr_error)
{
    const struct rc_query_context *context = means->context;
    const struct rc_experiment_request *request = means->request;
    const struct rc_scope *scope = &request->scope;
    struct rc_calendar calendar;
    struct rc_counted counted;
    const int64_t until_ms = rc_scope_until(scope, scope->end_ms);
    const struct rc_plan_selector selectors[2] = {
        {.predicate = request->exposure,
         .field = "exposure",
         .from_ms = scope->start_ms,
         .until_ms = until_ms},
        {.predicate = request->metric,
         .field = "metric",
         .from_ms = scope->start_ms,
         .until_ms = until_ms},
    };
    RC_TRY(rc_scope_check(scope, &calendar, reterr_error));
    RC_TRY(rc_scope_counted(context, scope, stats, &counted, reterr_error));
    RC_TRY(rc_plan_counted(context, scope->as_of_ms, &counted, selectors, 2, &means->plan,
                           reterr_error));
    rc_plan_add_stats(means->plan, stats);
    RC_TRY(rc_groups_new(means->plan, &request->variant, scope->as_of_ms, &means->groups,
                         reterr_error));
    if (request->property.size > 0)
        RC_TRY_OR(reterr_error, rc_numbers_new(means->plan, request->property, &means->numbers));
    return RC_OK;
}

static enum rc_status
run_lanes(struct means *means, struct rc_query_stats *stats)
{
    const struct rc_query_context *context = means->context;
    const uint32_t count = context->parallel_max;
    void **states = RC_ARENA_ARRAY(context->arena, void *, count);
    means->lanes = RC_ARENA_ARRAY(context->arena, struct lane, count);
    if (states == NULL || means->lanes == NULL)
        return RC_NO_MEMORY;
    means->lane_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct lane *lane = &means->lanes[i];
        lane->means = means;
        states[i] = lane;
    }
    const struct rc_fold fold = {.purpose = "means of the variants",
                                 .ordered = true,
                                 .required = EXPOSURE,
                                 .lane_count = count,
                                 .lanes = states,
                                 .person = fold_person};
    return rc_walk(means->plan, &fold, &stats->matched_events);
}

/* The sum over the records of each shown row of their numbers, or of the squares of how far these
 * lie off the row's mean; NAN where one of the terms is too great for a number. */
static enum rc_status
sum_rows(const struct means *means,
         const struct rc_ranking *ranking,
         const struct rc_variant_sample *samples,
         bool squares,
         double *ret_sums)
{
    struct rc_account *account = means->context->account;
    struct rc_exact_sum sums[RC_VARIANTS_MAX] = {0};
    bool too_great[RC_VARIANTS_MAX] = {false};
    enum rc_status status = RC_OK;
    for (uint32_t i = 0; i < means->lane_count; i++) {
        const struct lane *lane = &means->lanes[i];
        for (size_t r = 0; r < lane->record_count && status == RC_OK; r++) {
            const uint32_t row = ranking->row_of[lane->records[r].group];
            const double off = lane->records[r].number - samples[row].sample.mean;
            const double term = squares ? off * off : lane->records[r].number;
            if (isfinite(term))
                status = rc_exact_sum_add(account, &sums[row], term);
            else
                too_great[row] = true;
        }
    }
    for (uint32_t row = 0; row < ranking->row_count; row++) {
        ret_sums[row] = too_great[row] ? NAN : rc_exact_sum_figure(&sums[row]);
        rc_exact_sum_close(&sums[row]);
    }
    return status;
}

static enum rc_status
fill_samples(const struct means *means,
             const struct rc_ranking *ranking,
             const uint64_t *users,
             struct rc_variant_sample *samples)
{
    double sums[RC_VARIANTS_MAX];
    for (uint32_t row = 0; row < ranking->row_count; row++) {
        samples[row].value = ranking->values[row];
        samples[row].sample.users = users[ranking->groups[row]];
        samples[row].sample.mean = 0;
    }
    RC_TRY(sum_rows(means, ranking, samples, false, sums));
    for (uint32_t row = 0; row < ranking->row_count; row++)
        samples[row].sample.mean = sums[row] / (double)samples[row].sample.users;
    RC_TRY(sum_rows(means, ranking, samples, true, sums));
    for (uint32_t row = 0; row < ranking->row_count; row++) {
        const uint64_t count = samples[row].sample.users;
        samples[row].sample.variance = count < 2 ? NAN : sums[row] / (double)(count - 1);
    }
    return RC_OK;
}

static enum rc_status
deal(const struct means *means, const struct rc_variant_sample **ret_samples, uint32_t *ret_count)
{
    const struct rc_query_context *context = means->context;
    const size_t group_count = rc_groups_count(means->groups);
    struct rc_ranking ranking;
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *users = rc_alloc_in(context->account, (group_count + 1) * sizeof(*users));
    if (users == NULL)
        return RC_NO_MEMORY;
    memset(users, 0, (group_count + 1) * sizeof(*users));
    for (uint32_t i = 0; i < means->lane_count; i++)
        for (size_t r = 0; r < means->lanes[i].record_count; r++)
            users[means->lanes[i].records[r].group]++;
    RC_TRY(rc_groups_rank(means->groups, users, RC_VARIANTS_MAX, context->arena, &ranking));
    *ret_count = ranking.has_other ? RC_VARIANTS_MAX + 1 : ranking.row_count;
    if (ranking.has_other)
        return RC_OK; /* The caller refuses so many. */
    struct rc_variant_sample *samples =
        RC_ARENA_ARRAY(context->arena, struct rc_variant_sample, ranking.row_count);
    if (samples == NULL)
        return RC_NO_MEMORY;
    RC_TRY(fill_samples(means, &ranking, users, samples));
    *ret_samples = samples;
    return RC_OK;
}

enum rc_status
rc_experiment_means(const struct rc_query_context *context,
                    const struct rc_experiment_request *request,
                    struct rc_query_stats *stats,
                    const struct rc_variant_sample **ret_samples,
                    uint32_t *ret_count,
                    struct rc_error *reterr_error)
{
    RC_CLEANUP(means_close) struct means means = {.context = context, .request = request};
    stats->data_version = rc_view_data_version(context->view);
    RC_TRY(open_means(&means, stats, reterr_error));
    RC_TRY_OR(reterr_error, run_lanes(&means, stats));
    RC_TRY_OR(reterr_error, deal(&means, ret_samples, ret_count));
    return RC_OK;
}
