/*
 * Walk. Blocks of users are read slab by slab (walk_blocks.c), and joined persons, whose rows lie
 * under several ordinals, and persons who alone are asked about (walk_required.c) in blocks of
 * their own (walk_listed.c). Lanes share the blocks (walk_run.c).
 */
#include "engine/query/walk/walk.h"

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/query/walk/entities.h"
#include "engine/query/walk/walk_run.h"

/* Marks the users that belong to joined persons. */
static enum rc_status
find_joined(struct rc_walk_run *walk)
{
    walk->joined = rc_view_persons(walk->view);
    walk->listed_count = walk->joined == NULL ? 0 : rc_persons_joined_count(walk->joined);
    if (walk->listed_count == 0 || walk->anonymous) {
        walk->listed_count = 0;
        walk->joined = NULL;
        return RC_OK;
    }
    walk->members = RC_ARENA_ARRAY(walk->plan->context->arena, uint64_t, walk->user_count / 64 + 1);
    if (walk->members == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < walk->listed_count; i++) {
        uint32_t count;
        const uint32_t *members = rc_persons_joined(walk->joined, i, &count);
        for (uint32_t m = 0; m < count; m++)
            walk->members[members[m] / 64] |= (uint64_t)1 << (members[m] % 64);
    }
    walk->skip = walk->members;
    return RC_OK;
}

enum rc_status
rc_walk(const struct rc_plan *plan, const struct rc_fold *fold, uint64_t *hit_count)
{
    struct rc_walk_run walk = {
        .plan = plan,
        .fold = fold,
        .view = plan->context->view,
        .anonymous = !fold->ordered && fold->anonymous && !plan->reads_persons,
        .user_count = rc_view_user_count(plan->context->view),
    };
    RC_CLEANUP(rc_heads_close) struct rc_heads heads = {0};
    RC_ASSERT(fold->lane_count > 0);
    if (plan->entities != NULL)
        return rc_entities_walk(plan, fold, hit_count);
    RC_ASSERT(fold->rows == NULL ||
              (!fold->ordered && (!plan->reads_persons || fold->asks_persons)));
    RC_ASSERT(fold->required == 0 || (fold->rows == NULL && !fold->anonymous));
    RC_ASSERT(fold->stretches == NULL || (plan->persons != NULL && !fold->ordered &&
                                          fold->required == 0 && fold->rows == NULL));
    if (walk.user_count == 0)
        return RC_OK;
    RC_TRY(find_joined(&walk));
    if (!plan->plan_only)
        RC_TRY(rc_heads_find(plan, &heads));
    if (fold->required != 0 && !plan->plan_only)
        RC_TRY(rc_walk_mark_required(&walk, &heads));
    RC_TRY(rc_walk_mark_asked(&walk));
    if (walk.marked != NULL)
        RC_TRY(rc_walk_cut_marked(&walk));
    else
        RC_TRY(rc_walk_cut_blocks(&walk));
    RC_TRY(rc_walk_run_blocks(&walk, &heads, hit_count));
    return rc_view_check_reads(walk.view, NULL);
}

/* Gathers and hands over all hits of one person. */
static enum rc_status
run_one(struct rc_walk_lane *lane, uint32_t person)
{
    struct rc_walk_run *walk = lane->walk;
    const struct rc_walk_block block = {.slot_count = 1, .persons = &person};
    RC_CLEANUP(rc_heads_close) struct rc_heads heads = {0};
    uint32_t member_count = 0;
    RC_TRY(rc_walk_list_members(lane, person, 0, &member_count));
    RC_TRY(rc_walk_read_members(lane, &block, lane->member_slots, member_count));
    RC_TRY(rc_heads_find(walk->plan, &heads));
    for (uint32_t i = 0; i < heads.count; i++) {
        if (heads.hits[i].person != person)
            continue;
        RC_TRY(rc_hits_reserve(&lane->hits, 1));
        lane->hits.hits[lane->hits.count] = heads.hits[i].hit;
        lane->hits.slots[lane->hits.count++] = 0;
    }
    return rc_walk_finish_block(lane, &block);
}

enum rc_status
rc_walk_one(const struct rc_plan *plan,
            const struct rc_fold *fold,
            uint32_t person,
            uint64_t *hit_count)
{
    RC_ASSERT(fold->ordered && plan->entities == NULL);
    struct rc_walk_run walk = {
        .plan = plan,
        .fold = fold,
        .view = plan->context->view,
        .joined = rc_view_persons(plan->context->view),
    };
    RC_CLEANUP(rc_walk_lane_close)
    struct rc_walk_lane lane = {
        .walk = &walk, .state = fold->lanes[0], .hits = {.account = plan->context->account}};
    walk.explain = rc_walk_open_explain(&walk, RC_FEED_ONE, 1, 1);
    if (plan->plan_only)
        return RC_OK;
    const uint64_t begin_ns = walk.explain == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY(rc_sweep_new(plan, NULL, fold->timeless, &lane.sweep));
    RC_TRY(run_one(&lane, person));
    *hit_count += lane.hit_count;
    if (walk.explain != NULL) {
        walk.explain->hits_actual = lane.hit_count;
        walk.explain->elapsed_ns = walk.explain->lane_ns[0] = rc_clock_monotonic_ns() - begin_ns;
    }
    return rc_view_check_reads(walk.view, NULL);
}
