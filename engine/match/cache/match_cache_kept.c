/*
 * Match cache, columns and answers of heads: of a slab or head and what makes it there is one
 * thing, the one with most blocks or rows. One that has all of it takes its place, its uses, and
 * what both took to make.
 */
#include "engine/match/cache/match_cache_form.h"

/* Heads are numbered by themselves; no slab has such an id. */
#define HEAD_ID ((uint64_t)1 << 63)

/* With the lock held. Puts a thing in the place of another one; NULL: there is none. */
static void
exchange(struct rc_match_cache *cache,
         uint64_t id,
         const struct rc_match_key *key,
         uint64_t cost_ns,
         struct rc_cached_entry *old,
         struct rc_cached_thing thing)
{
    uint32_t uses = 1;
    if (old != NULL) {
        uses = old->uses;
        cost_ns += (uint64_t)(old->worth * (double)old->bytes);
        rc_match_cache_forget(cache, old);
    }
    rc_match_cache_add(cache, id, key, cost_ns, thing);
    struct rc_cached_entry *entry = rc_match_cache_entry(cache, id, key);
    if (entry != NULL)
        entry->uses = uses;
}

struct rc_kept_column *
rc_match_cache_find_column(struct rc_match_cache *cache,
                           uint64_t slab_id,
                           const struct rc_match_key *key)
{
    struct rc_kept_column *column = NULL;
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *entry = rc_match_cache_entry(cache, slab_id, key);
    if (entry != NULL && entry->thing.column != NULL) {
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
    const struct rc_cached_entry *entry = rc_match_cache_entry(cache, slab_id, key);
    const bool has = entry != NULL && entry->thing.column != NULL &&
                     rc_kept_column_has(entry->thing.column, NULL) &&
                     !rc_kept_column_is_declined(entry->thing.column);
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
    const struct rc_kept_column *kept = old == NULL ? NULL : old->thing.column;
    if (old == NULL || (kept != NULL && !rc_kept_column_includes(kept, column) &&
                        rc_kept_column_includes(column, kept)))
        exchange(cache, slab_id, key, cost_ns, old, (struct rc_cached_thing){.column = column});
    pthread_mutex_unlock(&cache->lock);
}

struct rc_head_answers *
rc_match_cache_find_answers(struct rc_match_cache *cache,
                            uint64_t head,
                            const struct rc_match_key *key)
{
    struct rc_head_answers *answers = NULL;
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *entry = rc_match_cache_entry(cache, HEAD_ID | head, key);
    if (entry != NULL) {
        rc_cache_order_use(cache, entry);
        answers = rc_head_answers_ref(entry->thing.answers);
    }
    pthread_mutex_unlock(&cache->lock);
    return answers;
}

void
rc_match_cache_insert_answers(struct rc_match_cache *cache,
                              uint64_t head,
                              const struct rc_match_key *key,
                              uint64_t cost_ns,
                              struct rc_head_answers *answers)
{
    pthread_mutex_lock(&cache->lock);
    struct rc_cached_entry *old = rc_match_cache_entry(cache, HEAD_ID | head, key);
    if (old == NULL || rc_head_answers_rows(answers) > rc_head_answers_rows(old->thing.answers))
        exchange(cache, HEAD_ID | head, key, cost_ns, old,
                 (struct rc_cached_thing){.answers = answers});
    pthread_mutex_unlock(&cache->lock);
}

void
rc_match_cache_drop_head(struct rc_match_cache *cache, uint64_t head)
{
    rc_match_cache_drop_slab(cache, HEAD_ID | head);
}
