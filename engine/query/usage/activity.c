/*
 * Activity. No order is needed: a block of persons has a bit for each (person, bucket), set as the
 * hits come, and the persons are handed over when the next block begins. So many persons make a
 * block that their bits fit the cache.
 *
 * Where a bucket needs several events, a count for each (person, bucket) stands beside the bits and
 * sets the bit when it gets there.
 *
 * With rows there are bits for each (person, row, bucket), and as many walks as it takes to have so
 * few rows at a time that a block still holds many persons.
 */
#include "engine/query/usage/activity.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/walk/walk.h"

#define BLOCK_BYTES ((size_t)512 * 1024)
#define ROWS_AT_A_TIME 64u
#define BLOCK_PERSONS 64u /* With several rows at a time, at least. */

struct lane {
    const struct rc_activity *activity;
    void *state; /* The caller's. */
    struct rc_split_list list;
    uint32_t words;    /* Of a person's bits. */
    uint32_t first;    /* The rows at hand. */
    uint32_t rows;     /* How many of them. */
    uint32_t slots;    /* Of the block at hand, */
    uint32_t person;   /* which begins with this one, */
    bool listed;       /* or has those of persons. */
    uint32_t *persons; /* A copy: the walk's is of the next block when this one is handed over. */
    uint64_t *bits;    /* [slot][row][words]. */
    uint32_t *counts;  /* [slot][row][bucket]; NULL: one event is enough. */
    uint64_t *touched; /* A bit for each (slot, row) with a hit. */
};

struct run {
    uint32_t lane_count;
    struct lane *lanes;
    uint64_t hit_count; /* Of the last walk: each reads the same. */
};

static void
run_close(struct run *run)
{
    for (uint32_t i = 0; i < run->lane_count; i++) {
        rc_alloc_free(run->lanes[i].bits);
        rc_alloc_free(run->lanes[i].counts);
        rc_alloc_free(run->lanes[i].touched);
        rc_alloc_free(run->lanes[i].persons);
        rc_split_list_close(&run->lanes[i].list);
    }
}

