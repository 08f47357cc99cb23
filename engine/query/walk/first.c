/*
 * First. The walk feeds hits as they come, and each person's least one in total order is kept in
 * an array by person: a person is in one block, and a block is one lane's, so nothing is shared.
 *
 * A user's rows of a slab are in total order, so behind the user's first row that matches the rest
 * can be passed over: with rows as they are (rc_fold.rows), a common event costs its users and not
 * its events. Where the predicate reads the user, or persons are given, hits come one by one.
 *
 * Why sets of rows and not a test in the walk: the order of two events is known only when both are
 * seen, and every fold, filter and short way already takes rows.
 */
#include "engine/query/walk/first.h"

#include <string.h>

#include "engine/base/assert.h"
#include "engine/query/plan/plan.h"
#include "engine/query/slab/slab_rows.h"
#include "engine/query/walk/hits.h"
#include "engine/query/walk/walk.h"

#define SOURCE_NONE UINT32_MAX
#define CHUNK_WORDS (RC_CHUNK_ROWS / 64)

/* A person's first event so far. */
struct best {
    int64_t time_ms;
    uint32_t source; /* As in a hit; SOURCE_NONE: there is none. */
    uint32_t row;
};

struct rc_first {
    struct rc_account *account;
    uint32_t slab_count;
    uint32_t chunk_count;
    struct rc_rowset **sets; /* One a slab; NULL: no row. */
    uint64_t *chunk_words;   /* CHUNK_WORDS a chunk. */
};

/* One thread's share of the walk. */
struct lane {
    const struct rc_plan *plan;
    struct best *bests; /* Of all lanes, by person. */
    struct rc_slab_rows rows;
};

static void
offer(struct lane *lane, uint32_t person, int64_t time_ms, uint32_t source, uint32_t row)
{
    struct best *best = &lane->bests[person];
    if (best->source != SOURCE_NONE && best->time_ms < time_ms)
        return;
    if (best->source != SOURCE_NONE && best->time_ms == time_ms) {
        const struct rc_hit pair[2] = {
            {.time_ms = time_ms, .source = best->source, .row = best->row},
            {.time_ms = time_ms, .source = source, .row = row},
        };
        if (rc_hits_in_order(lane->plan->context->view, &pair[0], &pair[1]))
            return;
    }
    *best = (struct best){.time_ms = time_ms, .source = source, .row = row};
}

static enum rc_status
take_hits(void *state,
          const struct rc_walk_block *block,
          const struct rc_hit *hits,
          const uint32_t *slots,
          uint32_t count)
{
    struct lane *lane = state;
    for (uint32_t i = 0; i < count; i++)
        offer(lane, rc_walk_person(block, slots[i]), hits[i].time_ms, hits[i].source, hits[i].row);
    return RC_OK;
}

/* The first bit of words at or behind row, below end; end: none. */
static uint32_t
next_row(const uint64_t *words, uint32_t base, uint32_t row, uint32_t end)
{
    if (words == NULL)
        return row;
    for (uint32_t word = (row - base) / 64; base + word * 64 < end; word++) {
        uint64_t bits = words[word];
        if (word == (row - base) / 64)
            bits &= UINT64_MAX << (row % 64);
        if (bits != 0) {
            const uint32_t found = base + word * 64 + (uint32_t)__builtin_ctzll(bits);
            return found < end ? found : end;
        }
    }
    return end;
}

/* Rows of a slab: of each user the first. */
static enum rc_status
take_rows(void *state,
          const struct rc_walk_block *block,
          uint32_t plan_slab,
          uint32_t begin,
          uint32_t end,
          uint64_t *hit_count)
{
    struct lane *lane = state;
    const uint32_t source = lane->plan->slabs[plan_slab].index;
    uint32_t count;
    const struct rc_slab *slab = rc_view_slabs(lane->plan->context->view, &count)[source].slab;
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t *starts = rc_slab_starts(slab);
    const uint32_t *users = rc_slab_users(slab);
    const uint32_t *times = rc_slab_times(slab);
    const uint32_t last = rc_slab_user_index_of_row(slab, end - 1);
    uint32_t user = rc_slab_user_index_of_row(slab, begin);
    RC_TRY(rc_slab_rows_open(&lane->rows, lane->plan, plan_slab, 0));
    for (uint32_t row = begin; row < end;) {
        const uint32_t base = row & ~(RC_PIECE_ROWS - 1);
        const uint32_t stop = end - base < RC_PIECE_ROWS ? end : base + RC_PIECE_ROWS;
        const uint64_t *words = NULL;
        row =
            rc_slab_rows_piece(&lane->rows, base, &words) ? next_row(words, base, row, stop) : stop;
        if (row == stop)
            continue;
        while (user < last && starts[user + 1] <= row)
            user++;
        const uint32_t ordinal = users[user];
        const bool skipped =
            block->skip != NULL && ((block->skip[ordinal / 64] >> (ordinal % 64)) & 1) != 0;
        const int64_t time_ms = info->window_start_ms + times[row];
        if (!skipped && time_ms < lane->plan->streams[0].until_ms) {
            offer(lane, ordinal, time_ms, source, row);
            (*hit_count)++;
        }
        row = starts[user + 1] < end ? starts[user + 1] : end;
    }
    return RC_OK;
}

