/*
 * Segment. A tree is evaluated bottom up to a bit a person; bits of ordinals that are no known
 * person mean nothing until the end, when they are cleared. So NOT is a plain complement, and
 * behaviour sees zero: a known person without events has the measure 0.
 *
 * A node is asked about candidates: what it says of others means nothing either. AND asks each
 * child about those who passed the ones before, beginning with the children that cost least, and OR
 * about those who are not in yet; so where few are left only the rows of those are looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/match/derived/derived.h"
#include "engine/match/predicate/user_predicate.h"
#include "engine/match/rows/words.h"
#include "engine/query/plan/explain.h"
#include "engine/query/scope.h"
#include "engine/query/segment/chart_cell.h"
#include "engine/query/segment/segment_persons.h"
#include "engine/query/too_slow.h"
#include "engine/store/dictionary/dictionary.h"

#define ASKED_SHARE 16u /* Of all users: from there on a walk leaves the others out. */

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
evaluate(const struct evaluation *evaluation,
         const struct rc_segment *segment,
         const uint64_t *candidates,
         uint64_t *words);

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

/* What a node costs, roughly and in an order only: a look at what is there, a pass over values of
 * users, events, trees of them, whole questions. */
static uint32_t
rank_of(const struct rc_segment *segment)
{
    switch (segment->kind) {
    case RC_SEGMENT_LIST:
        return 0;
    case RC_SEGMENT_USER:
        return 1;
    case RC_SEGMENT_BEHAVIOUR:
        return segment->behaviour.measure == RC_BEHAVIOUR_COUNT ? 2 : 3;
    case RC_SEGMENT_CELL:
        return 5;
    default:
        return 4;
    }
}

