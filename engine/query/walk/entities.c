/*
 * Entities. A value's number is its group (groups.h); the group of null is nobody.
 *
 * Hits come by user, and an entity's lie anywhere; so a first walk counts the hits of each entity,
 * and then as many entities as fit a round are dealt at a time: a walk puts their hits where the
 * counts say, in whatever order the lanes come, and each entity's are sorted before the fold sees
 * them. Memory is bounded by a round (or by the largest entity) and 8 bytes an entity, and not by
 * the events; the price is a walk a round.
 *
 * A fold that does not ask whose the hits are gets them as they come, once for each value.
 */
#include "engine/query/walk/entities.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/split/groups.h"
#include "engine/query/too_slow.h"
#include "engine/query/walk/hits.h"

#define BLOCK_SLOTS_MAX 65536u
#define PIECE_HITS 4096u

uint32_t rc_entities_round_hits = (uint32_t)4 << 20; /* 24 bytes each. */

struct rc_entities {
    struct rc_groups *groups;
};

/* A walk over entities. */
struct deal {
    const struct rc_plan *plan; /* The caller's. */
    struct rc_plan by_user;     /* The same without entities. */
    const struct rc_fold *fold;
    const struct rc_groups *groups;
    uint32_t count;             /* Entities and the group of null. */
    _Atomic uint32_t *counts;   /* Hits by entity; 0 as well for one that is not to be fed. */
    _Atomic uint64_t *required; /* A bit for each with a required hit. */
    /* The round: entities [first, end). */
    uint32_t first;
    uint32_t end;
    _Atomic uint32_t
        *places; /* By entity, less first: where its next hit goes; its end, at last. */
    struct rc_hit *hits;
    uint32_t *blocks; /* Where blocks begin, less first, and the end. */
    uint32_t block_count;
    _Atomic uint32_t next_block;
    _Atomic int status;
};

/* A lane of the rounds. */
struct lane {
    const struct deal *deal;
    void *state; /* The fold's. */
    struct rc_hit *scratch;
    size_t scratch_capacity;
    uint32_t slots[PIECE_HITS];
};

enum rc_status
rc_entities_new(const struct rc_plan *plan,
                struct rc_bytes property,
                struct rc_entities **ret_entities,
                struct rc_error *reterr_error)
{
    const struct rc_breakdown values = {.scope = RC_LEAF_EVENT, .property = property};
    RC_CLEANUP(rc_entities_freep)
    struct rc_entities *entities = rc_alloc_in(plan->context->account, sizeof(*entities));
    if (entities == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for entities");
    *entities = (struct rc_entities){.groups = NULL};
    const enum rc_status status =
        rc_groups_new(plan, &values, INT64_MAX, &entities->groups, reterr_error);
    RC_TRY(rc_too_slow_at(reterr_error, status, "scope.entity_property"));
    *ret_entities = RC_TAKE(entities);
    return RC_OK;
}

struct rc_entities *
rc_entities_free(struct rc_entities *entities)
{
    if (entities != NULL)
        rc_groups_free(entities->groups);
    return rc_alloc_free(entities);
}

enum rc_status
rc_all_entities_open(const struct rc_query_context *context,
                     struct rc_bytes property,
                     struct rc_all_entities *all,
                     struct rc_error *reterr_error)
{
    static const struct rc_predicate any = {.kind = RC_PREDICATE_TRUE};
    static const struct rc_plan_selector everything = {
        .predicate = &any, .from_ms = RC_TIME_MS_MIN, .until_ms = RC_TIME_MS_MAX + 1};
    all->context = *context;
    all->context.hints = NULL;
    all->context.explain = NULL;
    RC_TRY(
        rc_plan_new(&all->context, RC_TIME_MS_MAX, NULL, &everything, 1, &all->plan, reterr_error));
    return rc_entities_new(all->plan, property, &all->entities, reterr_error);
}

void
rc_all_entities_close(struct rc_all_entities *all)
{
    all->entities = rc_entities_free(all->entities);
    all->plan = rc_plan_free(all->plan);
}

const struct rc_groups *
rc_entities_groups(const struct rc_entities *entities)
{
    return entities->groups;
}

size_t
rc_counted_word_count(const struct rc_query_context *context)
{
    const size_t count = context->entities != NULL ? rc_groups_count(context->entities->groups)
                                                   : rc_view_user_count(context->view);
    return count / 64 + 1;
}

static bool
cancelled(const struct deal *deal)
{
    const _Atomic(bool) *cancel = deal->plan->context->cancel;
    return cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed);
}

