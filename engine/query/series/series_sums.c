/*
 * Series line: a line of event counts from one that has every row of the split, in every bucket or
 * where there is one at most. Sums of rows are right where no event is in two of them, which shows
 * in the rows' sum being the total. So Other is what is left of the total: of a million rows only
 * those that are shown are added up.
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

/* Adds a row of the split to a row of the line, by is 1, or takes it away, by is -1. A split of the
 * range alone has its figure for the one bucket as well. */
static void
add_row(const struct rc_series_frame *frame,
        const struct rc_series_line *from,
        uint32_t from_row,
        const struct rc_series_line *line,
        uint32_t row,
        double by)
{
    const uint32_t from_places = rc_line_places(frame, from);
    const uint32_t places = rc_line_places(frame, line);
    const double *added = from->values + (size_t)from_row * from_places;
    double *values = line->values + (size_t)row * places;
    for (uint32_t place = 0; place < places; place++)
        values[place] += by * added[place < from_places ? place : from_places - 1];
    line->present[row] = values[places - 1] > 0;
}

bool
rc_series_line_sum(const struct rc_series_frame *frame,
                   const struct rc_series_line *split,
                   const struct rc_series_line *line)
{
    const uint32_t places = rc_line_places(frame, split);
    if (frame->request->series[line->series].measure != RC_MEASURE_COUNT ||
        (!split->bucketed && frame->bucket_count > 1) || line->row_of == NULL ||
        line->columns != NULL || !is_additive(split, places))
        return false;
    for (uint32_t row = 0; row < split->total; row++) {
        if (line->row_of[row] == line->other || split->present[row] == 0)
            continue;
        add_row(frame, split, row, line, line->row_of[row], 1);
    }
    add_row(frame, split, split->total, line, line->total, 1);
    if (line->other < line->total) { /* There is Other. */
        add_row(frame, split, split->total, line, line->other, 1);
        for (uint32_t row = 0; row < line->other; row++)
            add_row(frame, line, row, line, line->other, -1);
    }
    frame->stats->matched_events +=
        (uint64_t)split->values[(size_t)split->total * places + places - 1];
    return true;
}
