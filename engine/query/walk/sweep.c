/*
 * Sweep. Rows go by in windows of 64 words (4,096 rows), which never straddle a block of a rowset.
 * A stream is one of three: full (all rows), dense (its block's words are read in place), or sparse
 * (its rows come in small batches and are set as bits in a window of its own). When all streams are
 * sparse the next window is where the next row is, so a rare event costs its rows and not the slab.
 *
 * Of a slab whose streams are all sparse, and few, there are no windows (sweep_sparse.c).
 *
 * The windows are OR-ed, dead rows go, and the bits that are left are visited one by one: whose row
 * it is comes from walking along starts[], by doubling steps when hits are far apart.
 */
#include "engine/query/walk/sweep.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/sweep_form.h"

_Static_assert(RC_BLOCK_ROWS % RC_SWEEP_ROWS == 0, "a window lies in one block");

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

void
rc_sweep_open(struct rc_sweep *sweep, uint32_t plan_slab)
{
    const struct rc_plan_slab *slab = &sweep->plan->slabs[plan_slab];
    sweep->slab = rc_plan_view_slab(sweep->plan, plan_slab);
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
    sweep->merges = rc_sweep_merges(sweep->plan, plan_slab);
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
        cursor->users = NULL;
    }
    sweep->single = rc_sweep_find_single(sweep);
    if (sweep->single != NULL && !sweep->timeless)
        sweep->single->users = rc_rowset_users(sweep->single->set);
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
    sweep->stretches = NULL;
    /* With a user to find, user_end 0 makes the first hit find it. */
    sweep->user_begin = begin; /* Of a person's rows. */
    sweep->user_end = owner == RC_OWNER_USER ? 0 : UINT32_MAX;
    sweep->slot = owner == RC_OWNER_GIVEN ? first : 0;
    sweep->person = person;
    sweep->wanted = true;
}

void
rc_sweep_seek_stretches(struct rc_sweep *sweep,
                        const struct rc_walk_stretch *stretches,
                        uint32_t count,
                        const uint32_t *persons)
{
    RC_ASSERT(sweep->merges && count > 0);
    rc_sweep_seek(sweep, stretches[0].begin, stretches[count - 1].end, RC_OWNER_GIVEN, 0, 0);
    sweep->stretches = stretches;
    sweep->stretch = 0;
    sweep->persons = persons;
    sweep->user_end = 0;
    for (uint32_t s = 0; s < sweep->cursor_count; s++)
        sweep->cursors[s].stretch = 0;
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
    for (uint32_t row = rc_sweep_peek(sweep, cursor, at, end); row < end;
         row = rc_sweep_peek(sweep, cursor, at, end)) {
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
        } else if (cursor->kind == CURSOR_SPARSE && rc_sweep_peek(sweep, cursor, at, end) < end) {
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
 * third of a sweep was spent waiting for them. Not past the end: of one person's rows
 * nothing is that far ahead. */
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
    if (reads_times && (bits & (bits - 1)) != 0 && base + word * 64 + FETCH_ROWS < sweep->end)
        fetch_times(times + base + word * 64);
    for (; bits != 0; bits &= bits - 1) {
        const uint32_t bit = (uint32_t)__builtin_ctzll(bits);
        const uint32_t row = base + word * 64 + bit;
        if (row >= user_end) {
            rc_sweep_find_user(sweep, row);
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

enum rc_status
rc_sweep_read(struct rc_sweep *sweep, struct rc_hits *hits, bool *ret_more)
{
    uint32_t at = sweep->end;
    struct cursor *single = sweep->single;
    if (sweep->stretches == NULL && single != NULL &&
        rc_sweep_peek(sweep, single, sweep->at, sweep->end) < sweep->end) {
        RC_TRY(rc_sweep_read_single(sweep, single, hits));
        *ret_more = sweep->at < sweep->end;
        return RC_OK;
    }
    if (sweep->merges)
        return rc_sweep_read_merged(sweep, hits, ret_more);
    for (uint32_t s = 0; s < sweep->cursor_count && at > sweep->at; s++) {
        struct cursor *cursor = &sweep->cursors[s];
        if (cursor->kind == CURSOR_SPARSE) {
            const uint32_t next = rc_sweep_peek(sweep, cursor, sweep->at, sweep->end);
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
        uint64_t bits = find_near(sweep, word) & rc_word_within(base + word * 64, at, end);
        if (dead != NULL)
            bits &= ~dead[base / 64 + word];
        if (bits != 0)
            word_hits(sweep, base, word, bits, hits);
    }
    sweep->at = end;
    *ret_more = end < sweep->end;
    return RC_OK;
}
