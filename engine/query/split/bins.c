/*
 * Bins. An edge is the double next to least + (greatest - least) * index / count: the terms are
 * carried with what each operation rounds off, so that the sum is rounded once. (Rounded at
 * each operation, one edge in seven between times in milliseconds was a neighbour of that double,
 * and a time that lies on an edge came into the bin before it.) Only where the width of the range
 * has no double are edges weighted means. A number belongs where the edges say, whatever a division
 * would.
 */
#include "engine/query/split/bins.h"

#include <math.h>

#include "engine/base/assert.h"

/* A number as the sum of a double and of what is lost by rounding it to one. */
struct pair {
    double high;
    double low;
};

/* Exactly. */
static struct pair
add(double a, double b)
{
    const double sum = a + b;
    const double of_b = sum - a;
    return (struct pair){sum, (a - (sum - of_b)) + (b - of_b)};
}

/* To a hundred bits. */
static struct pair
multiply(struct pair a, double b)
{
    const double product = a.high * b;
    return (struct pair){product, fma(a.high, b, -product) + a.low * b};
}

/* To a hundred bits. */
static struct pair
divide(struct pair a, double b)
{
    const double quotient = a.high / b;
    return (struct pair){quotient, (fma(-quotient, b, a.high) + a.low) / b};
}

struct rc_bins
rc_bins_make(double least, double greatest, uint32_t count)
{
    if (!(least <= greatest))
        return (struct rc_bins){.count = 0};
    return (struct rc_bins){
        .count = least == greatest ? 1 : count, .least = least, .greatest = greatest};
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
        const struct pair width = add(bins->greatest, -bins->least);
        const struct pair part = divide(multiply(width, index), bins->count);
        const struct pair edge = add(bins->least, part.high);
        return edge.high + (edge.low + part.low);
    }
    const double share = (double)index / (double)bins->count;
    return bins->least * (1 - share) + bins->greatest * share;
}

uint32_t
rc_bins_find(const struct rc_bins *bins, double number)
{
    RC_ASSERT(number >= bins->least && number <= bins->greatest);
    /* The last bin whose lower edge is not above the number. */
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
