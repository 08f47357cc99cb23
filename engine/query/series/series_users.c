/*
 * Series scan, users. Of 64 users of a block each bucket has a word with a bit a user, set once for
 * each spell of the user's rows in one bucket (slab/spells.h). When a block is over the bits of its
 * words are counted.
 */
#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/slab/spells.h"

#define GROUP 64u
#define BITS_BYTES ((size_t)256 * 1024) /* Of a block's users: within a core's second cache. */

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    uint32_t stream;
    uint32_t buckets;
    const struct rc_bucket_table *tables;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_spells spells;
    uint32_t group_count; /* Of the block at hand. */
    uint64_t *users;      /* [group][bucket]: a bit a user. */
    uint64_t *counts;     /* By bucket, and of the range. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_spells_close(&scan->lanes[i].spells);
        rc_alloc_free(scan->lanes[i].users);
        rc_alloc_free(scan->lanes[i].counts);
    }
}

/* Leaves each user of a group its first bucket. */
static void
leave_first(uint64_t *users, uint32_t buckets)
{
    uint64_t seen = 0;
    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
        const uint64_t here = users[bucket];
        users[bucket] &= ~seen;
        seen |= here;
    }
}

/* Counts the users of the block that is over; with cumulative only in their first bucket. */
static void
count_block(struct lane *lane)
{
    const struct scan *scan = lane->scan;
    const uint32_t buckets = scan->buckets;
    for (uint32_t group = 0; group < lane->group_count; group++) {
        uint64_t *users = lane->users + (size_t)group * buckets;
        uint64_t any = 0;
        if (scan->frame->request->cumulative)
            leave_first(users, buckets);
        for (uint32_t bucket = 0; bucket < buckets; bucket++)
            any |= users[bucket];
        if (any == 0)
            continue;
        rc_words_add_counts(users, buckets, lane->counts);
        lane->counts[buckets] += rc_words_count(&any, 1);
    }
    lane->group_count = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_block(lane);
    lane->group_count = (block->slot_count + GROUP - 1) / GROUP;
    memset(lane->users, 0, (size_t)lane->group_count * lane->scan->buckets * sizeof(*lane->users));
    return RC_OK;
}

static inline void
add_user(const struct lane *lane, uint32_t slot, uint32_t bucket)
{
    lane->users[(size_t)(slot / GROUP) * lane->scan->buckets + bucket] |= (uint64_t)1
                                                                          << (slot % GROUP);
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct lane *lane = state;
    const struct scan *scan = lane->scan;
    (void)block;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket;
        if (!rc_series_frame_place(scan->frame, scan->line->series, scan->buckets, &hits[i],
                                   &bucket))
            continue;
        add_user(lane, slots[i], bucket);
    }
    return RC_OK;
}

static void
take_spells(void *state, const struct rc_spell *spells, uint32_t count)
{
    const struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++)
        add_user(lane, spells[i].slot, spells[i].place);
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct lane *lane = state;
    return rc_spells_read(&lane->spells, block, plan_slab, begin, end, take_spells, lane,
                          hit_count);
}

static enum rc_status
scan_open(struct scan *scan, uint32_t slots)
{
    const struct rc_query_context *context = scan->frame->context;
    RC_TRY(rc_series_tables(scan->frame, scan->line, &scan->tables));
    scan->lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    if (scan->lanes == NULL)
        return RC_NO_MEMORY;
    scan->lane_count = context->parallel_max;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        struct lane *lane = &scan->lanes[i];
        const size_t count_bytes = ((size_t)scan->buckets + 1) * sizeof(*lane->counts);
        lane->scan = scan;
        RC_TRY(rc_spells_open(&lane->spells, scan->frame->plan, scan->stream, scan->tables));
        lane->users =
            rc_alloc_in(context->account, slots / GROUP * scan->buckets * sizeof(*lane->users));
        lane->counts = rc_alloc_in(context->account, count_bytes);
        if (lane->users == NULL || lane->counts == NULL)
            return RC_NO_MEMORY;
        memset(lane->counts, 0, count_bytes);
    }
    return RC_OK;
}

static void
finish(const struct scan *scan)
{
    const struct rc_series_line *line = scan->line;
    const uint32_t places = rc_line_places(scan->frame, line);
    uint64_t sum = 0;
    uint64_t all = 0;
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        count_block(&scan->lanes[i]);
        all += scan->lanes[i].counts[scan->buckets];
    }
    for (uint32_t bucket = 0; places > 1 && bucket < scan->buckets; bucket++) {
        uint64_t count = 0;
        for (uint32_t i = 0; i < scan->lane_count; i++)
            count += scan->lanes[i].counts[bucket];
        sum = scan->frame->request->cumulative ? sum + count : count;
        line->values[bucket] = (double)sum;
    }
    line->values[places - 1] = (double)all;
    line->present[0] = all > 0;
}

enum rc_status
rc_series_scan_users(const struct rc_series_frame *frame,
                     const struct rc_series_line *line,
                     bool *ret_done)
{
    const uint64_t bit = (uint64_t)1 << frame->bit_of[line->series];
    RC_CLEANUP(scan_close) struct scan scan = {.frame = frame, .line = line};
    *ret_done = false;
    scan.stream = rc_slab_rows_stream(frame->plan, bit);
    if (frame->request->series[line->series].measure != RC_MEASURE_UNIQUE ||
        frame->splits[RC_SERIES_ROWS] != NULL || scan.stream == UINT32_MAX ||
        !rc_planner_reads_rows(frame->plan, scan.stream, line->series, RC_ROWS_TIMES))
        return RC_OK;
    scan.buckets = line->bucketed && frame->bucket_count > 0 ? frame->bucket_count : 1;
    size_t slots = BITS_BYTES / (scan.buckets * sizeof(uint64_t)) * GROUP;
    slots = slots < GROUP ? GROUP : slots;
    RC_TRY(scan_open(&scan, (uint32_t)slots));
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
        .purpose = "users of each bucket",
        .slots_max = (uint32_t)slots,
        .lane_count = scan.lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
        .rows = fold_rows,
    };
    RC_TRY(rc_walk(frame->plan, &fold, &frame->stats->matched_events));
    finish(&scan);
    *ret_done = true;
    return RC_OK;
}
