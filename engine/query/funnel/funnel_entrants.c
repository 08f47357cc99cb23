/*
 * Funnel scan, entrants: a walk over the rows of the bit steps (of two: funnel_pairs.c). A user's
 * first bit in a slab is found by searching the bits; what is left of the user's rows is passed
 * over, word by word. So a step that is a tenth of all events costs its users and the words of its
 * bitmap, and not its events.
 *
 * Of several slabs the first in time counts; where their times overlap, times are compared. Blocks
 * are counted when they are over: heads and joined persons, who come as hits, are odd by then.
 */
#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/funnel/funnel_scan_form.h"

#define NONE RC_FUNNEL_NO_PLACE

static inline int64_t
time_of(const struct rc_funnel_scan *scan, uint64_t place)
{
    const struct rc_funnel_scan_slab *slab = &scan->slabs[place >> 32];
    return slab->info->window_start_ms + slab->times[(uint32_t)place];
}

/* Notes a user's first entry in a slab. */
static inline void
note(struct rc_funnel_scan_lane *lane,
     const struct rc_funnel_scan_slab *slab,
     uint32_t slot,
     uint64_t place)
{
    uint64_t *const known = &lane->firsts[slot];
    if (*known == NONE) {
        *known = place;
        return;
    }
    if (!slab->overlaps)
        return;
    const int64_t known_ms = time_of(lane->scan, *known);
    const int64_t time_ms = time_of(lane->scan, place);
    if (time_ms == known_ms)
        rc_walk_mark(lane->scan->odd, lane->first + slot);
    else if (time_ms < known_ms)
        *known = place;
}

/* The first of a user's rows [row, end) in the stream's time, or end. */
static uint32_t
next_in_time(const struct rc_funnel_scan_lane *lane,
             const struct rc_funnel_scan_slab *slab,
             uint32_t row,
             uint32_t end)
{
    const struct rc_stream *stream = &lane->scan->entrants.streams[0];
    const int64_t from = stream->from_ms - slab->info->window_start_ms;
    const int64_t until = stream->until_ms - slab->info->window_start_ms;
    row = rc_slab_rows_from(slab->times, row, end, from);
    return row < end && slab->times[row] < until ? row : end;
}

/* The users with an entry among the rows [begin, end) of a piece. *user: who has the row before, or
 * somebody earlier; *passed: rows before it are of users that were noted. */
static inline void
note_piece(struct rc_funnel_scan_lane *lane,
           uint32_t plan_slab,
           const struct rc_walk_block *block,
           const uint64_t *words,
           uint32_t begin,
           uint32_t end,
           uint32_t *user,
           uint32_t *passed)
{
    const struct rc_funnel_scan_slab *slab = &lane->scan->slabs[plan_slab];
    const uint32_t *starts = slab->starts;
    for (uint32_t row = begin & ~63u; row < end; row += 64) {
        uint64_t bits = words == NULL ? UINT64_MAX : words[row % RC_PIECE_ROWS / 64];
        if (row < begin)
            bits &= ~rc_word_below(begin - row);
        if (end - row < 64)
            bits &= rc_word_below(end - row);
        if (*passed > row)
            bits &= ~rc_word_below(*passed - row);
        while (bits != 0) {
            const uint32_t at = row + (uint32_t)__builtin_ctzll(bits);
            *user = rc_slab_rows_next_owner(starts, slab->info->user_count, *user, at);
            *passed = starts[*user + 1];
            const uint32_t first = slab->timed ? next_in_time(lane, slab, at, *passed) : at;
            const uint32_t ordinal = slab->users[*user];
            if (first != at) /* Another one of the user's may be an entry. */
                *passed = first;
            else if (block->skip == NULL || !rc_words_has(block->skip, ordinal))
                note(lane, slab, ordinal - block->first, (uint64_t)plan_slab << 32 | at);
            bits &= ~rc_word_below(*passed - row);
        }
    }
}

/* The same of all rows [begin, end). */
static enum rc_status
note_rows(struct rc_funnel_scan_lane *lane,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end)
{
    const struct rc_funnel_scan_slab *slab = &lane->scan->slabs[plan_slab];
    uint32_t user = rc_slab_rows_owner(slab->starts, slab->info->user_count, 0, begin);
    uint32_t passed = 0;
    RC_TRY(rc_slab_rows_open(&lane->rows[0], &lane->scan->entrants, plan_slab, 0));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (rc_slab_rows_piece(&lane->rows[0], base, &words))
            note_piece(lane, plan_slab, block, words, begin, stop, &user, &passed);
    }
    return RC_OK;
}

