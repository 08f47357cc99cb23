/*
 * Walk, required selectors: a walk over their rows alone marks who has one (a bit a person). If
 * that leaves so few that looking up each one's rows in each slab costs less than reading all rows,
 * the blocks are lists of those persons, read as joined ones are; if it leaves out most, the blocks
 * are as ever and the others' rows are passed over. A plan for persons who are so few is read the
 * same way.
 */
#include "engine/query/walk/walk_run.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/match/rows/words.h"

/* Persons who did what is rare do more of everything: blocks of them are cut smaller, so that their
 * hits fit the cache, where there are hits. */
#define LISTED_CUTS 4u

/* Where streams are merged it costs so much less: they are not sought for each person. */
#define MERGED_SHARE 4u

uint32_t rc_walk_look_up_rows = 8;

/* What it costs to look up so many persons in all slabs, in rows that a sweep reads meanwhile. */
static uint64_t
look_up_rows(const struct rc_plan *plan, uint64_t count)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_slab *slab = rc_plan_view_slab(plan, i)->slab;
        const uint32_t users = rc_slab_get_info(slab)->user_count;
        const uint64_t found = count < users ? count : users;
        rows += found * rc_walk_look_up_rows / (rc_sweep_merges(plan, i) ? MERGED_SHARE : 1);
    }
    return rows;
}

/* Whether so many persons are looked up one by one. */
static bool
are_listed(const struct rc_walk_run *walk, uint64_t count)
{
    return walk->fold->stretches != NULL || look_up_rows(walk->plan, count) <= walk->plan->hits_max;
}

bool
rc_walk_looks_up(const struct rc_plan *plan)
{
    if (plan->persons == NULL || plan->plan_only)
        return false;
    const uint32_t word_count = (rc_view_user_count(plan->context->view) + 63) / 64;
    return look_up_rows(plan, rc_words_count(plan->persons, word_count)) <= plan->hits_max;
}

static enum rc_status
fold_mark(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    _Atomic uint64_t *words = state;
    (void)hits;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t person = rc_walk_person(block, slots[i]);
        const uint64_t bit = (uint64_t)1 << (person % 64);
        if ((atomic_load_explicit(&words[person / 64], memory_order_relaxed) & bit) == 0)
            atomic_fetch_or_explicit(&words[person / 64], bit, memory_order_relaxed);
    }
    return RC_OK;
}

enum rc_status
rc_walk_mark_required(struct rc_walk_run *walk, const struct rc_heads *heads)
{
    const struct rc_plan *plan = walk->plan;
    struct rc_plan narrowed;
    struct rc_heads nothing = {0};
    uint64_t hit_count = 0;
    /* What few users did is fed whatever it is: how many rows others have is not known then, and
     * must not decide how many events are fed. */
    if (plan->few_users)
        return RC_OK;
    RC_TRY(rc_plan_narrow(plan, walk->fold->required, &narrowed));
    if (narrowed.hits_max > plan->hits_max / 4)
        return RC_OK;
    uint64_t *marked = RC_ARENA_ARRAY(plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    void **states = RC_ARENA_ARRAY(plan->context->arena, void *, walk->fold->lane_count);
    if (marked == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->fold->lane_count; i++)
        states[i] = marked;
    const struct rc_fold fold = {.purpose = "users with an event that is needed",
                                 .lane_count = walk->fold->lane_count,
                                 .lanes = states,
                                 .hits = fold_mark};
    struct rc_walk_run marking = {
        .plan = &narrowed,
        .fold = &fold,
        .view = walk->view,
        .user_count = walk->user_count,
        .joined = walk->joined,
        .listed_count = walk->listed_count,
        .members = walk->members,
        .skip = walk->skip,
    };
    RC_TRY(rc_walk_cut_blocks(&marking));
    RC_TRY(rc_walk_run_blocks(&marking, &nothing, &hit_count));
    for (uint32_t i = 0; i < heads->count; i++) {
        const uint32_t person = heads->hits[i].person;
        if ((heads->hits[i].hit.mask & walk->fold->required) != 0)
            marked[person / 64] |= (uint64_t)1 << (person % 64);
    }
    walk->marked = marked;
    return RC_OK;
}

enum rc_status
rc_walk_mark_asked(struct rc_walk_run *walk)
{
    const struct rc_plan *plan = walk->plan;
    const uint32_t joined = walk->joined == NULL ? 0 : rc_persons_joined_count(walk->joined);
    if (walk->marked != NULL || plan->persons == NULL || walk->anonymous ||
        walk->fold->rows != NULL || plan->plan_only)
        return RC_OK;
    if (walk->fold->stretches == NULL && !rc_walk_looks_up(plan))
        return RC_OK;
    uint64_t *marked = RC_ARENA_ARRAY(plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    if (marked == NULL)
        return RC_NO_MEMORY;
    memcpy(marked, plan->persons, (walk->user_count + 63) / 64 * sizeof(*marked));
    for (uint32_t i = 0; i < joined; i++) {
        uint32_t member_count;
        const uint32_t *members = rc_persons_joined(walk->joined, i, &member_count);
        for (uint32_t m = 1; m < member_count; m++)
            marked[members[m] / 64] &= ~((uint64_t)1 << (members[m] % 64));
    }
    walk->marked = marked;
    return RC_OK;
}

enum rc_status
rc_walk_cut_marked(struct rc_walk_run *walk)
{
    struct rc_arena *arena = walk->plan->context->arena;
    const uint64_t hits_max = walk->plan->hits_max;
    const size_t word_count = walk->user_count / 64 + 1;
    const uint64_t count = rc_words_count(walk->marked, (uint32_t)word_count);
    if (!are_listed(walk, count)) {
        uint64_t *skip = RC_ARENA_ARRAY(arena, uint64_t, word_count);
        if (skip == NULL)
            return RC_NO_MEMORY;
        for (size_t word = 0; word < word_count; word++)
            skip[word] = ~walk->marked[word] | (walk->members == NULL ? 0 : walk->members[word]);
        walk->skip = skip;
        return rc_walk_cut_blocks(walk);
    }
    uint32_t *listed = rc_arena_alloc(arena, (count + 1) * sizeof(*listed));
    if (listed == NULL)
        return RC_NO_MEMORY;
    walk->listed = listed;
    walk->listed_count = (uint32_t)count;
    for (size_t word = 0; word < word_count; word++)
        for (uint64_t bits = walk->marked[word]; bits != 0; bits &= bits - 1)
            *listed++ = (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
    const uint64_t hits = count * (hits_max / walk->user_count + 1);
    uint32_t slots_max = walk->fold->slots_max == 0 ? UINT32_MAX : walk->fold->slots_max;
    const uint64_t cuts = walk->fold->stretches == NULL ? LISTED_CUTS : 1;
    const uint64_t per_block = count / (rc_walk_blocks_wanted(walk, hits) * cuts) + 1;
    rc_walk_cut_listed(walk, rc_walk_clamp(per_block, 1, slots_max));
    return RC_OK;
}
