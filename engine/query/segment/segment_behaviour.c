/*
 * Behaviour: which persons did something so often. Everybody whom the walk does not feed has the
 * measure 0, so the answer begins with what 0 compares to.
 *
 * A count is a walk in any order, by rows where it can be, that leaves one number a person; a
 * person is fed by one lane only, so lanes share the array. The other measures see a person's
 * events together, in order, and leave its bit alone; words of bits are shared by lanes.
 *
 * Distinct days: local days ascend with time, except that a change of offset may bring the day
 * before back once; the fold remembers whether it has had that one.
 *
 * A sequence needs an event of each step, so the walk may leave out who has none of the rarest.
 */
#include <stdio.h>
#include <string.h>

#include "engine/query/number/exact_sum.h"
#include "engine/query/number/property_numbers.h"
#include "engine/query/plan/explain.h"
#include "engine/query/plan/planner.h"
#include "engine/query/segment/segment_count.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/segment/sequence.h"
#include "engine/query/time/view_times.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/walk.h"

struct measure {
    const struct rc_query_context *context;
    const struct rc_behaviour *behaviour;
    const struct rc_calendar *calendar;
    int64_t as_of_ms;
    const uint64_t *asked; /* The persons who matter; NULL: everybody. */
    struct rc_plan *plan;
    uint64_t required;
    bool passes_by_none; /* Who has the measure 0 passes. */
    uint64_t *words;
    struct rc_segment_numbers numbers; /* COUNT. */
    struct rc_offsets offsets;
    struct rc_numbers *property;
    uint32_t lane_count;
    struct lane *lanes;
    void **states;
};

struct lane {
    const struct measure *measure;
    struct rc_segment_count count;
    struct rc_sequence *sequence;
};

static void
measure_close(struct measure *measure)
{
    for (uint32_t i = 0; i < measure->lane_count; i++) {
        rc_sequence_free(measure->lanes[i].sequence);
        rc_segment_count_close(&measure->lanes[i].count);
    }
    rc_segment_numbers_close(&measure->numbers);
    rc_numbers_free(measure->property);
    rc_plan_free(measure->plan);
}

/* The measure of a person who was fed. */
static void
note(const struct measure *measure, uint32_t person, double number)
{
    const bool passed = rc_behaviour_passes(measure->behaviour, number);
    if (passed == measure->passes_by_none)
        return;
    __atomic_fetch_xor(&measure->words[person / 64], (uint64_t)1 << (person % 64),
                       __ATOMIC_RELAXED);
}

/* ---- Folds ----------------------------------------------------------------------------------- */

static enum rc_status
fold_count(void *state,
           const struct rc_walk_block *block,
           const struct rc_hit *hits,
           const uint32_t *slots,
           uint32_t count)
{
    const struct rc_segment_numbers *numbers = &((struct lane *)state)->measure->numbers;
    (void)hits;
    for (uint32_t i = 0; i < count; i++)
        rc_segment_numbers_add(numbers, rc_walk_person(block, slots[i]));
    return RC_OK;
}

static enum rc_status
fold_count_rows(void *state,
                const struct rc_walk_block *block,
                uint32_t plan_slab,
                uint32_t begin,
                uint32_t end,
                uint64_t *hit_count)
{
    return rc_segment_count_rows(&((struct lane *)state)->count, block, plan_slab, begin, end,
                                 hit_count);
}

static enum rc_status
fold_days(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    const struct measure *measure = ((struct lane *)state)->measure;
    uint32_t guess = 0;
    uint32_t days = 0;
    int64_t latest = 0; /* Days ascend, as buckets do. */
    for (uint32_t i = 0; i < count; i++) {
        const int64_t day = rc_offsets_day(&measure->offsets, hits[i].time_ms, &guess);
        days += days == 0 || day > latest;
        latest = day;
    }
    note(measure, person, days);
    return RC_OK;
}

static enum rc_status
fold_sum(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    const struct measure *measure = ((struct lane *)state)->measure;
    const double *all = rc_numbers_all(measure->property);
    RC_CLEANUP(rc_exact_sum_close) struct rc_exact_sum sum = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code_count;
        const uint32_t *codes = rc_numbers_of(measure->property, &hits[i], &code_count);
        for (uint32_t c = 0; c < code_count; c++)
            RC_TRY(rc_exact_sum_add(measure->context->account, &sum, all[codes[c]]));
    }
    note(measure, person, rc_exact_sum_value(&sum));
    return RC_OK;
}