/* Walks all history. bests: one a user. */
static enum rc_status
find(const struct rc_plan *plan, struct best *bests)
{
    const struct rc_query_context *context = plan->context;
    struct lane *lanes = RC_ARENA_ARRAY(context->arena, struct lane, context->parallel_max);
    void **states = RC_ARENA_ARRAY(context->arena, void *, context->parallel_max);
    if (lanes == NULL || states == NULL)
        return RC_NO_MEMORY;
    for (uint32_t i = 0; i < context->parallel_max; i++) {
        lanes[i] = (struct lane){.plan = plan, .bests = bests, .rows.account = context->account};
        states[i] = &lanes[i];
    }
    const struct rc_fold fold = {
        .purpose = "first events",
        .lane_count = context->parallel_max,
        .lanes = states,
        .hits = take_hits,
        .rows = rc_slab_rows_stream(plan, plan->streams[0].bit) == 0 ? take_rows : NULL,
    };
    uint64_t hit_count = 0;
    const enum rc_status status = rc_walk(plan, &fold, &hit_count);
    for (uint32_t i = 0; i < context->parallel_max; i++)
        rc_slab_rows_close(&lanes[i].rows);
    return status;
}

/* One set from the bits of a slab's rows. */
static enum rc_status
build_set(struct rc_account *account,
          const uint64_t *words,
          uint32_t row_count,
          struct rc_rowset **ret_set)
{
    RC_CLEANUP(rc_rowset_builder_freep) struct rc_rowset_builder *builder = NULL;
    RC_TRY(rc_rowset_builder_new(row_count, account, &builder));
    for (uint32_t base = 0; base < row_count; base += RC_BLOCK_ROWS)
        RC_TRY(rc_rowset_builder_append(builder, words + base / 64));
    return rc_rowset_builder_finish(builder, ret_set);
}

/* Words of whole blocks for a slab. */
static size_t
words_of(uint32_t row_count)
{
    return ((size_t)row_count + RC_BLOCK_ROWS - 1) / RC_BLOCK_ROWS * RC_BLOCK_WORDS;
}

/* The sets of all slabs, from the persons' first events. */
static enum rc_status
build_sets(struct rc_first *first, struct rc_view *view, const struct best *bests, uint32_t users)
{
    uint32_t count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &count);
    size_t words = 0;
    for (uint32_t i = 0; i < count; i++)
        words += words_of(rc_slab_get_info(slabs[i].slab)->row_count);
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *bits = rc_alloc_in(first->account, (words + 1) * sizeof(*bits));
    RC_CLEANUP(rc_alloc_freep)
    uint64_t **of_slab = rc_alloc_in(first->account, ((size_t)count + 1) * sizeof(uint64_t *));
    if (bits == NULL || of_slab == NULL)
        return RC_NO_MEMORY;
    memset(bits, 0, words * sizeof(*bits));
    uint64_t *next = bits;
    for (uint32_t i = 0; i < count; i++) {
        of_slab[i] = next;
        next += words_of(rc_slab_get_info(slabs[i].slab)->row_count);
    }
    for (uint32_t person = 0; person < users; person++) {
        const struct best *best = &bests[person];
        if (best->source == SOURCE_NONE)
            continue;
        uint64_t *target =
            (best->source & RC_SOURCE_CHUNK) != 0
                ? first->chunk_words + (size_t)(best->source & ~RC_SOURCE_CHUNK) * CHUNK_WORDS
                : of_slab[best->source];
        target[best->row / 64] |= (uint64_t)1 << (best->row % 64);
    }
    for (uint32_t i = 0; i < count; i++) {
        RC_TRY(build_set(first->account, of_slab[i], rc_slab_get_info(slabs[i].slab)->row_count,
                         &first->sets[i]));
        if (rc_rowset_cardinality(first->sets[i]) == 0)
            first->sets[i] = rc_rowset_unref(first->sets[i]);
    }
    return RC_OK;
}