static enum rc_status
fold_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct rc_funnel_scan_lane *lane = state;
    const struct rc_plan *plan = &lane->scan->entrants;
    for (uint32_t s = 0; s < plan->stream_count && !lane->scan->slabs[plan_slab].timed; s++)
        if (plan->slabs[plan_slab].sets[s] != NULL)
            *hit_count += rc_rowset_count_range(plan->slabs[plan_slab].sets[s], begin, end);
    return lane->scan->bit_steps == 1 ? note_rows(lane, block, plan_slab, begin, end)
                                      : rc_funnel_pairs_note(lane, block, plan_slab, begin, end);
}

/* Heads and joined persons. */
static enum rc_status
fold_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    const struct rc_funnel_scan_lane *lane = state;
    (void)hits;
    for (uint32_t i = 0; i < count; i++)
        rc_walk_mark(lane->scan->odd, rc_walk_person(block, slots[i]));
    return RC_OK;
}

enum rc_status
rc_funnel_scan_count(struct rc_funnel_lane *lane,
                     uint32_t person,
                     const struct rc_hit *entry,
                     uint64_t count,
                     bool *ret_one)
{
    const struct rc_split *split = lane->query->split;
    uint32_t row = 0;
    *ret_one = true;
    if (split != NULL) {
        const uint32_t *rows;
        uint32_t row_count;
        RC_TRY(rc_split_rows(split, person, entry, &lane->split_list, &rows, &row_count));
        *ret_one = row_count == 1;
        row = row_count == 1 ? rows[0] : 0;
    }
    if (*ret_one)
        lane->entrants[row] += count;
    return RC_OK;
}

/* Counts a user by its first entry, unless it is odd. */
static enum rc_status
count_user(struct rc_funnel_scan_lane *lane, uint32_t slot, bool *ret_entered)
{
    const struct rc_funnel_scan *scan = lane->scan;
    const uint64_t place = lane->firsts[slot];
    const uint32_t user = lane->first + slot;
    *ret_entered = place != NONE && !rc_funnel_scan_has(scan->odd, user);
    if (!*ret_entered)
        return RC_OK;
    if (scan->query->split == NULL) {
        lane->lane->entrants[0]++;
        return RC_OK;
    }
    const struct rc_hit entry = {
        /* Without a time: no row of a split hangs on it. */
        .mask = 1,
        .source = scan->slabs[place >> 32].index,
        .row = (uint32_t)place,
    };
    RC_TRY(rc_funnel_scan_count(lane->lane, user, &entry, 1, ret_entered));
    if (!*ret_entered)
        rc_walk_mark(scan->odd, user);
    return RC_OK;
}

/* Counts the users of the block that is over. */
static enum rc_status
count_block(struct rc_funnel_scan_lane *lane)
{
    uint64_t bits = 0;
    for (uint32_t slot = 0; slot < lane->slot_count; slot++) {
        const uint32_t user = lane->first + slot;
        bool entered;
        RC_TRY(lane->scan->bit_steps == 1 ? count_user(lane, slot, &entered)
                                          : rc_funnel_pairs_count(lane, slot, &entered));
        bits |= (uint64_t)entered << (user % 64);
        if (user % 64 == 63 || slot + 1 == lane->slot_count) {
            if (bits != 0)
                __atomic_fetch_or(&lane->scan->entered[user / 64], bits, __ATOMIC_RELAXED);
            bits = 0;
        }
    }
    lane->slot_count = 0;
    return RC_OK;
}

static enum rc_status
fold_begin(void *state, const struct rc_walk_block *block)
{
    struct rc_funnel_scan_lane *lane = state;
    RC_TRY(count_block(lane));
    if (block->persons != NULL) /* Joined: all of them are odd. */
        return RC_OK;
    lane->first = block->first;
    lane->slot_count = block->slot_count;
    if (lane->scan->bit_steps == 1)
        memset(lane->firsts, 0xff, lane->slot_count * sizeof(*lane->firsts));
    else
        memset(lane->pairs, 0xff, lane->slot_count * sizeof(*lane->pairs));
    return RC_OK;
}

enum rc_status
rc_funnel_scan_entrants(struct rc_funnel_scan *scan, uint64_t *hit_count)
{
    void **states = RC_ARENA_ARRAY(scan->query->context->arena, void *, scan->lane_count);
    if (states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < scan->lane_count; i++)
        states[i] = &scan->lanes[i];
    const struct rc_fold fold = {
        .purpose = "entrants",
        .slots_max = scan->bit_steps == 1 ? RC_FUNNEL_SCAN_SLOTS : RC_FUNNEL_PAIR_SLOTS,
        .lane_count = scan->lane_count,
        .lanes = states,
        .begin = fold_begin,
        .hits = fold_hits,
        .rows = fold_rows,
        .reading = RC_ROWS_TIMES,
    };
    RC_TRY(rc_walk(&scan->entrants, &fold, hit_count));
    for (uint32_t i = 0; i < scan->lane_count; i++) {
        RC_TRY(count_block(&scan->lanes[i]));
        scan->lanes[i].pair_records = scan->lanes[i].lane->record_count;
    }
    return RC_OK;
}
