/*
 * Match cache, the order of eviction: by what it costs to make a thing again, how often it is
 * used, and its bytes (GreedyDual-Size with frequency, Cherkasova 1998).
 *
 *   value = clock at the last use + uses * cost / bytes
 *
 * The least value goes, and the clock moves on to it: so what was used long ago loses against what
 * is used now, however dear it was, and a scan of new predicates does not push out what is asked
 * every minute.
 *
 * A heap by the value that an entry had when it was placed. Values only grow, so a use touches
 * nothing but the entry; whoever looks for the least one brings the top up to date first.
 */
#include "engine/base/assert.h"
#include "engine/match/cache/match_cache_form.h"

static double
value_of(const struct rc_cached_entry *entry)
{
    return entry->used_at + entry->uses * entry->worth;
}

static void
put(struct rc_cache_order *order, uint32_t place, struct rc_cached_entry *entry)
{
    order->heap[place] = entry;
    entry->place = place;
}

static void
sift_up(struct rc_cache_order *order, struct rc_cached_entry *entry)
{
    uint32_t place = entry->place;
    while (place > 0 && order->heap[(place - 1) / 2]->sorted_by > entry->sorted_by) {
        put(order, place, order->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(order, place, entry);
}

static void
sift_down(struct rc_cache_order *order, struct rc_cached_entry *entry)
{
    uint32_t place = entry->place;
    for (;;) {
        uint32_t child = place * 2 + 1;
        if (child >= order->count)
            break;
        if (child + 1 < order->count &&
            order->heap[child + 1]->sorted_by < order->heap[child]->sorted_by)
            child++;
        if (order->heap[child]->sorted_by >= entry->sorted_by)
            break;
        put(order, place, order->heap[child]);
        place = child;
    }
    put(order, place, entry);
}

enum rc_status
rc_cache_order_add(struct rc_match_cache *cache, struct rc_cached_entry *entry, uint64_t cost_ns)
{
    struct rc_cache_order *order = &cache->order;
    RC_TRY(RC_GROW_IN(cache->account, order->heap, order->capacity, order->count + 1));
    entry->uses = 1;
    entry->worth = (double)cost_ns / (double)entry->bytes;
    entry->used_at = order->clock;
    entry->sorted_by = value_of(entry);
    entry->place = (uint32_t)order->count++;
    sift_up(order, entry);
    return RC_OK;
}

void
rc_cache_order_remove(struct rc_match_cache *cache, struct rc_cached_entry *entry)
{
    struct rc_cache_order *order = &cache->order;
    RC_ASSERT(entry->place < order->count && order->heap[entry->place] == entry);
    struct rc_cached_entry *last = order->heap[--order->count];
    if (last == entry)
        return;
    last->place = entry->place;
    sift_down(order, last);
    sift_up(order, last);
}

void
rc_cache_order_use(struct rc_match_cache *cache, struct rc_cached_entry *entry)
{
    entry->used_at = cache->order.clock;
    entry->uses += entry->uses < UINT32_MAX;
}

struct rc_cached_entry *
rc_cache_order_least(struct rc_match_cache *cache)
{
    struct rc_cache_order *order = &cache->order;
    if (order->count == 0)
        return NULL;
    for (;;) {
        struct rc_cached_entry *top = order->heap[0];
        const double value = value_of(top);
        if (value <= top->sorted_by) {
            order->clock = value > order->clock ? value : order->clock;
            return top;
        }
        top->sorted_by = value;
        sift_down(order, top);
    }
}

void
rc_cache_order_close(struct rc_match_cache *cache)
{
    RC_ASSERT(cache->order.count == 0);
    cache->order.heap = rc_alloc_free(cache->order.heap);
    cache->order.capacity = 0;
}
