/*
 * Series scan, users. Every user of a block has a bit for each bucket. The rows of a user in a slab
 * are one run in order of time; its buckets are gathered in a register where they are 64 or fewer.
 * When a block is over its bits are counted.
 */
#include <string.h>

#include "engine/query/plan/planner.h"
#include "engine/query/series/series_scan.h"

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
    struct rc_slab_rows rows;
    uint32_t slot_count; /* Of the block at hand. */
    uint64_t *bits;      /* [slot][words]. */
    uint64_t *counts;    /* By bucket, and of the range. */
};

static void
scan_close(struct scan *scan)
{
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        rc_slab_rows_close(&scan->lanes[i].rows);
        rc_alloc_free(scan->lanes[i].bits);
        rc_alloc_free(scan->lanes[i].counts);
    }
}

/* Counts the bits of the block that is over; with cumulative only a user's first one. */
static void
count_block(struct lane *lane)
{
    const struct scan *scan = lane->scan;
    const bool first_only = scan->frame->request->cumulative;
    for (uint32_t slot = 0; slot < lane->slot_count; slot++) {
        const uint64_t *bits = lane->bits + (size_t)slot * scan->words;
        bool seen = false;
        for (uint32_t word = 0; word < scan->words && !(seen && first_only); word++) {
            uint64_t left = bits[word];
            if (first_only)
                left &= -left;
            seen = seen || left != 0;
            for (; left != 0; left &= left - 1)
                lane->counts[word * 64 + (uint32_t)__builtin_ctzll(left)]++;
        }
        lane->counts[scan->buckets] += seen;
    }
    lane->slot_count = 0;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct lane *lane = state;
    count_block(lane);
    lane->slot_count = block->slot_count;
    memset(lane->bits, 0, (size_t)block->slot_count * lane->scan->words * sizeof(*lane->bits));
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

/* The rows of one user, [begin, end) within a piece; returns how many count. */
static inline uint32_t
add_run(const struct scan *scan,
        const struct rc_bucket_table *table,
        const uint32_t *times,
        const uint64_t *words,
        uint32_t begin,
        uint32_t end,
        uint64_t *bits)
{
    uint32_t counted = 0;
    const uint32_t none = scan->buckets;
    for (uint32_t row = begin; row < end; row++) {
        if (words != NULL) {
            const uint64_t left = words[row % RC_PIECE_ROWS / 64] >> (row % 64);
            if (left == 0) {
                row |= 63;
                continue;
            }
            row += (uint32_t)__builtin_ctzll(left);
            if (row >= end)
                break;
        }
        const uint32_t place = rc_bucket_table_find(table, times[row]);
        if (place == none)
            continue;
        bits[place / 64] |= (uint64_t)1 << (place % 64);
        counted++;
    }
    return counted;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    uint32_t count;
    struct lane *lane = state;
    const struct scan *scan = lane->scan;
    const struct rc_bucket_table *table = &scan->tables[plan_slab];
    const uint32_t index = scan->frame->plan->slabs[plan_slab].index;
    const struct rc_slab *slab = rc_view_slabs(scan->frame->context->view, &count)[index].slab;
    const uint32_t *times = rc_slab_times(slab);
    const uint32_t *starts = rc_slab_starts(slab);
    const uint32_t *users = rc_slab_users(slab);
    uint32_t user = rc_slab_user_index_of_row(slab, begin);
    RC_TRY(rc_slab_rows_open(&lane->rows, scan->frame->plan, plan_slab, scan->stream));
    while (begin < end) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        const bool any = rc_slab_rows_piece(&lane->rows, base, &words);
        while (begin < stop) {
            const uint32_t run_end = starts[user + 1] < stop ? starts[user + 1] : stop;
            const uint32_t ordinal = users[user];
            const bool skipped =
                block->skip != NULL && ((block->skip[ordinal / 64] >> (ordinal % 64)) & 1) != 0;
            if (any && !skipped)
                *hit_count += add_run(scan, table, times, words, begin, run_end,
                                      lane->bits + (size_t)(ordinal - block->first) * scan->words);
            user += run_end == starts[user + 1];
            begin = run_end;
        }
    }
    return RC_OK;
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
        lane->rows.account = context->account;
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
    if (frame->request->series[line->series].measure != RC_MEASURE_UNIQUE || frame->split != NULL ||
        scan.stream == UINT32_MAX ||
        !rc_planner_reads_rows(frame->plan, scan.stream, line->series, false))
        return RC_OK;
    scan.buckets = line->bucketed && frame->bucket_count > 0 ? frame->bucket_count : 1;
    scan.words = (scan.buckets + 63) / 64;
    size_t slots = BITS_BYTES / (scan.words * sizeof(uint64_t));
    slots = slots < 1 ? 1 : slots > UINT16_MAX ? UINT16_MAX : slots;
    RC_TRY(scan_open(&scan, (uint32_t)slots));
    void **states = RC_ARENA_ARRAY(frame->context->arena, void *, scan.lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan.lane_count; i++)
        states[i] = &scan.lanes[i];
    const struct rc_fold fold = {
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
