/*
 * Funnel pass: from the last group of equal times to the first, where a chain is complete at the
 * earliest.
 *
 * For a chain that has filled step i last, in group g, with r optional steps to go until step
 * depth - 1, all that counts for its future is (g, i, r): rest. For one whose next step is i,
 * filled in g: begun. Then
 *
 *   rest(g, i, r)   the least begun(h, i', r) over the next steps i' (behind optional ones that are
 *                   left out) and the groups h behind g that the step's window and the strict
 * orders allow; g itself when i is the last step begun(g, i, r)  the least rest(g, j, .) over what
 * can be taken in g from i to j
 *
 * The groups allowed are always a stretch right behind g. begun values of one (step, number) lie on
 * a stack as they are met, without those that a nearer group beats; so they grow towards the top,
 * the least of a stretch is the lowest one in it, and a binary search finds it. Hence a pass takes
 * O(slots * (optional steps + 1) * log) and is exact for windows of all kinds: the entry's own
 * window and day only say until when a chain must be complete, and are compared with rest.
 */
#include "engine/query/funnel/funnel_search_form.h"

#include <string.h>

#define GROUPS_BETWEEN_LOOKS 256u

/* The stack of a step and number. */
static inline size_t
stack_at(const struct rc_funnel_search *search, uint32_t step, uint32_t left)
{
    const size_t length = search->where_starts[step + 1] - search->where_starts[step];
    return (size_t)search->where_starts[step] * search->width + left * length;
}

