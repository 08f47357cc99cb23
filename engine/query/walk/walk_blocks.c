/*
 * Walk, blocks: ranges of user ordinals, cut so that a block's hits fit the cache. Users who came
 * first have done more, so the ends come from users who were sampled from the slabs, and blocks are
 * about equal in hits. A block takes its run of rows from each slab (one range, since rows are
 * sorted by user), in the order of windows.
 */
#include "engine/query/walk/walk_run.h"

#include <stdlib.h>

#include "engine/query/plan/planner.h"

#define BLOCK_SLOTS_MAX 65536u
#define LISTED_SLOTS_MAX 4096u
/* Rows that a fold takes as they are lie in no array meanwhile: fewer blocks are enough for lanes
 * to end together and to look whether the query was cancelled. */
#define ROWS_A_HIT 16u

/* Work of which an eighth of a lane's share is worth more than what another block costs. */
#define LONG_NS 2e6

/* How many samples of users say where a block ends. */
#define SAMPLES_A_BLOCK 4u

uint32_t rc_walk_block_hits = 16384; /* 24 bytes each, twice: within a core's second cache. */

enum rc_explain_feed
rc_walk_feed_of(const struct rc_walk_run *walk)
{
    if (walk->fold->ordered)
        return RC_FEED_ORDERED;
    if (walk->fold->rows != NULL || walk->fold->stretches != NULL)
        return RC_FEED_ROWS;
    return walk->anonymous ? RC_FEED_ANONYMOUS : RC_FEED_HITS;
}

uint64_t
rc_walk_hits_of(const struct rc_plan *plan)
{
    return plan->plan_only ? (uint64_t)plan->hits_estimate : plan->hits_max;
}

void
rc_walk_cut_listed(struct rc_walk_run *walk, uint32_t slots_max)
{
    walk->listed_per_block =
        rc_walk_clamp(slots_max, 1, slots_max < LISTED_SLOTS_MAX ? slots_max : LISTED_SLOTS_MAX);
    walk->listed_blocks = walk->listed_count / walk->listed_per_block +
                          (walk->listed_count % walk->listed_per_block != 0);
}

uint64_t
rc_walk_blocks_wanted(struct rc_walk_run *walk, uint64_t hits)
{
    const uint64_t block_hits =
        (uint64_t)rc_walk_block_hits * (walk->fold->rows != NULL ? ROWS_A_HIT : 1);
    const uint64_t wanted = hits / block_hits + 1;
    const uint32_t most = walk->fold->lane_count;
    const double work_ns =
        rc_planner_walk_ns(walk->plan, rc_walk_feed_of(walk), walk->fold->reading, hits, wanted);
    const uint32_t planned = rc_planner_lanes(walk->plan->context, work_ns, UINT64_MAX);
    walk->lane_count = planned < most ? planned : most;
    /* Work for several lanes is cut so that none waits long for the last. */
    const uint64_t cuts =
        walk->lane_count == 1 ? 1 : (uint64_t)(work_ns > LONG_NS ? 8 : 4) * walk->lane_count;
    return wanted < cuts ? cuts : wanted;
}

/* A user, and how many hits lie between it and the user before of the same slab, about. */
struct sample {
    uint32_t user;
    double hits;
};

static int
compare_samples(const void *a, const void *b)
{
    const uint32_t x = ((const struct sample *)a)->user;
    const uint32_t y = ((const struct sample *)b)->user;
    return (x > y) - (x < y);
}

/* Users at equal distances of rows, more of them from slabs with more hits, ascending. */
static enum rc_status
take_samples(const struct rc_walk_run *walk,
             uint64_t wanted,
             struct sample **ret_samples,
             uint32_t *ret_count)
{
    const struct rc_plan *plan = walk->plan;
    uint32_t count = 0;
    struct sample *samples =
        RC_ARENA_ARRAY(plan->context->arena, struct sample, wanted + plan->slab_count);
    if (samples == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < plan->slab_count; i++) {
        const struct rc_plan_slab *from = &plan->slabs[i];
        const struct rc_slab *slab = rc_plan_view_slab(plan, i)->slab;
        const uint64_t mine = wanted * from->hits_max / plan->hits_max + 1;
        for (uint64_t k = 1; k <= mine; k++) {
            const uint64_t row = (k * from->row_count - 1) / mine;
            const uint32_t user = rc_slab_user_index_of_row(slab, (uint32_t)row);
            samples[count++] = (struct sample){.user = rc_slab_users(slab)[user],
                                               .hits = (double)from->hits_max / (double)mine};
        }
    }
    qsort(samples, count, sizeof(*samples), compare_samples);
    *ret_samples = samples;
    *ret_count = count;
    return RC_OK;
}

