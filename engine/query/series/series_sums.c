/*
 * Series line: a line of event counts from one that has every row of the split in every bucket.
 * Sums of rows are right where no event is in two of them, which shows in the rows' sum being the
 * total.
 */
#include "engine/query/series/series_line.h"

static bool
is_additive(const struct rc_series_line *split, uint32_t places)
{
    double sum = 0;
    for (uint32_t row = 0; row < split->total; row++)
        sum += split->values[(size_t)row * places + places - 1];
    return sum == split->values[(size_t)split->total * places + places - 1];
}

bool
rc_series_line_sum(const struct rc_series_frame *frame,
                   const struct rc_series_line *split,
                   const struct rc_series_line *line)
{
    const uint32_t places = rc_line_places(frame, line);
    if (!split->bucketed || line->row_of == NULL || line->columns != NULL ||
        !is_additive(split, places))
        return false;
    for (uint32_t row = 0; row < split->row_count; row++) {
        const uint32_t target = row == split->total ? line->total : line->row_of[row];
        if (split->present[row] == 0)
            continue;
        line->present[target] = 1;
        for (uint32_t place = 0; place < places; place++)
            line->values[(size_t)target * places + place] +=
                split->values[(size_t)row * places + place];
    }
    frame->stats->matched_events +=
        (uint64_t)split->values[(size_t)split->total * places + places - 1];
    return true;
}
