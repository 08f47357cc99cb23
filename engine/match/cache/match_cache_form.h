/* Match cache, inside: shared by match_cache*.c and match_stored.c and nobody else. */
#ifndef RC_MATCH_CACHE_MATCH_CACHE_FORM_H
#define RC_MATCH_CACHE_MATCH_CACHE_FORM_H

#include <pthread.h>

#include "engine/match/cache/head_answers.h"
#include "engine/match/cache/kept_column.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/rows/table.h"

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

/* One of these; the others are NULL. */
struct rc_cached_thing {
    struct rc_rowset *set;
    struct rc_kept_column *column;
    struct rc_head_answers *answers;
};

/* What things are cached by besides: a predicate, or what a column is made by. */
struct rc_cached_predicate {
    struct rc_table_link link;
    uint64_t entry_count;
    uint64_t stored_in;      /* The cache's storing when it was named last; 0: never. */
    struct rc_match_key key; /* Its bytes follow the struct. */
};

/* A slab or a head. */
struct rc_cached_slab {
    struct rc_table_link link;
    uint64_t id;
    uint64_t stored_signature; /* Of what its file has; 0: there is none. */
    struct rc_ring entries;
};

struct rc_cached_entry {
    struct rc_table_link link;
    struct rc_ring of_slab;
    struct rc_cached_predicate *predicate;
    struct rc_cached_slab *slab;
    struct rc_cached_thing thing;
    uint64_t bytes; /* As it was when it came; times may be kept with a rowset since. */
    uint32_t place; /* In the order of eviction. */
    uint32_t uses;
    double worth;     /* Of a byte, a use: ns that computing it again takes. */
    double used_at;   /* The order's clock at the last use. */
    double sorted_by; /* What its place was chosen by; at most what it is worth now. */
};

/* The order in which they are evicted (match_cache_order.c). */
struct rc_cache_order {
    double clock;
    size_t count;
    size_t capacity;
    struct rc_cached_entry **heap; /* An rc_alloc block. */
};

/* Slabs dropped lately: a query that still reads one must not put anything of it back. */
#define RC_CACHE_DROPPED_SLABS 256u

struct rc_match_cache {
    struct rc_account *account;
    pthread_mutex_t lock;
    struct rc_table predicates; /* struct rc_cached_predicate by key. */
    struct rc_table slabs;      /* struct rc_cached_slab by id. */
    struct rc_table entries;    /* struct rc_cached_entry by both. */
    struct rc_cache_order order;
    uint64_t storing;       /* Counts rc_match_stored_begin. */
    struct rc_table leaves; /* struct rc_match_leaf by key. */
    struct rc_ring leaves_by_use;
    struct rc_ring leaves_detached; /* Cleared while in use; freed when put, or with the cache. */
    struct rc_ring leaves_compiled; /* Compiled, and nobody uses them: the latest first. */
    uint32_t compiled_count;
    struct rc_match_cache_stats stats;
    uint64_t dropped[RC_CACHE_DROPPED_SLABS];
    uint32_t dropped_count; /* Grows for ever; the ring index is the remainder. */
};

/* With the lock held, as what follows. The entry of both, or NULL. */
struct rc_cached_entry *
rc_match_cache_entry(const struct rc_match_cache *cache,
                     uint64_t slab_id,
                     const struct rc_match_key *key);

/* Puts a thing in, with a reference of its own, unless the slab was dropped or memory is refused;
 * there is none of the slab and key. */
void
rc_match_cache_add(struct rc_match_cache *cache,
                   uint64_t slab_id,
                   const struct rc_match_key *key,
                   uint64_t cost_ns,
                   struct rc_cached_thing thing);

/* Takes an entry out, and its predicate and slab when it was their last. Returns its bytes. */
uint64_t
rc_match_cache_forget(struct rc_match_cache *cache, struct rc_cached_entry *entry);

/* Enters one; RC_NO_MEMORY: it is not in. */
RC_MUST_USE enum rc_status
rc_cache_order_add(struct rc_match_cache *cache, struct rc_cached_entry *entry, uint64_t cost_ns);

void
rc_cache_order_remove(struct rc_match_cache *cache, struct rc_cached_entry *entry);

/* One was used. O(1). */
void
rc_cache_order_use(struct rc_match_cache *cache, struct rc_cached_entry *entry);

/* The one that is worth least; NULL: there is none. */
struct rc_cached_entry *
rc_cache_order_least(struct rc_match_cache *cache);

void
rc_cache_order_close(struct rc_match_cache *cache);

struct rc_cached_slab *
rc_match_cache_slab(const struct rc_match_cache *cache, uint64_t slab_id);

struct rc_cached_predicate *
rc_match_cache_predicate(const struct rc_match_cache *cache, const struct rc_match_key *key);

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
