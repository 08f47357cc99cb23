/*
 * Hits. Sorting is a natural merge sort: a person's hits are a few ascending runs (one a slab of a
 * window, one a member, short ones from the heads), and merging neighbours costs one pass per
 * doubling.
 *
 * Ids are read only for equal times. Equal in all three are only events without a sent id and of
 * equal content; source and row then give them a fixed order.
 */
#include "engine/query/walk/hits.h"

#include <string.h>

#include "engine/base/assert.h"

#define CAPACITY_FIRST 8192u
#define CAPACITY_MAX ((uint32_t)1 << 31)

void
rc_hits_close(struct rc_hits *hits)
{
    hits->hits = rc_alloc_free(hits->hits);
    hits->slots = rc_alloc_free(hits->slots);
    hits->capacity = 0;
    hits->count = 0;
}

static void *
grow(struct rc_account *account, void *block, size_t bytes)
{
    return block == NULL ? rc_alloc_in(account, bytes) : rc_realloc(block, bytes);
}

enum rc_status
rc_hits_reserve(struct rc_hits *hits, uint32_t more)
{
    const uint64_t needed = (uint64_t)hits->count + more;
    if (needed <= hits->capacity)
        return RC_OK;
    if (needed > CAPACITY_MAX)
        return RC_LIMIT_EXCEEDED;
    uint64_t capacity = hits->capacity == 0 ? CAPACITY_FIRST : hits->capacity;
    while (capacity < needed)
        capacity *= 2;
    struct rc_hit *array = grow(hits->account, hits->hits, capacity * sizeof(*array));
    if (array == NULL)
        return RC_NO_MEMORY;
    hits->hits = array;
    uint32_t *slots = grow(hits->account, hits->slots, capacity * sizeof(*slots));
    if (slots == NULL)
        return RC_NO_MEMORY;
    hits->slots = slots;
    hits->capacity = (uint32_t)capacity;
    return RC_OK;
}

struct rc_event_id
rc_hit_event_id(struct rc_view *view, const struct rc_hit *hit)
{
    uint32_t count;
    if ((hit->source & RC_SOURCE_CHUNK) != 0)
        return rc_view_chunks(view, &count)[hit->source & ~RC_SOURCE_CHUNK].ids[hit->row];
    return rc_slab_event_id(rc_view_slabs(view, &count)[hit->source].slab, hit->row);
}

uint32_t
rc_hit_user(struct rc_view *view, const struct rc_hit *hit)
{
    uint32_t count;
    if ((hit->source & RC_SOURCE_CHUNK) != 0)
        return rc_view_chunks(view, &count)[hit->source & ~RC_SOURCE_CHUNK].users[hit->row];
    const struct rc_slab *slab = rc_view_slabs(view, &count)[hit->source].slab;
    return rc_slab_users(slab)[rc_slab_user_index_of_row(slab, hit->row)];
}

static int
compare_ties(struct rc_view *view, const struct rc_hit *a, const struct rc_hit *b)
{
    const struct rc_event_id id_a = rc_hit_event_id(view, a);
    const struct rc_event_id id_b = rc_hit_event_id(view, b);
    int order = rc_event_id_compare(&id_a, &id_b);
    if (order != 0)
        return order;
    const uint32_t user_a = rc_hit_user(view, a);
    const uint32_t user_b = rc_hit_user(view, b);
    if (user_a != user_b)
        order = rc_bytes_compare(rc_view_user_id(view, user_a), rc_view_user_id(view, user_b));
    if (order == 0 && a->source != b->source)
        order = a->source < b->source ? -1 : 1;
    if (order == 0)
        order = a->row < b->row ? -1 : 1;
    return order;
}

bool
rc_hits_in_order(struct rc_view *view, const struct rc_hit *a, const struct rc_hit *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms;
    return compare_ties(view, a, b) <= 0;
}

bool
rc_hits_are_sorted(const struct rc_hit *hits, uint32_t count, bool one_user)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct rc_hit *a = &hits[i - 1];
        const struct rc_hit *b = &hits[i];
        if (a->time_ms < b->time_ms)
            continue;
        const bool same_rows = one_user && a->source == b->source && a->row < b->row &&
                               (a->source & RC_SOURCE_CHUNK) == 0;
        if (a->time_ms > b->time_ms || !same_rows)
            return false;
    }
    return true;
}

/* The end of the ascending run that begins at begin. */
static uint32_t
run_end(struct rc_view *view, const struct rc_hit *hits, uint32_t begin, uint32_t count)
{
    uint32_t end = begin + 1;
    while (end < count && rc_hits_in_order(view, &hits[end - 1], &hits[end]))
        end++;
    return end;
}

static void
merge(struct rc_view *view,
      struct rc_hit *target,
      const struct rc_hit *a,
      uint32_t count_a,
      const struct rc_hit *b,
      uint32_t count_b)
{
    while (count_a > 0 && count_b > 0) {
        if (rc_hits_in_order(view, a, b)) {
            *target++ = *a++;
            count_a--;
        } else {
            *target++ = *b++;
            count_b--;
        }
    }
    memcpy(target, a, count_a * sizeof(*a));
    memcpy(target + count_a, b, count_b * sizeof(*b));
}

void
rc_hits_sort(struct rc_view *view, struct rc_hit *hits, uint32_t count, struct rc_hit *scratch)
{
    struct rc_hit *from = hits;
    struct rc_hit *into = scratch;
    for (uint32_t merged = count; merged > 0;) {
        merged = 0;
        for (uint32_t begin = 0; begin < count;) {
            const uint32_t middle = run_end(view, from, begin, count);
            const uint32_t end = middle < count ? run_end(view, from, middle, count) : middle;
            if (begin == 0 && middle == count)
                break;
            merge(view, into + begin, from + begin, middle - begin, from + middle, end - middle);
            merged += end - begin;
            begin = end;
        }
        if (merged > 0) {
            struct rc_hit *swap = from;
            from = into;
            into = swap;
        }
    }
    if (from != hits)
        memcpy(hits, from, count * sizeof(*hits));
}
