/* Encode: intervals. */
#include "server/encode/encode_inference.h"

#include <math.h>

#include "server/encode/encode.h"

enum rc_status
rc_encode_interval(struct rc_arena *arena,
                   struct rc_interval interval,
                   Recount__V1__Interval **ret_interval)
{
    Recount__V1__Interval *out;
    if (isnan(interval.low) || isnan(interval.high))
        return RC_OK;
    RC_NEW(arena, out, recount__v1__interval__descriptor);
    out->low = interval.low;
    out->high = interval.high;
    *ret_interval = out;
    return RC_OK;
}