static enum rc_status
fold_sequence(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct lane *lane = state;
    uint32_t matches;
    RC_TRY(rc_sequence_count(lane->sequence, hits, count, &matches));
    note(lane->measure, person, matches);
    return RC_OK;
}

/* ---- What they need -------------------------------------------------------------------------- */

/* The times in which a behaviour's events count. */
static void
window_of(const struct measure *measure, int64_t *ret_from_ms, int64_t *ret_until_ms)
{
    const struct rc_behaviour *behaviour = measure->behaviour;
    int64_t from_ms = INT64_MIN;
    int64_t until_ms = measure->as_of_ms + 1;
    if (behaviour->window == RC_WINDOW_RELATIVE &&
        __builtin_sub_overflow(until_ms, behaviour->prior_ms, &from_ms))
        from_ms = INT64_MIN;
    if (behaviour->window == RC_WINDOW_ABSOLUTE) {
        from_ms = behaviour->start_ms;
        until_ms = behaviour->end_ms < until_ms ? behaviour->end_ms : until_ms;
    }
    *ret_from_ms = from_ms;
    *ret_until_ms = until_ms;
}

static bool
has_adjacent(const struct rc_behaviour *behaviour)
{
    bool adjacent = false;
    for (uint32_t i = 0; i < behaviour->step_count; i++)
        adjacent = adjacent || behaviour->steps[i].adjacent;
    return adjacent;
}

/* The step with the fewest rows, as a mask. */
static uint64_t
rarest(const struct rc_plan *plan, uint32_t step_count)
{
    uint64_t counts[RC_SELECTORS_MAX] = {0};
    uint32_t best = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++)
        for (uint32_t s = 0; s < plan->stream_count; s++)
            if (plan->slabs[i].sets[s] != NULL)
                counts[__builtin_ctzll(plan->streams[s].bit)] +=
                    rc_rowset_cardinality(plan->slabs[i].sets[s]);
    for (uint32_t i = 1; i < step_count; i++)
        best = counts[i] < counts[best] ? i : best;
    return (uint64_t)1 << best;
}

static enum rc_status
make_plan(struct measure *measure, struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    const struct rc_behaviour *behaviour = measure->behaviour;
    struct rc_plan_selector selectors[RC_SELECTORS_MAX] = {{.predicate = NULL}};
    const uint32_t count = rc_behaviour_selector_count(behaviour);
    uint32_t total = count;
    int64_t from_ms;
    int64_t until_ms;
    window_of(measure, &from_ms, &until_ms);
    if (has_adjacent(behaviour))
        selectors[total++].predicate = &any;
    for (uint32_t i = 0; i < total; i++) {
        struct rc_plan_selector *selector = &selectors[i];
        selector->from_ms = from_ms;
        selector->until_ms = until_ms;
        if (i < count)
            selector->predicate = rc_behaviour_selector(behaviour, i);
        if (behaviour->measure == RC_BEHAVIOUR_SEQUENCE)
            snprintf(selector->field, sizeof(selector->field),
                     "behavior.sequence.steps[%u].selector", i);
        else
            snprintf(selector->field, sizeof(selector->field), "behavior.selector");
    }
    RC_TRY(rc_plan_new(measure->context, measure->as_of_ms, measure->asked, selectors, total,
                       &measure->plan, reterr_error));
    if (behaviour->measure == RC_BEHAVIOUR_SEQUENCE)
        measure->required = rarest(measure->plan, count);
    return RC_OK;
}

static enum rc_status
open_lanes(struct measure *measure)
{
    const struct rc_query_context *context = measure->context;
    measure->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    measure->states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (measure->lanes == NULL || measure->states == NULL)
        return RC_NO_MEMORY;
    measure->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < measure->lane_count; i++) {
        measure->lanes[i].measure = measure;
        measure->states[i] = &measure->lanes[i];
        if (measure->behaviour->measure == RC_BEHAVIOUR_SEQUENCE)
            RC_TRY(
                rc_sequence_new(measure->behaviour, context->account, &measure->lanes[i].sequence));
    }
    return RC_OK;
}

