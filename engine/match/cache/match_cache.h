/*
 * Match cache, for the matcher: rowsets by (predicate, slab) and leaves by predicate. What the rest
 * of the engine does with a cache is in matcher.h.
 *
 * Ownership: a rowset found is a reference of the caller's. A leaf is borrowed between get and put.
 * Threading: any thread; a short lock inside, never held while anything is computed.
 * Errors:    memory that is refused means that a thing is not kept, never that an answer is lost.
 */
#ifndef RC_MATCH_CACHE_MATCH_CACHE_H
#define RC_MATCH_CACHE_MATCH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"
#include "engine/match/leaf/leaf_codes.h"
#include "engine/match/matcher.h"
#include "engine/match/predicate/match_key.h"
#include "engine/match/rows/rowset.h"

/* What cached rowsets and scratch are charged to. */
struct rc_account *
rc_match_cache_account(const struct rc_match_cache *cache);

/* The rowset of a predicate in a slab, or NULL. Counts as a hit or a miss. */
struct rc_rowset *
rc_match_cache_find(struct rc_match_cache *cache, uint64_t slab_id, const struct rc_match_key *key);

/* How many rows the rowset of a predicate in a slab has, and its bytes; false: there is none.
 * Neither a hit nor a use. */
bool
rc_match_cache_peek(struct rc_match_cache *cache,
                    uint64_t slab_id,
                    const struct rc_match_key *key,
                    uint64_t *ret_rows,
                    uint64_t *ret_bytes);

/*
 * Puts set in, which took cost_ns to compute, takes over the caller's reference and gives one back:
 * to set, or to the one that another thread had put in before.
 */
struct rc_rowset *
rc_match_cache_insert(struct rc_match_cache *cache,
                      uint64_t slab_id,
                      const struct rc_match_key *key,
                      uint64_t cost_ns,
                      struct rc_rowset *set);

struct rc_kept_column;

/* The column of what makes it in a slab, as a reference of the caller's, or NULL. Neither a hit nor
 * a miss. column_keeper.h is who asks. */
struct rc_kept_column *
rc_match_cache_find_column(struct rc_match_cache *cache,
                           uint64_t slab_id,
                           const struct rc_match_key *key);

/* Whether there is one with all blocks. No use of it. */
bool
rc_match_cache_has_column(struct rc_match_cache *cache,
                          uint64_t slab_id,
                          const struct rc_match_key *key);

/* Puts a column in, with a reference of its own, unless there is one whose blocks it lacks. What
 * the cache has of fewer blocks goes. cost_ns: what making it took besides what that one did. */
void
rc_match_cache_insert_column(struct rc_match_cache *cache,
                             uint64_t slab_id,
                             const struct rc_match_key *key,
                             uint64_t cost_ns,
                             struct rc_kept_column *column);

struct rc_head_answers;

/* What a predicate said of a head's rows so far (rc_view_chunk.head), as a reference of the
 * caller's, or NULL. Neither a hit nor a miss. */
struct rc_head_answers *
rc_match_cache_find_answers(struct rc_match_cache *cache,
                            uint64_t head,
                            const struct rc_match_key *key);

/* Puts answers in, with a reference of its own, unless there are some of as many rows; those of
 * fewer go. cost_ns: as of a column. */
void
rc_match_cache_insert_answers(struct rc_match_cache *cache,
                              uint64_t head,
                              const struct rc_match_key *key,
                              uint64_t cost_ns,
                              struct rc_head_answers *answers);

/* The key that a matcher's part is cached by. */
const struct rc_match_key *
rc_matcher_part_key(const struct rc_matcher *matcher, uint32_t part);

struct rc_match_leaf;

/* The leaf of a LEAF predicate's key, compiled when it is new. */
RC_MUST_USE enum rc_status
rc_match_cache_get_leaf(struct rc_match_cache *cache,
                        const struct rc_leaf *leaf,
                        const struct rc_match_key *key,
                        struct rc_match_leaf **ret_leaf);

/* NULL is fine. */
void
rc_match_cache_put_leaf(struct rc_match_cache *cache, struct rc_match_leaf *leaf);

struct rc_leaf_codes *
rc_match_leaf_codes(const struct rc_match_leaf *leaf);

#endif
