/*
 * Match cache: three tables. A predicate's key is held once, however many slabs have a rowset of
 * it; a slab knows its rowsets, so that dropping it looks at no others; a rowset is found by
 * (predicate, slab) and stands in the order of eviction. Predicates and slabs live as long as they
 * have rowsets. Columns that are made stand among them, by what they are made by in the place of a
 * predicate, and answers of heads in the place of slabs (match_cache_kept.c).
 *
 * What is evicted or dropped while a query reads it stays alive by that query's reference.
 */
#include "engine/match/cache/match_cache.h"

#include "engine/base/assert.h"
#include "engine/base/hash.h"
#include "engine/match/cache/match_cache_form.h"

enum rc_status
rc_match_cache_new(struct rc_account *account, struct rc_match_cache **ret_cache)
{
    RC_CLEANUP(rc_alloc_freep) struct rc_match_cache *cache = rc_alloc_in(account, sizeof(*cache));
    if (cache == NULL)
        return RC_NO_MEMORY;
    *cache = (struct rc_match_cache){.account = account};
    struct rc_table *const tables[] = {&cache->predicates, &cache->slabs, &cache->entries,
                                       &cache->leaves};
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        const enum rc_status status = rc_table_open(tables[i], account);
        for (size_t k = 0; status != RC_OK && k < i; k++)
            rc_table_close(tables[k]);
        RC_TRY(status);
    }
    rc_ring_open(&cache->leaves_by_use);
    rc_ring_open(&cache->leaves_detached);
    rc_ring_open(&cache->leaves_compiled);
    pthread_mutex_init(&cache->lock, NULL);
    *ret_cache = RC_TAKE(cache);
    return RC_OK;
}

struct rc_account *
rc_match_cache_account(const struct rc_match_cache *cache)
{
    return cache->account;
}

/* Those that hold a rowset. */
static struct rc_cached_entry *
find_rowset(const struct rc_match_cache *cache, uint64_t slab_id, const struct rc_match_key *key)
{
    struct rc_cached_entry *entry = rc_match_cache_entry(cache, slab_id, key);
    return entry == NULL || entry->thing.set == NULL ? NULL : entry;
}

static uint64_t
pair_hash(uint64_t slab_id, const struct rc_match_key *key)
{
    return rc_hash_u64(key->hash ^ rc_hash_u64(slab_id + 1));
}

struct rc_cached_entry *
rc_match_cache_entry(const struct rc_match_cache *cache,
                     uint64_t slab_id,
                     const struct rc_match_key *key)
{
    const uint64_t hash = pair_hash(slab_id, key);
    struct rc_table_link *link = rc_table_chain(&cache->entries, hash);
    for (; link != NULL; link = link->next) {
        struct rc_cached_entry *entry = RC_CONTAINER(link, struct rc_cached_entry, link);
        if (link->hash == hash && entry->slab->id == slab_id &&
            rc_match_key_equal(&entry->predicate->key, key))
            return entry;
    }
    return NULL;
}

struct rc_cached_predicate *
rc_match_cache_predicate(const struct rc_match_cache *cache, const struct rc_match_key *key)
{
    struct rc_table_link *link = rc_table_chain(&cache->predicates, key->hash);
    for (; link != NULL; link = link->next) {
        struct rc_cached_predicate *entry = RC_CONTAINER(link, struct rc_cached_predicate, link);
        if (rc_match_key_equal(&entry->key, key))
            return entry;
    }
    return NULL;
}

struct rc_cached_slab *
rc_match_cache_slab(const struct rc_match_cache *cache, uint64_t slab_id)
{
    struct rc_table_link *link = rc_table_chain(&cache->slabs, rc_hash_u64(slab_id));
    for (; link != NULL; link = link->next) {
        struct rc_cached_slab *entry = RC_CONTAINER(link, struct rc_cached_slab, link);
        if (entry->id == slab_id)
            return entry;
    }
    return NULL;
}

/* Frees a predicate and a slab (NULL is fine) that have nothing. */
static void
drop_empty(struct rc_match_cache *cache,
           struct rc_cached_predicate *predicate,
           struct rc_cached_slab *slab)
{
    if (predicate != NULL && predicate->entry_count == 0) {
        rc_table_remove(&cache->predicates, &predicate->link);
        rc_alloc_free(predicate);
    }
    if (slab != NULL && slab->entries.next == &slab->entries) {
        rc_table_remove(&cache->slabs, &slab->link);
        rc_alloc_free(slab);
    }
}

