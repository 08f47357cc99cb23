/*
 * Match cache, stored. A signature is the sum of the keys' hashes, mixed: it does not depend on the
 * order in which a slab lists its rowsets.
 */
#include "engine/match/cache/match_stored.h"

#include "engine/base/hash.h"
#include "engine/match/cache/match_cache_form.h"

void
rc_match_stored_begin(struct rc_match_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    cache->storing++;
    pthread_mutex_unlock(&cache->lock);
}

void
rc_match_stored_mark(struct rc_match_cache *cache, const struct rc_match_key *key)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_predicate *predicate = rc_match_cache_predicate(cache, key);
    if (predicate != NULL)
        predicate->stored_in = cache->storing;
    pthread_mutex_unlock(&cache->lock);
}

enum rc_status
rc_match_stored_reserve(struct rc_match_stored *stored, uint32_t count)
{
    const size_t bytes = ((size_t)count + 1) * sizeof(*stored->entries);
    stored->entries = rc_alloc(bytes);
    if (stored->entries == NULL)
        return RC_NO_MEMORY;
    memset(stored->entries, 0, bytes);
    return RC_OK;
}

void
rc_match_stored_close(struct rc_match_stored *stored)
{
    for (uint32_t i = 0; i < stored->count; i++)
        rc_rowset_unref(stored->entries[i].set);
    rc_alloc_free(stored->entries);
    rc_alloc_free(stored->bytes);
    *stored = (struct rc_match_stored){0};
}

uint64_t
rc_match_stored_signature(const struct rc_match_stored *stored)
{
    uint64_t sum = stored->count;
    for (uint32_t i = 0; i < stored->count; i++)
        sum += rc_hash_u64(stored->entries[i].key.hash);
    return sum;
}

static bool
is_meant(const struct rc_match_cache *cache, const struct rc_cached_entry *entry)
{
    return entry->thing.set != NULL && cache->storing != 0 &&
           entry->predicate->stored_in == cache->storing;
}

/* With the lock held. */
static enum rc_status
list(const struct rc_match_cache *cache,
     const struct rc_cached_slab *slab,
     struct rc_match_stored *out)
{
    uint32_t count = 0;
    size_t bytes = 0;
    const struct rc_ring *link = slab->entries.next;
    for (; link != &slab->entries; link = link->next) {
        const struct rc_cached_entry *entry = RC_CONTAINER(link, struct rc_cached_entry, of_slab);
        if (!is_meant(cache, entry))
            continue;
        count++;
        bytes += entry->predicate->key.bytes.size;
    }
    RC_TRY(rc_match_stored_reserve(out, count));
    out->bytes = rc_alloc(bytes);
    if (out->bytes == NULL)
        return RC_NO_MEMORY;
    char *at = out->bytes;
    for (link = slab->entries.next; link != &slab->entries; link = link->next) {
        const struct rc_cached_entry *entry = RC_CONTAINER(link, struct rc_cached_entry, of_slab);
        const struct rc_match_key *key = &entry->predicate->key;
        if (!is_meant(cache, entry))
            continue;
        memcpy(at, key->bytes.data, key->bytes.size);
        out->entries[out->count++] = (struct rc_match_stored_entry){
            .key = {key->hash, {at, key->bytes.size}}, .set = rc_rowset_ref(entry->thing.set)};
        at += key->bytes.size;
    }
    out->signature = rc_match_stored_signature(out);
    out->is_current = out->signature == slab->stored_signature;
    return RC_OK;
}

enum rc_status
rc_match_stored_list(struct rc_match_cache *cache,
                     uint64_t slab_id,
                     struct rc_match_stored *ret_stored)
{
    enum rc_status status = RC_OK;
    pthread_mutex_lock(&cache->lock);
    const struct rc_cached_slab *slab = rc_match_cache_slab(cache, slab_id);
    if (slab != NULL)
        status = list(cache, slab, ret_stored);
    pthread_mutex_unlock(&cache->lock);
    return status;
}

void
rc_match_stored_note(struct rc_match_cache *cache, uint64_t slab_id, uint64_t signature)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_slab *slab = rc_match_cache_slab(cache, slab_id);
    if (slab != NULL)
        slab->stored_signature = signature;
    pthread_mutex_unlock(&cache->lock);
}

void
rc_match_stored_add(struct rc_match_cache *cache,
                    uint64_t slab_id,
                    const struct rc_match_stored_entry *entry)
{
    /* What computing it took is not stored; of sets that nobody used yet the large go first. */
    const uint64_t cost_ns = rc_rowset_row_count(entry->set);
    rc_rowset_unref(
        rc_match_cache_insert(cache, slab_id, &entry->key, cost_ns, rc_rowset_ref(entry->set)));
    rc_match_stored_mark(cache, &entry->key);
}
