/*
 * Sweep. Rows go by in windows of 64 words (4,096 rows), which never straddle a block of a rowset.
 * A stream is one of three: full (all rows), dense (its block's words are read in place), or sparse
 * (its rows come in small batches and are set as bits in a window of its own). When all streams are
 * sparse the next window is where the next row is, so a rare event costs its rows and not the slab.
 *
 * Of a slab with one stream, a sparse one, there are no windows: its rows are taken a batch at a
 * time (read_single).
 *
 * The windows are OR-ed, dead rows go, and the bits that are left are visited one by one: whose row
 * it is comes from walking along starts[], by doubling steps when hits are far apart.
 */
#include "engine/query/walk/sweep.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/walk/slab_rows.h"

#define WINDOW_WORDS (RC_SWEEP_ROWS / 64)
#define BATCH_ROWS 64u
#define NO_BLOCK UINT32_MAX
#define MERGED_MAX 8u /* Streams whose next rows are compared one by one. */

_Static_assert(RC_BLOCK_ROWS % RC_SWEEP_ROWS == 0, "a window lies in one block");

enum cursor_kind { CURSOR_NONE, CURSOR_FULL, CURSOR_DENSE, CURSOR_SPARSE };

struct cursor {
    const struct rc_rowset *set;
    const struct rc_stream *stream;
    enum cursor_kind kind;
    bool timed; /* Some rows of the slab are outside the stream's time. */
    bool asks;  /* A row's bit is not all: its time or person is asked too. */
    enum rc_block_kind block_kind;
    uint32_t block; /* Dense: the block that words are of, or NO_BLOCK. */
    const uint64_t *words;
    uint32_t next; /* Sparse: where to read on. */
    uint32_t batch_count;
    uint32_t batch_at;
    uint32_t ahead_count;
    uint32_t batch[BATCH_ROWS];
    uint32_t ahead[BATCH_ROWS]; /* The rows behind the batch's. */
    uint64_t window[WINDOW_WORDS];
    uint32_t used_begin; /* Words of window that are not zero lie in here. */
    uint32_t used_end;
    uint64_t *scratch; /* RC_BLOCK_WORDS, made when first needed. */
};

/* A stream's bits in the window at hand. */
struct active {
    const uint64_t *words;
    const struct cursor *cursor;
};

/* The same in the word at hand, where it has some. */
struct near {
    uint64_t bits;
    uint64_t bit; /* The stream's. */
    const struct cursor *cursor;
};

struct rc_sweep {
    const struct rc_plan *plan;
    const uint64_t *skip; /* Users that are left out, a bit each; NULL: none. */
    bool timeless;        /* Nobody asks for times; */
    bool reads_times;     /* of this slab's rows somebody does. */
    const struct rc_view_slab *slab;
    uint32_t source;
    uint32_t row_count;
    int64_t window_start_ms;
    const uint32_t *users;
    const uint32_t *starts;
    const uint32_t *times;
    uint32_t user_count;
    /* The stretch. */
    uint32_t at;
    uint32_t end;
    enum rc_sweep_owner owner;
    uint32_t first;
    /* Whose the rows from the last hit on are. */
    uint32_t user_index;
    uint32_t user_begin;
    uint32_t user_end; /* First row of somebody else. */
    uint32_t slot;
    uint32_t person;
    bool wanted;
    uint32_t active_count;
    struct active *active;
    uint32_t near_count;
    struct near *near;
    uint32_t words_end;    /* Words of the window from here on have no bits. */
    bool merges;           /* The slab's streams are all sparse, and few. */
    struct cursor *single; /* See find_single. */
    uint32_t cursor_count;
    struct cursor cursors[];
};

static const uint64_t all_ones[WINDOW_WORDS] = {
    [0 ... WINDOW_WORDS - 1] = UINT64_MAX,
};

