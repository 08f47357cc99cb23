/*
 * Match cache, leaves: each with a count of the matchers that use it. Past LEAVES_MAX the least
 * recently used of those that nobody uses goes; so a stream of inline predicates that are never
 * asked again does not fill the memory with their code tables.
 *
 * A compiled expression is ten times what it said of strings, and is needed for new strings alone:
 * of leaves that nobody uses, the COMPILED_MAX used last keep theirs.
 */
#include "engine/base/assert.h"
#include "engine/match/cache/match_cache.h"
#include "engine/match/cache/match_cache_form.h"

/* Enough for a thousand definitions of a few leaves. */
#define LEAVES_MAX 4096u

/* Compiling one takes 10 us, and its states come back with the texts: as many as the selectors of a
 * query, so that one that is asked all the time stays ready for the newest events. */
#define COMPILED_MAX RC_SELECTORS_MAX

/* How many of the least recently used leaves are looked at for one that nobody uses. */
#define EVICTION_LOOKS 16u

struct rc_match_leaf {
    struct rc_table_link link;
    struct rc_ring by_use;  /* Or of the detached. */
    struct rc_ring by_rest; /* Of leaves_compiled. */
    uint32_t user_count;
    bool is_detached;
    bool is_resting; /* In leaves_compiled. */
    struct rc_leaf_codes *codes;
    struct rc_match_key key; /* Its bytes follow the struct. */
};

struct rc_leaf_codes *
rc_match_leaf_codes(const struct rc_match_leaf *leaf)
{
    return leaf->codes;
}

static struct rc_match_leaf *
leaf_free(struct rc_match_leaf *leaf)
{
    if (leaf != NULL)
        rc_leaf_codes_free(leaf->codes);
    return rc_alloc_free(leaf);
}

RC_DEFINE_CLEANUP(struct rc_match_leaf *, leaf_free)

static uint64_t
leaf_bytes(const struct rc_match_leaf *leaf)
{
    return sizeof(*leaf) + leaf->key.bytes.size + rc_leaf_codes_memory_bytes(leaf->codes);
}

static enum rc_status
leaf_new(const struct rc_match_cache *cache,
         const struct rc_leaf *source,
         const struct rc_match_key *key,
         struct rc_match_leaf **ret_leaf)
{
    RC_CLEANUP(leaf_freep)
    struct rc_match_leaf *leaf = rc_alloc_in(cache->account, sizeof(*leaf) + key->bytes.size);
    if (leaf == NULL)
        return RC_NO_MEMORY;
    char *bytes = (char *)(leaf + 1);
    memcpy(bytes, key->bytes.data, key->bytes.size);
    *leaf = (struct rc_match_leaf){.key = {key->hash, {bytes, key->bytes.size}}};
    RC_TRY(rc_leaf_codes_new(source, cache->account, &leaf->codes));
    *ret_leaf = RC_TAKE(leaf);
    return RC_OK;
}

/* Takes a leaf out of those that keep what they compiled without being used. */
static void
end_rest(struct rc_match_cache *cache, struct rc_match_leaf *leaf)
{
    if (!leaf->is_resting)
        return;
    rc_ring_remove(&leaf->by_rest);
    leaf->is_resting = false;
    cache->compiled_count--;
}

/* Nobody uses a leaf any more. */
static void
begin_rest(struct rc_match_cache *cache, struct rc_match_leaf *leaf)
{
    if (!rc_leaf_codes_is_compiled(leaf->codes))
        return;
    rc_ring_add(&cache->leaves_compiled, &leaf->by_rest);
    leaf->is_resting = true;
    if (++cache->compiled_count <= COMPILED_MAX)
        return;
    struct rc_match_leaf *last =
        RC_CONTAINER(cache->leaves_compiled.previous, struct rc_match_leaf, by_rest);
    RC_ASSERT(last->user_count == 0);
    end_rest(cache, last);
    rc_leaf_codes_rest(last->codes);
}

/* Takes a leaf out of the table; frees it unless it is in use. Returns the bytes freed. */
static uint64_t
forget_leaf(struct rc_match_cache *cache, struct rc_match_leaf *leaf)
{
    const uint64_t bytes = leaf_bytes(leaf);
    rc_table_remove(&cache->leaves, &leaf->link);
    rc_ring_remove(&leaf->by_use);
    end_rest(cache, leaf);
    if (leaf->user_count > 0) {
        leaf->is_detached = true;
        rc_ring_add(&cache->leaves_detached, &leaf->by_use);
        return 0;
    }
    leaf_free(leaf);
    return bytes;
}

