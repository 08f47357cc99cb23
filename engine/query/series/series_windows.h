/*
 * Series windows: which times the figures of rolling users read: the days before the end of each
 * bucket, and before that of the range. Where windows are shorter than buckets there are times
 * between them that no figure reads.
 */
#ifndef RC_QUERY_SERIES_SERIES_WINDOWS_H
#define RC_QUERY_SERIES_SERIES_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/query/series/series_frame.h"

#define RC_ROLLING_DAY_MS ((int64_t)86400000)

/* How many buckets of the frame have ended at a time. */
uint32_t
rc_series_buckets_ended(const struct rc_series_frame *frame, int64_t time_ms);

/* Whether some figure reads an event of this time that matches the selectors of mask; frame is a
 * struct rc_series_frame. For rc_split_request. */
bool
rc_series_reads(const void *frame, uint64_t mask, int64_t time_ms);

#endif
