/* Percentile. */
#include "engine/query/number/percentile.h"

#include "engine/base/assert.h"
#include "engine/query/number/pair.h"

struct rc_percentile_rank
rc_percentile_rank_of(double percentile, uint64_t count)
{
    RC_ASSERT(count > 0 && percentile >= 0 && percentile <= 100);
    const struct rc_pair parts =
        rc_pair_multiply((struct rc_pair){percentile, 0}, (struct rc_pair){(double)(count - 1), 0});
    const struct rc_pair rank = rc_pair_divide(parts, 100);
    uint64_t low = (uint64_t)rank.high;
    if ((double)low == rank.high && rank.low < 0 && low > 0)
        low--; /* It is a little less than a whole number. */
    low = low < count ? low : count - 1;
    const struct rc_pair share = rc_pair_add(rank.high, -(double)low);
    return (struct rc_percentile_rank){
        .low = low,
        .high = low + 1 < count ? low + 1 : low,
        .share = rc_pair_add(share.high, share.low + rank.low),
    };
}

double
rc_percentile_between(double low, double high, struct rc_pair share)
{
    if (low == high)
        return low;
    if (isfinite(high - low))
        return rc_pair_plus(low, rc_pair_multiply(rc_pair_add(high, -low), share));
    return low * (1 - share.high) + high * share.high;
}