/* The order of the children: by rank, and those of one rank as they were sent. */
static void
order_children(const struct rc_segment *segment, uint32_t *order)
{
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const uint32_t rank = rank_of(segment->children[i]);
        uint32_t at = i;
        for (; at > 0 && rank_of(segment->children[order[at - 1]]) > rank; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static enum rc_status
evaluate_child(const struct evaluation *evaluation,
               const struct rc_segment *segment,
               uint32_t index,
               const uint64_t *candidates,
               uint64_t *child)
{
    memset(child, 0, evaluation->word_count * sizeof(*child));
    const enum rc_status status = evaluate(evaluation, segment->children[index], candidates, child);
    if (status != RC_OK)
        rc_segment_place_child(segment, index, evaluation->reterr_error);
    return status;
}

/* A child's bits joined into its parent's, which hold those of the children before. */
static enum rc_status
evaluate_children(const struct evaluation *evaluation,
                  const struct rc_segment *segment,
                  const uint64_t *candidates,
                  uint64_t *words)
{
    const size_t word_count = evaluation->word_count;
    const bool all = segment->kind == RC_SEGMENT_ALL_OF;
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *child = rc_alloc_in(evaluation->context->account, 2 * word_count * sizeof(*child));
    uint32_t *order =
        RC_ARENA_ARRAY(evaluation->context->arena, uint32_t, segment->child_count + 1);
    if (child == NULL || order == NULL)
        return rc_error_set(evaluation->reterr_error, RC_NO_MEMORY, "no memory for a segment");
    uint64_t *left = child + word_count; /* Of OR: who is not in yet. */
    order_children(segment, order);
    if (all) /* Without children too. */
        memcpy(words, candidates, word_count * sizeof(*words));
    for (uint32_t i = 0; i < segment->child_count; i++) {
        const uint64_t *asked = all ? words : i == 0 ? candidates : left;
        for (size_t word = 0; i > 0 && !all && word < word_count; word++)
            left[word] = candidates[word] & ~words[word];
        RC_TRY(evaluate_child(evaluation, segment, order[i], asked, child));
        for (size_t word = 0; word < word_count; word++) {
            if (all)
                words[word] &= child[word];
            else if (segment->kind == RC_SEGMENT_ANY_OF)
                words[word] |= asked[word] & child[word];
            else
                words[word] = ~child[word];
        }
    }
    return RC_OK;
}

/* Whom a behaviour's walk is about: NULL where so many are asked about that all events are read
 * anyway, and where nothing is read, so that nobody is known to have passed. */
static const uint64_t *
persons_asked(const struct evaluation *evaluation, const uint64_t *candidates)
{
    const struct rc_query_context *context = evaluation->context;
    uint64_t count = 0;
    if (context->explain != NULL && context->explain->plan_only)
        return NULL;
    count = rc_words_count(candidates, (uint32_t)evaluation->word_count);
    return count > evaluation->user_count / ASKED_SHARE ? NULL : candidates;
}

/* Those behind a cell, of whom its own question knows when and as of which moment. */
static enum rc_status
evaluate_cell(const struct evaluation *evaluation,
              const struct rc_segment *segment,
              uint64_t *words)
{
    struct rc_query_context context = *evaluation->context;
    struct rc_error *error = evaluation->reterr_error;
    const struct rc_chart_cell *cell = segment->cell;
    context.entities = NULL; /* Rules are over users, whatever asks. */
    if (context.cells_deep++ >= RC_CELLS_DEEP_MAX)
        return rc_error_field(error, RC_INVALID, "handle",
                              "handles hold each other more than %u deep", RC_CELLS_DEEP_MAX);
    if (cell == NULL && context.read_cell == NULL)
        return rc_error_field(error, RC_UNSUPPORTED, "", "there is nobody to read saved cells");
    if (cell == NULL)
        RC_TRY(context.read_cell(context.project, segment->stored, context.arena, &cell, error));
    return rc_chart_cell_persons(&context, cell, evaluation->stats, words, error);
}

/* Sets the bits of the candidates that pass; words are zero. */
static enum rc_status
evaluate(const struct evaluation *evaluation,
         const struct rc_segment *segment,
         const uint64_t *candidates,
         uint64_t *words)
{
    const struct rc_query_context *context = evaluation->context;
    if (segment->kind == RC_SEGMENT_USER) {
        const struct rc_predicate *predicate;
        RC_TRY(rc_derived_resolve(context->derived, segment->predicate, context->arena,
                                  rc_query_uses(context, RC_CATALOG_PROPERTIES), &predicate,
                                  evaluation->reterr_error));
        const enum rc_status status = rc_user_predicate_match(
            context->cache, context->view, evaluation->as_of_ms, context->cancel, predicate,
            context->arena, words, evaluation->reterr_error);
        return rc_too_slow_at(evaluation->reterr_error, status, "user_property");
    }
    if (segment->kind == RC_SEGMENT_BEHAVIOUR)
        return rc_behaviour_persons(context, &segment->behaviour, evaluation->calendar,
                                    evaluation->as_of_ms, persons_asked(evaluation, candidates),
                                    evaluation->stats, words, evaluation->reterr_error);
    if (segment->kind == RC_SEGMENT_CELL) {
        const enum rc_status status = evaluate_cell(evaluation, segment, words);
        if (status != RC_OK)
            rc_error_prefix(evaluation->reterr_error, "cell");
        return status;
    }
    if (segment->kind == RC_SEGMENT_LIST) {
        evaluate_list(evaluation, segment, words);
        return RC_OK;
    }
    return evaluate_children(evaluation, segment, candidates, words);
}

/* The persons who pass. Errors name fields from the rule on. */
static enum rc_status
find_persons(const struct rc_query_context *context,
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
    RC_TRY(rc_segment_resolve(context->segments, segment, context->arena,
                              rc_query_uses(context, RC_CATALOG_SEGMENTS), &resolved,
                              reterr_error));
    uint64_t *words = RC_ARENA_ARRAY(context->arena, uint64_t, evaluation.word_count);
    uint64_t *known = RC_ARENA_ARRAY(context->arena, uint64_t, evaluation.word_count);
    if (words == NULL || known == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for a segment");
    RC_TRY_OR(reterr_error, rc_view_known_persons(context->view, as_of_ms, known));
    RC_TRY(evaluate(&evaluation, resolved, known, words));
    for (size_t word = 0; word < evaluation.word_count; word++)
        words[word] &= known[word];
    *ret_persons = words;
    if (ret_known != NULL)
        *ret_known = known;
    return RC_OK;
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
    const enum rc_status status = find_persons(context, segment, calendar, as_of_ms, stats,
                                               ret_persons, ret_known, reterr_error);
    if (status != RC_OK && segment->kind != RC_SEGMENT_SAVED)
        rc_error_prefix(reterr_error, "rule"); /* Written in the request, as a filter's rule. */
    return status;
}
