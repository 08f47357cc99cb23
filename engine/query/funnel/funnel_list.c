/*
 * Funnel list. An entry that shares more than one value (or none of the named steps) has an attempt
 * for each; its own is the best of these: the deepest, with the most optional steps, with the
 * earliest events, at the lowest steps. Sorting by (span, entry, that order) puts it first.
 */
#include "engine/query/funnel/funnel_list.h"

#include <stdlib.h>
#include <string.h>

#include "engine/query/funnel/funnel_exclude.h"

struct rc_funnel_listed {
    uint32_t span;
    uint32_t entry; /* Hit. */
    uint32_t depth;
    uint64_t filled;
    size_t hits; /* Of the filled steps, in list->hits. */
};

void
rc_funnel_list_close(struct rc_funnel_list *list)
{
    list->items = rc_alloc_free(list->items);
    list->hits = rc_alloc_free(list->hits);
    list->capacity = 0;
    list->hit_capacity = 0;
    rc_funnel_list_clear(list);
}

void
rc_funnel_list_clear(struct rc_funnel_list *list)
{
    list->count = 0;
    list->hit_count = 0;
}

static enum rc_status
grow(struct rc_funnel_list *list)
{
    RC_TRY(RC_GROW_IN(list->account, list->items, list->capacity, list->count + 1));
    return RC_GROW_IN(list->account, list->hits, list->hit_capacity,
                      list->hit_count + RC_FUNNEL_STEPS_MAX);
}

enum rc_status
rc_funnel_list_add(struct rc_funnel_list *list,
                   const struct rc_funnel_rules *rules,
                   uint32_t span,
                   const struct rc_funnel_attempt *attempt)
{
    (void)rules;
    RC_TRY(grow(list));
    list->items[list->count++] = (struct rc_funnel_listed){
        .span = span,
        .entry = attempt->hits[0],
        .depth = attempt->depth,
        .filled = attempt->filled,
        .hits = list->hit_count,
    };
    for (uint32_t step = 0; step < attempt->depth; step++)
        if (((attempt->filled >> step) & 1) != 0)
            list->hits[list->hit_count++] = attempt->hits[step];
    return RC_OK;
}

/* Sets of steps of one size: the lower steps first. */
static int
compare_steps(uint64_t a, uint64_t b)
{
    const uint64_t different = a ^ b;
    if (different == 0)
        return 0;
    return ((a >> __builtin_ctzll(different)) & 1) != 0 ? -1 : 1;
}

static int
compare(const void *one, const void *other, void *context)
{
    const struct rc_funnel_listed *a = one;
    const struct rc_funnel_listed *b = other;
    const struct rc_funnel_list *list = context;
    if (a->span != b->span)
        return a->span < b->span ? -1 : 1;
    if (a->entry != b->entry)
        return a->entry < b->entry ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth > b->depth ? -1 : 1;
    const int count_a = __builtin_popcountll(a->filled);
    const int count_b = __builtin_popcountll(b->filled);
    if (count_a != count_b)
        return count_a > count_b ? -1 : 1;
    for (int i = 0; i < count_a; i++) {
        const uint32_t hit_a = list->hits[a->hits + (size_t)i];
        const uint32_t hit_b = list->hits[b->hits + (size_t)i];
        if (hit_a != hit_b)
            return hit_a < hit_b ? -1 : 1;
    }
    return compare_steps(a->filled, b->filled);
}

static void
unpack(const struct rc_funnel_list *list,
       const struct rc_funnel_listed *item,
       struct rc_funnel_attempt *ret_attempt)
{
    size_t at = item->hits;
    ret_attempt->depth = item->depth;
    ret_attempt->filled = item->filled;
    for (uint32_t step = 0; step < item->depth; step++)
        ret_attempt->hits[step] =
            ((item->filled >> step) & 1) != 0 ? list->hits[at++] : RC_FUNNEL_NONE;
}

static bool
is_excluded(const struct rc_funnel_rules *rules,
            const struct rc_funnel_times *excluded,
            const struct rc_hit *hits,
            const struct rc_funnel_attempt *attempt)
{
    int64_t times_ms[RC_FUNNEL_STEPS_MAX];
    if (rules->exclusion_count == 0 || rules->order == RC_FUNNEL_UNORDERED)
        return false;
    for (uint32_t step = 0; step < attempt->depth; step++)
        if (attempt->hits[step] != RC_FUNNEL_NONE)
            times_ms[step] = hits[attempt->hits[step]].time_ms;
    return rc_funnel_is_excluded(rules, excluded, attempt, times_ms);
}

void
rc_funnel_list_choose(struct rc_funnel_list *list,
                      const struct rc_funnel_rules *rules,
                      const struct rc_funnel_times *excluded,
                      const struct rc_hit *hits,
                      uint32_t span_count,
                      struct rc_funnel_attempt *ret_attempts)
{
    struct rc_funnel_attempt attempt;
    size_t at = 0;
    if (list->count > 1)
        qsort_r(list->items, list->count, sizeof(*list->items), compare, list);
    for (uint32_t span = 0; span < span_count; span++) {
        uint32_t deepest = 0; /* Of all attempts, excluded ones too. */
        ret_attempts[span].depth = 0;
        while (at < list->count && list->items[at].span == span) {
            const struct rc_funnel_listed *item = &list->items[at];
            do
                at++;
            while (at < list->count && list->items[at].span == span &&
                   list->items[at].entry == item->entry);
            if (item->depth > deepest)
                deepest = item->depth;
            unpack(list, item, &attempt);
            if (!is_excluded(rules, excluded, hits, &attempt) &&
                (ret_attempts[span].depth == 0 ||
                 rc_funnel_is_better(&attempt, &ret_attempts[span])))
                ret_attempts[span] = attempt;
        }
        if (!rules->attempt_only && ret_attempts[span].depth < deepest)
            ret_attempts[span].depth = 0;
    }
}