enum rc_status
rc_sweep_new(const struct rc_plan *plan,
             const uint64_t *skip,
             bool timeless,
             struct rc_sweep **ret_sweep)
{
    struct rc_account *account = plan->context->account;
    RC_CLEANUP(rc_sweep_freep) struct rc_sweep *sweep = NULL;
    const size_t bytes = sizeof(*sweep) + plan->stream_count * sizeof(struct cursor);
    sweep = rc_alloc_in(account, bytes);
    if (sweep == NULL)
        return RC_NO_MEMORY;
    memset(sweep, 0, bytes);
    sweep->plan = plan;
    sweep->skip = skip;
    sweep->timeless = timeless;
    sweep->cursor_count = plan->stream_count;
    for (uint32_t s = 0; s < plan->stream_count; s++)
        sweep->cursors[s].stream = &plan->streams[s];
    sweep->active = rc_alloc_in(account, plan->stream_count * sizeof(*sweep->active));
    sweep->near = rc_alloc_in(account, plan->stream_count * sizeof(*sweep->near));
    if (sweep->active == NULL || sweep->near == NULL)
        return RC_NO_MEMORY;
    *ret_sweep = RC_TAKE(sweep);
    return RC_OK;
}

struct rc_sweep *
rc_sweep_free(struct rc_sweep *sweep)
{
    if (sweep == NULL)
        return NULL;
    for (uint32_t s = 0; s < sweep->cursor_count; s++)
        rc_alloc_free(sweep->cursors[s].scratch);
    rc_alloc_free(sweep->active);
    rc_alloc_free(sweep->near);
    return rc_alloc_free(sweep);
}

/* Whether a slab's streams are all read row by row, and few. */
static bool
can_merge(const struct rc_sweep *sweep, const struct rc_plan_slab *slab)
{
    for (uint32_t s = 0; s < sweep->cursor_count; s++)
        if (slab->sets[s] != NULL && !rc_rowset_is_sparse(slab->sets[s]))
            return false;
    return sweep->cursor_count <= MERGED_MAX;
}

static enum cursor_kind
kind_of(const struct rc_rowset *set, uint32_t row_count, bool merges)
{
    const uint64_t cardinality = set == NULL ? 0 : rc_rowset_cardinality(set);
    if (cardinality == 0)
        return CURSOR_NONE;
    if (cardinality == row_count)
        return CURSOR_FULL;
    return merges || cardinality <= row_count / 64 ? CURSOR_SPARSE : CURSOR_DENSE;
}

/* The slab's one stream, if it is sparse; NULL: there are several, or it is not. */
static struct cursor *
find_single(struct rc_sweep *sweep)
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

void
rc_sweep_open(struct rc_sweep *sweep, uint32_t plan_slab)
{
    const struct rc_plan_slab *slab = &sweep->plan->slabs[plan_slab];
    uint32_t count;
    sweep->slab = &rc_view_slabs(sweep->plan->context->view, &count)[slab->index];
    const struct rc_slab_info *info = rc_slab_get_info(sweep->slab->slab);
    sweep->source = slab->index;
    sweep->row_count = info->row_count;
    sweep->window_start_ms = info->window_start_ms;
    sweep->users = rc_slab_users(sweep->slab->slab);
    sweep->starts = rc_slab_starts(sweep->slab->slab);
    sweep->times = rc_slab_times(sweep->slab->slab);
    sweep->user_count = info->user_count;
    sweep->at = 0;
    sweep->end = 0;
    sweep->user_index = 0;
    sweep->reads_times = !sweep->timeless;
    sweep->merges = can_merge(sweep, slab);
    for (uint32_t s = 0; s < sweep->cursor_count; s++) {
        struct cursor *cursor = &sweep->cursors[s];
        cursor->set = slab->sets[s];
        cursor->kind = kind_of(cursor->set, info->row_count, sweep->merges);
        cursor->timed =
            cursor->kind != CURSOR_NONE && (info->time_min_ms < cursor->stream->from_ms ||
                                            info->time_max_ms >= cursor->stream->until_ms);
        sweep->reads_times = sweep->reads_times || cursor->timed;
        cursor->asks = cursor->timed || cursor->stream->persons != NULL;
        cursor->block = NO_BLOCK;
        cursor->next = 0;
        cursor->batch_count = 0;
        cursor->batch_at = 0;
        cursor->ahead_count = 0;
    }
    sweep->single = find_single(sweep);
}

