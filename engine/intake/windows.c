/* Windows. */
#include "engine/intake/windows.h"

/* The first slab of a window that begins at a time or later. */
static uint32_t
first_from(const struct rc_version *version, int64_t start_ms)
{
    uint32_t low = 0;
    uint32_t high = version->slab_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_slab_get_info(version->slabs[middle].slab)->window_start_ms < start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
rc_window_is_divided(const struct rc_version *version, struct rc_window window)
{
    const int64_t end_ms = rc_window_end_ms(window);
    uint64_t rows = 0;
    if (window.days == RC_WINDOW_DAYS_MIN)
        return false;
    for (uint32_t i = first_from(version, window.start_ms); i < version->slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(version->slabs[i].slab);
        if (info->window_start_ms >= end_ms)
            break;
        if (info->window_days < window.days)
            return true;
        rows += info->window_days == window.days ? rc_version_slab_rows(&version->slabs[i]) : 0;
    }
    return rows >
           (window.days == RC_WINDOW_DAYS_MAX ? version->window_rows_max : version->week_rows_max);
}

uint32_t
rc_window_parts(const struct rc_version *version,
                struct rc_window window,
                struct rc_window parts[RC_WINDOW_PARTS_MAX])
{
    const uint32_t days = rc_window_days_below(window.days);
    uint32_t count = 0;
    if (!rc_window_is_divided(version, window)) {
        parts[0] = window;
        return 1;
    }
    for (uint32_t day = 0; day < window.days; day += days) {
        const struct rc_window part = {window.start_ms + day * RC_DAY_MS, days};
        count += rc_window_parts(version, part, parts + count);
    }
    return count;
}

uint32_t
rc_window_find(const struct rc_window *windows, uint32_t count, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (windows[middle].start_ms <= time_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}
