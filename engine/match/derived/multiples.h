/*
 * Multiples: of a number as it is written. Those of 0.1 are 0.1, 0.2 and 0.3, each the double that
 * its decimals mean, and not 3 * 0.1, which is 0.30000000000000004 and above 0.3.
 *
 * Threading: pure.
 */
#ifndef RC_MATCH_DERIVED_MULTIPLES_H
#define RC_MATCH_DERIVED_MULTIPLES_H

/* Of parts / tens. */
struct rc_multiples {
    double parts;
    double tens; /* A power of ten. */
};

/* The multiples of unit, whose sign does not matter. It is finite and not 0. */
struct rc_multiples
rc_multiples_of(double unit);

/* The greatest multiple at or below the number. A number whose multiple lies 2^53 units from 0, or
 * further, stays as it is. */
double
rc_multiple_below(const struct rc_multiples *multiples, double number);

/* The nearest multiple; from the middle, as it is written too, away from 0. */
double
rc_multiple_nearest(const struct rc_multiples *multiples, double number);

#endif