void
rc_sweep_seek(struct rc_sweep *sweep,
              uint32_t begin,
              uint32_t end,
              enum rc_sweep_owner owner,
              uint32_t first,
              uint32_t person)
{
    RC_ASSERT(begin >= sweep->at && begin <= end && end <= sweep->row_count);
    sweep->at = begin;
    sweep->end = end;
    sweep->owner = owner;
    sweep->first = first;
    /* With a user to find, user_end 0 makes the first hit find it. */
    sweep->user_begin = begin; /* Of a person's rows. */
    sweep->user_end = owner == RC_OWNER_USER ? 0 : UINT32_MAX;
    sweep->slot = owner == RC_OWNER_GIVEN ? first : 0;
    sweep->person = person;
    sweep->wanted = true;
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
    cursor->ahead_count =
        rc_rowset_read(cursor->set, &cursor->next, sweep->end, cursor->ahead, BATCH_ROWS);
    for (uint32_t i = 0; i < cursor->ahead_count && sweep->reads_times; i++)
        __builtin_prefetch(&sweep->times[cursor->ahead[i]]);
}

/* The next row of a sparse cursor at or past at, or end. A batch is read while the one before it is
 * used, so that its times are there by then. */
static uint32_t
sparse_peek(const struct rc_sweep *sweep, struct cursor *cursor, uint32_t at, uint32_t end)
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
        memcpy(cursor->batch, cursor->ahead, cursor->ahead_count * sizeof(cursor->batch[0]));
        read_ahead(sweep, cursor, at);
    }
}

/* The sparse cursor's bits of the window [base, end). */
static void
sparse_window(const struct rc_sweep *sweep,
              struct cursor *cursor,
              uint32_t base,
              uint32_t at,
              uint32_t end)
{
    memset(cursor->window + cursor->used_begin, 0,
           (cursor->used_end - cursor->used_begin) * sizeof(cursor->window[0]));
    cursor->used_begin = cursor->used_end = 0;
    for (uint32_t row = sparse_peek(sweep, cursor, at, end); row < end;
         row = sparse_peek(sweep, cursor, at, end)) {
        const uint32_t word = (row - base) / 64;
        if (cursor->used_end == 0)
            cursor->used_begin = word;
        cursor->used_end = word + 1;
        cursor->window[word] |= (uint64_t)1 << (row % 64);
        cursor->batch_at++;
    }
}

/* The dense cursor's bits of the window at base; NULL when none are set. */
static enum rc_status
dense_window(struct rc_sweep *sweep,
             struct cursor *cursor,
             uint32_t base,
             const uint64_t **ret_words)
{
    const uint32_t block = base / RC_BLOCK_ROWS;
    if (cursor->block != block) {
        if (cursor->scratch == NULL)
            cursor->scratch = rc_alloc_in(sweep->plan->context->account,
                                          RC_BLOCK_WORDS * sizeof(*cursor->scratch));
        if (cursor->scratch == NULL)
            return RC_NO_MEMORY;
        cursor->block = block;
        cursor->block_kind = rc_rowset_block(cursor->set, block, cursor->scratch, &cursor->words);
    }
    *ret_words = cursor->block_kind == RC_BLOCK_MIXED
                     ? cursor->words + (base % RC_BLOCK_ROWS) / 64
                     : (cursor->block_kind == RC_BLOCK_FULL ? all_ones : NULL);
    return RC_OK;
}

/* Lists the streams that have bits in the window [base, end). */
static enum rc_status
window_open(struct rc_sweep *sweep, uint32_t base, uint32_t at, uint32_t end)
{
    sweep->active_count = 0;
    sweep->words_end = 0;
    for (uint32_t s = 0; s < sweep->cursor_count; s++) {
        struct cursor *cursor = &sweep->cursors[s];
        const uint64_t *words = NULL;
        uint32_t words_end = WINDOW_WORDS;
        if (cursor->kind == CURSOR_FULL) {
            words = all_ones;
        } else if (cursor->kind == CURSOR_DENSE) {
            RC_TRY(dense_window(sweep, cursor, base, &words));
        } else if (cursor->kind == CURSOR_SPARSE && sparse_peek(sweep, cursor, at, end) < end) {
            sparse_window(sweep, cursor, base, at, end);
            words = cursor->window;
            words_end = cursor->used_end;
        }
        if (words == NULL)
            continue;
        sweep->active[sweep->active_count++] = (struct active){.words = words, .cursor = cursor};
        sweep->words_end = words_end > sweep->words_end ? words_end : sweep->words_end;
    }
    return RC_OK;
}

