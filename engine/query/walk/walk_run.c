/*
 * Walk, lanes: they take blocks from one counter. The first status that is not RC_OK stops all of
 * them.
 */
#include "engine/query/walk/walk_run.h"

#include <stdatomic.h>

#include "engine/base/clock.h"
#include "engine/query/plan/planner.h"
#include "engine/query/slab/slab_rows.h"

static enum rc_status
run_blocks(struct rc_walk_lane *lane)
{
    struct rc_walk_run *walk = lane->walk;
    struct rc_query_progress *progress = walk->plan->context->progress;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    for (;;) {
        if (atomic_load_explicit(&walk->status, memory_order_relaxed) != RC_OK)
            return RC_OK;
        if (rc_walk_cancelled(walk))
            return RC_CANCELLED;
        const uint32_t index = atomic_fetch_add(&walk->next_block, 1);
        if (index >= blocks)
            return RC_OK;
        RC_TRY(index < walk->block_count ? rc_walk_plain_block(lane, index)
                                         : rc_walk_listed_block(lane, index - walk->block_count));
        if (progress != NULL)
            atomic_fetch_add_explicit(&progress->done, 1, memory_order_relaxed);
    }
}

void
rc_walk_lane_close(struct rc_walk_lane *lane)
{
    lane->sweep = rc_sweep_free(lane->sweep);
    rc_hits_close(&lane->hits);
    rc_alloc_free(lane->dealt);
    rc_alloc_free(lane->scratch);
    rc_alloc_free(lane->starts);
    rc_alloc_free(lane->member_slots);
    rc_alloc_free(lane->persons);
}

static void
run_lane(void *argument, uint32_t index)
{
    struct rc_walk_run *walk = argument;
    RC_CLEANUP(rc_walk_lane_close)
    struct rc_walk_lane lane = {
        .walk = walk,
        .state = walk->fold->lanes[index],
        .hits = {.account = walk->plan->context->account},
    };
    const uint64_t begin_ns = walk->explain == NULL ? 0 : rc_clock_monotonic_ns();
    enum rc_status status = rc_sweep_new(walk->plan, walk->skip, walk->fold->timeless, &lane.sweep);
    if (status == RC_OK)
        status = run_blocks(&lane);
    if (walk->explain != NULL)
        walk->explain->lane_ns[index] = rc_clock_monotonic_ns() - begin_ns;
    int expected = RC_OK;
    if (status != RC_OK)
        atomic_compare_exchange_strong(&walk->status, &expected, (int)status);
    atomic_fetch_add(&walk->hit_count, lane.hit_count);
    atomic_fetch_add(&walk->read_count, lane.read_count);
}

/* Bytes of bitmaps, users and times that a walk reads: those of rows that match, and at least a
 * cache line each. */
static uint64_t
bytes_of(const struct rc_plan *plan)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_plan_slab *slab = &plan->slabs[i];
        const uint64_t times = (uint64_t)slab->row_count * 4;
        bytes += slab->hits_max * 64 < times ? slab->hits_max * 64 : times;
        for (uint32_t s = 0; s < plan->stream_count; s++)
            bytes += slab->sets[s] == NULL ? 0 : rc_rowset_memory_bytes(slab->sets[s]);
    }
    return bytes;
}

struct rc_explain_walk *
rc_walk_open_explain(const struct rc_walk_run *walk,
                     enum rc_explain_feed feed,
                     uint32_t blocks,
                     uint32_t lanes)
{
    const struct rc_plan *plan = walk->plan;
    if (plan->explain == NULL)
        return NULL;
    struct rc_explain_walk *out = rc_explain_add_walk(plan->context->explain, plan->explain, lanes);
    if (out == NULL)
        return NULL;
    out->purpose = walk->fold->purpose;
    out->feed = feed;
    out->slabs = plan->plan_only ? plan->slabs_planned : plan->slab_count;
    out->blocks = blocks;
    out->lanes_max = walk->fold->lane_count;
    out->hits_estimate = (double)rc_walk_hits_of(plan);
    out->estimate_ns =
        rc_planner_walk_ns(plan, feed, walk->fold->reading, rc_walk_hits_of(plan), blocks);
    out->bytes = bytes_of(plan);
    return out;
}

uint32_t rc_walk_users_share = RC_ROWSET_TIMES_SHARE;

/* Has users kept of sets whose users are asked for by themselves. */
static void
keep_users(const struct rc_walk_run *walk)
{
    const struct rc_plan *plan = walk->plan;
    if (walk->anonymous || walk->block_count == 0 || walk->fold->rows != NULL ||
        walk->fold->timeless || plan->few_users || plan->stream_count > 1)
        return;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_row_owners owners = rc_slab_rows_owned(rc_plan_view_slab(plan, i)->slab);
        if (plan->slabs[i].sets[0] != NULL)
            (void)rc_rowset_keep_users(plan->slabs[i].sets[0], &owners, rc_walk_users_share);
    }
}

enum rc_status
rc_walk_run_blocks(struct rc_walk_run *walk, struct rc_heads *heads, uint64_t *hit_count)
{
    const struct rc_query_context *context = walk->plan->context;
    const uint32_t blocks = walk->block_count + walk->listed_blocks;
    const uint32_t lanes = walk->lane_count < blocks ? walk->lane_count : blocks;
    if (blocks == 0)
        return RC_OK;
    walk->explain = rc_walk_open_explain(walk, rc_walk_feed_of(walk), blocks, lanes);
    if (walk->plan->plan_only)
        return RC_OK;
    const uint64_t begin_ns = walk->explain == NULL ? 0 : rc_clock_monotonic_ns();
    RC_TRY(rc_walk_file_heads(walk, heads));
    keep_users(walk);
    if (context->progress != NULL)
        atomic_fetch_add_explicit(&context->progress->all, blocks, memory_order_relaxed);
    rc_workers_run(context->workers, lanes, lanes, run_lane, walk);
    *hit_count += atomic_load(&walk->hit_count);
    if (walk->explain != NULL) {
        walk->explain->hits_actual = atomic_load(&walk->read_count);
        walk->explain->elapsed_ns = rc_clock_monotonic_ns() - begin_ns;
    }
    return (enum rc_status)atomic_load(&walk->status);
}
