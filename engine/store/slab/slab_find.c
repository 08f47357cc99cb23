/*
 * Slab find: a user's rows are in order of (time, event id), so both are found by halving.
 *
 * Ids compare by their texts: a sent id may be equal to the text of a derived one, which it does
 * not replace. So equal ones are looked at one by one; there is at most one that was sent.
 */
#include "engine/store/slab/slab_find.h"

/* The first row in [low, high) at or behind (offset, id). */
static uint32_t
lower_bound(const struct rc_slab *slab,
            uint32_t low,
            uint32_t high,
            uint32_t offset,
            const struct rc_event_id *id)
{
    const uint32_t *times = rc_slab_times(slab);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        bool before = times[middle] < offset;
        if (times[middle] == offset) {
            const struct rc_event_id other = rc_slab_event_id(slab, middle);
            before = rc_event_id_compare(&other, id) < 0;
        }
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
rc_slab_find_event_at(const struct rc_slab *slab,
                      uint32_t user,
                      int64_t time_ms,
                      const struct rc_event_id *id,
                      uint32_t *ret_row)
{
    const struct rc_slab_info *info = rc_slab_get_info(slab);
    const uint32_t index = rc_slab_user_lower_bound(slab, user);
    if (index == info->user_count || rc_slab_users(slab)[index] != user ||
        time_ms < info->time_min_ms || time_ms > info->time_max_ms)
        return false;
    const uint32_t offset = (uint32_t)(time_ms - info->window_start_ms);
    const uint32_t end = rc_slab_starts(slab)[index + 1];
    uint32_t row = lower_bound(slab, rc_slab_starts(slab)[index], end, offset, id);
    for (; row < end && rc_slab_times(slab)[row] == offset; row++) {
        const struct rc_event_id other = rc_slab_event_id(slab, row);
        if (rc_event_id_replaces(&other, id)) {
            *ret_row = row;
            return true;
        }
        if (rc_event_id_compare(&other, id) != 0)
            break;
    }
    return false;
}
