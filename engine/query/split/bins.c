/*
 * Bins. An edge is the double next to least + (greatest - least) * index / count, rounded once
 * (number/pair.h): else a time in milliseconds that lies on an edge comes into the bin before it.
 * Only where the width of the range has no double are edges weighted means. A number belongs where
 * the edges say, whatever a division would.
 */
#include "engine/query/split/bins.h"

#include <float.h>
#include <math.h>

#include "engine/base/assert.h"
#include "engine/query/number/pair.h"

struct rc_bins
rc_bins_make(double least, double greatest, uint32_t count)
{
    if (!(least <= greatest))
        return (struct rc_bins){.count = 0};
    const double width = greatest - least;
    const double of_edges = fmax(fabs(least), fabs(greatest)); /* Which are rounded, too. */
    return (struct rc_bins){.count = least == greatest ? 1 : count,
                            .least = least,
                            .greatest = greatest,
                            .a_number = count / width,
                            .margin = count * (8 * DBL_EPSILON) * (1 + of_edges / width)};
}

double
rc_bins_edge(const struct rc_bins *bins, uint32_t index)
{
    RC_ASSERT(index <= bins->count);
    if (index == 0)
        return bins->least;
    if (index == bins->count)
        return bins->greatest;
    if (isfinite((bins->greatest - bins->least) * bins->count)) {
        const struct rc_pair width = rc_pair_add(bins->greatest, -bins->least);
        const struct rc_pair parts = rc_pair_multiply(width, (struct rc_pair){index, 0});
        return rc_pair_plus(bins->least, rc_pair_divide(parts, bins->count));
    }
    const double share = (double)index / (double)bins->count;
    return bins->least * (1 - share) + bins->greatest * share;
}

uint32_t
rc_bins_find(const struct rc_bins *bins, double number)
{
    RC_ASSERT(number >= bins->least && number <= bins->greatest);
    const double place = (number - bins->least) * bins->a_number;
    const double into = place - (double)(uint32_t)(place < bins->count ? place : 0);
    if (into > bins->margin && into < 1 - bins->margin)
        return (uint32_t)place;
    /* Near an edge: the last bin whose lower edge is not above the number. */
    uint32_t low = 0;
    uint32_t high = bins->count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (rc_bins_edge(bins, middle) <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}
