/*
 * Series scan, users. Every user of a block has a bit for each bucket, set once for each spell of
 * the user's rows in one bucket (walk/spells.h). When a block is over its bits are counted, those
 * of 64 users together.
 */
#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/plan/planner.h"
#include "engine/query/series/series_scan.h"
#include "engine/query/walk/spells.h"

#define GROUP 64u
#define BITS_BYTES ((size_t)256 * 1024) /* Of a block's users: within a core's second cache. */

struct scan {
    const struct rc_series_frame *frame;
    const struct rc_series_line *line;
    uint32_t stream;
    uint32_t buckets;
    uint32_t words; /* A user. */
    const struct rc_bucket_table *tables;
    uint32_t lane_count;
    struct lane *lanes;
};

struct lane {
    const struct scan *scan;
    struct rc_spells spells;
    uint32_t slot_count; /* Of the block at hand, rounded up to whole groups. */
    uint64_t *bits;      /* [slot][words]. */
    uint64_t *counts;    /* By bucket, and of the range. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_spells_close(&scan->lanes[i].spells);
        rc_alloc_free(scan->lanes[i].bits);
        rc_alloc_free(scan->lanes[i].counts);
    }
}

/* Leaves each user of a group its first bucket. */
static void
leave_first(uint64_t *bits, uint32_t words)
{
    for (uint32_t i = 0; i < GROUP; i++) {
        bool seen = false;
        for (uint32_t word = 0; word < words; word++) {
            uint64_t *left = &bits[(size_t)i * words + word];
            *left = seen ? 0 : *left & -*left;
            seen = seen || *left != 0;
        }
    }
}

/* Counts the bits of the block that is over; with cumulative only a user's first one. */
static void
count_block(struct lane *lane)
{
    const struct scan *scan = lane->scan;
    for (uint32_t slot = 0; slot < lane->slot_count; slot += GROUP) {
        uint64_t *bits = lane->bits + (size_t)slot * scan->words;
        uint64_t any[GROUP] = {0};
        if (scan->frame->request->cumulative)
            leave_first(bits, scan->words);
        for (uint32_t word = 0; word < scan->words; word++) {
            uint64_t of_word[GROUP];
            const uint32_t buckets = scan->buckets - word * 64;
            for (uint32_t i = 0; i < GROUP; i++)
                any[i] |= of_word[i] = bits[(size_t)i * scan->words + word];
            rc_words_count_bits(of_word, buckets < 64 ? buckets : 64, lane->counts + word * 64);
        }
        for (uint32_t i = 0; i < GROUP; i++)
            lane->counts[scan->buckets] += any[i] != 0;
    }
    lane->slot_count = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_block(lane);
    lane->slot_count = (block->slot_count + GROUP - 1) / GROUP * GROUP;
    memset(lane->bits, 0, (size_t)lane->slot_count * lane->scan->words * sizeof(*lane->bits));
    return RC_OK;
}

static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    (void)block;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bucket;
        if (!rc_series_frame_place(scan->frame, scan->line->series, scan->buckets, &hits[i],
                                   &bucket))
            continue;
        lane->bits[(size_t)slots[i] * scan->words + bucket / 64] |= (uint64_t)1 << (bucket % 64);
    }
    return RC_OK;
}

static void
take_spells(void *state, const struct rc_spell *spells, uint32_t count)
{
    struct lane *lane = state;
    const uint32_t words = lane->scan->words;
    for (uint32_t i = 0; i < count; i++)
        lane->bits[(size_t)spells[i].slot * words + spells[i].place / 64] |=
            (uint64_t)1 << (spells[i].place % 64);
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
        lane->bits = rc_alloc_in(context->account, slots * scan->words * sizeof(*lane->bits));
        lane->counts = rc_alloc_in(context->account, count_bytes);
        if (lane->bits == NULL || lane->counts == NULL)
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
    scan.words = (scan.buckets + 63) / 64;
    size_t slots = BITS_BYTES / (scan.words * sizeof(uint64_t)) / GROUP * GROUP;
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
