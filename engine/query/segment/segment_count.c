/*
 * Segment count. The matching rows of a piece are listed first, and where some rows of the slab are
 * outside the behaviour's window the lines of their times are asked for meanwhile: each lies on a
 * line of its own, and waiting for them one by one would be most of the work.
 */
#include "engine/query/segment/segment_count.h"

#include "engine/match/rows/scan.h"

#define ROWS_TOGETHER 256u /* Of a sparse set: they wait for memory together. */

void
rc_segment_count_close(struct rc_segment_count *count)
{
    rc_slab_rows_close(&count->rows);
    count->listed = rc_alloc_free(count->listed);
}

/* The rows of [begin, end) within a piece that match. */
static uint32_t
list_rows(const uint64_t *words,
          uint32_t begin,
          uint32_t end,
          const uint32_t *times,
          uint32_t *listed)
{
    uint32_t count = 0;
    for (uint32_t row = begin; row < end;) {
        const uint32_t base = row & ~63u;
        uint64_t bits = words == NULL ? UINT64_MAX : words[row % RC_PIECE_ROWS / 64];
        bits &= UINT64_MAX << (row % 64);
        if (end - base < 64)
            bits &= ((uint64_t)1 << (end - base)) - 1;
        for (; bits != 0; bits &= bits - 1) {
            listed[count] = base + (uint32_t)__builtin_ctzll(bits);
            if (times != NULL)
                __builtin_prefetch(&times[listed[count]]);
            count++;
        }
        row = base + 64;
    }
    return count;
}

static inline bool
is_timely(const struct rc_segment_counting *counting, uint32_t row)
{
    return counting->times == NULL ||
           (counting->times[row] >= counting->from_ms && counting->times[row] <= counting->last_ms);
}

/* Counts an event of a user; 0: he is skipped. */
static inline uint32_t
count_event(const struct rc_segment_counting *counting, uint32_t user)
{
    if (counting->skip != NULL && ((counting->skip[user / 64] >> (user % 64)) & 1) != 0)
        return 0;
    rc_segment_numbers_add(counting->numbers, user);
    return 1;
}

/* Counts rows far apart: first whose they are, then the events. */
static uint32_t
count_far(struct rc_segment_counting *counting, const uint32_t *rows, uint32_t count)
{
    uint32_t owners[ROWS_TOGETHER];
    uint32_t counted = 0;
    if (count == 0)
        return 0;
    rc_slab_rows_owners(counting->starts, counting->user_count, counting->user, rows, count,
                        owners);
    counting->user = owners[count - 1];
    for (uint32_t i = 0; i < count; i++)
        counted += count_event(counting, counting->users[owners[i]]);
    return counted;
}

static inline bool
is_dead(const struct rc_segment_counting *counting, uint32_t row)
{
    return counting->dead != NULL && ((counting->dead[row / 64] >> (row % 64)) & 1) != 0;
}

/* The rows of a sparse set. */
static uint64_t
count_sparse(struct rc_segment_counting *counting,
             const struct rc_rowset *set,
             uint32_t begin,
             uint32_t end)
{
    uint32_t rows[ROWS_TOGETHER];
    uint64_t counted = 0;
    while (begin < end) {
        uint32_t left = 0;
        const uint32_t count = rc_rowset_read(set, &begin, end, rows, ROWS_TOGETHER);
        for (uint32_t i = 0; counting->times != NULL && i < count; i++)
            __builtin_prefetch(&counting->times[rows[i]]);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t row = rows[i];
            rows[left] = row;
            left += !is_dead(counting, row) && is_timely(counting, row);
        }
        counted += count_far(counting, rows, left);
    }
    return counted;
}

/* The same of a set that upper halves of times are kept with: the times themselves are only read
 * where these are those of an end of the window. */
static uint64_t
count_kept(struct rc_segment_counting *counting,
           const struct rc_rowset *set,
           const uint16_t *kept,
           uint32_t begin,
           uint32_t end)
{
    uint32_t rows[ROWS_TOGETHER];
    uint64_t timely[ROWS_TOGETHER / 64];
    uint64_t counted = 0;
    const uint32_t first = counting->from_ms >> RC_ROWSET_TIME_SHIFT;
    const uint32_t last = counting->last_ms >> RC_ROWSET_TIME_SHIFT;
    kept += rc_rowset_count_range(set, 0, begin);
    while (begin < end) {
        uint32_t left = 0;
        const uint32_t count = rc_rowset_read(set, &begin, end, rows, ROWS_TOGETHER);
        rc_scan_halves(kept, count, (struct rc_scan_range){first, last - first}, timely);
        for (uint32_t word = 0; word * 64 < count; word++)
            for (uint64_t bits = timely[word]; bits != 0; bits &= bits - 1) {
                const uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(bits);
                const uint32_t row = rows[at];
                const bool near_end = kept[at] == first || kept[at] == last;
                rows[left] = row;
                left += !is_dead(counting, row) && (!near_end || is_timely(counting, row));
            }
        kept += count;
        counted += count_far(counting, rows, left);
    }
    return counted;
}

/* Takes those of the next rows of a set out of timely whose half of time is that of an end of the
 * window, first or last, and that lie outside of it. index: of the first row. */
static void
drop_untimely(const struct rc_segment_counting *counting,
              const struct rc_rowset *set,
              uint32_t index,
              uint32_t count,
              const uint16_t *kept,
              uint64_t *timely)
{
    uint32_t rows[ROWS_TOGETHER];
    uint32_t cursor = rc_rowset_row(set, index);
    const uint32_t first = counting->from_ms >> RC_ROWSET_TIME_SHIFT;
    const uint32_t last = counting->last_ms >> RC_ROWSET_TIME_SHIFT;
    (void)rc_rowset_read(set, &cursor, rc_rowset_row_count(set), rows, count);
    for (uint32_t i = 0; i < count; i++)
        if ((kept[i] == first || kept[i] == last) && !is_timely(counting, rows[i]))
            timely[i / 64] &= ~((uint64_t)1 << (i % 64));
}

