/*
 * Exact sum: adds doubles without rounding, and rounds once at the end. So a sum is the same in
 * whatever order, and in however many parts, its terms were added.
 *
 * Ownership: a sum that has met a number far from 1 owns a block, charged to the account given; see
 *            rc_exact_sum_close. All zero is the sum of nothing.
 * Threading: one thread at a time.
 * Errors:    RC_NO_MEMORY leaves the sum as it was.
 */
#ifndef RC_QUERY_NUMBER_EXACT_SUM_H
#define RC_QUERY_NUMBER_EXACT_SUM_H

#include <stdint.h>

#include "engine/base/alloc.h"
#include "engine/base/status.h"

struct rc_exact_wide;

struct rc_exact_sum {
    __int128 near;              /* In units of 2^-RC_EXACT_POINT. */
    struct rc_exact_wide *wide; /* What does not fit there; NULL: nothing. */
};

#define RC_EXACT_POINT 72

/* Adds a finite number that is not near; see rc_exact_sum_add. */
RC_MUST_USE enum rc_status
rc_exact_sum_add_far(struct rc_account *account, struct rc_exact_sum *sum, double number);

/* Adds a finite number. */
RC_MUST_USE static inline enum rc_status
rc_exact_sum_add(struct rc_account *account, struct rc_exact_sum *sum, double number)
{
    /* Near: whole in units of 2^-72, and below 2^45. When near would overflow it is emptied into
     * wide, at most once in a thousand numbers. */
    union {
        double number;
        uint64_t bits;
    } form = {.number = number};
    const int exponent = (int)((form.bits >> 52) & 2047) - 1075; /* Of the mantissa's unit. */
    const int64_t mantissa = (int64_t)((form.bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52);
    if (exponent < -RC_EXACT_POINT || exponent > -8)
        return rc_exact_sum_add_far(account, sum, number);
    const __int128 term = (__int128)mantissa << (exponent + RC_EXACT_POINT);
    __int128 next;
    if (__builtin_add_overflow(sum->near, (form.bits >> 63) != 0 ? -term : term, &next))
        return rc_exact_sum_add_far(account, sum, number);
    sum->near = next;
    return RC_OK;
}

/* Adds a finite number count times. */
RC_MUST_USE enum rc_status
rc_exact_sum_add_times(struct rc_account *account,
                       struct rc_exact_sum *sum,
                       double number,
                       uint64_t count);

/* Adds another sum. */
RC_MUST_USE enum rc_status
rc_exact_sum_join(struct rc_account *account,
                  struct rc_exact_sum *sum,
                  const struct rc_exact_sum *other);

/* The double nearest to the sum; infinite when it lies past the greatest. */
double
rc_exact_sum_value(const struct rc_exact_sum *sum);

/* The same as a figure of an answer: NAN, no number, when it lies past the greatest. */
double
rc_exact_sum_figure(const struct rc_exact_sum *sum);

/* The sum divided by count, which is not 0, as a figure; a number also where the sum is none. */
double
rc_exact_sum_mean(const struct rc_exact_sum *sum, uint64_t count);

void
rc_exact_sum_close(struct rc_exact_sum *sum);

#endif
