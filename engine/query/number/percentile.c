/* Percentile. */
#include "engine/query/number/percentile.h"

#include <math.h>

#include "engine/base/assert.h"

struct rc_percentile_rank
rc_percentile_rank_of(double percentile, uint64_t count)
{
    RC_ASSERT(count > 0 && percentile >= 0 && percentile <= 100);
    /* Multiplied before it is divided: 95 percent of 20 is 19 and not a little less. */
    const double rank = percentile * (double)(count - 1) / 100;
    uint64_t low = (uint64_t)rank;
    low = low < count ? low : count - 1;
    return (struct rc_percentile_rank){
        .low = low,
        .high = low + 1 < count ? low + 1 : low,
        .share = rank - (double)low,
    };
}

double
rc_percentile_between(double low, double high, double share)
{
    if (low == high)
        return low;
    const double width = high - low;
    return isfinite(width) ? low + width * share : low * (1 - share) + high * share;
}
