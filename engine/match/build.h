/*
 * Build: the bitmaps of many predicates over all slabs of a view, computed together and left in the
 * cache: when somebody asks for many definitions at once, and beforehand for eager ones.
 *
 * Parts over the user are no bitmaps; of a predicate that has some, the parts over the event are
 * built.
 *
 * Ownership: nothing is kept but what the cache holds.
 * Threading: the caller's thread and the workers; the arena is used by the caller's alone.
 * Errors:    RC_CANCELLED, RC_NO_MEMORY, RC_LIMIT_EXCEEDED (a predicate mixes events and users in
 *            too many ways), RC_UNAVAILABLE and RC_CORRUPT of cold slabs. What was built stays. A
 *            predicate whose pattern takes too long over some text is no error: the others are
 *            built without it.
 */
#ifndef RC_MATCH_BUILD_H
#define RC_MATCH_BUILD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/workers.h"
#include "engine/match/matcher.h"

/* So many predicates share a pass over the columns; more are built in turns. Bounds what a pass
 * holds: a few tables of a leaf's answers by code each. */
#define RC_BUILD_TOGETHER_MAX 1024u

struct rc_build {
    struct rc_match_cache *cache;
    struct rc_view *view;
    struct rc_workers *workers; /* NULL: the caller's thread alone. */
    uint32_t parallel_max;
    bool stored;                 /* These and no others are to be stored with their slabs. */
    const bool *slabs;           /* By index in rc_view_slabs: which are wanted. NULL: all. */
    const _Atomic(bool) *cancel; /* NULL: never. */
    struct rc_account *account;  /* Of scratch. */
};

/* In place of a count: the predicate reads the user; a pattern of it takes too long over a text. */
#define RC_BUILD_UNCOUNTED UINT64_MAX
#define RC_BUILD_TOO_SLOW (UINT64_MAX - 1)

/* predicates hold no DEFINITION nodes. ret_counts (NULL: nobody asks): the live events that match,
 * those in heads included. */
RC_MUST_USE enum rc_status
rc_build(const struct rc_build *build,
         const struct rc_predicate *const *predicates,
         uint32_t predicate_count,
         uint64_t *ret_counts,
         struct rc_error *reterr_error);

#endif
