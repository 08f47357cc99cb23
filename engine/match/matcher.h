/*
 * Matcher: a predicate compiled against a project, and the sets of rows that it selects.
 *
 * The cache of a project (one rc_match_cache) holds, by canonical bytes: for each leaf, its result
 * per dictionary code (computed once per distinct string and extended as strings arrive), and for
 * each predicate and slab the rowset. Definitions, inline predicates and sub-trees of equal
 * canonical form share. User leaves are not part of a rowset: rc_matcher_part_persons gives them as
 * sets of persons, to be applied during the walk; a predicate that mixes both is split (see
 * rc_matcher_new).
 *
 * Ownership: a cache belongs to the project; a matcher borrows the cache and the view, which must
 *            outlive it, and lives in its arena.
 * Threading: the cache may be used by any thread (short locks inside; never held while matching). A
 *            matcher is built by one thread and then used by any number.
 */
#ifndef RC_MATCH_MATCHER_H
#define RC_MATCH_MATCHER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/status.h"
#include "engine/match/access.h"
#include "engine/match/predicate/predicate.h"
#include "engine/match/rows/rowset.h"
#include "engine/store/project/view.h"

struct rc_match_cache;

/* Counts up when the same canonical predicate comes to mean other events: bitmaps that an earlier
 * program stored are then not believed. */
#define RC_MATCH_MEANING 2u

RC_MUST_USE enum rc_status
rc_match_cache_new(struct rc_account *account, struct rc_match_cache **ret_cache);

struct rc_match_cache *
rc_match_cache_free(struct rc_match_cache *cache);

RC_DEFINE_CLEANUP(struct rc_match_cache *, rc_match_cache_free)

/* Forgets the rowsets and columns of a slab that is gone. */
void
rc_match_cache_drop_slab(struct rc_match_cache *cache, uint64_t slab_id);

/* Forgets what it has of a head that was sealed. */
void
rc_match_cache_drop_head(struct rc_match_cache *cache, uint64_t head);

/* Forgets rowsets, columns and answers of heads until at least bytes are free or none is left:
 * those first that are used least for their bytes and cheapest to compute again. Returns the bytes
 * freed. */
uint64_t
rc_match_cache_shrink(struct rc_match_cache *cache, uint64_t bytes);

/* Forgets everything (for cold measurements and tests). */
void
rc_match_cache_clear(struct rc_match_cache *cache);

struct rc_match_cache_stats {
    uint64_t rowset_count;
    uint64_t rowset_bytes;
    uint64_t column_count; /* That are made (derived/made_column.h). */
    uint64_t column_bytes;
    uint64_t head_count; /* Answers of a predicate about a head. */
    uint64_t head_bytes;
    uint64_t leaf_count;
    uint64_t leaf_bytes;
    uint64_t hits;
    uint64_t misses;
};

void
rc_match_cache_get_stats(struct rc_match_cache *cache, struct rc_match_cache_stats *ret_stats);

struct rc_matcher;

/*
 * Compiles. predicate holds no DEFINITION nodes (see definitions.h) and passed rc_predicate_check.
 * A predicate with user leaves is brought into the form OR over k of (event part_k AND user
 * part_k), so that every part is a pure event predicate with a rowset beside a pure set of persons;
 * a predicate whose form has more than 64 parts is refused with RC_LIMIT_EXCEEDED.
 */
RC_MUST_USE enum rc_status
rc_matcher_new(struct rc_match_cache *cache,
               struct rc_view *view,
               int64_t as_of_ms,
               const _Atomic(bool) *cancel,
               const struct rc_predicate *predicate,
               struct rc_arena *arena,
               struct rc_matcher **ret_matcher,
               struct rc_error *reterr_error);

/* The same for who wants bitmaps alone: persons are not looked for, and rc_matcher_part_persons
 * says NULL for every part. */
RC_MUST_USE enum rc_status
rc_matcher_new_events(struct rc_match_cache *cache,
                      struct rc_view *view,
                      const struct rc_predicate *predicate,
                      struct rc_arena *arena,
                      struct rc_matcher **ret_matcher,
                      struct rc_error *reterr_error);

/* Gives back what the matcher holds in the cache; its memory is the arena's. A matcher that is
 * never freed keeps its leaves from being evicted until the cache is freed. NULL is fine. Returns
 * NULL. */
