/*
 * Session run: where a session ends among a user's hits in total order: at the first pause that is
 * longer than the gap.
 */
#ifndef RC_QUERY_USAGE_SESSION_RUN_H
#define RC_QUERY_USAGE_SESSION_RUN_H

#include <stdint.h>

#include "engine/query/walk/walk.h"

/* The end of the session that begins at begin; begin < count. */
static inline uint32_t
rc_session_run_end(const struct rc_hit *hits, uint32_t begin, uint32_t count, int64_t gap_ms)
{
    uint32_t end = begin + 1;
    while (end < count && hits[end].time_ms - hits[end - 1].time_ms <= gap_ms)
        end++;
    return end;
}

#endif
