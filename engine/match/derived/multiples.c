/*
 * Multiples: a unit of at most 15 digits is a whole number of parts over a power of ten, so that a
 * multiple is a product of whole numbers, which is exact up to 2^53, and one division, which gives
 * the double nearest to what it is in decimals. Which multiple it is comes from a division that may
 * be off by one, and is then asked of the multiples themselves. A unit that is no such fraction is
 * taken as it is.
 */
#include "engine/match/derived/multiples.h"

#include <math.h>
#include <stdbool.h>

#define WHOLE_MAX 0x1p53 /* Up to here doubles hold every whole number. */
#define TENS_MAX 1e22    /* The greatest power of ten that is a double. */

struct rc_multiples
rc_multiples_of(double unit)
{
    const double size = fabs(unit);
    for (double tens = 1; tens <= TENS_MAX && size * tens <= WHOLE_MAX; tens *= 10) {
        const double parts = round(size * tens);
        if (parts / tens == size)
            return (struct rc_multiples){parts, tens};
    }
    return (struct rc_multiples){size, 1};
}

static double
multiple(const struct rc_multiples *multiples, double count)
{
    return count * multiples->parts / multiples->tens;
}

/* How many units the multiple at or below the number is; false where that is beyond counting. */
static bool
count_below(const struct rc_multiples *multiples, double number, double *ret_count)
{
    double count = floor(number / (multiples->parts / multiples->tens));
    if (!(fabs(count) < WHOLE_MAX))
        return false;
    if (multiple(multiples, count + 1) <= number)
        count++;
    else if (multiple(multiples, count) > number)
        count--;
    *ret_count = count;
    return true;
}

double
rc_multiple_below(const struct rc_multiples *multiples, double number)
{
    double count;
    return count_below(multiples, number, &count) ? multiple(multiples, count) : number;
}

double
rc_multiple_nearest(const struct rc_multiples *multiples, double number)
{
    const double size = fabs(number);
    double count;
    if (!count_below(multiples, size, &count))
        return number;
    const double middle = (2 * count + 1) * multiples->parts / (2 * multiples->tens);
    return copysign(multiple(multiples, size >= middle ? count + 1 : count), number);
}
