/* Series windows. The windows of a series are equally long and end where buckets do, so a time is
 * in one of them if a bucket ends behind it and no later than their length after it. */
#include "engine/query/series/series_windows.h"

uint32_t
rc_series_buckets_ended(const struct rc_series_frame *frame, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = frame->bucket_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (frame->buckets[middle].end_ms <= time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
rc_series_reads(const void *frame, uint64_t mask, int64_t time_ms)
{
    const struct rc_series_frame *of = frame;
    for (uint32_t i = 0; i < of->request->series_count; i++) {
        const struct rc_series *series = &of->request->series[i];
        if (((mask >> of->bit_of[i]) & 1) == 0)
            continue;
        const int64_t window_end_ms = time_ms + series->rolling_days * RC_ROLLING_DAY_MS;
        if (series->measure != RC_MEASURE_ROLLING || window_end_ms >= of->scope.end_ms ||
            rc_series_buckets_ended(of, time_ms) < rc_series_buckets_ended(of, window_end_ms))
            return true;
    }
    return false;
}