/* Of a rowset as it is now: times and users may be kept with it since it came. */
static uint64_t
bytes_of(const struct rc_cached_thing *thing)
{
    return thing->set != NULL      ? rc_rowset_memory_bytes(thing->set)
           : thing->column != NULL ? rc_kept_column_bytes(thing->column)
                                   : rc_head_answers_bytes(thing->answers);
}

/* Adds to, or takes from, what is counted of its kind. */
static void
count(struct rc_match_cache *cache,
      const struct rc_cached_thing *thing,
      uint64_t one,
      uint64_t bytes)
{
    struct rc_match_cache_stats *stats = &cache->stats;
    *(thing->set != NULL      ? &stats->rowset_count
      : thing->column != NULL ? &stats->column_count
                              : &stats->head_count) += one;
    *(thing->set != NULL      ? &stats->rowset_bytes
      : thing->column != NULL ? &stats->column_bytes
                              : &stats->head_bytes) += bytes;
}

uint64_t
rc_match_cache_forget(struct rc_match_cache *cache, struct rc_cached_entry *entry)
{
    const uint64_t bytes = bytes_of(&entry->thing);
    rc_table_remove(&cache->entries, &entry->link);
    rc_cache_order_remove(cache, entry);
    rc_ring_remove(&entry->of_slab);
    entry->predicate->entry_count--;
    drop_empty(cache, entry->predicate, entry->slab);
    count(cache, &entry->thing, -(uint64_t)1, -entry->bytes);
    rc_rowset_unref(entry->thing.set);
    rc_kept_column_unref(entry->thing.column);
    rc_head_answers_unref(entry->thing.answers);
    rc_alloc_free(entry);
    return bytes;
}

static void
forget_all(struct rc_match_cache *cache)
{
    while (cache->order.count > 0)
        rc_match_cache_forget(cache, cache->order.heap[cache->order.count - 1]);
    rc_match_cache_clear_leaves(cache);
}

struct rc_match_cache *
rc_match_cache_free(struct rc_match_cache *cache)
{
    if (cache == NULL)
        return NULL;
    forget_all(cache);
    rc_match_cache_free_detached(cache);
    rc_cache_order_close(cache);
    rc_table_close(&cache->predicates);
    rc_table_close(&cache->slabs);
    rc_table_close(&cache->entries);
    rc_table_close(&cache->leaves);
    pthread_mutex_destroy(&cache->lock);
    return rc_alloc_free(cache);
}

struct rc_rowset *
rc_match_cache_find(struct rc_match_cache *cache, uint64_t slab_id, const struct rc_match_key *key)
{
    struct rc_rowset *set = NULL;
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *entry = find_rowset(cache, slab_id, key);
    if (entry != NULL) {
        rc_cache_order_use(cache, entry);
        set = rc_rowset_ref(entry->thing.set);
        cache->stats.hits++;
    } else {
        cache->stats.misses++;
    }
    pthread_mutex_unlock(&cache->lock);
    return set;
}

