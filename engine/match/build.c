/*
 * Build: a slab is a task, and gets the bitmaps of all predicates at once (rc_matcher_slab_many),
 * unless one slab is more than a worker's share of the rows: then each is several tasks, of some of
 * the predicates. Counting is the same task's, while the sets are at hand; the rows of heads are
 * asked chunk by chunk.
 *
 * What fails with a pattern that is too slow does not say whose it was: so the parts are halved
 * until it is alone. Later slabs leave it out, and what is there already is found in the cache.
 */
#include "engine/match/build.h"

#include "engine/base/assert.h"
#include "engine/match/cache/match_stored.h"
#include "engine/match/rows/words.h"

/* A task of fewer predicates would spend most of its time on what all of them share. */
#define TOGETHER_MIN 64u

struct turn {
    const struct rc_build *build;
    uint32_t groups;      /* Tasks of a slab; */
    uint32_t group_parts; /* each has so many parts, the last one the rest. */
    uint32_t part_count;
    struct rc_matcher_part *parts;
    _Atomic(uint64_t) *counts; /* By part; NULL: nobody asks. */
    _Atomic(bool) *too_slow;   /* By part. */
    _Atomic int status;        /* The first that is not RC_OK, TOO_SLOW aside. */
};

static void
fail(struct turn *turn, enum rc_status status)
{
    int expected = RC_OK;
    if (status != RC_OK)
        atomic_compare_exchange_strong(&turn->status, &expected, (int)status);
}

/* Rows of a set that are not dead. */
static uint64_t
live_rows(const struct rc_rowset *set, const uint64_t *dead, uint64_t scratch[RC_BLOCK_WORDS])
{
    uint64_t count = rc_rowset_cardinality(set);
    const uint32_t row_count = rc_rowset_row_count(set);
    for (uint32_t block = 0; dead != NULL && block * RC_BLOCK_ROWS < row_count; block++) {
        const uint64_t *dead_words = dead + (size_t)block * RC_BLOCK_WORDS;
        const uint32_t left = row_count - block * RC_BLOCK_ROWS;
        const uint32_t word_count = left < RC_BLOCK_ROWS ? (left + 63) / 64 : RC_BLOCK_WORDS;
        const uint64_t *words = NULL;
        switch (rc_rowset_block(set, block, scratch, &words)) {
        case RC_BLOCK_EMPTY:
            break;
        case RC_BLOCK_FULL:
            count -= rc_words_count(dead_words, word_count);
            break;
        case RC_BLOCK_MIXED:
            if (words != scratch)
                memcpy(scratch, words, word_count * sizeof(*scratch));
            (void)rc_words_and(scratch, dead_words, word_count);
            count -= rc_words_count(scratch, word_count);
            break;
        }
    }
    return count;
}

/* What a task of one slab works on. */
struct slab_build {
    struct turn *turn;
    uint32_t slab;
    struct rc_arena *arena;
    uint64_t *scratch;             /* A block of words. */
    uint32_t *places;              /* Of the parts, in the turn. */
    struct rc_matcher_part *parts; /* Those that are not known to be too slow. */
    struct rc_rowset **sets;       /* By part. */
};

/* Builds parts of the slab, and counts them. */
static enum rc_status
build_parts(const struct slab_build *slab, uint32_t first, uint32_t count)
{
    struct turn *turn = slab->turn;
    const struct rc_build *build = turn->build;
    const struct rc_view_slab *rows = &rc_view_slabs(build->view, &(uint32_t){0})[slab->slab];
    const enum rc_status status = rc_matcher_slab_many(
        slab->parts + first, count, slab->slab, build->cancel, slab->arena, slab->sets + first);
    if (status == RC_TOO_SLOW && count > 1) {
        RC_TRY(build_parts(slab, first, count / 2));
        return build_parts(slab, first + count / 2, count - count / 2);
    }
    if (status == RC_TOO_SLOW) {
        atomic_store(&turn->too_slow[slab->places[first]], true);
        return RC_OK;
    }
    for (uint32_t i = first; i < first + count; i++) {
        if (status == RC_OK && turn->counts != NULL)
            atomic_fetch_add(&turn->counts[slab->places[i]],
                             live_rows(slab->sets[i], rows->dead, slab->scratch));
        slab->sets[i] = rc_rowset_unref(slab->sets[i]);
    }
    return status;
}

