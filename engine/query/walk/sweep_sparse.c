/*
 * Sweep, sparse streams: their rows come in small batches, each read ahead of its use. A slab with
 * one such stream is read a batch at a time, one with several by comparing their next rows: no word
 * of a bitmap is looked at.
 */
#include <string.h>

#include "engine/match/rows/words.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/sweep_form.h"

bool
rc_sweep_merges(const struct rc_plan *plan, uint32_t plan_slab)
{
    struct rc_rowset *const *sets = plan->slabs[plan_slab].sets;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        if (sets[s] != NULL && !rc_rowset_is_sparse(sets[s]))
            return false;
    return plan->stream_count <= MERGED_MAX;
}

struct cursor *
rc_sweep_find_single(struct rc_sweep *sweep)
{
    struct cursor *single = NULL;
    for (uint32_t s = 0; s < sweep->cursor_count; s++) {
        if (sweep->cursors[s].kind == CURSOR_NONE)
            continue;
        if (single != NULL || sweep->cursors[s].kind != CURSOR_SPARSE)
            return NULL;
        single = &sweep->cursors[s];
    }
    return single;
}

/* Reads the rows in stretches behind those that were read. Most lie between stretches, and are read
 * all the same: to pass over a few costs more. */
static void
sift_ahead(const struct rc_sweep *sweep, struct cursor *cursor)
{
    const struct rc_walk_stretch *stretches = sweep->stretches;
    uint32_t batch[BATCH_ROWS];
    uint32_t stretch = cursor->stretch;
    uint32_t kept = 0;
    while (kept < BATCH_ROWS / 2 && cursor->next < sweep->end) {
        while (cursor->next >= stretches[stretch].end)
            stretch++;
        if (cursor->next < stretches[stretch].begin)
            cursor->next = stretches[stretch].begin;
        const uint32_t count =
            rc_rowset_read(cursor->set, &cursor->next, sweep->end, batch, BATCH_ROWS - kept);
        for (uint32_t i = 0; i < count; i++) {
            while (batch[i] >= stretches[stretch].end)
                stretch++;
            cursor->ahead[kept] = batch[i];
            kept += batch[i] >= stretches[stretch].begin;
        }
    }
    cursor->ahead_count = kept;
    cursor->stretch = stretch;
}

/* Reads the rows behind those that were read, from at on. Their times are asked for, each of which
 * lies on a line of its own: waiting for them one by one was most of what a small query took. */
static void
read_ahead(const struct rc_sweep *sweep, struct cursor *cursor, uint32_t at)
{
    if (cursor->next < at)
        cursor->next = at;
    cursor->ahead_count = 0;
    if (cursor->next >= sweep->end)
        return;
    if (sweep->stretches != NULL)
        sift_ahead(sweep, cursor);
    else
        cursor->ahead_count =
            rc_rowset_read(cursor->set, &cursor->next, sweep->end, cursor->ahead, BATCH_ROWS);
    for (uint32_t i = 0; i < cursor->ahead_count && sweep->reads_times; i++)
        __builtin_prefetch(&sweep->times[cursor->ahead[i]]);
    if (cursor->users != NULL && cursor->ahead_count > 0)
        cursor->ahead_users =
            cursor->users + rc_rowset_count_range(cursor->set, 0, cursor->ahead[0]);
}

/* A batch is read while the one before it is used, so that its times are there by then. */
uint32_t
rc_sweep_peek(const struct rc_sweep *sweep, struct cursor *cursor, uint32_t at, uint32_t end)
{
    for (;;) {
        while (cursor->batch_at < cursor->batch_count) {
            const uint32_t row = cursor->batch[cursor->batch_at];
            if (row >= at)
                return row < end ? row : end;
            cursor->batch_at++;
        }
        if (cursor->ahead_count == 0)
            read_ahead(sweep, cursor, at);
        if (cursor->ahead_count == 0)
            return end;
        cursor->batch_at = 0;
        cursor->batch_count = cursor->ahead_count;
        cursor->batch_users = cursor->ahead_users;
        memcpy(cursor->batch, cursor->ahead, cursor->ahead_count * sizeof(cursor->batch[0]));
        read_ahead(sweep, cursor, at);
    }
}

/* Leaves those of some rows that are alive and in the stream's time: their places; how many. */
static uint32_t
drop_untimely(const struct rc_sweep *sweep,
              const struct cursor *cursor,
              const uint32_t *rows,
              uint32_t count,
              uint32_t *left)
{
    uint32_t left_count = 0;
    const uint64_t *dead = sweep->slab->dead;
    for (uint32_t i = 0; i < count; i++) {
        const bool timely = !cursor->timed || is_in_time(cursor->stream, sweep->window_start_ms +
                                                                             sweep->times[rows[i]]);
        left[left_count] = i;
        left_count += timely && (dead == NULL || !rc_words_has(dead, rows[i]));
    }
    return left_count;
}

