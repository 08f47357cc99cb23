/*
 * Selector sets. All is in the masks of hits. Few different ones occur, one after the other: a lane
 * counts them in a table with one place for each hash, and what is pushed out of its place is dealt
 * to the selectors. A user's masks are gathered for the length of a block, and counted as it ends.
 */
#include "engine/query/suggest/selector_sets.h"

#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/walk/walk.h"

#define SLOTS_MAX 16384u /* 128 KiB of masks a lane. */
#define PLACES 64u

struct lane {
    uint64_t *users; /* By slot. */
    uint32_t slot_count;
    struct {
        uint64_t mask;
        uint64_t count;
    } places[PLACES];
    struct rc_selector_sets sets;
};

static void
deal(struct rc_selector_sets *sets, uint64_t mask, uint64_t count)
{
    for (uint64_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(left);
        sets->events[i] += count;
        sets->apart[i] |= ~mask;
    }
}

static void
count_mask(struct lane *lane, uint64_t mask)
{
    const unsigned place = (unsigned)(mask * UINT64_C(0x9e3779b97f4a7c15) >> 58);
    if (lane->places[place].mask != mask) {
        deal(&lane->sets, lane->places[place].mask, lane->places[place].count);
        lane->places[place].mask = mask;
        lane->places[place].count = 0;
    }
    lane->places[place].count++;
}

static void
count_users(struct lane *lane)
{
    for (uint32_t slot = 0; slot < lane->slot_count; slot += 64)
        rc_words_count_bits(lane->users + slot, RC_SELECTORS_MAX, lane->sets.users);
    lane->slot_count = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_users(lane);
    lane->slot_count = (block->slot_count + 63) / 64 * 64;
    memset(lane->users, 0, lane->slot_count * sizeof(*lane->users));
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
    for (uint32_t i = 0; i < count; i++) {
        lane->users[slots[i]] |= hits[i].mask;
        count_mask(lane, hits[i].mask);
    }
    return RC_OK;
}

static void
finish(struct lane *lane, struct rc_selector_sets *sum)
{
    count_users(lane);
    for (uint32_t i = 0; i < PLACES; i++)
        deal(&lane->sets, lane->places[i].mask, lane->places[i].count);
    for (uint32_t i = 0; i < RC_SELECTORS_MAX; i++) {
        sum->events[i] += lane->sets.events[i];
        sum->users[i] += lane->sets.users[i];
        sum->apart[i] |= lane->sets.apart[i];
    }
}

enum rc_status
rc_selector_sets_count(const struct rc_plan *plan,
                       struct rc_selector_sets *ret_sets,
                       uint64_t *hit_count)
{
    struct rc_arena *arena = plan->context->arena;
    const uint32_t lane_count = plan->context->parallel_max;
    struct lane *lanes = RC_ARENA_ARRAY(arena, struct lane, lane_count);
    void **states = RC_ARENA_ARRAY(arena, void *, lane_count);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < lane_count; i++) {
        states[i] = &lanes[i];
        lanes[i].users = RC_ARENA_ARRAY(arena, uint64_t, SLOTS_MAX);
        if (lanes[i].users == NULL)
            return RC_NO_MEMORY;
    }
    const struct rc_fold fold = {.purpose = "events and users of proposals",
                                 .slots_max = SLOTS_MAX,
                                 .lane_count = lane_count,
                                 .lanes = states,
                                 .begin = fold_begin,
                                 .hits = fold_hits};
    RC_TRY(rc_walk(plan, &fold, hit_count));
    memset(ret_sets, 0, sizeof(*ret_sets));
    for (uint32_t i = 0; i < lane_count; i++)
        finish(&lanes[i], ret_sets);
    return RC_OK;
}
