/*
 * Segment. A tree is evaluated bottom up to a bit a person; bits of ordinals that are no known
 * person mean nothing until the end, when they are cleared. So NOT is a plain complement, and
 * behaviour sees zero: a known person without events has the measure 0.
 *
 * Behaviour: a walk that leaves one number a person. A person is fed by one lane only, so lanes
 * share the array. Distinct days: local days ascend with time, except that a change of offset may
 * bring the day before back once; the fold remembers whether it has had that one.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/match/user_predicate.h"
#include "engine/query/scope.h"
#include "engine/query/segment_persons.h"
#include "engine/query/view_times.h"
#include "engine/query/walk.h"

struct evaluation {
    const struct rc_query_context *context;
    const struct rc_calendar *calendar;
    int64_t as_of_ms;
    struct rc_query_stats *stats;
    struct rc_error *reterr_error;
    uint32_t user_count;
    size_t word_count;
};

struct measure {
    uint32_t *numbers; /* By person. */
    struct rc_offsets offsets;
};

static enum rc_status
fold_count(void *state,
           const struct rc_walk_block *block,
           const struct rc_hit *hits,
           const uint32_t *slots,
           uint32_t count)
{
    struct measure *measure = state;
    (void)hits;
    for (uint32_t i = 0; i < count; i++)
        measure->numbers[rc_walk_person(block, slots[i])]++;
    return RC_OK;
}

static enum rc_status
fold_days(void *state, uint32_t person, const struct rc_hit *hits, uint32_t count)
{
    struct measure *measure = state;
    uint32_t guess = 0;
    uint32_t days = 0;
    int64_t latest = 0;
    bool had_before = false; /* The day before the latest. */
    for (uint32_t i = 0; i < count; i++) {
        const int64_t day = rc_offsets_day(&measure->offsets, hits[i].time_ms, &guess);
        if (days == 0 || day > latest) {
            had_before = days > 0 && day == latest + 1;
            latest = day;
            days++;
        } else if (day < latest && !had_before) {
            had_before = true;
            days++;
        }
    }
    measure->numbers[person] = days;
    return RC_OK;
}

/* The times in which a behaviour's events count. */
static void
window_of(const struct evaluation *evaluation,
          const struct rc_behaviour *behaviour,
          int64_t *ret_from_ms,
          int64_t *ret_until_ms)
{
    int64_t from_ms = INT64_MIN;
    int64_t until_ms = evaluation->as_of_ms + 1;
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
compares(enum rc_comparison comparison, double measure, double n)
{
    switch (comparison) {
    case RC_EQ:
        return measure == n;
    case RC_NE:
        return measure != n;
    case RC_LT:
        return measure < n;
    case RC_LE:
        return measure <= n;
    case RC_GT:
        return measure > n;
    default:
        return measure >= n;
    }
}

/* Fills measure->numbers from one walk. */
static enum rc_status
run_walk(const struct evaluation *evaluation,
         const struct rc_behaviour *behaviour,
         const struct rc_plan *plan,
         struct measure *measure)
{
    const struct rc_query_context *context = evaluation->context;
    struct rc_fold fold = {.lane_count = context->parallel_max, .hits = fold_count};
    void **lanes = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < context->parallel_max; i++)
        lanes[i] = measure;
    fold.lanes = lanes;
    if (behaviour->measure == RC_BEHAVIOUR_DISTINCT_DAYS) {
        int64_t min_ms;
        int64_t max_ms;
        if (!rc_view_times(context->view, &min_ms, &max_ms))
            return RC_OK;
        RC_TRY(rc_calendar_offsets(evaluation->calendar, min_ms, max_ms, context->arena,
                                   &measure->offsets));
        fold.ordered = true;
        fold.person = fold_days;
        fold.hits = NULL;
    }
    return rc_walk(plan, &fold, &evaluation->stats->matched_events);
}

static enum rc_status
evaluate_behaviour(const struct evaluation *evaluation,
                   const struct rc_behaviour *behaviour,
                   uint64_t *words)
{
    const struct rc_query_context *context = evaluation->context;
    struct rc_plan_selector selector = {.predicate = behaviour->selector,
                                        .field = "behavior.selector"};
    window_of(evaluation, behaviour, &selector.from_ms, &selector.until_ms);
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    RC_TRY(rc_plan_new(context, evaluation->as_of_ms, NULL, &selector, 1, &plan,
                       evaluation->reterr_error));
    const size_t bytes = evaluation->user_count * sizeof(uint32_t);
    RC_CLEANUP(rc_alloc_freep) uint32_t *numbers = rc_alloc_in(context->account, bytes);
    if (numbers == NULL)
        return rc_error_set(evaluation->reterr_error, RC_NO_MEMORY, "no memory for a segment");
    memset(numbers, 0, bytes);
    struct measure measure = {.numbers = numbers};
    RC_TRY_OR(evaluation->reterr_error, run_walk(evaluation, behaviour, plan, &measure));
    for (uint32_t person = 0; person < evaluation->user_count; person++)
        if (compares(behaviour->comparison, numbers[person], behaviour->n))
            words[person / 64] |= (uint64_t)1 << (person % 64);
    rc_plan_add_stats(plan, evaluation->stats);
    return RC_OK;
}