/* Who has done what is in these rows, and where their rows begin where no times are asked for. */
static void
find_owners(struct rc_sweep *sweep,
            const uint32_t *rows,
            uint32_t count,
            uint32_t *users,
            uint32_t *begins)
{
    uint32_t owners[BATCH_ROWS];
    rc_slab_rows_owners(sweep->starts, sweep->user_count, sweep->user_index, rows, count, owners);
    sweep->user_index = owners[count - 1];
    for (uint32_t i = 0; i < count; i++) {
        users[i] = sweep->users[owners[i]];
        begins[i] = sweep->timeless ? sweep->starts[owners[i]] : 0;
    }
}

/* A few steps, each over all rows of a batch, since most lines that they read are not in the cache.
 */
enum rc_status
rc_sweep_read_single(struct rc_sweep *sweep, struct cursor *cursor, struct rc_hits *hits)
{
    uint32_t left[BATCH_ROWS];
    uint32_t rows[BATCH_ROWS];
    uint32_t users[BATCH_ROWS];
    uint32_t begins[BATCH_ROWS];
    const uint32_t *batch = cursor->batch + cursor->batch_at;
    const uint32_t *kept = cursor->users == NULL ? NULL : cursor->batch_users + cursor->batch_at;
    uint32_t count = cursor->batch_count - cursor->batch_at;
    while (batch[count - 1] >= sweep->end)
        count--;
    cursor->batch_at += count;
    sweep->at = batch[count - 1] + 1;
    RC_TRY(rc_hits_reserve(hits, count));
    count = drop_untimely(sweep, cursor, batch, count, left);
    if (count == 0)
        return RC_OK;
    const bool owned = sweep->owner == RC_OWNER_USER;
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = batch[left[i]];
        users[i] = owned && kept != NULL ? kept[left[i]] : sweep->person;
        begins[i] = sweep->user_begin;
    }
    if (owned && kept == NULL)
        find_owners(sweep, rows, count, users, begins);
    const uint64_t *filter = sweep->plan->persons;
    const uint64_t *persons = cursor->stream->persons;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t user = users[i];
        const bool wanted = !owned || ((sweep->skip == NULL || !rc_words_has(sweep->skip, user)) &&
                                       (filter == NULL || rc_words_has(filter, user)));
        const int64_t time_ms =
            sweep->timeless ? begins[i] : sweep->window_start_ms + sweep->times[rows[i]];
        hits->hits[hits->count] = (struct rc_hit){.time_ms = time_ms,
                                                  .mask = cursor->stream->bit,
                                                  .source = sweep->source,
                                                  .row = rows[i]};
        hits->slots[hits->count] = owned ? user - sweep->first : sweep->slot;
        hits->count += wanted && (persons == NULL || rc_words_has(persons, user));
    }
    return RC_OK;
}

/* Moves to the stretch that a row is in. */
static void
find_stretch(struct rc_sweep *sweep, uint32_t row)
{
    while (row >= sweep->stretches[sweep->stretch].end)
        sweep->stretch++;
    const struct rc_walk_stretch *stretch = &sweep->stretches[sweep->stretch];
    sweep->user_begin = stretch->begin;
    sweep->user_end = stretch->end;
    sweep->slot = stretch->slot;
    sweep->person = sweep->persons[stretch->slot];
}

enum rc_status
rc_sweep_read_merged(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more)
{
    const uint64_t *dead = sweep->slab->dead;
    uint32_t next[MERGED_MAX];
    uint32_t row = sweep->end;
    RC_TRY(rc_hits_reserve(hits, RC_SWEEP_ROWS));
    const uint32_t count_end = hits->count + RC_SWEEP_ROWS;
    for (uint32_t s = 0; s < sweep->cursor_count; s++) {
        next[s] = sweep->cursors[s].kind == CURSOR_NONE
                      ? sweep->end
                      : rc_sweep_peek(sweep, &sweep->cursors[s], sweep->at, sweep->end);
        row = next[s] < row ? next[s] : row;
    }
    while (row < sweep->end && hits->count < count_end) {
        uint32_t following = sweep->end;
        uint64_t mask = 0;
        if (row >= sweep->user_end && sweep->stretches != NULL)
            find_stretch(sweep, row);
        else if (row >= sweep->user_end)
            rc_sweep_find_user(sweep, row);
        const int64_t time_ms = sweep->reads_times ? sweep->window_start_ms + sweep->times[row] : 0;
        for (uint32_t s = 0; s < sweep->cursor_count; s++) {
            struct cursor *cursor = &sweep->cursors[s];
            if (next[s] == row) {
                mask |= !cursor->asks || is_hit(sweep, cursor, time_ms) ? cursor->stream->bit : 0;
                next[s] = rc_sweep_peek(sweep, cursor, row + 1, sweep->end);
            }
            following = next[s] < following ? next[s] : following;
        }
        hits->hits[hits->count] =
            (struct rc_hit){.time_ms = sweep->timeless ? sweep->user_begin : time_ms,
                            .mask = mask,
                            .source = sweep->source,
                            .row = row};
        hits->slots[hits->count] = sweep->slot;
        hits->count += mask != 0 && sweep->wanted && (dead == NULL || !rc_words_has(dead, row));
        row = following;
    }
    sweep->at = row;
    *ret_more = row < sweep->end;
    return RC_OK;
}