/* A count: by rows where that is the cheaper way. */
static enum rc_status
prepare_count(struct measure *measure, struct rc_fold *fold)
{
    struct rc_account *account = measure->context->account;
    const uint32_t stream = rc_slab_rows_stream(measure->plan, 1);
    RC_TRY(rc_segment_numbers_open(&measure->numbers, measure->behaviour,
                                   rc_view_user_count(measure->context->view), measure->asked,
                                   account));
    fold->ordered = false;
    fold->hits = fold_count;
    if (stream == UINT32_MAX ||
        !rc_planner_reads_rows(measure->plan, stream, RC_EXPLAIN_NO_SERIES, RC_ROWS_SINGLY))
        return RC_OK;
    fold->reading = RC_ROWS_SINGLY;
    fold->rows = fold_count_rows;
    for (uint32_t i = 0; i < measure->lane_count; i++)
        measure->lanes[i].count = (struct rc_segment_count){.plan = measure->plan,
                                                            .stream = stream,
                                                            .numbers = &measure->numbers,
                                                            .rows.account = account};
    return RC_OK;
}

/* Prepares the measure; *ret_fold is how it walks. */
static enum rc_status
prepare(struct measure *measure, struct rc_fold *ret_fold)
{
    const struct rc_query_context *context = measure->context;
    int64_t min_ms = 0;
    int64_t max_ms = 0;
    *ret_fold = (struct rc_fold){.purpose = "the behaviour of each user",
                                 .ordered = true,
                                 .required = measure->required,
                                 .lane_count = measure->lane_count,
                                 .lanes = measure->states};
    switch (measure->behaviour->measure) {
    case RC_BEHAVIOUR_COUNT:
        return prepare_count(measure, ret_fold);
    case RC_BEHAVIOUR_DISTINCT_DAYS:
        ret_fold->person = fold_days;
        (void)rc_view_times(context->view, &min_ms, &max_ms);
        return min_ms > max_ms ? RC_OK
                               : rc_calendar_offsets(measure->calendar, min_ms, max_ms,
                                                     context->arena, &measure->offsets);
    case RC_BEHAVIOUR_SUM:
        ret_fold->person = fold_sum;
        return rc_numbers_new(measure->plan, measure->behaviour->property, &measure->property);
    case RC_BEHAVIOUR_SEQUENCE:
        ret_fold->person = fold_sequence;
        return RC_OK;
    }
    return RC_OK;
}

enum rc_status
rc_behaviour_persons(const struct rc_query_context *context,
                     const struct rc_behaviour *behaviour,
                     const struct rc_calendar *calendar,
                     int64_t as_of_ms,
                     const uint64_t *asked,
                     struct rc_query_stats *stats,
                     uint64_t *words,
                     struct rc_error *reterr_error)
{
    RC_CLEANUP(measure_close)
    struct measure measure = {.context = context,
                              .behaviour = behaviour,
                              .calendar = calendar,
                              .as_of_ms = as_of_ms,
                              .asked = asked,
                              .words = words};
    struct rc_fold fold;
    measure.passes_by_none = rc_behaviour_passes(behaviour, 0);
    if (measure.passes_by_none)
        memset(words, 0xff, ((size_t)rc_view_user_count(context->view) / 64 + 1) * sizeof(*words));
    RC_TRY(make_plan(&measure, reterr_error));
    RC_TRY_OR(reterr_error, open_lanes(&measure));
    enum rc_status status = prepare(&measure, &fold);
    if (status != RC_OK)
        rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
    RC_TRY(rc_too_slow_at(reterr_error, status, "behavior.property"));
    status = rc_walk(measure.plan, &fold, &stats->matched_events);
    if (status != RC_OK)
        rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
    RC_TRY(rc_too_slow_noted(context, status, reterr_error));
    if (behaviour->measure == RC_BEHAVIOUR_COUNT)
        rc_segment_numbers_compare(&measure.numbers, words);
    rc_plan_add_stats(measure.plan, stats);
    return RC_OK;
}
