/* Match cache, inside: shared by match_cache.c and match_cache_leaves.c and nobody else. */
#ifndef RC_MATCH_MATCH_CACHE_FORM_H
#define RC_MATCH_MATCH_CACHE_FORM_H

#include <pthread.h>

#include "engine/match/match_cache.h"
#include "engine/match/table.h"

/* A link of a ring whose head is a link too: an empty ring is a head that points at itself. */
struct rc_ring {
    struct rc_ring *previous;
    struct rc_ring *next;
};

static inline void
rc_ring_open(struct rc_ring *ring)
{
    ring->previous = ring->next = ring;
}

static inline void
rc_ring_add(struct rc_ring *head, struct rc_ring *link)
{
    link->previous = head;
    link->next = head->next;
    head->next->previous = link;
    head->next = link;
}

static inline void
rc_ring_remove(struct rc_ring *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/* Slabs dropped lately: a query that still reads one must not put its rowsets back. */
#define RC_CACHE_DROPPED_SLABS 256u

struct rc_match_cache {
    struct rc_account *account;
    pthread_mutex_t lock;
    struct rc_table predicates;    /* struct predicate_entry by key. */
    struct rc_table slabs;         /* struct slab_entry by id. */
    struct rc_table rowsets;       /* struct rowset_entry by both. */
    struct rc_ring rowsets_by_use; /* The latest first. */
    struct rc_table leaves;        /* struct rc_match_leaf by key. */
    struct rc_ring leaves_by_use;
    struct rc_ring leaves_detached; /* Cleared while in use; freed when put, or with the cache. */
    struct rc_match_cache_stats stats;
    uint64_t dropped[RC_CACHE_DROPPED_SLABS];
    uint32_t dropped_count; /* Grows for ever; the ring index is the remainder. */
};

#define RC_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* With the lock held: forgets leaves; those in use are detached. Returns the bytes freed. */
uint64_t
rc_match_cache_clear_leaves(struct rc_match_cache *cache);

/* With the lock held: forgets leaves that nobody uses, the least recently used first. */
uint64_t
rc_match_cache_shrink_leaves(struct rc_match_cache *cache, uint64_t bytes);

/* With the lock held, or alone: frees the detached ones, used or not. */
void
rc_match_cache_free_detached(struct rc_match_cache *cache);

#endif
