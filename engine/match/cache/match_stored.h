/*
 * Match cache, stored: which rowsets of a slab are worth a file (keep/bitmaps.h), and those that
 * come from one. Worth it are those of eager definitions: who builds them says so.
 *
 * Ownership: a list owns references to its rowsets and a copy of its keys.
 * Threading: any thread; the cache's short lock inside.
 */
#ifndef RC_MATCH_CACHE_MATCH_STORED_H
#define RC_MATCH_CACHE_MATCH_STORED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/match/cache/match_cache.h"

struct rc_match_stored_entry {
    struct rc_match_key key;
    struct rc_rowset *set;
};

struct rc_match_stored {
    uint32_t count;
    struct rc_match_stored_entry *entries; /* An rc_alloc block. */
    char *bytes;                           /* Of the keys; NULL: they are borrowed. */
    uint64_t signature;                    /* Stands for the keys. */
    bool is_current;                       /* The slab's file has these. */
};

/* From now on, predicates are meant to be stored only if they are named again. */
void
rc_match_stored_begin(struct rc_match_cache *cache);

/* The rowsets that there are of a predicate are meant to be stored. */
void
rc_match_stored_mark(struct rc_match_cache *cache, const struct rc_match_key *key);

/* Those of a slab. */
RC_MUST_USE enum rc_status
rc_match_stored_list(struct rc_match_cache *cache,
                     uint64_t slab_id,
                     struct rc_match_stored *ret_stored);

/* Room for count entries, zeroed, in an empty list. */
RC_MUST_USE enum rc_status
rc_match_stored_reserve(struct rc_match_stored *stored, uint32_t count);

/* For RC_CLEANUP on the struct itself. */
void
rc_match_stored_close(struct rc_match_stored *stored);

uint64_t
rc_match_stored_signature(const struct rc_match_stored *stored);

/* The slab's file has what the signature stands for. */
void
rc_match_stored_note(struct rc_match_cache *cache, uint64_t slab_id, uint64_t signature);

/* Puts an entry into the cache, as one that is meant to be stored. */
void
rc_match_stored_add(struct rc_match_cache *cache,
                    uint64_t slab_id,
                    const struct rc_match_stored_entry *entry);

#endif