static enum rc_status
evaluate(const struct evaluation *evaluation, const struct rc_segment *segment, uint64_t *words);

/* A child's bits joined into its parent's, which hold those of the children before. */
static enum rc_status
evaluate_children(const struct evaluation *evaluation,
                  const struct rc_segment *segment,
                  uint64_t *words)
{
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *child =
        rc_alloc_in(evaluation->context->account, evaluation->word_count * sizeof(*child));
    if (child == NULL)
        return rc_error_set(evaluation->reterr_error, RC_NO_MEMORY, "no memory for a segment");
    if (segment->kind == RC_SEGMENT_ALL_OF)
        memset(words, 0xff, evaluation->word_count * sizeof(*words));
    for (uint32_t i = 0; i < segment->child_count; i++) {
        memset(child, 0, evaluation->word_count * sizeof(*child));
        const enum rc_status status = evaluate(evaluation, segment->children[i], child);
        if (status != RC_OK && segment->kind == RC_SEGMENT_NOT)
            rc_error_prefix(evaluation->reterr_error, "not");
        else if (status != RC_OK)
            rc_error_prefix(evaluation->reterr_error, "%s[%u]",
                            segment->kind == RC_SEGMENT_ALL_OF ? "all_of" : "any_of", i);
        RC_TRY(status);
        for (size_t word = 0; word < evaluation->word_count; word++) {
            if (segment->kind == RC_SEGMENT_ALL_OF)
                words[word] &= child[word];
            else if (segment->kind == RC_SEGMENT_ANY_OF)
                words[word] |= child[word];
            else
                words[word] = ~child[word];
        }
    }
    return RC_OK;
}

/* Sets the bits of the persons that pass; words are zero. */
static enum rc_status
evaluate(const struct evaluation *evaluation, const struct rc_segment *segment, uint64_t *words)
{
    const struct rc_query_context *context = evaluation->context;
    if (segment->kind == RC_SEGMENT_USER)
        return rc_user_predicate_match(context->cache, context->view, evaluation->as_of_ms,
                                       segment->predicate, context->arena, words,
                                       evaluation->reterr_error);
    if (segment->kind == RC_SEGMENT_BEHAVIOUR)
        return evaluate_behaviour(evaluation, &segment->behaviour, words);
    return evaluate_children(evaluation, segment, words);
}

enum rc_status
rc_segment_persons(const struct rc_query_context *context,
                   const struct rc_segment *segment,
                   const struct rc_calendar *calendar,
                   int64_t as_of_ms,
                   struct rc_query_stats *stats,
                   const uint64_t **ret_persons,
                   const uint64_t **ret_known,
                   struct rc_error *reterr_error)
{
    const uint32_t user_count = rc_view_user_count(context->view);
    const struct evaluation evaluation = {
        .context = context,
        .calendar = calendar,
        .as_of_ms = as_of_ms,
        .stats = stats,
        .reterr_error = reterr_error,
        .user_count = user_count,
        .word_count = (size_t)user_count / 64 + 1,
    };
    const struct rc_segment *resolved;
    RC_TRY(rc_segment_check(segment, reterr_error));
    RC_TRY(rc_segment_resolve(context->segments, segment, context->arena, &resolved, reterr_error));
    uint64_t *words = RC_ARENA_ARRAY(context->arena, uint64_t, evaluation.word_count);
    uint64_t *known = RC_ARENA_ARRAY(context->arena, uint64_t, evaluation.word_count);
    if (words == NULL || known == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a segment");
    RC_TRY(evaluate(&evaluation, resolved, words));
    RC_TRY_OR(reterr_error, rc_view_known_persons(context->view, as_of_ms, known));
    for (size_t word = 0; word < evaluation.word_count; word++)
        words[word] &= known[word];
    *ret_persons = words;
    if (ret_known != NULL)
        *ret_known = known;
    return RC_OK;
}
