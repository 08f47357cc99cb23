/*
 * Distributions: tails and quantiles of the three that tests here need. The only door to the
 * library, which has no C face.
 *
 * Threading: pure functions.
 * Errors:    an argument outside a distribution's domain gives NaN.
 */
#ifndef RC_COMPARE_DISTRIBUTIONS_H
#define RC_COMPARE_DISTRIBUTIONS_H

#ifdef __cplusplus
extern "C" {
#endif

/* P(|Z| >= |z|) of a standard normal Z. */
double
rc_normal_tails(double z);

/* The z with P(|Z| <= z) = confidence, in (0, 1). */
double
rc_normal_central(double confidence);

/* P(|T| >= |t|) of Student's T; degrees above 0 need not be whole. */
double
rc_student_tails(double t, double degrees);

/* The t with P(|T| <= t) = confidence, in (0, 1). */
double
rc_student_central(double confidence, double degrees);

/* P(X >= x) of a chi-square X. */
double
rc_chi_square_tail(double x, double degrees);

#ifdef __cplusplus
}
#endif

#endif