static inline bool
has_bit(const uint64_t *words, uint32_t index)
{
    return ((words[index / 64] >> (index % 64)) & 1) != 0;
}

/* Moves to the user that owns row. */
static void
find_user(struct rc_sweep *sweep, uint32_t row)
{
    const uint32_t low =
        rc_slab_rows_next_owner(sweep->starts, sweep->user_count, sweep->user_index, row);
    const uint32_t user = sweep->users[low];
    const uint64_t *filter = sweep->plan->persons;
    sweep->user_index = low;
    sweep->user_begin = sweep->starts[low];
    sweep->user_end = sweep->starts[low + 1];
    sweep->person = user;
    sweep->slot = user - sweep->first;
    sweep->wanted = (sweep->skip == NULL || !has_bit(sweep->skip, user)) &&
                    (filter == NULL || has_bit(filter, user));
}

static inline bool
is_in_time(const struct rc_stream *stream, int64_t time_ms)
{
    return time_ms >= stream->from_ms && time_ms < stream->until_ms;
}

/* Whether a row that is in a stream's set is a hit of it. */
static inline bool
is_hit(const struct rc_sweep *sweep, const struct cursor *cursor, int64_t time_ms)
{
    const uint64_t *persons = cursor->stream->persons;
    return (!cursor->timed || is_in_time(cursor->stream, time_ms)) &&
           (persons == NULL || has_bit(persons, sweep->person));
}

/* The selectors that a row matches, of those that are near. */
static inline uint64_t
mask_of(const struct rc_sweep *sweep, uint32_t bit, int64_t time_ms)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < sweep->near_count; i++) {
        const struct near *near = &sweep->near[i];
        const uint64_t set = (near->bits >> bit) & 1;
        if (!near->cursor->asks)
            mask |= -set & near->bit;
        else if (set != 0 && is_hit(sweep, near->cursor, time_ms))
            mask |= near->bit;
    }
    return mask;
}

/* Lists the streams that have bits in a word of the window. Of several streams few do, and mostly
 * it is one. Returns the bits of all. */
static inline uint64_t
find_near(struct rc_sweep *sweep, uint32_t word)
{
    uint64_t all = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < sweep->active_count; i++) {
        const struct active *active = &sweep->active[i];
        const uint64_t bits = active->words[word];
        sweep->near[count] = (struct near){
            .bits = bits, .bit = active->cursor->stream->bit, .cursor = active->cursor};
        count += bits != 0;
        all |= bits;
    }
    sweep->near_count = count;
    return all;
}

/* The first two of the streams that are near, in registers, if nothing but their bits is asked. */
struct pair {
    bool only; /* There are no others. */
    uint64_t bits[2];
    uint64_t bit[2];
};

static inline struct pair
pair_of(const struct rc_sweep *sweep)
{
    struct pair pair = {.only = sweep->near_count <= 2};
    for (uint32_t i = 0; i < sweep->near_count && i < 2; i++) {
        pair.only = pair.only && !sweep->near[i].cursor->asks;
        pair.bits[i] = sweep->near[i].bits;
        pair.bit[i] = sweep->near[i].bit;
    }
    return pair;
}

static inline uint64_t
mask_of_pair(const struct pair *pair, uint32_t bit)
{
    return (-((pair->bits[0] >> bit) & 1) & pair->bit[0]) |
           (-((pair->bits[1] >> bit) & 1) & pair->bit[1]);
}

/* Asks for the times of the rows FETCH_ROWS ahead. Where every word has hits, most lines of the
 * times are read, but with gaps that the processor's own prefetcher gives up on: without this, a
 * third of a sweep was spent waiting for them. What lies past the end is not read. */
#define FETCH_ROWS 512u

static inline void
fetch_times(const uint32_t *times)
{
    const char *ahead = (const char *)(times + FETCH_ROWS);
    for (uint32_t line = 0; line < 64 * sizeof(times[0]); line += 64)
        __builtin_prefetch(ahead + line);
}

