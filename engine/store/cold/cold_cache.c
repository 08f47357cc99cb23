/*
 * Cold cache: a list of all cold slabs. Memory is given back a slab at a time, only while nobody
 * uses it: its count of uses is -1 for as long as that takes.
 *
 * Why the whole list is looked through for the slab that was unused for longest, and none is kept
 * in that order: there are a few hundred, they are used by every query, and given back rarely.
 */
#include "engine/store/cold/cold_cache.h"

#include "engine/base/assert.h"
#include "engine/base/pages.h"
#include "engine/store/cold/slab_cold_form.h"

enum rc_status
rc_cold_cache_new(uint64_t bytes_max, struct rc_cold_cache **ret_cache)
{
    struct rc_cold_cache *cache = rc_alloc_zero(sizeof(*cache));
    if (cache == NULL)
        return RC_NO_MEMORY;
    cache->bytes_max = bytes_max;
    pthread_mutex_init(&cache->lock, NULL);
    *ret_cache = cache;
    return RC_OK;
}

struct rc_cold_cache *
rc_cold_cache_free(struct rc_cold_cache *cache)
{
    if (cache == NULL)
        return NULL;
    RC_ASSERT(cache->first == NULL && atomic_load(&cache->bytes) == 0);
    pthread_mutex_destroy(&cache->lock);
    return rc_alloc_free(cache);
}

/* Gives all parts of a slab that nobody uses back. */
static uint64_t
drop_parts(struct rc_cold *cold)
{
    for (uint32_t i = 0; i < cold->part_count; i++) {
        struct rc_cold_part *part = &cold->parts[i];
        if (!atomic_load_explicit(&part->loaded, memory_order_relaxed))
            continue;
        atomic_store_explicit(&part->loaded, false, memory_order_relaxed);
        rc_pages_drop(cold->pages, part->offset, part->size);
    }
    const uint64_t bytes = atomic_exchange(&cold->loaded_bytes, 0);
    rc_account_release(cold->account, bytes);
    atomic_fetch_sub(&cold->cache->bytes, bytes);
    return bytes;
}

/* The one that was unused for longest, or NULL. */
static struct rc_cold *
find_oldest(struct rc_cold_cache *cache, const struct rc_account *account)
{
    struct rc_cold *oldest = NULL;
    for (struct rc_cold *at = cache->first; at != NULL; at = at->next) {
        if ((account != NULL && at->account != account) || atomic_load(&at->uses) != 0 ||
            atomic_load(&at->loaded_bytes) == 0)
            continue;
        if (oldest == NULL || atomic_load(&at->used_at) < atomic_load(&oldest->used_at))
            oldest = at;
    }
    return oldest;
}

uint64_t
rc_cold_cache_shrink(struct rc_cold_cache *cache, const struct rc_account *account, uint64_t bytes)
{
    uint64_t freed = 0;
    pthread_mutex_lock(&cache->lock);
    while (freed < bytes) {
        struct rc_cold *oldest = find_oldest(cache, account);
        int32_t unused = 0;
        if (oldest == NULL)
            break;
        if (!atomic_compare_exchange_strong(&oldest->uses, &unused, -1))
            continue; /* Somebody was quicker. */
        freed += drop_parts(oldest);
        atomic_store(&oldest->uses, 0);
    }
    pthread_mutex_unlock(&cache->lock);
    return freed;
}

void
rc_cold_cache_keep_bound(struct rc_cold_cache *cache)
{
    const uint64_t bytes = atomic_load(&cache->bytes);
    if (bytes > cache->bytes_max)
        (void)rc_cold_cache_shrink(cache, NULL, bytes - cache->bytes_max);
}

void
rc_cold_cache_get_stats(struct rc_cold_cache *cache, struct rc_cold_stats *ret_stats)
{
    pthread_mutex_lock(&cache->lock);
    const uint64_t slabs = cache->slab_count;
    pthread_mutex_unlock(&cache->lock);
    *ret_stats = (struct rc_cold_stats){
        .slabs = slabs,
        .bytes = atomic_load(&cache->bytes),
        .reads = atomic_load(&cache->reads),
        .read_bytes = atomic_load(&cache->read_bytes),
        .failures = atomic_load(&cache->failures),
    };
}

void
rc_cold_cache_enter(struct rc_cold *cold)
{
    struct rc_cold_cache *cache = cold->cache;
    pthread_mutex_lock(&cache->lock);
    cold->next = cache->first;
    if (cold->next != NULL)
        cold->next->before = cold;
    cache->first = cold;
    cache->slab_count++;
    pthread_mutex_unlock(&cache->lock);
}

void
rc_cold_cache_leave(struct rc_cold *cold)
{
    struct rc_cold_cache *cache = cold->cache;
    pthread_mutex_lock(&cache->lock);
    if (cold->before != NULL || cache->first == cold) {
        drop_parts(cold);
        if (cold->next != NULL)
            cold->next->before = cold->before;
        *(cold->before != NULL ? &cold->before->next : &cache->first) = cold->next;
        cache->slab_count--;
    }
    pthread_mutex_unlock(&cache->lock);
}