/* The same where users are kept as well and all rows are alive: hardly a row is looked up. */
static uint64_t
count_kept_users(const struct rc_segment_counting *counting,
                 const struct rc_rowset *set,
                 const uint16_t *kept,
                 const uint32_t *users,
                 uint32_t begin,
                 uint32_t end)
{
    uint64_t timely[ROWS_TOGETHER / 64];
    uint64_t counted = 0;
    const uint32_t first = counting->from_ms >> RC_ROWSET_TIME_SHIFT;
    const uint32_t last = counting->last_ms >> RC_ROWSET_TIME_SHIFT;
    uint32_t index = (uint32_t)rc_rowset_count_range(set, 0, begin);
    const uint32_t index_end = index + (uint32_t)rc_rowset_count_range(set, begin, end);
    for (; index < index_end; index += ROWS_TOGETHER) {
        const uint32_t left = index_end - index;
        const uint32_t count = left < ROWS_TOGETHER ? left : ROWS_TOGETHER;
        bool near_end = false;
        rc_scan_halves(kept + index, count, (struct rc_scan_range){first, last - first}, timely);
        for (uint32_t word = 0; word * 64 < count; word++)
            for (uint64_t bits = timely[word]; bits != 0; bits &= bits - 1) {
                const uint32_t at = index + word * 64 + (uint32_t)__builtin_ctzll(bits);
                near_end = near_end || kept[at] == first || kept[at] == last;
            }
        if (near_end)
            drop_untimely(counting, set, index, count, kept + index, timely);
        for (uint32_t word = 0; word * 64 < count; word++)
            for (uint64_t bits = timely[word]; bits != 0; bits &= bits - 1)
                counted += count_event(counting,
                                       users[index + word * 64 + (uint32_t)__builtin_ctzll(bits)]);
    }
    return counted;
}

uint64_t
rc_segment_count_sparse(struct rc_segment_counting *counting,
                        struct rc_rowset *set,
                        uint32_t begin,
                        uint32_t end)
{
    const uint16_t *kept = counting->times == NULL || counting->from_ms > counting->last_ms
                               ? NULL
                               : rc_rowset_keep_times(set, counting->times, rc_rowset_window_share);
    if (kept == NULL)
        return count_sparse(counting, set, begin, end);
    const struct rc_row_owners owners = {counting->starts, counting->users, counting->user_count};
    const uint32_t *users =
        counting->dead != NULL ? NULL : rc_rowset_keep_users(set, &owners, rc_rowset_window_share);
    return users == NULL ? count_kept(counting, set, kept, begin, end)
                         : count_kept_users(counting, set, kept, users, begin, end);
}

/* The rows of a set piece by piece, which leave those that are dead out. A row is mostly of the
 * user of the one before or of the next. */
static uint64_t
count_pieces(struct rc_segment_count *count,
             struct rc_segment_counting *counting,
             uint32_t begin,
             uint32_t end)
{
    uint64_t counted = 0;
    uint32_t user = counting->user;
    const uint32_t *starts = counting->starts;
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (!rc_slab_rows_piece(&count->rows, base, &words))
            continue;
        const uint32_t listed = list_rows(words, begin, stop, counting->times, count->listed);
        for (uint32_t i = 0; i < listed; i++) {
            const uint32_t row = count->listed[i];
            if (!is_timely(counting, row))
                continue;
            if (row >= starts[user + 1])
                user = rc_slab_rows_owner(starts, counting->user_count, user, row);
            counted += count_event(counting, counting->users[user]);
        }
    }
    return counted;
}

enum rc_status
rc_segment_count_rows(struct rc_segment_count *count,
                      const struct rc_walk_block *block,
                      uint32_t plan_slab,
                      uint32_t begin,
                      uint32_t end,
                      uint64_t *hit_count)
{
    const struct rc_plan_slab *planned = &count->plan->slabs[plan_slab];
    const struct rc_view_slab *at = rc_plan_view_slab(count->plan, plan_slab);
    const struct rc_slab_info *info = rc_slab_get_info(at->slab);
    const struct rc_stream *stream = &count->plan->streams[count->stream];
    struct rc_rowset *set = planned->sets[count->stream];
    const bool timed = info->time_min_ms < stream->from_ms || info->time_max_ms >= stream->until_ms;
    const int64_t until_ms = stream->until_ms - info->window_start_ms;
    if (set == NULL)
        return RC_OK;
    struct rc_segment_counting counting = {
        .numbers = count->numbers,
        .skip = block->skip,
        .dead = at->dead,
        .times = timed ? rc_slab_times(at->slab) : NULL,
        .from_ms = stream->from_ms < info->window_start_ms
                       ? 0
                       : (uint32_t)(stream->from_ms - info->window_start_ms),
        .last_ms = until_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)(until_ms - 1),
        .starts = rc_slab_starts(at->slab),
        .users = rc_slab_users(at->slab),
        .user_count = info->user_count,
        .user = rc_slab_user_index_of_row(at->slab, begin),
    };
    if (rc_rowset_is_sparse(set)) {
        *hit_count += rc_segment_count_sparse(&counting, set, begin, end);
        return RC_OK;
    }
    if (count->listed == NULL)
        count->listed = rc_alloc_in(count->rows.account, RC_PIECE_ROWS * sizeof(*count->listed));
    if (count->listed == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_slab_rows_open(&count->rows, count->plan, plan_slab, count->stream));
    *hit_count += count_pieces(count, &counting, begin, end);
    return RC_OK;
}
