/*
 * Column keeper: made columns of slabs (derived/made_column.h) out of the cache, where they stand
 * beside the slab's rowsets under one policy, or made and put there. What a formula makes and parts
 * of the time are kept, and what is derived of many texts, by the derivation that makes them: so a
 * derived property that was changed has other columns, and those of before go when room is needed.
 * Ids and whole times are not: they take as long to read as to make.
 *
 * A column of what is derived of texts is made to be kept, and where that is not wanted or does not
 * pay it is declined: who asked derives from the stored column.
 *
 * Two threads that miss one column both make it; of theirs the cache keeps one.
 *
 * Ownership: a keeper borrows its cache and made column; its key is in an arena.
 * Threading: any number of threads over one keeper, each with its own wish and arena.
 * Errors:    as rc_made_column_of_slab. A column that memory is refused for is not kept.
 */
#ifndef RC_MATCH_CACHE_COLUMN_KEEPER_H
#define RC_MATCH_CACHE_COLUMN_KEEPER_H

#include "engine/base/arena.h"
#include "engine/base/status.h"
#include "engine/match/cache/kept_column.h"
#include "engine/match/derived/made_column.h"
#include "engine/match/matcher.h"
#include "engine/match/predicate/match_key.h"

struct rc_column_keeper {
    struct rc_match_cache *cache;
    const struct rc_made_column *made;
    struct rc_match_key key; /* Without bytes: its columns are not kept. */
};

/* made may be of RC_MADE_NONE. */
RC_MUST_USE enum rc_status
rc_column_keeper_open(struct rc_match_cache *cache,
                      const struct rc_made_column *made,
                      struct rc_arena *arena,
                      struct rc_column_keeper *ret_keeper);

/* The column of a slab that is wanted, and how. */
struct rc_column_wish {
    const struct rc_slab *slab; /* The parts that the made column reads are in use. */
    uint64_t slab_id;
    const uint64_t *blocks; /* As rc_made_column_of_slab. */
    bool keeps;             /* What is made for it is put into the cache. */
    const _Atomic(bool) *cancel;
    struct rc_arena *arena; /* Of a column that is not kept. */
};

struct rc_found_column {
    bool declined; /* Of RC_MADE_TEXTS. The rest is empty. */
    bool present;
    bool reused;                 /* It was in the cache. */
    struct rc_column_view view;  /* If it is present. */
    struct rc_kept_column *kept; /* A reference that the view needs; NULL: it is in the arena. */
};

RC_MUST_USE enum rc_status
rc_column_keeper_get(const struct rc_column_keeper *keeper,
                     const struct rc_column_wish *wish,
                     struct rc_found_column *ret_found);

/* Whether the cache has a slab's column, of all rows. No use of it. */
bool
rc_column_keeper_has(const struct rc_column_keeper *keeper, uint64_t slab_id);

/* For RC_CLEANUP on the struct itself; a zeroed one may be closed. */
static inline void
rc_found_column_close(struct rc_found_column *found)
{
    found->kept = rc_kept_column_unref(found->kept);
}

#endif
