/*
 * Funnel exclusions. An exclusion from step a to step b takes the steps that the attempt fills:
 * from a, or the last one filled before it; to b, or the first one filled after it. An attempt that
 * has not come to a is not looked at; one that has not come to b is looked at up to the end of its
 * window, and without a window for ever.
 */
#include "engine/query/funnel/funnel_exclude.h"

int64_t
rc_funnel_times_after(const struct rc_funnel_times *times, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = times->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (times->times_ms[middle] <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low == times->count ? INT64_MAX : times->times_ms[low];
}

static bool
excludes(const struct rc_funnel_rules *rules,
         const struct rc_funnel_exclusion *exclusion,
         const struct rc_funnel_times *times,
         const struct rc_funnel_attempt *attempt,
         const int64_t *times_ms)
{
    if (exclusion->after >= attempt->depth || times->count == 0)
        return false;
    uint32_t from = exclusion->after;
    while (((attempt->filled >> from) & 1) == 0)
        from--;
    const int64_t found_ms = rc_funnel_times_after(times, times_ms[from]);
    if (found_ms == INT64_MAX)
        return false;
    if (exclusion->before >= attempt->depth)
        return rules->window_ms < 0 || found_ms - times_ms[0] <= rules->window_ms;
    uint32_t until = exclusion->before;
    while (((attempt->filled >> until) & 1) == 0)
        until++;
    return found_ms < times_ms[until];
}

bool
rc_funnel_is_excluded(const struct rc_funnel_rules *rules,
                      const struct rc_funnel_times *excluded,
                      const struct rc_funnel_attempt *attempt,
                      const int64_t *times_ms)
{
    for (uint32_t i = 0; i < rules->exclusion_count; i++)
        if (excludes(rules, &rules->exclusions[i], &excluded[i], attempt, times_ms))
            return true;
    return false;
}