/* Ends blocks so that none has more users than slots_max. */
static void
end_block(struct rc_walk_run *walk, uint32_t slots_max, uint32_t end)
{
    while (end - rc_walk_block_first(walk, walk->block_count) > slots_max) {
        walk->block_ends[walk->block_count] =
            rc_walk_block_first(walk, walk->block_count) + slots_max;
        walk->block_count++;
    }
    if (end > rc_walk_block_first(walk, walk->block_count))
        walk->block_ends[walk->block_count++] = end;
}

enum rc_status
rc_walk_cut_blocks(struct rc_walk_run *walk)
{
    const struct rc_plan *plan = walk->plan;
    const uint64_t blocks = rc_walk_blocks_wanted(walk, rc_walk_hits_of(plan));
    /* Nobody has anything by slot where neither the walk deals hits nor the fold begins blocks. */
    const bool slotless =
        walk->anonymous || (walk->fold->rows != NULL && walk->fold->begin == NULL);
    uint32_t slots_max = slotless ? UINT32_MAX : BLOCK_SLOTS_MAX;
    if (!walk->anonymous && walk->fold->slots_max != 0 && walk->fold->slots_max < slots_max)
        slots_max = walk->fold->slots_max;
    const uint64_t most = blocks < walk->user_count ? blocks : walk->user_count;
    walk->block_ends =
        RC_ARENA_ARRAY(plan->context->arena, uint32_t, most + walk->user_count / slots_max + 2);
    if (walk->block_ends == NULL)
        return RC_NO_MEMORY;
    if (most > 1 && plan->hits_max > 0 && !plan->plan_only) {
        struct sample *samples;
        uint32_t count;
        double hits = 0;
        uint64_t ended = 0;
        RC_TRY(take_samples(walk, SAMPLES_A_BLOCK * most, &samples, &count));
        for (uint32_t i = 0; i < count && ended + 1 < most; i++) {
            hits += samples[i].hits;
            if (hits * (double)most < (double)(ended + 1) * (double)plan->hits_max)
                continue;
            end_block(walk, slots_max, samples[i].user + 1);
            ended = (uint64_t)(hits * (double)most / (double)plan->hits_max);
        }
    }
    end_block(walk, slots_max, walk->user_count);
    if (walk->listed_count > 0)
        rc_walk_cut_listed(walk, rc_walk_clamp(walk->user_count / walk->block_count, 1, slots_max));
    return RC_OK;
}

/* Events in rows of a slab of the plan. */
static uint64_t
events_of(const struct rc_plan *plan, uint32_t plan_slab, uint32_t begin, uint32_t end)
{
    struct rc_rowset *const *sets = plan->slabs[plan_slab].sets;
    uint64_t events = 0;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        events += sets[s] == NULL ? 0 : rc_rowset_count_range(sets[s], begin, end);
    return events;
}

enum rc_status
rc_walk_plain_block(struct rc_walk_lane *lane, uint32_t index)
{
    struct rc_walk_run *walk = lane->walk;
    const uint32_t first = rc_walk_block_first(walk, index);
    const uint32_t last = walk->block_ends[index];
    const struct rc_walk_block block = {
        .slot_count = walk->anonymous ? 1 : last - first, .first = first, .skip = walk->skip};
    if (walk->fold->begin != NULL)
        RC_TRY(walk->fold->begin(lane->state, &block));
    for (uint32_t i = 0; i < walk->plan->slab_count; i++) {
        const struct rc_slab *slab = rc_plan_view_slab(walk->plan, i)->slab;
        const uint32_t *starts = rc_slab_starts(slab);
        const uint32_t begin = first == 0 ? 0 : starts[rc_slab_user_lower_bound(slab, first)];
        const uint32_t end = last == walk->user_count
                                 ? rc_slab_get_info(slab)->row_count
                                 : starts[rc_slab_user_lower_bound(slab, last)];
        if (begin == end)
            continue;
        if (walk->fold->rows != NULL) {
            RC_TRY(walk->fold->rows(lane->state, &block, i, begin, end, &lane->hit_count));
            lane->read_count += walk->explain == NULL ? 0 : events_of(walk->plan, i, begin, end);
            continue;
        }
        rc_sweep_open(lane->sweep, i);
        rc_sweep_seek(lane->sweep, begin, end, walk->anonymous ? RC_OWNER_NOBODY : RC_OWNER_USER,
                      first, 0);
        RC_TRY(rc_walk_read_stretch(lane, &block));
    }
    RC_TRY(rc_walk_add_heads(lane, index));
    return rc_walk_finish_block(lane, &block);
}