/* Builds the parts [first, end) in a slab. */
static enum rc_status
build_slab(struct turn *turn, uint32_t index, uint32_t first, uint32_t end)
{
    const struct rc_build *build = turn->build;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(build->account, 0);
    if (arena == NULL)
        return RC_NO_MEMORY;
    const struct slab_build slab = {
        .turn = turn,
        .slab = index,
        .arena = arena,
        .scratch = RC_ARENA_ARRAY(arena, uint64_t, RC_BLOCK_WORDS),
        .places = RC_ARENA_ARRAY(arena, uint32_t, end - first),
        .parts = RC_ARENA_ARRAY(arena, struct rc_matcher_part, end - first),
        .sets = RC_ARENA_ARRAY(arena, struct rc_rowset *, end - first),
    };
    if (slab.scratch == NULL || slab.places == NULL || slab.parts == NULL || slab.sets == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        if (atomic_load(&turn->too_slow[i]))
            continue;
        slab.places[count] = i;
        slab.parts[count++] = turn->parts[i];
    }
    RC_TRY(rc_view_use_slab(build->view, index, 0, NULL));
    const enum rc_status status = build_parts(&slab, 0, count);
    rc_view_unuse_slab(build->view, index);
    return status;
}

static void
build_one(void *argument, uint32_t task)
{
    struct turn *turn = argument;
    const bool *wanted = turn->build->slabs;
    const uint32_t slab = task / turn->groups;
    const uint32_t first = task % turn->groups * turn->group_parts;
    const uint32_t left = turn->part_count - first;
    const uint32_t end = first + (left < turn->group_parts ? left : turn->group_parts);
    if ((wanted == NULL || wanted[slab]) &&
        atomic_load_explicit(&turn->status, memory_order_relaxed) == RC_OK)
        fail(turn, build_slab(turn, slab, first, end));
}

static void
count_chunk(void *argument, uint32_t index)
{
    struct turn *turn = argument;
    const struct rc_build *build = turn->build;
    const struct rc_view_chunk *chunk = &rc_view_chunks(build->view, &(uint32_t){0})[index];
    if (build->cancel != NULL && atomic_load_explicit(build->cancel, memory_order_relaxed))
        fail(turn, RC_CANCELLED);
    if (atomic_load_explicit(&turn->status, memory_order_relaxed) != RC_OK)
        return;
    for (uint32_t i = 0; i < turn->part_count; i++) {
        uint64_t words[RC_CHUNK_ROWS / 64];
        const struct rc_matcher_part *part = &turn->parts[i];
        if (atomic_load(&turn->too_slow[i]))
            continue;
        const enum rc_status status =
            rc_matcher_chunk(part->matcher, part->part, index, build->cancel, words);
        if (status == RC_TOO_SLOW)
            atomic_store(&turn->too_slow[i], true);
        else
            fail(turn, status);
        for (uint32_t w = 0; chunk->dead != NULL && w < RC_CHUNK_ROWS / 64; w++)
            words[w] &= ~chunk->dead[w];
        atomic_fetch_add(&turn->counts[i], rc_words_count(words, RC_CHUNK_ROWS / 64));
    }
}

static void
run(const struct rc_build *build,
    uint32_t count,
    void (*task)(void *argument, uint32_t index),
    struct turn *turn)
{
    if (build->workers != NULL)
        rc_workers_run(build->workers, build->parallel_max, count, task, turn);
    else
        for (uint32_t i = 0; i < count; i++)
            task(turn, i);
}

/* Cuts the work into tasks, so that no slab is more of it than a worker's share; how many. */
static uint32_t
cut(struct turn *turn)
{
    const struct rc_build *build = turn->build;
    const uint32_t lanes = build->workers == NULL ? 1 : build->parallel_max;
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(build->view, &slab_count);
    uint64_t largest = 1;
    uint64_t all = 1;
    for (uint32_t i = 0; i < slab_count; i++) {
        const uint64_t rows = rc_slab_get_info(slabs[i].slab)->row_count;
        largest = rows > largest ? rows : largest;
        all += rows;
    }
    const uint32_t wanted = (uint32_t)(largest * lanes / all) + 1;
    const uint32_t most = turn->part_count / TOGETHER_MIN + 1;
    turn->groups = wanted < most ? wanted : most;
    turn->group_parts = (turn->part_count + turn->groups - 1) / turn->groups;
    return slab_count * turn->groups;
}

