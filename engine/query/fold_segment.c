/*
 * Segment. A tree is evaluated bottom up to a bit a person; bits of ordinals that are no known
 * person mean nothing until the end, when they are cleared. So NOT is a plain complement, and
 * behaviour sees zero: a known person without events has the measure 0.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/match/derived.h"
#include "engine/match/user_predicate.h"
#include "engine/query/chart_cell.h"
#include "engine/query/scope.h"
#include "engine/query/segment_persons.h"
#include "engine/store/dictionary.h"

struct evaluation {
    const struct rc_query_context *context;
    const struct rc_calendar *calendar;
    int64_t as_of_ms;
    struct rc_query_stats *stats;
    struct rc_error *reterr_error;
    uint32_t user_count;
    size_t word_count;
};

static enum rc_status
evaluate(const struct evaluation *evaluation, const struct rc_segment *segment, uint64_t *words);

/* The persons of a list's users who are there. */
static void
evaluate_list(const struct evaluation *evaluation,
              const struct rc_segment *segment,
              uint64_t *words)
{
    struct rc_view *view = evaluation->context->view;
    for (uint32_t i = 0; i < segment->user_count; i++) {
        const uint32_t user = rc_view_find_user(view, segment->users[i]);
        if (user == RC_CODE_NONE)
            continue;
        const uint32_t person = rc_view_person_of(view, user);
        words[person / 64] |= (uint64_t)1 << (person % 64);
    }
}

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
    if (segment->kind == RC_SEGMENT_USER) {
        const struct rc_predicate *predicate;
        RC_TRY(rc_derived_resolve(context->derived, segment->predicate, context->arena, &predicate,
                                  evaluation->reterr_error));
        return rc_user_predicate_match(context->cache, context->view, evaluation->as_of_ms,
                                       context->cancel, predicate, context->arena, words,
                                       evaluation->reterr_error);
    }
    if (segment->kind == RC_SEGMENT_BEHAVIOUR)
        return rc_behaviour_persons(context, &segment->behaviour, evaluation->calendar,
                                    evaluation->as_of_ms, evaluation->stats, words,
                                    evaluation->reterr_error);
    if (segment->kind == RC_SEGMENT_CELL) {
        const enum rc_status status = rc_chart_cell_persons(
            context, segment->cell, evaluation->stats, words, evaluation->reterr_error);
        if (status != RC_OK)
            rc_error_prefix(evaluation->reterr_error, "cell");
        return status;
    }
    if (segment->kind == RC_SEGMENT_LIST) {
        evaluate_list(evaluation, segment, words);
        return RC_OK;
    }
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
