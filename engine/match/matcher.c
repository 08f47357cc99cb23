/*
 * Matcher: the parts of a split predicate, each an event tree ready for slabs and chunks, and a set
 * of persons evaluated once when the matcher is made.
 *
 * The rowset of a whole part is what the cache keeps, under the part's canonical bytes: a
 * definition alone, and the same definition beside a user leaf, therefore share one. Two threads
 * that miss the same rowset both compute it; the first to put it in wins.
 */
#include "engine/match/matcher.h"

#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/clock.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/predicate/match_split.h"
#include "engine/match/predicate/user_predicate.h"
#include "engine/match/slab/match_batch.h"
#include "engine/match/slab/match_chunk.h"
#include "engine/match/slab/match_estimate.h"
#include "engine/match/slab/match_heads.h"
#include "engine/match/slab/match_node.h"
#include "engine/match/slab/match_slab.h"

_Static_assert(RC_CHUNK_ROWS % 64 == 0, "a chunk is whole words");

struct part {
    struct rc_match_tree tree;
    const struct rc_predicate *event;
    uint64_t *persons; /* NULL: everybody. */
};

struct rc_matcher {
    struct rc_match_cache *cache;
    struct rc_view *view;
    uint32_t
        part_count; /* Counts compiled parts only, so that a half-built matcher can be freed. */
    struct part *parts;
};

struct rc_matcher *
rc_matcher_free(struct rc_matcher *matcher)
{
    for (uint32_t i = 0; matcher != NULL && i < matcher->part_count; i++)
        rc_match_node_close(matcher->cache, matcher->parts[i].tree.root);
    if (matcher != NULL)
        matcher->part_count = 0;
    return NULL;
}

