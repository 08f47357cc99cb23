/*
 * Match cache, columns: of a slab and what makes it there is one column, the one with most blocks.
 * One that has all blocks of it takes its place, its uses and what both took.
 */
#include "engine/match/cache/match_cache_form.h"

/* With the lock held. */
static struct rc_cached_entry *
find_column(const struct rc_match_cache *cache, uint64_t slab_id, const struct rc_match_key *key)
{
    struct rc_cached_entry *entry = rc_match_cache_entry(cache, slab_id, key);
    return entry == NULL || entry->thing.column == NULL ? NULL : entry;
}

struct rc_kept_column *
rc_match_cache_find_column(struct rc_match_cache *cache,
                           uint64_t slab_id,
                           const struct rc_match_key *key)
{
    struct rc_kept_column *column = NULL;
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *entry = find_column(cache, slab_id, key);
    if (entry != NULL) {
        rc_cache_order_use(cache, entry);
        column = rc_kept_column_ref(entry->thing.column);
    }
    pthread_mutex_unlock(&cache->lock);
    return column;
}

bool
rc_match_cache_has_column(struct rc_match_cache *cache,
                          uint64_t slab_id,
                          const struct rc_match_key *key)
{
    pthread_mutex_lock(&cache->lock);
    const struct rc_cached_entry *entry = find_column(cache, slab_id, key);
    const bool has = entry != NULL && rc_kept_column_has(entry->thing.column, NULL);
    pthread_mutex_unlock(&cache->lock);
    return has;
}

void
rc_match_cache_insert_column(struct rc_match_cache *cache,
                             uint64_t slab_id,
                             const struct rc_match_key *key,
                             uint64_t cost_ns,
                             struct rc_kept_column *column)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *old = rc_match_cache_entry(cache, slab_id, key);
    uint32_t uses = 1;
    bool better = old == NULL;
    if (old != NULL && old->thing.column != NULL) {
        better = !rc_kept_column_includes(old->thing.column, column) &&
                 rc_kept_column_includes(column, old->thing.column);
        if (better) {
            uses = old->uses;
            cost_ns += (uint64_t)(old->worth * (double)old->bytes);
            rc_match_cache_forget(cache, old);
        }
    }
    if (better) {
        rc_match_cache_add(cache, slab_id, key, cost_ns,
                           (struct rc_cached_thing){.column = column});
        struct rc_cached_entry *entry = rc_match_cache_entry(cache, slab_id, key);
        if (entry != NULL)
            entry->uses = uses;
    }
    pthread_mutex_unlock(&cache->lock);
}