/* Appends the hits of one word. What the loop needs is copied out of the sweep, since the compiler
 * must believe that writing a hit could change it. */
static void
word_hits(struct rc_sweep *sweep, uint32_t base, uint32_t word, uint64_t bits, struct rc_hits *hits)
{
    const struct pair pair = pair_of(sweep);
    const uint32_t *times = sweep->times;
    const int64_t window_start_ms = sweep->window_start_ms;
    const uint32_t source = sweep->source;
    struct rc_hit *out = hits->hits + hits->count;
    uint32_t *slots = hits->slots + hits->count;
    uint32_t user_begin = sweep->user_begin;
    uint32_t user_end = sweep->user_end;
    uint32_t slot = sweep->slot;
    bool wanted = sweep->wanted;
    const bool reads_times = sweep->reads_times;
    const bool timeless = sweep->timeless;
    if (reads_times && (bits & (bits - 1)) != 0)
        fetch_times(times + base + word * 64);
    for (; bits != 0; bits &= bits - 1) {
        const uint32_t bit = (uint32_t)__builtin_ctzll(bits);
        const uint32_t row = base + word * 64 + bit;
        if (row >= user_end) {
            find_user(sweep, row);
            user_begin = sweep->user_begin;
            user_end = sweep->user_end;
            slot = sweep->slot;
            wanted = sweep->wanted;
        }
        if (!wanted)
            continue;
        int64_t time_ms = reads_times ? window_start_ms + times[row] : 0;
        const uint64_t mask = pair.only ? mask_of_pair(&pair, bit) : mask_of(sweep, bit, time_ms);
        time_ms = timeless ? user_begin : time_ms;
        /* Written in any case, kept only if it is a hit. */
        *out = (struct rc_hit){.time_ms = time_ms, .mask = mask, .source = source, .row = row};
        *slots = slot;
        out += mask != 0;
        slots += mask != 0;
    }
    hits->count = (uint32_t)(out - hits->hits);
}

/* Leaves those of some rows that are alive and in the stream's time; how many. */
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
        left[left_count] = rows[i];
        left_count += timely && (dead == NULL || !has_bit(dead, rows[i]));
    }
    return left_count;
}

/* Appends the hits of the next rows of a sparse stream that is alone: a few steps, each over all of
 * them, since most lines that they read are not in the cache. */
static enum rc_status
read_single(struct rc_sweep *sweep, struct cursor *cursor, struct rc_hits *hits)
{
    uint32_t rows[BATCH_ROWS];
    uint32_t owners[BATCH_ROWS];
    const uint32_t *batch = cursor->batch + cursor->batch_at;
    uint32_t count = cursor->batch_count - cursor->batch_at;
    while (batch[count - 1] >= sweep->end)
        count--;
    cursor->batch_at += count;
    sweep->at = batch[count - 1] + 1;
    RC_TRY(rc_hits_reserve(hits, count));
    count = drop_untimely(sweep, cursor, batch, count, rows);
    if (count == 0)
        return RC_OK;
    const bool owned = sweep->owner == RC_OWNER_USER;
    if (owned) {
        rc_slab_rows_owners(sweep->starts, sweep->user_count, sweep->user_index, rows, count,
                            owners);
        sweep->user_index = owners[count - 1];
    }
    const uint64_t *filter = sweep->plan->persons;
    const uint64_t *persons = cursor->stream->persons;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t user = owned ? sweep->users[owners[i]] : sweep->person;
        const bool wanted = !owned || ((sweep->skip == NULL || !has_bit(sweep->skip, user)) &&
                                       (filter == NULL || has_bit(filter, user)));
        const int64_t time_ms = !sweep->timeless ? sweep->window_start_ms + sweep->times[rows[i]]
                                : owned          ? sweep->starts[owners[i]]
                                                 : sweep->user_begin;
        hits->hits[hits->count] = (struct rc_hit){.time_ms = time_ms,
                                                  .mask = cursor->stream->bit,
                                                  .source = sweep->source,
                                                  .row = rows[i]};
        hits->slots[hits->count] = owned ? user - sweep->first : sweep->slot;
        hits->count += wanted && (persons == NULL || has_bit(persons, user));
    }
    return RC_OK;
}