bool
rc_match_cache_peek(struct rc_match_cache *cache,
                    uint64_t slab_id,
                    const struct rc_match_key *key,
                    uint64_t *ret_rows,
                    uint64_t *ret_bytes)
{
    pthread_mutex_lock(&cache->lock);
    const struct rc_cached_entry *entry = find_rowset(cache, slab_id, key);
    if (entry != NULL) {
        *ret_rows = rc_rowset_cardinality(entry->thing.set);
        *ret_bytes = rc_rowset_memory_bytes(entry->thing.set);
    }
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

static bool
was_dropped(const struct rc_match_cache *cache, uint64_t slab_id)
{
    const uint32_t count = cache->dropped_count < RC_CACHE_DROPPED_SLABS ? cache->dropped_count
                                                                         : RC_CACHE_DROPPED_SLABS;
    for (uint32_t i = 0; i < count; i++) {
        if (cache->dropped[i] == slab_id)
            return true;
    }
    return false;
}

/* The records of a predicate and a slab, made when they are new. They must get an entry at once. */
static enum rc_status
ensure_predicate(struct rc_match_cache *cache,
                 const struct rc_match_key *key,
                 struct rc_cached_predicate **ret_predicate)
{
    struct rc_cached_predicate *entry = rc_match_cache_predicate(cache, key);
    if (entry == NULL) {
        entry = rc_alloc_in(cache->account, sizeof(*entry) + key->bytes.size);
        if (entry == NULL)
            return RC_NO_MEMORY;
        char *bytes = (char *)(entry + 1);
        memcpy(bytes, key->bytes.data, key->bytes.size);
        *entry = (struct rc_cached_predicate){.key = {key->hash, {bytes, key->bytes.size}}};
        rc_table_add(&cache->predicates, &entry->link, key->hash);
    }
    *ret_predicate = entry;
    return RC_OK;
}

static enum rc_status
ensure_slab(struct rc_match_cache *cache, uint64_t slab_id, struct rc_cached_slab **ret_slab)
{
    struct rc_cached_slab *entry = rc_match_cache_slab(cache, slab_id);
    if (entry == NULL) {
        entry = rc_alloc_in(cache->account, sizeof(*entry));
        if (entry == NULL)
            return RC_NO_MEMORY;
        *entry = (struct rc_cached_slab){.id = slab_id};
        rc_ring_open(&entry->entries);
        rc_table_add(&cache->slabs, &entry->link, rc_hash_u64(slab_id));
    }
    *ret_slab = entry;
    return RC_OK;
}

void
rc_match_cache_add(struct rc_match_cache *cache,
                   uint64_t slab_id,
                   const struct rc_match_key *key,
                   uint64_t cost_ns,
                   struct rc_cached_thing thing)
{
    if (was_dropped(cache, slab_id))
        return;
    struct rc_cached_entry *entry = rc_alloc_in(cache->account, sizeof(*entry));
    struct rc_cached_predicate *predicate = NULL;
    struct rc_cached_slab *slab = NULL;
    enum rc_status status = entry == NULL ? RC_NO_MEMORY : ensure_predicate(cache, key, &predicate);
    if (status == RC_OK)
        status = ensure_slab(cache, slab_id, &slab);
    if (status == RC_OK) {
        *entry = (struct rc_cached_entry){
            .predicate = predicate, .slab = slab, .thing = thing, .bytes = bytes_of(&thing)};
        status = rc_cache_order_add(cache, entry, cost_ns);
    }
    if (status != RC_OK) {
        drop_empty(cache, predicate, slab);
        rc_alloc_free(entry);
        return;
    }
    if (thing.set != NULL)
        (void)rc_rowset_ref(thing.set);
    else if (thing.column != NULL)
        (void)rc_kept_column_ref(thing.column);
    else
        (void)rc_head_answers_ref(thing.answers);
    predicate->entry_count++;
    rc_table_add(&cache->entries, &entry->link, pair_hash(slab_id, key));
    rc_ring_add(&slab->entries, &entry->of_slab);
    count(cache, &thing, 1, entry->bytes);
}

struct rc_rowset *
rc_match_cache_insert(struct rc_match_cache *cache,
                      uint64_t slab_id,
                      const struct rc_match_key *key,
                      uint64_t cost_ns,
                      struct rc_rowset *set)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *entry = find_rowset(cache, slab_id, key);
    struct rc_rowset *first = entry == NULL ? NULL : rc_rowset_ref(entry->thing.set);
    if (first == NULL)
        rc_match_cache_add(cache, slab_id, key, cost_ns, (struct rc_cached_thing){.set = set});
    pthread_mutex_unlock(&cache->lock);
    if (first == NULL)
        return set;
    rc_rowset_unref(set);
    return first;
}

void
rc_match_cache_drop_slab(struct rc_match_cache *cache, uint64_t slab_id)
{
    pthread_mutex_lock(&cache->lock);
    cache->dropped[cache->dropped_count++ % RC_CACHE_DROPPED_SLABS] = slab_id;
    if (cache->dropped_count == 2 * RC_CACHE_DROPPED_SLABS)
        cache->dropped_count = RC_CACHE_DROPPED_SLABS; /* Same index, and never wraps. */
    struct rc_cached_slab *slab = rc_match_cache_slab(cache, slab_id);
    bool last = slab == NULL;
    while (!last) {
        struct rc_ring *link = slab->entries.next;
        last = link->next == &slab->entries; /* Forgetting the last frees slab. */
        rc_match_cache_forget(cache, RC_CONTAINER(link, struct rc_cached_entry, of_slab));
    }
    pthread_mutex_unlock(&cache->lock);
}

uint64_t
rc_match_cache_shrink(struct rc_match_cache *cache, uint64_t bytes)
{
    uint64_t freed = 0;
    pthread_mutex_lock(&cache->lock);
    for (struct rc_cached_entry *least; freed < bytes;
         freed += rc_match_cache_forget(cache, least)) {
        least = rc_cache_order_least(cache);
        if (least == NULL)
            break;
    }
    if (freed < bytes)
        freed += rc_match_cache_shrink_leaves(cache, bytes - freed);
    pthread_mutex_unlock(&cache->lock);
    return freed;
}

void
rc_match_cache_clear(struct rc_match_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    forget_all(cache);
    pthread_mutex_unlock(&cache->lock);
}
