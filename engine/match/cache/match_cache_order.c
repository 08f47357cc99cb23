/*
 * Match cache, the order of eviction: by what it costs to compute a rowset again, how often it is
 * used, and its bytes (GreedyDual-Size with frequency, Cherkasova 1998).
 *
 *   value = clock at the last use + uses * cost / bytes
 *
 * The least value goes, and the clock moves on to it: so what was used long ago loses against what
 * is used now, however dear it was, and a scan of new predicates does not push out what is asked
 * every minute.
 *
 * A heap by the value that a rowset had when it was placed. Values only grow, so a use touches
 * nothing but the rowset; whoever looks for the least one brings the top up to date first.
 */
#include "engine/base/assert.h"
#include "engine/match/cache/match_cache_form.h"

static double
value_of(const struct rc_cached_rowset *rowset)
{
    return rowset->used_at + rowset->uses * rowset->worth;
}

static void
put(struct rc_cache_order *order, uint32_t place, struct rc_cached_rowset *rowset)
{
    order->heap[place] = rowset;
    rowset->place = place;
}

static void
sift_up(struct rc_cache_order *order, struct rc_cached_rowset *rowset)
{
    uint32_t place = rowset->place;
    while (place > 0 && order->heap[(place - 1) / 2]->sorted_by > rowset->sorted_by) {
        put(order, place, order->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(order, place, rowset);
}

static void
sift_down(struct rc_cache_order *order, struct rc_cached_rowset *rowset)
{
    uint32_t place = rowset->place;
    for (;;) {
        uint32_t child = place * 2 + 1;
        if (child >= order->count)
            break;
        if (child + 1 < order->count &&
            order->heap[child + 1]->sorted_by < order->heap[child]->sorted_by)
            child++;
        if (order->heap[child]->sorted_by >= rowset->sorted_by)
            break;
        put(order, place, order->heap[child]);
        place = child;
    }
    put(order, place, rowset);
}

enum rc_status
rc_cache_order_add(struct rc_match_cache *cache, struct rc_cached_rowset *rowset, uint64_t cost_ns)
{
    struct rc_cache_order *order = &cache->order;
    if (order->heap == NULL) {
        order->heap = rc_alloc_in(cache->account, 16 * sizeof(struct rc_cached_rowset *));
        if (order->heap == NULL)
            return RC_NO_MEMORY;
        order->capacity = 16;
    }
    RC_TRY(RC_GROW(order->heap, order->capacity, order->count + 1));
    rowset->uses = 1;
    rowset->worth = (double)cost_ns / (double)rc_rowset_memory_bytes(rowset->set);
    rowset->used_at = order->clock;
    rowset->sorted_by = value_of(rowset);
    rowset->place = (uint32_t)order->count++;
    sift_up(order, rowset);
    return RC_OK;
}

void
rc_cache_order_remove(struct rc_match_cache *cache, struct rc_cached_rowset *rowset)
{
    struct rc_cache_order *order = &cache->order;
    RC_ASSERT(rowset->place < order->count && order->heap[rowset->place] == rowset);
    struct rc_cached_rowset *last = order->heap[--order->count];
    if (last == rowset)
        return;
    last->place = rowset->place;
    sift_down(order, last);
    sift_up(order, last);
}

void
rc_cache_order_use(struct rc_match_cache *cache, struct rc_cached_rowset *rowset)
{
    rowset->used_at = cache->order.clock;
    rowset->uses += rowset->uses < UINT32_MAX;
}

struct rc_cached_rowset *
rc_cache_order_least(struct rc_match_cache *cache)
{
    struct rc_cache_order *order = &cache->order;
    if (order->count == 0)
        return NULL;
    for (;;) {
        struct rc_cached_rowset *top = order->heap[0];
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
