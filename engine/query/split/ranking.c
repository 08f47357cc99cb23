/* Ranking of groups. Values are decoded only where figures tie. */
#include "engine/base/limits.h"
#include "engine/query/split/groups.h"
#include "engine/query/split/top.h"

#define TOP_DEFAULT 9u

struct ranker {
    const struct rc_groups *groups;
    const uint64_t *figures;
    struct rc_arena *scratch;
    enum rc_status status;
};

/* Whether group a stands before group b. */
static bool
before(void *context, uint32_t a, uint32_t b)
{
    struct ranker *ranker = context;
    if (ranker->figures[a] != ranker->figures[b])
        return ranker->figures[a] > ranker->figures[b];
    int order = 0;
    const enum rc_status status = rc_groups_compare(ranker->groups, a, b, ranker->scratch, &order);
    if (status != RC_OK)
        ranker->status = status;
    rc_arena_reset(ranker->scratch);
    return order < 0;
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
    struct rc_top top = {.top_n = top_n, .first = heap, .context = &ranker, .before = before};
    for (uint32_t group = 0; group < group_count; group++)
        if (figures[group] != 0)
            rc_top_offer(&top, group);
    rc_top_finish(&top);
    RC_TRY(ranker.status);
    const uint32_t count = top.count;
    for (uint32_t group = 0; group < group_count; group++)
        row_of[group] = count;
    for (uint32_t row = 0; row < count; row++) {
        row_of[heap[row]] = row;
        RC_TRY(rc_groups_value(groups, heap[row], arena, &values[row]));
    }
    *ret_ranking = (struct rc_ranking){.row_count = count,
                                       .has_other = top.more,
                                       .groups = heap,
                                       .row_of = row_of,
                                       .values = values};
    return RC_OK;
}

enum rc_status
rc_breakdown_check(const struct rc_breakdown *breakdown,
                   uint32_t top_n,
                   struct rc_error *reterr_error)
{
    if (breakdown->scope < RC_LEAF_EVENT || breakdown->scope > RC_LEAF_ACCOUNT)
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