/* The leaf of a key, counted as used once more, or NULL. */
static struct rc_match_leaf *
use_leaf(struct rc_match_cache *cache, const struct rc_match_key *key)
{
    struct rc_table_link *link = rc_table_chain(&cache->leaves, key->hash);
    for (; link != NULL; link = link->next) {
        struct rc_match_leaf *leaf = RC_CONTAINER(link, struct rc_match_leaf, link);
        if (!rc_match_key_equal(&leaf->key, key))
            continue;
        leaf->user_count++;
        end_rest(cache, leaf);
        rc_ring_remove(&leaf->by_use);
        rc_ring_add(&cache->leaves_by_use, &leaf->by_use);
        return leaf;
    }
    return NULL;
}

static void
evict_one(struct rc_match_cache *cache)
{
    struct rc_ring *link = cache->leaves_by_use.previous;
    for (uint32_t i = 0; i < EVICTION_LOOKS && link != &cache->leaves_by_use; i++) {
        struct rc_match_leaf *leaf = RC_CONTAINER(link, struct rc_match_leaf, by_use);
        link = link->previous;
        if (leaf->user_count == 0) {
            forget_leaf(cache, leaf);
            return;
        }
    }
}

enum rc_status
rc_match_cache_get_leaf(struct rc_match_cache *cache,
                        const struct rc_leaf *leaf,
                        const struct rc_match_key *key,
                        struct rc_match_leaf **ret_leaf)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_match_leaf *found = use_leaf(cache, key);
    pthread_mutex_unlock(&cache->lock);
    if (found != NULL) {
        *ret_leaf = found;
        return RC_OK;
    }
    RC_CLEANUP(leaf_freep) struct rc_match_leaf *fresh = NULL;
    RC_TRY(leaf_new(cache, leaf, key, &fresh));
    pthread_mutex_lock(&cache->lock);
    found = use_leaf(cache, key);
    if (found == NULL) {
        if (cache->leaves.count >= LEAVES_MAX)
            evict_one(cache);
        fresh->user_count = 1;
        rc_table_add(&cache->leaves, &fresh->link, key->hash);
        rc_ring_add(&cache->leaves_by_use, &fresh->by_use);
        found = RC_TAKE(fresh);
    }
    pthread_mutex_unlock(&cache->lock);
    *ret_leaf = found;
    return RC_OK;
}

void
rc_match_cache_put_leaf(struct rc_match_cache *cache, struct rc_match_leaf *leaf)
{
    if (leaf == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    RC_ASSERT(leaf->user_count > 0);
    const bool unused = --leaf->user_count == 0;
    const bool dead = unused && leaf->is_detached;
    if (dead)
        rc_ring_remove(&leaf->by_use);
    else if (unused)
        begin_rest(cache, leaf);
    pthread_mutex_unlock(&cache->lock);
    if (dead)
        leaf_free(leaf);
}

uint64_t
rc_match_cache_clear_leaves(struct rc_match_cache *cache)
{
    uint64_t freed = 0;
    while (cache->leaves_by_use.next != &cache->leaves_by_use)
        freed += forget_leaf(cache,
                             RC_CONTAINER(cache->leaves_by_use.next, struct rc_match_leaf, by_use));
    return freed;
}

uint64_t
rc_match_cache_shrink_leaves(struct rc_match_cache *cache, uint64_t bytes)
{
    uint64_t freed = 0;
    struct rc_ring *link = cache->leaves_by_use.previous;
    while (freed < bytes && link != &cache->leaves_by_use) {
        struct rc_match_leaf *leaf = RC_CONTAINER(link, struct rc_match_leaf, by_use);
        link = link->previous;
        if (leaf->user_count == 0)
            freed += forget_leaf(cache, leaf);
    }
    return freed;
}

void
rc_match_cache_free_detached(struct rc_match_cache *cache)
{
    while (cache->leaves_detached.next != &cache->leaves_detached) {
        struct rc_ring *link = cache->leaves_detached.next;
        rc_ring_remove(link);
        leaf_free(RC_CONTAINER(link, struct rc_match_leaf, by_use));
    }
}

void
rc_match_cache_get_stats(struct rc_match_cache *cache, struct rc_match_cache_stats *ret_stats)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_match_cache_stats stats = cache->stats;
    stats.leaf_count = cache->leaves.count;
    stats.leaf_bytes = 0;
    struct rc_ring *link = cache->leaves_by_use.next;
    for (; link != &cache->leaves_by_use; link = link->next)
        stats.leaf_bytes += leaf_bytes(RC_CONTAINER(link, struct rc_match_leaf, by_use));
    pthread_mutex_unlock(&cache->lock);
    *ret_stats = stats;
}