struct rc_matcher *
rc_matcher_free(struct rc_matcher *matcher);

RC_DEFINE_CLEANUP(struct rc_matcher *, rc_matcher_free)

/* 1 for a predicate without user leaves. */
uint32_t
rc_matcher_part_count(const struct rc_matcher *matcher);

/* The persons of a part: a bit per person (rc_view_user_count bits), or NULL: everybody. */
const uint64_t *
rc_matcher_part_persons(const struct rc_matcher *matcher, uint32_t part);

/*
 * The rows of slab (an index into rc_view_slabs) that a part selects, raw: dead rows are still in
 * it. From the cache, or computed and put there. The slab is in use (rc_view_use_slab), for none of
 * its parts.
 *   RC_OK         *ret_set is a reference of the caller's.
 *   RC_CANCELLED  cancel was seen.
 *   RC_TOO_SLOW   a pattern took too long over a text.
 *   RC_UNAVAILABLE, RC_CORRUPT  a cold slab could not be read.
 */
RC_MUST_USE enum rc_status
rc_matcher_slab(struct rc_matcher *matcher,
                uint32_t part,
                uint32_t slab,
                const _Atomic(bool) *cancel,
                struct rc_rowset **ret_set);

/* From so many on, missing sets cost less together than one by one. */
#define RC_MATCH_BATCH_MIN 8u

struct rc_matcher_part {
    struct rc_matcher *matcher;
    uint32_t part;
};

/*
 * The same for many parts, of matchers over one cache and view: those that are missing are computed
 * in one pass over the slab's columns when there are many (match_batch.h). On a failure no set is
 * given.
 */
RC_MUST_USE enum rc_status
rc_matcher_slab_many(const struct rc_matcher_part *parts,
                     uint32_t part_count,
                     uint32_t slab,
                     const _Atomic(bool) *cancel,
                     struct rc_arena *scratch,
                     struct rc_rowset **ret_sets);
/* The same in a way that is given, with what it took added to *work (may be NULL).
 *   RC_NOT_FOUND  BITMAP was ordered and there is none (any more): no message, nothing happened.
 * *ret_access: how it went; a scan may find that dictionaries rule the slab out, and a bitmap may
 * have come in meanwhile. */
RC_MUST_USE enum rc_status
rc_matcher_slab_by(struct rc_matcher *matcher,
                   uint32_t part,
                   uint32_t slab,
                   const struct rc_match_order *order,
                   const _Atomic(bool) *cancel,
                   struct rc_rowset **ret_set,
                   enum rc_access *ret_access,
                   struct rc_match_work *work);

/* The bitmap that is kept of a part in a slab, as a reference of the caller's; NULL: there is none.
 * Not a row is touched. */
struct rc_rowset *
rc_matcher_bitmap(struct rc_matcher *matcher, uint32_t part, uint32_t slab);

/* What finding the rows of a part in a slab would take; not a row is touched. */
void
rc_matcher_estimate(struct rc_matcher *matcher,
                    uint32_t part,
                    uint32_t slab,
                    struct rc_match_estimate *ret_estimate);

struct rc_view *
rc_matcher_view(const struct rc_matcher *matcher);

/* The event part as a predicate, canonical. In the matcher's arena. */
const struct rc_predicate *
rc_matcher_part_predicate(const struct rc_matcher *matcher, uint32_t part);

/*
 * The rows of a chunk (an index into rc_view_chunks) that a part selects, raw: sets bits in words
 * (RC_CHUNK_ROWS bits, zeroed by the callee). O(rows * leaves).
 *   RC_CANCELLED  cancel (which may be NULL) was seen.
 *   RC_TOO_SLOW   a pattern took too long over a text.
 */
RC_MUST_USE enum rc_status
rc_matcher_chunk(struct rc_matcher *matcher,
                 uint32_t part,
                 uint32_t chunk,
                 const _Atomic(bool) *cancel,
                 uint64_t words[RC_CHUNK_ROWS / 64]);

/* The same of all chunks, RC_CHUNK_ROWS / 64 words for each, out of what the cache has of the heads
 * that they are of; keeps: what it lacks is put there. */
RC_MUST_USE enum rc_status
rc_matcher_chunks(struct rc_matcher *matcher,
                  uint32_t part,
                  bool keeps,
                  const _Atomic(bool) *cancel,
                  uint64_t *words);

#endif