/* The entities of a hit. set is a place for one. */
static const uint32_t *
entities_of(const struct deal *deal, const struct rc_hit *hit, uint32_t *set, uint32_t *ret_count)
{
    *set = rc_groups_of(deal->groups, 0, hit);
    return rc_groups_list(deal->groups, set, ret_count);
}

/* ---- Walks by user --------------------------------------------------------------------------- */

static enum rc_status
fold_counts(void *state,
            const struct rc_walk_block *block,
            const struct rc_hit *hits,
            const uint32_t *slots,
            uint32_t count)
{
    const struct deal *deal = state;
    const uint64_t required = deal->fold->required;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t set;
        uint32_t value_count;
        const uint32_t *values = entities_of(deal, &hits[i], &set, &value_count);
        for (uint32_t v = 0; v < value_count; v++) {
            const uint64_t bit = (uint64_t)1 << (values[v] % 64);
            atomic_fetch_add_explicit(&deal->counts[values[v]], 1, memory_order_relaxed);
            if ((hits[i].mask & required) != 0)
                atomic_fetch_or_explicit(&deal->required[values[v] / 64], bit,
                                         memory_order_relaxed);
        }
    }
    return RC_OK;
}

static enum rc_status
fold_places(void *state,
            const struct rc_walk_block *block,
            const struct rc_hit *hits,
            const uint32_t *slots,
            uint32_t count)
{
    const struct deal *deal = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t set;
        uint32_t value_count;
        const uint32_t *values = entities_of(deal, &hits[i], &set, &value_count);
        for (uint32_t v = 0; v < value_count; v++) {
            if (values[v] < deal->first || values[v] >= deal->end ||
                atomic_load_explicit(&deal->counts[values[v]], memory_order_relaxed) == 0)
                continue;
            const uint32_t place = atomic_fetch_add_explicit(&deal->places[values[v] - deal->first],
                                                             1, memory_order_relaxed);
            deal->hits[place] = hits[i];
        }
    }
    return RC_OK;
}

/* Feeds hits as they come, each as often as it has entities. */
struct repeat {
    const struct deal *deal;
    void *state;
    uint64_t hit_count;
    uint32_t count;
    struct rc_hit hits[PIECE_HITS];
    uint32_t slots[PIECE_HITS]; /* All 0. */
};

static enum rc_status
repeat_flush(struct repeat *repeat)
{
    static const struct rc_walk_block anybody = {.slot_count = 1};
    const uint32_t count = repeat->count;
    repeat->hit_count += count;
    repeat->count = 0;
    return count == 0 ? RC_OK
                      : repeat->deal->fold->hits(repeat->state, &anybody, repeat->hits,
                                                 repeat->slots, count);
}

static enum rc_status
fold_repeat(void *state,
            const struct rc_walk_block *block,
            const struct rc_hit *hits,
            const uint32_t *slots,
            uint32_t count)
{
    struct repeat *repeat = state;
    (void)block;
    (void)slots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t set;
        uint32_t value_count;
        const uint32_t *values = entities_of(repeat->deal, &hits[i], &set, &value_count);
        for (uint32_t v = 0; v < value_count; v++) {
            if (values[v] == RC_GROUP_NULL)
                continue;
            if (repeat->count == PIECE_HITS)
                RC_TRY(repeat_flush(repeat));
            repeat->hits[repeat->count++] = hits[i];
        }
    }
    return RC_OK;
}

/* Walks by user, the deal being every lane's state. */
static enum rc_status
walk_users(const struct deal *deal,
           enum rc_status (*hits)(void *lane,
                                  const struct rc_walk_block *block,
                                  const struct rc_hit *hits,
                                  const uint32_t *slots,
                                  uint32_t count))
{
    const struct rc_query_context *context = deal->plan->context;
    uint64_t hit_count = 0;
    void **states = RC_ARENA_ARRAY(context->arena, void *, deal->fold->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < deal->fold->lane_count; i++)
        states[i] = (void *)deal;
    const struct rc_fold fold = {.purpose = "entities of the events",
                                 .anonymous = true,
                                 .lane_count = deal->fold->lane_count,
                                 .lanes = states,
                                 .hits = hits};
    return rc_walk(&deal->by_user, &fold, &hit_count);
}

