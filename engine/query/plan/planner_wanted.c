/* Planner, wanted rows. A user's rows ascend in time, so those of a time are found by searching. */
#include "engine/query/plan/planner_wanted.h"

#include "engine/base/assert.h"

/* Rows are looked up one by one where they are at most one in so many of their blocks': a scan of
 * codes is so much quicker a row. */
#define FEW_ROWS_SHARE 16u

/* The first of a user's rows [begin, end) at or after a time. */
static uint32_t
row_at(const struct rc_slab *slab, uint32_t begin, uint32_t end, int64_t time_ms)
{
    while (begin < end) {
        const uint32_t middle = begin + (end - begin) / 2;
        if (rc_slab_time_ms(slab, middle) < time_ms)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

/* Adds the rows of the users with the indexes [first, end). false: no memory. */
static bool
want_users(const struct rc_slab *slab,
           uint32_t first,
           uint32_t end,
           struct rc_arena *arena,
           struct rc_plan_wanted *wanted)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t block_count = (info->row_count - 1) / RC_BLOCK_ROWS + 1;
    struct rc_row_range range = {rc_slab_starts(slab)[first], rc_slab_starts(slab)[end]};
    const bool one = end - first == 1 && !rc_slab_is_cold(slab); /* Times of others are not read. */
    if (one && wanted->from_ms > info->time_min_ms)
        range.begin = row_at(slab, range.begin, range.end, wanted->from_ms);
    if (one && wanted->until_ms <= info->time_max_ms)
        range.end = row_at(slab, range.begin, range.end, wanted->until_ms);
    if (range.begin == range.end)
        return true;
    if (wanted->blocks == NULL)
        wanted->blocks = RC_ARENA_ARRAY(arena, uint64_t, block_count / 64 + 1);
    if (wanted->ranges == NULL)
        wanted->ranges = RC_ARENA_ARRAY(arena, struct rc_row_range, RC_PLAN_USERS_LISTED);
    if (wanted->blocks == NULL || wanted->ranges == NULL)
        return false;
    RC_ASSERT(wanted->range_count == 0 ||
              wanted->ranges[wanted->range_count - 1].end <= range.begin);
    wanted->ranges[wanted->range_count++] = range;
    wanted->rows += range.end - range.begin;
    for (uint32_t block = range.begin / RC_BLOCK_ROWS; block <= (range.end - 1) / RC_BLOCK_ROWS;
         block++)
        wanted->blocks[block / 64] |= (uint64_t)1 << (block % 64);
    return true;
}

bool
rc_plan_meets(const struct rc_plan_users *users, const struct rc_slab *slab)
{
    const uint32_t user_count = rc_slab_get_info(slab)->user_count;
    const uint32_t *ordinals = rc_slab_users(slab);
    const bool listed = users->count <= RC_PLAN_USERS_LISTED;
    if (users->everybody)
        return true;
    for (uint32_t i = 0; i < (listed ? users->count : 1); i++) {
        const uint32_t at = rc_slab_user_lower_bound(slab, listed ? users->users[i] : users->first);
        if (at < user_count && ordinals[at] <= (listed ? users->users[i] : users->last))
            return true;
    }
    return false;
}

bool
rc_plan_want(const struct rc_plan_users *users,
             const struct rc_slab *slab,
             int64_t from_ms,
             int64_t until_ms,
             struct rc_arena *arena,
             struct rc_plan_wanted *ret_wanted)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t block_count = (info->row_count - 1) / RC_BLOCK_ROWS + 1;
    const uint32_t *ordinals = rc_slab_users(slab);
    const bool listed = users->count <= RC_PLAN_USERS_LISTED;
    struct rc_plan_wanted wanted = {.from_ms = from_ms, .until_ms = until_ms, .share = 1};
    uint64_t blocks = 0;
    *ret_wanted = wanted;
    if (users->everybody)
        return true;
    for (uint32_t i = 0; i < (listed ? users->count : 1); i++) {
        const uint32_t least = listed ? users->users[i] : users->first;
        const uint32_t most = listed ? users->users[i] : users->last;
        const uint32_t at = rc_slab_user_lower_bound(slab, least);
        if (at == info->user_count || ordinals[at] > most)
            continue;
        const uint32_t end = listed               ? at + 1
                             : most == UINT32_MAX ? info->user_count
                                                  : rc_slab_user_lower_bound(slab, most + 1);
        if (!want_users(slab, at, end, arena, &wanted))
            return true; /* Without memory all of it is looked at. */
    }
    if (wanted.rows == 0)
        return false;
    for (uint32_t word = 0; word <= block_count / 64; word++)
        blocks += (uint64_t)__builtin_popcountll(wanted.blocks[word]);
    if (!listed || wanted.rows > blocks * RC_BLOCK_ROWS / FEW_ROWS_SHARE)
        wanted.range_count = 0;
    wanted.share = wanted.range_count > 0 ? (double)wanted.rows / info->row_count
                                          : (double)blocks / block_count;
    if (wanted.range_count == 0 && blocks == block_count)
        wanted.blocks = NULL;
    *ret_wanted = wanted;
    return true;
}