/* The least begun of a step and number in the groups up to a limit. */
static uint32_t
least_begun(const struct rc_funnel_search *search,
            uint32_t step,
            uint32_t left,
            uint32_t group_max,
            int64_t time_max_ms)
{
    const size_t base = stack_at(search, step, left);
    const uint32_t count = search->stack_counts[step * search->width + left];
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const uint32_t group = search->stack_groups[base + middle];
        if (group > group_max || search->groups[group].time_ms > time_max_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low == count ? NONE : search->stack_done[base + low];
}

static void
push_begun(struct rc_funnel_search *search,
           uint32_t step,
           uint32_t left,
           uint32_t group,
           uint32_t done)
{
    const size_t base = stack_at(search, step, left);
    uint32_t *count = &search->stack_counts[step * search->width + left];
    while (*count > 0 && search->stack_done[base + *count - 1] >= done)
        (*count)--;
    search->stack_groups[base + *count] = group;
    search->stack_done[base + *count] = done;
    (*count)++;
    search->heads[step * search->width + left] = group;
}

static uint32_t
find_rest(const struct rc_funnel_search *search, uint32_t group, uint32_t step, uint32_t left)
{
    uint32_t done = NONE;
    if (step + 1 == search->depth)
        return left == 0 ? group : NONE;
    for (uint32_t behind = step + 1; behind < search->depth; behind++) {
        done =
            lesser(done, least_begun(search, behind, left, limit_group(search, group, step, behind),
                                     limit_ms(search, group, behind)));
        if (!is_optional(search, behind))
            break;
    }
    return done;
}

/* Of a group that is not packed. Steps above have theirs. */
static uint32_t
find_begun(const struct rc_funnel_search *search,
           const struct group *group,
           uint32_t step,
           uint32_t left)
{
    const uint32_t width = search->width;
    if (is_optional(search, step) && left-- == 0)
        return NONE;
    uint32_t done = search->rest[(size_t)slot_of(group, step) * width + left];
    for (uint32_t behind = step + 1; group->kind == GROUP_FREE && behind < search->depth;
         behind++) {
        if (((group->fill >> behind) & 1) != 0)
            done = lesser(done, search->begun[(size_t)slot_of(group, behind) * width + left]);
        if (!is_optional(search, behind))
            break;
    }
    return done;
}

static enum rc_status
pass_group(struct rc_funnel_search *search, uint32_t index)
{
    const struct group *group = &search->groups[index];
    const uint64_t steps = group->fill & rc_funnel_below(search->depth);
    const uint32_t width = search->width;
    for (uint64_t left_steps = steps; left_steps != 0; left_steps &= left_steps - 1) {
        const uint32_t step = (uint32_t)__builtin_ctzll(left_steps);
        uint32_t *rest = search->rest + (size_t)slot_of(group, step) * width;
        for (uint32_t left = 0; left < width; left++)
            rest[left] = find_rest(search, index, step, left);
    }
    if (group->kind == GROUP_PACKED)
        RC_TRY(rc_funnel_pack(search, index));
    for (uint64_t left_steps = steps; left_steps != 0;) {
        const uint32_t step = 63 - (uint32_t)__builtin_clzll(left_steps);
        const size_t at = (size_t)slot_of(group, step) * width;
        left_steps &= ~((uint64_t)1 << step);
        for (uint32_t left = 0; left < width; left++)
            search->begun[at + left] = group->kind == GROUP_PACKED
                                           ? rc_funnel_pack_rest(search, NONE, step, left, true)
                                           : find_begun(search, group, step, left);
    }
    for (uint64_t left_steps = steps; left_steps != 0; left_steps &= left_steps - 1) {
        const uint32_t step = (uint32_t)__builtin_ctzll(left_steps);
        const size_t at = (size_t)slot_of(group, step) * width;
        for (uint32_t left = 0; left < width; left++) {
            search->next[at + left] = search->heads[step * width + left];
            if (search->begun[at + left] != NONE)
                push_begun(search, step, left, index, search->begun[at + left]);
        }
    }
    return RC_OK;
}

/* An uninitialised array of at least count elements. */
static enum rc_status
ensure(const struct rc_funnel_search *search, uint32_t **array, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return RC_OK;
    *array = rc_alloc_free(*array);
    *capacity = 0;
    *array = rc_alloc_in(search->account, (count + count / 2) * sizeof(**array));
    if (*array == NULL)
        return RC_NO_MEMORY;
    *capacity = count + count / 2;
    return RC_OK;
}

enum rc_status
rc_funnel_pass(struct rc_funnel_search *search, uint32_t depth)
{
    search->depth = depth;
    search->width =
        1 + (uint32_t)__builtin_popcountll(search->rules->optional & rc_funnel_below(depth));
    const size_t places = (size_t)search->slot_count * search->width;
    RC_TRY(ensure(search, &search->rest, &search->rest_capacity, places));
    RC_TRY(ensure(search, &search->begun, &search->begun_capacity, places));
    RC_TRY(ensure(search, &search->next, &search->next_capacity, places));
    RC_TRY(ensure(search, &search->stack_groups, &search->stack_group_capacity, places));
    RC_TRY(ensure(search, &search->stack_done, &search->stack_done_capacity, places));
    const size_t stacks = (size_t)depth * search->width;
    memset(search->stack_counts, 0, stacks * sizeof(search->stack_counts[0]));
    memset(search->heads, 0xff, stacks * sizeof(search->heads[0]));
    for (uint32_t group = search->group_count; group-- > 0;) {
        if (group % GROUPS_BETWEEN_LOOKS == 0 && rc_funnel_cancelled(search->rules))
            return RC_CANCELLED;
        RC_TRY(pass_group(search, group));
    }
    return search->cancelled ? RC_CANCELLED : RC_OK;
}

uint32_t
rc_funnel_rest(struct rc_funnel_search *search,
               uint32_t group_index,
               uint32_t event,
               uint32_t step,
               uint32_t left)
{
    const struct group *group = &search->groups[group_index];
    if (group->kind == GROUP_PACKED)
        return rc_funnel_pack_rest(search, event, step, left, false);
    uint32_t done = search->rest[(size_t)slot_of(group, step) * search->width + left];
    for (uint32_t behind = step + 1; group->kind == GROUP_FREE && behind < search->depth;
         behind++) {
        if (((group->fill >> behind) & 1) != 0)
            done =
                lesser(done, search->begun[(size_t)slot_of(group, behind) * search->width + left]);
        if (!is_optional(search, behind))
            break;
    }
    return done;
}
