/*
 * Merge, the choice of what. A plan takes windows in their order until there is enough to do for
 * one exchange: where thousands of windows have a few rows each, an exchange for each would copy
 * the list of all slabs thousands of times.
 *
 * Slabs of a window that was divided since are divided by every merge of them, and by one of their
 * own when nothing else is to be done: a tier of a window at a time, so that an exchange rewrites
 * no more than that of another merge; and where there is no memory for it, other merges go on.
 * Those that are cold stay as they are, since what took their place would be in memory.
 */
#include "engine/intake/merge.h"

#include "engine/base/limits.h"
#include "engine/intake/windows.h"

/* Slabs below this many rows are of the lowest tier. */
#define TIER_ROWS_FIRST 4096u
#define TIERS 16u

/* Windows are merged together up to this many rows. */
#define JOINED_ROWS_MAX ((uint64_t)1 << 18)

static uint32_t
tier_of(const struct rc_version_slab *slab)
{
    uint32_t tier = 0;
    for (uint64_t rows = TIER_ROWS_FIRST; rows <= rc_version_slab_rows(slab);
         rows *= RC_MERGE_FANOUT)
        tier++;
    return tier;
}

/* The slabs [first, *ret_end) are those of one window; returns their live rows. */
static uint64_t
window_end(const struct rc_version *version, uint32_t first, uint32_t *ret_end)
{
    const struct rc_window window = rc_slab_window(version->slabs[first].slab);
    uint64_t rows = 0;
    uint32_t end = first;
    while (end < version->slab_count &&
           rc_window_compare(rc_slab_window(version->slabs[end].slab), window) == 0)
        rows += rc_version_slab_rows(&version->slabs[end++]);
    *ret_end = end;
    return rows;
}

/* Room in a plan for count more slabs, unless what is planned is enough for once. */
static bool
plan_has_room(const struct rc_merge_plan *plan, uint32_t count, uint64_t rows)
{
    return plan->count == 0 ||
           (plan->count + count <= RC_MERGE_SLABS_MAX && plan->rows + rows <= JOINED_ROWS_MAX);
}

static void
plan_add(struct rc_merge_plan *plan, const struct rc_version_slab *slab)
{
    if (plan->count == RC_MERGE_SLABS_MAX)
        return;
    plan->ids[plan->count++] = slab->id;
    plan->rows += rc_version_slab_rows(slab);
}

static bool
is_empty(const struct rc_version_slab *slab, const void *context)
{
    (void)context;
    return rc_version_slab_rows(slab) == 0;
}

static bool
is_of_tier(const struct rc_version_slab *slab, const void *context)
{
    return tier_of(slab) == *(const uint32_t *)context;
}

static bool
is_any(const struct rc_version_slab *slab, const void *context)
{
    (void)slab;
    (void)context;
    return true;
}

/* Plans the slabs of a window that are wanted, if there are least of them and room for them.
 * Whether the plan has room for more. */
static bool
plan_window(struct rc_merge_plan *plan,
            const struct rc_version *version,
            uint32_t first,
            uint32_t end,
            bool (*wanted)(const struct rc_version_slab *, const void *),
            const void *context,
            uint32_t least)
{
    uint32_t count = 0;
    uint64_t rows = 0;
    for (uint32_t i = first; i < end; i++) {
        const bool is_wanted = wanted(&version->slabs[i], context);
        count += is_wanted;
        rows += is_wanted ? rc_version_slab_rows(&version->slabs[i]) : 0;
    }
    if (count < least)
        return true;
    if (!plan_has_room(plan, count, rows))
        return false;
    for (uint32_t i = first; i < end; i++)
        if (wanted(&version->slabs[i], context))
            plan_add(plan, &version->slabs[i]);
    return true;
}

/* The tier of which a window has enough slabs; false: none. */
static bool
full_tier(const struct rc_version *version, uint32_t first, uint32_t end, uint32_t *ret_tier)
{
    uint32_t counts[TIERS] = {0};
    for (uint32_t i = first; i < end; i++) {
        const uint32_t tier = tier_of(&version->slabs[i]);
        if (tier < TIERS && ++counts[tier] >= RC_MERGE_FANOUT) {
            *ret_tier = tier;
            return true;
        }
    }
    return false;
}

static bool
has_empty(const struct rc_version *version, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (rc_version_slab_rows(&version->slabs[i]) == 0)
            return true;
    return false;
}

/* Whether the window of a slab was divided since. */
static bool
is_of_divided(const struct rc_version *version, uint32_t slab)
{
    return rc_window_is_divided(version, rc_slab_window(version->slabs[slab].slab));
}

static bool
is_hot_of_tier(const struct rc_version_slab *slab, const void *context)
{
    return !rc_slab_is_cold(slab->slab) && is_of_tier(slab, context);
}

/* The lowest tier that slabs in memory are of; TIERS: there are none. */
static uint32_t
lowest_hot_tier(const struct rc_version *version, uint32_t first, uint32_t end)
{
    uint32_t lowest = TIERS;
    for (uint32_t i = first; i < end; i++) {
        const uint32_t tier = tier_of(&version->slabs[i]);
        if (tier < lowest && !rc_slab_is_cold(version->slabs[i].slab))
            lowest = tier;
    }
    return lowest;
}

