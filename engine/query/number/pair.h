/*
 * Pair: a number as the sum of a double and of what rounding it to one took off, so that several
 * operations are rounded once, at the end. What is written with one operation after the other is
 * off by a neighbour often enough: one edge of ten bins in seven, and medians of large numbers that
 * are equal came out different.
 *
 * Operands are finite, and so must be what comes out (the caller asks). A hundred bits hold, of
 * sums all.
 */
#ifndef RC_QUERY_NUMBER_PAIR_H
#define RC_QUERY_NUMBER_PAIR_H

#include <math.h>

struct rc_pair {
    double high; /* The double next to the number, */
    double low;  /* and what is left. */
};

static inline struct rc_pair
rc_pair_add(double a, double b)
{
    const double sum = a + b;
    const double of_b = sum - a;
    return (struct rc_pair){sum, (a - (sum - of_b)) + (b - of_b)};
}

static inline struct rc_pair
rc_pair_multiply(struct rc_pair a, struct rc_pair b)
{
    const double product = a.high * b.high;
    return (struct rc_pair){product,
                            fma(a.high, b.high, -product) + (a.high * b.low + a.low * b.high)};
}

static inline struct rc_pair
rc_pair_divide(struct rc_pair a, double b)
{
    const double quotient = a.high / b;
    return (struct rc_pair){quotient, (fma(-quotient, b, a.high) + a.low) / b};
}

/* a + b, rounded. */
static inline double
rc_pair_plus(double a, struct rc_pair b)
{
    const struct rc_pair sum = rc_pair_add(a, b.high);
    return sum.high + (sum.low + b.low);
}

#endif