/* One turn over compiled predicates. */
static enum rc_status
build_turn(const struct rc_build *build,
           struct rc_matcher *const *matchers,
           uint32_t count,
           struct rc_arena *arena,
           uint64_t *ret_counts)
{
    struct turn turn = {.build = build};
    for (uint32_t i = 0; i < count; i++)
        turn.part_count += rc_matcher_part_count(matchers[i]);
    turn.parts = RC_ARENA_ARRAY(arena, struct rc_matcher_part, turn.part_count);
    turn.too_slow = RC_ARENA_ARRAY(arena, _Atomic(bool), turn.part_count);
    if (ret_counts != NULL)
        turn.counts = RC_ARENA_ARRAY(arena, _Atomic(uint64_t), turn.part_count);
    if (turn.parts == NULL || turn.too_slow == NULL || (ret_counts != NULL && turn.counts == NULL))
        return RC_NO_MEMORY;
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t part = 0; part < rc_matcher_part_count(matchers[i]); part++)
            turn.parts[at++] = (struct rc_matcher_part){matchers[i], part};
    uint32_t chunk_count = 0;
    (void)rc_view_chunks(build->view, &chunk_count);
    run(build, cut(&turn), build_one, &turn);
    if (ret_counts != NULL)
        run(build, chunk_count, count_chunk, &turn);
    RC_TRY((enum rc_status)atomic_load(&turn.status));
    for (uint32_t i = 0; build->stored && i < turn.part_count; i++)
        rc_match_stored_mark(build->cache,
                             rc_matcher_part_key(turn.parts[i].matcher, turn.parts[i].part));
    at = 0;
    for (uint32_t i = 0; ret_counts != NULL && i < count; i++) {
        for (uint32_t part = 0; part < rc_matcher_part_count(matchers[i]); part++, at++) {
            if (atomic_load(&turn.too_slow[at]))
                ret_counts[i] = RC_BUILD_TOO_SLOW;
            else if (ret_counts[i] < RC_BUILD_TOO_SLOW)
                ret_counts[i] += atomic_load(&turn.counts[at]);
        }
    }
    return rc_view_check_reads(build->view, NULL);
}

/* Compiles the predicates of a turn. *ret_compiled of them are to be freed whatever the status. */
static enum rc_status
compile(const struct rc_build *build,
        const struct rc_predicate *const *predicates,
        uint32_t count,
        struct rc_arena *arena,
        struct rc_matcher **matchers,
        uint32_t *ret_compiled,
        struct rc_error *reterr_error)
{
    for (*ret_compiled = 0; *ret_compiled < count; (*ret_compiled)++)
        RC_TRY(rc_matcher_new_events(build->cache, build->view, predicates[*ret_compiled], arena,
                                     &matchers[*ret_compiled], reterr_error));
    return RC_OK;
}

enum rc_status
rc_build(const struct rc_build *build,
         const struct rc_predicate *const *predicates,
         uint32_t predicate_count,
         uint64_t *ret_counts,
         struct rc_error *reterr_error)
{
    if (build->stored)
        rc_match_stored_begin(build->cache);
    for (uint32_t first = 0; first < predicate_count; first += RC_BUILD_TOGETHER_MAX) {
        const uint32_t left = predicate_count - first;
        const uint32_t count = left < RC_BUILD_TOGETHER_MAX ? left : RC_BUILD_TOGETHER_MAX;
        RC_CLEANUP(rc_arena_freep) struct rc_arena *arena = rc_arena_new(build->account, 0);
        struct rc_matcher **matchers =
            arena == NULL ? NULL : RC_ARENA_ARRAY(arena, struct rc_matcher *, count);
        if (matchers == NULL)
            return rc_error_set(reterr_error, RC_NO_MEMORY, "no memory to build bitmaps");
        uint64_t *counts = ret_counts == NULL ? NULL : ret_counts + first;
        for (uint32_t i = 0; counts != NULL && i < count; i++)
            counts[i] = rc_predicate_reads_user(predicates[first + i]) ? RC_BUILD_UNCOUNTED : 0;
        uint32_t compiled = 0;
        enum rc_status status =
            compile(build, predicates + first, count, arena, matchers, &compiled, reterr_error);
        if (status == RC_OK) {
            status = build_turn(build, matchers, count, arena, counts);
            if (status != RC_OK)
                rc_error_set(reterr_error, status, "%s", rc_status_sentence(status));
        }
        for (uint32_t i = 0; i < compiled; i++)
            rc_matcher_free(matchers[i]);
        RC_TRY(status);
    }
    return RC_OK;
}
