/*
 * Activity. No order is needed: a block of persons has a bit for each (person, bucket), set as the
 * hits come, and the persons are handed over when the next block begins. So many persons make a
 * block that their bits fit the cache.
 *
 * Where a bucket needs several events, a count for each (person, bucket) stands beside the bits and
 * sets the bit when it gets there.
 */
#include "engine/query/activity.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/walk.h"

#define BLOCK_BYTES ((size_t)512 * 1024)

struct lane {
    const struct rc_activity *activity;
    void *state;       /* The caller's. */
    uint32_t words;    /* Of a person's bits. */
    uint32_t slots;    /* Of the block at hand, */
    uint32_t first;    /* which begins with this person, */
    bool listed;       /* or has those of persons. */
    uint32_t *persons; /* A copy: the walk's is of the next block when this one is handed over. */
    uint64_t *bits;    /* [slot][words]. */
    uint32_t *counts;  /* [slot][bucket]; NULL: one event is enough. */
    uint64_t *touched; /* A bit for each slot with a hit. */
};

struct run {
    uint32_t lane_count;
    struct lane *lanes;
};

static void
run_close(struct run *run)
{
    for (uint32_t i = 0; i < run->lane_count; i++) {
        rc_alloc_free(run->lanes[i].bits);
        rc_alloc_free(run->lanes[i].counts);
        rc_alloc_free(run->lanes[i].touched);
        rc_alloc_free(run->lanes[i].persons);
    }
}

/* Hands over the persons of the block at hand. */
static void
finish_block(struct lane *lane)
{
    for (uint32_t word = 0; word < (lane->slots + 63) / 64; word++) {
        for (uint64_t left = lane->touched[word]; left != 0; left &= left - 1) {
            const uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);
            lane->activity->person(lane->state,
                                   lane->listed ? lane->persons[slot] : lane->first + slot,
                                   lane->bits + (size_t)slot * lane->words);
        }
    }
    lane->slots = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    finish_block(lane);
    lane->slots = block->slot_count;
    lane->first = block->first;
    lane->listed = block->persons != NULL;
    if (lane->listed)
        memcpy(lane->persons, block->persons, lane->slots * sizeof(*lane->persons));
    memset(lane->bits, 0, (size_t)lane->slots * lane->words * sizeof(*lane->bits));
    memset(lane->touched, 0, ((size_t)lane->slots + 63) / 64 * sizeof(*lane->touched));
    if (lane->counts != NULL)
        memset(lane->counts, 0,
               (size_t)lane->slots * lane->activity->map->count * sizeof(*lane->counts));
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    (void)block;
    struct lane *lane = state;
    const struct rc_activity *activity = lane->activity;
    const uint32_t buckets = activity->map->count;
    for (uint32_t i = 0; i < count; i++) {
        const int64_t time_ms = hits[i].time_ms;
        const bool earlier =
            time_ms < activity->map->base_ms ||
            (time_ms >= activity->skip_from_ms && time_ms < activity->skip_until_ms);
        const uint32_t place = earlier ? buckets : rc_bucket_map_find(activity->map, time_ms);
        lane->touched[slots[i] / 64] |= (uint64_t)1 << (slots[i] % 64);
        if (lane->counts != NULL && !earlier) {
            uint32_t *events = &lane->counts[(size_t)slots[i] * buckets + place];
            if (++*events != activity->min_events)
                continue;
        }
        lane->bits[(size_t)slots[i] * lane->words + place / 64] |= (uint64_t)1 << (place % 64);
    }
    return RC_OK;
}

static enum rc_status
lane_open(struct lane *lane, const struct rc_activity *activity, uint32_t slots)
{
    struct rc_account *account = activity->plan->context->account;
    lane->activity = activity;
    lane->words = activity->map->count / 64 + 1;
    lane->bits = rc_alloc_in(account, (size_t)slots * lane->words * sizeof(*lane->bits));
    lane->touched = rc_alloc_in(account, ((size_t)slots + 63) / 64 * sizeof(*lane->touched));
    lane->persons = rc_alloc_in(account, (size_t)slots * sizeof(*lane->persons));
    if (lane->bits == NULL || lane->touched == NULL || lane->persons == NULL)
        return RC_NO_MEMORY;
    if (activity->min_events > 1) {
        lane->counts =
            rc_alloc_in(account, (size_t)slots * activity->map->count * sizeof(*lane->counts));
        if (lane->counts == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

enum rc_status
rc_activity_walk(const struct rc_activity *activity, uint64_t *hit_count)
{
    struct rc_arena *arena = activity->plan->context->arena;
    RC_ASSERT(activity->min_events > 0 && activity->lane_count > 0);
    const size_t counted = activity->min_events > 1 ? sizeof(uint32_t) : 0;
    const size_t person_bytes =
        (activity->map->count / 64 + 1) * sizeof(uint64_t) + activity->map->count * counted;
    const size_t slots = BLOCK_BYTES / person_bytes + 1;
    RC_CLEANUP(run_close) struct run run = {.lanes = NULL};
    void **states = RC_ARENA_ARRAY(arena, void *, activity->lane_count);
    run.lanes = RC_ARENA_ARRAY(arena, struct lane, activity->lane_count);
    if (states == NULL || run.lanes == NULL)
        return RC_NO_MEMORY;
    run.lane_count = activity->lane_count;
    for (uint32_t i = 0; i < run.lane_count; i++) {
        states[i] = &run.lanes[i];
        run.lanes[i].state = activity->lanes[i];
        RC_TRY(lane_open(&run.lanes[i], activity, (uint32_t)slots));
    }
    const struct rc_fold fold = {
        .slots_max = (uint32_t)slots,
        .lane_count = run.lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
    };
    RC_TRY(rc_walk(activity->plan, &fold, hit_count));
    for (uint32_t i = 0; i < run.lane_count; i++)
        finish_block(&run.lanes[i]);
    return RC_OK;
}