static enum rc_status
compile_part(struct rc_matcher *matcher,
             const int64_t *as_of_ms,
             const _Atomic(bool) *cancel,
             const struct rc_match_part *source,
             struct rc_arena *arena,
             struct rc_error *reterr_error)
{
    struct part *part = &matcher->parts[matcher->part_count];
    RC_TRY_OR(reterr_error,
              rc_match_node_compile(matcher->cache, rc_view_event_properties(matcher->view),
                                    source->event, arena, &part->tree));
    part->event = source->event;
    matcher->part_count++;
    if (source->persons == NULL || as_of_ms == NULL)
        return RC_OK;
    const size_t word_count = ((size_t)rc_view_user_count(matcher->view) + 63) / 64;
    part->persons = RC_ARENA_ARRAY(arena, uint64_t, word_count);
    if (part->persons == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    return rc_user_predicate_match(matcher->cache, matcher->view, *as_of_ms, cancel,
                                   source->persons, arena, part->persons, reterr_error);
}

/* as_of_ms: NULL: persons are not looked for. */
static enum rc_status
matcher_new(struct rc_match_cache *cache,
            struct rc_view *view,
            const int64_t *as_of_ms,
            const _Atomic(bool) *cancel,
            const struct rc_predicate *predicate,
            struct rc_arena *arena,
            struct rc_matcher **ret_matcher,
            struct rc_error *reterr_error)
{
    const struct rc_predicate *canonical;
    const struct rc_match_part *sources;
    uint32_t source_count;
    RC_TRY_OR(reterr_error, rc_predicate_canonical(predicate, arena, &canonical));
    const enum rc_status status = rc_match_split(canonical, arena, &sources, &source_count);
    if (status == RC_LIMIT_EXCEEDED)
        return rc_error_set(reterr_error, status,
                            "the predicate mixes properties of events and of users in more than %u "
                            "ways; put the tests of the user into a segment",
                            RC_MATCH_PARTS_MAX);
    RC_TRY_OR(reterr_error, status);
    RC_CLEANUP(rc_matcher_freep)
    struct rc_matcher *matcher = rc_arena_zero(arena, sizeof(*matcher));
    if (matcher == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    *matcher = (struct rc_matcher){
        .cache = cache, .view = view, .parts = RC_ARENA_ARRAY(arena, struct part, source_count)};
    if (matcher->parts == NULL)
        return rc_error_set(reterr_error, RC_NO_MEMORY, "%s", rc_status_sentence(RC_NO_MEMORY));
    for (uint32_t i = 0; i < source_count; i++)
        RC_TRY(compile_part(matcher, as_of_ms, cancel, &sources[i], arena, reterr_error));
    *ret_matcher = RC_TAKE(matcher);
    return RC_OK;
}

enum rc_status
rc_matcher_new(struct rc_match_cache *cache,
               struct rc_view *view,
               int64_t as_of_ms,
               const _Atomic(bool) *cancel,
               const struct rc_predicate *predicate,
               struct rc_arena *arena,
               struct rc_matcher **ret_matcher,
               struct rc_error *reterr_error)
{
    return matcher_new(cache, view, &as_of_ms, cancel, predicate, arena, ret_matcher, reterr_error);
}

enum rc_status
rc_matcher_new_events(struct rc_match_cache *cache,
                      struct rc_view *view,
                      const struct rc_predicate *predicate,
                      struct rc_arena *arena,
                      struct rc_matcher **ret_matcher,
                      struct rc_error *reterr_error)
{
    return matcher_new(cache, view, NULL, NULL, predicate, arena, ret_matcher, reterr_error);
}

uint32_t
rc_matcher_part_count(const struct rc_matcher *matcher)
{
    return matcher->part_count;
}

const uint64_t *
rc_matcher_part_persons(const struct rc_matcher *matcher, uint32_t part)
{
    RC_ASSERT(part < matcher->part_count);
    return matcher->parts[part].persons;
}

/* Computes the rows; a project at its limit gives cached sets up first: an answer goes before a
 * quick answer. */
static enum rc_status
compute(struct rc_matcher *matcher,
        const struct rc_match_tree *tree,
        const struct rc_view_slab *slab,
        const struct rc_match_order *order,
        const _Atomic(bool) *cancel,
        struct rc_rowset **ret_set,
        struct rc_match_work *work,
        bool *ret_ruled_out)
{
    const struct rc_slab *rows = slab->slab;
    struct rc_match_cache *cache = matcher->cache;
    const uint32_t failures = rc_slab_read_failures(rows);
    const uint64_t wanted = (uint64_t)rc_slab_get_info(rows)->row_count + RC_BLOCK_ROWS;
    struct rc_rowset *set = NULL;
    if (tree->parts != 0)
        RC_TRY(rc_slab_use(slab->slab, tree->parts, NULL));
    enum rc_status status =
        rc_match_slab(cache, tree, rows, slab->id, order, cancel, &set, work, ret_ruled_out);
    if (status == RC_NO_MEMORY && rc_match_cache_shrink(cache, wanted) > 0)
        status =
            rc_match_slab(cache, tree, rows, slab->id, order, cancel, &set, work, ret_ruled_out);
    if (tree->parts != 0)
        rc_slab_unuse(slab->slab);
    RC_TRY(status);
    if (rc_slab_read_failures(rows) != failures) { /* A column was missed: the rows are wrong. */
        rc_rowset_unref(set);
        return rc_slab_read_error(rows, NULL);
    }
    *ret_set = set;
    return RC_OK;
}

enum rc_status
rc_matcher_slab_by(struct rc_matcher *matcher,
                   uint32_t part,
                   uint32_t slab,
                   const struct rc_match_order *order,
                   const _Atomic(bool) *cancel,
                   struct rc_rowset **ret_set,
                   enum rc_access *ret_access,
                   struct rc_match_work *work)
{
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(matcher->view, &slab_count);
    RC_ASSERT(part < matcher->part_count && slab < slab_count);
    RC_ASSERT((order->blocks == NULL && order->range_count == 0) || !order->keep);
    const struct rc_match_tree *tree = &matcher->parts[part].tree;
    bool ruled_out = false;
    struct rc_rowset *set = NULL;
    if (order->access == RC_ACCESS_BITMAP || order->access == RC_ACCESS_NONE)
        set = rc_match_cache_find(matcher->cache, slabs[slab].id, &tree->root->key);
    if (set == NULL && order->access == RC_ACCESS_BITMAP)
        return RC_NOT_FOUND;
    *ret_access = set != NULL ? RC_ACCESS_BITMAP : order->access;
    if (set == NULL) {
        const uint64_t begun_ns = rc_clock_monotonic_ns();
        RC_TRY(compute(matcher, tree, &slabs[slab], order, cancel, &set, work, &ruled_out));
        if (order->keep)
            set = rc_match_cache_insert(matcher->cache, slabs[slab].id, &tree->root->key,
                                        rc_clock_monotonic_ns() - begun_ns, set);
        if (ruled_out)
            *ret_access = RC_ACCESS_RULED_OUT;
    }
    *ret_set = set;
    return RC_OK;
}

enum rc_status
rc_matcher_slab(struct rc_matcher *matcher,
                uint32_t part,
                uint32_t slab,
                const _Atomic(bool) *cancel,
                struct rc_rowset **ret_set)
{
    const struct rc_match_order order = {.keep = true};
    enum rc_access access;
    return rc_matcher_slab_by(matcher, part, slab, &order, cancel, ret_set, &access, NULL);
}

struct rc_rowset *
rc_matcher_bitmap(struct rc_matcher *matcher, uint32_t part, uint32_t slab)
{
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(matcher->view, &slab_count);
    RC_ASSERT(part < matcher->part_count && slab < slab_count);
    return rc_match_cache_find(matcher->cache, slabs[slab].id,
                               &matcher->parts[part].tree.root->key);
}

void
rc_matcher_estimate(struct rc_matcher *matcher,
                    uint32_t part,
                    uint32_t slab,
                    struct rc_match_estimate *ret_estimate)
{
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(matcher->view, &slab_count);
    RC_ASSERT(part < matcher->part_count && slab < slab_count);
    rc_match_estimate(matcher->cache, &matcher->parts[part].tree, slabs[slab].slab, slabs[slab].id,
                      ret_estimate);
}

struct rc_view *
rc_matcher_view(const struct rc_matcher *matcher)
{
    return matcher->view;
}

const struct rc_predicate *
rc_matcher_part_predicate(const struct rc_matcher *matcher, uint32_t part)
{
    RC_ASSERT(part < matcher->part_count);
    return matcher->parts[part].event;
}

const struct rc_match_key *
rc_matcher_part_key(const struct rc_matcher *matcher, uint32_t part)
{
    RC_ASSERT(part < matcher->part_count);
    return &matcher->parts[part].tree.root->key;
}

static const struct rc_match_tree *
tree_of(const struct rc_matcher_part *part)
{
    RC_ASSERT(part->part < part->matcher->part_count);
    return &part->matcher->parts[part->part].tree;
}

/* A part that the cache lacks. */
struct missing {
    const struct rc_match_tree *tree;
    struct rc_rowset **place;
};

static int
compare_missing(const void *a, const void *b)
{
    const struct rc_match_key *x = &((const struct missing *)a)->tree->root->key;
    const struct rc_match_key *y = &((const struct missing *)b)->tree->root->key;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return rc_bytes_compare(x->bytes, y->bytes);
}

/* Computes distinct trees. */
static enum rc_status
match_trees(struct rc_match_cache *cache,
            const struct rc_match_tree *const *trees,
            uint32_t count,
            const struct rc_view_slab *slab,
            const _Atomic(bool) *cancel,
            struct rc_rowset **ret_sets)
{
    if (count >= RC_MATCH_BATCH_MIN)
        return rc_match_batch(cache, trees, count, slab->slab, slab->id, cancel, ret_sets);
    enum rc_status status = RC_OK;
    const struct rc_match_order order = {.access = RC_ACCESS_NONE, .keeps_columns = true};
    bool ruled_out = false;
    for (uint32_t i = 0; i < count && status == RC_OK; i++)
        status = rc_match_slab(cache, trees[i], slab->slab, slab->id, &order, cancel, &ret_sets[i],
                               NULL, &ruled_out);
    for (uint32_t i = 0; i < count && status != RC_OK; i++)
        ret_sets[i] = rc_rowset_unref(ret_sets[i]);
    return status;
}

/* Computes what is missing and hands it to the cache. */
static enum rc_status
fill(struct rc_match_cache *cache,
     struct missing *missing,
     uint32_t count,
     const struct rc_view_slab *slab,
     const _Atomic(bool) *cancel,
     struct rc_arena *scratch)
{
    const struct rc_match_tree **trees =
        RC_ARENA_ARRAY(scratch, const struct rc_match_tree *, count);
    struct rc_rowset **sets = RC_ARENA_ARRAY(scratch, struct rc_rowset *, count);
    if (trees == NULL || sets == NULL)
        return RC_NO_MEMORY;
    qsort(missing, count, sizeof(*missing), compare_missing);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || compare_missing(&missing[i], &missing[i - 1]) != 0)
            trees[distinct++] = missing[i].tree;
    const uint32_t failures = rc_slab_read_failures(slab->slab);
    uint32_t parts = 0;
    for (uint32_t i = 0; i < distinct; i++)
        parts |= trees[i]->parts;
    if (parts != 0)
        RC_TRY(rc_slab_use(slab->slab, parts, NULL));
    const uint64_t begun_ns = rc_clock_monotonic_ns();
    enum rc_status status = match_trees(cache, trees, distinct, slab, cancel, sets);
    /* A project at its limit gives cached sets up first: an answer goes before a quick answer. */
    const uint64_t wanted = ((uint64_t)rc_slab_get_info(slab->slab)->row_count + RC_BLOCK_ROWS) * 4;
    if (status == RC_NO_MEMORY && rc_match_cache_shrink(cache, wanted) > 0)
        status = match_trees(cache, trees, distinct, slab, cancel, sets);
    if (parts != 0)
        rc_slab_unuse(slab->slab);
    RC_TRY(status);
    if (rc_slab_read_failures(slab->slab) != failures) { /* A column was missed. */
        for (uint32_t i = 0; i < distinct; i++)
            rc_rowset_unref(sets[i]);
        return rc_slab_read_error(slab->slab, NULL);
    }
    const uint64_t cost_ns = (rc_clock_monotonic_ns() - begun_ns) / distinct;
    for (uint32_t i = 0; i < distinct; i++)
        sets[i] = rc_match_cache_insert(cache, slab->id, &trees[i]->root->key, cost_ns, sets[i]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bool first = i == 0 || compare_missing(&missing[i], &missing[i - 1]) != 0;
        if (i > 0 && first)
            at++;
        *missing[i].place = first ? sets[at] : rc_rowset_ref(sets[at]);
    }
    return RC_OK;
}

enum rc_status
rc_matcher_slab_many(const struct rc_matcher_part *parts,
                     uint32_t part_count,
                     uint32_t slab,
                     const _Atomic(bool) *cancel,
                     struct rc_arena *scratch,
                     struct rc_rowset **ret_sets)
{
    if (part_count == 0)
        return RC_OK;
    struct rc_match_cache *cache = parts[0].matcher->cache;
    uint32_t slab_count;
    const struct rc_view_slab *slabs = rc_view_slabs(parts[0].matcher->view, &slab_count);
    RC_ASSERT(slab < slab_count);
    struct missing *missing = RC_ARENA_ARRAY(scratch, struct missing, part_count);
    if (missing == NULL)
        return RC_NO_MEMORY;
    uint32_t count = 0;
    for (uint32_t i = 0; i < part_count; i++) {
        const struct rc_match_tree *tree = tree_of(&parts[i]);
        ret_sets[i] = rc_match_cache_find(cache, slabs[slab].id, &tree->root->key);
        if (ret_sets[i] == NULL)
            missing[count++] = (struct missing){tree, &ret_sets[i]};
    }
    const enum rc_status status =
        count == 0 ? RC_OK : fill(cache, missing, count, &slabs[slab], cancel, scratch);
    for (uint32_t i = 0; status != RC_OK && i < part_count; i++)
        ret_sets[i] = rc_rowset_unref(ret_sets[i]);
    return status;
}

enum rc_status
rc_matcher_chunk(struct rc_matcher *matcher,
                 uint32_t part,
                 uint32_t chunk,
                 const _Atomic(bool) *cancel,
                 uint64_t words[RC_CHUNK_ROWS / 64])
{
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(matcher->view, &chunk_count);
    RC_ASSERT(part < matcher->part_count && chunk < chunk_count);
    return rc_match_chunk(matcher->parts[part].tree.root, &chunks[chunk], 0, cancel, words);
}

enum rc_status
rc_matcher_chunks(struct rc_matcher *matcher,
                  uint32_t part,
                  bool keeps,
                  const _Atomic(bool) *cancel,
                  uint64_t *words)
{
    uint32_t chunk_count;
    const struct rc_view_chunk *chunks = rc_view_chunks(matcher->view, &chunk_count);
    RC_ASSERT(part < matcher->part_count);
    return rc_match_heads(matcher->cache, matcher->parts[part].tree.root, chunks, chunk_count,
                          keeps, cancel, words);
}