static void
pick_divided(const struct rc_version *version, struct rc_merge_plan *plan)
{
    bool room = true;
    for (uint32_t first = 0, end = 0; room && first < version->slab_count; first = end) {
        window_end(version, first, &end);
        const uint32_t tier = lowest_hot_tier(version, first, end);
        if (tier < TIERS && is_of_divided(version, first))
            room = plan_window(plan, version, first, end, is_hot_of_tier, &tier, 1);
    }
}

static void
pick_tiers(const struct rc_version *version, struct rc_merge_plan *plan)
{
    bool room = true;
    for (uint32_t first = 0, end = 0; room && first < version->slab_count; first = end) {
        const uint64_t rows = window_end(version, first, &end);
        uint32_t tier = 0;
        if (has_empty(version, first, end))
            room = plan_window(plan, version, first, end, is_empty, NULL, 1);
        else if (rows < RC_SLAB_ROWS_MAX && full_tier(version, first, end, &tier))
            room = plan_window(plan, version, first, end, is_of_tier, &tier, RC_MERGE_FANOUT);
    }
}

void
rc_merge_pick(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    *ret_plan = (struct rc_merge_plan){0};
    pick_tiers(version, ret_plan);
    if (ret_plan->count == 0)
        pick_divided(version, ret_plan);
}

/* A slab that is a quarter dead, by itself; slab_count: none. */
static uint32_t
find_quarter_dead(const struct rc_version *version, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (rc_version_slab_rows(&version->slabs[i]) <=
            rc_slab_get_info(version->slabs[i].slab)->row_count / 4 * 3)
            return i;
    return version->slab_count;
}

/* Worth rewriting the largest for: what is joined to it is not a small fraction of it. */
static bool
is_worth_joining(const struct rc_version *version, uint32_t first, uint32_t end, uint64_t rows)
{
    uint64_t largest = 0;
    for (uint32_t i = first; i < end; i++) {
        const uint64_t live = rc_version_slab_rows(&version->slabs[i]);
        largest = live > largest ? live : largest;
    }
    return end - first > 1 && (rows - largest) * RC_MERGE_FANOUT >= largest;
}

/* Slabs that are a quarter dead, and what the tiers leave of a window. */
static void
pick_rest(const struct rc_version *version, struct rc_merge_plan *plan)
{
    bool room = true;
    for (uint32_t first = 0, end = 0; room && first < version->slab_count; first = end) {
        const uint64_t rows = window_end(version, first, &end);
        if (rows >= RC_SLAB_ROWS_MAX)
            continue;
        const uint32_t dead = find_quarter_dead(version, first, end);
        if (dead < version->slab_count)
            room = plan_window(plan, version, dead, dead + 1, is_any, NULL, 1);
        else if (is_worth_joining(version, first, end, rows) && !is_of_divided(version, first))
            room = plan_window(plan, version, first, end, is_any, NULL, 1);
    }
}

void
rc_merge_pick_idle(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    *ret_plan = (struct rc_merge_plan){0};
    pick_tiers(version, ret_plan);
    if (ret_plan->count == 0)
        pick_rest(version, ret_plan);
    if (ret_plan->count == 0)
        pick_divided(version, ret_plan);
}

void
rc_merge_pick_all(const struct rc_version *version, struct rc_merge_plan *ret_plan)
{
    bool room = true;
    *ret_plan = (struct rc_merge_plan){0};
    for (uint32_t first = 0, end = 0; room && first < version->slab_count; first = end) {
        const uint64_t rows = window_end(version, first, &end);
        bool dead = false;
        for (uint32_t i = first; i < end; i++)
            dead = dead || version->slabs[i].dead != NULL;
        if (rows < RC_SLAB_ROWS_MAX && (end - first > 1 || dead || is_of_divided(version, first)))
            room = plan_window(ret_plan, version, first, end, is_any, NULL, 1);
    }
}

static bool
holds_absent(struct rc_slab *slab, const struct rc_gone *gone, const struct rc_dictionary *ids)
{
    if (rc_slab_use(slab, RC_SLAB_PART_USERS, NULL) != RC_OK)
        return true; /* The merge will say why it cannot be read. */
    const uint32_t user_count = rc_slab_get_info(slab)->user_count;
    const uint32_t *users = rc_slab_users(slab);
    bool found = false;
    for (uint32_t i = 0; i < user_count && !found; i++)
        found = rc_gone_has(gone, users[i]) || !rc_dictionary_has(ids, users[i]);
    rc_slab_unuse(slab);
    return found;
}

void
rc_merge_pick_absent(const struct rc_version *version,
                     const struct rc_dictionary *ids,
                     struct rc_merge_plan *ret_plan)
{
    *ret_plan = (struct rc_merge_plan){0};
    for (uint32_t i = 0; i < version->slab_count; i++)
        if (holds_absent(version->slabs[i].slab, version->gone, ids)) {
            plan_add(ret_plan, &version->slabs[i]);
            return;
        }
}
