/* View times. */
#include "engine/query/time/view_times.h"

bool
rc_view_times(struct rc_view *view, int64_t *ret_min_ms, int64_t *ret_max_ms)
{
    uint32_t slab_count;
    uint32_t chunk_count;
    const struct rc_view_slab *slabs = rc_view_slabs(view, &slab_count);
    const struct rc_view_chunk *chunks = rc_view_chunks(view, &chunk_count);
    int64_t min_ms = INT64_MAX;
    int64_t max_ms = INT64_MIN;
    for (uint32_t i = 0; i < slab_count; i++) {
        const struct rc_slab_info *info = rc_slab_get_info(slabs[i].slab);
        min_ms = info->time_min_ms < min_ms ? info->time_min_ms : min_ms;
        max_ms = info->time_max_ms > max_ms ? info->time_max_ms : max_ms;
    }
    for (uint32_t i = 0; i < chunk_count; i++) {
        for (uint32_t row = 0; row < chunks[i].row_count; row++) {
            const int64_t time_ms = chunks[i].times_ms[row];
            min_ms = time_ms < min_ms ? time_ms : min_ms;
            max_ms = time_ms > max_ms ? time_ms : max_ms;
        }
    }
    *ret_min_ms = min_ms;
    *ret_max_ms = max_ms;
    return min_ms <= max_ms;
}