/* Hands over the persons of the block at hand. */
static void
finish_block(struct lane *lane)
{
    const size_t places = (size_t)lane->slots * lane->rows;
    for (size_t word = 0; word < (places + 63) / 64; word++) {
        for (uint64_t left = lane->touched[word]; left != 0; left &= left - 1) {
            const size_t at = word * 64 + (size_t)__builtin_ctzll(left);
            const uint32_t slot = (uint32_t)(at / lane->rows);
            lane->activity->person(lane->state, lane->first + (uint32_t)(at % lane->rows),
                                   lane->listed ? lane->persons[slot] : lane->person + slot,
                                   lane->bits + at * lane->words);
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
    lane->person = block->first;
    lane->listed = block->persons != NULL;
    if (lane->listed)
        memcpy(lane->persons, block->persons, lane->slots * sizeof(*lane->persons));
    const size_t places = (size_t)lane->slots * lane->rows;
    memset(lane->bits, 0, places * lane->words * sizeof(*lane->bits));
    memset(lane->touched, 0, (places + 63) / 64 * sizeof(*lane->touched));
    if (lane->counts != NULL)
        memset(lane->counts, 0, places * lane->activity->map->count * sizeof(*lane->counts));
    return RC_OK;
}

/* Notes a hit in a bucket (map->count: earlier than all of them) of a (slot, row). */
static inline void
note(struct lane *lane, size_t at, uint32_t place)
{
    const struct rc_activity *activity = lane->activity;
    const uint32_t buckets = activity->map->count;
    lane->touched[at / 64] |= (uint64_t)1 << (at % 64);
    if (lane->counts != NULL && place < buckets &&
        ++lane->counts[at * buckets + place] != activity->min_events)
        return;
    lane->bits[at * lane->words + place / 64] |= (uint64_t)1 << (place % 64);
}

static uint32_t
place_of(const struct rc_activity *activity, int64_t time_ms)
{
    const bool earlier = time_ms < activity->map->base_ms ||
                         (time_ms >= activity->skip_from_ms && time_ms < activity->skip_until_ms);
    return earlier ? activity->map->count : rc_bucket_map_find(activity->map, time_ms);
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
    for (uint32_t i = 0; i < count; i++)
        note(lane, slots[i], place_of(lane->activity, hits[i].time_ms));
    return RC_OK;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct rc_activity *activity = lane->activity;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *rows;
        uint32_t row_count;
        uint64_t noted = 0; /* Other may be several of the split's. */
        RC_TRY(rc_split_rows(activity->split, rc_walk_person(block, slots[i]), &hits[i],
                             &lane->list, &rows, &row_count));
        const uint32_t place = place_of(activity, hits[i].time_ms);
        for (uint32_t k = 0; k < row_count; k++) {
            const uint32_t row = activity->row_of[rows[k]] - lane->first;
            if (row >= lane->rows || ((noted >> row) & 1) != 0)
                continue;
            noted |= (uint64_t)1 << row;
            note(lane, (size_t)slots[i] * lane->rows + row, place);
        }
    }
    return RC_OK;
}

static enum rc_status
lane_open(struct lane *lane, const struct rc_activity *activity, size_t slots, uint32_t rows)
{
    struct rc_account *account = activity->plan->context->account;
    const size_t places = slots * rows;
    lane->activity = activity;
    lane->list.account = account;
    lane->words = activity->map->count / 64 + 1;
    lane->bits = rc_alloc_in(account, places * lane->words * sizeof(*lane->bits));
    lane->touched = rc_alloc_in(account, (places + 63) / 64 * sizeof(*lane->touched));
    lane->persons = rc_alloc_in(account, slots * sizeof(*lane->persons));
    if (lane->bits == NULL || lane->touched == NULL || lane->persons == NULL)
        return RC_NO_MEMORY;
    if (activity->min_events > 1) {
        lane->counts =
            rc_alloc_in(account, places * activity->map->count * sizeof(*lane->counts) + 1);
        if (lane->counts == NULL)
            return RC_NO_MEMORY;
    }
    return RC_OK;
}

/* One walk, over the rows from first on. */
static enum rc_status
walk_rows(struct run *run, void *const *states, uint32_t first, uint32_t rows, uint32_t slots)
{
    const struct rc_activity *activity = run->lanes[0].activity;
    uint64_t hit_count = 0;
    for (uint32_t i = 0; i < run->lane_count; i++) {
        run->lanes[i].first = first;
        run->lanes[i].rows = rows;
    }
    const struct rc_fold fold = {
        .purpose = "active users",
        .slots_max = slots,
        .lane_count = run->lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = activity->split == NULL ? fold_hits : fold_rows,
    };
    RC_TRY(rc_walk(activity->plan, &fold, &hit_count));
    for (uint32_t i = 0; i < run->lane_count; i++)
        finish_block(&run->lanes[i]);
    run->hit_count = hit_count;
    return RC_OK;
}

enum rc_status
rc_activity_walk(const struct rc_activity *activity, uint64_t *hit_count)
{
    struct rc_arena *arena = activity->plan->context->arena;
    const uint32_t row_count = activity->split == NULL ? 1 : activity->row_count;
    RC_ASSERT(activity->min_events > 0 && activity->lane_count > 0);
    if (row_count == 0)
        return RC_OK;
    uint32_t rows = row_count < ROWS_AT_A_TIME ? row_count : ROWS_AT_A_TIME;
    const size_t counted = activity->min_events > 1 ? sizeof(uint32_t) : 0;
    const size_t row_bytes =
        (activity->map->count / 64 + 1) * sizeof(uint64_t) + activity->map->count * counted;
    while (rows > 1 && rows * row_bytes > BLOCK_BYTES / BLOCK_PERSONS)
        rows = (rows + 1) / 2;
    const size_t slots = BLOCK_BYTES / (rows * row_bytes) + 1;
    RC_CLEANUP(run_close) struct run run = {.lanes = NULL};
    void **states = RC_ARENA_ARRAY(arena, void *, activity->lane_count);
    run.lanes = RC_ARENA_ARRAY(arena, struct lane, activity->lane_count);
    if (states == NULL || run.lanes == NULL)
        return RC_NO_MEMORY;
    run.lane_count = activity->lane_count;
    for (uint32_t i = 0; i < run.lane_count; i++) {
        states[i] = &run.lanes[i];
        run.lanes[i].state = activity->lanes[i];
        RC_TRY(lane_open(&run.lanes[i], activity, slots, rows));
    }
    for (uint32_t first = 0; first < row_count; first += rows) {
        const uint32_t left = row_count - first;
        RC_TRY(walk_rows(&run, states, first, left < rows ? left : rows, (uint32_t)slots));
    }
    *hit_count += run.hit_count;
    return RC_OK;
}
