/*
 * Segment count. The matching rows of a piece are listed first, and where some rows of the slab are
 * outside the behaviour's window the lines of their times are asked for meanwhile: each lies on a
 * line of its own, and waiting for them one by one would be most of the work.
 */
#include "engine/query/segment/segment_count.h"

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

enum rc_status
rc_segment_count_rows(struct rc_segment_count *count,
                      const struct rc_walk_block *block,
                      uint32_t plan_slab,
                      uint32_t begin,
                      uint32_t end,
                      uint64_t *hit_count)
{
    uint32_t slab_count;
    const uint32_t index = count->plan->slabs[plan_slab].index;
    const struct rc_slab *slab = rc_view_slabs(count->plan->context->view, &slab_count)[index].slab;
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const struct rc_stream *stream = &count->plan->streams[count->stream];
    const bool timed = info->time_min_ms < stream->from_ms || info->time_max_ms >= stream->until_ms;
    const uint32_t *times = timed ? rc_slab_times(slab) : NULL;
    const uint32_t *starts = rc_slab_starts(slab);
    const uint32_t *users = rc_slab_users(slab);
    uint32_t user = rc_slab_user_index_of_row(slab, begin);
    if (count->listed == NULL)
        count->listed = rc_alloc_in(count->rows.account, RC_PIECE_ROWS * sizeof(*count->listed));
    if (count->listed == NULL)
        return RC_NO_MEMORY;
    RC_TRY(rc_slab_rows_open(&count->rows, count->plan, plan_slab, count->stream));
    for (uint32_t stop; begin < end; begin = stop) {
        const uint64_t *words;
        const uint32_t base = begin & ~(RC_PIECE_ROWS - 1);
        stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        if (!rc_slab_rows_piece(&count->rows, base, &words))
            continue;
        const uint32_t listed = list_rows(words, begin, stop, times, count->listed);
        for (uint32_t i = 0; i < listed; i++) {
            const uint32_t row = count->listed[i];
            const int64_t time_ms = timed ? info->window_start_ms + times[row] : 0;
            if (timed && (time_ms < stream->from_ms || time_ms >= stream->until_ms))
                continue;
            if (row >= starts[user + 1])
                user = rc_slab_rows_owner(starts, info->user_count, user, row);
            const uint32_t ordinal = users[user];
            if (block->skip != NULL && ((block->skip[ordinal / 64] >> (ordinal % 64)) & 1) != 0)
                continue;
            count->numbers[ordinal]++;
            (*hit_count)++;
        }
    }
    return RC_OK;
}