/* Of streams that are all sparse: their next rows are compared. */
static enum rc_status
read_merged(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more)
{
    const uint64_t *dead = sweep->slab->dead;
    uint32_t next[MERGED_MAX];
    uint32_t row = sweep->end;
    RC_TRY(rc_hits_reserve(hits, RC_SWEEP_ROWS));
    const uint32_t count_end = hits->count + RC_SWEEP_ROWS;
    for (uint32_t s = 0; s < sweep->cursor_count; s++) {
        next[s] = sweep->cursors[s].kind == CURSOR_NONE
                      ? sweep->end
                      : sparse_peek(sweep, &sweep->cursors[s], sweep->at, sweep->end);
        row = next[s] < row ? next[s] : row;
    }
    while (row < sweep->end && hits->count < count_end) {
        uint32_t following = sweep->end;
        uint64_t mask = 0;
        if (row >= sweep->user_end)
            find_user(sweep, row);
        const int64_t time_ms = sweep->reads_times ? sweep->window_start_ms + sweep->times[row] : 0;
        for (uint32_t s = 0; s < sweep->cursor_count; s++) {
            struct cursor *cursor = &sweep->cursors[s];
            if (next[s] == row) {
                mask |= !cursor->asks || is_hit(sweep, cursor, time_ms) ? cursor->stream->bit : 0;
                next[s] = sparse_peek(sweep, cursor, row + 1, sweep->end);
            }
            following = next[s] < following ? next[s] : following;
        }
        hits->hits[hits->count] =
            (struct rc_hit){.time_ms = sweep->timeless ? sweep->user_begin : time_ms,
                            .mask = mask,
                            .source = sweep->source,
                            .row = row};
        hits->slots[hits->count] = sweep->slot;
        hits->count += mask != 0 && sweep->wanted && (dead == NULL || !has_bit(dead, row));
        row = following;
    }
    sweep->at = row;
    *ret_more = row < sweep->end;
    return RC_OK;
}

enum rc_status
rc_sweep_read(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more)
{
    uint32_t at = sweep->end;
    struct cursor *single = sweep->single;
    if (single != NULL && sparse_peek(sweep, single, sweep->at, sweep->end) < sweep->end) {
        RC_TRY(read_single(sweep, single, hits));
        *ret_more = sweep->at < sweep->end;
        return RC_OK;
    }
    if (sweep->merges)
        return read_merged(sweep, hits, ret_more);
    for (uint32_t s = 0; s < sweep->cursor_count && at > sweep->at; s++) {
        struct cursor *cursor = &sweep->cursors[s];
        if (cursor->kind == CURSOR_SPARSE) {
            const uint32_t next = sparse_peek(sweep, cursor, sweep->at, sweep->end);
            at = next < at ? next : at;
        } else if (cursor->kind != CURSOR_NONE) {
            at = sweep->at;
        }
    }
    if (at == sweep->end) {
        sweep->at = sweep->end;
        *ret_more = false;
        return RC_OK;
    }
    const uint32_t base = at & ~(RC_SWEEP_ROWS - 1);
    const uint32_t end = sweep->end - base < RC_SWEEP_ROWS ? sweep->end : base + RC_SWEEP_ROWS;
    RC_TRY(window_open(sweep, base, at, end));
    RC_TRY(rc_hits_reserve(hits, end - at + 1));
    const uint64_t *dead = sweep->slab->dead;
    const uint32_t words = (end - base + 63) / 64;
    const uint32_t words_end = words < sweep->words_end ? words : sweep->words_end;
    for (uint32_t word = (at - base) / 64; word < words_end; word++) {
        uint64_t bits = find_near(sweep, word);
        if (word == (at - base) / 64)
            bits &= UINT64_MAX << (at % 64);
        if (word == (end - base - 1) / 64 && end % 64 != 0)
            bits &= UINT64_MAX >> (64 - end % 64);
        if (dead != NULL)
            bits &= ~dead[base / 64 + word];
        if (bits != 0)
            word_hits(sweep, base, word, bits, hits);
    }
    sweep->at = end;
    *ret_more = end < sweep->end;
    return RC_OK;
}