static enum rc_status
walk_repeated(const struct deal *deal, uint64_t *hit_count)
{
    const struct rc_query_context *context = deal->plan->context;
    const uint32_t lane_count = deal->fold->lane_count;
    uint64_t by_user = 0;
    void **states = RC_ARENA_ARRAY(context->arena, void *, lane_count);
    RC_CLEANUP(rc_alloc_freep)
    struct repeat *repeats = rc_alloc_in(context->account, lane_count * sizeof(*repeats));
    if (states == NULL || repeats == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        memset(&repeats[i], 0, sizeof(repeats[i]));
        repeats[i].deal = deal;
        repeats[i].state = deal->fold->lanes[i];
        states[i] = &repeats[i];
    }
    const struct rc_fold fold = {.purpose = "entities of the events",
                                 .anonymous = true,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .hits = fold_repeat};
    RC_TRY(rc_walk(&deal->by_user, &fold, &by_user));
    for (uint32_t i = 0; i < lane_count; i++) {
        RC_TRY(repeat_flush(&repeats[i]));
        *hit_count += repeats[i].hit_count;
    }
    return RC_OK;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static enum rc_status
feed_ordered(struct lane *lane, uint32_t entity, struct rc_hit *hits, uint32_t count)
{
    const struct rc_plan *plan = lane->deal->plan;
    if (!rc_hits_are_sorted(hits, count, false)) {
        if (count > lane->scratch_capacity) {
            lane->scratch = rc_alloc_free(lane->scratch);
            lane->scratch_capacity = 0;
            lane->scratch =
                rc_alloc_in(plan->context->account, 2 * (size_t)count * sizeof(*lane->scratch));
            if (lane->scratch == NULL)
                return RC_NO_MEMORY;
            lane->scratch_capacity = 2 * (size_t)count;
        }
        rc_hits_sort(plan->context->view, hits, count, lane->scratch);
    }
    return lane->deal->fold->person(lane->state, entity, hits, count);
}

static enum rc_status
feed_unordered(struct lane *lane,
               const struct rc_walk_block *block,
               uint32_t slot,
               const struct rc_hit *hits,
               uint32_t count)
{
    while (count > 0) {
        const uint32_t piece = count < PIECE_HITS ? count : PIECE_HITS;
        if (cancelled(lane->deal))
            return RC_CANCELLED;
        for (uint32_t i = 0; i < piece; i++)
            lane->slots[i] = slot;
        RC_TRY(lane->deal->fold->hits(lane->state, block, hits, lane->slots, piece));
        hits += piece;
        count -= piece;
    }
    return RC_OK;
}

static enum rc_status
feed_block(struct lane *lane, uint32_t begin, uint32_t end)
{
    const struct deal *deal = lane->deal;
    const struct rc_walk_block block = {.slot_count = end - begin, .first = deal->first + begin};
    if (deal->fold->begin != NULL)
        RC_TRY(deal->fold->begin(lane->state, &block));
    uint32_t at = begin == 0 ? 0 : atomic_load(&deal->places[begin - 1]);
    for (uint32_t i = begin; i < end; i++) {
        const uint32_t next = atomic_load_explicit(&deal->places[i], memory_order_relaxed);
        if (next > at)
            RC_TRY(deal->fold->ordered
                       ? feed_ordered(lane, deal->first + i, deal->hits + at, next - at)
                       : feed_unordered(lane, &block, i - begin, deal->hits + at, next - at));
        at = next;
    }
    return RC_OK;
}

static enum rc_status
feed_blocks(struct lane *lane, struct deal *deal)
{
    for (;;) {
        if (atomic_load_explicit(&deal->status, memory_order_relaxed) != RC_OK)
            return RC_OK;
        if (cancelled(deal))
            return RC_CANCELLED;
        const uint32_t index = atomic_fetch_add(&deal->next_block, 1);
        if (index >= deal->block_count)
            return RC_OK;
        RC_TRY(feed_block(lane, deal->blocks[index], deal->blocks[index + 1]));
    }
}

static void
run_lane(void *argument, uint32_t index)
{
    struct deal *deal = argument;
    struct lane lane = {.deal = deal, .state = deal->fold->lanes[index]};
    const enum rc_status status = feed_blocks(&lane, deal);
    int expected = RC_OK;
    rc_alloc_free(lane.scratch);
    if (status != RC_OK)
        atomic_compare_exchange_strong(&deal->status, &expected, (int)status);
}

/* Sets the round that begins at deal->first: its end, where hits go, its blocks. */
static uint32_t
open_round(struct deal *deal)
{
    uint32_t slots_max = BLOCK_SLOTS_MAX;
    if (deal->fold->slots_max != 0 && deal->fold->slots_max < slots_max)
        slots_max = deal->fold->slots_max;
    uint64_t total = 0;
    uint64_t block_hits = 0;
    uint32_t at = deal->first;
    deal->block_count = 0;
    for (; at < deal->count; at++) {
        const uint32_t count = atomic_load_explicit(&deal->counts[at], memory_order_relaxed);
        if (total > 0 && total + count > rc_entities_round_hits)
            break;
        const uint32_t place = at - deal->first;
        if (deal->block_count == 0 || block_hits >= rc_walk_block_hits ||
            place - deal->blocks[deal->block_count - 1] == slots_max) {
            deal->blocks[deal->block_count++] = place;
            block_hits = 0;
        }
        atomic_store_explicit(&deal->places[place], (uint32_t)total, memory_order_relaxed);
        total += count;
        block_hits += count;
    }
    deal->end = at;
    deal->blocks[deal->block_count] = at - deal->first;
    return (uint32_t)total;
}

/* Deals and feeds the round that begins at deal->first. */
static enum rc_status
run_round(struct deal *deal, uint64_t *hit_count)
{
    const struct rc_query_context *context = deal->plan->context;
    const uint32_t total = open_round(deal);
    if (total == 0)
        return RC_OK;
    RC_CLEANUP(rc_alloc_freep)
    struct rc_hit *hits = rc_alloc_in(context->account, (size_t)total * sizeof(*hits));
    if (hits == NULL)
        return RC_NO_MEMORY;
    deal->hits = hits;
    RC_TRY(walk_users(deal, fold_places));
    const uint32_t lanes =
        deal->fold->lane_count < deal->block_count ? deal->fold->lane_count : deal->block_count;
    atomic_store(&deal->next_block, 0);
    rc_workers_run(context->workers, lanes, lanes, run_lane, deal);
    *hit_count += total;
    return (enum rc_status)atomic_load(&deal->status);
}

/* Leaves out the group of null, and who has no required hit. */
static enum rc_status
drop_entities(const struct deal *deal)
{
    atomic_store(&deal->counts[RC_GROUP_NULL], 0);
    for (uint32_t i = 0; i < deal->count; i++) {
        const uint64_t word = atomic_load_explicit(&deal->required[i / 64], memory_order_relaxed);
        const bool kept = deal->fold->required == 0 || ((word >> (i % 64)) & 1) != 0;
        const uint32_t count = atomic_load_explicit(&deal->counts[i], memory_order_relaxed);
        if (!kept)
            atomic_store_explicit(&deal->counts[i], 0, memory_order_relaxed);
        else if (count > (uint32_t)1 << 31)
            return RC_LIMIT_EXCEEDED;
    }
    return RC_OK;
}

static enum rc_status
walk_dealt(struct deal *deal, uint64_t *hit_count)
{
    struct rc_account *account = deal->plan->context->account;
    const size_t count = deal->count;
    const size_t words = count / 64 + 1;
    RC_CLEANUP(rc_alloc_freep)
    _Atomic uint32_t *counts = rc_alloc_in(account, count * sizeof(*counts));
    RC_CLEANUP(rc_alloc_freep)
    _Atomic uint32_t *places = rc_alloc_in(account, count * sizeof(*places));
    RC_CLEANUP(rc_alloc_freep)
    uint32_t *blocks = rc_alloc_in(account, (count + 1) * sizeof(*blocks));
    RC_CLEANUP(rc_alloc_freep)
    _Atomic uint64_t *required = rc_alloc_in(account, words * sizeof(*required));
    if (counts == NULL || places == NULL || blocks == NULL || required == NULL)
        return RC_NO_MEMORY;
    memset((void *)counts, 0, count * sizeof(*counts));
    memset((void *)required, 0, words * sizeof(*required));
    deal->counts = counts;
    deal->places = places;
    deal->blocks = blocks;
    deal->required = required;
    RC_TRY(walk_users(deal, fold_counts));
    RC_TRY(drop_entities(deal));
    for (deal->first = RC_GROUP_NULL + 1; deal->first < deal->count; deal->first = deal->end)
        RC_TRY(run_round(deal, hit_count));
    return RC_OK;
}

enum rc_status
rc_entities_walk(const struct rc_plan *plan, const struct rc_fold *fold, uint64_t *hit_count)
{
    const struct rc_groups *groups = plan->entities->groups;
    struct deal deal = {
        .plan = plan,
        .by_user = *plan,
        .fold = fold,
        .groups = groups,
        .count = rc_groups_count(groups),
    };
    RC_ASSERT(fold->rows == NULL);
    deal.by_user.entities = NULL;
    if (!fold->ordered && fold->anonymous)
        return walk_repeated(&deal, hit_count);
    return walk_dealt(&deal, hit_count);
}
