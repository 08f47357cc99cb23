/*
 * Ranking of groups. The best top_n are kept in a heap whose root is the worst of them, so a
 * property with a million values costs a million looks at the root; the heap is sorted at the end.
 * Values are decoded only where figures tie.
 */
#include <stdlib.h>

#include "engine/base/limits.h"
#include "engine/query/groups.h"

#define TOP_DEFAULT 9u

struct ranker {
    const struct rc_groups *groups;
    const uint64_t *figures;
    struct rc_arena *scratch;
    enum rc_status status;
};

/* Whether group a stands before group b. */
static bool
before(struct ranker *ranker, uint32_t a, uint32_t b)
{
    if (ranker->figures[a] != ranker->figures[b])
        return ranker->figures[a] > ranker->figures[b];
    int order = 0;
    const enum rc_status status = rc_groups_compare(ranker->groups, a, b, ranker->scratch, &order);
    if (status != RC_OK)
        ranker->status = status;
    rc_arena_reset(ranker->scratch);
    return order < 0;
}

/* Moves heap[at] down to where no child is worse than its parent. */
static void
sift(struct ranker *ranker, uint32_t *heap, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && before(ranker, heap[child], heap[child + 1]))
            child++;
        if (!before(ranker, heap[at], heap[child]))
            return;
        const uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

/* Keeps the best top_n of the groups with a figure, best first; returns how many there are. */
static uint32_t
select_top(struct ranker *ranker,
           uint32_t group_count,
           uint32_t top_n,
           uint32_t *heap,
           bool *ret_more)
{
    uint32_t count = 0;
    *ret_more = false;
    for (uint32_t group = 0; group < group_count; group++) {
        if (ranker->figures[group] == 0)
            continue;
        if (count < top_n) {
            heap[count++] = group;
            for (uint32_t i = count == top_n ? count / 2 : 0; i-- > 0;)
                sift(ranker, heap, count, i);
            continue;
        }
        *ret_more = true;
        if (top_n > 0 && before(ranker, group, heap[0])) {
            heap[0] = group;
            sift(ranker, heap, count, 0);
        }
    }
    for (uint32_t i = count / 2; i-- > 0;)
        sift(ranker, heap, count, i);
    /* The worst goes to the end, again and again. */
    for (uint32_t left = count; left > 1; left--) {
        const uint32_t worst = heap[0];
        heap[0] = heap[left - 1];
        heap[left - 1] = worst;
        sift(ranker, heap, left - 1, 0);
    }
    return count;
}

enum rc_status
rc_groups_rank(const struct rc_groups *groups,
               const uint64_t *figures,
               uint32_t top_n,
               struct rc_arena *arena,
               struct rc_ranking *ret_ranking)
{
    if (top_n == 0)
        top_n = TOP_DEFAULT;
    else if (top_n == RC_TOP_NONE)
        top_n = 0;
    RC_CLEANUP(rc_arena_freep) struct rc_arena *scratch = rc_arena_new(NULL, 0);
    struct ranker ranker = {.groups = groups, .figures = figures, .scratch = scratch};
    const uint32_t group_count = rc_groups_count(groups);
    uint32_t *heap = RC_ARENA_ARRAY(arena, uint32_t, top_n);
    uint32_t *row_of = RC_ARENA_ARRAY(arena, uint32_t, group_count);
    struct rc_value *values = RC_ARENA_ARRAY(arena, struct rc_value, top_n);
    if (scratch == NULL || heap == NULL || row_of == NULL || values == NULL)
        return RC_NO_MEMORY;
    bool more;
    const uint32_t count = select_top(&ranker, group_count, top_n, heap, &more);
    RC_TRY(ranker.status);
    for (uint32_t group = 0; group < group_count; group++)
        row_of[group] = count;
    for (uint32_t row = 0; row < count; row++) {
        row_of[heap[row]] = row;
        RC_TRY(rc_groups_value(groups, heap[row], arena, &values[row]));
    }
    *ret_ranking = (struct rc_ranking){
        .row_count = count, .has_other = more, .groups = heap, .row_of = row_of, .values = values};
    return RC_OK;
}

enum rc_status
rc_breakdown_check(const struct rc_breakdown *breakdown,
                   uint32_t top_n,
                   struct rc_error *reterr_error)
{
    if (breakdown->scope != RC_LEAF_EVENT && breakdown->scope != RC_LEAF_USER)
        return rc_error_field(reterr_error, RC_INVALID, "breakdown.dimensions[0].property",
                              "the property is neither of the event nor of the user");
    if (breakdown->property.size == 0)
        return rc_error_field(reterr_error, RC_INVALID, "breakdown.dimensions[0].property",
                              "the property has no name");
    if (top_n > RC_BREAKDOWN_ROWS_MAX && top_n != RC_TOP_NONE)
        return rc_error_field(reterr_error, RC_LIMIT_EXCEEDED, "breakdown.top",
                              "at most %u rows can be shown", RC_BREAKDOWN_ROWS_MAX);
    return RC_OK;
}