/* An empty one, with its arrays. */
static enum rc_status
make(const struct rc_query_context *context, struct rc_first **ret_first)
{
    RC_CLEANUP(rc_first_freep)
    struct rc_first *first = rc_alloc_in(context->account, sizeof(*first));
    if (first == NULL)
        return RC_NO_MEMORY;
    *first = (struct rc_first){.account = context->account};
    uint32_t chunks;
    rc_view_slabs(context->view, &first->slab_count);
    rc_view_chunks(context->view, &chunks);
    const size_t set_bytes = ((size_t)first->slab_count + 1) * sizeof(struct rc_rowset *);
    const size_t chunk_bytes = ((size_t)chunks + 1) * CHUNK_WORDS * sizeof(uint64_t);
    first->sets = rc_alloc_in(context->account, set_bytes);
    first->chunk_words = rc_alloc_in(context->account, chunk_bytes);
    if (first->sets == NULL || first->chunk_words == NULL) {
        first->slab_count = 0;
        return RC_NO_MEMORY;
    }
    memset(first->sets, 0, set_bytes);
    memset(first->chunk_words, 0, chunk_bytes);
    first->chunk_count = chunks;
    *ret_first = RC_TAKE(first);
    return RC_OK;
}

enum rc_status
rc_first_new(const struct rc_query_context *context,
             int64_t as_of_ms,
             const uint64_t *persons,
             const struct rc_predicate *predicate,
             struct rc_first **ret_first,
             struct rc_error *reterr_error)
{
    const uint32_t users = rc_view_user_count(context->view);
    RC_CLEANUP(rc_first_freep) struct rc_first *first = NULL;
    RC_CLEANUP(rc_plan_freep) struct rc_plan *plan = NULL;
    const struct rc_plan_selector selector = {
        .predicate = predicate, .from_ms = INT64_MIN, .until_ms = as_of_ms + 1};
    RC_TRY(rc_plan_new(context, as_of_ms, persons, &selector, 1, &plan, reterr_error));
    RC_TRY_OR(reterr_error, make(context, &first));
    RC_CLEANUP(rc_alloc_freep)
    struct best *bests = rc_alloc_in(context->account, ((size_t)users + 1) * sizeof(*bests));
    if (bests == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory for the users' first events");
    for (uint32_t i = 0; i < users; i++)
        bests[i].source = SOURCE_NONE;
    RC_TRY_OR(reterr_error, find(plan, bests));
    RC_TRY_OR(reterr_error, build_sets(first, context->view, bests, users));
    *ret_first = RC_TAKE(first);
    return RC_OK;
}

struct rc_first *
rc_first_free(struct rc_first *first)
{
    if (first == NULL)
        return NULL;
    for (uint32_t i = 0; i < first->slab_count; i++)
        rc_rowset_unref(first->sets[i]);
    rc_alloc_free(first->sets);
    rc_alloc_free(first->chunk_words);
    return rc_alloc_free(first);
}

struct rc_rowset *
rc_first_slab(const struct rc_first *first, uint32_t slab)
{
    RC_ASSERT(slab < first->slab_count);
    return first->sets[slab];
}

enum rc_status
rc_first_intersect(const struct rc_first *first,
                   uint32_t slab,
                   const struct rc_rowset *set,
                   struct rc_rowset **ret_set)
{
    struct rc_rowset *mine = rc_first_slab(first, slab);
    *ret_set = NULL;
    if (mine == NULL)
        return RC_OK;
    const uint32_t row_count = rc_rowset_row_count(mine);
    if (set == NULL || rc_rowset_cardinality(set) == row_count) {
        *ret_set = rc_rowset_ref(mine);
        return RC_OK;
    }
    RC_CLEANUP(rc_alloc_freep)
    uint64_t *words = rc_alloc_in(first->account, words_of(row_count) * sizeof(*words));
    if (words == NULL)
        return RC_NO_MEMORY;
    memset(words, 0, words_of(row_count) * sizeof(*words));
    uint32_t cursor = 0;
    uint32_t rows[256];
    for (uint32_t count = 1; count > 0;) {
        count = rc_rowset_read(mine, &cursor, row_count, rows, 256);
        for (uint32_t i = 0; i < count; i++)
            if (rc_rowset_contains(set, rows[i]))
                words[rows[i] / 64] |= (uint64_t)1 << (rows[i] % 64);
    }
    return build_set(first->account, words, row_count, ret_set);
}

void
rc_first_restrict_chunk(const struct rc_first *first, uint32_t chunk, uint64_t *words)
{
    RC_ASSERT(chunk < first->chunk_count);
    for (uint32_t word = 0; word < CHUNK_WORDS; word++)
        words[word] &= first->chunk_words[(size_t)chunk * CHUNK_WORDS + word];
}
